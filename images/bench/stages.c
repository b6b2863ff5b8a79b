/* Where the time of a small message goes, for `unirank bench stages`: two ranks, each on a core of its own.
 *
 *   stages [REPETITIONS]
 *
 * Prints for each stage: name|cycles|smallest|largest, where cycles is the median of the repetitions, and at the end
 * the counter's rate: hz|cycles a second. Calls that take less than reading the counter are measured in bursts.
 */
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <x86intrin.h>

enum { BURST = 16, MOST = 100000, SLEEPS = 20, GO = 1, DATA = 2, LAST = 3 };

static int rank, repetitions = 2000;
static double cycles[MOST];
static double hz;

static uint64_t now(void)
{
    unsigned core;
    uint64_t time = __rdtscp(&core);
    _mm_lfence();
    return time;
}

/* Passes time without the library. */
static void pass(double seconds)
{
    for (uint64_t end = now() + (uint64_t)(seconds * hz); now() < end;)
        _mm_pause();
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_stage(const char *name, int n)
{
    qsort(cycles, (size_t)n, sizeof *cycles, ascending);
    if (rank == 0)
        printf("%s|%.1f|%.1f|%.1f\n", name, cycles[n / 2], cycles[0], cycles[n - 1]);
    fflush(stdout);
    MPI_Barrier(MPI_COMM_WORLD);
}

static void send(int tag)
{
    long word = 1;
    MPI_Send(&word, 1, MPI_LONG, 1 - rank, tag, MPI_COMM_WORLD);
}

static void receive(int tag)
{
    long word;
    MPI_Recv(&word, 1, MPI_LONG, 1 - rank, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

/* Calls of rank 0 while rank 1 waits in a barrier. */
static void alone(const char *name, void (*call)(void))
{
    for (int i = 0; i < repetitions && rank == 0; i++) {
        uint64_t began = now();
        for (int k = 0; k < BURST; k++)
            call();
        cycles[i] = (double)(now() - began) / BURST;
    }
    print_stage(name, repetitions);
}

static void nothing(void)
{
    __asm__ volatile("");
}

static void empty_call(void)
{
    int me;
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    __asm__ volatile("" : : "r"(me));
}

static void probe(void)
{
    int found;
    MPI_Iprobe(1, DATA, MPI_COMM_WORLD, &found, MPI_STATUS_IGNORE);
}

static void post_and_cancel(void)
{
    static long word;
    MPI_Request request;
    MPI_Irecv(&word, 1, MPI_LONG, 1, DATA, MPI_COMM_WORLD, &request);
    MPI_Cancel(&request);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
}

/* Bursts that the other rank takes and answers: what a send costs its caller. */
static void sends(void)
{
    for (int i = 0; i < repetitions; i++) {
        uint64_t began = now();
        for (int k = 0; k < BURST; k++)
            rank == 0 ? send(DATA) : receive(DATA);
        cycles[i] = (double)(now() - began) / BURST;
        rank == 0 ? receive(GO) : send(GO);
    }
    print_stage("MPI_Send of 8 bytes, until it returns", repetitions);
}

/* Receives of what has long arrived. Where `looked_at`, a later message was received before them, so that they wait
 * in the queue of unexpected messages; else they are where the sender put them. */
static void receives(const char *name, int looked_at)
{
    for (int i = 0; i < repetitions; i++) {
        if (rank == 1) {
            receive(GO);
            for (int k = 0; k < BURST; k++)
                send(DATA);
            send(LAST);
            continue;
        }
        send(GO);
        if (looked_at)
            receive(LAST);
        else
            pass(20e-6);
        uint64_t began = now();
        for (int k = 0; k < BURST; k++)
            receive(DATA);
        cycles[i] = (double)(now() - began) / BURST;
        if (!looked_at)
            receive(LAST);
    }
    print_stage(name, repetitions);
}

static void round_trips(void)
{
    for (int i = 0; i < repetitions; i++) {
        uint64_t began = now();
        if (rank == 0)
            send(DATA);
        receive(DATA);
        if (rank == 1)
            send(DATA);
        cycles[i] = (double)(now() - began) / 2;
    }
    print_stage("half round trip, 8 bytes", repetitions);
}

/* Round trips of which the first half finds the other rank asleep. */
static void wake_ups(void)
{
    for (int i = 0; i < SLEEPS; i++) {
        if (rank == 1) {
            receive(DATA);
            send(DATA);
            continue;
        }
        pass(0.05);
        uint64_t began = now();
        send(DATA);
        receive(DATA);
        cycles[i] = (double)(now() - began);
    }
    print_stage("round trip with a rank that slept", SLEEPS);
}

int main(int argc, char **argv)
{
    int ranks;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (argc > 1)
        repetitions = atoi(argv[1]);
    if (ranks != 2 || repetitions < SLEEPS || repetitions > MOST) {
        fprintf(stderr, "stages: needs two ranks and %d to %d repetitions\n", SLEEPS, MOST);
        MPI_Abort(MPI_COMM_WORLD, 2);
    }
    double clock = MPI_Wtime();
    uint64_t began = now();
    while (MPI_Wtime() - clock < 0.05)
        ;
    hz = (double)(now() - began) / (MPI_Wtime() - clock);
    MPI_Barrier(MPI_COMM_WORLD);
    for (int warm = 0; warm < 1000; warm++)
        rank == 0 ? (send(GO), receive(GO)) : (receive(GO), send(GO));

    alone("reading the counter, its share in each call", nothing);
    alone("an empty call: MPI_Comm_rank", empty_call);
    alone("MPI_Iprobe in vain", probe);
    alone("posting: MPI_Irecv, MPI_Cancel, MPI_Wait", post_and_cancel);
    sends();
    receives("MPI_Recv of a message that has arrived", 0);
    receives("MPI_Recv of an unexpected message", 1);
    round_trips();
    wake_ups();
    if (rank == 0)
        printf("hz|%.0f\n", hz);
    MPI_Finalize();
    return 0;
}
