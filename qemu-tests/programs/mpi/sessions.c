/* Sessions without MPI_Init: process sets, groups, communicators of groups, error handlers; and again after all were closed. */
#include <mpi.h>
#include <string.h>
#include "../check.h"

static int handled, handled_code;
static MPI_Session handled_session;

static void handle(MPI_Session *session, int *code, ...)
{
    handled++;
    handled_code = *code;
    handled_session = *session;
}

static void value_of(MPI_Info info, const char *key, char *value, int room)
{
    int flag = 0;
    strcpy(value, "");
    MPI_Info_get_string(info, key, &room, value, &flag);
    CHECK(flag);
}

static void sets(MPI_Session session)
{
    int n = 0, found[2] = {0, 0}, me = -1, size = -1;
    char name[64], value[64];
    MPI_Info info;
    MPI_Group group, self;
    CHECK(MPI_Session_get_num_psets(session, MPI_INFO_NULL, &n) == MPI_SUCCESS && n >= 2);
    for (int i = 0; i < n; i++) {
        int length = 0, cut = 5, full;
        CHECK(MPI_Session_get_nth_pset(session, MPI_INFO_NULL, i, &length, NULL) == MPI_SUCCESS && length > 6);
        CHECK(MPI_Session_get_nth_pset(session, MPI_INFO_NULL, i, &cut, name) == MPI_SUCCESS);
        CHECK(cut == length && strcmp(name, "mpi:") == 0);
        full = length;
        CHECK(MPI_Session_get_nth_pset(session, MPI_INFO_NULL, i, &full, name) == MPI_SUCCESS);
        CHECK((int)strlen(name) + 1 == length);
        found[0] += strcmp(name, "mpi://WORLD") == 0;
        found[1] += strcmp(name, "mpi://SELF") == 0;
        CHECK(MPI_Session_get_pset_info(session, name, &info) == MPI_SUCCESS);
        value_of(info, "mpi_size", value, sizeof value);
        MPI_Info_free(&info);
        CHECK(MPI_Group_from_session_pset(session, name, &group) == MPI_SUCCESS);
        MPI_Group_size(group, &size);
        MPI_Group_rank(group, &me);
        CHECK(size == atoi(value) && me >= 0 && me < size);
        MPI_Group_free(&group);
    }
    CHECK(found[0] == 1 && found[1] == 1);
    CHECK(MPI_Session_get_nth_pset(session, MPI_INFO_NULL, n, &n, name) == MPI_ERR_ARG);
    CHECK(MPI_Session_get_pset_info(session, "mpi://NOWHERE", &info) == MPI_ERR_ARG);
    CHECK(MPI_Group_from_session_pset(session, "mpi://NOWHERE", &group) == MPI_SUCCESS && group == MPI_GROUP_NULL);
    MPI_Group_from_session_pset(session, "mpi://SELF", &self);
    MPI_Group_size(self, &size);
    CHECK(size == 1);
    MPI_Group_free(&self);
}

