/* What each collective operation is given and must deliver, computed without MPI. Vector operations send blocks of other
 * lengths to each rank, some of none. */
#ifndef COLL_KINDS_H
#define COLL_KINDS_H
#include <mpi.h>
#include "check.h"

enum kind {
    BARRIER, BCAST, GATHER, GATHERV, SCATTER, SCATTERV, ALLGATHER, ALLGATHERV, ALLTOALL, ALLTOALLV, ALLTOALLW,
    REDUCE, ALLREDUCE, REDUCE_SCATTER, REDUCE_SCATTER_BLOCK, SCAN, EXSCAN, KINDS
};

enum { BLOCK = 3, MOST_RANKS = 16, ROOM = BLOCK * MOST_RANKS, NOTHING = -1 };

static int me, size, input[KINDS][ROOM], output[KINDS][ROOM];

/* Rank r's j-th int in a round. */
static int value(int round, int r, int j) { return round * 10000 + r * 100 + j; }

static int sum(int round, int first, int end, int j)
{
    int s = 0;
    for (int r = first; r < end; r++)
        s += value(round, r, j);
    return s;
}

/* Ints of a rank's block where all ranks have to agree, and of what one rank sends to another. */
static int length(int r) { return (r + 1) % (BLOCK + 1); }
static int length_between(int from, int to) { return (from + 2 * to + 1) % (BLOCK + 1); }

/* Reduce_scatter has its blocks one behind the other. */
static int start(int r) { return r == 0 ? 0 : start(r - 1) + length(r - 1); }

/* The arguments of the vector operations. */
static MPI_Count lengths[MOST_RANKS], lengths_to[MOST_RANKS], lengths_from[MOST_RANKS];
static MPI_Aint places[MOST_RANKS], byte_places[MOST_RANKS];
static MPI_Datatype ints[MOST_RANKS];

static void set_arguments(void)
{
    for (int r = 0; r < size; r++) {
        lengths[r] = length(r);
        lengths_to[r] = length_between(me, r);
        lengths_from[r] = length_between(r, me);
        places[r] = r * BLOCK;
        byte_places[r] = places[r] * (MPI_Aint)sizeof(int);
        ints[r] = MPI_INT;
    }
}

static void begin(int *argc, char ***argv)
{
    MPI_Init(argc, argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    check_rank = me;
    set_arguments();
}

static void fill(int round, int root)
{
    for (int k = 0; k < KINDS; k++)
        for (int j = 0; j < ROOM; j++) {
            input[k][j] = value(round, me, j);
            output[k][j] = k == BCAST && me == root ? value(round, root, j) : NOTHING;
        }
}

/* The j-th int of the output. */
static int expected(int k, int round, int root, int j)
{
    int r = j / BLOCK, i = j % BLOCK, at_root = me == root, first = r == 0;
    if (r >= size)
        return k == BCAST && at_root ? value(round, root, j) : NOTHING;
    switch (k) {
    case BCAST:
        return first || at_root ? value(round, root, j) : NOTHING;
    case GATHER:
        return at_root ? value(round, r, i) : NOTHING;
    case GATHERV:
        return at_root && i < length(r) ? value(round, r, i) : NOTHING;
    case SCATTER:
        return first ? value(round, root, me * BLOCK + i) : NOTHING;
    case SCATTERV:
        return first && i < length(me) ? value(round, root, me * BLOCK + i) : NOTHING;
    case ALLGATHER:
        return value(round, r, i);
    case ALLGATHERV:
        return i < length(r) ? value(round, r, i) : NOTHING;
    case ALLTOALL:
        return value(round, r, me * BLOCK + i);
    case ALLTOALLV: case ALLTOALLW:
        return i < length_between(r, me) ? value(round, r, me * BLOCK + i) : NOTHING;
    case REDUCE:
        return first && at_root ? sum(round, 0, size, j) : NOTHING;
    case ALLREDUCE:
        return first ? sum(round, 0, size, j) : NOTHING;
    case REDUCE_SCATTER:
        return first && i < length(me) ? sum(round, 0, size, start(me) + i) : NOTHING;
    case REDUCE_SCATTER_BLOCK:
        return first ? sum(round, 0, size, me * BLOCK + i) : NOTHING;
    case SCAN:
        return first ? sum(round, 0, me + 1, j) : NOTHING;
    case EXSCAN:
        return first && me > 0 ? sum(round, 0, me, j) : NOTHING;
    default:
        return NOTHING;
    }
}

static void check_outputs(int round, int root)
{
    for (int k = 0; k < KINDS; k++)
        for (int j = 0; j < ROOM; j++)
            if (output[k][j] != expected(k, round, root, j)) {
                fprintf(stderr, "kind %d, round %d, int %d: %d instead of %d\n", k, round, j, output[k][j],
                    expected(k, round, root, j));
                CHECK(0);
            }
}
#endif
