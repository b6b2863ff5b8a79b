/* wait KIND: rank 1 does what KIND says, everybody else waits for a message that never comes. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int rank, x;
    const char *kind = argc > 1 ? argv[1] : "";
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0) {
        printf("ready\n");
        fflush(stdout);
    }
    if (rank == 1 && !strcmp(kind, "exit"))
        exit(9);
    if (rank == 1 && !strcmp(kind, "abort"))
        MPI_Abort(MPI_COMM_WORLD, 11);
    if (rank == 1 && !strcmp(kind, "fault"))
        *(volatile int *)16 = 1;
    if (rank == 1 && !strcmp(kind, "spin"))
        for (volatile long i = 0;; i++)
            ;
    if (rank == 1 && !strcmp(kind, "leave"))
        exit(0);
    MPI_Recv(&x, 1, MPI_INT, MPI_ANY_SOURCE, 5, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Finalize();
    return 0;
}
