/* File pointers: the rank's own, the shared one, in order; split and non-blocking accesses; atomic mode; large counts
   (MPI 5.0, sections 14.4 and 14.6). */
#include <mpi.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../check.h"

#define NAME "io_pointers.data"

static int size;

static MPI_File opened(int amode)
{
    MPI_File fh;
    int code = MPI_File_open(MPI_COMM_WORLD, NAME, amode, MPI_INFO_NULL, &fh);
    CHECK(code == MPI_SUCCESS);
    return fh;
}

static void contents(void *buffer, size_t bytes, off_t offset)
{
    MPI_Barrier(MPI_COMM_WORLD);
    int fd = open(NAME, O_RDONLY);
    CHECK(fd >= 0 && pread(fd, buffer, bytes, offset) == (ssize_t)bytes);
    close(fd);
    MPI_Barrier(MPI_COMM_WORLD);
}

static int class_of(int code)
{
    int class;
    MPI_Error_class(code, &class);
    return class;
}

static void own(void)
{
    MPI_File fh = opened(MPI_MODE_RDWR | MPI_MODE_CREATE | MPI_MODE_DELETE_ON_CLOSE);
    MPI_Offset at;
    MPI_Status status;
    int values[10], back[10], count;
    for (int i = 0; i < 10; i++)
        values[i] = 100 * check_rank + i;
    MPI_File_set_view(fh, 40 * check_rank, MPI_INT, MPI_INT, "native", MPI_INFO_NULL);
    MPI_File_write(fh, values, 4, MPI_INT, &status);
    MPI_File_get_position(fh, &at);
    CHECK(at == 4);
    MPI_File_write_c(fh, values + 4, 6, MPI_INT, &status);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_File_seek(fh, -3, MPI_SEEK_CUR);
    MPI_File_read(fh, back, 3, MPI_INT, &status);
    CHECK(memcmp(back, values + 7, 12) == 0);
    MPI_File_seek(fh, 2, MPI_SEEK_SET);
    MPI_File_read_all(fh, back, 2, MPI_INT, &status);
    CHECK(back[0] == values[2] && back[1] == values[3]);
    MPI_File_seek(fh, -1, MPI_SEEK_END);
    MPI_File_get_position(fh, &at);
    CHECK(at == 10 * (size - check_rank) - 1);
    MPI_File_read(fh, back, 5, MPI_INT, &status);
    MPI_Get_count(&status, MPI_INT, &count);
    CHECK(count == 1 && back[0] == 100 * (size - 1) + 9);
    MPI_File_read(fh, back, 5, MPI_INT, &status);
    MPI_Get_count(&status, MPI_INT, &count);
    CHECK(count == 0);
    MPI_File_close(&fh);
}

static void shared(void)
{
    enum { N = 25 };
    MPI_File fh = opened(MPI_MODE_RDWR | MPI_MODE_CREATE | MPI_MODE_DELETE_ON_CLOSE);
    MPI_Status status;
    MPI_Offset at;
    int record[4], seen[16] = {0};
    MPI_File_set_view(fh, 8, MPI_INT, MPI_INT, "native", MPI_INFO_NULL);
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < 4; k++)
            record[k] = 1000 * check_rank + i;
        if (i % 2)
            MPI_File_write_shared(fh, record, 4, MPI_INT, &status);
        else {
            MPI_Request request;
            MPI_File_iwrite_shared(fh, record, 4, MPI_INT, &request);
            MPI_Wait(&request, &status);
        }
    }
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_File_get_position_shared(fh, &at);
    CHECK(at == 4 * N * size);
    int *all = malloc(16 * N * size);
    contents(all, 16 * N * size, 8);
    /* Records are whole, and those of a rank in its order. */
    for (int i = 0; i < N * size; i++) {
        int rank = all[4 * i] / 1000;
        CHECK(rank >= 0 && rank < size);
        CHECK(all[4 * i] == 1000 * rank + seen[rank]);
        seen[rank]++;
        for (int k = 1; k < 4; k++)
            CHECK(all[4 * i + k] == all[4 * i]);
    }
    /* Each record is read by one rank. */
    CHECK(MPI_File_seek_shared(fh, 0, MPI_SEEK_SET) == MPI_SUCCESS);
    int mine = 0, count, sum;
    for (;;) {
        MPI_File_read_shared(fh, record, 4, MPI_INT, &status);
        MPI_Get_count(&status, MPI_INT, &count);
        if (count == 0)
            break;
        CHECK(count == 4);
        mine++;
    }
    MPI_Allreduce(&mine, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    CHECK(sum == N * size);
    free(all);
    MPI_File_close(&fh);
}

