/* Latency, bandwidth and message rate between ranks 0 and 1, in the tables people know.
 *
 *   latency [--max BYTES] [--iterations N] [--only latency|bandwidth|rate]
 *
 * latency    half a round trip of a blocking ping-pong, in us
 * bandwidth  windows of 64 non-blocking sends answered by one empty message, in MB/s (10^6 bytes a second)
 * rate       the same with 8-byte messages, in messages a second
 * Every row is the median of 5 rounds, with the fastest and slowest beside it. --iterations fixes the round trips of a
 * round (default: by size); further ranks take no part.
 */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 5, WINDOW = 64 };

static int rank;
static char *out, *in;

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double ping_pong(long size, long iterations)
{
    double began = MPI_Wtime();
    for (long i = 0; i < iterations; i++) {
        if (rank == 0) {
            MPI_Send(out, (int)size, MPI_CHAR, 1, 1, MPI_COMM_WORLD);
            MPI_Recv(in, (int)size, MPI_CHAR, 1, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        } else {
            MPI_Recv(in, (int)size, MPI_CHAR, 0, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            MPI_Send(out, (int)size, MPI_CHAR, 0, 1, MPI_COMM_WORLD);
        }
    }
    return (MPI_Wtime() - began) / (double)iterations / 2;
}

/* Seconds per message. */
static double stream(long size, long windows)
{
    MPI_Request requests[WINDOW];
    double began = MPI_Wtime();
    for (long i = 0; i < windows; i++) {
        for (int w = 0; w < WINDOW; w++) {
            if (rank == 0)
                MPI_Isend(out, (int)size, MPI_CHAR, 1, 2, MPI_COMM_WORLD, &requests[w]);
            else
                MPI_Irecv(in, (int)size, MPI_CHAR, 0, 2, MPI_COMM_WORLD, &requests[w]);
        }
        MPI_Waitall(WINDOW, requests, MPI_STATUSES_IGNORE);
        if (rank == 0)
            MPI_Recv(in, 0, MPI_CHAR, 1, 3, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        else
            MPI_Send(out, 0, MPI_CHAR, 0, 3, MPI_COMM_WORLD);
    }
    return (MPI_Wtime() - began) / (double)(windows * WINDOW);
}

struct spread {
    double low, median, high;
};

static struct spread rounds(double (*run)(long, long), long size, long iterations)
{
    double seconds[ROUNDS];
    run(size, iterations / 10 + 1);
    for (int i = 0; i < ROUNDS; i++)
        seconds[i] = run(size, iterations);
    qsort(seconds, ROUNDS, sizeof *seconds, ascending);
    struct spread s = {seconds[0], seconds[ROUNDS / 2], seconds[ROUNDS - 1]};
    return s;
}

static long usual(long size, long small, long large)
{
    long n = size <= 8192 ? small : small * 8192 / size;
    return n < large ? large : n;
}

int main(int argc, char **argv)
{
    long max = 4 << 20, fixed = 0;
    const char *only = "";
    int ranks;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (!strcmp(argv[i], "--max")) max = atol(value);
        else if (!strcmp(argv[i], "--iterations")) fixed = atol(value);
        else if (!strcmp(argv[i], "--only")) only = value;
        else {
            fprintf(stderr, "usage: latency [--max BYTES] [--iterations N] [--only latency|bandwidth|rate]\n");
            MPI_Abort(MPI_COMM_WORLD, 2);
        }
        i++;
    }
    if (ranks < 2 || max < 0 || max > 1 << 30 || fixed < 0) {
        fprintf(stderr, "latency: needs two ranks, --max of at most 1 GiB and --iterations of 0 or more\n");
        MPI_Abort(MPI_COMM_WORLD, 2);
    }
    out = malloc((size_t)max + 8);
    in = malloc((size_t)max + 8);
    if (!out || !in) {
        fprintf(stderr, "latency: out of memory for messages of %ld bytes\n", max);
        MPI_Abort(MPI_COMM_WORLD, 2);
    }
    memset(out, 'x', (size_t)max + 8);
    memset(in, 'y', (size_t)max + 8);

    if (rank < 2 && (!*only || !strcmp(only, "latency"))) {
        if (rank == 0) printf("# Half round trip\n# %10s %12s %12s %12s\n", "Bytes", "us", "min", "max");
        for (long size = 0; size <= max; size = size ? size * 2 : 1) {
            struct spread s = rounds(ping_pong, size, fixed ? fixed : usual(size, 1000, 20));
            if (rank == 0) printf("  %10ld %12.2f %12.2f %12.2f\n", size, 1e6 * s.median, 1e6 * s.low, 1e6 * s.high);
            fflush(stdout);
        }
    }
    if (rank < 2 && (!*only || !strcmp(only, "bandwidth"))) {
        if (rank == 0) printf("# Bandwidth, window %d\n# %10s %12s %12s %12s\n", WINDOW, "Bytes", "MB/s", "min", "max");
        for (long size = 1; size <= max; size *= 2) {
            struct spread s = rounds(stream, size, fixed ? fixed : usual(size, 20, 1));
            double mb = 1e-6 * (double)size;
            if (rank == 0) printf("  %10ld %12.2f %12.2f %12.2f\n", size, mb / s.median, mb / s.high, mb / s.low);
            fflush(stdout);
        }
    }
    if (rank < 2 && (!*only || !strcmp(only, "rate"))) {
        struct spread s = rounds(stream, 8, fixed ? fixed : 100);
        if (rank == 0)
            printf("# Message rate, 8 bytes, window %d\n# %10s %12s %12s %12s\n  %10d %12.0f %12.0f %12.0f\n", WINDOW,
                   "Bytes", "messages/s", "min", "max", 8, 1 / s.median, 1 / s.high, 1 / s.low);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    free(out);
    free(in);
    MPI_Finalize();
    return 0;
}
