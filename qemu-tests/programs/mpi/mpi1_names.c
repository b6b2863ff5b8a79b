/* Functions that MPI 3.0 removed, and attribute keys as MPI-1 had them, beside those that replaced them. */
#include <mpi.h>

#include <string.h>

#include "../check.h"

static int size;

static void addresses(void)
{
    int numbers[10];
    MPI_Aint first = 0, last = 0, now = 0;
    CHECK(MPI_Address(&numbers[0], &first) == MPI_SUCCESS && MPI_Address(&numbers[9], &last) == MPI_SUCCESS);
    CHECK(last - first == 9 * sizeof(int));
    MPI_Get_address(&numbers[9], &now);
    CHECK(now == last);
}

/* Bytes lower to upper of a type, and what it sends. */
static void is(MPI_Datatype type, MPI_Aint lower, MPI_Aint upper, const int *from, const int *expected, int n)
{
    MPI_Aint lb = -1, ub = -1, extent = -1;
    int got[32], bytes = -1;
    CHECK(MPI_Type_lb(type, &lb) == MPI_SUCCESS && MPI_Type_ub(type, &ub) == MPI_SUCCESS);
    CHECK(MPI_Type_extent(type, &extent) == MPI_SUCCESS);
    CHECK(lb == lower && ub == upper && extent == upper - lower);
    MPI_Type_size(type, &bytes);
    CHECK(bytes == n * (int)sizeof(int));
    MPI_Type_commit(&type);
    memset(got, -1, sizeof got);
    MPI_Sendrecv(from, 1, type, (check_rank + 1) % size, 0, got, 32, MPI_INT, (check_rank + size - 1) % size, 0, MPI_COMM_WORLD,
        MPI_STATUS_IGNORE);
    CHECK(memcmp(got, expected, n * sizeof(int)) == 0 && got[n] == -1);
    MPI_Type_free(&type);
}

static void types(void)
{
    int from[32], lengths[3] = {2, 1, 3};
    MPI_Aint places[3] = {20, 4, 60};
    MPI_Datatype type, olds[2] = {MPI_INT, MPI_CHAR};
    for (int i = 0; i < 32; i++)
        from[i] = 7 * i;
    static const int strided[] = {0, 7, 21, 28, 42, 49}, indexed[] = {35, 42, 7, 105, 112, 119};
    CHECK(MPI_Type_hvector(3, 2, 12, MPI_INT, &type) == MPI_SUCCESS);
    is(type, 0, 32, from, strided, 6);
    CHECK(MPI_Type_hindexed(3, lengths, places, MPI_INT, &type) == MPI_SUCCESS);
    is(type, 4, 72, from, indexed, 6);
    MPI_Aint lb = -1, ub = -1, extent = -1, there[2] = {8, 16};
    int one[2] = {1, 1};
    CHECK(MPI_Type_struct(2, one, there, olds, &type) == MPI_SUCCESS);
    CHECK(MPI_Type_lb(type, &lb) == MPI_SUCCESS && lb == 8);
    /* Padded, so that ints are aligned in arrays of it. */
    CHECK(MPI_Type_ub(type, &ub) == MPI_SUCCESS && ub == 20);
    MPI_Type_free(&type);
    MPI_Type_create_resized(MPI_INT, -4, 100, &type);
    CHECK(MPI_Type_lb(type, &lb) == MPI_SUCCESS && MPI_Type_ub(type, &ub) == MPI_SUCCESS && lb == -4 && ub == 96);
    CHECK(MPI_Type_extent(type, &extent) == MPI_SUCCESS && extent == 100);
    MPI_Type_free(&type);
    CHECK(MPI_Type_lb(MPI_DATATYPE_NULL, &lb) == MPI_ERR_TYPE && MPI_Type_ub(MPI_DATATYPE_NULL, &ub) == MPI_ERR_TYPE);
    CHECK(MPI_Type_hvector(-1, 1, 4, MPI_INT, &type) != MPI_SUCCESS);
    CHECK(MPI_Type_hindexed(1, lengths, places, MPI_DATATYPE_NULL, &type) == MPI_ERR_TYPE);
}

