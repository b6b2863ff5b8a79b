/* Every persistent collective operation with MPI_Counts, started several times, on each rank in another order. */
#include "../coll_kinds.h"

enum { ROUNDS = 3 };

static MPI_Request requests[KINDS];

static void make_all(int root, MPI_Comm comm)
{
    MPI_Info info = MPI_INFO_NULL;
    MPI_Request *r = requests;
    MPI_Barrier_init(comm, info, &r[BARRIER]);
    MPI_Bcast_init_c(output[BCAST], BLOCK, MPI_INT, root, comm, info, &r[BCAST]);
    MPI_Gather_init_c(input[GATHER], BLOCK, MPI_INT, output[GATHER], BLOCK, MPI_INT, root, comm, info, &r[GATHER]);
    MPI_Gatherv_init_c(input[GATHERV], length(me), MPI_INT, output[GATHERV], lengths, places, MPI_INT, root, comm, info,
        &r[GATHERV]);
    MPI_Scatter_init_c(input[SCATTER], BLOCK, MPI_INT, output[SCATTER], BLOCK, MPI_INT, root, comm, info, &r[SCATTER]);
    MPI_Scatterv_init_c(input[SCATTERV], lengths, places, MPI_INT, output[SCATTERV], length(me), MPI_INT, root, comm, info,
        &r[SCATTERV]);
    MPI_Allgather_init_c(input[ALLGATHER], BLOCK, MPI_INT, output[ALLGATHER], BLOCK, MPI_INT, comm, info, &r[ALLGATHER]);
    MPI_Allgatherv_init_c(input[ALLGATHERV], length(me), MPI_INT, output[ALLGATHERV], lengths, places, MPI_INT, comm, info,
        &r[ALLGATHERV]);
    MPI_Alltoall_init_c(input[ALLTOALL], BLOCK, MPI_INT, output[ALLTOALL], BLOCK, MPI_INT, comm, info, &r[ALLTOALL]);
    MPI_Alltoallv_init_c(input[ALLTOALLV], lengths_to, places, MPI_INT, output[ALLTOALLV], lengths_from, places, MPI_INT, comm,
        info, &r[ALLTOALLV]);
    MPI_Alltoallw_init_c(input[ALLTOALLW], lengths_to, byte_places, ints, output[ALLTOALLW], lengths_from, byte_places, ints,
        comm, info, &r[ALLTOALLW]);
    MPI_Reduce_init_c(input[REDUCE], output[REDUCE], BLOCK, MPI_INT, MPI_SUM, root, comm, info, &r[REDUCE]);
    MPI_Allreduce_init_c(input[ALLREDUCE], output[ALLREDUCE], BLOCK, MPI_INT, MPI_SUM, comm, info, &r[ALLREDUCE]);
    MPI_Reduce_scatter_init_c(input[REDUCE_SCATTER], output[REDUCE_SCATTER], lengths, MPI_INT, MPI_SUM, comm, info,
        &r[REDUCE_SCATTER]);
    MPI_Reduce_scatter_block_init_c(input[REDUCE_SCATTER_BLOCK], output[REDUCE_SCATTER_BLOCK], BLOCK, MPI_INT, MPI_SUM, comm,
        info, &r[REDUCE_SCATTER_BLOCK]);
    MPI_Scan_init_c(input[SCAN], output[SCAN], BLOCK, MPI_INT, MPI_SUM, comm, info, &r[SCAN]);
    MPI_Exscan_init_c(input[EXSCAN], output[EXSCAN], BLOCK, MPI_INT, MPI_SUM, comm, info, &r[EXSCAN]);
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    for (int root = 0; root < size; root++) {
        make_all(root, MPI_COMM_WORLD);
        for (int round = 0; round < ROUNDS; round++) {
            fill(round, root);
            if (round == 0)
                MPI_Startall(KINDS, requests);
            for (int k = 0; round > 0 && k < KINDS; k++)
                MPI_Start(&requests[(k + round * me) % KINDS]);
            for (int k = 0; round == 1 && k < KINDS; k++)
                MPI_Wait(&requests[(k + 3 * me) % KINDS], MPI_STATUS_IGNORE);
            MPI_Waitall(KINDS, requests, MPI_STATUSES_IGNORE);
            check_outputs(round, root);
        }
        for (int k = 0; k < KINDS; k++) {
            CHECK(requests[k] != MPI_REQUEST_NULL);
            MPI_Request_free(&requests[k]);
        }
    }
    return check_end("coll_persistent_large_counts");
}
