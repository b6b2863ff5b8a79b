/* Bandwidth of derived types for `unirank bench compare`, as compare.c.
 *
 *   derived [--round-ms N] [--rounds N] [--only NAME]
 *
 *   vector   doubles with a gap of one double
 *   struct   records of an int, a double and three characters, with the gaps that C makes
 *   runs     8 KiB each, with gaps of as much
 *
 * NAME_dense: from rank 0, where the data is scattered, into contiguous memory of rank 1; NAME_same: into the same layout.
 * 64 KiB and 1 MiB, message after message, MB/s of data. What arrives is looked at once.
 */
#include "rounds.h"
#include <stddef.h>

struct record {
    int i;
    double d;
    char c[3];
};

static MPI_Datatype type, into;
static int count, into_count;
static char *memory;

static void send(long n)
{
    for (long i = 0; i < n; i++) {
        if (rank == 0)
            MPI_Send(memory, count, type, 1, 0, MPI_COMM_WORLD);
        else
            MPI_Recv(memory, into_count, into, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
    /* Rank 0 knows the time when rank 1 has all. */
    if (rank == 0)
        MPI_Recv(NULL, 0, MPI_BYTE, 1, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    else
        MPI_Send(NULL, 0, MPI_BYTE, 0, 1, MPI_COMM_WORLD);
}

static MPI_Datatype record(void)
{
    int lengths[] = {1, 1, 3};
    MPI_Aint places[] = {offsetof(struct record, i), offsetof(struct record, d), offsetof(struct record, c)};
    MPI_Datatype types[] = {MPI_INT, MPI_DOUBLE, MPI_CHAR}, fields, all;
    MPI_Type_create_struct(3, lengths, places, types, &fields);
    MPI_Type_create_resized(fields, 0, sizeof(struct record), &all);
    MPI_Type_free(&fields);
    return all;
}

static MPI_Datatype gaps(int doubles)
{
    MPI_Datatype block, all;
    MPI_Type_contiguous(doubles, MPI_DOUBLE, &block);
    MPI_Type_create_resized(block, 0, 2 * (MPI_Aint)sizeof(double) * doubles, &all);
    MPI_Type_free(&block);
    return all;
}

/* Whether byte `i` of an element is data. */
static int is_data(char kind, size_t i, size_t extent)
{
    if (kind == 's')
        return i < sizeof(int) || (i >= offsetof(struct record, d) && i < offsetof(struct record, c) + 3);
    return i < extent / 2;
}

/* Sends bytes that tell where they were, and looks at those that arrive. */
static void check(char kind, size_t extent)
{
    size_t all = (size_t)count * extent, packed = 0;
    for (size_t i = 0; i < all; i++)
        memory[i] = rank == 0 ? (char)(i * 7 + i / 251) : 0;
    send(1);
    if (rank == 0)
        return;
    for (size_t i = 0; i < all; i++) {
        if (is_data(kind, i % extent, extent)) {
            size_t place = into == type ? i : packed++;
            require(memory[place] == (char)(i * 7 + i / 251), "a byte is not what was sent");
        }
    }
}

static void measure_type(const char *name, MPI_Datatype scattered, int same, struct options options)
{
    char label[32];
    snprintf(label, sizeof label, "%s_%s", name, same ? "same" : "dense");
    for (int bytes = 64 << 10; wanted(options, label) && bytes <= 1 << 20; bytes <<= 4) {
        int size;
        MPI_Aint low, extent;
        MPI_Type_size(scattered, &size);
        MPI_Type_get_extent(scattered, &low, &extent);
        type = scattered;
        count = bytes / size;
        into = same ? scattered : MPI_PACKED;
        into_count = same ? count : count * size;
        memory = malloc((size_t)count * (size_t)extent);
        require(memory != NULL, "no memory");
        check(*name, (size_t)extent);
        struct spread s = measure(send, options.effort);
        double data = 1e-6 * count * size;
        print_spread(label, bytes, data / s.median, data / s.high, data / s.low);
        free(memory);
    }
}

int main(int argc, char **argv)
{
    struct options options = start(&argc, &argv);
    MPI_Datatype types[] = {gaps(1), record(), gaps(1024)};
    const char *names[] = {"vector", "struct", "runs"};
    for (int i = 0; i < 3; i++) {
        MPI_Type_commit(&types[i]);
        for (int same = 0; same < 2; same++)
            measure_type(names[i], types[i], same, options);
        MPI_Type_free(&types[i]);
    }
    MPI_Finalize();
    return 0;
}
