/* Collectives on inter-communicators: data go from each group to the other (MPI 5.0, section 6.2.3). */
#include <mpi.h>
#include <string.h>

#include "../check.h"

enum { MOST = 9 * 40000 };

static int rank, size, cut, here, there;
static MPI_Comm inter;
static int out[MOST], in[MOST];

/* World rank of rank r of the remote group. */
static int other(int r)
{
    return rank < cut ? cut + r : r;
}

/* The i-th int from one world rank to another. */
static int value(int from, int to, int i)
{
    return from * 1000003 + to * 10007 + i;
}

static void fill(int *at, int from, int to, int n)
{
    int i;
    for (i = 0; i < n; i++)
        at[i] = value(from, to, i);
}

static int holds(const int *at, int from, int to, int n)
{
    int i;
    for (i = 0; i < n; i++)
        if (at[i] != value(from, to, i))
            return 0;
    return 1;
}

/* The sum of what the ranks of the other group have at i. */
static int sum(int i)
{
    int r, total = 0;
    for (r = 0; r < there; r++)
        total += other(r) % 7 + i;
    return total;
}

static int holds_sum(const int *at, int first, int n)
{
    int i;
    for (i = 0; i < n; i++)
        if (at[i] != sum(first + i))
            return 0;
    return 1;
}

static int untouched(const int *at, int n)
{
    int i;
    for (i = 0; i < n; i++)
        if (at[i] != -1)
            return 0;
    return 1;
}

/* What to pass as root when it is that rank of the world. */
static int root_of(int root)
{
    if ((root < cut) != (rank < cut))
        return root < cut ? root : root - cut;
    return root == rank ? MPI_ROOT : MPI_PROC_NULL;
}

static void rooted(int root, int n)
{
    int how = root_of(root), i, r;
    memset(in, -1, sizeof in);
    if (how == MPI_ROOT)
        fill(out, root, 0, n);
    MPI_Bcast(how >= 0 ? in : out, n, MPI_INT, how, inter);
    CHECK(how >= 0 ? holds(in, root, 0, n) : untouched(in, n));

    memset(in, -1, sizeof in);
    fill(out, rank, root, n);
    MPI_Gather(out, n, MPI_INT, in, n, MPI_INT, how, inter);
    for (r = 0; r < there; r++)
        CHECK(how == MPI_ROOT ? holds(in + r * n, other(r), root, n) : untouched(in + r * n, n));

    memset(in, -1, sizeof in);
    for (r = 0; r < there; r++)
        fill(out + r * n, rank, other(r), n);
    MPI_Scatter(out, n, MPI_INT, in, n, MPI_INT, how, inter);
    CHECK(how >= 0 ? holds(in, root, rank, n) : untouched(in, n));

    memset(in, -1, sizeof in);
    for (i = 0; i < n; i++)
        out[i] = rank % 7 + i;
    MPI_Reduce(out, in, n, MPI_INT, MPI_SUM, how, inter);
    CHECK(how == MPI_ROOT ? holds_sum(in, 0, n) : untouched(in, n));
}

/* Blocks of any size, the last rank's first. */
static void rooted_any(int root)
{
    int how = root_of(root), r, counts[9], displs[9], mine = rank % 3 * 50;
    for (r = 0; r < there; r++) {
        counts[r] = other(r) % 3 * 50;
        displs[r] = (there - 1 - r) * 101;
    }
    memset(in, -1, sizeof in);
    fill(out, rank, root, mine);
    MPI_Gatherv(out, mine, MPI_INT, in, counts, displs, MPI_INT, how, inter);
    for (r = 0; r < there; r++)
        CHECK(how == MPI_ROOT ? holds(in + displs[r], other(r), root, counts[r]) : untouched(in + displs[r], 100));

    memset(in, -1, sizeof in);
    for (r = 0; r < there; r++)
        fill(out + displs[r], rank, other(r), counts[r]);
    MPI_Scatterv(out, counts, displs, MPI_INT, in, mine, MPI_INT, how, inter);
    CHECK(how >= 0 ? holds(in, root, rank, mine) && untouched(in + mine, 50) : untouched(in, 200));
}

