/* What the programs of `unirank bench compare` share: options, and rounds that are long enough. */
#ifndef UNIRANK_BENCH_ROUNDS_H
#define UNIRANK_BENCH_ROUNDS_H

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROUNDS = 99 };

/* How many rounds are made, and how long one takes at least. */
struct effort {
    int rounds;
    double seconds;
};

struct options {
    struct effort effort;
    int curve;
    const char *only;
};

/* Seconds of one repetition. */
struct spread {
    double low, median, high;
};

static int rank;

static void require(int right, const char *what)
{
    if (!right) {
        fprintf(stderr, "rank %d: %s\n", rank, what);
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
}

static struct options start(int *argc, char ***argv)
{
    struct options options = {{5, 0.05}, 0, ""};
    int ranks;
    MPI_Init(argc, argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    require(ranks == 2, "needs two ranks");
    for (int i = 1; i + 1 < *argc; i += 2) {
        const char *name = (*argv)[i], *value = (*argv)[i + 1];
        if (!strcmp(name, "--round-ms")) options.effort.seconds = 1e-3 * atof(value);
        else if (!strcmp(name, "--rounds")) options.effort.rounds = atoi(value);
        else if (!strcmp(name, "--curve")) options.curve = atoi(value);
        else if (!strcmp(name, "--only")) options.only = value;
        else require(0, "unknown option");
    }
    require(options.effort.rounds >= 1 && options.effort.rounds <= MOST_ROUNDS, "--rounds must be 1 to 99");
    require(options.curve >= 0 && options.curve <= 1 << 28, "--curve must be at most 256 MiB");
    return options;
}

static inline int wanted(struct options options, const char *name)
{
    return !*options.only || !strcmp(options.only, name);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Rank 0's seconds for n repetitions, known to both ranks. */
static double timed(void (*run)(long), long n)
{
    MPI_Barrier(MPI_COMM_WORLD);
    double seconds = MPI_Wtime();
    run(n);
    seconds = MPI_Wtime() - seconds;
    MPI_Bcast(&seconds, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    return seconds;
}

/* The rounds of `run`, with as many repetitions in each as make it long enough. */
static struct spread measure(void (*run)(long), struct effort effort)
{
    double seconds[MOST_ROUNDS], took;
    long n = 1;
    while ((took = timed(run, n)) < effort.seconds / 4)
        n *= 2;
    if (took < effort.seconds)
        n = (long)((double)n * effort.seconds * 1.1 / took) + 1;
    for (int i = 0; i < effort.rounds; i++)
        seconds[i] = timed(run, n) / (double)n;
    qsort(seconds, (size_t)effort.rounds, sizeof *seconds, ascending);
    struct spread s = {seconds[0], seconds[effort.rounds / 2], seconds[effort.rounds - 1]};
    return s;
}

static void print_spread(const char *name, long bytes, double median, double low, double high)
{
    if (rank == 0)
        printf("%s %ld %.9g %.9g %.9g\n", name, bytes, median, low, high);
    fflush(stdout);
}

#endif
