/* Neighbourhood collectives with counts of both sizes, blocking, non-blocking and persistent, along directed edges. */
#include <mpi.h>
#include "../check.h"

/* Rank r sends along its edge p to rank r + 1 + p: what comes in at place p left at place p. */
enum { DEGREE = 3, BLOCK = 3, ROOM = DEGREE * BLOCK + 1, NOTHING = -1, ROUNDS = 3 };

/* What is sent to a neighbour: the same to all or to each its own, whole blocks or of some length. */
enum what { SAME, SAME_SOME, OWN, OWN_SOME };

static int me, size, out[ROOM], in[ROOM];

static int value(int rank, int j) { return rank * 100 + j; }

/* Both ends of an edge know the length; from a rank to all, it is that for edge 0. */
static int length(int from, int p) { return (from + 2 * p) % (BLOCK + 1); }

static int source(int p) { return (me + DEGREE * size - 1 - p) % size; }

static void clear(void)
{
    for (int j = 0; j < ROOM; j++)
        in[j] = NOTHING;
}

static void check(enum what what, int line)
{
    for (int j = 0; j < ROOM; j++) {
        int p = j / BLOCK, i = j % BLOCK, wanted = NOTHING;
        if (p < DEGREE) {
            int sent = what == SAME || what == OWN ? BLOCK : length(source(p), what == SAME_SOME ? 0 : p);
            if (i < sent)
                wanted = value(source(p), what == SAME || what == SAME_SOME ? i : j);
        }
        if (in[j] != wanted) {
            fprintf(stderr, "line %d, int %d: %d instead of %d\n", line, j, in[j], wanted);
            CHECK(0);
        }
    }
}

static void wait_and_check(MPI_Request *request, enum what what, int line)
{
    MPI_Wait(request, MPI_STATUS_IGNORE);
    CHECK(*request == MPI_REQUEST_NULL);
    check(what, line);
}

static void repeat_and_check(MPI_Request *request, enum what what, int line)
{
    for (int round = 0; round < ROUNDS; round++) {
        clear();
        MPI_Start(request);
        MPI_Wait(request, MPI_STATUS_IGNORE);
        check(what, line);
    }
    MPI_Request_free(request);
}

#define NOW(what, call) (clear(), call, check(what, __LINE__))
#define LATER(what, call) (clear(), call, wait_and_check(&q, what, __LINE__))
#define AGAIN(what, call) (call, repeat_and_check(&q, what, __LINE__))

/* The arguments of the vector operations: to an edge, from an edge, and from a rank that sends the same to all. */
static int to[DEGREE], from[DEGREE], all_from[DEGREE], places[DEGREE];
static MPI_Count to_c[DEGREE], from_c[DEGREE], all_from_c[DEGREE];
static MPI_Aint places_c[DEGREE], bytes[DEGREE];
static MPI_Datatype ints[DEGREE];

static void set_arguments(void)
{
    for (int j = 0; j < ROOM; j++)
        out[j] = value(me, j);
    for (int p = 0; p < DEGREE; p++) {
        to_c[p] = to[p] = length(me, p);
        from_c[p] = from[p] = length(source(p), p);
        all_from_c[p] = all_from[p] = length(source(p), 0);
        places_c[p] = places[p] = p * BLOCK;
        bytes[p] = p * BLOCK * (MPI_Aint)sizeof(int);
        ints[p] = MPI_INT;
    }
}

static void blocking(MPI_Comm c)
{
    MPI_Datatype t = MPI_INT;
    int mine = length(me, 0);
    NOW(SAME, MPI_Neighbor_allgather(out, BLOCK, t, in, BLOCK, t, c));
    NOW(SAME, MPI_Neighbor_allgather_c(out, BLOCK, t, in, BLOCK, t, c));
    NOW(SAME_SOME, MPI_Neighbor_allgatherv(out, mine, t, in, all_from, places, t, c));
    NOW(SAME_SOME, MPI_Neighbor_allgatherv_c(out, mine, t, in, all_from_c, places_c, t, c));
    NOW(OWN, MPI_Neighbor_alltoall(out, BLOCK, t, in, BLOCK, t, c));
    NOW(OWN, MPI_Neighbor_alltoall_c(out, BLOCK, t, in, BLOCK, t, c));
    NOW(OWN_SOME, MPI_Neighbor_alltoallv(out, to, places, t, in, from, places, t, c));
    NOW(OWN_SOME, MPI_Neighbor_alltoallv_c(out, to_c, places_c, t, in, from_c, places_c, t, c));
    NOW(OWN_SOME, MPI_Neighbor_alltoallw(out, to, bytes, ints, in, from, bytes, ints, c));
    NOW(OWN_SOME, MPI_Neighbor_alltoallw_c(out, to_c, bytes, ints, in, from_c, bytes, ints, c));
}

