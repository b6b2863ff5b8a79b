/* Every non-blocking collective, in place and not, many under way on one communicator, completed in every way. */
#include <mpi.h>
#include <string.h>
#include "../check.h"

enum { MOST = 80, N = 3 };

/* An operation: what it puts into `to` is compared with `expected`. */
struct operation {
    int *from, *to, *expected, n;
    int counts[16], displs[16], bytes[16];
    MPI_Datatype types[16];
};

static int me, size, root, in_place, started;
static struct operation operations[MOST];
static MPI_Request requests[MOST];
static MPI_Comm comm;

static int value(int from, int to, int i) { return from * 10000 + to * 100 + i; }
static int uneven(int rank) { return rank % 3; }
static int uneven_start(int rank) { int at = 0; for (int r = 0; r < rank; r++) at += uneven(r) + 1; return at; }

/* A new operation that sends so many ints and receives so many. Nothing is expected where nothing is received. */
static struct operation *begin(int sends, int receives)
{
    struct operation *o = &operations[started];
    memset(o, 0, sizeof *o);
    o->n = receives;
    o->from = malloc((sends + 1) * sizeof(int));
    o->to = malloc((receives + 1) * sizeof(int));
    o->expected = malloc((receives + 1) * sizeof(int));
    for (int i = 0; i < receives; i++)
        o->to[i] = o->expected[i] = -1;
    for (int r = 0; r < size; r++) {
        o->counts[r] = uneven(r);
        o->displs[r] = uneven_start(r);
        o->bytes[r] = o->displs[r] * sizeof(int);
        o->types[r] = MPI_INT;
    }
    return o;
}

static void *at_root(void *p) { return me == root ? p : NULL; }
static void *own(struct operation *o) { return in_place ? MPI_IN_PLACE : o->from; }
static void *own_at_root(struct operation *o) { return in_place && me == root ? MPI_IN_PLACE : o->from; }
#define REQUEST &requests[started++]

static void barrier(void) { begin(0, 0); MPI_Ibarrier(comm, REQUEST); }

static void bcast(void)
{
    struct operation *o = begin(0, N);
    for (int i = 0; i < N; i++) {
        o->expected[i] = value(root, 1, i);
        if (me == root)
            o->to[i] = o->expected[i];
    }
    MPI_Ibcast(o->to, N, MPI_INT, root, comm, REQUEST);
}

static void gather(int v)
{
    struct operation *o = begin(N, me == root ? size * (N + 1) : 0);
    int mine = v ? uneven(me) : N;
    for (int i = 0; i < mine; i++)
        o->from[i] = value(me, 2, i);
    for (int r = 0; me == root && r < size; r++)
        for (int i = 0; i < (v ? uneven(r) : N); i++)
            o->expected[(v ? uneven_start(r) : r * N) + i] = value(r, 2, i);
    if (in_place && me == root)
        memcpy(o->to + (v ? uneven_start(me) : me * N), o->from, mine * sizeof(int));
    if (v)
        MPI_Igatherv(own_at_root(o), mine, MPI_INT, at_root(o->to), at_root(o->counts), at_root(o->displs), MPI_INT, root, comm, REQUEST);
    else
        MPI_Igather(own_at_root(o), N, MPI_INT, at_root(o->to), N, MPI_INT, root, comm, REQUEST);
}

static void scatter(int v)
{
    int mine = v ? uneven(me) : N;
    int left = in_place && me == root;
    struct operation *o = begin(size * (N + 1), mine);
    for (int r = 0; r < size; r++)
        for (int i = 0; i < (v ? uneven(r) : N); i++)
            o->from[(v ? uneven_start(r) : r * N) + i] = value(root, r, i);
    for (int i = 0; i < mine && !left; i++)
        o->expected[i] = value(root, me, i);
    void *to = left ? MPI_IN_PLACE : o->to;
    if (v)
        MPI_Iscatterv(at_root(o->from), at_root(o->counts), at_root(o->displs), MPI_INT, to, mine, MPI_INT, root, comm, REQUEST);
    else
        MPI_Iscatter(at_root(o->from), N, MPI_INT, to, N, MPI_INT, root, comm, REQUEST);
}

