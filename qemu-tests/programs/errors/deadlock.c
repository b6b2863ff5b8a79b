/* Ranks that wait for each other for ever, or only for long; chosen by the first argument. Two ranks or more. */
#include <mpi.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int rank, size, number = 0;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    const char *what = argc > 1 ? argv[1] : "";
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Barrier(MPI_COMM_WORLD);
    if (!strcmp(what, "tags")) {
        /* The tag of the receive is not that of the send. */
        MPI_Send(&number, 1, MPI_INT, (rank + 1) % size, 5, MPI_COMM_WORLD);
        MPI_Recv(&number, 1, MPI_INT, (rank + size - 1) % size, 6, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    } else if (!strcmp(what, "collectives")) {
        if (rank == 1)
            MPI_Bcast(&number, 1, MPI_INT, 0, MPI_COMM_WORLD);
        else
            MPI_Barrier(MPI_COMM_WORLD);
    } else if (!strcmp(what, "wait")) {
        /* Synchronous sends that nobody receives, in MPI_Wait and MPI_Finalize. */
        MPI_Request request;
        if (rank == 0) {
            MPI_Issend(&number, 1, MPI_INT, 1, 3, MPI_COMM_WORLD, &request);
            MPI_Wait(&request, MPI_STATUS_IGNORE);
        }
    } else if (!strcmp(what, "probe")) {
        if (rank == 0)
            MPI_Probe(MPI_ANY_SOURCE, 77, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    } else if (!strcmp(what, "compute")) {
        /* One rank is long outside of MPI: no deadlock. */
        if (rank == 0)
            sleep(6);
        MPI_Barrier(MPI_COMM_WORLD);
    } else if (!strcmp(what, "poll")) {
        /* One rank polls, and goes on in its own time: no deadlock. */
        if (rank == 0) {
            double began = MPI_Wtime();
            int flag = 0;
            while (MPI_Wtime() - began < 6)
                MPI_Iprobe(1, 9, MPI_COMM_WORLD, &flag, MPI_STATUS_IGNORE);
            MPI_Send(&number, 1, MPI_INT, 1, 4, MPI_COMM_WORLD);
        } else if (rank == 1) {
            MPI_Recv(&number, 1, MPI_INT, 0, 4, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        }
        MPI_Barrier(MPI_COMM_WORLD);
    }
    if (rank == 0)
        printf("done\n");
    MPI_Finalize();
    return 0;
}
