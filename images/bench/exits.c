/* Two ranks that exchange messages, then only spin for the same time, again and again; each boundary is recorded, so
 * that the VM exits of the two can be told apart.
 *
 *   exits ROUND_TRIPS SEGMENTS
 *
 * Records "work N" before the Nth segment's messages, "idle N" after them, and "done N" after the spinning. Rank 0
 * prints the seconds that each segment's messages took. */
#include <mpi.h>
#include <stdlib.h>

#include "stats.h"

enum { BYTES = 8, WARM_UP = 200 };

static int rank;

static void ping_pong(long round_trips)
{
    char message[BYTES] = "message";
    for (long i = 0; i < round_trips; i++) {
        if (rank == 0) {
            MPI_Send(message, BYTES, MPI_CHAR, 1, 1, MPI_COMM_WORLD);
            MPI_Recv(message, BYTES, MPI_CHAR, 1, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        } else {
            MPI_Recv(message, BYTES, MPI_CHAR, 0, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            MPI_Send(message, BYTES, MPI_CHAR, 0, 1, MPI_COMM_WORLD);
        }
    }
}

int main(int argc, char **argv)
{
    int ranks;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    long round_trips = argc == 3 ? atol(argv[1]) : 0, segments = argc == 3 ? atol(argv[2]) : 0;
    if (ranks != 2 || round_trips < 1 || segments < 1) {
        fprintf(stderr, "usage: exits ROUND_TRIPS SEGMENTS, with two ranks\n");
        MPI_Abort(MPI_COMM_WORLD, 2);
    }
    for (long n = 0; n < segments; n++) {
        /* The first messages connect the ranks and wake the engine: neither belongs to what is counted. */
        ping_pong(WARM_UP);
        stats("work", n);
        double began = MPI_Wtime();
        ping_pong(round_trips / segments);
        double took = MPI_Wtime() - began;
        stats_now("idle", n);
        for (began = MPI_Wtime(); MPI_Wtime() - began < took;)
            ;
        stats_now("done", n);
        if (rank == 0)
            printf("segment %ld: %.6f s\n", n, took);
    }
    MPI_Finalize();
    return 0;
}
