/* Partitioned communication around a ring: the sides divide the data differently, parts arrive one by one, and again. */
#include <mpi.h>
#include <string.h>
#include "../check.h"

enum { ROUNDS = 3, TAG = 7 };

static int me, ranks, left, right;

static int value(int from, int round, int at)
{
    return from * 1000003 + round * 10007 + at;
}

/* Sends `send_parts` partitions of `total` ints to the right, the last ones first, receives `receive_parts` from the left. */
static void around(int total, int send_parts, int receive_parts, int strided)
{
    int send_count = total / send_parts, receive_count = total / receive_parts, flag = -1;
    int *out = malloc(total * sizeof *out), *in = malloc(2 * total * sizeof *in);
    MPI_Request requests[2];
    MPI_Status statuses[2];
    MPI_Datatype type = MPI_INT;
    if (strided) { /* Every other int. */
        MPI_Type_create_resized(MPI_INT, 0, 2 * sizeof(int), &type);
        MPI_Type_commit(&type);
    }
    int step = strided ? 2 : 1;
    CHECK(MPI_Psend_init(out, send_parts, send_count, MPI_INT, right, TAG, MPI_COMM_WORLD, MPI_INFO_NULL, &requests[0]) == MPI_SUCCESS);
    CHECK(MPI_Precv_init(in, receive_parts, receive_count, type, left, TAG, MPI_COMM_WORLD, MPI_INFO_NULL, &requests[1]) == MPI_SUCCESS);
    for (int round = 0; round < ROUNDS; round++) {
        memset(in, 0xff, 2 * total * sizeof *in);
        CHECK(MPI_Startall(2, requests) == MPI_SUCCESS);
        /* Nothing can have arrived before everybody has come to the barrier and sent. */
        CHECK(MPI_Parrived(requests[1], receive_parts - 1, &flag) == MPI_SUCCESS && !flag);
        MPI_Barrier(MPI_COMM_WORLD);
        for (int part = send_parts - 1; part >= 0; part--) {
            for (int i = 0; i < send_count; i++)
                out[part * send_count + i] = value(me, round, part * send_count + i);
            CHECK(MPI_Pready(part, requests[0]) == MPI_SUCCESS);
            if (part == send_parts / 2 && send_parts > 1) {
                /* Both wait: the first half is not ready, the last partition is. */
                do
                    CHECK(MPI_Parrived(requests[1], receive_parts - 1, &flag) == MPI_SUCCESS);
                while (!flag && receive_parts > 1);
                if (receive_parts > 1)
                    for (int i = total - receive_count; i < total; i++)
                        CHECK(in[i * step] == value(left, round, i));
                MPI_Barrier(MPI_COMM_WORLD);
                CHECK(MPI_Parrived(requests[1], 0, &flag) == MPI_SUCCESS && !flag);
                CHECK(MPI_Test(&requests[1], &flag, statuses) == MPI_SUCCESS && !flag);
                MPI_Barrier(MPI_COMM_WORLD);
            }
        }
        statuses[1].MPI_ERROR = 77;
        CHECK(MPI_Waitall(2, requests, statuses) == MPI_SUCCESS);
        CHECK(requests[0] != MPI_REQUEST_NULL && requests[1] != MPI_REQUEST_NULL);
        int count = 0;
        MPI_Get_count(&statuses[1], MPI_INT, &count);
        CHECK(count == total && statuses[1].MPI_SOURCE == left && statuses[1].MPI_TAG == TAG && statuses[1].MPI_ERROR == 77);
        CHECK(MPI_Parrived(requests[1], 0, &flag) == MPI_SUCCESS && flag);
        for (int i = 0; i < total; i++) {
            CHECK(in[i * step] == value(left, round, i));
            if (strided)
                CHECK(in[i * step + 1] == -1);
        }
    }
    MPI_Request_free(&requests[0]);
    MPI_Request_free(&requests[1]);
    CHECK(requests[0] == MPI_REQUEST_NULL && requests[1] == MPI_REQUEST_NULL);
    if (strided)
        MPI_Type_free(&type);
    free(out);
    free(in);
}

/* Requests of one tag match in the order of their init calls, however they are started; lists and ranges. */
static void order(void)
{
    int out[2][6], in[2][6], list[3] = {5, 0, 3};
    MPI_Request send[2], receive[2];
    for (int i = 0; i < 2; i++) {
        CHECK(MPI_Psend_init(out[i], 6, 1, MPI_INT, right, TAG, MPI_COMM_WORLD, MPI_INFO_NULL, &send[i]) == MPI_SUCCESS);
        CHECK(MPI_Precv_init(in[i], 3, 2, MPI_INT, left, TAG, MPI_COMM_WORLD, MPI_INFO_NULL, &receive[i]) == MPI_SUCCESS);
    }
    for (int i = 0; i < 12; i++)
        out[i / 6][i % 6] = me * 100 + i;
    for (int i = 1; i >= 0; i--) {
        MPI_Start(&send[i]);
        CHECK(MPI_Pready_list(3, list, send[i]) == MPI_SUCCESS);
        CHECK(MPI_Pready_range(1, 2, send[i]) == MPI_SUCCESS);
        CHECK(MPI_Pready_range(4, 4, send[i]) == MPI_SUCCESS);
    }
    MPI_Startall(2, receive);
    CHECK(MPI_Waitall(2, receive, MPI_STATUSES_IGNORE) == MPI_SUCCESS);
    CHECK(MPI_Waitall(2, send, MPI_STATUSES_IGNORE) == MPI_SUCCESS);
    for (int i = 0; i < 12; i++)
        CHECK(in[i / 6][i % 6] == left * 100 + i);
    for (int i = 0; i < 2; i++) {
        MPI_Request_free(&send[i]);
        MPI_Request_free(&receive[i]);
    }
}

