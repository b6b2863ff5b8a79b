/* MPI and OpenMP together, MPI_THREAD_MULTIPLE: a halo exchange in which every thread sends and receives its own part, a reduction
 * by threads and then ranks, and a communicator for each thread. */
#include <mpi.h>

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { N = 4096, STEPS = 20 };

int main(int argc, char **argv)
{
    int provided, rank, size, threads = argc > 1 ? atoi(argv[1]) : 2;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
    CHECK(provided == MPI_THREAD_MULTIPLE);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    check_rank = rank;
    omp_set_num_threads(threads);

    /* A ring of size * threads parts of N cells; a step shifts all cells by one part. */
    long *part = malloc(threads * N * sizeof(long)), *next = malloc(threads * N * sizeof(long));
    int parts = size * threads;
    for (int t = 0; t < threads; t++)
        for (int i = 0; i < N; i++)
            part[t * N + i] = (rank * threads + t) * (long)N + i;
    for (int step = 0; step < STEPS; step++) {
#pragma omp parallel
        {
            int t = omp_get_thread_num(), me = rank * threads + t;
            int to = (me + 1) % parts, from = (me + parts - 1) % parts;
            MPI_Request requests[2];
            MPI_Irecv(next + t * N, N, MPI_LONG, from / threads, t, MPI_COMM_WORLD, &requests[0]);
            MPI_Isend(part + t * N, N, MPI_LONG, to / threads, to % threads, MPI_COMM_WORLD, &requests[1]);
            MPI_Waitall(2, requests, MPI_STATUSES_IGNORE);
        }
        long *swap = part;
        part = next;
        next = swap;
    }
    long wrong = 0, all = -1;
#pragma omp parallel for reduction(+ : wrong)
    for (int n = 0; n < threads * N; n++) {
        int origin = ((rank * threads + n / N - STEPS) % parts + parts) % parts;
        wrong += part[n] != origin * (long)N + n % N;
    }
    MPI_Allreduce(&wrong, &all, 1, MPI_LONG, MPI_SUM, MPI_COMM_WORLD);
    CHECK(all == 0);

    MPI_Comm *own = malloc(threads * sizeof *own);
    for (int t = 0; t < threads; t++)
        MPI_Comm_dup(MPI_COMM_WORLD, &own[t]);
#pragma omp parallel
    {
        int t = omp_get_thread_num(), sum = 0, mine = rank + t;
        for (int step = 0; step < STEPS; step++)
            MPI_Allreduce(&mine, &sum, 1, MPI_INT, MPI_SUM, own[t]);
#pragma omp critical
        CHECK(sum == size * (size - 1) / 2 + size * t);
    }
    for (int t = 0; t < threads; t++)
        MPI_Comm_free(&own[t]);
    free(own);
    free(part);
    free(next);
    return check_end("hybrid");
}
