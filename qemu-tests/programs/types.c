/* Derived datatypes: sizes and extents by the standard's definitions, contents through messages and pack/unpack. */
#include <mpi.h>
#include <stddef.h>
#include <string.h>

#include "check.h"

struct particle {
    char kind;
    double x[3];
    int id;
};

static int rank, size;

static void extent_is(MPI_Datatype t, MPI_Aint lb, MPI_Aint extent, int bytes)
{
    MPI_Aint l, e;
    int s;
    MPI_Type_get_extent(t, &l, &e);
    MPI_Type_size(t, &s);
    CHECK(l == lb && e == extent && s == bytes);
}

static void predefined(void)
{
    extent_is(MPI_CHAR, 0, 1, 1);
    extent_is(MPI_DOUBLE, 0, 8, 8);
    extent_is(MPI_LONG_DOUBLE, 0, 16, 16);
    extent_is(MPI_C_DOUBLE_COMPLEX, 0, 16, 16);
    extent_is(MPI_DOUBLE_INT, 0, 16, 12);
    extent_is(MPI_SHORT_INT, 0, 8, 6);
    extent_is(MPI_2INT, 0, 8, 8);
    extent_is(MPI_INT64_T, 0, 8, 8);
    extent_is(MPI_AINT, 0, 8, 8);
    char name[MPI_MAX_OBJECT_NAME];
    int n;
    MPI_Type_get_name(MPI_DOUBLE, name, &n);
    CHECK(!strcmp(name, "MPI_DOUBLE") && n == 10);
}

static void constructors(void)
{
    MPI_Datatype v, h, i, s, r, sub, d;
    MPI_Type_vector(3, 2, 4, MPI_INT, &v);
    extent_is(v, 0, 40, 24);
    MPI_Type_create_hvector(2, 1, -16, v, &h);
    extent_is(h, -16, 56, 48);
    int lengths[3] = {2, 0, 1}, at[3] = {4, 9, -1};
    MPI_Type_indexed(3, lengths, at, MPI_DOUBLE, &i);
    extent_is(i, -8, 56, 24);
    struct particle p;
    int l3[3] = {1, 3, 1};
    MPI_Aint d3[3] = {offsetof(struct particle, kind), offsetof(struct particle, x), offsetof(struct particle, id)};
    MPI_Datatype t3[3] = {MPI_CHAR, MPI_DOUBLE, MPI_INT};
    MPI_Type_create_struct(3, l3, d3, t3, &s);
    extent_is(s, 0, sizeof p, 29);
    MPI_Type_create_resized(s, 0, 64, &r);
    extent_is(r, 0, 64, 29);
    int sizes[2] = {5, 7}, subs[2] = {2, 3}, from[2] = {1, 2};
    MPI_Type_create_subarray(2, sizes, subs, from, MPI_ORDER_C, MPI_INT, &sub);
    extent_is(sub, 0, 140, 24);
    MPI_Aint tl, te;
    MPI_Type_get_true_extent(sub, &tl, &te);
    CHECK(tl == 9 * 4 && te == (7 + 3) * 4);
    MPI_Type_dup(sub, &d);
    extent_is(d, 0, 140, 24);
    int ni, na, nd, combiner;
    MPI_Type_get_envelope(v, &ni, &na, &nd, &combiner);
    CHECK(ni == 3 && na == 0 && nd == 1 && combiner == MPI_COMBINER_VECTOR);
    int ints[3];
    MPI_Datatype old[1];
    MPI_Type_get_contents(v, 3, 0, 1, ints, NULL, old);
    CHECK(ints[0] == 3 && ints[1] == 2 && ints[2] == 4 && old[0] == MPI_INT);
    MPI_Type_free(&v); MPI_Type_free(&h); MPI_Type_free(&i); MPI_Type_free(&s);
    MPI_Type_free(&r); MPI_Type_free(&sub); MPI_Type_free(&d);
    CHECK(v == MPI_DATATYPE_NULL);
}

