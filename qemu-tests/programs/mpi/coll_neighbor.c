/* Neighbourhood collectives on grids, graphs and distributed graphs: blocking, non-blocking and persistent. */
#include <mpi.h>
#include "../check.h"

enum { MOST = 32, NOTHING = -1, GAP = 3 };

static int me, size;

/* The neighbours of this rank by place, and which place of the source's this one gets from; both computed without MPI. */
static int sources[MOST], places[MOST], destinations[MOST], indegree, outdegree;

static int value(int rank, int place, int i) { return rank * 1000 + place * 10 + i; }

enum form { NOW, LATER, AGAIN };

/* Completes a call in one of the three forms. */
#define DO(name, ...)                                                              \
    do {                                                                           \
        MPI_Request request;                                                       \
        if (form == NOW) {                                                         \
            MPI_Neighbor_##name(__VA_ARGS__, comm);                                \
        } else if (form == LATER) {                                                \
            MPI_Ineighbor_##name(__VA_ARGS__, comm, &request);                     \
            MPI_Wait(&request, MPI_STATUS_IGNORE);                                 \
        } else {                                                                   \
            MPI_Neighbor_##name##_init(__VA_ARGS__, comm, MPI_INFO_NULL, &request); \
            for (int times = 0; times < 3; times++) {                              \
                MPI_Start(&request);                                               \
                MPI_Wait(&request, MPI_STATUS_IGNORE);                             \
            }                                                                      \
            MPI_Request_free(&request);                                            \
        }                                                                          \
    } while (0)

static int in[MOST * GAP], out[MOST * GAP];

static void clear(void)
{
    for (int i = 0; i < MOST * GAP; i++)
        in[i] = NOTHING;
}

/* Compares block p of `in` with what its source put there: n ints for the place that leads here. */
static void check_block(int p, int at, int n, int same)
{
    for (int i = 0; i < n; i++)
        CHECK(in[at + i] == (sources[p] == MPI_PROC_NULL ? NOTHING : value(sources[p], same ? 0 : places[p], i)));
}

static void all_collectives(MPI_Comm comm, enum form form)
{
    int scounts[MOST], rcounts[MOST], displs[MOST];
    MPI_Aint bytes[MOST];
    MPI_Datatype types[MOST];
    for (int p = 0; p < MOST; p++) {
        displs[p] = p * GAP;
        bytes[p] = p * GAP * sizeof(int);
        types[p] = MPI_INT;
        /* As many ints as both ends compute: by the lower rank and the edge's place at its source. */
        scounts[p] = (me + p) % GAP;
        rcounts[p] = p < indegree && sources[p] != MPI_PROC_NULL ? (sources[p] + places[p]) % GAP : 1;
        for (int i = 0; i < GAP; i++)
            out[p * GAP + i] = value(me, p, i);
    }
    clear();
    DO(allgather, out, 2, MPI_INT, in, 2, MPI_INT);
    for (int p = 0; p < indegree; p++)
        check_block(p, 2 * p, 2, 1);
    int ones[MOST];
    for (int p = 0; p < MOST; p++)
        ones[p] = 2;
    clear();
    DO(allgatherv, out, 2, MPI_INT, in, ones, displs, MPI_INT);
    for (int p = 0; p < indegree; p++)
        check_block(p, displs[p], 2, 1);
    clear();
    DO(alltoall, out, GAP, MPI_INT, in, GAP, MPI_INT);
    for (int p = 0; p < indegree; p++)
        check_block(p, displs[p], GAP, 0);
    clear();
    DO(alltoallv, out, scounts, displs, MPI_INT, in, rcounts, displs, MPI_INT);
    for (int p = 0; p < indegree; p++)
        check_block(p, displs[p], rcounts[p], 0);
    clear();
    DO(alltoallw, out, scounts, bytes, types, in, rcounts, bytes, types);
    for (int p = 0; p < indegree; p++)
        check_block(p, displs[p], rcounts[p], 0);
    for (int p = indegree; p < MOST; p++)
        CHECK(in[displs[p]] == NOTHING);
}

static void all_forms(MPI_Comm comm)
{
    all_collectives(comm, NOW);
    all_collectives(comm, LATER);
    all_collectives(comm, AGAIN);
}

