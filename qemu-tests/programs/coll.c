/* Every blocking collective against what each rank can work out for itself; in place, empty, short, long, user ops.
 * With any argument: two lengths only. */
#include <mpi.h>
#include <string.h>

#include "check.h"

static int rank, size;
static MPI_Comm comm;

static double value(int r, long i) { return (double)((r + 1) * 3 + i % 17); }

static double *filled(int r, long n)
{
    double *p = malloc(sizeof *p * (size_t)(n + 1));
    for (long i = 0; i < n; i++)
        p[i] = value(r, i);
    return p;
}

static double *empty(long n) { return calloc((size_t)n + 1, sizeof(double)); }

static double sum_to(int ranks, long i)
{
    double s = 0;
    for (int r = 0; r < ranks; r++)
        s += value(r, i);
    return s;
}

static void rooted(int n, int root)
{
    double *mine = filled(rank, n), *all = empty((long)n * size), *whole = empty((long)n * size);
    if (rank == root)
        for (int i = 0; i < n; i++)
            whole[i] = value(root, i);
    MPI_Bcast(whole, n, MPI_DOUBLE, root, comm);
    for (int i = 0; i < n; i++)
        CHECK(whole[i] == value(root, i));
    MPI_Gather(mine, n, MPI_DOUBLE, all, n, MPI_DOUBLE, root, comm);
    for (int r = 0; rank == root && r < size; r++)
        for (int i = 0; i < n; i++)
            CHECK(all[(long)r * n + i] == value(r, i));
    if (rank == root)
        for (long i = 0; i < (long)n * size; i++)
            all[i] += 1;
    memset(mine, 0, sizeof *mine * (size_t)n);
    MPI_Scatter(all, n, MPI_DOUBLE, mine, n, MPI_DOUBLE, root, comm);
    for (int i = 0; i < n; i++)
        CHECK(mine[i] == value(rank, i) + 1);
    double *reduced = empty(n);
    MPI_Reduce(mine, reduced, n, MPI_DOUBLE, MPI_SUM, root, comm);
    if (rank == root)
        for (int i = 0; i < n; i++)
            CHECK(reduced[i] == sum_to(size, i) + size);
    MPI_Reduce(rank == root ? MPI_IN_PLACE : mine, rank == root ? mine : NULL, n, MPI_DOUBLE, MPI_MAX, root, comm);
    if (rank == root)
        for (int i = 0; i < n; i++)
            CHECK(mine[i] == value(size - 1, i) + 1);
    /* gatherv and scatterv: rank r has r % 3 + (n > 2 ? n - 2 : 0) elements, with gaps of one */
    int *counts = malloc(sizeof(int) * (size_t)size), *displs = malloc(sizeof(int) * (size_t)size), total = 0;
    for (int r = 0; r < size; r++) {
        counts[r] = r % 3 + (n > 2 ? n - 2 : 0);
        displs[r] = total + r;
        total += counts[r];
    }
    double *v = filled(rank, counts[rank]), *vs = empty(total + size);
    MPI_Gatherv(v, counts[rank], MPI_DOUBLE, vs, counts, displs, MPI_DOUBLE, root, comm);
    if (rank == root)
        for (int r = 0; r < size; r++) {
            for (int i = 0; i < counts[r]; i++)
                CHECK(vs[displs[r] + i] == value(r, i));
            CHECK(vs[displs[r] + counts[r]] == 0);
        }
    memset(v, 0, sizeof *v * (size_t)counts[rank]);
    MPI_Scatterv(vs, counts, displs, MPI_DOUBLE, v, counts[rank], MPI_DOUBLE, root, comm);
    for (int i = 0; i < counts[rank]; i++)
        CHECK(v[i] == value(rank, i));
    memset(vs, 0, sizeof *vs * (size_t)(total + size));
    MPI_Allgatherv(v, counts[rank], MPI_DOUBLE, vs, counts, displs, MPI_DOUBLE, comm);
    for (int r = 0; r < size; r++)
        for (int i = 0; i < counts[r]; i++)
            CHECK(vs[displs[r] + i] == value(r, i));
    free(mine); free(all); free(whole); free(reduced); free(counts); free(displs); free(v); free(vs);
}

