/* Sessions before, beside and after MPI_COMM_WORLD: each ends without the other. */
#include <mpi.h>
#include "../check.h"

static MPI_Comm of_session(MPI_Session session, const char *tag)
{
    MPI_Group group;
    MPI_Comm comm;
    CHECK(MPI_Group_from_session_pset(session, "mpi://WORLD", &group) == MPI_SUCCESS);
    CHECK(MPI_Comm_create_from_group(group, tag, MPI_INFO_NULL, MPI_ERRORS_RETURN, &comm) == MPI_SUCCESS);
    MPI_Group_free(&group);
    return comm;
}

static void adds_up(MPI_Comm comm)
{
    int me, ranks, sum = -1;
    MPI_Comm_rank(comm, &me);
    MPI_Comm_size(comm, &ranks);
    CHECK(MPI_Allreduce(&me, &sum, 1, MPI_INT, MPI_SUM, comm) == MPI_SUCCESS);
    CHECK(sum == ranks * (ranks - 1) / 2);
}

int main(int argc, char **argv)
{
    int flag = -1, result = -1, failures = -1;
    MPI_Session before, beside, after;
    MPI_Comm first, second, third;
    CHECK(MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &before) == MPI_SUCCESS);
    first = of_session(before, "first");
    MPI_Comm_rank(first, &check_rank);
    adds_up(first);
    MPI_Initialized(&flag);
    CHECK(!flag);

    CHECK(MPI_Init(&argc, &argv) == MPI_SUCCESS);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Initialized(&flag);
    CHECK(flag);
    adds_up(MPI_COMM_WORLD);
    adds_up(first);
    MPI_Comm_compare(first, MPI_COMM_WORLD, &result);
    CHECK(result == MPI_CONGRUENT);
    CHECK(MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &beside) == MPI_SUCCESS);
    second = of_session(beside, "second");
    adds_up(second);
    MPI_Comm_free(&first);
    CHECK(MPI_Session_finalize(&before) == MPI_SUCCESS);
    adds_up(MPI_COMM_WORLD);

    CHECK(MPI_Finalize() == MPI_SUCCESS);
    MPI_Finalized(&flag);
    CHECK(flag);
    adds_up(second); /* The session goes on. */
    MPI_Comm_free(&second);
    CHECK(MPI_Session_finalize(&beside) == MPI_SUCCESS);

    /* And there can be another one. */
    CHECK(MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &after) == MPI_SUCCESS);
    third = of_session(after, "third");
    adds_up(third);
    MPI_Allreduce(&check_failures, &failures, 1, MPI_INT, MPI_SUM, third);
    MPI_Comm_free(&third);
    CHECK(MPI_Session_finalize(&after) == MPI_SUCCESS);
    if (check_rank == 0)
        printf("sessions_and_world: %s\n", failures ? "FAILED" : "passed");
    return failures ? 1 : 0;
}
