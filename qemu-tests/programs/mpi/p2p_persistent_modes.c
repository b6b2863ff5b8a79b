/* Persistent sends of each mode, with counts of both sizes: started many times, each time with other data. */
#include <mpi.h>
#include <string.h>
#include "../check.h"

enum { SENDS = 8, READY = 6, MOST = 20000, ROUNDS = 4 };

static int me, ranks, left, right, data[SENDS][MOST], got[SENDS][MOST];

static int value(int rank, int round, int s, int i) { return rank * 1000003 + round * 10007 + s * 1009 + i; }

/* READY and the one after it may be sent only when their receives have been started. */
static void make(int count, MPI_Request sends[], MPI_Request receives[])
{
    MPI_Comm comm = MPI_COMM_WORLD;
    for (int s = 0; s < SENDS; s++)
        if (s % 2)
            MPI_Recv_init_c(got[s], count, MPI_INT, left, s, comm, &receives[s]);
        else
            MPI_Recv_init(got[s], count, MPI_INT, left, s, comm, &receives[s]);
    MPI_Send_init(data[0], count, MPI_INT, right, 0, comm, &sends[0]);
    MPI_Send_init_c(data[1], count, MPI_INT, right, 1, comm, &sends[1]);
    MPI_Bsend_init(data[2], count, MPI_INT, right, 2, comm, &sends[2]);
    MPI_Bsend_init_c(data[3], count, MPI_INT, right, 3, comm, &sends[3]);
    MPI_Ssend_init(data[4], count, MPI_INT, right, 4, comm, &sends[4]);
    MPI_Ssend_init_c(data[5], count, MPI_INT, right, 5, comm, &sends[5]);
    MPI_Rsend_init(data[6], count, MPI_INT, right, 6, comm, &sends[6]);
    MPI_Rsend_init_c(data[7], count, MPI_INT, right, 7, comm, &sends[7]);
}

/* The sends go first, but for those that may not. */
static void sends_first(MPI_Request sends[], MPI_Request receives[])
{
    int flag = -1;
    MPI_Startall(READY, sends);
    /* Buffered sends are complete whatever the receiver does, synchronous ones are not before it receives. */
    MPI_Wait(&sends[2], MPI_STATUS_IGNORE);
    MPI_Wait(&sends[3], MPI_STATUS_IGNORE);
    for (int s = 4; s < READY; s++) {
        MPI_Test(&sends[s], &flag, MPI_STATUS_IGNORE);
        CHECK(!flag);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Startall(SENDS, receives);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Start(&sends[READY]);
    MPI_Start(&sends[READY + 1]);
}

static void receives_first(MPI_Request sends[], MPI_Request receives[], int round)
{
    MPI_Startall(SENDS, receives);
    MPI_Barrier(MPI_COMM_WORLD);
    for (int s = 0; s < SENDS; s++)
        MPI_Start(&sends[(s + round + me) % SENDS]);
}

static void rounds(int count)
{
    MPI_Request sends[SENDS], receives[SENDS];
    MPI_Status statuses[SENDS];
    make(count, sends, receives);
    for (int round = 0; round < ROUNDS; round++) {
        for (int s = 0; s < SENDS; s++)
            for (int i = 0; i < count; i++)
                data[s][i] = value(me, round, s, i), got[s][i] = -1;
        if (round % 2)
            receives_first(sends, receives, round);
        else
            sends_first(sends, receives);
        CHECK(MPI_Waitall(SENDS, receives, statuses) == MPI_SUCCESS);
        CHECK(MPI_Waitall(SENDS, sends, MPI_STATUSES_IGNORE) == MPI_SUCCESS);
        for (int s = 0; s < SENDS; s++) {
            MPI_Count n = -1;
            CHECK(sends[s] != MPI_REQUEST_NULL && receives[s] != MPI_REQUEST_NULL);
            MPI_Get_count_c(&statuses[s], MPI_INT, &n);
            CHECK(statuses[s].MPI_SOURCE == left && statuses[s].MPI_TAG == s && n == count);
            for (int i = 0; i < count; i++)
                CHECK(got[s][i] == value(left, round, s, i));
        }
        MPI_Barrier(MPI_COMM_WORLD);
    }
    for (int s = 0; s < SENDS; s++) {
        MPI_Request_free(&sends[s]);
        MPI_Request_free(&receives[s]);
        CHECK(sends[s] == MPI_REQUEST_NULL && receives[s] == MPI_REQUEST_NULL);
    }
}

/* Nobody is there: every start completes at once. */
static void to_nobody(void)
{
    MPI_Request requests[3];
    MPI_Status statuses[3];
    MPI_Rsend_init_c(data[0], 1, MPI_INT, MPI_PROC_NULL, 0, MPI_COMM_WORLD, &requests[0]);
    MPI_Ssend_init_c(data[0], 1, MPI_INT, MPI_PROC_NULL, 0, MPI_COMM_WORLD, &requests[1]);
    MPI_Recv_init_c(got[0], 1, MPI_INT, MPI_PROC_NULL, 0, MPI_COMM_WORLD, &requests[2]);
    for (int round = 0; round < ROUNDS; round++) {
        int n = -1;
        MPI_Startall(3, requests);
        MPI_Waitall(3, requests, statuses);
        MPI_Get_count(&statuses[2], MPI_INT, &n);
        CHECK(statuses[2].MPI_SOURCE == MPI_PROC_NULL && statuses[2].MPI_TAG == MPI_ANY_TAG && n == 0);
    }
    for (int r = 0; r < 3; r++)
        MPI_Request_free(&requests[r]);
}

static void errors(void)
{
    MPI_Request request;
    MPI_Count negative = -((MPI_Count)1 << 32);
    CHECK(MPI_Bsend_init_c(data[0], negative, MPI_INT, right, 0, MPI_COMM_WORLD, &request) == MPI_ERR_COUNT);
    CHECK(MPI_Recv_init_c(got[0], negative, MPI_INT, left, 0, MPI_COMM_WORLD, &request) == MPI_ERR_COUNT);
    CHECK(MPI_Rsend_init(data[0], 1, MPI_INT, ranks, 0, MPI_COMM_WORLD, &request) == MPI_ERR_RANK);
    CHECK(MPI_Bsend_init(data[0], 1, MPI_INT, right, -5, MPI_COMM_WORLD, &request) == MPI_ERR_TAG);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    check_rank = me;
    left = (me + ranks - 1) % ranks;
    right = (me + 1) % ranks;
    int size = 2 * (MOST * (int)sizeof(int) + MPI_BSEND_OVERHEAD);
    void *buffer = malloc(size), *address;
    MPI_Buffer_attach(buffer, size);
    rounds(0);
    rounds(2);
    rounds(MOST);
    to_nobody();
    errors();
    MPI_Buffer_detach(&address, &size);
    CHECK(address == buffer);
    free(buffer);
    return check_end("p2p_persistent_modes");
}