static void communicators(MPI_Session session, int *failures)
{
    int me, ranks, sum = 0, value, result = 0, at;
    MPI_Group world, part;
    MPI_Comm comm, other, half, self, copy, none;
    CHECK(MPI_Group_from_session_pset(session, "mpi://WORLD", &world) == MPI_SUCCESS);
    MPI_Group_rank(world, &me);
    MPI_Group_size(world, &ranks);
    check_rank = me;
    CHECK(MPI_Comm_create_from_group(world, "first", MPI_INFO_NULL, MPI_ERRORS_RETURN, &comm) == MPI_SUCCESS);
    CHECK(MPI_Comm_create_from_group(world, "second", MPI_INFO_NULL, MPI_ERRORS_RETURN, &other) == MPI_SUCCESS);
    MPI_Comm_compare(comm, other, &result);
    CHECK(result == MPI_CONGRUENT);
    value = me + 1;
    CHECK(MPI_Allreduce(&value, &sum, 1, MPI_INT, MPI_SUM, comm) == MPI_SUCCESS && sum == ranks * (ranks + 1) / 2);
    /* The same tag on both communicators: messages do not meet. */
    int right = (me + 1) % ranks, left = (me + ranks - 1) % ranks, one = 0, two = 0;
    MPI_Request requests[2];
    MPI_Irecv(&two, 1, MPI_INT, left, 0, other, &requests[0]);
    MPI_Irecv(&one, 1, MPI_INT, left, 0, comm, &requests[1]);
    value = 100 + me;
    MPI_Send(&value, 1, MPI_INT, right, 0, comm);
    value = 200 + me;
    MPI_Send(&value, 1, MPI_INT, right, 0, other);
    MPI_Waitall(2, requests, MPI_STATUSES_IGNORE);
    CHECK(one == 100 + left && two == 200 + left);
    /* Those with ranks of one parity, in reverse. */
    int *members = malloc(ranks * sizeof *members), n = 0;
    for (int i = ranks - 1; i >= 0; i--)
        if (i % 2 == me % 2)
            members[n++] = i;
    MPI_Group_incl(world, n, members, &part);
    CHECK(MPI_Comm_create_from_group(part, "part", MPI_INFO_NULL, MPI_ERRORS_RETURN, &half) == MPI_SUCCESS);
    MPI_Comm_rank(half, &at);
    CHECK(members[at] == me);
    sum = 0;
    MPI_Allreduce(&me, &sum, 1, MPI_INT, MPI_SUM, half);
    for (int i = 0; i < n; i++)
        sum -= members[i];
    CHECK(sum == 0);
    MPI_Comm_dup(half, &copy);
    CHECK(MPI_Barrier(copy) == MPI_SUCCESS);
    MPI_Group_free(&part);
    /* This process alone, and nobody. */
    MPI_Group_from_session_pset(session, "mpi://SELF", &part);
    CHECK(MPI_Comm_create_from_group(part, "", MPI_INFO_NULL, MPI_ERRORS_RETURN, &self) == MPI_SUCCESS);
    MPI_Comm_size(self, &n);
    CHECK(n == 1);
    MPI_Group_free(&part);
    CHECK(MPI_Comm_create_from_group(MPI_GROUP_EMPTY, "", MPI_INFO_NULL, MPI_ERRORS_RETURN, &none) == MPI_SUCCESS);
    CHECK(none == MPI_COMM_NULL);

    CHECK(MPI_Comm_create_from_group(MPI_GROUP_NULL, "", MPI_INFO_NULL, MPI_ERRORS_RETURN, &none) == MPI_ERR_GROUP);
    if (ranks > 1) {
        MPI_Group_excl(world, 1, &me, &part);
        CHECK(MPI_Comm_create_from_group(part, "", MPI_INFO_NULL, MPI_ERRORS_RETURN, &none) == MPI_ERR_GROUP);
        MPI_Group_free(&part);
    }
    /* The session's buffer serves all its communicators, unless they have one of their own. */
    static int data[20000], got[20000];
    void *memory = malloc(sizeof data + MPI_BSEND_OVERHEAD), *back = NULL;
    int size = 0;
    CHECK(MPI_Bsend(data, 20000, MPI_INT, at, 1, copy) == MPI_ERR_BUFFER);
    CHECK(MPI_Session_attach_buffer(session, memory, sizeof data + MPI_BSEND_OVERHEAD) == MPI_SUCCESS);
    for (int i = 0; i < 20000; i++)
        data[i] = me + i;
    CHECK(MPI_Bsend(data, 20000, MPI_INT, right, 1, comm) == MPI_SUCCESS);
    MPI_Recv(got, 20000, MPI_INT, left, 1, comm, MPI_STATUS_IGNORE);
    CHECK(got[0] == left && got[19999] == left + 19999);
    CHECK(MPI_Session_flush_buffer(session) == MPI_SUCCESS);
    CHECK(MPI_Bsend(data, 20000, MPI_INT, 0, 1, self) == MPI_SUCCESS);
    CHECK(MPI_Session_iflush_buffer(session, &requests[0]) == MPI_SUCCESS);
    MPI_Recv(got, 20000, MPI_INT, 0, 1, self, MPI_STATUS_IGNORE);
    CHECK(got[0] == me);
    CHECK(MPI_Wait(&requests[0], MPI_STATUS_IGNORE) == MPI_SUCCESS);
    CHECK(MPI_Comm_attach_buffer(comm, &size, 0) == MPI_SUCCESS);
    CHECK(MPI_Bsend(data, 20000, MPI_INT, right, 1, comm) == MPI_ERR_BUFFER);
    CHECK(MPI_Session_detach_buffer(session, &back, &size) == MPI_SUCCESS && back == memory);
    CHECK(size == (int)(sizeof data + MPI_BSEND_OVERHEAD));
    free(memory);

    MPI_Allreduce(&check_failures, failures, 1, MPI_INT, MPI_SUM, comm);
    MPI_Comm_free(&comm);
    MPI_Comm_disconnect(&other);
    MPI_Comm_free(&half);
    MPI_Comm_free(&copy);
    MPI_Comm_free(&self);
    MPI_Group_free(&world);
    free(members);
}

