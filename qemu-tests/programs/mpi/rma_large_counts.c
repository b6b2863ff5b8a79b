/* One-sided communication with counts and displacement units of type MPI_Count and MPI_Aint (MPI 5.0, sections 12.2, 12.3). */
#include <mpi.h>

#include <string.h>

#include "../check.h"

enum { N = 3000 };

static int size, left, right;

/* Every other element of an int array: put, got and accumulated. */
static void transfers(MPI_Win win, const int *memory)
{
    MPI_Datatype spread;
    int mine[N], got[N];
    MPI_Type_vector(N / 2, 1, 2, MPI_INT, &spread);
    MPI_Type_commit(&spread);
    for (int i = 0; i < N; i++)
        mine[i] = 10000 * check_rank + i;

    MPI_Win_fence(0, win);
    CHECK(MPI_Put_c(mine, N / 2, MPI_INT, right, 1, 1, spread, win) == MPI_SUCCESS);
    MPI_Win_fence(0, win);
    for (int i = 0; i < N / 2; i++)
        CHECK(memory[2 * i + 1] == 10000 * left + i && memory[2 * i] == 0);

    memset(got, -1, sizeof got);
    MPI_Win_fence(0, win);
    CHECK(MPI_Get_c(got, 1, spread, left, 1, 1, spread, win) == MPI_SUCCESS);
    MPI_Win_fence(0, win);
    int from = (left + size - 1) % size;
    for (int i = 0; i < N; i++)
        CHECK(got[i] == (i % 2 ? -1 : 10000 * from + i / 2));

    /* All ranks add to rank 0. */
    MPI_Win_fence(0, win);
    CHECK(MPI_Accumulate_c(mine, N, MPI_INT, 0, 0, N, MPI_INT, MPI_SUM, win) == MPI_SUCCESS);
    MPI_Win_fence(0, win);
    int ranks = 10000 * (size * (size - 1) / 2);
    for (int i = 0; check_rank == 0 && i < N; i++)
        CHECK(memory[i] == (i % 2 ? 10000 * (size - 1) + i / 2 : 0) + ranks + size * i);
    MPI_Win_fence(0, win);
    MPI_Type_free(&spread);
}

/* The previous contents come back, in some order of the ranks: each finds a sum of what others added. */
static void previous(MPI_Win win, int *memory)
{
    int add[2] = {1, 100}, before[2] = {-1, -1}, none = -1;
    MPI_Win_fence(0, win);
    memory[0] = memory[1] = 0;
    MPI_Win_fence(0, win);
    CHECK(MPI_Get_accumulate_c(add, 2, MPI_INT, before, 2, MPI_INT, size - 1, 0, 2, MPI_INT, MPI_SUM, win) == MPI_SUCCESS);
    MPI_Win_fence(0, win);
    CHECK(before[0] >= 0 && before[0] < size && before[1] >= 0 && before[1] < 100 * size && before[1] % 100 == 0);
    int seen = 1 << before[0], all;
    MPI_Allreduce(&seen, &all, 1, MPI_INT, MPI_BOR, MPI_COMM_WORLD);
    CHECK(all == (1 << size) - 1);
    if (check_rank == size - 1)
        CHECK(memory[0] == size && memory[1] == 100 * size);
    MPI_Win_fence(0, win);
    CHECK(MPI_Get_accumulate_c(NULL, 0, MPI_INT, &none, 1, MPI_INT, size - 1, 1, 1, MPI_INT, MPI_NO_OP, win) == MPI_SUCCESS);
    MPI_Win_fence(0, win);
    CHECK(none == 100 * size);
    CHECK(MPI_Put_c(add, -1, MPI_INT, 0, 0, 1, MPI_INT, win) == MPI_ERR_COUNT);
    CHECK(MPI_Get_c(add, 1, MPI_INT, size, 0, 1, MPI_INT, win) == MPI_ERR_RANK);
    CHECK(MPI_Get_c(add, ((MPI_Count)1 << 32) + 1, MPI_INT, 0, 0, ((MPI_Count)1 << 32) + 1, MPI_INT, win) == MPI_ERR_RMA_RANGE);
    CHECK(MPI_Accumulate_c(add, 1, MPI_INT, 0, 0, 1, MPI_INT, MPI_OP_NULL, win) == MPI_ERR_OP);
}

static void created(void)
{
    MPI_Win win;
    int *memory = calloc(N, sizeof(int));
    CHECK(MPI_Win_create_c(memory, N * sizeof(int), sizeof(int), MPI_INFO_NULL, MPI_COMM_WORLD, &win) == MPI_SUCCESS);
    MPI_Win_set_errhandler(win, MPI_ERRORS_RETURN);
    transfers(win, memory);
    previous(win, memory);
    MPI_Win_free(&win);
    free(memory);
}

