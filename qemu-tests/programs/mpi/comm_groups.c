/* Differences of groups, duplicates of communicators with hints, the parent of a program that nobody spawned (MPI 5.0,
   sections 7.3.2, 7.4.2 and 11.8.2). */
#include <mpi.h>

#include <string.h>

#include "../check.h"

static int size;

/* The ranks in `group`, in its order, must be `expected`. */
static void is_made_of(MPI_Group group, const int *expected, int n)
{
    MPI_Group world;
    int members = -1, at;
    MPI_Comm_group(MPI_COMM_WORLD, &world);
    MPI_Group_size(group, &members);
    CHECK(members == n);
    for (int i = 0; i < members && i < n; i++) {
        MPI_Group_translate_ranks(group, 1, &i, world, &at);
        CHECK(at == expected[i]);
    }
    MPI_Group_free(&world);
}

static void differences(void)
{
    MPI_Group world, reversed, thirds, left;
    int backwards[1][3] = {{size - 1, 0, -1}}, third[1][3] = {{0, size - 1, 3}}, others[64], n = 0, result, at;
    MPI_Comm_group(MPI_COMM_WORLD, &world);
    MPI_Group_range_incl(world, 1, backwards, &reversed);
    MPI_Group_range_incl(world, 1, third, &thirds);
    for (int rank = size - 1; rank >= 0; rank--)
        if (rank % 3 != 0)
            others[n++] = rank;
    /* The order is that of the first group. */
    CHECK(MPI_Group_difference(reversed, thirds, &left) == MPI_SUCCESS);
    is_made_of(left, others, n);
    MPI_Group_rank(left, &at);
    CHECK(check_rank % 3 == 0 ? at == MPI_UNDEFINED : others[at] == check_rank);
    if (left != MPI_GROUP_EMPTY)
        MPI_Group_free(&left);
    CHECK(MPI_Group_difference(thirds, reversed, &left) == MPI_SUCCESS);
    is_made_of(left, others, 0);
    MPI_Group_compare(left, MPI_GROUP_EMPTY, &result);
    CHECK(result == MPI_IDENT);
    CHECK(MPI_Group_difference(thirds, MPI_GROUP_EMPTY, &left) == MPI_SUCCESS);
    MPI_Group_compare(left, thirds, &result);
    CHECK(result == MPI_IDENT);
    MPI_Group_free(&left);
    CHECK(MPI_Group_difference(world, MPI_GROUP_NULL, &left) == MPI_ERR_GROUP);
    MPI_Group_free(&world);
    MPI_Group_free(&reversed);
    MPI_Group_free(&thirds);
}

static int copies;

static int copy(MPI_Comm comm, int keyval, void *state, void *in, void *out, int *flag)
{
    (void)comm, (void)keyval;
    copies += *(int *)state;
    *(void **)out = in;
    *flag = 1;
    return MPI_SUCCESS;
}

/* Whether the hint has that value; NULL for none. */
static int hint_is(MPI_Comm comm, const char *key, const char *expected)
{
    MPI_Info info;
    char value[64] = "";
    int room = sizeof value, flag = -1;
    MPI_Comm_get_info(comm, &info);
    MPI_Info_get_string(info, key, &room, value, &flag);
    MPI_Info_free(&info);
    return expected ? flag == 1 && strcmp(value, expected) == 0 : flag == 0 || strcmp(value, "false") == 0;
}

static void with_info(void)
{
    MPI_Info hints;
    MPI_Comm first, second, third;
    int keyval, step = 5, flag, result, sum, *found;
    MPI_Info_create(&hints);
    MPI_Info_set(hints, "mpi_assert_no_any_tag", "true");
    MPI_Info_set(hints, "a_colour", "red");
    MPI_Comm_create_keyval(copy, MPI_COMM_NULL_DELETE_FN, &keyval, &step);
    CHECK(MPI_Comm_dup_with_info(MPI_COMM_WORLD, hints, &first) == MPI_SUCCESS);
    MPI_Info_free(&hints);
    MPI_Comm_compare(first, MPI_COMM_WORLD, &result);
    CHECK(result == MPI_CONGRUENT);
    CHECK(hint_is(first, "mpi_assert_no_any_tag", "true") && hint_is(first, "a_colour", NULL));
    MPI_Comm_set_attr(first, keyval, &step);

    /* Attributes are copied, hints come from the argument alone. */
    MPI_Info_create(&hints);
    MPI_Info_set(hints, "mpi_assert_no_any_source", "true");
    CHECK(MPI_Comm_dup_with_info(first, hints, &second) == MPI_SUCCESS);
    MPI_Info_free(&hints);
    CHECK(hint_is(second, "mpi_assert_no_any_source", "true") && hint_is(second, "mpi_assert_no_any_tag", NULL));
    CHECK(hint_is(first, "mpi_assert_no_any_source", NULL));
    MPI_Comm_get_attr(second, keyval, &found, &flag);
    CHECK(flag && found == &step && copies == 5);
    CHECK(MPI_Comm_dup_with_info(first, MPI_INFO_NULL, &third) == MPI_SUCCESS && copies == 10);
    CHECK(hint_is(third, "mpi_assert_no_any_tag", NULL));

    /* Messages of the duplicates do not meet. */
    int right = (check_rank + 1) % size, left = (check_rank + size - 1) % size, one = 1000 + check_rank, two = 2000 + check_rank;
    int got[2] = {-1, -1};
    MPI_Request requests[4];
    MPI_Irecv(&got[1], 1, MPI_INT, left, 7, third, &requests[0]);
    MPI_Irecv(&got[0], 1, MPI_INT, left, 7, second, &requests[1]);
    MPI_Isend(&one, 1, MPI_INT, right, 7, second, &requests[2]);
    MPI_Isend(&two, 1, MPI_INT, right, 7, third, &requests[3]);
    MPI_Waitall(4, requests, MPI_STATUSES_IGNORE);
    CHECK(got[0] == 1000 + left && got[1] == 2000 + left);
    MPI_Allreduce(&check_rank, &sum, 1, MPI_INT, MPI_SUM, first);
    CHECK(sum == size * (size - 1) / 2);
    MPI_Comm_free(&first);
    MPI_Comm_free(&second);
    MPI_Comm_free(&third);
    MPI_Comm_free_keyval(&keyval);
    CHECK(MPI_Comm_dup_with_info(MPI_COMM_NULL, MPI_INFO_NULL, &first) == MPI_ERR_COMM);
}

static void orphan(void)
{
    MPI_Comm parent = MPI_COMM_SELF;
    CHECK(MPI_Comm_get_parent(&parent) == MPI_SUCCESS && parent == MPI_COMM_NULL);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    differences();
    with_info();
    orphan();
    return check_end("comm_groups");
}