static void non_blocking(MPI_Comm c)
{
    MPI_Datatype t = MPI_INT;
    MPI_Request q;
    int mine = length(me, 0);
    LATER(SAME, MPI_Ineighbor_allgather(out, BLOCK, t, in, BLOCK, t, c, &q));
    LATER(SAME, MPI_Ineighbor_allgather_c(out, BLOCK, t, in, BLOCK, t, c, &q));
    LATER(SAME_SOME, MPI_Ineighbor_allgatherv(out, mine, t, in, all_from, places, t, c, &q));
    LATER(SAME_SOME, MPI_Ineighbor_allgatherv_c(out, mine, t, in, all_from_c, places_c, t, c, &q));
    LATER(OWN, MPI_Ineighbor_alltoall(out, BLOCK, t, in, BLOCK, t, c, &q));
    LATER(OWN, MPI_Ineighbor_alltoall_c(out, BLOCK, t, in, BLOCK, t, c, &q));
    LATER(OWN_SOME, MPI_Ineighbor_alltoallv(out, to, places, t, in, from, places, t, c, &q));
    LATER(OWN_SOME, MPI_Ineighbor_alltoallv_c(out, to_c, places_c, t, in, from_c, places_c, t, c, &q));
    LATER(OWN_SOME, MPI_Ineighbor_alltoallw(out, to, bytes, ints, in, from, bytes, ints, c, &q));
    LATER(OWN_SOME, MPI_Ineighbor_alltoallw_c(out, to_c, bytes, ints, in, from_c, bytes, ints, c, &q));
}

static void persistent(MPI_Comm c)
{
    MPI_Datatype t = MPI_INT;
    MPI_Info n = MPI_INFO_NULL;
    MPI_Request q;
    int mine = length(me, 0);
    AGAIN(SAME, MPI_Neighbor_allgather_init(out, BLOCK, t, in, BLOCK, t, c, n, &q));
    AGAIN(SAME, MPI_Neighbor_allgather_init_c(out, BLOCK, t, in, BLOCK, t, c, n, &q));
    AGAIN(SAME_SOME, MPI_Neighbor_allgatherv_init(out, mine, t, in, all_from, places, t, c, n, &q));
    AGAIN(SAME_SOME, MPI_Neighbor_allgatherv_init_c(out, mine, t, in, all_from_c, places_c, t, c, n, &q));
    AGAIN(OWN, MPI_Neighbor_alltoall_init(out, BLOCK, t, in, BLOCK, t, c, n, &q));
    AGAIN(OWN, MPI_Neighbor_alltoall_init_c(out, BLOCK, t, in, BLOCK, t, c, n, &q));
    AGAIN(OWN_SOME, MPI_Neighbor_alltoallv_init(out, to, places, t, in, from, places, t, c, n, &q));
    AGAIN(OWN_SOME, MPI_Neighbor_alltoallv_init_c(out, to_c, places_c, t, in, from_c, places_c, t, c, n, &q));
    AGAIN(OWN_SOME, MPI_Neighbor_alltoallw_init(out, to, bytes, ints, in, from, bytes, ints, c, n, &q));
    AGAIN(OWN_SOME, MPI_Neighbor_alltoallw_init_c(out, to_c, bytes, ints, in, from_c, bytes, ints, c, n, &q));
}

int main(int argc, char **argv)
{
    int sources[DEGREE], destinations[DEGREE];
    MPI_Comm comm;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    check_rank = me;
    for (int p = 0; p < DEGREE; p++) {
        sources[p] = source(p);
        destinations[p] = (me + 1 + p) % size;
    }
    MPI_Dist_graph_create_adjacent(MPI_COMM_WORLD, DEGREE, sources, MPI_UNWEIGHTED, DEGREE, destinations, MPI_UNWEIGHTED,
        MPI_INFO_NULL, 0, &comm);
    set_arguments();
    blocking(comm);
    non_blocking(comm);
    persistent(comm);
    MPI_Comm_free(&comm);
    return check_end("coll_neighbor_large_counts");
}
