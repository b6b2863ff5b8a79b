/* Messages and collectives whose numbers are known, for the tests of `--stats` and `--trace`. Two ranks.
 *
 *   observe messages       rank 0 sends to rank 1: 5 of 8 bytes that come before their receives, an empty one,
 *                          3 of 1 MiB and 2 synchronous ones of 4 bytes; and 16 bytes to itself
 *   observe collectives    4 barriers, 2 allreduces, 3 broadcasts, 1 scan
 */
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL = 5, LARGE = 3, SYNCHRONOUS = 2, BYTES = 1 << 20 };

static char small[8], large[LARGE][BYTES], own[2][16];
static int number[SYNCHRONOUS];

static void send_all(void)
{
    MPI_Recv(NULL, 0, MPI_CHAR, 1, 100, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    for (int i = 0; i < SMALL; i++)
        MPI_Send(small, sizeof small, MPI_CHAR, 1, 1, MPI_COMM_WORLD);
    MPI_Send(NULL, 0, MPI_CHAR, 1, 2, MPI_COMM_WORLD);
    MPI_Recv(NULL, 0, MPI_CHAR, 1, 100, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    for (int i = 0; i < LARGE; i++)
        MPI_Send(large[i], BYTES, MPI_CHAR, 1, 3, MPI_COMM_WORLD);
    for (int i = 0; i < SYNCHRONOUS; i++)
        MPI_Ssend(&number[i], 1, MPI_INT, 1, 4, MPI_COMM_WORLD);
    MPI_Sendrecv(own[0], 16, MPI_CHAR, 0, 5, own[1], 16, MPI_CHAR, 0, 5, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

static void receive_all(void)
{
    MPI_Request empty, all[LARGE + SYNCHRONOUS];
    MPI_Irecv(NULL, 0, MPI_CHAR, 0, 2, MPI_COMM_WORLD, &empty);
    MPI_Send(NULL, 0, MPI_CHAR, 0, 100, MPI_COMM_WORLD);
    MPI_Wait(&empty, MPI_STATUS_IGNORE);
    for (int i = 0; i < SMALL; i++)
        MPI_Recv(small, sizeof small, MPI_CHAR, 0, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    for (int i = 0; i < LARGE; i++)
        MPI_Irecv(large[i], BYTES, MPI_CHAR, 0, 3, MPI_COMM_WORLD, &all[i]);
    for (int i = 0; i < SYNCHRONOUS; i++)
        MPI_Irecv(&number[i], 1, MPI_INT, 0, 4, MPI_COMM_WORLD, &all[LARGE + i]);
    MPI_Send(NULL, 0, MPI_CHAR, 0, 100, MPI_COMM_WORLD);
    MPI_Waitall(LARGE + SYNCHRONOUS, all, MPI_STATUSES_IGNORE);
}

static void collectives(void)
{
    int mine = 1, sum = 0;
    for (int i = 0; i < 4; i++)
        MPI_Barrier(MPI_COMM_WORLD);
    for (int i = 0; i < 2; i++)
        MPI_Allreduce(&mine, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    for (int i = 0; i < 3; i++)
        MPI_Bcast(&sum, 1, MPI_INT, 0, MPI_COMM_WORLD);
    MPI_Scan(&mine, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
}

int main(int argc, char **argv)
{
    int rank;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (argc > 1 && !strcmp(argv[1], "collectives"))
        collectives();
    else if (rank == 0)
        send_all();
    else
        receive_all();
    MPI_Finalize();
    return 0;
}
