/* Every way to send and receive whose count is an MPI_Count, around a ring; and the buffers that have such a size. */
#include <mpi.h>
#include <string.h>
#include "../check.h"

/* One message that fits anywhere, one that is sent in pieces. */
enum { SHORT = 3, LONG = 30000 };

static int me, ranks, left, right, data[LONG], got[LONG];
static MPI_Comm comm = MPI_COMM_WORLD;

static int value(int rank, int tag, int i) { return rank * 100000 + tag * 1000 + i; }

static void fill(int tag, int count)
{
    for (int i = 0; i < count; i++)
        data[i] = value(me, tag, i), got[i] = -1;
}

static void check_status(MPI_Status *status, int tag, int count)
{
    MPI_Count ints = -1;
    CHECK(status->MPI_SOURCE == left && status->MPI_TAG == tag);
    CHECK(MPI_Get_count_c(status, MPI_INT, &ints) == MPI_SUCCESS && ints == count);
}

static void check_data(const int *from, int tag, int count)
{
    for (int i = 0; i < count; i++)
        CHECK(from[i] == value(left, tag, i));
}

static void receive(int tag, int count)
{
    MPI_Status status;
    CHECK(MPI_Recv_c(got, count, MPI_INT, left, tag, comm, &status) == MPI_SUCCESS);
    check_status(&status, tag, count);
    check_data(got, tag, count);
}

static void complete(MPI_Request *request, int tag, int count)
{
    MPI_Status status;
    CHECK(MPI_Wait(request, &status) == MPI_SUCCESS);
    check_status(&status, tag, count);
    check_data(got, tag, count);
}

static void blocking(MPI_Count count)
{
    MPI_Request request;
    MPI_Status status;
    fill(1, count);
    MPI_Irecv_c(got, count, MPI_INT, left, 1, comm, &request);
    CHECK(MPI_Send_c(data, count, MPI_INT, right, 1, comm) == MPI_SUCCESS);
    complete(&request, 1, count);
    fill(2, count);
    MPI_Irecv_c(got, count, MPI_INT, left, 2, comm, &request);
    CHECK(MPI_Ssend_c(data, count, MPI_INT, right, 2, comm) == MPI_SUCCESS);
    complete(&request, 2, count);
    fill(3, count);
    MPI_Irecv_c(got, count, MPI_INT, left, 3, comm, &request);
    MPI_Barrier(comm); /* All receives are posted. */
    CHECK(MPI_Rsend_c(data, count, MPI_INT, right, 3, comm) == MPI_SUCCESS);
    complete(&request, 3, count);
    fill(4, count);
    CHECK(MPI_Sendrecv_c(data, count, MPI_INT, right, 4, got, count, MPI_INT, left, 4, comm, &status) == MPI_SUCCESS);
    check_status(&status, 4, count);
    check_data(got, 4, count);
    fill(5, count);
    CHECK(MPI_Sendrecv_replace_c(data, count, MPI_INT, right, 5, left, 5, comm, &status) == MPI_SUCCESS);
    check_status(&status, 5, count);
    check_data(data, 5, count);
}

static void non_blocking(MPI_Count count)
{
    MPI_Request send, receive;
    fill(11, count);
    MPI_Irecv_c(got, count, MPI_INT, left, 11, comm, &receive);
    CHECK(MPI_Isend_c(data, count, MPI_INT, right, 11, comm, &send) == MPI_SUCCESS);
    complete(&receive, 11, count);
    MPI_Wait(&send, MPI_STATUS_IGNORE);
    fill(12, count);
    CHECK(MPI_Issend_c(data, count, MPI_INT, right, 12, comm, &send) == MPI_SUCCESS);
    int flag = 1;
    MPI_Test(&send, &flag, MPI_STATUS_IGNORE);
    CHECK(!flag); /* Nobody receives it yet. */
    MPI_Barrier(comm);
    MPI_Irecv_c(got, count, MPI_INT, left, 12, comm, &receive);
    complete(&receive, 12, count);
    MPI_Wait(&send, MPI_STATUS_IGNORE);
    fill(13, count);
    MPI_Irecv_c(got, count, MPI_INT, left, 13, comm, &receive);
    MPI_Barrier(comm);
    CHECK(MPI_Irsend_c(data, count, MPI_INT, right, 13, comm, &send) == MPI_SUCCESS);
    complete(&receive, 13, count);
    MPI_Wait(&send, MPI_STATUS_IGNORE);
    fill(14, count);
    CHECK(MPI_Isendrecv_c(data, count, MPI_INT, right, 14, got, count, MPI_INT, left, 14, comm, &receive) == MPI_SUCCESS);
    complete(&receive, 14, count);
    fill(15, count);
    CHECK(MPI_Isendrecv_replace_c(data, count, MPI_INT, right, 15, left, 15, comm, &receive) == MPI_SUCCESS);
    MPI_Status status;
    MPI_Wait(&receive, &status);
    check_status(&status, 15, count);
    check_data(data, 15, count);
}

