/* Datatypes made with MPI_Counts: what they hold, how large they are, also beyond an int, and how they say they were made. */
#include <mpi.h>
#include <string.h>
#include "../check.h"

enum { MOST = 64 };

static const MPI_Count G = (MPI_Count)1 << 30;

/* Through all functions that tell the same. */
static void sizes_are(MPI_Datatype t, MPI_Count bytes, MPI_Count lb, MPI_Count extent, MPI_Count true_lb, MPI_Count true_extent)
{
    MPI_Count l = -9, e = -9, size = -9;
    MPI_Aint small_lb = -9, small_extent = -9;
    int small = -9;
    CHECK(MPI_Type_size_c(t, &size) == MPI_SUCCESS && size == bytes);
    CHECK(MPI_Type_size_x(t, &size) == MPI_SUCCESS && size == bytes);
    CHECK(MPI_Type_size(t, &small) == MPI_SUCCESS && small == (bytes <= 0x7fffffff ? (int)bytes : MPI_UNDEFINED));
    CHECK(MPI_Type_get_extent_c(t, &l, &e) == MPI_SUCCESS && l == lb && e == extent);
    l = e = -9;
    CHECK(MPI_Type_get_extent_x(t, &l, &e) == MPI_SUCCESS && l == lb && e == extent);
    CHECK(MPI_Type_get_extent(t, &small_lb, &small_extent) == MPI_SUCCESS && small_lb == lb && small_extent == extent);
    CHECK(MPI_Type_get_true_extent_c(t, &l, &e) == MPI_SUCCESS && l == true_lb && e == true_extent);
    l = e = -9;
    CHECK(MPI_Type_get_true_extent_x(t, &l, &e) == MPI_SUCCESS && l == true_lb && e == true_extent);
}

/* How it was made: ints and large counts in the order of the arguments, and the type that it was made of. */
static void made_by(MPI_Datatype t, int combiner, int ni, const int *ints, int nl, const MPI_Count *larges, int nd)
{
    MPI_Count i = -1, a = -1, l = -1, d = -1;
    int by = -1, got_ints[MOST];
    MPI_Count got_larges[MOST];
    MPI_Aint addresses[1];
    MPI_Datatype types[MOST];
    CHECK(MPI_Type_get_envelope_c(t, &i, &a, &l, &d, &by) == MPI_SUCCESS);
    CHECK(by == combiner && i == ni && a == 0 && l == nl && d == nd);
    CHECK(MPI_Type_get_contents_c(t, i, a, l, d, got_ints, addresses, got_larges, types) == MPI_SUCCESS);
    for (int k = 0; k < ni; k++)
        CHECK(got_ints[k] == ints[k]);
    for (int k = 0; k < nl; k++)
        CHECK(got_larges[k] == larges[k]);
    for (int k = 0; k < nd; k++)
        CHECK(types[k] == (k == 1 ? MPI_CHAR : MPI_INT));
}

/* Which ints of an array one element holds; the type goes away. */
static void holds(MPI_Datatype *t, int n, const int *wanted)
{
    int from[MOST], to[MOST], packed = 0;
    for (int i = 0; i < MOST; i++)
        from[i] = i, to[i] = -1;
    MPI_Type_commit(t);
    MPI_Pack(from, 1, *t, to, sizeof to, &packed, MPI_COMM_SELF);
    CHECK(packed == n * (int)sizeof(int));
    for (int i = 0; i < n; i++)
        CHECK(to[i] == wanted[i]);
    MPI_Type_free(t);
    CHECK(*t == MPI_DATATYPE_NULL);
}

#define LIST(type, ...) (const type[]){__VA_ARGS__}
#define INTS(...) LIST(int, __VA_ARGS__)
#define LARGES(...) LIST(MPI_Count, __VA_ARGS__)

