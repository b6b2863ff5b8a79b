/* The fields of a status, read and written through functions, and the numbers of elements that it stands for. */
#include <mpi.h>
#include <string.h>
#include "../check.h"

static int me, ranks, left, right;

static void fields_are(const MPI_Status *status, int source, int tag, int error)
{
    int s = -9, t = -9, e = -9;
    CHECK(MPI_Status_get_source(status, &s) == MPI_SUCCESS && s == source);
    CHECK(MPI_Status_get_tag(status, &t) == MPI_SUCCESS && t == tag);
    CHECK(MPI_Status_get_error(status, &e) == MPI_SUCCESS && e == error);
    CHECK(status->MPI_SOURCE == source && status->MPI_TAG == tag && status->MPI_ERROR == error);
}

static void written_and_read(void)
{
    MPI_Status status;
    int flag = -1;
    MPI_Count count = -1;
    memset(&status, 0, sizeof status);
    CHECK(MPI_Status_set_source(&status, 12) == MPI_SUCCESS);
    CHECK(MPI_Status_set_tag(&status, 34) == MPI_SUCCESS);
    CHECK(MPI_Status_set_error(&status, MPI_ERR_TRUNCATE) == MPI_SUCCESS);
    fields_are(&status, 12, 34, MPI_ERR_TRUNCATE);
    /* Each field by itself: neither the number of elements nor the cancellation changes with the others. */
    MPI_Status_set_cancelled(&status, 1);
    MPI_Status_set_elements_c(&status, MPI_INT, 5);
    MPI_Status_set_source(&status, MPI_ANY_SOURCE);
    MPI_Status_set_tag(&status, MPI_ANY_TAG);
    MPI_Status_set_error(&status, MPI_SUCCESS);
    fields_are(&status, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_SUCCESS);
    MPI_Test_cancelled(&status, &flag);
    MPI_Get_elements_c(&status, MPI_INT, &count);
    CHECK(flag == 1 && count == 5);
    MPI_Status_set_cancelled(&status, 0);
    MPI_Test_cancelled(&status, &flag);
    MPI_Get_count_c(&status, MPI_INT, &count);
    CHECK(flag == 0 && count == 5);
    fields_are(&status, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_SUCCESS);
}

/* More elements than an int counts. */
static void large_counts(void)
{
    MPI_Status status;
    MPI_Count large = ((MPI_Count)1 << 33) + 1, count = -1;
    MPI_Datatype pair;
    int small = -1;
    memset(&status, 0, sizeof status);
    MPI_Type_contiguous(2, MPI_DOUBLE, &pair);
    MPI_Type_commit(&pair);
    CHECK(MPI_Status_set_elements_c(&status, MPI_DOUBLE, large) == MPI_SUCCESS);
    CHECK(MPI_Get_elements_c(&status, MPI_DOUBLE, &count) == MPI_SUCCESS && count == large);
    CHECK(MPI_Get_elements_x(&status, MPI_DOUBLE, &count) == MPI_SUCCESS && count == large);
    CHECK(MPI_Get_elements_c(&status, MPI_BYTE, &count) == MPI_SUCCESS && count == 8 * large);
    CHECK(MPI_Get_elements_c(&status, pair, &count) == MPI_SUCCESS && count == large);
    CHECK(MPI_Get_count_c(&status, pair, &count) == MPI_SUCCESS && count == MPI_UNDEFINED); /* Half a pair is left. */
    CHECK(MPI_Get_elements(&status, MPI_DOUBLE, &small) == MPI_SUCCESS && small == MPI_UNDEFINED);
    CHECK(MPI_Status_set_elements_c(&status, pair, 2 * large) == MPI_SUCCESS); /* Doubles, not pairs. */
    CHECK(MPI_Get_elements_c(&status, pair, &count) == MPI_SUCCESS && count == 2 * large);
    CHECK(MPI_Get_count_c(&status, pair, &count) == MPI_SUCCESS && count == large);
    MPI_Type_free(&pair);
}

