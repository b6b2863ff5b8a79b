/* What the programs of `unirank bench os` share: options, rounds that are long enough, and a clock that costs nothing. They
 * use no MPI. A figure is a line of name, bytes, median, smallest and largest of the rounds. */
#ifndef UNIRANK_BENCH_TIMING_H
#define UNIRANK_BENCH_TIMING_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_ROUNDS = 99 };

/* How many rounds are made, how long one takes at least, and the size of what is worked on. */
struct options {
    int rounds;
    double seconds;
    long bytes;
};

static void require(int right, const char *what)
{
    if (!right) {
        fprintf(stderr, "%s: %s\n", what, strerror(errno));
        exit(1);
    }
}

/* pthread functions return their errors. */
static inline void require_zero(int error, const char *what)
{
    errno = error;
    require(!error, what);
}

static struct options read_options(int argc, char **argv)
{
    struct options options = {5, 0.05, 1L << 20};
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (!strcmp(name, "--rounds")) options.rounds = atoi(value);
        else if (!strcmp(name, "--round-ms")) options.seconds = 1e-3 * atof(value);
        else if (!strcmp(name, "--bytes")) options.bytes = atol(value);
        else errno = EINVAL, require(0, name);
    }
    errno = EINVAL;
    require(options.rounds >= 1 && options.rounds <= MOST_ROUNDS, "--rounds must be 1 to 99");
    return options;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_figure(const char *name, long bytes, double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, ascending);
    printf("%s %ld %.9g %.9g %.9g\n", name, bytes, values[count / 2], values[0], values[count - 1]);
    fflush(stdout);
}

static inline double timed(void (*run)(long), long n)
{
    double began = now();
    run(n);
    return now() - began;
}

/* Prints the seconds of one repetition of `run`, times `scale`, with as many repetitions in a round as make it long enough. */
static inline void measure(const char *name, void (*run)(long), double scale, struct options options)
{
    double values[MOST_ROUNDS], took;
    long n = 1;
    while ((took = timed(run, n)) < options.seconds / 4)
        n *= 2;
    if (took < options.seconds)
        n = (long)((double)n * options.seconds * 1.1 / took) + 1;
    for (int i = 0; i < options.rounds; i++)
        values[i] = timed(run, n) / (double)n * scale;
    print_figure(name, 0, values, options.rounds);
}

#endif