static void errors(void)
{
    int data[4] = {0}, flag = 0;
    MPI_Request send, receive, plain;
    MPI_Status status;
    CHECK(MPI_Psend_init(data, 4, 1, MPI_INT, MPI_PROC_NULL, 0, MPI_COMM_WORLD, MPI_INFO_NULL, &send) == MPI_SUCCESS);
    CHECK(MPI_Precv_init(data, 4, 1, MPI_INT, MPI_PROC_NULL, 0, MPI_COMM_WORLD, MPI_INFO_NULL, &receive) == MPI_SUCCESS);
    CHECK(MPI_Pready(0, send) == MPI_ERR_REQUEST);
    CHECK(MPI_Wait(&send, &status) == MPI_SUCCESS && status.MPI_SOURCE == MPI_ANY_SOURCE);
    MPI_Start(&send);
    MPI_Start(&receive);
    CHECK(MPI_Start(&send) == MPI_ERR_REQUEST);
    CHECK(MPI_Pready(4, send) == MPI_ERR_ARG && MPI_Pready(-1, send) == MPI_ERR_ARG);
    CHECK(MPI_Pready(1, send) == MPI_SUCCESS && MPI_Pready(1, send) == MPI_ERR_ARG);
    CHECK(MPI_Pready_range(3, 2, send) == MPI_ERR_ARG);
    CHECK(MPI_Pready(1, receive) == MPI_ERR_REQUEST && MPI_Parrived(send, 0, &flag) == MPI_ERR_REQUEST);
    CHECK(MPI_Parrived(receive, 4, &flag) == MPI_ERR_ARG);
    CHECK(MPI_Parrived(receive, 3, &flag) == MPI_SUCCESS && flag);
    CHECK(MPI_Test(&send, &flag, &status) == MPI_SUCCESS && !flag);
    MPI_Pready(0, send);
    MPI_Pready_range(2, 3, send);
    CHECK(MPI_Wait(&send, &status) == MPI_SUCCESS);
    CHECK(MPI_Wait(&receive, &status) == MPI_SUCCESS && status.MPI_SOURCE == MPI_PROC_NULL);
    MPI_Request_free(&send);
    MPI_Request_free(&receive);
    CHECK(MPI_Parrived(MPI_REQUEST_NULL, 0, &flag) == MPI_SUCCESS && flag);

    CHECK(MPI_Precv_init(data, 1, 1, MPI_INT, MPI_ANY_SOURCE, 0, MPI_COMM_WORLD, MPI_INFO_NULL, &receive) == MPI_ERR_RANK);
    CHECK(MPI_Precv_init(data, 1, 1, MPI_INT, me, MPI_ANY_TAG, MPI_COMM_WORLD, MPI_INFO_NULL, &receive) == MPI_ERR_TAG);
    CHECK(MPI_Psend_init(data, 1, 1, MPI_INT, ranks, 0, MPI_COMM_WORLD, MPI_INFO_NULL, &send) == MPI_ERR_RANK);
    CHECK(MPI_Psend_init(data, -1, 1, MPI_INT, me, 0, MPI_COMM_WORLD, MPI_INFO_NULL, &send) == MPI_ERR_ARG);
    CHECK(MPI_Psend_init(data, 1, -1, MPI_INT, me, 0, MPI_COMM_WORLD, MPI_INFO_NULL, &send) == MPI_ERR_COUNT);
    MPI_Send_init(data, 1, MPI_INT, me, 0, MPI_COMM_WORLD, &plain);
    CHECK(MPI_Pready(0, plain) == MPI_ERR_REQUEST && MPI_Parrived(plain, 0, &flag) == MPI_ERR_REQUEST);
    MPI_Request_free(&plain);

    /* More than there is room for: the rest is cut off. */
    int out[4] = {1, 2, 3, 4}, in[4] = {-1, -1, -1, -1};
    MPI_Psend_init(out, 2, 2, MPI_INT, me, 1, MPI_COMM_WORLD, MPI_INFO_NULL, &send);
    MPI_Precv_init(in, 1, 3, MPI_INT, me, 1, MPI_COMM_WORLD, MPI_INFO_NULL, &receive);
    MPI_Start(&receive);
    MPI_Start(&send);
    MPI_Pready_range(0, 1, send);
    CHECK(MPI_Wait(&send, &status) == MPI_SUCCESS);
    CHECK(MPI_Wait(&receive, &status) == MPI_ERR_TRUNCATE);
    CHECK(in[0] == 1 && in[1] == 2 && in[2] == 3 && in[3] == -1);
    MPI_Request_free(&send);
    MPI_Request_free(&receive);
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
    around(12, 1, 1, 0);
    around(12, 4, 4, 0);
    around(12, 6, 4, 0);
    around(12, 4, 6, 1);
    around(120000, 3, 2, 0);
    around(120000, 8, 1, 1);
    order();
    errors();
    return check_end("partitioned");
}
