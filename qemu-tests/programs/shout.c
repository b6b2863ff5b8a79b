/* 2000 numbered lines from every rank at once. */
#include <mpi.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    int rank;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Barrier(MPI_COMM_WORLD);
    for (int i = 0; i < 2000; i++)
        printf("rank %d line %d ============================================================\n", rank, i);
    MPI_Finalize();
    return 0;
}
