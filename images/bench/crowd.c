/* What many small programs do, with any number of ranks: reductions, a ring, an exchange of all with all. Every result
 * is checked. Used with more ranks than cores: it ends only if ranks that wait let others run.
 *
 *   crowd ROUNDS */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

static void check(int right, const char *what, long round)
{
    if (!right) {
        fprintf(stderr, "crowd: wrong result of %s in round %ld\n", what, round);
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
}

int main(int argc, char **argv)
{
    int rank, size;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    long rounds = argc == 2 ? atol(argv[1]) : 10;
    int right = (rank + 1) % size, left = (rank + size - 1) % size;
    int *out = malloc(sizeof *out * (size_t)size), *in = malloc(sizeof *in * (size_t)size);
    check(out && in, "malloc", 0);
    double began = MPI_Wtime();
    for (long round = 0; round < rounds; round++) {
        long mine = rank + round, sum = 0;
        MPI_Allreduce(&mine, &sum, 1, MPI_LONG, MPI_SUM, MPI_COMM_WORLD);
        check(sum == (long)size * (size - 1) / 2 + round * size, "MPI_Allreduce", round);
        int token = -1;
        MPI_Sendrecv(&rank, 1, MPI_INT, right, 1, &token, 1, MPI_INT, left, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        check(token == left, "MPI_Sendrecv", round);
        for (int peer = 0; peer < size; peer++)
            out[peer] = rank * size + peer;
        MPI_Alltoall(out, 1, MPI_INT, in, 1, MPI_INT, MPI_COMM_WORLD);
        for (int peer = 0; peer < size; peer++)
            check(in[peer] == peer * size + rank, "MPI_Alltoall", round);
        MPI_Barrier(MPI_COMM_WORLD);
    }
    if (rank == 0)
        printf("%ld rounds in %.6f s\n", rounds, MPI_Wtime() - began);
    free(out);
    free(in);
    MPI_Finalize();
    return 0;
}