static void allgather(int v)
{
    struct operation *o = begin(N, size * (N + 1));
    int mine = v ? uneven(me) : N;
    for (int i = 0; i < mine; i++)
        o->from[i] = value(me, 3, i);
    for (int r = 0; r < size; r++)
        for (int i = 0; i < (v ? uneven(r) : N); i++)
            o->expected[(v ? uneven_start(r) : r * N) + i] = value(r, 3, i);
    if (in_place)
        memcpy(o->to + (v ? uneven_start(me) : me * N), o->from, mine * sizeof(int));
    if (v)
        MPI_Iallgatherv(own(o), mine, MPI_INT, o->to, o->counts, o->displs, MPI_INT, comm, REQUEST);
    else
        MPI_Iallgather(own(o), N, MPI_INT, o->to, N, MPI_INT, comm, REQUEST);
}

/* 0: the same to all, 1: counts, 2: types. In place both sides have the same counts: me + other. */
static void alltoall(int kind)
{
    struct operation *o = begin(size * 20, size * 20);
    MPI_Datatype types[16];
    for (int r = 0; r < size; r++) {
        int n = kind ? (me + r) % 3 : N;
        o->counts[r] = n;
        o->displs[r] = kind ? r * 20 + 1 : r * N;
        o->bytes[r] = o->displs[r] * sizeof(int);
        types[r] = MPI_INT;
        for (int i = 0; i < n; i++) {
            o->from[o->displs[r] + i] = value(me, r, i);
            o->expected[o->displs[r] + i] = value(r, me, i);
            if (in_place)
                o->to[o->displs[r] + i] = value(me, r, i);
        }
    }
    if (kind == 0)
        MPI_Ialltoall(own(o), N, MPI_INT, o->to, N, MPI_INT, comm, REQUEST);
    else if (kind == 1)
        MPI_Ialltoallv(own(o), o->counts, o->displs, MPI_INT, o->to, o->counts, o->displs, MPI_INT, comm, REQUEST);
    else
        MPI_Ialltoallw(own(o), o->counts, o->bytes, types, o->to, o->counts, o->bytes, o->types, comm, REQUEST);
}

static int sum(int first, int end, int i) { int s = 0; for (int r = first; r < end; r++) s += value(r, 5, i); return s; }

static void contribution(struct operation *o, int n)
{
    for (int i = 0; i < n; i++) {
        o->from[i] = value(me, 5, i);
        if (in_place && i < o->n)
            o->to[i] = o->from[i];
    }
}

static void reduce(void)
{
    struct operation *o = begin(N, me == root ? N : 0);
    contribution(o, N);
    for (int i = 0; me == root && i < N; i++)
        o->expected[i] = sum(0, size, i);
    MPI_Ireduce(own_at_root(o), at_root(o->to), N, MPI_INT, MPI_SUM, root, comm, REQUEST);
}

/* Long enough for the algorithms that split the data. */
static void allreduce(int n)
{
    struct operation *o = begin(n, n);
    contribution(o, n);
    for (int i = 0; i < n; i++)
        o->expected[i] = sum(0, size, i);
    MPI_Iallreduce(own(o), o->to, n, MPI_INT, MPI_SUM, comm, REQUEST);
}

static void scan(int exclusive)
{
    struct operation *o = begin(N, N);
    contribution(o, N);
    for (int i = 0; i < N; i++)
        o->expected[i] = exclusive ? (me ? sum(0, me, i) : o->to[i]) : sum(0, me + 1, i);
    if (exclusive)
        MPI_Iexscan(own(o), o->to, N, MPI_INT, MPI_SUM, comm, REQUEST);
    else
        MPI_Iscan(own(o), o->to, N, MPI_INT, MPI_SUM, comm, REQUEST);
}

static void reduce_scatter(int block)
{
    int total = 0, start = 0;
    struct operation *o = begin(size * N, size * N);
    for (int r = 0; r < size; r++) {
        o->counts[r] = block ? 2 : uneven(r);
        start += r < me ? o->counts[r] : 0;
        total += o->counts[r];
    }
    contribution(o, total);
    memcpy(o->expected, o->to, o->n * sizeof(int));
    for (int i = 0; i < o->counts[me]; i++)
        o->expected[i] = sum(0, size, start + i);
    if (in_place)
        o->n = o->counts[me]; /* What is behind it may have changed. */
    if (block)
        MPI_Ireduce_scatter_block(own(o), o->to, 2, MPI_INT, MPI_SUM, comm, REQUEST);
    else
        MPI_Ireduce_scatter(own(o), o->to, o->counts, MPI_INT, MPI_SUM, comm, REQUEST);
}