static void small(void)
{
    MPI_Datatype t;
    MPI_Type_contiguous_c(3, MPI_INT, &t);
    sizes_are(t, 12, 0, 12, 0, 12);
    made_by(t, MPI_COMBINER_CONTIGUOUS, 0, NULL, 1, LARGES(3), 1);
    holds(&t, 3, INTS(0, 1, 2));
    MPI_Type_vector_c(3, 2, 4, MPI_INT, &t);
    sizes_are(t, 24, 0, 40, 0, 40);
    made_by(t, MPI_COMBINER_VECTOR, 0, NULL, 3, LARGES(3, 2, 4), 1);
    holds(&t, 6, INTS(0, 1, 4, 5, 8, 9));
    MPI_Type_create_hvector_c(2, 2, 20, MPI_INT, &t);
    sizes_are(t, 16, 0, 28, 0, 28);
    made_by(t, MPI_COMBINER_HVECTOR, 0, NULL, 3, LARGES(2, 2, 20), 1);
    holds(&t, 4, INTS(0, 1, 5, 6));
    MPI_Type_indexed_c(3, LARGES(2, 0, 1), LARGES(4, 9, 1), MPI_INT, &t);
    sizes_are(t, 12, 4, 20, 4, 20);
    made_by(t, MPI_COMBINER_INDEXED, 0, NULL, 7, LARGES(3, 2, 0, 1, 4, 9, 1), 1);
    holds(&t, 3, INTS(4, 5, 1));
    MPI_Type_create_hindexed_c(2, LARGES(1, 2), LARGES(24, 8), MPI_INT, &t);
    sizes_are(t, 12, 8, 20, 8, 20);
    made_by(t, MPI_COMBINER_HINDEXED, 0, NULL, 5, LARGES(2, 1, 2, 24, 8), 1);
    holds(&t, 3, INTS(6, 2, 3));
    MPI_Type_create_indexed_block_c(3, 2, LARGES(6, 0, 3), MPI_INT, &t);
    sizes_are(t, 24, 0, 32, 0, 32);
    made_by(t, MPI_COMBINER_INDEXED_BLOCK, 0, NULL, 5, LARGES(3, 2, 6, 0, 3), 1);
    holds(&t, 6, INTS(6, 7, 0, 1, 3, 4));
    MPI_Type_create_hindexed_block_c(2, 2, LARGES(12, 32), MPI_INT, &t);
    sizes_are(t, 16, 12, 28, 12, 28);
    made_by(t, MPI_COMBINER_HINDEXED_BLOCK, 0, NULL, 4, LARGES(2, 2, 12, 32), 1);
    holds(&t, 4, INTS(3, 4, 8, 9));
    MPI_Type_create_struct_c(3, LARGES(2, 4, 1), LARGES(16, 8, 0), LIST(MPI_Datatype, MPI_INT, MPI_CHAR, MPI_INT), &t);
    sizes_are(t, 16, 0, 24, 0, 24);
    made_by(t, MPI_COMBINER_STRUCT, 0, NULL, 7, LARGES(3, 2, 4, 1, 16, 8, 0), 3);
    holds(&t, 4, INTS(4, 5, 2, 0));
    MPI_Type_create_resized_c(MPI_INT, -8, 32, &t);
    sizes_are(t, 4, -8, 32, 0, 4);
    made_by(t, MPI_COMBINER_RESIZED, 0, NULL, 2, LARGES(-8, 32), 1);
    holds(&t, 1, INTS(0));
    MPI_Type_create_subarray_c(2, LARGES(4, 5), LARGES(2, 3), LARGES(1, 2), MPI_ORDER_C, MPI_INT, &t);
    sizes_are(t, 24, 0, 80, 28, 32);
    made_by(t, MPI_COMBINER_SUBARRAY, 2, INTS(2, MPI_ORDER_C), 6, LARGES(4, 5, 2, 3, 1, 2), 1);
    holds(&t, 6, INTS(7, 8, 9, 12, 13, 14));
    /* The last rank of two by two: the last two of five rows, and each second of four columns. */
    MPI_Type_create_darray_c(4, 3, 2, LARGES(5, 4), INTS(MPI_DISTRIBUTE_BLOCK, MPI_DISTRIBUTE_CYCLIC),
        INTS(MPI_DISTRIBUTE_DFLT_DARG, 1), INTS(2, 2), MPI_ORDER_C, MPI_INT, &t);
    sizes_are(t, 16, 0, 80, 52, 28);
    made_by(t, MPI_COMBINER_DARRAY, 10,
        INTS(4, 3, 2, MPI_DISTRIBUTE_BLOCK, MPI_DISTRIBUTE_CYCLIC, MPI_DISTRIBUTE_DFLT_DARG, 1, 2, 2, MPI_ORDER_C), 2,
        LARGES(5, 4), 1);
    holds(&t, 4, INTS(13, 15, 17, 19));
}

/* With an int and addresses instead, it is the same type but for what it says of itself. */
static void block_of_addresses(void)
{
    MPI_Datatype t;
    MPI_Count i = -1, a = -1, l = -1, d = -1;
    int combiner = -1, ints[2] = {0};
    MPI_Aint at[2] = {12, 32}, addresses[2] = {0};
    CHECK(MPI_Type_create_hindexed_block(2, 2, at, MPI_INT, &t) == MPI_SUCCESS);
    sizes_are(t, 16, 12, 28, 12, 28);
    MPI_Type_get_envelope_c(t, &i, &a, &l, &d, &combiner);
    CHECK(combiner == MPI_COMBINER_HINDEXED_BLOCK && i == 2 && a == 2 && l == 0 && d == 1);
    MPI_Datatype old = MPI_DATATYPE_NULL;
    CHECK(MPI_Type_get_contents_c(t, 2, 2, 0, 1, ints, addresses, NULL, &old) == MPI_SUCCESS);
    CHECK(ints[0] == 2 && ints[1] == 2 && addresses[0] == 12 && addresses[1] == 32 && old == MPI_INT);
    holds(&t, 4, INTS(3, 4, 8, 9));
}

static void sizes_and_free(MPI_Datatype t, MPI_Count bytes, MPI_Count lb, MPI_Count extent, MPI_Count true_lb,
    MPI_Count true_extent)
{
    sizes_are(t, bytes, lb, extent, true_lb, true_extent);
    MPI_Type_commit(&t);
    sizes_are(t, bytes, lb, extent, true_lb, true_extent);
    MPI_Type_free(&t);
}

