/* Every persistent collective, started several times, on each rank in another order. */
#include <mpi.h>
#include <string.h>
#include "../check.h"

enum { ROUNDS = 4, KINDS = 17, N = 2 };

static int me, size;
static MPI_Comm comm;

/* What rank r sends to rank to in a round. */
static int value(int round, int r, int to) { return round * 1000 + r * 20 + to; }

static int sum(int round, int first, int end, int to)
{
    int s = 0;
    for (int r = first; r < end; r++)
        s += value(round, r, to);
    return s;
}

/* Each kind has room for a block of N ints for each rank, in and out. */
static int from[KINDS][32], to[KINDS][32];
static MPI_Request requests[KINDS];

static void make_all(int root)
{
    int counts[16], displs[16], bytes[16], k = 0;
    MPI_Datatype types[16];
    for (int r = 0; r < size; r++) {
        counts[r] = N, displs[r] = r * N, bytes[r] = r * N * (int)sizeof(int), types[r] = MPI_INT;
    }
    MPI_Info info = MPI_INFO_NULL;
#define IN from[k]
#define OUT to[k]
#define REQUEST comm, info, &requests[k]); k++; (void)(0
    MPI_Barrier_init(REQUEST);
    MPI_Bcast_init(OUT, N, MPI_INT, root, REQUEST);
    MPI_Gather_init(IN, N, MPI_INT, OUT, N, MPI_INT, root, REQUEST);
    MPI_Gatherv_init(IN, N, MPI_INT, OUT, counts, displs, MPI_INT, root, REQUEST);
    MPI_Scatter_init(IN, N, MPI_INT, OUT, N, MPI_INT, root, REQUEST);
    MPI_Scatterv_init(IN, counts, displs, MPI_INT, OUT, N, MPI_INT, root, REQUEST);
    MPI_Allgather_init(IN, N, MPI_INT, OUT, N, MPI_INT, REQUEST);
    MPI_Allgatherv_init(IN, N, MPI_INT, OUT, counts, displs, MPI_INT, REQUEST);
    MPI_Alltoall_init(IN, N, MPI_INT, OUT, N, MPI_INT, REQUEST);
    MPI_Alltoallv_init(IN, counts, displs, MPI_INT, OUT, counts, displs, MPI_INT, REQUEST);
    MPI_Alltoallw_init(IN, counts, bytes, types, OUT, counts, bytes, types, REQUEST);
    MPI_Reduce_init(IN, OUT, N, MPI_INT, MPI_SUM, root, REQUEST);
    MPI_Allreduce_init(IN, OUT, N, MPI_INT, MPI_SUM, REQUEST);
    MPI_Reduce_scatter_init(IN, OUT, counts, MPI_INT, MPI_SUM, REQUEST);
    MPI_Reduce_scatter_block_init(IN, OUT, N, MPI_INT, MPI_SUM, REQUEST);
    MPI_Scan_init(IN, OUT, N, MPI_INT, MPI_SUM, REQUEST);
    MPI_Exscan_init(IN, OUT, N, MPI_INT, MPI_SUM, REQUEST);
    CHECK(k == KINDS);
    /* The arrays were copied: what happens to them now does not matter. */
    memset(counts, -1, sizeof counts);
    memset(types, 0, sizeof types);
}

static void fill(int round, int root)
{
    for (int k = 0; k < KINDS; k++)
        for (int r = 0; r < size; r++)
            for (int i = 0; i < N; i++) {
                from[k][r * N + i] = value(round, me, r);
                to[k][r * N + i] = k == 1 && me == root ? value(round, root, 0) : -1;
            }
}

/* What is expected in block r of kind k; -1: nothing came. */
static int expected(int k, int round, int root, int r)
{
    int at_root = me == root, first = r == 0;
    switch (k) {
    case 1:
        return first ? value(round, root, 0) : at_root ? value(round, root, 0) : -1;
    case 2: case 3:
        return at_root ? value(round, r, 0) : -1;
    case 4: case 5:
        return first ? value(round, root, me) : -1;
    case 6: case 7:
        return value(round, r, 0);
    case 8: case 9: case 10:
        return value(round, r, me);
    case 11:
        return first && at_root ? sum(round, 0, size, 0) : -1;
    case 12:
        return first ? sum(round, 0, size, 0) : -1;
    case 13: case 14:
        return first ? sum(round, 0, size, me) : -1;
    case 15:
        return first ? sum(round, 0, me + 1, 0) : -1;
    case 16:
        return first && me > 0 ? sum(round, 0, me, 0) : -1;
    default:
        return -1;
    }
}

static void check(int round, int root)
{
    for (int k = 0; k < KINDS; k++)
        for (int r = 0; r < size; r++)
            for (int i = 0; i < N; i++)
                if (to[k][r * N + i] != expected(k, round, root, r)) {
                    fprintf(stderr, "kind %d, round %d, block %d: %d\n", k, round, r, to[k][r * N + i]);
                    CHECK(0);
                }
}

static void states(void)
{
    int flag = 0;
    MPI_Status status;
    /* Inactive requests are complete, and empty. */
    MPI_Testall(KINDS, requests, &flag, MPI_STATUSES_IGNORE);
    CHECK(flag);
    MPI_Wait(&requests[0], &status);
    CHECK(status.MPI_SOURCE == MPI_ANY_SOURCE && requests[0] != MPI_REQUEST_NULL);
    MPI_Request same = requests[0];
    MPI_Start(&requests[0]);
    MPI_Wait(&requests[0], &status);
    CHECK(requests[0] == same);
}

/* An operation and a type that were freed live as long as the request. */
static void freed(void)
{
    MPI_Datatype pair;
    int in[4];
    MPI_Request request;
    MPI_Comm copy;
    MPI_Comm_dup(comm, &copy);
    MPI_Type_contiguous(2, MPI_INT, &pair);
    MPI_Type_commit(&pair);
    MPI_Bcast_init_c(in, 2, pair, 0, copy, MPI_INFO_NULL, &request);
    MPI_Type_free(&pair);
    MPI_Comm_free(&copy);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++)
            in[i] = me + round + i;
        MPI_Start(&request);
        MPI_Wait(&request, MPI_STATUS_IGNORE);
        for (int i = 0; i < 4; i++)
            CHECK(in[i] == round + i);
    }
    MPI_Request_free(&request);
    CHECK(request == MPI_REQUEST_NULL);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    check_rank = me;
    comm = MPI_COMM_WORLD;
    for (int root = 0; root < size; root += size > 1 ? size - 1 : 1) {
        make_all(root);
        states();
        for (int round = 0; round < ROUNDS; round++) {
            fill(round, root);
            if (round == 0)
                MPI_Startall(KINDS, requests);
            for (int k = 0; round > 0 && k < KINDS; k++)
                MPI_Start(&requests[(k + round * me) % KINDS]);
            int sum_of_ranks = 0;
            MPI_Allreduce(&me, &sum_of_ranks, 1, MPI_INT, MPI_SUM, comm);
            CHECK(sum_of_ranks == size * (size - 1) / 2);
            for (int k = 0; round == 1 && k < KINDS; k++)
                MPI_Wait(&requests[(k + 3 * me) % KINDS], MPI_STATUS_IGNORE);
            MPI_Waitall(KINDS, requests, MPI_STATUSES_IGNORE);
            check(round, root);
        }
        for (int k = 0; k < KINDS; k++)
            MPI_Request_free(&requests[k]);
    }
    freed();
    return check_end("coll_persistent");
}
