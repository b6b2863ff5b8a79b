/* Inter-communicators: how two groups make one, messages across, and what becomes of it (MPI 5.0, section 7.6). */
#include <mpi.h>
#include <string.h>

#include "../check.h"

static int rank, size, cut;

/* World rank of rank r of the remote group. */
static int other(int r)
{
    return rank < cut ? cut + r : r;
}

static int local_size(void) { return rank < cut ? cut : size - cut; }

static MPI_Comm half(void)
{
    MPI_Comm local;
    MPI_Comm_split(MPI_COMM_WORLD, rank < cut, rank, &local);
    return local;
}

/* Between the ranks below `cut` and the others; the last of each leads. */
static MPI_Comm across(int tag)
{
    MPI_Comm local = half(), inter;
    MPI_Intercomm_create(local, local_size() - 1, MPI_COMM_WORLD, rank < cut ? size - 1 : cut - 1, tag, &inter);
    MPI_Comm_free(&local);
    return inter;
}

static void check_groups(MPI_Comm inter)
{
    int is_inter, n, m, r, result, zero = 0, place;
    MPI_Group all, group, remote;
    MPI_Comm_test_inter(inter, &is_inter);
    CHECK(is_inter);
    MPI_Comm_size(inter, &n);
    MPI_Comm_remote_size(inter, &m);
    MPI_Comm_rank(inter, &r);
    CHECK(n == local_size() && m == size - n && r == (rank < cut ? rank : rank - cut));
    MPI_Comm_group(MPI_COMM_WORLD, &all);
    MPI_Comm_group(inter, &group);
    MPI_Comm_remote_group(inter, &remote);
    MPI_Group_translate_ranks(remote, 1, &zero, all, &place);
    CHECK(place == other(0));
    MPI_Group_translate_ranks(group, 1, &r, all, &place);
    CHECK(place == rank);
    MPI_Group_free(&all);
    MPI_Group_free(&group);
    MPI_Group_free(&remote);
    MPI_Comm_compare(inter, MPI_COMM_WORLD, &result);
    CHECK(result == MPI_UNEQUAL);
    MPI_Comm_compare(inter, inter, &result);
    CHECK(result == MPI_IDENT);
}

/* Each rank with each of the remote group, small and large, with and without wildcards. */
static void check_messages(MPI_Comm inter)
{
    enum { LARGE = 30000 };
    static int out[LARGE], in[LARGE];
    int m, me, i, n;
    MPI_Comm_remote_size(inter, &m);
    MPI_Comm_rank(inter, &me);
    for (n = 1; n <= LARGE; n += LARGE - 1) {
        MPI_Request *requests = malloc(m * sizeof *requests);
        for (i = 0; i < n; i++)
            out[i] = rank * 1000 + i;
        for (i = 0; i < m; i++)
            MPI_Isend(out, n, MPI_INT, i, 7, inter, &requests[i]);
        for (i = 0; i < m; i++) {
            MPI_Status status;
            int count, from = i, k, good = 1;
            if (i % 2 == 0) {
                MPI_Probe(MPI_ANY_SOURCE, 7, inter, &status);
                MPI_Get_count(&status, MPI_INT, &count);
                from = status.MPI_SOURCE;
                CHECK(count == n && from >= 0 && from < m);
                MPI_Recv(in, n, MPI_INT, from, MPI_ANY_TAG, inter, &status);
            } else {
                MPI_Recv(in, n, MPI_INT, MPI_ANY_SOURCE, 7, inter, &status);
                from = status.MPI_SOURCE;
            }
            for (k = 0; k < n; k++)
                good = good && in[k] == other(from) * 1000 + k;
            CHECK(good && status.MPI_TAG == 7 && status.MPI_SOURCE == from);
        }
        MPI_Waitall(m, requests, MPI_STATUSES_IGNORE);
        free(requests);
        MPI_Barrier(inter);
    }
    if (me < m) {
        /* Pairs: the same rank on both sides. */
        int n_here = local_size() < m ? local_size() : m;
        if (me < n_here) {
            int data = rank;
            MPI_Sendrecv_replace(&data, 1, MPI_INT, me, 1, me, 1, inter, MPI_STATUS_IGNORE);
            CHECK(data == other(me));
        }
    }
    MPI_Barrier(inter);
}