/* `up` ints per block from the lower group to the upper, `down` ints back. */
static void all(int up, int down)
{
    int sent = rank < cut ? up : down, got = rank < cut ? down : up, r;
    memset(in, -1, sizeof in);
    fill(out, rank, 0, sent);
    MPI_Allgather(out, sent, MPI_INT, in, got, MPI_INT, inter);
    for (r = 0; r < there; r++)
        CHECK(holds(in + r * got, other(r), 0, got));
    CHECK(untouched(in + there * got, 10));

    memset(in, -1, sizeof in);
    for (r = 0; r < there; r++)
        fill(out + r * sent, rank, other(r), sent);
    MPI_Alltoall(out, sent, MPI_INT, in, got, MPI_INT, inter);
    for (r = 0; r < there; r++)
        CHECK(holds(in + r * got, other(r), rank, got));
    CHECK(untouched(in + there * got, 10));
}

static int between(int from, int to)
{
    return (from * 3 + to) % 4 * 25;
}

static void all_any(void)
{
    int r, counts[9], displs[9], sends[9], bytes[9], mine = rank % 3 * 50;
    MPI_Datatype types[9];
    for (r = 0; r < there; r++) {
        counts[r] = other(r) % 3 * 50;
        displs[r] = (there - 1 - r) * 101;
    }
    memset(in, -1, sizeof in);
    fill(out, rank, 0, mine);
    MPI_Allgatherv(out, mine, MPI_INT, in, counts, displs, MPI_INT, inter);
    for (r = 0; r < there; r++)
        CHECK(holds(in + displs[r], other(r), 0, counts[r]) && untouched(in + displs[r] + counts[r], 1));

    for (r = 0; r < there; r++) {
        sends[r] = between(rank, other(r));
        counts[r] = between(other(r), rank);
        bytes[r] = displs[r] * (int)sizeof(int);
        types[r] = MPI_INT;
        fill(out + displs[r], rank, other(r), sends[r]);
    }
    memset(in, -1, sizeof in);
    MPI_Alltoallv(out, sends, displs, MPI_INT, in, counts, displs, MPI_INT, inter);
    for (r = 0; r < there; r++)
        CHECK(holds(in + displs[r], other(r), rank, counts[r]) && untouched(in + displs[r] + counts[r], 1));
    memset(in, -1, sizeof in);
    MPI_Alltoallw(out, sends, bytes, types, in, counts, bytes, types, inter);
    for (r = 0; r < there; r++)
        CHECK(holds(in + displs[r], other(r), rank, counts[r]) && untouched(in + displs[r] + counts[r], 1));
}

static void combined(int n)
{
    int i, r, me = rank < cut ? rank : rank - cut, total = here * there * n, counts[9];
    memset(in, -1, sizeof in);
    for (i = 0; i < total; i++)
        out[i] = rank % 7 + i;
    MPI_Allreduce(out, in, n, MPI_INT, MPI_SUM, inter);
    CHECK(holds_sum(in, 0, n) && untouched(in + n, 10));

    memset(in, -1, sizeof in);
    MPI_Reduce_scatter_block(out, in, total / here, MPI_INT, MPI_SUM, inter);
    CHECK(holds_sum(in, me * (total / here), total / here) && untouched(in + total / here, 10));

    /* All to the last rank, but one for each other. */
    memset(in, -1, sizeof in);
    for (r = 0; r < here; r++)
        counts[r] = r < here - 1 ? n > 0 : total - (here - 1) * (n > 0);
    MPI_Reduce_scatter(out, in, counts, MPI_INT, MPI_SUM, inter);
    CHECK(holds_sum(in, me * (n > 0), counts[me]) && untouched(in + counts[me], 10));
}

