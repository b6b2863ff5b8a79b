/* Messages of all sizes from and to buffers above 4 GiB ("high"), or wherever a small rank has them. */
#include <mpi.h>
#include <stdint.h>
#include <string.h>

#include "check.h"

int main(int argc, char **argv)
{
    static const int sizes[] = {0, 8, 40, 1000, 4096, 70000, 1 << 20, 3 << 20};
    int rank, high = argc > 1 && !strcmp(argv[1], "high"), most = high ? 3 << 20 : 70000;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    check_rank = rank;
    uint8_t *out = malloc(most), *in = malloc(most);
    CHECK(out && in);
    CHECK(!high || ((uintptr_t)out > 1ull << 32 && (uintptr_t)in > 1ull << 32));
    for (int round = 0; round < 20; round++)
        for (unsigned k = 0; k < sizeof sizes / sizeof *sizes && sizes[k] <= most; k++) {
            int n = sizes[k], peer = 1 - rank;
            for (int i = 0; i < n; i++)
                out[i] = (uint8_t)(i * 7 + round + rank);
            memset(in, 0xee, n);
            if (round % 2)
                MPI_Sendrecv(out, n, MPI_BYTE, peer, round, in, n, MPI_BYTE, peer, round, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            else if (rank == 0) {
                MPI_Send(out, n, MPI_BYTE, 1, round, MPI_COMM_WORLD);
                MPI_Recv(in, n, MPI_BYTE, 1, round, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            } else {
                MPI_Recv(in, n, MPI_BYTE, 0, round, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
                MPI_Send(out, n, MPI_BYTE, 0, round, MPI_COMM_WORLD);
            }
            for (int i = 0; i < n; i++)
                CHECK(in[i] == (uint8_t)(i * 7 + round + peer));
        }
    free(out);
    free(in);
    return check_end("beyond");
}