static int copied;

static int copy(MPI_Comm comm, int key, void *extra, void *in, void *out, int *flag)
{
    (void)comm, (void)key, (void)extra;
    copied++;
    *(void **)out = (char *)in + 1;
    *flag = 1;
    return MPI_SUCCESS;
}

static void check_duplicates(MPI_Comm inter)
{
    MPI_Comm twice;
    char name[MPI_MAX_OBJECT_NAME], *value = NULL;
    int key, length, result, found;
    static char memory[2];
    copied = 0;
    MPI_Comm_create_keyval(copy, MPI_COMM_NULL_DELETE_FN, &key, NULL);
    MPI_Comm_set_attr(inter, key, memory);
    MPI_Comm_set_name(inter, "across");
    MPI_Comm_dup(inter, &twice);
    MPI_Comm_get_attr(twice, key, &value, &found);
    CHECK(found && value == memory + 1 && copied == 1);
    MPI_Comm_get_name(inter, name, &length);
    CHECK(strcmp(name, "across") == 0);
    MPI_Comm_compare(inter, twice, &result);
    CHECK(result == MPI_CONGRUENT);
    check_groups(twice);
    check_messages(twice);
    MPI_Comm_delete_attr(inter, key);
    MPI_Comm_free_keyval(&key);
    MPI_Comm_free(&twice);
    CHECK(twice == MPI_COMM_NULL);
}

static void check_merge(MPI_Comm inter, int low_is_high, int high_is_high)
{
    MPI_Comm both;
    int place, n, sum, expected = rank;
    MPI_Intercomm_merge(inter, rank < cut ? low_is_high : high_is_high, &both);
    MPI_Comm_rank(both, &place);
    MPI_Comm_size(both, &n);
    if (low_is_high && !high_is_high)
        expected = rank < cut ? rank + size - cut : rank - cut;
    CHECK(n == size && place == expected);
    MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, both);
    CHECK(sum == size * (size - 1) / 2);
    MPI_Comm_free(&both);
}

static void check_parts(MPI_Comm inter)
{
    MPI_Comm part;
    MPI_Group group, first;
    int n, m, r, zero = 0, k, here = 0, there = 0;
    /* Odd with odd, even with even; the order turns around. */
    MPI_Comm_split(inter, rank % 2, -rank, &part);
    for (k = 0; k < size; k++)
        if (k % 2 == rank % 2)
            (k < cut) == (rank < cut) ? here++ : there++;
    CHECK((part == MPI_COMM_NULL) == (there == 0));
    if (part != MPI_COMM_NULL) {
        int before = 0, data = -1;
        MPI_Comm_size(part, &n);
        MPI_Comm_remote_size(part, &m);
        MPI_Comm_rank(part, &r);
        for (k = rank + 1; k < size; k++)
            before += k % 2 == rank % 2 && (k < cut) == (rank < cut);
        CHECK(n == here && m == there && r == before);
        if (r < m && r < n) {
            MPI_Sendrecv(&rank, 1, MPI_INT, r, 0, &data, 1, MPI_INT, r, 0, part, MPI_STATUS_IGNORE);
            CHECK(data % 2 == rank % 2 && (data < cut) != (rank < cut));
        }
        MPI_Comm_free(&part);
    }
    MPI_Comm_split(inter, rank < cut ? 1 : 2, 0, &part);
    CHECK(part == MPI_COMM_NULL);
    /* The first of each side. */
    MPI_Comm_group(inter, &group);
    MPI_Group_incl(group, 1, &zero, &first);
    MPI_Comm_create(inter, first, &part);
    CHECK((part != MPI_COMM_NULL) == (rank == 0 || rank == cut));
    if (part != MPI_COMM_NULL) {
        int data = -1;
        MPI_Sendrecv(&rank, 1, MPI_INT, 0, 0, &data, 1, MPI_INT, 0, 0, part, MPI_STATUS_IGNORE);
        CHECK(data == (rank == 0 ? cut : 0));
        MPI_Comm_free(&part);
    }
    /* One side names nobody. */
    MPI_Comm_create(inter, rank < cut ? first : MPI_GROUP_EMPTY, &part);
    CHECK(part == MPI_COMM_NULL);
    MPI_Group_free(&group);
    MPI_Group_free(&first);
}