static int calls, last_code;

static void handle(MPI_Comm *comm, int *code, ...)
{
    (void)comm;
    calls++;
    last_code = *code;
}

static void handlers(void)
{
    MPI_Errhandler handler, attached, now;
    MPI_Comm comm;
    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    CHECK(MPI_Errhandler_create(handle, &handler) == MPI_SUCCESS);
    CHECK(MPI_Errhandler_set(comm, handler) == MPI_SUCCESS);
    CHECK(MPI_Errhandler_get(comm, &attached) == MPI_SUCCESS && attached == handler);
    MPI_Comm_get_errhandler(comm, &now);
    CHECK(now == handler);
    CHECK(MPI_Errhandler_free(&handler) == MPI_SUCCESS && handler == MPI_ERRHANDLER_NULL);
    CHECK(MPI_Errhandler_free(&attached) == MPI_SUCCESS && MPI_Errhandler_free(&now) == MPI_SUCCESS);
    /* It lives on, attached. */
    CHECK(MPI_Send(NULL, 0, MPI_INT, 0, -5, comm) == MPI_ERR_TAG && calls == 1 && last_code == MPI_ERR_TAG);
    CHECK(MPI_Errhandler_set(comm, MPI_ERRORS_RETURN) == MPI_SUCCESS);
    CHECK(MPI_Send(NULL, 0, MPI_INT, 0, -5, comm) == MPI_ERR_TAG && calls == 1);
    CHECK(MPI_Errhandler_get(comm, &attached) == MPI_SUCCESS && attached == MPI_ERRORS_RETURN);
    MPI_Comm_free(&comm);
    CHECK(MPI_Errhandler_get(MPI_COMM_NULL, &attached) == MPI_ERR_COMM);
    CHECK(MPI_Errhandler_set(MPI_COMM_NULL, MPI_ERRORS_RETURN) == MPI_ERR_COMM);
}

static int deleted;

static int forget(MPI_Comm comm, int keyval, void *value, void *state)
{
    (void)comm, (void)keyval;
    deleted += *(int *)value + *(int *)state;
    return MPI_SUCCESS;
}

/* A key that is freed serves until the last attribute of it is gone. */
static void keys(void)
{
    MPI_Comm comm, copy;
    int keyval, old, state = 100, value = 5, flag = 0, *found = NULL;
    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    CHECK(MPI_Keyval_create(MPI_DUP_FN, forget, &keyval, &state) == MPI_SUCCESS);
    CHECK(MPI_Attr_put(comm, keyval, &value) == MPI_SUCCESS);
    old = keyval;
    CHECK(MPI_Keyval_free(&keyval) == MPI_SUCCESS && keyval == MPI_KEYVAL_INVALID);
    CHECK(MPI_Attr_get(comm, old, &found, &flag) == MPI_SUCCESS && flag && found == &value);
    MPI_Comm_dup(comm, &copy);
    CHECK(MPI_Attr_get(copy, old, &found, &flag) == MPI_SUCCESS && flag && found == &value && deleted == 0);
    MPI_Comm_free(&copy);
    CHECK(deleted == 105);
    CHECK(MPI_Attr_delete(comm, old) == MPI_SUCCESS && deleted == 210);
    MPI_Comm_free(&comm);
    CHECK(deleted == 210);
    CHECK(MPI_Keyval_free(&keyval) == MPI_ERR_KEYVAL);
    keyval = MPI_TAG_UB;
    CHECK(MPI_Keyval_free(&keyval) == MPI_ERR_KEYVAL && keyval == MPI_TAG_UB);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Errhandler_set(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Errhandler_set(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    addresses();
    types();
    handlers();
    keys();
    return check_end("mpi1_names");
}
