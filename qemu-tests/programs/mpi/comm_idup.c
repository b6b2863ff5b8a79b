/* MPI_Comm_idup and MPI_Comm_idup_with_info: several at once, in different orders, with attributes and hints. */
#include <mpi.h>
#include <string.h>
#include "../check.h"

enum { MANY = 12 };

static int me, size, copies;

static int copy(MPI_Comm comm, int key, void *extra, void *value, void *new_value, int *flag)
{
    (void)comm, (void)key, (void)extra;
    copies++;
    *(void **)new_value = (char *)value + 1;
    *flag = 1;
    return MPI_SUCCESS;
}

static int refuse(MPI_Comm comm, int key, void *extra, void *value, void *new_value, int *flag)
{
    (void)comm, (void)key, (void)value, (void)new_value;
    *flag = 0;
    return *(int *)extra ? MPI_ERR_OTHER : MPI_SUCCESS;
}

/* The communicator works, and its messages meet no others: each of several has its own. */
static void use_all(MPI_Comm *comms, int n)
{
    int out[MANY], in[MANY], right = (me + 1) % size, left = (me + size - 1) % size;
    MPI_Request requests[2 * MANY];
    for (int i = 0; i < n; i++) {
        int result;
        MPI_Comm_compare(comms[i], MPI_COMM_WORLD, &result);
        CHECK(result == MPI_CONGRUENT);
        out[i] = me * 100 + i;
        /* Receives are posted the other way round. */
        MPI_Irecv(&in[n - 1 - i], 1, MPI_INT, left, 3, comms[n - 1 - i], &requests[i]);
    }
    for (int i = 0; i < n; i++)
        MPI_Isend(&out[i], 1, MPI_INT, right, 3, comms[i], &requests[n + i]);
    MPI_Waitall(2 * n, requests, MPI_STATUSES_IGNORE);
    for (int i = 0; i < n; i++)
        CHECK(in[i] == left * 100 + i);
}

static void many_at_once(void)
{
    MPI_Comm comms[MANY], plain;
    MPI_Request requests[MANY];
    for (int i = 0; i < MANY; i++)
        MPI_Comm_idup(MPI_COMM_WORLD, &comms[i], &requests[i]);
    /* A blocking one beside them. */
    MPI_Comm_dup(MPI_COMM_WORLD, &plain);
    for (int i = 0; i < MANY; i++)
        MPI_Wait(&requests[(i + me) % MANY], MPI_STATUS_IGNORE);
    use_all(comms, MANY);
    for (int i = 0; i < MANY; i++)
        MPI_Comm_free(&comms[i]);
    use_all(&plain, 1);
    MPI_Comm_free(&plain);
}

/* On two communicators, which ranks use in different orders. */
static void different_orders(void)
{
    MPI_Comm old[2], new[2];
    MPI_Request requests[2];
    MPI_Comm_dup(MPI_COMM_WORLD, &old[0]);
    MPI_Comm_dup(MPI_COMM_WORLD, &old[1]);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 2; i++) {
            int k = (i + me) % 2;
            MPI_Comm_idup(old[k], &new[k], &requests[k]);
            /* One rank begins the second when the first is complete: for the others, this one must not wait for that. */
            if (round % 2 == 1 && me == round % size)
                MPI_Wait(&requests[k], MPI_STATUS_IGNORE);
        }
        MPI_Waitall(2, requests, MPI_STATUSES_IGNORE);
        use_all(new, 2);
        MPI_Comm_free(&new[0]);
        MPI_Comm_free(&new[1]);
    }
    MPI_Comm_free(&old[0]);
    MPI_Comm_free(&old[1]);
}

static void attributes_and_hints(void)
{
    static char place[2];
    int key, flag;
    void *value;
    char text[16] = "";
    MPI_Comm old, new, other;
    MPI_Request requests[2];
    MPI_Info hints, used;
    MPI_Comm_dup(MPI_COMM_WORLD, &old);
    MPI_Comm_create_keyval(copy, MPI_COMM_NULL_DELETE_FN, &key, NULL);
    MPI_Comm_set_attr(old, key, place);
    MPI_Info_create(&hints);
    MPI_Info_set(hints, "mpi_assert_no_any_tag", "true");
    MPI_Comm_idup(old, &new, &requests[0]);
    MPI_Comm_idup_with_info(old, hints, &other, &requests[1]);
    /* What is attached now comes too late. */
    MPI_Comm_set_attr(old, key, place + 1);
    MPI_Info_free(&hints);
    MPI_Comm_free(&old);
    MPI_Waitall(2, requests, MPI_STATUSES_IGNORE);
    CHECK(copies == 2);
    MPI_Comm_get_attr(new, key, &value, &flag);
    CHECK(flag && value == place + 1);
    MPI_Comm_get_info(other, &used);
    int room = sizeof text;
    MPI_Info_get_string(used, "mpi_assert_no_any_tag", &room, text, &flag);
    CHECK(flag && strcmp(text, "true") == 0);
    MPI_Info_free(&used);
    MPI_Comm_free_keyval(&key);
    MPI_Comm both[2] = {new, other};
    use_all(both, 2);
    MPI_Comm_free(&new);
    MPI_Comm_free(&other);
}

static void topology_and_handler(void)
{
    int wraps = 1, dims, periods, coords;
    MPI_Comm ring, new;
    MPI_Request request;
    MPI_Errhandler handler;
    MPI_Cart_create(MPI_COMM_WORLD, 1, &size, &wraps, 0, &ring);
    MPI_Comm_set_errhandler(ring, MPI_ERRORS_RETURN);
    MPI_Comm_idup(ring, &new, &request);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    MPI_Comm_get_errhandler(new, &handler);
    CHECK(handler == MPI_ERRORS_RETURN);
    MPI_Comm_free(&new);
    MPI_Comm_idup(ring, &new, &request);
    MPI_Comm_set_errhandler(new, MPI_ERRORS_ABORT); /* before it is complete, as other implementations allow */
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    MPI_Cart_get(new, 1, &dims, &periods, &coords);
    CHECK(dims == size && periods == 1 && coords == me);
    MPI_Comm_get_errhandler(new, &handler);
    CHECK(handler == MPI_ERRORS_ABORT);
    MPI_Comm_free(&ring);
    MPI_Comm_free(&new);
}

/* A copy function that fails on one rank: that one has no duplicate, and is told when the operation is complete. */
static void failure(void)
{
    int key, fails = me == size - 1, code, class;
    MPI_Comm old, new;
    MPI_Request request;
    MPI_Comm_dup(MPI_COMM_WORLD, &old);
    MPI_Comm_set_errhandler(old, MPI_ERRORS_RETURN);
    MPI_Comm_create_keyval(refuse, MPI_COMM_NULL_DELETE_FN, &key, &fails);
    MPI_Comm_set_attr(old, key, NULL);
    CHECK(MPI_Comm_idup(old, &new, &request) == MPI_SUCCESS);
    code = MPI_Wait(&request, MPI_STATUS_IGNORE);
    MPI_Error_class(code, &class);
    CHECK(class == (fails ? MPI_ERR_OTHER : MPI_SUCCESS));
    if (!fails)
        MPI_Comm_free(&new);
    MPI_Comm_free_keyval(&key);
    MPI_Comm_free(&old);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    check_rank = me;
    many_at_once();
    many_at_once();
    different_orders();
    attributes_and_hints();
    topology_and_handler();
    failure();
    return check_end("comm_idup");
}