static void all_ranks(int n)
{
    double *mine = filled(rank, n), *out = empty(n), *all = empty((long)n * size), *other = empty((long)n * size);
    MPI_Allreduce(mine, out, n, MPI_DOUBLE, MPI_SUM, comm);
    for (int i = 0; i < n; i++)
        CHECK(out[i] == sum_to(size, i));
    MPI_Allgather(mine, n, MPI_DOUBLE, all, n, MPI_DOUBLE, comm);
    for (int r = 0; r < size; r++)
        for (int i = 0; i < n; i++)
            CHECK(all[(long)r * n + i] == value(r, i));
    memset(all, 0, sizeof *all * (size_t)((long)n * size));
    memcpy(all + (long)rank * n, mine, sizeof *mine * (size_t)n);
    MPI_Allgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, all, n, MPI_DOUBLE, comm);
    for (int r = 0; r < size; r++)
        for (int i = 0; i < n; i++)
            CHECK(all[(long)r * n + i] == value(r, i));
    for (int r = 0; r < size; r++)
        for (int i = 0; i < n; i++)
            all[(long)r * n + i] = value(rank, i) * 1000 + r;
    MPI_Alltoall(all, n, MPI_DOUBLE, other, n, MPI_DOUBLE, comm);
    for (int r = 0; r < size; r++)
        for (int i = 0; i < n; i++)
            CHECK(other[(long)r * n + i] == value(r, i) * 1000 + rank);
    MPI_Alltoall(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, all, n, MPI_DOUBLE, comm);
    CHECK(memcmp(all, other, sizeof *all * (size_t)((long)n * size)) == 0);
    MPI_Scan(mine, out, n, MPI_DOUBLE, MPI_SUM, comm);
    for (int i = 0; i < n; i++)
        CHECK(out[i] == sum_to(rank + 1, i));
    MPI_Exscan(mine, out, n, MPI_DOUBLE, MPI_SUM, comm);
    for (int i = 0; rank > 0 && i < n; i++)
        CHECK(out[i] == sum_to(rank, i));
    for (int r = 0; r < size; r++)
        for (int i = 0; i < n; i++)
            all[(long)r * n + i] = value(rank, i) + r;
    MPI_Reduce_scatter_block(all, out, n, MPI_DOUBLE, MPI_SUM, comm);
    for (int i = 0; i < n; i++)
        CHECK(out[i] == sum_to(size, i) + (double)size * rank);
    int *counts = malloc(sizeof(int) * (size_t)size);
    for (int r = 0; r < size; r++)
        counts[r] = n;
    counts[0] = 0;
    MPI_Reduce_scatter(all, out, counts, MPI_DOUBLE, MPI_SUM, comm);
    for (int i = 0; i < counts[rank]; i++)
        CHECK(out[i] == sum_to(size, i) + (double)size * (rank - 1));
    free(mine); free(out); free(all); free(other); free(counts);
}

/* alltoallv and alltoallw: rank s sends s + d elements to rank d. */
static void ragged(void)
{
    int *sc = malloc(sizeof(int) * 4 * (size_t)size), *sd = sc + size, *rc = sd + size, *rd = rc + size;
    MPI_Datatype *types = malloc(sizeof *types * (size_t)size);
    int st = 0, rt = 0;
    for (int r = 0; r < size; r++) {
        sc[r] = rank + r; sd[r] = st; st += sc[r];
        rc[r] = rank + r; rd[r] = rt; rt += rc[r];
        types[r] = MPI_INT;
    }
    int *out = malloc(sizeof(int) * (size_t)(st + 1)), *in = calloc((size_t)rt + 1, sizeof(int));
    for (int r = 0; r < size; r++)
        for (int i = 0; i < sc[r]; i++)
            out[sd[r] + i] = rank * 10000 + r * 100 + i;
    MPI_Alltoallv(out, sc, sd, MPI_INT, in, rc, rd, MPI_INT, comm);
    for (int r = 0; r < size; r++)
        for (int i = 0; i < rc[r]; i++)
            CHECK(in[rd[r] + i] == r * 10000 + rank * 100 + i);
    memset(in, 0, sizeof(int) * (size_t)rt);
    for (int r = 0; r < size; r++) {
        sd[r] *= (int)sizeof(int);
        rd[r] *= (int)sizeof(int);
    }
    MPI_Alltoallw(out, sc, sd, types, in, rc, rd, types, comm);
    for (int r = 0; r < size; r++)
        for (int i = 0; i < rc[r]; i++)
            CHECK(in[rd[r] / (int)sizeof(int) + i] == r * 10000 + rank * 100 + i);
    free(sc); free(types); free(out); free(in);
}

/* 2 x 2 matrix product: associative, not commutative. */
static void multiply(void *a, void *b, int *n, MPI_Datatype *type)
{
    long *x = a, *y = b;
    (void)type;
    for (int i = 0; i < *n; i++, x += 4, y += 4) {
        long r[4] = {x[0] * y[0] + x[1] * y[2], x[0] * y[1] + x[1] * y[3], x[2] * y[0] + x[3] * y[2], x[2] * y[1] + x[3] * y[3]};
        for (int k = 0; k < 4; k++)
            y[k] = r[k] % 10007;
    }
}

