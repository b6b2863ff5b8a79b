/* Conjugate gradients, for comparing jobs of more ranks than cores; compiled with each MPI library that takes part.
 *
 *   cg GRID [ITERATIONS]
 *
 * The same method as images/examples/cg, in C as not every MPI library comes with Fortran, on the five-point Laplacian
 * of a GRID x GRID square that it makes itself. Solves for a known answer of ones to 1e-10, or makes so many
 * iterations, and prints the seconds of the slowest rank without start and set-up.
 */
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

static long grid, first, rows;

/* y = A v for this rank's band of rows. */
static void multiply(const double *v, double *y)
{
    for (long k = 0; k < rows; k++) {
        long at = first + k, column = at % grid;
        double sum = 4 * v[at];
        if (at >= grid) sum -= v[at - grid];
        if (at + grid < grid * grid) sum -= v[at + grid];
        if (column > 0) sum -= v[at - 1];
        if (column + 1 < grid) sum -= v[at + 1];
        y[k] = sum;
    }
}

static double dot(const double *a, const double *b)
{
    double mine = 0, all;
    for (long k = 0; k < rows; k++)
        mine += a[k] * b[k];
    MPI_Allreduce(&mine, &all, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    return all;
}

static double *vector(long n)
{
    double *v = calloc((size_t)n, sizeof *v);
    if (!v) {
        fprintf(stderr, "cg: out of memory\n");
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    return v;
}

int main(int argc, char **argv)
{
    int rank, ranks;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    grid = argc > 1 ? atol(argv[1]) : 0;
    long most = argc > 2 ? atol(argv[2]) : 1000000;
    if (grid < 2 || grid > 10000 || most < 1) {
        fprintf(stderr, "cg: needs the length of the square's side, 2 to 10000\n");
        MPI_Abort(MPI_COMM_WORLD, 2);
    }
    long n = grid * grid;
    int *counts = malloc(sizeof *counts * (size_t)ranks), *starts = malloc(sizeof *starts * (size_t)ranks);
    for (int i = 0; i < ranks; i++) {
        starts[i] = (int)(n * i / ranks);
        counts[i] = (int)(n * (i + 1) / ranks) - starts[i];
    }
    first = starts[rank];
    rows = counts[rank];
    double *x = vector(rows), *r = vector(rows), *p = vector(rows), *ap = vector(rows), *everywhere = vector(n);
    for (long k = 0; k < n; k++)
        everywhere[k] = 1;
    multiply(everywhere, r);
    for (long k = 0; k < rows; k++)
        p[k] = r[k];
    MPI_Barrier(MPI_COMM_WORLD);
    double began = MPI_Wtime(), rr = dot(r, r), limit = 1e-20 * rr;
    long iteration = 0;
    while (rr > limit && iteration < most) {
        iteration++;
        MPI_Allgatherv(p, (int)rows, MPI_DOUBLE, everywhere, counts, starts, MPI_DOUBLE, MPI_COMM_WORLD);
        multiply(everywhere, ap);
        double alpha = rr / dot(p, ap), before = rr;
        for (long k = 0; k < rows; k++) {
            x[k] += alpha * p[k];
            r[k] -= alpha * ap[k];
        }
        rr = dot(r, r);
        for (long k = 0; k < rows; k++)
            p[k] = r[k] + rr / before * p[k];
    }
    double mine[2] = {MPI_Wtime() - began, 0}, all[2];
    for (long k = 0; k < rows; k++)
        mine[1] = fmax(mine[1], fabs(x[k] - 1));
    MPI_Allreduce(mine, all, 2, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    if (rank == 0)
        printf("cg: %ld iterations in %.6f s, largest error %.2e\n", iteration, all[0], all[1]);
    if (most == 1000000 && !(all[1] < 1e-6)) {
        fprintf(stderr, "cg: the answer is wrong\n");
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    MPI_Finalize();
    return 0;
}