/* Ranks of either parity on either side. */
static void two_groups(MPI_Session session)
{
    int me, ranks, range[1][3], size = -1, remote = -1, got = -1, inter = 0;
    MPI_Group world, sides[2];
    MPI_Comm comm = MPI_COMM_NULL;
    MPI_Group_from_session_pset(session, "mpi://WORLD", &world);
    MPI_Group_rank(world, &me);
    MPI_Group_size(world, &ranks);
    if (ranks > 1) {
        for (int side = 0; side < 2; side++) {
            range[0][0] = side;
            range[0][1] = ranks - 1 - (ranks - 1 - side) % 2;
            range[0][2] = 2;
            MPI_Group_range_incl(world, 1, range, &sides[side]);
        }
        int mine = me % 2, other = 1 - mine, last;
        MPI_Group_size(sides[mine], &size);
        last = size - 1;
        MPI_Group_size(sides[other], &remote);
        CHECK(MPI_Intercomm_create_from_groups(sides[mine], mine ? last : 0, sides[other], mine ? 0 : remote - 1, "two",
                                               MPI_INFO_NULL, MPI_ERRORS_RETURN, &comm) == MPI_SUCCESS);
        MPI_Comm_test_inter(comm, &inter);
        CHECK(inter);
        int there = -1;
        MPI_Comm_remote_size(comm, &there);
        CHECK(there == remote);
        /* Each sends to the process of its rank, if there is one. */
        int rank = me / 2;
        MPI_Request request = MPI_REQUEST_NULL;
        if (rank < remote) {
            MPI_Isend(&me, 1, MPI_INT, rank, 0, comm, &request);
            MPI_Recv(&got, 1, MPI_INT, rank, 0, comm, MPI_STATUS_IGNORE);
            CHECK(got == 2 * rank + other);
        }
        MPI_Wait(&request, MPI_STATUS_IGNORE);
        CHECK(MPI_Barrier(comm) == MPI_SUCCESS);
        MPI_Comm_free(&comm);
        CHECK(MPI_Intercomm_create_from_groups(sides[mine], size, sides[other], 0, "two", MPI_INFO_NULL, MPI_ERRORS_RETURN,
                                               &comm) == MPI_ERR_RANK);
        MPI_Group_free(&sides[0]);
        MPI_Group_free(&sides[1]);
    }
    MPI_Group_free(&world);
}

static void handlers(MPI_Session session)
{
    MPI_Errhandler handler, attached;
    char name[8];
    int length = 8;
    MPI_Info info;
    CHECK(MPI_Session_create_errhandler(handle, &handler) == MPI_SUCCESS);
    CHECK(MPI_Session_set_errhandler(session, handler) == MPI_SUCCESS);
    CHECK(MPI_Session_get_nth_pset(session, MPI_INFO_NULL, -1, &length, name) == MPI_ERR_ARG);
    CHECK(handled == 1 && handled_code == MPI_ERR_ARG && handled_session == session);
    CHECK(MPI_Session_call_errhandler(session, MPI_ERR_OTHER) == MPI_SUCCESS && handled == 2 && handled_code == MPI_ERR_OTHER);
    CHECK(MPI_Session_get_errhandler(session, &attached) == MPI_SUCCESS && attached == handler);
    MPI_Errhandler_free(&attached);
    MPI_Errhandler_free(&handler);
    CHECK(MPI_Session_get_pset_info(session, "none", &info) == MPI_ERR_ARG && handled == 3);
    CHECK(MPI_Session_set_errhandler(session, MPI_ERRORS_RETURN) == MPI_SUCCESS);
    handled = 0;
}

int main(void)
{
    int failures = 0, flag = -1;
    char value[64];
    MPI_Info info, used;
    MPI_Session session, second;
    for (int round = 0; round < 2; round++) {
        MPI_Info_create(&info);
        MPI_Info_set(info, "thread_level", "MPI_THREAD_FUNNELED");
        CHECK(MPI_Session_init(info, MPI_ERRORS_RETURN, &session) == MPI_SUCCESS);
        MPI_Info_free(&info);
        CHECK(MPI_Session_get_info(session, &used) == MPI_SUCCESS);
        value_of(used, "thread_level", value, sizeof value);
        CHECK(strcmp(value, "MPI_THREAD_FUNNELED") == 0);
        MPI_Info_free(&used);
        CHECK(MPI_Initialized(&flag) == MPI_SUCCESS && !flag);
        CHECK(MPI_Finalized(&flag) == MPI_SUCCESS && !flag);
        sets(session);
        CHECK(MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &second) == MPI_SUCCESS && second != session);
        communicators(second, &failures);
        handlers(session);
        two_groups(session);
        CHECK(MPI_Session_finalize(&second) == MPI_SUCCESS && second == MPI_SESSION_NULL);
        communicators(session, &failures);
        CHECK(MPI_Session_finalize(&session) == MPI_SUCCESS && session == MPI_SESSION_NULL);
    }
    if (check_rank == 0)
        printf("sessions: %s\n", failures || check_failures ? "FAILED" : "passed");
    return failures || check_failures ? 1 : 0;
}