static void ordered(void)
{
    MPI_File fh = opened(MPI_MODE_RDWR | MPI_MODE_CREATE | MPI_MODE_DELETE_ON_CLOSE);
    MPI_Status status;
    MPI_Offset at;
    int mine[16], back[16], total = size * (size + 1) / 2, before = check_rank * (check_rank + 1) / 2;
    int *all = malloc(3 * total * sizeof(int));
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i <= check_rank; i++)
            mine[i] = 1000 * round + before + i;
        if (round == 1) {
            MPI_File_write_ordered_begin(fh, mine, check_rank + 1, MPI_INT);
            MPI_File_write_ordered_end(fh, mine, &status);
        } else
            MPI_File_write_ordered(fh, mine, check_rank + 1, MPI_INT, &status);
    }
    contents(all, 3 * total * sizeof(int), 0);
    for (int i = 0; i < 3 * total; i++)
        CHECK(all[i] == 1000 * (i / total) + i % total);
    MPI_File_get_position_shared(fh, &at);
    CHECK(at == (MPI_Offset)(3 * total * sizeof(int)));
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_File_seek_shared(fh, total * (MPI_Offset)sizeof(int), MPI_SEEK_SET);
    MPI_File_read_ordered(fh, back, check_rank + 1, MPI_INT, &status);
    for (int i = 0; i <= check_rank; i++)
        CHECK(back[i] == 1000 + before + i);
    MPI_File_read_ordered_begin(fh, back, check_rank + 1, MPI_INT);
    MPI_File_read_ordered_end(fh, back, &status);
    for (int i = 0; i <= check_rank; i++)
        CHECK(back[i] == 2000 + before + i);
    /* A rank with a wrong argument does not keep the others waiting. */
    int code = MPI_File_read_ordered(fh, back, check_rank == 0 ? -1 : 0, MPI_INT, &status);
    CHECK(class_of(code) == (check_rank == 0 ? MPI_ERR_COUNT : MPI_SUCCESS));
    free(all);
    MPI_File_close(&fh);
}