static void check_errors(MPI_Comm inter)
{
    MPI_Comm comm = half(), new;
    MPI_Group group;
    MPI_Win win;
    MPI_File file;
    int n, m, one = 1, sum;
    void *base;
    MPI_Comm_remote_size(inter, &m);
    MPI_Comm_set_errhandler(inter, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    MPI_File_set_errhandler(MPI_FILE_NULL, MPI_ERRORS_RETURN);
    CHECK(MPI_Send(&n, 1, MPI_INT, m, 0, inter) == MPI_ERR_RANK);
    CHECK(MPI_Comm_remote_size(comm, &n) == MPI_ERR_COMM);
    CHECK(MPI_Intercomm_merge(comm, 0, &new) == MPI_ERR_COMM);
    CHECK(MPI_Intercomm_create(inter, 0, MPI_COMM_WORLD, 0, 0, &new) == MPI_ERR_COMM);
    CHECK(MPI_Intercomm_create(comm, size, MPI_COMM_WORLD, 0, 0, &new) == MPI_ERR_RANK);
    CHECK(MPI_Intercomm_create(comm, 0, MPI_COMM_WORLD, size, 0, &new) == MPI_ERR_RANK);
    CHECK(MPI_Intercomm_create(comm, 0, MPI_COMM_NULL, 0, 0, &new) == MPI_ERR_COMM);
    CHECK(MPI_Intercomm_create(comm, 0, MPI_COMM_WORLD, 0, -1, &new) == MPI_ERR_TAG);
    MPI_Comm_group(inter, &group);
    CHECK(MPI_Comm_create_group(inter, group, 0, &new) == MPI_ERR_COMM);
    MPI_Group_free(&group);
    CHECK(MPI_Cart_create(inter, 1, &one, &one, 0, &new) == MPI_ERR_COMM);
    CHECK(MPI_Win_allocate(8, 1, MPI_INFO_NULL, inter, &base, &win) == MPI_ERR_COMM);
    CHECK(MPI_File_open(inter, "none", MPI_MODE_RDONLY, MPI_INFO_NULL, &file) == MPI_ERR_COMM);
    CHECK(MPI_Scan(&one, &sum, 1, MPI_INT, MPI_SUM, inter) == MPI_ERR_COMM);
    CHECK(MPI_Exscan(&one, &sum, 1, MPI_INT, MPI_SUM, inter) == MPI_ERR_COMM);
    MPI_Comm_free(&comm);
}

int main(int argc, char **argv)
{
    int i;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    check_rank = rank;
    for (cut = 1; cut < size; cut += size > 4 ? 3 : 1) {
        MPI_Comm first = across(0), second = across(32767);
        check_groups(first);
        check_groups(second);
        check_messages(first);
        check_duplicates(first);
        for (i = 0; i < 4; i++)
            check_merge(second, i & 1, i >> 1);
        check_parts(first);
        check_errors(first);
        MPI_Comm_free(&first);
        check_messages(second);
        MPI_Comm_disconnect(&second);
    }
    if (size == 1) {
        /* There are no two groups: the leader would be its own partner. */
        MPI_Comm new;
        int is_inter;
        MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
        CHECK(MPI_Intercomm_create(MPI_COMM_SELF, 0, MPI_COMM_WORLD, 0, 0, &new) == MPI_ERR_RANK);
        MPI_Comm_test_inter(MPI_COMM_WORLD, &is_inter);
        CHECK(!is_inter);
    }
    return check_end("comm_inter");
}