/* A line or ring of rows by columns. */
static void grid(int rows, int columns, int periodic_rows, int periodic_columns)
{
    int dims[2] = {rows, columns}, periods[2] = {periodic_rows, periodic_columns};
    MPI_Comm comm;
    MPI_Cart_create(MPI_COMM_WORLD, 2, dims, periods, 0, &comm);
    if (comm == MPI_COMM_NULL)
        return;
    indegree = outdegree = 0;
    for (int d = 0; d < 2; d++)
        for (int up = 0; up < 2; up++) {
            int at[2] = {me / columns, me % columns};
            at[d] += up ? 1 : -1;
            int inside = at[d] >= 0 && at[d] < dims[d];
            at[d] = (at[d] + dims[d]) % dims[d];
            int rank = inside || periods[d] ? at[0] * columns + at[1] : MPI_PROC_NULL;
            /* What comes from below was sent up. */
            sources[indegree] = rank, places[indegree++] = 2 * d + !up;
            destinations[outdegree++] = rank;
        }
    all_forms(comm);
    MPI_Comm_free(&comm);
}

/* A ring in which each rank has both neighbours twice, and itself. */
static void graph(void)
{
    int index[16], edges[80], left = (me + size - 1) % size, right = (me + 1) % size;
    for (int r = 0; r < size; r++) {
        int mine[5] = {(r + size - 1) % size, (r + 1) % size, r, (r + 1) % size, (r + size - 1) % size};
        index[r] = 5 * (r + 1);
        for (int e = 0; e < 5; e++)
            edges[5 * r + e] = mine[e];
    }
    MPI_Comm comm;
    MPI_Graph_create(MPI_COMM_WORLD, size, index, edges, 0, &comm);
    int mine[5] = {left, right, me, right, left};
    indegree = outdegree = 5;
    for (int p = 0; p < 5; p++) {
        /* The k-th edge between two ranks is the k-th at both. */
        int k = 0, place = 0;
        for (int q = 0; q < p; q++)
            k += mine[q] == mine[p];
        for (place = 0; edges[5 * mine[p] + place] != me || k-- > 0; place++)
            ;
        sources[p] = mine[p], places[p] = place;
    }
    all_forms(comm);
    MPI_Comm_free(&comm);
}

/* Directed: rank r sends to r + 1, twice, and to r + 2; the last edge is named first. */
static void directed(int adjacent)
{
    int one = (me + 1) % size, two = (me + 2) % size;
    int from_one = (me + size - 1) % size, from_two = (me + 2 * size - 2) % size;
    int to[3] = {two, one, one}, from[3] = {from_one, from_two, from_one}, degree = 3;
    MPI_Comm comm;
    if (adjacent) {
        MPI_Dist_graph_create_adjacent(MPI_COMM_WORLD, 3, from, MPI_UNWEIGHTED, 3, to, MPI_UNWEIGHTED, MPI_INFO_NULL, 0, &comm);
    } else {
        MPI_Dist_graph_create(MPI_COMM_WORLD, 1, &me, &degree, to, MPI_UNWEIGHTED, MPI_INFO_NULL, 0, &comm);
        int weights_in[3], weights_out[3];
        MPI_Dist_graph_neighbors(comm, 3, from, weights_in, 3, to, weights_out);
    }
    indegree = outdegree = 3;
    for (int p = 0; p < 3; p++) {
        int k = 0, place = 0;
        for (int q = 0; q < p; q++)
            k += from[q] == from[p];
        /* The edges of the source, as it named them. */
        int named[3] = {(from[p] + 2) % size, (from[p] + 1) % size, (from[p] + 1) % size};
        for (place = 0; named[place] != me || k-- > 0; place++)
            ;
        sources[p] = from[p], places[p] = place;
    }
    all_forms(comm);
    MPI_Comm_free(&comm);
}

static void errors(void)
{
    int mine = 0, all[2], class;
    MPI_Comm comm;
    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    MPI_Error_class(MPI_Neighbor_allgather(&mine, 1, MPI_INT, all, 1, MPI_INT, comm), &class);
    CHECK(class == MPI_ERR_TOPOLOGY);
    MPI_Comm_free(&comm);
    int dim = 1, wraps = 1;
    MPI_Cart_create(MPI_COMM_SELF, 1, &dim, &wraps, 0, &comm);
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    MPI_Error_class(MPI_Neighbor_alltoall(MPI_IN_PLACE, 1, MPI_INT, all, 1, MPI_INT, comm), &class);
    CHECK(class == MPI_ERR_BUFFER);
    MPI_Comm_free(&comm);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    check_rank = me;
    int dims[2] = {0, 0};
    MPI_Dims_create(size, 2, dims);
    for (int periods = 0; periods < 4; periods++) {
        grid(dims[0], dims[1], periods & 1, periods & 2);
        grid(size, 1, periods & 1, periods & 2);
        grid(1, size, periods & 1, periods & 2);
        if (size >= 2)
            grid(2, size / 2, periods & 1, periods & 2);
    }
    graph();
    directed(1);
    directed(0);
    errors();
    return check_end("coll_neighbor");
}
