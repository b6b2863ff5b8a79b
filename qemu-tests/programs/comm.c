/* Groups, communicators, attributes, info, topologies, names, error handlers. */
#include <mpi.h>
#include <string.h>

#include "check.h"

static int rank, size, copies, deletions;

static void groups(void)
{
    MPI_Group world, evens, odds, all, none;
    MPI_Comm_group(MPI_COMM_WORLD, &world);
    int range[1][3] = {{0, size - 1, 2}}, n, result, *a = malloc(sizeof(int) * (size_t)size), *b = malloc(sizeof(int) * (size_t)size);
    MPI_Group_range_incl(world, 1, range, &evens);
    MPI_Group_range_excl(world, 1, range, &odds);
    MPI_Group_size(evens, &n);
    CHECK(n == (size + 1) / 2);
    MPI_Group_union(evens, odds, &all);
    MPI_Group_compare(all, world, &result);
    CHECK(result == (size > 2 ? MPI_SIMILAR : MPI_IDENT));
    MPI_Group_intersection(evens, odds, &none);
    CHECK(none == MPI_GROUP_EMPTY);
    for (int i = 0; i < size; i++)
        a[i] = i;
    MPI_Group_translate_ranks(world, size, a, evens, b);
    for (int i = 0; i < size; i++)
        CHECK(b[i] == (i % 2 ? MPI_UNDEFINED : i / 2));
    MPI_Comm sub;
    MPI_Comm_create(MPI_COMM_WORLD, evens, &sub);
    CHECK((sub == MPI_COMM_NULL) == (rank % 2 == 1));
    if (sub != MPI_COMM_NULL) {
        int r, sum;
        MPI_Comm_rank(sub, &r);
        CHECK(r == rank / 2);
        MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, sub);
        CHECK(sum == (n - 1) * n);
        MPI_Comm_free(&sub);
    }
    if (rank % 2 == 0) {
        MPI_Comm_create_group(MPI_COMM_WORLD, evens, 5, &sub);
        MPI_Comm_compare(sub, MPI_COMM_WORLD, &result);
        CHECK(result == (size == 1 ? MPI_CONGRUENT : MPI_UNEQUAL));
        MPI_Comm_free(&sub);
    }
    MPI_Group_free(&world); MPI_Group_free(&evens); MPI_Group_free(&all);
    if (odds != MPI_GROUP_EMPTY)
        MPI_Group_free(&odds);
    free(a); free(b);
}

static void splitting(void)
{
    MPI_Comm row, node, dup, back;
    int r, n, result;
    MPI_Comm_split(MPI_COMM_WORLD, rank / 2, -rank, &row);
    MPI_Comm_rank(row, &r);
    MPI_Comm_size(row, &n);
    CHECK(n == (rank / 2 * 2 + 1 < size ? 2 : 1) && r == (n == 2 ? 1 - rank % 2 : 0));
    MPI_Comm_split(MPI_COMM_WORLD, rank == 0 ? MPI_UNDEFINED : 1, 0, &back);
    CHECK((back == MPI_COMM_NULL) == (rank == 0));
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
    MPI_Comm_size(node, &n);
    CHECK(n == size);
    MPI_Comm_dup(row, &dup);
    MPI_Comm_compare(row, dup, &result);
    CHECK(result == MPI_CONGRUENT);
    /* a message on the one is not seen on the other */
    if (r == 0) {
        int x = 1, y = 0;
        MPI_Request q[2];
        MPI_Isend(&x, 1, MPI_INT, 0, 3, dup, &q[0]);
        MPI_Isend(&x, 1, MPI_INT, 0, 3, row, &q[1]);
        int flag;
        MPI_Iprobe(0, 4, row, &flag, MPI_STATUS_IGNORE);
        CHECK(!flag);
        MPI_Recv(&y, 1, MPI_INT, 0, 3, row, MPI_STATUS_IGNORE);
        MPI_Recv(&y, 1, MPI_INT, 0, 3, dup, MPI_STATUS_IGNORE);
        MPI_Waitall(2, q, MPI_STATUSES_IGNORE);
    }
    char name[MPI_MAX_OBJECT_NAME];
    MPI_Comm_set_name(dup, "a row");
    MPI_Comm_get_name(dup, name, &n);
    CHECK(!strcmp(name, "a row") && n == 5);
    MPI_Comm_get_name(MPI_COMM_WORLD, name, &n);
    CHECK(!strcmp(name, "MPI_COMM_WORLD"));
    if (back != MPI_COMM_NULL)
        MPI_Comm_free(&back);
    MPI_Comm_free(&row); MPI_Comm_free(&node); MPI_Comm_free(&dup);
    /* context ids come back: far more communicators over time than any table holds */
    for (int i = 0; i < 3000; i++) {
        MPI_Comm_dup(i % 2 ? MPI_COMM_SELF : MPI_COMM_WORLD, &dup);
        MPI_Comm_free(&dup);
    }
}

