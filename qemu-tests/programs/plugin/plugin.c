/* A shared library that uses MPI: what Python's mpi4py is. */
#include <mpi.h>

int sum_of_ranks(void)
{
    int rank, sum = 0;
    MPI_Init(0, 0);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    MPI_Finalize();
    return sum;
}