/* Statuses of messages: parts of a structure are counted one by one. */
static void received(void)
{
    MPI_Status status;
    MPI_Datatype mixed;
    int lengths[2] = {1, 2};
    MPI_Aint at[2] = {0, 8};
    MPI_Datatype types[2] = {MPI_INT, MPI_DOUBLE};
    char out[3 * 24] = {0}, in[3 * 24];
    MPI_Type_create_struct(2, lengths, at, types, &mixed);
    MPI_Type_commit(&mixed);
    MPI_Count count = -1;
    MPI_Sendrecv(out, 2, mixed, right, 7, in, 3, mixed, left, 7, MPI_COMM_WORLD, &status);
    MPI_Status_set_error(&status, MPI_SUCCESS);
    fields_are(&status, left, 7, MPI_SUCCESS);
    CHECK(MPI_Get_elements_c(&status, mixed, &count) == MPI_SUCCESS && count == 6);
    CHECK(MPI_Get_count_c(&status, mixed, &count) == MPI_SUCCESS && count == 2);
    /* One whole and an int and a double of the next. */
    int n = 1;
    double d[2] = {1, 2};
    char packed[64];
    int position = 0, first[1] = {3};
    MPI_Pack(first, 1, MPI_INT, packed, 64, &position, MPI_COMM_WORLD);
    MPI_Pack(d, 2, MPI_DOUBLE, packed, 64, &position, MPI_COMM_WORLD);
    MPI_Pack(&n, 1, MPI_INT, packed, 64, &position, MPI_COMM_WORLD);
    MPI_Pack(d, 1, MPI_DOUBLE, packed, 64, &position, MPI_COMM_WORLD);
    MPI_Sendrecv(packed, position, MPI_PACKED, right, 8, in, 3, mixed, left, 8, MPI_COMM_WORLD, &status);
    CHECK(MPI_Get_elements_c(&status, mixed, &count) == MPI_SUCCESS && count == 5);
    CHECK(MPI_Get_count_c(&status, mixed, &count) == MPI_SUCCESS && count == MPI_UNDEFINED);
    MPI_Type_free(&mixed);
}

/* Of several completed at once, the errors are told apart by their statuses. */
static void errors_in_statuses(void)
{
    int out[2] = {1, 2}, in[2] = {-1, -1}, in_other[2] = {-1, -1}, error = -1;
    MPI_Request requests[2];
    MPI_Status statuses[2];
    MPI_Irecv(in, 1, MPI_INT, left, 1, MPI_COMM_WORLD, &requests[0]);
    MPI_Irecv(in_other, 2, MPI_INT, left, 2, MPI_COMM_WORLD, &requests[1]);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Send(out, 2, MPI_INT, right, 1, MPI_COMM_WORLD);
    MPI_Send(out, 2, MPI_INT, right, 2, MPI_COMM_WORLD);
    CHECK(MPI_Waitall(2, requests, statuses) == MPI_ERR_IN_STATUS);
    MPI_Status_get_error(&statuses[0], &error);
    CHECK(error == MPI_ERR_TRUNCATE);
    fields_are(&statuses[1], left, 2, MPI_SUCCESS);
    CHECK(in_other[0] == 1 && in_other[1] == 2);
}

static int query(void *state, MPI_Status *status)
{
    MPI_Status_set_source(status, *(int *)state);
    MPI_Status_set_tag(status, 99);
    MPI_Status_set_cancelled(status, 0);
    MPI_Status_set_elements_c(status, MPI_INT, (MPI_Count)3 << 31);
    return MPI_SUCCESS;
}

static int nothing(void *state)
{
    (void)state;
    return MPI_SUCCESS;
}

static int nothing_to_cancel(void *state, int complete)
{
    (void)state, (void)complete;
    return MPI_SUCCESS;
}

/* What a generalized request says of itself comes back. */
static void generalized(void)
{
    MPI_Request request;
    MPI_Status status;
    MPI_Count count = -1;
    int state = 1000 + me, source = -1, tag = -1;
    MPI_Grequest_start(query, nothing, nothing_to_cancel, &state, &request);
    MPI_Grequest_complete(request);
    MPI_Wait(&request, &status);
    MPI_Status_get_source(&status, &source);
    MPI_Status_get_tag(&status, &tag);
    MPI_Get_elements_c(&status, MPI_INT, &count);
    CHECK(source == 1000 + me && tag == 99 && count == (MPI_Count)3 << 31);
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
    written_and_read();
    large_counts();
    received();
    errors_in_statuses();
    generalized();
    return check_end("status_fields");
}