static void user_operation(int n)
{
    MPI_Op op;
    MPI_Datatype matrix;
    int commutes = -1;
    MPI_Type_contiguous(4, MPI_LONG, &matrix);
    MPI_Type_commit(&matrix);
    MPI_Op_create(multiply, 0, &op);
    MPI_Op_commutative(op, &commutes);
    CHECK(commutes == 0);
    long *mine = malloc(sizeof(long) * 4 * (size_t)n), *want = malloc(sizeof(long) * 4 * (size_t)n), *got = malloc(sizeof(long) * 4 * (size_t)n);
    for (int r = size - 1; r >= 0; r--) {
        for (int i = 0; i < n; i++) {
            long m[4] = {r + 1, i % 5, 1, r + 2};
            if (r == rank)
                memcpy(mine + 4 * i, m, sizeof m);
            if (r == size - 1)
                memcpy(want + 4 * i, m, sizeof m);
            else {
                int one = 1;
                multiply(m, want + 4 * i, &one, NULL);
            }
        }
    }
    MPI_Allreduce(mine, got, n, matrix, op, comm);
    CHECK(memcmp(got, want, sizeof(long) * 4 * (size_t)n) == 0);
    MPI_Reduce(mine, got, n, matrix, op, size - 1, comm);
    if (rank == size - 1)
        CHECK(memcmp(got, want, sizeof(long) * 4 * (size_t)n) == 0);
    MPI_Scan(mine, got, n, matrix, op, comm);
    if (rank == size - 1)
        CHECK(memcmp(got, want, sizeof(long) * 4 * (size_t)n) == 0);
    free(mine); free(want); free(got);
    MPI_Op_free(&op);
    MPI_Type_free(&matrix);
    CHECK(op == MPI_OP_NULL && matrix == MPI_DATATYPE_NULL);
}

static void predefined(void)
{
    struct { double v; int i; } a = {(double)((rank * 7) % size), rank}, b;
    MPI_Allreduce(&a, &b, 1, MPI_DOUBLE_INT, MPI_MAXLOC, comm);
    CHECK(b.v == (double)(size > 1 ? b.v : 0) && ((b.i * 7) % size) == (int)b.v);
    MPI_Allreduce(&a, &b, 1, MPI_DOUBLE_INT, MPI_MINLOC, comm);
    CHECK(b.v == 0 && b.i == 0);
    unsigned bits = 1u << (rank % 32), all;
    MPI_Allreduce(&bits, &all, 1, MPI_UNSIGNED, MPI_BOR, comm);
    CHECK(all == (size >= 32 ? ~0u : (1u << size) - 1));
    int yes = rank == 0, any;
    MPI_Allreduce(&yes, &any, 1, MPI_INT, MPI_LOR, comm);
    CHECK(any == 1);
    MPI_Allreduce(&yes, &any, 1, MPI_INT, MPI_LAND, comm);
    CHECK(any == (size == 1));
    long double l = rank + 0.5L, ls;
    MPI_Allreduce(&l, &ls, 1, MPI_LONG_DOUBLE, MPI_SUM, comm);
    CHECK(ls == size * (size - 1) / 2.0L + size * 0.5L);
    signed char c = (signed char)rank, cs;
    MPI_Allreduce(&c, &cs, 1, MPI_SIGNED_CHAR, MPI_MAX, comm);
    CHECK(cs == size - 1);
}

int main(int argc, char **argv)
{
    static const int lengths[] = {0, 1, 2, 5, 64, 1000, 4096, 40000};
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    for (int half = 0; half < 2; half++) {
        if (half)
            MPI_Comm_split(MPI_COMM_WORLD, check_rank % 2, -check_rank, &comm);
        else
            MPI_Comm_dup(MPI_COMM_WORLD, &comm);
        MPI_Comm_rank(comm, &rank);
        MPI_Comm_size(comm, &size);
        for (size_t i = argc > 1 ? 3 : 0; i < (argc > 1 ? 5 : sizeof lengths / sizeof *lengths); i++) {
            rooted(lengths[i], 0);
            rooted(lengths[i], size - 1);
            all_ranks(lengths[i]);
            MPI_Barrier(comm);
        }
        ragged();
        user_operation(1);
        user_operation(3000);
        predefined();
        MPI_Comm_free(&comm);
    }
    return check_end("coll");
}
