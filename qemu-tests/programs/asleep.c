/* A rank that waits in MPI takes no processor time: it sleeps. Processor time, not the clock on the wall, so that a busy
 * host makes no difference: halted time of a VM, and that of a process that waits for its turn, do not count.
 */
#include <mpi.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static double used(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

int main(int argc, char **argv)
{
    int rank, word = 0;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    for (int by_barrier = 0; by_barrier < 2; by_barrier++) {
        MPI_Barrier(MPI_COMM_WORLD);
        double began = MPI_Wtime(), before = used();
        if (rank == 0)
            sleep(2);
        if (by_barrier)
            MPI_Barrier(MPI_COMM_WORLD);
        else if (rank == 0)
            MPI_Send(&word, 1, MPI_INT, 1, 0, MPI_COMM_WORLD);
        else if (rank == 1)
            MPI_Recv(&word, 1, MPI_INT, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        double elapsed = MPI_Wtime() - began, share = (used() - before) / elapsed;
        if (rank == 1 && share > 0.1) {
            printf("asleep: waited %.3f s and was busy for %.0f %% of it\n", elapsed, 100 * share);
            MPI_Abort(MPI_COMM_WORLD, 1);
        }
        if (rank == 1)
            fprintf(stderr, "asleep: busy for %.3f %% of %.1f s\n", 100 * share, elapsed);
    }
    if (rank == 1)
        printf("asleep: passed\n");
    MPI_Finalize();
    return 0;
}