/* An array of structures, sent as such, arrives whole; the padding is not touched. */
static void structures(int n)
{
    int l3[3] = {1, 3, 1}, next = (rank + 1) % size, before = (rank + size - 1) % size;
    MPI_Aint d3[3] = {offsetof(struct particle, kind), offsetof(struct particle, x), offsetof(struct particle, id)};
    MPI_Datatype t3[3] = {MPI_CHAR, MPI_DOUBLE, MPI_INT}, packed, t;
    MPI_Type_create_struct(3, l3, d3, t3, &packed);
    MPI_Type_create_resized(packed, 0, sizeof(struct particle), &t);
    MPI_Type_commit(&t);
    struct particle *out = malloc(sizeof *out * (size_t)n), *in = malloc(sizeof *in * (size_t)n);
    memset(in, 0x55, sizeof *in * (size_t)n);
    for (int i = 0; i < n; i++) {
        out[i].kind = (char)i;
        out[i].x[0] = rank + i; out[i].x[1] = 2 * i; out[i].x[2] = -i;
        out[i].id = i * i + rank;
    }
    MPI_Request r;
    MPI_Status st;
    int count;
    MPI_Isend(out, n, t, next, 0, MPI_COMM_WORLD, &r);
    MPI_Recv(in, n, t, before, 0, MPI_COMM_WORLD, &st);
    MPI_Wait(&r, MPI_STATUS_IGNORE);
    MPI_Get_count(&st, t, &count);
    CHECK(count == n);
    MPI_Get_elements(&st, t, &count);
    CHECK(count == 5 * n);
    int good = 1;
    for (int i = 0; i < n; i++)
        good &= in[i].kind == (char)i && in[i].x[0] == before + i && in[i].x[1] == 2 * i && in[i].x[2] == -i && in[i].id == i * i + before
            && ((unsigned char *)&in[i])[1] == 0x55;
    CHECK(good);
    /* the same by hand */
    int room, at = 0;
    MPI_Pack_size(n, t, MPI_COMM_WORLD, &room);
    char *packet = malloc((size_t)room);
    MPI_Pack(out, n, t, packet, room, &at, MPI_COMM_WORLD);
    CHECK(at == 29 * n);
    memset(in, 0, sizeof *in * (size_t)n);
    at = 0;
    for (int i = 0; i < n; i++)
        MPI_Unpack(packet, 29 * n, &at, &in[i], 1, t, MPI_COMM_WORLD);
    CHECK(at == 29 * n && in[n - 1].id == out[n - 1].id && in[n / 2].x[1] == out[n / 2].x[1]);
    MPI_Type_free(&packed);
    MPI_Type_free(&t);
    free(out); free(in); free(packet);
}

/* A transposed matrix: columns sent, rows received. */
static void transpose(void)
{
    enum { N = 300 };
    static int a[N][N], b[N][N];
    MPI_Datatype column, columns;
    MPI_Request r;
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++)
            a[i][k] = i * N + k;
    MPI_Type_vector(N, 1, N, MPI_INT, &column);
    MPI_Type_create_hvector(N, 1, sizeof(int), column, &columns);
    MPI_Type_commit(&columns);
    MPI_Isend(a, 1, columns, rank, 0, MPI_COMM_WORLD, &r);
    MPI_Recv(b, N * N, MPI_INT, rank, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Wait(&r, MPI_STATUS_IGNORE);
    int good = 1;
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++)
            good &= b[i][k] == a[k][i];
    CHECK(good);
    MPI_Type_free(&column);
    MPI_Type_free(&columns);
}

/* One element of a type of more than 2 GiB extent, of which only the ends hold data: no length is cut to 32 bits. */
static void huge(void)
{
    MPI_Datatype t;
    int lengths[2] = {1, 1};
    MPI_Aint ends[2] = {0, 5LL << 30}, lb, extent;
    MPI_Type_create_hindexed(2, lengths, ends, MPI_INT, &t);
    MPI_Type_get_extent(t, &lb, &extent);
    CHECK(lb == 0 && extent == (5LL << 30) + 4);
    MPI_Type_free(&t);
    MPI_Datatype gib;
    MPI_Count bytes;
    MPI_Type_contiguous(1 << 30, MPI_DOUBLE, &gib);
    MPI_Type_size_x(gib, &bytes);
    int small;
    MPI_Type_size(gib, &small);
    CHECK(bytes == 8LL << 30 && small == MPI_UNDEFINED);
    MPI_Type_free(&gib);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    check_rank = rank;
    predefined();
    constructors();
    structures(1);
    structures(50);
    structures(20000);
    transpose();
    huge();
    return check_end("types");
}
