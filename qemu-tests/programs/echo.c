/* Rank 0 copies standard input to standard output and says how many lines it had; no other rank sees any. */
#include <mpi.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    char line[70000];
    int rank, lines = 0;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    while (fgets(line, sizeof line, stdin)) {
        fputs(line, stdout);
        lines++;
    }
    int all[2] = {rank == 0 ? lines : 0, rank == 0 ? 0 : lines}, sum[2];
    MPI_Reduce(all, sum, 2, MPI_INT, MPI_SUM, 0, MPI_COMM_WORLD);
    if (rank == 0)
        fprintf(stderr, "%d lines, %d elsewhere\n", sum[0], sum[1]);
    MPI_Finalize();
    return 0;
}
