/* What `unirank bench compare` measures between two ranks; compiled with each MPI library that takes part.
 *
 *   compare [--round-ms N] [--rounds N] [--curve MAX] [--only FIGURE]
 *
 * Prints one line for each figure: name, bytes, and the median, smallest and largest of the rounds.
 *
 *   latency    half a round trip of a blocking ping-pong, us
 *   bandwidth  windows of 64 sends into one buffer, each window answered by an empty message, MB/s (10^6 bytes)
 *   rate       the same with 8 bytes, messages a second
 *   barrier    us
 *   allreduce  of one double, us
 *
 * Send and receive buffers are separate and touched before. The number of repetitions is found so that a round takes at
 * least N ms, which also warms everything up. Without --curve only the sizes with a goal are measured; with it all
 * powers of two up to MAX, too, in shorter rounds.
 */
#include "rounds.h"

enum { WINDOW = 64 };

static char *out, *in;
static int size;

static void ping_pong(long n)
{
    for (long i = 0; i < n; i++) {
        if (rank == 0) {
            MPI_Send(out, size, MPI_CHAR, 1, 1, MPI_COMM_WORLD);
            MPI_Recv(in, size, MPI_CHAR, 1, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        } else {
            MPI_Recv(in, size, MPI_CHAR, 0, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            MPI_Send(out, size, MPI_CHAR, 0, 1, MPI_COMM_WORLD);
        }
    }
}

static void stream(long n)
{
    MPI_Request requests[WINDOW];
    for (long i = 0; i < n; i++) {
        for (int w = 0; w < WINDOW; w++) {
            if (rank == 0)
                MPI_Isend(out, size, MPI_CHAR, 1, 2, MPI_COMM_WORLD, &requests[w]);
            else
                MPI_Irecv(in, size, MPI_CHAR, 0, 2, MPI_COMM_WORLD, &requests[w]);
        }
        MPI_Waitall(WINDOW, requests, MPI_STATUSES_IGNORE);
        if (rank == 0)
            MPI_Recv(in, 0, MPI_CHAR, 1, 3, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        else
            MPI_Send(out, 0, MPI_CHAR, 0, 3, MPI_COMM_WORLD);
    }
}

static void barrier(long n)
{
    for (long i = 0; i < n; i++)
        MPI_Barrier(MPI_COMM_WORLD);
}

static void allreduce(long n)
{
    double mine = rank + 1, sum = 0;
    for (long i = 0; i < n; i++)
        MPI_Allreduce(&mine, &sum, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    require(sum == 3, "MPI_Allreduce gave a wrong sum");
}

/* What arrived is what the other rank sent. */
static void check_received(void)
{
    for (int i = 0; i < size; i++)
        require(in[i] == (rank == 0 ? 'b' : 'a'), "a message arrived damaged");
    memset(in, 'x', (size_t)size);
}

static void latency(int bytes, struct effort effort)
{
    size = bytes;
    struct spread s = measure(ping_pong, effort);
    check_received();
    print_spread("latency", bytes, s.median / 2e-6, s.low / 2e-6, s.high / 2e-6);
}

static void bandwidth(const char *name, int bytes, double unit, struct effort effort)
{
    size = bytes;
    struct spread s = measure(stream, effort);
    if (rank == 1)
        check_received();
    print_spread(name, bytes, unit * WINDOW / s.median, unit * WINDOW / s.high, unit * WINDOW / s.low);
}

static void collective(const char *name, int bytes, void (*run)(long), struct effort effort)
{
    struct spread s = measure(run, effort);
    print_spread(name, bytes, s.median / 1e-6, s.low / 1e-6, s.high / 1e-6);
}

int main(int argc, char **argv)
{
    static const int goals[] = {8, 1 << 10, 4 << 10, 64 << 10, 1 << 20, 4 << 20};
    struct options options = start(&argc, &argv);
    int most = options.curve > 4 << 20 ? options.curve : 4 << 20;
    out = malloc((size_t)most);
    in = malloc((size_t)most);
    require(out && in, "out of memory");
    memset(out, rank == 0 ? 'a' : 'b', (size_t)most);
    memset(in, 'x', (size_t)most);

    for (int i = 0; wanted(options, "latency") && i < 4; i++)
        latency(goals[i], options.effort);
    for (int i = 4; wanted(options, "bandwidth") && i < 6; i++)
        bandwidth("bandwidth", goals[i], 1e-6 * goals[i], options.effort);
    if (wanted(options, "rate"))
        bandwidth("rate", 8, 1, options.effort);
    if (wanted(options, "barrier"))
        collective("barrier", 0, barrier, options.effort);
    if (wanted(options, "allreduce"))
        collective("allreduce", 8, allreduce, options.effort);
    struct effort brief = {3, options.effort.seconds / 4};
    for (int bytes = 1; wanted(options, "latency") && bytes <= options.curve; bytes *= 2)
        if (bytes != goals[0] && bytes != goals[1] && bytes != goals[2] && bytes != goals[3])
            latency(bytes, brief);
    for (int bytes = 1; wanted(options, "bandwidth") && bytes <= options.curve; bytes *= 2)
        if (bytes != goals[4] && bytes != goals[5])
            bandwidth("bandwidth", bytes, 1e-6 * bytes, brief);
    free(out);
    free(in);
    MPI_Finalize();
    return 0;
}
