/* The smallest program that uses MPI, and with -DWITHOUT_MPI the same program without it: what kernel and MPI add to
 * the size of an image and to the memory of a rank. Rank 0 greets every other rank, so that connections exist. */
#ifndef WITHOUT_MPI
#include <mpi.h>
#endif
#include "stats.h"

int main(int argc, char **argv)
{
    int rank = 0, size = 1;
#ifdef RECORD
    stats_now("entered", 0);
#endif
#ifndef WITHOUT_MPI
    int greeting = 0;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    for (int peer = 1; rank == 0 && peer < size; peer++)
        MPI_Send(&peer, 1, MPI_INT, peer, 0, MPI_COMM_WORLD);
    if (rank > 0)
        MPI_Recv(&greeting, 1, MPI_INT, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
#endif
    printf("%s: rank %d of %d, %d arguments\n", argv[0], rank, size, argc);
#ifdef RECORD
    stats_now("leaving", 0);
#endif
#ifndef WITHOUT_MPI
    MPI_Finalize();
#endif
    return 0;
}
