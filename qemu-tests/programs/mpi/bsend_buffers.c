/* Buffers of buffered sends: a communicator's goes before the process's; flushes wait for what is in them, and for no more. */
#include <mpi.h>
#include <string.h>
#include "../check.h"

enum { COUNT = 50000, BYTES = COUNT * sizeof(int) };

static int me, ranks, left, right, data[COUNT], got[COUNT];

static void receive(MPI_Comm comm, int tag)
{
    memset(got, 0, sizeof got);
    MPI_Recv(got, COUNT, MPI_INT, left, tag, comm, MPI_STATUS_IGNORE);
    for (int i = 0; i < COUNT; i++)
        CHECK(got[i] == left * 7 + i);
}

static int send(MPI_Comm comm, int tag)
{
    for (int i = 0; i < COUNT; i++)
        data[i] = me * 7 + i;
    int code = MPI_Bsend(data, COUNT, MPI_INT, right, tag, comm);
    memset(data, 0xee, sizeof data);
    return code;
}

static void a_communicators_own(MPI_Comm comm)
{
    int size = BYTES + MPI_BSEND_OVERHEAD, back = -1, flag = -1;
    void *buffer = malloc(size), *address = NULL;
    MPI_Request request;
    CHECK(send(comm, 1) == MPI_ERR_BUFFER);
    CHECK(MPI_Comm_attach_buffer(comm, buffer, size) == MPI_SUCCESS);
    CHECK(MPI_Comm_attach_buffer(comm, buffer, size) == MPI_ERR_BUFFER);
    CHECK(send(MPI_COMM_WORLD, 1) == MPI_ERR_BUFFER); /* It is nobody else's. */
    CHECK(send(comm, 1) == MPI_SUCCESS);
    CHECK(MPI_Comm_iflush_buffer(comm, &request) == MPI_SUCCESS);
    if (ranks > 1) {
        /* The message waits for its receiver: there is no room for another, and the flush is not done. */
        MPI_Barrier(MPI_COMM_WORLD);
        CHECK(send(comm, 1) == MPI_ERR_BUFFER);
        CHECK(MPI_Test(&request, &flag, MPI_STATUS_IGNORE) == MPI_SUCCESS && !flag);
        MPI_Barrier(MPI_COMM_WORLD);
    }
    receive(comm, 1);
    CHECK(MPI_Wait(&request, MPI_STATUS_IGNORE) == MPI_SUCCESS && request == MPI_REQUEST_NULL);
    CHECK(send(comm, 2) == MPI_SUCCESS);
    receive(comm, 2);
    CHECK(MPI_Comm_flush_buffer(comm) == MPI_SUCCESS);
    CHECK(send(comm, 3) == MPI_SUCCESS);
    receive(comm, 3);
    CHECK(MPI_Comm_detach_buffer(comm, &address, &back) == MPI_SUCCESS && address == buffer && back == size);
    CHECK(send(comm, 1) == MPI_ERR_BUFFER);
    free(buffer);
}

static void precedence(MPI_Comm comm)
{
    int large = 2 * (BYTES + MPI_BSEND_OVERHEAD), small = 100 + MPI_BSEND_OVERHEAD, back = -1;
    MPI_Count back_c = -1;
    void *of_process = malloc(large), *of_comm = malloc(small), *address = NULL;
    MPI_Request request;
    CHECK(MPI_Buffer_attach(of_process, large) == MPI_SUCCESS);
    CHECK(send(comm, 4) == MPI_SUCCESS); /* The process's, as the communicator has none. */
    receive(comm, 4);
    CHECK(MPI_Comm_attach_buffer_c(comm, of_comm, small) == MPI_SUCCESS);
    CHECK(send(comm, 4) == MPI_ERR_BUFFER); /* Its own is too small, and the process's is not looked at. */
    CHECK(send(MPI_COMM_WORLD, 5) == MPI_SUCCESS);
    CHECK(MPI_Buffer_iflush(&request) == MPI_SUCCESS);
    receive(MPI_COMM_WORLD, 5);
    CHECK(MPI_Wait(&request, MPI_STATUS_IGNORE) == MPI_SUCCESS);
    CHECK(MPI_Buffer_iflush(&request) == MPI_SUCCESS); /* Nothing is in it. */
    CHECK(MPI_Wait(&request, MPI_STATUS_IGNORE) == MPI_SUCCESS);
    CHECK(MPI_Comm_detach_buffer_c(comm, &address, &back_c) == MPI_SUCCESS && address == of_comm && back_c == small);
    CHECK(MPI_Buffer_detach(&address, &back) == MPI_SUCCESS && address == of_process && back == large);
    free(of_process);
    free(of_comm);
}

static void automatic(MPI_Comm comm)
{
    int size = -1;
    void *address = NULL;
    CHECK(MPI_Comm_attach_buffer(comm, MPI_BUFFER_AUTOMATIC, 0) == MPI_SUCCESS);
    for (int i = 0; i < 10; i++)
        CHECK(send(comm, 10 + i) == MPI_SUCCESS);
    for (int i = 9; i >= 0; i--)
        receive(comm, 10 + i);
    CHECK(MPI_Comm_detach_buffer(comm, &address, &size) == MPI_SUCCESS && address == MPI_BUFFER_AUTOMATIC);
    CHECK(MPI_Comm_attach_buffer(MPI_COMM_NULL, MPI_BUFFER_AUTOMATIC, 0) == MPI_ERR_COMM);
    CHECK(MPI_Comm_attach_buffer(comm, NULL, 5) == MPI_ERR_BUFFER);
    CHECK(MPI_Comm_attach_buffer(comm, &size, -1) == MPI_ERR_COUNT);
}

int main(int argc, char **argv)
{
    MPI_Comm comm, other;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    check_rank = me;
    left = (me + ranks - 1) % ranks;
    right = (me + 1) % ranks;
    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    a_communicators_own(comm);
    precedence(comm);
    automatic(comm);
    /* Freed with a message in its buffer, which is delivered. */
    MPI_Comm_dup(MPI_COMM_WORLD, &other);
    MPI_Comm_attach_buffer(other, MPI_BUFFER_AUTOMATIC, 0);
    MPI_Request request;
    MPI_Irecv(got, COUNT, MPI_INT, left, 1, other, &request);
    CHECK(send(other, 1) == MPI_SUCCESS);
    MPI_Comm_free(&other);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    CHECK(got[0] == left * 7 && got[COUNT - 1] == left * 7 + COUNT - 1);
    MPI_Comm_free(&comm);
    return check_end("bsend_buffers");
}