/* Several at once, and one again and again. */
static void later(int n)
{
    static int sums[20000], data[20000];
    MPI_Request requests[4], again;
    int how = root_of(size - 1), i, r, round, mine;
    memset(in, -1, sizeof in);
    for (i = 0; i < n; i++)
        out[i] = rank % 7 + i;
    if (how == MPI_ROOT)
        fill(data, rank, 0, n);
    MPI_Ibcast(data, n, MPI_INT, how, inter, &requests[0]);
    MPI_Iallreduce(out, sums, n, MPI_INT, MPI_SUM, inter, &requests[1]);
    MPI_Iallgather(out, n, MPI_INT, in, n, MPI_INT, inter, &requests[2]);
    MPI_Ibarrier(inter, &requests[3]);
    MPI_Barrier(inter);
    MPI_Waitall(4, requests, MPI_STATUSES_IGNORE);
    CHECK(how == MPI_PROC_NULL || holds(data, size - 1, 0, n));
    CHECK(holds_sum(sums, 0, n));
    for (r = 0; r < there; r++)
        CHECK(n == 0 || (in[r * n] == other(r) % 7 && in[r * n + n - 1] == other(r) % 7 + n - 1));
    MPI_Allreduce_init(&mine, sums, 1, MPI_INT, MPI_MAX, inter, MPI_INFO_NULL, &again);
    for (round = 0; round < 3; round++) {
        mine = rank + 100 * round;
        MPI_Start(&again);
        MPI_Wait(&again, MPI_STATUS_IGNORE);
        CHECK(sums[0] == other(there - 1) + 100 * round);
    }
    MPI_Request_free(&again);
}

static void errors(void)
{
    MPI_Comm_set_errhandler(inter, MPI_ERRORS_RETURN);
    CHECK(MPI_Bcast(out, 1, MPI_INT, there, inter) == MPI_ERR_ROOT);
    CHECK(MPI_Allreduce(MPI_IN_PLACE, in, 1, MPI_INT, MPI_SUM, inter) == MPI_ERR_BUFFER);
    CHECK(MPI_Allgather(MPI_IN_PLACE, 1, MPI_INT, in, 1, MPI_INT, inter) == MPI_ERR_BUFFER);
    CHECK(MPI_Alltoall(MPI_IN_PLACE, 1, MPI_INT, in, 1, MPI_INT, inter) == MPI_ERR_BUFFER);
    CHECK(MPI_Scan(out, in, 1, MPI_INT, MPI_SUM, inter) == MPI_ERR_COMM);
}

int main(int argc, char **argv)
{
    static const int lengths[] = {0, 1, 50, 20000};
    MPI_Comm local;
    int i, root;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    check_rank = rank;
    for (cut = 1; cut < size; cut += size > 4 ? 3 : 1) {
        here = rank < cut ? cut : size - cut;
        there = size - here;
        MPI_Comm_split(MPI_COMM_WORLD, rank < cut, 0, &local);
        MPI_Intercomm_create(local, 0, MPI_COMM_WORLD, rank < cut ? cut : 0, 1, &inter);
        MPI_Comm_free(&local);
        for (i = 0; i < 4; i++) {
            rooted(0, lengths[i]);
            rooted(size - 1, lengths[i]);
            all(lengths[i], 3);
            all(0, lengths[i]);
            combined(lengths[i] < 1000 ? lengths[i] : 2000);
            later(lengths[i]);
        }
        for (root = 0; root < size; root++)
            rooted_any(root);
        all_any();
        errors();
        MPI_Comm_free(&inter);
    }
    if (size == 1) {
        /* There are no two groups; roots that only inter-communicators have are refused on others. */
        MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
        CHECK(MPI_Bcast(out, 1, MPI_INT, MPI_ROOT, MPI_COMM_WORLD) == MPI_ERR_ROOT);
        CHECK(MPI_Bcast(out, 1, MPI_INT, MPI_PROC_NULL, MPI_COMM_WORLD) == MPI_ERR_ROOT);
    }
    return check_end("coll_inter");
}
