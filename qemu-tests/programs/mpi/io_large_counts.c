/* Accesses to files with counts of type MPI_Count: blocking, split, collective, ordered, shared; a data representation whose
   functions take such counts (MPI 5.0, sections 14.4 and 14.5). */
#include <mpi.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../check.h"

#define NAME "io_large_counts.data"

enum { N = 100 };

static int size;

static MPI_File opened(void)
{
    MPI_File fh;
    int amode = MPI_MODE_RDWR | MPI_MODE_CREATE | MPI_MODE_DELETE_ON_CLOSE;
    CHECK(MPI_File_open(MPI_COMM_WORLD, NAME, amode, MPI_INFO_NULL, &fh) == MPI_SUCCESS);
    CHECK(MPI_File_set_view(fh, 0, MPI_INT, MPI_INT, "native", MPI_INFO_NULL) == MPI_SUCCESS);
    return fh;
}

/* Element i of rank `rank` in round `round`. */
static int element(int rank, int round, int i)
{
    return 100000 * round + 1000 * rank + i;
}

static const int *mine(int round)
{
    static int values[N];
    for (int i = 0; i < N; i++)
        values[i] = element(check_rank, round, i);
    return values;
}

static int counted(const MPI_Status *status)
{
    MPI_Count count = -1;
    MPI_Get_count_c(status, MPI_INT, &count);
    return (int)count;
}

/* The file consists of N elements of each rank, in order of the ranks. */
static void file_has(int round)
{
    int *all = malloc(sizeof(int) * N * size);
    MPI_Barrier(MPI_COMM_WORLD);
    int fd = open(NAME, O_RDONLY);
    CHECK(fd >= 0 && pread(fd, all, sizeof(int) * N * size, 0) == (ssize_t)sizeof(int) * N * size);
    close(fd);
    int wrong = 0;
    for (int i = 0; i < N * size; i++)
        wrong += all[i] != element(i / N, round, i % N);
    CHECK(wrong == 0);
    free(all);
    MPI_Barrier(MPI_COMM_WORLD);
}

static int are_of(const int *values, int rank, int round)
{
    for (int i = 0; i < N; i++)
        if (values[i] != element(rank, round, i))
            return 0;
    return 1;
}

static void at_offsets(MPI_File fh)
{
    MPI_Offset own = (MPI_Offset)N * check_rank;
    MPI_Status status;
    int back[N], other = (check_rank + 1) % size;
    CHECK(MPI_File_write_at_c(fh, own, mine(1), N, MPI_INT, &status) == MPI_SUCCESS && counted(&status) == N);
    file_has(1);
    CHECK(MPI_File_read_at_c(fh, (MPI_Offset)N * other, back, N, MPI_INT, &status) == MPI_SUCCESS);
    CHECK(counted(&status) == N && are_of(back, other, 1));
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK(MPI_File_write_at_all_c(fh, own, mine(2), N, MPI_INT, &status) == MPI_SUCCESS && counted(&status) == N);
    file_has(2);
    CHECK(MPI_File_read_at_all_c(fh, (MPI_Offset)N * other, back, N, MPI_INT, &status) == MPI_SUCCESS);
    CHECK(counted(&status) == N && are_of(back, other, 2));
    MPI_Barrier(MPI_COMM_WORLD);
    const int *values = mine(3);
    CHECK(MPI_File_write_at_all_begin_c(fh, own, values, N, MPI_INT) == MPI_SUCCESS);
    CHECK(MPI_File_write_at_all_end(fh, values, &status) == MPI_SUCCESS && counted(&status) == N);
    file_has(3);
}

