/* dying KIND: rank 1 is in the middle of KIND, again and again, until the test kills it: `copy` (large messages both ways),
 * `offers` (it sends what rank 0 takes late), `node` (collectives over shared memory). */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGE = 24 << 20, MEDIUM = 4000 };

static int rank, size;
static char *out, *in;

static void copy(void)
{
    const int next = (rank + 1) % size, before = (rank + size - 1) % size;
    MPI_Sendrecv(out, LARGE, MPI_CHAR, next, 1, in, LARGE, MPI_CHAR, before, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

static void offers(void)
{
    if (rank == 1)
        MPI_Send(out, MEDIUM, MPI_CHAR, 0, 1, MPI_COMM_WORLD);
    if (rank == 0) {
        for (volatile int i = 0; i < 100000; i++)
            ;
        MPI_Recv(in, MEDIUM, MPI_CHAR, 1, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
    if (rank > 1)
        MPI_Recv(in, MEDIUM, MPI_CHAR, 1, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

static void node(void)
{
    long mine = rank, sum;
    MPI_Allreduce(&mine, &sum, 1, MPI_LONG, MPI_SUM, MPI_COMM_WORLD);
    MPI_Bcast(out, 1 << 20, MPI_CHAR, 1, MPI_COMM_WORLD);
    MPI_Barrier(MPI_COMM_WORLD);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    const char *kind = argc > 1 ? argv[1] : "";
    void (*step)(void) = !strcmp(kind, "copy") ? copy : !strcmp(kind, "offers") ? offers : node;
    out = calloc(LARGE, 1), in = calloc(LARGE, 1);
    MPI_Barrier(MPI_COMM_WORLD);
    for (long i = 0;; i++) {
        if (rank == 0 && i == 2) {
            printf("flowing\n");
            fflush(stdout);
        }
        step();
    }
}