static int copy(MPI_Comm comm, int key, void *extra, void *in, void *out, int *flag)
{
    (void)comm; (void)key;
    CHECK(extra == &copies);
    copies++;
    *(void **)out = (char *)in + 1;
    *flag = 1;
    return MPI_SUCCESS;
}

static int forget(MPI_Comm comm, int key, void *value, void *extra)
{
    (void)comm; (void)key; (void)value; (void)extra;
    deletions++;
    return MPI_SUCCESS;
}

static void attributes(void)
{
    int key, flag, *bound;
    static char place[4];
    void *value;
    MPI_Comm a, b;
    MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, &bound, &flag);
    CHECK(flag && *bound >= 32767);
    MPI_Comm_create_keyval(copy, forget, &key, &copies);
    MPI_Comm_dup(MPI_COMM_SELF, &a);
    MPI_Comm_set_attr(a, key, place);
    MPI_Comm_dup(a, &b);
    MPI_Comm_get_attr(b, key, &value, &flag);
    CHECK(flag && value == place + 1 && copies == 1);
    MPI_Comm_delete_attr(a, key);
    MPI_Comm_get_attr(a, key, &value, &flag);
    CHECK(!flag && deletions == 1);
    MPI_Comm_free(&a);
    MPI_Comm_free(&b);
    CHECK(deletions == 2);
    MPI_Comm_free_keyval(&key);
    CHECK(key == MPI_KEYVAL_INVALID);
}

static void infos(void)
{
    MPI_Info info, twin;
    char value[64], key[MPI_MAX_INFO_KEY];
    int flag, n;
    MPI_Info_create(&info);
    MPI_Info_set(info, "host", "here");
    MPI_Info_set(info, "path", "/tmp");
    MPI_Info_set(info, "host", "there");
    MPI_Info_dup(info, &twin);
    MPI_Info_delete(info, "path");
    MPI_Info_get(info, "host", 63, value, &flag);
    CHECK(flag && !strcmp(value, "there"));
    MPI_Info_get_nkeys(twin, &n);
    CHECK(n == 2);
    MPI_Info_get_nthkey(twin, 1, key);
    CHECK(!strcmp(key, "path"));
    MPI_Info_free(&info);
    MPI_Info_free(&twin);
}

static void cartesian(void)
{
    int dims[2] = {0, 0}, periods[2] = {1, 0}, at[2], back, from, to, r, n, kind;
    MPI_Comm grid, row;
    MPI_Dims_create(size, 2, dims);
    CHECK(dims[0] * dims[1] == size && dims[0] >= dims[1]);
    int twelve[3] = {0, 2, 0};
    MPI_Dims_create(12, 3, twelve);
    CHECK(twelve[0] == 3 && twelve[1] == 2 && twelve[2] == 2);
    MPI_Cart_create(MPI_COMM_WORLD, 2, dims, periods, 0, &grid);
    MPI_Topo_test(grid, &kind);
    CHECK(kind == MPI_CART);
    MPI_Comm_rank(grid, &r);
    MPI_Cart_coords(grid, r, 2, at);
    MPI_Cart_rank(grid, at, &back);
    CHECK(back == r && r == at[0] * dims[1] + at[1]);
    MPI_Cart_shift(grid, 1, 1, &from, &to);
    CHECK(from == (at[1] ? r - 1 : MPI_PROC_NULL) && to == (at[1] + 1 < dims[1] ? r + 1 : MPI_PROC_NULL));
    MPI_Cart_shift(grid, 0, 1, &from, &to);
    CHECK(to == (r + dims[1]) % size);
    int keep[2] = {0, 1};
    MPI_Cart_sub(grid, keep, &row);
    MPI_Comm_size(row, &n);
    CHECK(n == dims[1]);
    MPI_Comm_free(&row);
    MPI_Comm_free(&grid);
}

static void environment(void)
{
    int version, sub, n, flag, provided;
    char text[MPI_MAX_LIBRARY_VERSION_STRING], host[MPI_MAX_PROCESSOR_NAME];
    MPI_Get_version(&version, &sub);
    CHECK(version >= 3);
    MPI_Get_library_version(text, &n);
    CHECK(n > 0 && (size_t)n == strlen(text));
    MPI_Get_processor_name(host, &n);
    CHECK(n > 0 && (size_t)n == strlen(host));
    MPI_Initialized(&flag);
    CHECK(flag);
    MPI_Finalized(&flag);
    CHECK(!flag);
    MPI_Query_thread(&provided);
    CHECK(provided >= MPI_THREAD_SINGLE);
    double a = MPI_Wtime(), b = MPI_Wtime();
    CHECK(b >= a && MPI_Wtick() > 0 && MPI_Wtick() < 1e-3);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    check_rank = rank;
    groups();
    splitting();
    attributes();
    infos();
    cartesian();
    environment();
    return check_end("comm");
}
