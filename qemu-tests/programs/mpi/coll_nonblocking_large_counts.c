/* Every collective operation with MPI_Counts that does not block, all at once, completed on each rank in another order. */
#include "../coll_kinds.h"

static MPI_Request requests[KINDS];

static void start_all(int root, MPI_Comm comm)
{
    MPI_Request *r = requests;
    MPI_Ibarrier(comm, &r[BARRIER]);
    MPI_Ibcast_c(output[BCAST], BLOCK, MPI_INT, root, comm, &r[BCAST]);
    MPI_Igather_c(input[GATHER], BLOCK, MPI_INT, output[GATHER], BLOCK, MPI_INT, root, comm, &r[GATHER]);
    MPI_Igatherv_c(input[GATHERV], length(me), MPI_INT, output[GATHERV], lengths, places, MPI_INT, root, comm, &r[GATHERV]);
    MPI_Iscatter_c(input[SCATTER], BLOCK, MPI_INT, output[SCATTER], BLOCK, MPI_INT, root, comm, &r[SCATTER]);
    MPI_Iscatterv_c(input[SCATTERV], lengths, places, MPI_INT, output[SCATTERV], length(me), MPI_INT, root, comm, &r[SCATTERV]);
    MPI_Iallgather_c(input[ALLGATHER], BLOCK, MPI_INT, output[ALLGATHER], BLOCK, MPI_INT, comm, &r[ALLGATHER]);
    MPI_Iallgatherv_c(input[ALLGATHERV], length(me), MPI_INT, output[ALLGATHERV], lengths, places, MPI_INT, comm,
        &r[ALLGATHERV]);
    MPI_Ialltoall_c(input[ALLTOALL], BLOCK, MPI_INT, output[ALLTOALL], BLOCK, MPI_INT, comm, &r[ALLTOALL]);
    MPI_Ialltoallv_c(input[ALLTOALLV], lengths_to, places, MPI_INT, output[ALLTOALLV], lengths_from, places, MPI_INT, comm,
        &r[ALLTOALLV]);
    MPI_Ialltoallw_c(input[ALLTOALLW], lengths_to, byte_places, ints, output[ALLTOALLW], lengths_from, byte_places, ints, comm,
        &r[ALLTOALLW]);
    MPI_Ireduce_c(input[REDUCE], output[REDUCE], BLOCK, MPI_INT, MPI_SUM, root, comm, &r[REDUCE]);
    MPI_Iallreduce_c(input[ALLREDUCE], output[ALLREDUCE], BLOCK, MPI_INT, MPI_SUM, comm, &r[ALLREDUCE]);
    MPI_Ireduce_scatter_c(input[REDUCE_SCATTER], output[REDUCE_SCATTER], lengths, MPI_INT, MPI_SUM, comm, &r[REDUCE_SCATTER]);
    MPI_Ireduce_scatter_block_c(input[REDUCE_SCATTER_BLOCK], output[REDUCE_SCATTER_BLOCK], BLOCK, MPI_INT, MPI_SUM, comm,
        &r[REDUCE_SCATTER_BLOCK]);
    MPI_Iscan_c(input[SCAN], output[SCAN], BLOCK, MPI_INT, MPI_SUM, comm, &r[SCAN]);
    MPI_Iexscan_c(input[EXSCAN], output[EXSCAN], BLOCK, MPI_INT, MPI_SUM, comm, &r[EXSCAN]);
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    for (int root = 0; root < size; root++) {
        fill(root, root);
        start_all(root, MPI_COMM_WORLD);
        /* Nothing is complete before the last rank has entered; what comes meanwhile stays apart. */
        int ranks = 0, one = 1;
        MPI_Allreduce_c(&one, &ranks, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
        CHECK(ranks == size);
        for (int k = 0; root % 2 && k < KINDS; k++)
            MPI_Wait(&requests[(k + 5 * me) % KINDS], MPI_STATUS_IGNORE);
        MPI_Waitall(KINDS, requests, MPI_STATUSES_IGNORE);
        for (int k = 0; k < KINDS; k++)
            CHECK(requests[k] == MPI_REQUEST_NULL);
        check_outputs(root, root);
    }
    return check_end("coll_nonblocking_large_counts");
}
