/* Every collective operation whose counts are MPI_Counts, from and to each root; blocks of other lengths where there can be. */
#include "../coll_kinds.h"

static void all_kinds(int root, MPI_Comm comm)
{
    MPI_Bcast_c(output[BCAST], BLOCK, MPI_INT, root, comm);
    MPI_Gather_c(input[GATHER], BLOCK, MPI_INT, output[GATHER], BLOCK, MPI_INT, root, comm);
    MPI_Gatherv_c(input[GATHERV], length(me), MPI_INT, output[GATHERV], lengths, places, MPI_INT, root, comm);
    MPI_Scatter_c(input[SCATTER], BLOCK, MPI_INT, output[SCATTER], BLOCK, MPI_INT, root, comm);
    MPI_Scatterv_c(input[SCATTERV], lengths, places, MPI_INT, output[SCATTERV], length(me), MPI_INT, root, comm);
    MPI_Allgather_c(input[ALLGATHER], BLOCK, MPI_INT, output[ALLGATHER], BLOCK, MPI_INT, comm);
    MPI_Allgatherv_c(input[ALLGATHERV], length(me), MPI_INT, output[ALLGATHERV], lengths, places, MPI_INT, comm);
    MPI_Alltoall_c(input[ALLTOALL], BLOCK, MPI_INT, output[ALLTOALL], BLOCK, MPI_INT, comm);
    MPI_Alltoallv_c(input[ALLTOALLV], lengths_to, places, MPI_INT, output[ALLTOALLV], lengths_from, places, MPI_INT, comm);
    MPI_Alltoallw_c(input[ALLTOALLW], lengths_to, byte_places, ints, output[ALLTOALLW], lengths_from, byte_places, ints, comm);
    MPI_Reduce_c(input[REDUCE], output[REDUCE], BLOCK, MPI_INT, MPI_SUM, root, comm);
    MPI_Allreduce_c(input[ALLREDUCE], output[ALLREDUCE], BLOCK, MPI_INT, MPI_SUM, comm);
    MPI_Reduce_scatter_c(input[REDUCE_SCATTER], output[REDUCE_SCATTER], lengths, MPI_INT, MPI_SUM, comm);
    MPI_Reduce_scatter_block_c(input[REDUCE_SCATTER_BLOCK], output[REDUCE_SCATTER_BLOCK], BLOCK, MPI_INT, MPI_SUM, comm);
    MPI_Scan_c(input[SCAN], output[SCAN], BLOCK, MPI_INT, MPI_SUM, comm);
    MPI_Exscan_c(input[EXSCAN], output[EXSCAN], BLOCK, MPI_INT, MPI_SUM, comm);
}

static int class_of(int code)
{
    int class;
    MPI_Error_class(code, &class);
    return class;
}

/* Cut to an int, these counts would be good ones. */
static void errors(void)
{
    MPI_Count negative = -((MPI_Count)1 << 32) + 1, negatives[MOST_RANKS];
    MPI_Comm comm;
    MPI_Comm_dup(MPI_COMM_SELF, &comm);
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    for (int r = 0; r < MOST_RANKS; r++)
        negatives[r] = negative;
    int *in = input[0], *out = output[0];
    CHECK(class_of(MPI_Gather_c(in, negative, MPI_INT, out, 1, MPI_INT, 0, comm)) == MPI_ERR_COUNT);
    CHECK(class_of(MPI_Scatterv_c(in, negatives, places, MPI_INT, out, 1, MPI_INT, 0, comm)) == MPI_ERR_COUNT);
    CHECK(class_of(MPI_Alltoallv_c(in, negatives, places, MPI_INT, out, lengths, places, MPI_INT, comm)) == MPI_ERR_COUNT);
    CHECK(class_of(MPI_Reduce_c(in, out, negative, MPI_INT, MPI_SUM, 0, comm)) == MPI_ERR_COUNT);
    CHECK(class_of(MPI_Reduce_scatter_c(in, out, negatives, MPI_INT, MPI_SUM, comm)) == MPI_ERR_COUNT);
    CHECK(class_of(MPI_Scan_c(in, out, negative, MPI_INT, MPI_SUM, comm)) == MPI_ERR_COUNT);
    MPI_Comm_free(&comm);
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    for (int root = 0; root < size; root++) {
        fill(root, root);
        all_kinds(root, MPI_COMM_WORLD);
        check_outputs(root, root);
    }
    errors();
    return check_end("coll_large_counts");
}
