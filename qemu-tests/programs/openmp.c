/* OpenMP beside MPI: parallel loops, reductions, critical sections and tasks in every rank. */
#include <mpi.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(c) do { if (!(c)) { printf("openmp: line %d: %s failed\n", __LINE__, #c); exit(1); } } while (0)

static long fibonacci(int n)
{
    long a, b;
    if (n < 2)
        return n;
#pragma omp task shared(a)
    a = fibonacci(n - 1);
#pragma omp task shared(b)
    b = fibonacci(n - 2);
#pragma omp taskwait
    return a + b;
}

int main(int argc, char **argv)
{
    enum { N = 1 << 20 };
    double *x = malloc(N * sizeof *x), sum = 0, all = 0;
    int provided, rank, size, threads = 0, entered = 0;
    long f = 0;

    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (argc > 1)
        CHECK(omp_get_max_threads() == atoi(argv[1]));
    for (int round = 0; round < 20; round++) {
#pragma omp parallel for
        for (int i = 0; i < N; i++)
            x[i] = i + round;
        sum = 0;
#pragma omp parallel for reduction(+ : sum)
        for (int i = 0; i < N; i++)
            sum += x[i];
        CHECK(sum == (double)N * (N - 1) / 2 + (double)N * round);
        MPI_Allreduce(&sum, &all, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
        CHECK(all == size * sum);
    }
#pragma omp parallel
    {
#pragma omp single
        threads = omp_get_num_threads();
#pragma omp critical
        entered++;
    }
    CHECK(entered == threads);
#pragma omp parallel
#pragma omp single
    f = fibonacci(18);
    CHECK(f == 2584);
    if (rank == 0)
        printf("openmp: passed\n");
    free(x);
    MPI_Finalize();
    return 0;
}