static void at_pointers(MPI_File fh)
{
    MPI_Offset own = (MPI_Offset)N * check_rank, at = -1;
    MPI_Status status;
    int back[N], other = size - 1 - check_rank;
    MPI_File_seek(fh, own, MPI_SEEK_SET);
    CHECK(MPI_File_write_all_c(fh, mine(4), N, MPI_INT, &status) == MPI_SUCCESS && counted(&status) == N);
    file_has(4);
    MPI_File_seek(fh, (MPI_Offset)N * other, MPI_SEEK_SET);
    CHECK(MPI_File_read_c(fh, back, N / 2, MPI_INT, &status) == MPI_SUCCESS && counted(&status) == N / 2);
    CHECK(MPI_File_read_all_c(fh, back + N / 2, N - N / 2, MPI_INT, &status) == MPI_SUCCESS && are_of(back, other, 4));
    MPI_File_get_position(fh, &at);
    CHECK(at == (MPI_Offset)N * (other + 1));
    MPI_File_seek(fh, own, MPI_SEEK_SET);
    MPI_Barrier(MPI_COMM_WORLD);
    const int *values = mine(5);
    CHECK(MPI_File_write_all_begin_c(fh, values, N, MPI_INT) == MPI_SUCCESS);
    CHECK(MPI_File_write_all_end(fh, values, &status) == MPI_SUCCESS && counted(&status) == N);
    file_has(5);
    MPI_File_seek(fh, (MPI_Offset)N * other, MPI_SEEK_SET);
    memset(back, -1, sizeof back);
    CHECK(MPI_File_read_all_begin_c(fh, back, N, MPI_INT) == MPI_SUCCESS);
    CHECK(MPI_File_read_all_end(fh, back, &status) == MPI_SUCCESS && counted(&status) == N && are_of(back, other, 5));
    /* At the end of the file. */
    MPI_File_seek(fh, -3, MPI_SEEK_END);
    CHECK(MPI_File_read_c(fh, back, N, MPI_INT, &status) == MPI_SUCCESS && counted(&status) == 3);
    CHECK(back[2] == element(size - 1, 5, N - 1));
    MPI_Barrier(MPI_COMM_WORLD);
}

static void in_order(MPI_File fh)
{
    MPI_Status status;
    MPI_Offset at = -1;
    int back[N];
    MPI_File_seek_shared(fh, 0, MPI_SEEK_SET);
    CHECK(MPI_File_write_ordered_c(fh, mine(6), N, MPI_INT, &status) == MPI_SUCCESS && counted(&status) == N);
    file_has(6);
    MPI_File_seek_shared(fh, 0, MPI_SEEK_SET);
    CHECK(MPI_File_read_ordered_c(fh, back, N, MPI_INT, &status) == MPI_SUCCESS && are_of(back, check_rank, 6));
    MPI_File_get_position_shared(fh, &at);
    CHECK(counted(&status) == N && at == (MPI_Offset)N * size);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_File_seek_shared(fh, 0, MPI_SEEK_SET);
    const int *values = mine(7);
    CHECK(MPI_File_write_ordered_begin_c(fh, values, N, MPI_INT) == MPI_SUCCESS);
    CHECK(MPI_File_write_ordered_end(fh, values, &status) == MPI_SUCCESS && counted(&status) == N);
    file_has(7);
    MPI_File_seek_shared(fh, 0, MPI_SEEK_SET);
    memset(back, -1, sizeof back);
    CHECK(MPI_File_read_ordered_begin_c(fh, back, N, MPI_INT) == MPI_SUCCESS);
    CHECK(MPI_File_read_ordered_end(fh, back, &status) == MPI_SUCCESS && are_of(back, check_rank, 7));
    MPI_Barrier(MPI_COMM_WORLD);
}

