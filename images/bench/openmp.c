/* Two loops as OpenMP programs have them: the STREAM triad, bound by memory, and pseudorandom pairs as in NAS EP, bound by
 * arithmetic. Milliseconds of each. */
#include "timing.h"
#include <math.h>
#include <omp.h>

static double *a, *b, *c;
static long length;
static double accepted;

static void triad(long n)
{
    for (long i = 0; i < n; i++) {
#pragma omp parallel for
        for (long j = 0; j < length; j++)
            a[j] = b[j] + 3.0 * c[j];
    }
}

enum { PAIRS = 1 << 16 };

static double uniform(unsigned long *state)
{
    *state = *state * 6364136223846793005UL + 1442695040888963407UL;
    return (double)(*state >> 11) * 0x1p-52 - 1.0;
}

/* Marsaglia's polar method: the sum of Gaussian deviates. */
static void pairs(long n)
{
    double sum = 0;
    for (long i = 0; i < n; i++) {
#pragma omp parallel for reduction(+ : sum)
        for (long block = 0; block < 64; block++) {
            unsigned long state = (unsigned long)(i * 64 + block + 1) * 0x9e3779b97f4a7c15UL;
            for (int k = 0; k < PAIRS / 64; k++) {
                double x = uniform(&state), y = uniform(&state), t = x * x + y * y;
                if (t <= 1.0 && t > 0.0)
                    sum += (x + y) * sqrt(-2.0 * log(t) / t);
            }
        }
    }
    accepted += sum;
}

int main(int argc, char **argv)
{
    struct options options = read_options(argc, argv);
    int threads = 0;
    length = options.bytes / (long)sizeof *a;
    a = malloc((size_t)options.bytes);
    b = malloc((size_t)options.bytes);
    c = malloc((size_t)options.bytes);
    require(a && b && c, "malloc");
#pragma omp parallel for
    for (long j = 0; j < length; j++) {
        a[j] = 0.0;
        b[j] = 1.0 + (double)j;
        c[j] = 2.0;
    }
#pragma omp parallel
#pragma omp single
    threads = omp_get_num_threads();
    errno = EAGAIN;
    require(threads == 2, "two threads are needed");
    measure("triad", triad, 1e3, options);
    measure("pairs", pairs, 1e3, options);
    errno = EDOM;
    require(a[length - 1] == b[length - 1] + 6.0 && isfinite(accepted), "wrong results");
    return 0;
}