static void sequential(void)
{
    MPI_File fh = opened(MPI_MODE_WRONLY | MPI_MODE_CREATE | MPI_MODE_SEQUENTIAL);
    MPI_Offset at;
    int value = size, back = -1;
    CHECK(class_of(MPI_File_write_at(fh, 0, &value, 1, MPI_INT, MPI_STATUS_IGNORE)) == MPI_ERR_UNSUPPORTED_OPERATION);
    CHECK(class_of(MPI_File_write(fh, &value, 1, MPI_INT, MPI_STATUS_IGNORE)) == MPI_ERR_UNSUPPORTED_OPERATION);
    CHECK(class_of(MPI_File_seek(fh, 0, MPI_SEEK_SET)) == MPI_ERR_UNSUPPORTED_OPERATION);
    CHECK(class_of(MPI_File_get_position(fh, &at)) == MPI_ERR_UNSUPPORTED_OPERATION);
    if (check_rank == 0)
        MPI_File_write_shared(fh, &value, 1, MPI_INT, MPI_STATUS_IGNORE);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_File_write_ordered(fh, &check_rank, 1, MPI_INT, MPI_STATUS_IGNORE);
    MPI_File_close(&fh);
    fh = opened(MPI_MODE_RDONLY | MPI_MODE_SEQUENTIAL | MPI_MODE_DELETE_ON_CLOSE);
    if (check_rank == 0) {
        MPI_File_read_shared(fh, &back, 1, MPI_INT, MPI_STATUS_IGNORE);
        CHECK(back == size);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK(class_of(MPI_File_set_view(fh, 0, MPI_INT, MPI_INT, "native", MPI_INFO_NULL)) == MPI_ERR_ARG);
    CHECK(MPI_File_set_view(fh, MPI_DISPLACEMENT_CURRENT, MPI_INT, MPI_INT, "native", MPI_INFO_NULL) == MPI_SUCCESS);
    MPI_File_read_ordered(fh, &back, 1, MPI_INT, MPI_STATUS_IGNORE);
    CHECK(back == check_rank);
    MPI_File_close(&fh);
}

static void split(void)
{
    MPI_File fh = opened(MPI_MODE_RDWR | MPI_MODE_CREATE | MPI_MODE_DELETE_ON_CLOSE);
    MPI_Status status;
    int mine[8], back[8], count;
    for (int i = 0; i < 8; i++)
        mine[i] = 10 * check_rank + i;
    MPI_File_write_at_all_begin(fh, 32 * check_rank, mine, 4, MPI_INT);
    CHECK(class_of(MPI_File_read_at_all_begin(fh, 0, back, 4, MPI_INT)) == MPI_ERR_IO);
    CHECK(class_of(MPI_File_write_all_end(fh, mine, &status)) == MPI_ERR_IO);
    CHECK(class_of(MPI_File_write_at_all_end(fh, back, &status)) == MPI_ERR_BUFFER);
    CHECK(class_of(MPI_File_close(&fh)) == MPI_ERR_IO);
    CHECK(MPI_File_write_at_all_end(fh, mine, &status) == MPI_SUCCESS);
    MPI_Get_count(&status, MPI_INT, &count);
    CHECK(count == 4);
    CHECK(class_of(MPI_File_write_at_all_end(fh, mine, &status)) == MPI_ERR_IO);
    MPI_File_seek(fh, 32 * check_rank + 16, MPI_SEEK_SET);
    MPI_File_write_all_begin(fh, mine + 4, 4, MPI_INT);
    MPI_File_write_all_end(fh, mine + 4, &status);
    MPI_Barrier(MPI_COMM_WORLD);
    int other = (check_rank + 1) % size;
    MPI_File_read_at_all_begin_c(fh, 32 * other, back, 8, MPI_INT);
    MPI_File_read_at_all_end(fh, back, &status);
    for (int i = 0; i < 8; i++)
        CHECK(back[i] == 10 * other + i);
    MPI_File_seek(fh, 0, MPI_SEEK_SET);
    MPI_File_read_all_begin(fh, back, 8, MPI_INT);
    MPI_File_read_all_end(fh, back, &status);
    MPI_Get_count(&status, MPI_INT, &count);
    CHECK(count == 8 && back[7] == 7);
    MPI_File_close(&fh);
}

static void nonblocking(void)
{
    enum { N = 300 };
    MPI_File fh = opened(MPI_MODE_RDWR | MPI_MODE_CREATE | MPI_MODE_DELETE_ON_CLOSE);
    MPI_Request requests[4];
    MPI_Status statuses[4];
    int mine[N], back[N], count, flag;
    MPI_Offset base = (MPI_Offset)check_rank * N * 4;
    for (int i = 0; i < N; i++)
        mine[i] = 10000 * check_rank + i;
    MPI_File_seek(fh, base + 800, MPI_SEEK_SET);
    MPI_File_iwrite_at(fh, base, mine, 100, MPI_INT, &requests[0]);
    MPI_File_iwrite_at_all(fh, base + 400, mine + 100, 100, MPI_INT, &requests[1]);
    MPI_File_iwrite(fh, mine + 200, 50, MPI_INT, &requests[2]);
    MPI_File_iwrite_all_c(fh, mine + 250, 50, MPI_INT, &requests[3]);
    CHECK(MPI_Waitall(4, requests, statuses) == MPI_SUCCESS);
    MPI_Get_count(&statuses[2], MPI_INT, &count);
    CHECK(count == 50 && requests[3] == MPI_REQUEST_NULL);
    MPI_File_seek(fh, base, MPI_SEEK_SET);
    /* A collective operation with a request does not wait for others. */
    MPI_File_iread_all(fh, back, 100, MPI_INT, &requests[0]);
    if (size > 1) {
        int token = check_rank;
        MPI_Sendrecv_replace(&token, 1, MPI_INT, (check_rank + 1) % size, 0, (check_rank + size - 1) % size, 0,
            MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
    MPI_File_iread(fh, back + 100, 50, MPI_INT, &requests[1]);
    MPI_File_iread_at(fh, base + 600, back + 150, 50, MPI_INT, &requests[2]);
    MPI_File_iread_at_all(fh, base + 800, back + 200, 100, MPI_INT, &requests[3]);
    MPI_Test(&requests[0], &flag, &statuses[0]);
    if (!flag)
        MPI_Wait(&requests[0], &statuses[0]);
    MPI_Get_count(&statuses[0], MPI_INT, &count);
    CHECK(count == 100);
    MPI_Waitall(3, requests + 1, MPI_STATUSES_IGNORE);
    CHECK(memcmp(mine, back, sizeof mine) == 0);
    MPI_File_close(&fh);
}

/* All ranks write the same places; what is there is all of one rank. */
static void atomic(void)
{
    enum { N = 2000 };
    MPI_File fh = opened(MPI_MODE_RDWR | MPI_MODE_CREATE | MPI_MODE_DELETE_ON_CLOSE);
    MPI_Datatype every;
    int flag = 1, *mine = malloc(N * sizeof(int)), *back = malloc(N * sizeof(int)), count;
    MPI_Status status;
    MPI_File_get_atomicity(fh, &flag);
    CHECK(flag == 0);
    CHECK(MPI_File_set_atomicity(fh, 1) == MPI_SUCCESS);
    MPI_File_get_atomicity(fh, &flag);
    CHECK(flag == 1);
    MPI_Type_vector(20, 1, 2, MPI_INT, &every);
    MPI_Type_commit(&every);
    MPI_File_set_view(fh, 0, MPI_INT, every, "native", MPI_INFO_NULL);
    for (int i = 0; i < N; i++)
        mine[i] = check_rank + 1;
    for (int round = 0; round < 3; round++) {
        MPI_File_write_at(fh, 0, mine, N, MPI_INT, &status);
        MPI_File_read_at(fh, 0, back, N, MPI_INT, &status);
        MPI_Get_count(&status, MPI_INT, &count);
        CHECK(count == N);
        int same = back[0] >= 1 && back[0] <= size;
        for (int i = 1; i < N; i++)
            same &= back[i] == back[0];
        CHECK(same);
    }
    MPI_Type_free(&every);
    free(mine);
    free(back);
    MPI_File_close(&fh);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    own();
    shared();
    ordered();
    sequential();
    split();
    nonblocking();
    atomic();
    return check_end("io_pointers");
}