/* Each writes one record and reads one, whosever they are. */
static void shared(MPI_File fh)
{
    MPI_Status status;
    int back[N], from;
    MPI_File_seek_shared(fh, 0, MPI_SEEK_SET);
    CHECK(MPI_File_write_shared_c(fh, mine(8), N, MPI_INT, &status) == MPI_SUCCESS && counted(&status) == N);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_File_seek_shared(fh, 0, MPI_SEEK_SET);
    CHECK(MPI_File_read_shared_c(fh, back, N, MPI_INT, &status) == MPI_SUCCESS && counted(&status) == N);
    from = (back[0] - 800000) / 1000;
    CHECK(from >= 0 && from < size && are_of(back, from, 8));
    int seen = from >= 0 && from < size ? 1 << from : 0, all = 0;
    MPI_Allreduce(&seen, &all, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    CHECK(all == (1 << size) - 1);
}

static int state = 17, read_calls, write_calls;

static int extent_in_file(MPI_Datatype type, MPI_Aint *extent, void *extra)
{
    CHECK(type == MPI_INT && extra == &state);
    *extent = sizeof(short);
    return MPI_SUCCESS;
}

/* In the file are halves of the numbers, as short ones. */
static int from_file(void *user, MPI_Datatype type, MPI_Count count, void *file, MPI_Offset position, void *extra)
{
    CHECK(type == MPI_INT && position == 0 && extra == &state);
    read_calls++;
    for (MPI_Count i = 0; i < count; i++) {
        short half;
        memcpy(&half, (char *)file + i * sizeof half, sizeof half);
        ((int *)user)[i] = 2 * half;
    }
    return MPI_SUCCESS;
}

static int to_file(void *user, MPI_Datatype type, MPI_Count count, void *file, MPI_Offset position, void *extra)
{
    CHECK(type == MPI_INT && position == 0 && extra == &state);
    write_calls++;
    for (MPI_Count i = 0; i < count; i++) {
        short half = ((int *)user)[i] / 2;
        memcpy((char *)file + i * sizeof half, &half, sizeof half);
    }
    return MPI_SUCCESS;
}

static void representation(void)
{
    MPI_File fh = opened();
    MPI_Count extent = -1;
    MPI_Datatype three;
    int class = -1, values[N], back[N];
    short halves[N];
    CHECK(MPI_Register_datarep_c("halves", from_file, to_file, extent_in_file, &state) == MPI_SUCCESS);
    MPI_Error_class(MPI_Register_datarep_c("halves", from_file, to_file, extent_in_file, &state), &class);
    CHECK(class == MPI_ERR_DUP_DATAREP);
    MPI_Type_contiguous(3, MPI_INT, &three);
    MPI_Type_commit(&three);
    CHECK(MPI_File_get_type_extent_c(fh, three, &extent) == MPI_SUCCESS && extent == 3 * sizeof(int));
    CHECK(MPI_File_set_view(fh, sizeof halves * check_rank, MPI_INT, MPI_INT, "halves", MPI_INFO_NULL) == MPI_SUCCESS);
    CHECK(MPI_File_get_type_extent_c(fh, MPI_INT, &extent) == MPI_SUCCESS && extent == sizeof(short));
    CHECK(MPI_File_get_type_extent_c(fh, three, &extent) == MPI_SUCCESS && extent == 3 * sizeof(short));
    for (int i = 0; i < N; i++)
        values[i] = 2 * (1000 * check_rank + i);
    CHECK(MPI_File_write_c(fh, values, N, MPI_INT, MPI_STATUS_IGNORE) == MPI_SUCCESS && write_calls > 0);
    MPI_Barrier(MPI_COMM_WORLD);
    int fd = open(NAME, O_RDONLY), other = (check_rank + 1) % size, wrong = 0;
    CHECK(fd >= 0 && pread(fd, halves, sizeof halves, sizeof halves * other) == sizeof halves);
    close(fd);
    for (int i = 0; i < N; i++)
        wrong += halves[i] != 1000 * other + i;
    CHECK(wrong == 0);
    CHECK(MPI_File_read_at_c(fh, 0, back, N, MPI_INT, MPI_STATUS_IGNORE) == MPI_SUCCESS && read_calls > 0);
    CHECK(memcmp(values, back, sizeof values) == 0);
    MPI_Type_free(&three);
    MPI_File_close(&fh);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_File fh = opened();
    at_offsets(fh);
    at_pointers(fh);
    in_order(fh);
    shared(fh);
    MPI_File_close(&fh);
    representation();
    return check_end("io_large_counts");
}
