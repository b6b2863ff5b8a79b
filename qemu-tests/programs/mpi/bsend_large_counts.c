/* Buffers for buffered sends whose sizes are of type MPI_Count: the process's and a session's (MPI 5.0, section 3.6). */
#include <mpi.h>

#include <string.h>

#include "../check.h"

enum { N = 5000 };

static int size, left, right;
static int data[N], got[N];

static void fill(int round)
{
    for (int i = 0; i < N; i++)
        data[i] = 100000 * round + 10 * check_rank + i;
}

static void has_come(MPI_Comm comm, int round)
{
    int wrong = 0;
    memset(got, -1, sizeof got);
    MPI_Recv(got, N, MPI_INT, left, round, comm, MPI_STATUS_IGNORE);
    for (int i = 0; i < N; i++)
        wrong += got[i] != 100000 * round + 10 * left + i;
    CHECK(wrong == 0);
}

static void of_the_process(void)
{
    MPI_Count bytes = 2 * (sizeof data + MPI_BSEND_OVERHEAD), back_bytes = -1;
    void *memory = malloc(bytes), *back = NULL;
    CHECK(MPI_Bsend(data, N, MPI_INT, right, 0, MPI_COMM_WORLD) == MPI_ERR_BUFFER);
    CHECK(MPI_Buffer_flush() == MPI_SUCCESS); /* There is nothing to wait for. */
    CHECK(MPI_Buffer_attach_c(memory, bytes) == MPI_SUCCESS);
    CHECK(MPI_Buffer_attach_c(memory, bytes) == MPI_ERR_BUFFER);
    for (int round = 1; round <= 3; round++) {
        fill(round);
        CHECK(MPI_Bsend(data, N, MPI_INT, right, round, MPI_COMM_WORLD) == MPI_SUCCESS);
        fill(0);
        has_come(MPI_COMM_WORLD, round);
        /* All was delivered, so all of the buffer is free for the next two. */
        CHECK(MPI_Buffer_flush() == MPI_SUCCESS);
        fill(10 * round);
        CHECK(MPI_Bsend(data, N, MPI_INT, right, 10 * round, MPI_COMM_WORLD) == MPI_SUCCESS);
        fill(10 * round + 1);
        CHECK(MPI_Bsend(data, N, MPI_INT, right, 10 * round + 1, MPI_COMM_WORLD) == MPI_SUCCESS);
        fill(0);
        has_come(MPI_COMM_WORLD, 10 * round + 1);
        has_come(MPI_COMM_WORLD, 10 * round);
        MPI_Buffer_flush();
    }
    CHECK(MPI_Buffer_detach_c(&back, &back_bytes) == MPI_SUCCESS && back == memory && back_bytes == bytes);
    free(memory);
    /* A size that no int can hold; nothing of it is touched while nothing is sent. */
    CHECK(MPI_Buffer_attach_c(data, (MPI_Count)5 << 30) == MPI_SUCCESS);
    CHECK(MPI_Buffer_detach_c(&back, &back_bytes) == MPI_SUCCESS && back == data && back_bytes == (MPI_Count)5 << 30);
    CHECK(MPI_Buffer_attach_c(data, -1) == MPI_ERR_COUNT);
    CHECK(MPI_Buffer_attach_c(MPI_BUFFER_AUTOMATIC, 0) == MPI_SUCCESS);
    fill(4);
    CHECK(MPI_Bsend(data, N, MPI_INT, right, 4, MPI_COMM_WORLD) == MPI_SUCCESS);
    fill(0);
    has_come(MPI_COMM_WORLD, 4);
    CHECK(MPI_Buffer_detach_c(&back, &back_bytes) == MPI_SUCCESS && back == MPI_BUFFER_AUTOMATIC && back_bytes == 0);
}

static void of_a_session(void)
{
    MPI_Session session;
    MPI_Group group;
    MPI_Comm comm;
    MPI_Count bytes = sizeof data + MPI_BSEND_OVERHEAD, back_bytes = -1;
    void *memory = malloc(bytes), *back = NULL;
    MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &session);
    MPI_Group_from_session_pset(session, "mpi://WORLD", &group);
    MPI_Comm_create_from_group(group, "bsend_large_counts", MPI_INFO_NULL, MPI_ERRORS_RETURN, &comm);
    MPI_Group_free(&group);
    fill(6);
    CHECK(MPI_Session_attach_buffer_c(session, memory, bytes) == MPI_SUCCESS);
    CHECK(MPI_Session_attach_buffer_c(session, memory, bytes) == MPI_ERR_BUFFER);
    /* It is for communicators of the session alone. */
    CHECK(MPI_Bsend(data, N, MPI_INT, right, 6, MPI_COMM_WORLD) == MPI_ERR_BUFFER);
    CHECK(MPI_Bsend(data, N, MPI_INT, right, 6, comm) == MPI_SUCCESS);
    fill(0);
    has_come(comm, 6);
    CHECK(MPI_Session_detach_buffer_c(session, &back, &back_bytes) == MPI_SUCCESS && back == memory && back_bytes == bytes);
    CHECK(MPI_Bsend(data, N, MPI_INT, right, 6, comm) == MPI_ERR_BUFFER);
    MPI_Comm_free(&comm);
    MPI_Session_finalize(&session);
    free(memory);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    left = (check_rank + size - 1) % size;
    right = (check_rank + 1) % size;
    of_the_process();
    of_a_session();
    return check_end("bsend_large_counts");
}
