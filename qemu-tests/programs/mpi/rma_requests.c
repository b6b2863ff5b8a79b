/* One-sided operations with requests, and completion at the origin alone (MPI 5.0, sections 12.3.5 and 12.5.4). */
#include <mpi.h>

#include <string.h>

#include "../check.h"

enum { N = 500 };

static int size, left, right;

static void moving(MPI_Win win, const long *memory)
{
    MPI_Request requests[2];
    long mine[N], got[N];
    for (int i = 0; i < N; i++)
        mine[i] = 1000000L * check_rank + i;
    MPI_Win_lock_all(0, win);
    CHECK(MPI_Rput_c(mine, N, MPI_LONG, right, 0, N, MPI_LONG, win, &requests[0]) == MPI_SUCCESS);
    CHECK(MPI_Wait(&requests[0], MPI_STATUS_IGNORE) == MPI_SUCCESS && requests[0] == MPI_REQUEST_NULL);
    /* The buffer is the program's again, the data may still be on its way. */
    memset(mine, -1, sizeof mine);
    MPI_Win_flush(right, win);
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK(MPI_Win_sync(win) == MPI_SUCCESS);
    for (int i = 0; i < N; i++)
        CHECK(memory[i] == 1000000L * left + i);
    memset(got, -1, sizeof got);
    CHECK(MPI_Rget_c(got, N / 2, MPI_LONG, right, 0, N / 2, MPI_LONG, win, &requests[0]) == MPI_SUCCESS);
    CHECK(MPI_Rget_c(got + N / 2, N / 2, MPI_LONG, left, N / 2, N / 2, MPI_LONG, win, &requests[1]) == MPI_SUCCESS);
    CHECK(MPI_Waitall(2, requests, MPI_STATUSES_IGNORE) == MPI_SUCCESS);
    for (int i = 0; i < N; i++) {
        int from = i < N / 2 ? check_rank : (left + size - 1) % size;
        CHECK(got[i] == 1000000L * from + i);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Win_unlock_all(win);
}

/* All ranks add to all ranks; what was there before is a sum of parts that came earlier. */
static void adding(MPI_Win win, long *memory)
{
    MPI_Request *requests = malloc(3 * size * sizeof *requests);
    long *before = malloc(2 * size * sizeof *before), one = 1, many[2] = {1000, 1000000};
    MPI_Win_lock(MPI_LOCK_EXCLUSIVE, check_rank, 0, win);
    memset(memory, 0, N * sizeof(long));
    MPI_Win_unlock(check_rank, win);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Win_lock_all(0, win);
    for (int rank = 0; rank < size; rank++) {
        MPI_Request *three = requests + 3 * rank;
        CHECK(MPI_Rget_accumulate(&one, 1, MPI_LONG, &before[2 * rank], 1, MPI_LONG, rank, 0, 1, MPI_LONG, MPI_SUM, win,
                  &three[0]) == MPI_SUCCESS);
        CHECK(MPI_Rget_accumulate_c(&one, 1, MPI_LONG, &before[2 * rank + 1], 1, MPI_LONG, rank, 1, 1, MPI_LONG, MPI_SUM, win,
                  &three[1]) == MPI_SUCCESS);
        CHECK(MPI_Raccumulate_c(many, 2, MPI_LONG, rank, 2, 2, MPI_LONG, MPI_SUM, win, &three[2]) == MPI_SUCCESS);
    }
    CHECK(MPI_Waitall(3 * size, requests, MPI_STATUSES_IGNORE) == MPI_SUCCESS);
    MPI_Win_unlock_all(win);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Win_lock(MPI_LOCK_SHARED, check_rank, 0, win);
    CHECK(memory[0] == size && memory[1] == size && memory[2] == 1000L * size && memory[3] == 1000000L * size);
    MPI_Win_unlock(check_rank, win);
    /* Each of 0 ... size - 1 was found once at each rank. */
    for (int i = 0; i < 2 * size; i++) {
        long seen = before[i] >= 0 && before[i] < size ? 1L << before[i] : 0, all;
        MPI_Allreduce(&seen, &all, 1, MPI_LONG, MPI_SUM, MPI_COMM_WORLD);
        CHECK(all == (1L << size) - 1);
    }
    free(requests);
    free(before);
}

/* After a local flush, buffers of all operations may be used again; what was sent is what they had before. */
static void local(MPI_Win win, const long *memory)
{
    long value;
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Win_lock_all(0, win);
    for (int round = 0; round < 10; round++)
        for (int rank = 0; rank < size; rank++) {
            value = 100 * check_rank + round;
            MPI_Put(&value, 1, MPI_LONG, rank, 10 * check_rank + round, 1, MPI_LONG, win);
            CHECK(MPI_Win_flush_local_all(win) == MPI_SUCCESS);
            value = -1;
        }
    MPI_Win_flush_all(win);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Win_sync(win);
    for (int rank = 0; rank < size; rank++)
        for (int round = 0; round < 10; round++)
            CHECK(memory[10 * rank + round] == 100 * rank + round);
    MPI_Win_unlock_all(win);
}

static void wrong_use(MPI_Win win)
{
    MPI_Request request;
    long value = 0;
    CHECK(MPI_Win_flush_local_all(win) == MPI_ERR_RMA_SYNC);
    CHECK(MPI_Rget_accumulate(&value, 1, MPI_LONG, &value, 1, MPI_LONG, 0, 0, 1, MPI_LONG, MPI_SUM, win, &request) ==
          MPI_ERR_RMA_SYNC);
    MPI_Win_lock_all(0, win);
    CHECK(MPI_Rput_c(&value, 1, MPI_LONG, MPI_PROC_NULL, 0, 1, MPI_LONG, win, &request) == MPI_SUCCESS);
    CHECK(MPI_Wait(&request, MPI_STATUS_IGNORE) == MPI_SUCCESS);
    CHECK(MPI_Rget_c(&value, 1, MPI_LONG, 0, N, 1, MPI_LONG, win, &request) == MPI_ERR_RMA_RANGE);
    CHECK(MPI_Raccumulate_c(&value, -1, MPI_LONG, 0, 0, 1, MPI_LONG, MPI_SUM, win, &request) == MPI_ERR_COUNT);
    MPI_Win_unlock_all(win);
    CHECK(MPI_Win_sync(MPI_WIN_NULL) == MPI_ERR_WIN);
    CHECK(MPI_Win_flush_local_all(MPI_WIN_NULL) == MPI_ERR_WIN);
}

int main(int argc, char **argv)
{
    MPI_Win win;
    long *memory;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    left = (check_rank + size - 1) % size;
    right = (check_rank + 1) % size;
    MPI_Win_allocate(N * sizeof(long), sizeof(long), MPI_INFO_NULL, MPI_COMM_WORLD, &memory, &win);
    MPI_Win_set_errhandler(win, MPI_ERRORS_RETURN);
    moving(win, memory);
    adding(win, memory);
    local(win, memory);
    wrong_use(win);
    MPI_Win_free(&win);
    return check_end("rma_requests");
}
