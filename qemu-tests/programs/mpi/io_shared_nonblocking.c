/* Accesses to files with requests, the shared file pointer's among them, and with large counts (MPI 5.0, section 14.4). */
#include <mpi.h>

#include <string.h>

#include "../check.h"

enum { N = 64, RECORDS = 10 };

static int size;

static MPI_File opened(const char *name)
{
    MPI_File fh;
    int amode = MPI_MODE_RDWR | MPI_MODE_CREATE | MPI_MODE_DELETE_ON_CLOSE;
    CHECK(MPI_File_open(MPI_COMM_WORLD, name, amode, MPI_INFO_NULL, &fh) == MPI_SUCCESS);
    CHECK(MPI_File_set_view(fh, 0, MPI_INT, MPI_INT, "native", MPI_INFO_NULL) == MPI_SUCCESS);
    return fh;
}

/* Records of four equal numbers, several at a time; each is read once, whole. */
static void records(void)
{
    MPI_File fh = opened("io_shared_nonblocking.records");
    MPI_Request requests[RECORDS];
    MPI_Status statuses[RECORDS];
    int data[RECORDS][4], count, *seen = calloc(RECORDS * size, sizeof *seen);
    for (int i = 0; i < RECORDS; i++) {
        for (int k = 0; k < 4; k++)
            data[i][k] = RECORDS * check_rank + i;
        if (i % 2)
            CHECK(MPI_File_iwrite_shared(fh, data[i], 4, MPI_INT, &requests[i]) == MPI_SUCCESS);
        else
            CHECK(MPI_File_iwrite_shared_c(fh, data[i], 4, MPI_INT, &requests[i]) == MPI_SUCCESS);
    }
    CHECK(MPI_Waitall(RECORDS, requests, statuses) == MPI_SUCCESS);
    for (int i = 0; i < RECORDS; i++) {
        MPI_Get_count(&statuses[i], MPI_INT, &count);
        CHECK(count == 4 && requests[i] == MPI_REQUEST_NULL);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Offset end = -1;
    MPI_File_get_position_shared(fh, &end);
    CHECK(end == 4 * RECORDS * size);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_File_seek_shared(fh, 0, MPI_SEEK_SET);
    memset(data, -1, sizeof data);
    for (int i = 0; i < RECORDS; i++)
        if (i % 2)
            CHECK(MPI_File_iread_shared_c(fh, data[i], 4, MPI_INT, &requests[i]) == MPI_SUCCESS);
        else
            CHECK(MPI_File_iread_shared(fh, data[i], 4, MPI_INT, &requests[i]) == MPI_SUCCESS);
    CHECK(MPI_Waitall(RECORDS, requests, statuses) == MPI_SUCCESS);
    for (int i = 0; i < RECORDS; i++) {
        MPI_Get_count(&statuses[i], MPI_INT, &count);
        CHECK(count == 4 && data[i][0] >= 0 && data[i][0] < RECORDS * size);
        if (data[i][0] >= 0 && data[i][0] < RECORDS * size)
            seen[data[i][0]]++;
        for (int k = 1; k < 4; k++)
            CHECK(data[i][k] == data[i][0]);
    }
    MPI_Allreduce(MPI_IN_PLACE, seen, RECORDS * size, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    for (int i = 0; i < RECORDS * size; i++)
        CHECK(seen[i] == 1);
    /* All was read. */
    MPI_Request last;
    CHECK(MPI_File_iread_shared(fh, data[0], 4, MPI_INT, &last) == MPI_SUCCESS);
    CHECK(MPI_Wait(&last, statuses) == MPI_SUCCESS);
    MPI_Get_count(statuses, MPI_INT, &count);
    CHECK(count == 0);
    free(seen);
    MPI_File_close(&fh);
}

static void check_count(MPI_Status *status, int expected)
{
    MPI_Count count = -1;
    MPI_Get_count_c(status, MPI_INT, &count);
    CHECK(count == expected);
}

/* Four quarters of each rank's part, each by another function. */
static void large_counts(void)
{
    MPI_File fh = opened("io_shared_nonblocking.parts");
    MPI_Request requests[4];
    MPI_Status statuses[4];
    MPI_Offset own = (MPI_Offset)4 * N * check_rank, at = -1;
    int values[4 * N], back[4 * N];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 4 * N; i++)
            values[i] = 1000 * check_rank + i + round;
        MPI_File_seek(fh, own, MPI_SEEK_SET);
        CHECK(MPI_File_iwrite_c(fh, values, N, MPI_INT, &requests[0]) == MPI_SUCCESS);
        if (round)
            CHECK(MPI_File_iwrite_all(fh, values + N, N, MPI_INT, &requests[1]) == MPI_SUCCESS);
        else
            CHECK(MPI_File_iwrite_all_c(fh, values + N, N, MPI_INT, &requests[1]) == MPI_SUCCESS);
        CHECK(MPI_File_iwrite_at_c(fh, own + 2 * N, values + 2 * N, N, MPI_INT, &requests[2]) == MPI_SUCCESS);
        CHECK(MPI_File_iwrite_at_all_c(fh, own + 3 * N, values + 3 * N, N, MPI_INT, &requests[3]) == MPI_SUCCESS);
        /* The pointer moved on when the accesses were started. */
        MPI_File_get_position(fh, &at);
        CHECK(at == own + 2 * N);
        CHECK(MPI_Waitall(4, requests, statuses) == MPI_SUCCESS);
        for (int i = 0; i < 4; i++)
            check_count(&statuses[i], N);
        MPI_Barrier(MPI_COMM_WORLD);

        int other = (check_rank + 1 + round) % size;
        MPI_Offset there = (MPI_Offset)4 * N * other;
        memset(back, -1, sizeof back);
        MPI_File_seek(fh, there, MPI_SEEK_SET);
        CHECK(MPI_File_iread_c(fh, back, N, MPI_INT, &requests[0]) == MPI_SUCCESS);
        CHECK(MPI_File_iread_all_c(fh, back + N, N, MPI_INT, &requests[1]) == MPI_SUCCESS);
        CHECK(MPI_File_iread_at_c(fh, there + 2 * N, back + 2 * N, N, MPI_INT, &requests[2]) == MPI_SUCCESS);
        CHECK(MPI_File_iread_at_all_c(fh, there + 3 * N, back + 3 * N, N, MPI_INT, &requests[3]) == MPI_SUCCESS);
        CHECK(MPI_Waitall(4, requests, statuses) == MPI_SUCCESS);
        for (int i = 0; i < 4; i++)
            check_count(&statuses[i], N);
        int wrong = 0;
        for (int i = 0; i < 4 * N; i++)
            wrong += back[i] != 1000 * other + i + round;
        CHECK(wrong == 0);
        MPI_Barrier(MPI_COMM_WORLD);
    }
    int class = -1;
    MPI_Error_class(MPI_File_iread_at_c(fh, -1, back, 1, MPI_INT, &requests[0]), &class);
    CHECK(class == MPI_ERR_ARG);
    MPI_Error_class(MPI_File_iwrite_c(fh, values, -1, MPI_INT, &requests[0]), &class);
    CHECK(class == MPI_ERR_COUNT);
    MPI_File_close(&fh);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    records();
    large_counts();
    return check_end("io_shared_nonblocking");
}
