/* Operations of the program that are told an MPI_Count of elements, alone and in every operation that reduces. */
#include <mpi.h>
#include "../check.h"

/* A matrix of four: their product depends on the order. */
typedef struct {
    unsigned a, b, c, d;
} matrix;

enum { N = 5 };

static int me, size, calls;
static MPI_Datatype type;

static matrix times(matrix x, matrix y)
{
    return (matrix){x.a * y.a + x.b * y.c, x.a * y.b + x.b * y.d, x.c * y.a + x.d * y.c, x.c * y.b + x.d * y.d};
}

static int same(matrix x, matrix y) { return x.a == y.a && x.b == y.b && x.c == y.c && x.d == y.d; }

static matrix of(int rank, int i) { return (matrix){rank + 2, i + 1, 2 * rank + 1, i + 3}; }

static matrix product(int first, int end, int i)
{
    matrix p = {1, 0, 0, 1};
    for (int r = first; r < end; r++)
        p = times(p, of(r, i));
    return p;
}

static void multiply(void *in, void *in_out, MPI_Count *count, MPI_Datatype *datatype)
{
    matrix *left = in, *right = in_out;
    calls++;
    CHECK(*datatype == type && *count >= 0 && *count <= 16 * N);
    for (MPI_Count i = 0; i < *count; i++)
        right[i] = times(left[i], right[i]);
}

static void count_up(void *in, void *in_out, MPI_Count *count, MPI_Datatype *datatype)
{
    (void)in, (void)datatype;
    *(MPI_Count *)in_out += *count;
}

static void locally(MPI_Op op)
{
    matrix left[N], right[N];
    for (int i = 0; i < N; i++)
        left[i] = of(1, i), right[i] = of(2, i);
    calls = 0;
    CHECK(MPI_Reduce_local_c(left, right, N - 1, type, op) == MPI_SUCCESS);
    CHECK(calls == 1);
    for (int i = 0; i < N; i++)
        CHECK(same(left[i], of(1, i)) && same(right[i], i < N - 1 ? times(of(1, i), of(2, i)) : of(2, i)));
    double in[3] = {1, 5, -2}, in_out[3] = {4, 2, -3};
    CHECK(MPI_Reduce_local_c(in, in_out, 2, MPI_DOUBLE, MPI_MAX) == MPI_SUCCESS);
    CHECK(in_out[0] == 4 && in_out[1] == 5 && in_out[2] == -3);
    CHECK(MPI_Reduce_local_c(in, in_out, 0, MPI_DOUBLE, MPI_SUM) == MPI_SUCCESS && in_out[0] == 4);
    MPI_Count negative = -((MPI_Count)1 << 32) + 1;
    CHECK(MPI_Reduce_local_c(in, in_out, negative, MPI_DOUBLE, MPI_SUM) == MPI_ERR_COUNT);
    CHECK(MPI_Reduce_local_c(in, in_out, 1, MPI_DOUBLE, MPI_BAND) == MPI_ERR_OP);
}

/* The function may be called for more elements than an int counts: here, of a type without any data. */
static void many(void)
{
    MPI_Op op;
    MPI_Datatype nothing;
    MPI_Count in = 0, counted = 0, large = ((MPI_Count)1 << 33) + 1;
    MPI_Type_contiguous(0, MPI_INT, &nothing);
    MPI_Type_commit(&nothing);
    MPI_Op_create_c(count_up, 1, &op);
    CHECK(MPI_Reduce_local_c(&in, &counted, large, nothing, op) == MPI_SUCCESS);
    CHECK(counted == large);
    MPI_Op_free(&op);
    MPI_Type_free(&nothing);
}

static void collectively(MPI_Op op)
{
    matrix in[16 * N], out[16 * N];
    MPI_Request request;
    for (int i = 0; i < size * N; i++)
        in[i] = of(me, i);
    for (int root = 0; root < size; root++) {
        MPI_Reduce_c(in, out, N, type, op, root, MPI_COMM_WORLD);
        for (int i = 0; me == root && i < N; i++)
            CHECK(same(out[i], product(0, size, i)));
    }
    MPI_Allreduce(in, out, N, type, op, MPI_COMM_WORLD);
    for (int i = 0; i < N; i++)
        CHECK(same(out[i], product(0, size, i)));
    MPI_Reduce_scatter_block_c(in, out, N, type, op, MPI_COMM_WORLD);
    for (int i = 0; i < N; i++)
        CHECK(same(out[i], product(0, size, me * N + i)));
    MPI_Scan_c(in, out, N, type, op, MPI_COMM_WORLD);
    for (int i = 0; i < N; i++)
        CHECK(same(out[i], product(0, me + 1, i)));
    MPI_Exscan(in, out, N, type, op, MPI_COMM_WORLD);
    for (int i = 0; me > 0 && i < N; i++)
        CHECK(same(out[i], product(0, me, i)));
    MPI_Iallreduce_c(in, out, N, type, op, MPI_COMM_WORLD, &request);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    for (int i = 0; i < N; i++)
        CHECK(same(out[i], product(0, size, i)));
}

int main(int argc, char **argv)
{
    MPI_Op op;
    int commutes = -1;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    check_rank = me;
    MPI_Type_contiguous(4, MPI_UNSIGNED, &type);
    MPI_Type_commit(&type);
    CHECK(MPI_Op_create_c(multiply, 0, &op) == MPI_SUCCESS);
    MPI_Op_commutative(op, &commutes);
    CHECK(commutes == 0);
    locally(op);
    many();
    collectively(op);
    MPI_Op_free(&op);
    CHECK(op == MPI_OP_NULL);
    MPI_Type_free(&type);
    return check_end("op_large_counts");
}
