/* The hardware's floor: half a round trip of one cache line between two cores, without any library.
 *
 *   line CORE CORE [ROUND TRIPS]
 *
 * Two Linux processes, each bound to one core, take turns in writing a line they share. Prints as stages.c does.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

/* Many short rounds: where the machine is busy, some of them are left alone. */
enum { ROUNDS = 999 };

static volatile uint64_t *line;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void bind_to(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    if (sched_setaffinity(0, sizeof set, &set))
        fail("line: binding to a core");
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Writes the odd (first) or even numbers up to `last`, each after the other side's. */
static void play(uint64_t begin, uint64_t last, uint64_t mine)
{
    for (uint64_t n = begin + 1; n <= last; n++) {
        if (n % 2 == mine)
            *line = n;
        else
            while (*line != n)
                ;
    }
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: line CORE CORE [ROUND TRIPS]\n");
        return 2;
    }
    uint64_t trips = argc > 3 ? (uint64_t)atol(argv[3]) : 500;
    line = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (line == MAP_FAILED)
        fail("line: sharing memory");
    pid_t child = fork();
    if (child < 0)
        fail("line: starting the other process");
    bind_to(atoi(argv[child ? 1 : 2]));
    double cycles[ROUNDS];
    for (uint64_t round = 0; round < ROUNDS; round++) {
        uint64_t began = __rdtsc();
        play(round * 2 * trips, (round + 1) * 2 * trips, child ? 1 : 0);
        cycles[round] = (double)(__rdtsc() - began) / (double)(2 * trips);
    }
    if (!child)
        _exit(0);
    int status;
    if (waitpid(child, &status, 0) != child || status)
        fail("line: the other process");
    qsort(cycles, ROUNDS, sizeof *cycles, ascending);
    printf("cache line|%.1f|%.1f|%.1f\n", cycles[ROUNDS / 2], cycles[0], cycles[ROUNDS - 1]);
    return 0;
}
