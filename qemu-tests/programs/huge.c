/* One message of more than 2 GiB from rank 0 to rank 1, as many elements of a derived type and as a large count. */
#include <mpi.h>
#include <stdint.h>
#include <string.h>

#include "check.h"

enum { BLOCK = 1 << 20 };

int main(int argc, char **argv)
{
    int rank, blocks = 2100, got = 0;
    MPI_Count bytes = (MPI_Count)BLOCK * blocks + 5, large = 0;
    MPI_Datatype block;
    MPI_Status st;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    check_rank = rank;
    uint8_t *data = malloc((size_t)bytes);
    CHECK(data != NULL);
    MPI_Type_contiguous(BLOCK, MPI_BYTE, &block);
    MPI_Type_commit(&block);
    if (rank == 0) {
        for (MPI_Count i = 0; i < bytes; i += 4096)
            data[i] = (uint8_t)(i >> 12);
        data[bytes - 1] = 77;
        MPI_Send(data, blocks, block, 1, 1, MPI_COMM_WORLD);
        MPI_Send_c(data, bytes, MPI_BYTE, 1, 2, MPI_COMM_WORLD);
    } else if (rank == 1) {
        MPI_Recv(data, blocks, block, 0, 1, MPI_COMM_WORLD, &st);
        MPI_Get_count(&st, block, &got);
        CHECK(got == blocks);
        MPI_Get_count(&st, MPI_BYTE, &got);
        CHECK(got == MPI_UNDEFINED);
        for (MPI_Count i = 0; i < (MPI_Count)BLOCK * blocks; i += 4096)
            CHECK(data[i] == (uint8_t)(i >> 12));
        MPI_Recv_c(data, bytes, MPI_BYTE, 0, 2, MPI_COMM_WORLD, &st);
        MPI_Get_count_c(&st, MPI_BYTE, &large);
        CHECK(large == bytes && data[bytes - 1] == 77);
    }
    MPI_Type_free(&block);
    free(data);
    return check_end("huge");
}