/* Nothing is moved, but every number is more than an int holds. */
static void large(void)
{
    MPI_Datatype t;
    MPI_Type_contiguous_c(5 * G, MPI_INT, &t);
    made_by(t, MPI_COMBINER_CONTIGUOUS, 0, NULL, 1, LARGES(5 * G), 1);
    sizes_and_free(t, 20 * G, 0, 20 * G, 0, 20 * G);
    MPI_Type_vector_c(8 * G, 2, 3, MPI_INT, &t);
    made_by(t, MPI_COMBINER_VECTOR, 0, NULL, 3, LARGES(8 * G, 2, 3), 1);
    sizes_and_free(t, 64 * G, 0, 96 * G - 4, 0, 96 * G - 4);
    MPI_Type_create_hvector_c(3, 4 * G, -64 * G, MPI_INT, &t);
    sizes_and_free(t, 48 * G, -128 * G, 144 * G, -128 * G, 144 * G);
    MPI_Type_indexed_c(2, LARGES(4 * G, 8 * G), LARGES(32 * G, 16 * G), MPI_INT, &t);
    sizes_and_free(t, 48 * G, 64 * G, 80 * G, 64 * G, 80 * G);
    MPI_Type_create_hindexed_c(2, LARGES(4 * G, 8 * G), LARGES(64 * G, 0), MPI_INT, &t);
    sizes_and_free(t, 48 * G, 0, 80 * G, 0, 80 * G);
    MPI_Type_create_indexed_block_c(2, 4 * G, LARGES(-8 * G, 16 * G), MPI_INT, &t);
    sizes_and_free(t, 32 * G, -32 * G, 112 * G, -32 * G, 112 * G);
    MPI_Type_create_hindexed_block_c(2, 4 * G, LARGES(-32 * G, 64 * G), MPI_INT, &t);
    sizes_and_free(t, 32 * G, -32 * G, 112 * G, -32 * G, 112 * G);
    MPI_Type_create_struct_c(2, LARGES(4 * G, 4 * G), LARGES(32 * G, 0), LIST(MPI_Datatype, MPI_INT, MPI_CHAR), &t);
    sizes_and_free(t, 20 * G, 0, 48 * G, 0, 48 * G);
    MPI_Type_create_resized_c(MPI_INT, -32 * G, 64 * G, &t);
    made_by(t, MPI_COMBINER_RESIZED, 0, NULL, 2, LARGES(-32 * G, 64 * G), 1);
    sizes_and_free(t, 4, -32 * G, 64 * G, 0, 4);
    MPI_Type_create_subarray_c(2, LARGES(4, 8 * G), LARGES(2, 4 * G), LARGES(1, 2 * G), MPI_ORDER_C, MPI_INT, &t);
    sizes_and_free(t, 32 * G, 0, 128 * G, 40 * G, 48 * G);
    MPI_Type_create_darray_c(4, 2, 1, LARGES(16 * G), INTS(MPI_DISTRIBUTE_BLOCK), INTS(MPI_DISTRIBUTE_DFLT_DARG), INTS(4),
        MPI_ORDER_C, MPI_INT, &t);
    sizes_and_free(t, 16 * G, 0, 64 * G, 32 * G, 16 * G);
}

/* Addresses beyond any int, without a pointer to them. */
static void addresses(void)
{
    double array[4] = {0};
    MPI_Aint first = -1, last = -1;
    MPI_Get_address(&array[0], &first);
    MPI_Get_address(&array[3], &last);
    CHECK(MPI_Aint_add(first, 24) == last && MPI_Aint_add(last, -24) == first);
    CHECK(MPI_Aint_add(5 * G, 6 * G) == 11 * G && MPI_Aint_diff(last, first) == 24);
}

static void errors(void)
{
    MPI_Datatype t;
    MPI_Count negative = -4 * G + 1;
    CHECK(MPI_Type_contiguous_c(negative, MPI_INT, &t) == MPI_ERR_COUNT);
    CHECK(MPI_Type_vector_c(negative, 1, 1, MPI_INT, &t) == MPI_ERR_COUNT);
    CHECK(MPI_Type_create_hvector_c(1, 1, 1, MPI_DATATYPE_NULL, &t) == MPI_ERR_TYPE);
    CHECK(MPI_Type_create_indexed_block_c(negative, 1, &negative, MPI_INT, &t) == MPI_ERR_COUNT);
    CHECK(MPI_Type_create_subarray_c(1, LARGES(8 * G), LARGES(8 * G), LARGES(1), MPI_ORDER_C, MPI_INT, &t) == MPI_ERR_ARG);
    CHECK(MPI_Type_get_contents_c(MPI_INT, 0, 0, 0, 0, NULL, NULL, NULL, NULL) == MPI_ERR_TYPE);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    small();
    block_of_addresses();
    large();
    addresses();
    errors();
    return check_end("types_large_counts");
}
