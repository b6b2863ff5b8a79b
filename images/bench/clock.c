/* Nanoseconds of a clock_gettime. */
#include "timing.h"

static void read_clock(long n)
{
    struct timespec t;
    for (long i = 0; i < n; i++)
        clock_gettime(CLOCK_MONOTONIC, &t);
}

int main(int argc, char **argv)
{
    measure("clock", read_clock, 1e9, read_options(argc, argv));
    return 0;
}
