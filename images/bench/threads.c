/* Messages of several threads at once (MPI_THREAD_MULTIPLE): thread N of rank 0 sends bursts to thread N of rank 1, which
 * answers each burst. A line for each number of threads: rate, threads, and million messages a second of all threads, as
 * median, smallest and largest of the rounds.
 *
 *   threads BURSTS THREADS... */
#include <mpi.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { BURST = 64, ROUNDS = 9, MOST = 64 };

static int rank, bursts;

static void *work(void *argument)
{
    int thread = (int)(intptr_t)argument;
    long out[BURST] = {0}, in[BURST], answer = 0;
    MPI_Request requests[BURST];
    for (int burst = 0; burst < bursts; burst++) {
        if (rank == 0) {
            for (int i = 0; i < BURST; i++) {
                out[i] = burst + i;
                MPI_Isend(&out[i], 1, MPI_LONG, 1, thread, MPI_COMM_WORLD, &requests[i]);
            }
            MPI_Waitall(BURST, requests, MPI_STATUSES_IGNORE);
            MPI_Recv(&answer, 1, MPI_LONG, 1, thread, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        } else {
            for (int i = 0; i < BURST; i++)
                MPI_Irecv(&in[i], 1, MPI_LONG, 0, thread, MPI_COMM_WORLD, &requests[i]);
            MPI_Waitall(BURST, requests, MPI_STATUSES_IGNORE);
            for (int i = 0; i < BURST; i++)
                if (in[i] != burst + i) {
                    fprintf(stderr, "threads: %ld instead of %d\n", in[i], burst + i);
                    MPI_Abort(MPI_COMM_WORLD, 1);
                }
            MPI_Send(&answer, 1, MPI_LONG, 0, thread, MPI_COMM_WORLD);
        }
    }
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    int provided;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (provided != MPI_THREAD_MULTIPLE || argc < 3 || (bursts = atoi(argv[1])) < 1) {
        fprintf(stderr, "threads: needs MPI_THREAD_MULTIPLE, a number of bursts and numbers of threads\n");
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    for (int n = 2; n < argc; n++) {
        int threads = atoi(argv[n]);
        double rates[ROUNDS];
        for (int round = -1; round < ROUNDS; round++) {
            pthread_t thread[MOST];
            MPI_Barrier(MPI_COMM_WORLD);
            double began = MPI_Wtime();
            for (int t = 0; t < threads; t++)
                if (t >= MOST || pthread_create(&thread[t], NULL, work, (void *)(intptr_t)t))
                    MPI_Abort(MPI_COMM_WORLD, 1);
            for (int t = 0; t < threads; t++)
                pthread_join(thread[t], NULL);
            if (round >= 0)
                rates[round] = (double)bursts * BURST * threads / (MPI_Wtime() - began) / 1e6;
        }
        qsort(rates, ROUNDS, sizeof *rates, by_value);
        if (rank == 0)
            printf("rate %d %.4f %.4f %.4f\n", threads, rates[ROUNDS / 2], rates[0], rates[ROUNDS - 1]);
    }
    MPI_Finalize();
    return 0;
}