/* An operation that does not commute: it writes one number behind the other. */
static void append(void *in, void *inout, int *n, MPI_Datatype *type)
{
    (void)type;
    for (int i = 0; i < *n; i++) {
        int left = ((int *)in)[i], right = ((int *)inout)[i];
        for (int rest = right; rest > 0; rest /= 10)
            left *= 10;
        ((int *)inout)[i] = left + right;
    }
}

static void start_all(void)
{
    for (in_place = 0; in_place < 2; in_place++) {
        barrier();
        bcast();
        gather(0), gather(1), scatter(0), scatter(1);
        allgather(0), allgather(1);
        alltoall(0), alltoall(1), alltoall(2);
        reduce(), allreduce(N), allreduce(5000);
        scan(0), scan(1);
        reduce_scatter(0), reduce_scatter(1);
        root = (root + 1) % size;
    }
}

static void meanwhile(void)
{
    int out = me, in = -1, all = 0, left = (me + size - 1) % size, right = (me + 1) % size;
    MPI_Sendrecv(&out, 1, MPI_INT, right, 7, &in, 1, MPI_INT, left, 7, comm, MPI_STATUS_IGNORE);
    CHECK(in == left);
    MPI_Allreduce(&out, &all, 1, MPI_INT, MPI_SUM, comm);
    CHECK(all == size * (size - 1) / 2);
}

static void complete_all(int way)
{
    int index, flag, count, indices[MOST];
    MPI_Status status, statuses[MOST];
    if (way == 0) {
        MPI_Waitall(started, requests, statuses);
    } else if (way == 1) {
        for (int i = started; i-- > 0;)
            MPI_Wait(&requests[i], &status);
    } else if (way == 2) {
        /* Each rank in another order. */
        for (int i = 0; i < started; i++)
            for (flag = 0; !flag;)
                MPI_Test(&requests[(i + me * 7) % started], &flag, &status);
    } else if (way == 3) {
        for (int i = 0; i < started; i++) {
            MPI_Waitany(started, requests, &index, &status);
            CHECK(index != MPI_UNDEFINED && requests[index] == MPI_REQUEST_NULL);
        }
    } else if (way == 4) {
        for (int done = 0; done < started; done += count)
            MPI_Waitsome(started, requests, &count, indices, statuses);
    } else {
        for (flag = 0; !flag;)
            MPI_Request_get_status(requests[started - 1], &flag, &status);
        for (flag = 0; !flag;)
            MPI_Testall(started, requests, &flag, statuses);
    }
    for (int i = 0; i < started; i++)
        CHECK(requests[i] == MPI_REQUEST_NULL);
}

static void user_operation(void)
{
    MPI_Op op;
    MPI_Request request;
    int mine = me + 1, result = 0, expected = 0;
    MPI_Op_create(append, 0, &op);
    MPI_Ireduce(&mine, &result, 1, MPI_INT, op, 0, comm, &request);
    /* It lives until the operation is complete. */
    MPI_Op_free(&op);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    for (int r = 0; r < size; r++)
        expected = expected * 10 + r + 1;
    if (me == 0)
        CHECK(result == expected);
}

static void large_counts(void)
{
    int mine = me, all[16], total = 0;
    MPI_Request pair[2];
    MPI_Iallgather_c(&mine, 1, MPI_INT, all, 1, MPI_INT, comm, &pair[0]);
    MPI_Iallreduce_c(&mine, &total, 1, MPI_INT, MPI_SUM, comm, &pair[1]);
    MPI_Waitall(2, pair, MPI_STATUSES_IGNORE);
    for (int r = 0; r < size; r++)
        CHECK(all[r] == r);
    CHECK(total == size * (size - 1) / 2);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    check_rank = me;
    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    for (int way = 0; way < 6; way++) {
        started = 0;
        root = way % size;
        start_all();
        meanwhile();
        complete_all(way);
        for (int o = 0; o < started; o++) {
            int wrong = 0;
            for (int i = 0; i < operations[o].n; i++)
                wrong += operations[o].to[i] != operations[o].expected[i];
            if (wrong)
                fprintf(stderr, "operation %d, way %d\n", o, way);
            CHECK(wrong == 0);
            free(operations[o].from), free(operations[o].to), free(operations[o].expected);
        }
    }
    user_operation();
    large_counts();
    /* The communicator goes when the operation on it is done. */
    MPI_Request last;
    MPI_Ibarrier(comm, &last);
    MPI_Comm_free(&comm);
    MPI_Wait(&last, MPI_STATUS_IGNORE);
    return check_end("coll_nonblocking");
}