static void matched(MPI_Count count)
{
    MPI_Request send, receive;
    MPI_Message message;
    MPI_Status status;
    fill(21, count);
    MPI_Isend_c(data, count, MPI_INT, right, 21, comm, &send);
    MPI_Mprobe(left, 21, comm, &message, &status);
    check_status(&status, 21, count);
    CHECK(MPI_Mrecv_c(got, count, MPI_INT, &message, &status) == MPI_SUCCESS && message == MPI_MESSAGE_NULL);
    check_status(&status, 21, count);
    check_data(got, 21, count);
    MPI_Wait(&send, MPI_STATUS_IGNORE);
    fill(22, count);
    MPI_Isend_c(data, count, MPI_INT, right, 22, comm, &send);
    MPI_Mprobe(left, 22, comm, &message, MPI_STATUS_IGNORE);
    CHECK(MPI_Imrecv_c(got, count, MPI_INT, &message, &receive) == MPI_SUCCESS && message == MPI_MESSAGE_NULL);
    complete(&receive, 22, count);
    MPI_Wait(&send, MPI_STATUS_IGNORE);
}

/* The process's buffer: what was sent from it may be overwritten at once. */
static void buffered(MPI_Count count)
{
    MPI_Count size = count * sizeof(int) + MPI_BSEND_OVERHEAD, back = -1;
    void *buffer = malloc(size), *address = NULL;
    MPI_Request request;
    CHECK(MPI_Buffer_attach_c(buffer, size) == MPI_SUCCESS);
    CHECK(MPI_Buffer_attach_c(buffer, size) == MPI_ERR_BUFFER);
    fill(31, count);
    CHECK(MPI_Bsend_c(data, count, MPI_INT, right, 31, comm) == MPI_SUCCESS);
    memset(data, 0xee, sizeof data);
    receive(31, count);
    CHECK(MPI_Buffer_flush() == MPI_SUCCESS); /* Now there is room again. */
    fill(32, count);
    CHECK(MPI_Ibsend_c(data, count, MPI_INT, right, 32, comm, &request) == MPI_SUCCESS);
    CHECK(MPI_Wait(&request, MPI_STATUS_IGNORE) == MPI_SUCCESS);
    memset(data, 0xee, sizeof data);
    receive(32, count);
    CHECK(MPI_Buffer_detach_c(&address, &back) == MPI_SUCCESS && address == buffer && back == size);
    CHECK(MPI_Bsend_c(data, count, MPI_INT, right, 33, comm) == MPI_ERR_BUFFER);
    CHECK(MPI_Buffer_attach_c(buffer, -1) != MPI_SUCCESS);
    free(buffer);
}

/* A session's buffer serves the communicators made from it. */
static void buffered_in_a_session(MPI_Count count)
{
    MPI_Count size = count * sizeof(int) + MPI_BSEND_OVERHEAD, back = -1;
    void *buffer = malloc(size), *address = NULL;
    MPI_Session session;
    MPI_Group group;
    MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &session);
    MPI_Group_from_session_pset(session, "mpi://WORLD", &group);
    MPI_Comm_create_from_group(group, "buffered", MPI_INFO_NULL, MPI_ERRORS_RETURN, &comm);
    MPI_Group_free(&group);
    fill(41, count);
    CHECK(MPI_Bsend_c(data, count, MPI_INT, right, 41, comm) == MPI_ERR_BUFFER);
    CHECK(MPI_Session_attach_buffer_c(session, buffer, size) == MPI_SUCCESS);
    CHECK(MPI_Bsend_c(data, count, MPI_INT, right, 41, MPI_COMM_WORLD) == MPI_ERR_BUFFER);
    CHECK(MPI_Bsend_c(data, count, MPI_INT, right, 41, comm) == MPI_SUCCESS);
    memset(data, 0xee, sizeof data);
    receive(41, count);
    CHECK(MPI_Session_detach_buffer_c(session, &address, &back) == MPI_SUCCESS && address == buffer && back == size);
    MPI_Comm_free(&comm);
    MPI_Session_finalize(&session);
    comm = MPI_COMM_WORLD;
    free(buffer);
}

static void errors(void)
{
    MPI_Request request;
    MPI_Count negative = -((MPI_Count)1 << 32); /* Cut to an int, it would be 0. */
    CHECK(MPI_Send_c(data, negative, MPI_INT, right, 50, comm) == MPI_ERR_COUNT);
    CHECK(MPI_Isend_c(data, negative, MPI_INT, right, 50, comm, &request) == MPI_ERR_COUNT);
    CHECK(MPI_Irecv_c(got, negative, MPI_INT, left, 50, comm, &request) == MPI_ERR_COUNT);
    CHECK(MPI_Ssend_c(data, negative, MPI_INT, right, 50, comm) == MPI_ERR_COUNT);
    CHECK(MPI_Rsend_c(data, negative, MPI_INT, right, 50, comm) == MPI_ERR_COUNT);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    check_rank = me;
    left = (me + ranks - 1) % ranks;
    right = (me + 1) % ranks;
    MPI_Count counts[] = {0, SHORT, LONG};
    for (int c = 0; c < 3; c++) {
        blocking(counts[c]);
        non_blocking(counts[c]);
        matched(counts[c]);
        buffered(counts[c]);
        buffered_in_a_session(counts[c]);
    }
    errors();
    return check_end("p2p_large_counts");
}