static void allocated(void)
{
    MPI_Win win;
    int *memory = NULL, flag = 0;
    MPI_Aint *bytes;
    CHECK(MPI_Win_allocate_c(N * sizeof(int), sizeof(int), MPI_INFO_NULL, MPI_COMM_WORLD, &memory, &win) == MPI_SUCCESS);
    MPI_Win_set_errhandler(win, MPI_ERRORS_RETURN);
    MPI_Win_get_attr(win, MPI_WIN_SIZE, &bytes, &flag);
    CHECK(flag && *bytes == N * sizeof(int));
    memset(memory, 0, N * sizeof(int));
    transfers(win, memory);
    previous(win, memory);
    MPI_Win_free(&win);
}

/* A unit that no int can hold: the first element is at 0, there is no second one. */
static void huge_units(void)
{
    MPI_Win win;
    MPI_Aint unit = (MPI_Aint)1 << 33;
    int value = -1, mine = 70 + check_rank;
    CHECK(MPI_Win_create_c(&value, sizeof value, unit, MPI_INFO_NULL, MPI_COMM_WORLD, &win) == MPI_SUCCESS);
    MPI_Win_set_errhandler(win, MPI_ERRORS_RETURN);
    MPI_Win_fence(0, win);
    CHECK(MPI_Put_c(&mine, 1, MPI_INT, right, 0, 1, MPI_INT, win) == MPI_SUCCESS);
    CHECK(MPI_Put_c(&mine, 1, MPI_INT, right, 1, 1, MPI_INT, win) == MPI_ERR_RMA_RANGE);
    MPI_Win_fence(0, win);
    CHECK(value == 70 + left);
    int *small = NULL, flag = 0, fits = 0;
    MPI_Win_get_attr(win, MPI_WIN_DISP_UNIT, &small, &flag);
    CHECK(flag && *small == MPI_UNDEFINED);
    MPI_Win_free(&win);

    int *base;
    MPI_Aint bytes = -1, got = -1;
    CHECK(MPI_Win_allocate_shared_c(sizeof(int), unit, MPI_INFO_NULL, MPI_COMM_SELF, &base, &win) == MPI_SUCCESS);
    MPI_Win_set_errhandler(win, MPI_ERRORS_RETURN);
    CHECK(MPI_Win_shared_query_c(win, 0, &bytes, &got, &base) == MPI_SUCCESS && bytes == sizeof(int) && got == unit);
    CHECK(MPI_Win_shared_query(win, 0, &bytes, &fits, &base) == MPI_ERR_VALUE_TOO_LARGE);
    MPI_Win_free(&win);
}

/* Ranks of one host load and store in each other's memory. */
static void shared(void)
{
    MPI_Comm host;
    MPI_Win win;
    int me, ranks;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host);
    MPI_Comm_rank(host, &me);
    MPI_Comm_size(host, &ranks);
    int *mine = NULL, *theirs = NULL;
    /* Rank i has i + 1 elements. */
    CHECK(MPI_Win_allocate_shared_c((me + 1) * sizeof(int), sizeof(int) * (me + 1), MPI_INFO_NULL, host, &mine, &win) ==
          MPI_SUCCESS);
    MPI_Win_lock_all(MPI_MODE_NOCHECK, win);
    for (int i = 0; i <= me; i++)
        mine[i] = 100 * me + i;
    CHECK(MPI_Win_sync(win) == MPI_SUCCESS);
    MPI_Barrier(host);
    CHECK(MPI_Win_sync(win) == MPI_SUCCESS);
    for (int rank = 0; rank < ranks; rank++) {
        MPI_Aint bytes = -1, unit = -1;
        CHECK(MPI_Win_shared_query_c(win, rank, &bytes, &unit, &theirs) == MPI_SUCCESS);
        CHECK(bytes == (MPI_Aint)((rank + 1) * sizeof(int)) && unit == (MPI_Aint)sizeof(int) * (rank + 1));
        for (int i = 0; i <= rank; i++)
            CHECK(theirs[i] == 100 * rank + i);
    }
    MPI_Barrier(host);
    /* The left neighbour stores, the owner loads. */
    MPI_Aint bytes, unit;
    MPI_Win_shared_query_c(win, (me + 1) % ranks, &bytes, &unit, &theirs);
    theirs[0] = -5 - me;
    MPI_Win_sync(win);
    MPI_Barrier(host);
    MPI_Win_sync(win);
    CHECK(mine[0] == -5 - (me + ranks - 1) % ranks);
    MPI_Win_unlock_all(win);
    CHECK(MPI_Win_shared_query_c(win, MPI_PROC_NULL, &bytes, &unit, &theirs) == MPI_SUCCESS && bytes == sizeof(int));
    MPI_Win_free(&win);
    MPI_Comm_free(&host);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    left = (check_rank + size - 1) % size;
    right = (check_rank + 1) % size;
    created();
    allocated();
    huge_units();
    shared();
    return check_end("rma_large_counts");
}
