/* Corners of MPI that programs written for other implementations rely on. */
#include <mpi.h>
#include <string.h>

#include "check.h"

static int rank, size, next, before;

static int is_empty(const MPI_Status *status)
{
    int count = -1, cancelled = 1;
    MPI_Get_count(status, MPI_BYTE, &count);
    MPI_Test_cancelled(status, &cancelled);
    return status->MPI_SOURCE == MPI_ANY_SOURCE && status->MPI_TAG == MPI_ANY_TAG &&
           status->MPI_ERROR == MPI_SUCCESS && count == 0 && !cancelled;
}

static void empty_statuses(void)
{
    MPI_Status status;
    MPI_Request null = MPI_REQUEST_NULL;
    int flag = 0, index;
    memset(&status, 0x55, sizeof status);
    MPI_Request_get_status(null, &flag, &status);
    CHECK(flag && is_empty(&status));
    memset(&status, 0x55, sizeof status);
    MPI_Wait(&null, &status);
    CHECK(is_empty(&status));
    memset(&status, 0x55, sizeof status);
    MPI_Waitany(1, &null, &index, &status);
    CHECK(index == MPI_UNDEFINED && is_empty(&status));
    MPI_Recv(NULL, 0, MPI_DATATYPE_NULL, MPI_PROC_NULL, 1, MPI_COMM_WORLD, &status);
    CHECK(status.MPI_SOURCE == MPI_PROC_NULL && status.MPI_TAG == MPI_ANY_TAG);
}

static void pairs(int count)
{
    int *out = malloc((size_t)count * sizeof *out), *in = malloc((size_t)count * sizeof *in);
    MPI_Request request;
    MPI_Status status;
    for (int i = 0; i < count; i++)
        out[i] = rank * 1000 + i;
    MPI_Isendrecv(out, count, MPI_INT, next, 4, in, count, MPI_INT, before, 4, MPI_COMM_WORLD, &request);
    MPI_Wait(&request, &status);
    CHECK(request == MPI_REQUEST_NULL && status.MPI_SOURCE == before && status.MPI_TAG == 4);
    CHECK(in[0] == before * 1000 && in[count - 1] == before * 1000 + count - 1);
    MPI_Isendrecv_replace(in, count, MPI_INT, before, 5, next, 5, MPI_COMM_WORLD, &request);
    int index = -1;
    MPI_Waitany(1, &request, &index, &status);
    CHECK(index == 0 && status.MPI_SOURCE == next && in[count - 1] == out[count - 1]);
    MPI_Isendrecv(out, count, MPI_INT, MPI_PROC_NULL, 6, in, count, MPI_INT, MPI_PROC_NULL, 6, MPI_COMM_WORLD, &request);
    MPI_Wait(&request, &status);
    CHECK(status.MPI_SOURCE == MPI_PROC_NULL);
    free(out);
    free(in);
}

static void looking_at_requests(void)
{
    int in[2] = {-1, -1}, out[2] = {rank, -rank}, flag = 0, count, indices[3];
    MPI_Request requests[3] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    MPI_Status statuses[3];
    MPI_Request_get_status_some(3, requests, &count, indices, statuses);
    CHECK(count == MPI_UNDEFINED);
    MPI_Irecv(&in[0], 1, MPI_INT, before, 7, MPI_COMM_WORLD, &requests[0]);
    MPI_Irecv(&in[1], 1, MPI_INT, before, 8, MPI_COMM_WORLD, &requests[2]);
    MPI_Request_get_status_any(3, requests, &indices[0], &flag, statuses);
    CHECK(!flag);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Send(&out[1], 1, MPI_INT, next, 8, MPI_COMM_WORLD);
    do
        MPI_Request_get_status_any(3, requests, &indices[0], &flag, statuses);
    while (!flag);
    CHECK(indices[0] == 2 && statuses[0].MPI_TAG == 8 && requests[2] != MPI_REQUEST_NULL && in[1] == -before);
    MPI_Request_get_status_all(3, requests, &flag, statuses);
    CHECK(!flag);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Send(&out[0], 1, MPI_INT, next, 7, MPI_COMM_WORLD);
    do
        MPI_Request_get_status_all(3, requests, &flag, statuses);
    while (!flag);
    CHECK(statuses[0].MPI_TAG == 7 && is_empty(&statuses[1]) && statuses[2].MPI_TAG == 8);
    MPI_Request_get_status_some(3, requests, &count, indices, statuses);
    CHECK(count == 2 && indices[0] == 0 && indices[1] == 2 && statuses[1].MPI_TAG == 8);
    MPI_Waitall(3, requests, MPI_STATUSES_IGNORE);
    MPI_Fint fortran[sizeof(MPI_Status) / sizeof(MPI_Fint)];
    MPI_Status back;
    MPI_Status_c2f(&statuses[1], fortran);
    MPI_Status_f2c(fortran, &back);
    CHECK(back.MPI_SOURCE == before && back.MPI_TAG == 8);
}

static int declines(MPI_Comm comm, int key, void *extra, void *in, void *out, int *flag)
{
    (void)comm, (void)key, (void)extra, (void)in, (void)out, (void)flag;
    return MPI_ERR_OTHER;
}

static void attributes_and_hints(void)
{
    int key, saved, flag, value = 5, *found = NULL;
    MPI_Comm mine, copy;
    MPI_Comm_dup(MPI_COMM_SELF, &mine);
    MPI_Comm_set_errhandler(mine, MPI_ERRORS_RETURN);
    MPI_Comm_create_keyval(declines, MPI_COMM_NULL_DELETE_FN, &key, NULL);
    saved = key;
    MPI_Comm_set_attr(mine, key, &value);
    MPI_Comm_free_keyval(&key);
    CHECK(key == MPI_KEYVAL_INVALID);
    /* The key lives as long as a value does. */
    MPI_Comm_get_attr(mine, saved, &found, &flag);
    CHECK(flag && found == &value);
    copy = mine;
    CHECK(MPI_Comm_dup(mine, &copy) != MPI_SUCCESS && copy == MPI_COMM_NULL);
    CHECK(MPI_Comm_delete_attr(mine, saved) == MPI_SUCCESS);
    CHECK(MPI_Comm_delete_attr(mine, saved) != MPI_SUCCESS);
    MPI_Info info, used;
    MPI_Info_create(&info);
    MPI_Info_set(info, "unknown_to_all", "true");
    MPI_Info_set(info, "mpi_assert_no_any_tag", "true");
    MPI_Comm_set_info(mine, info);
    MPI_Comm_get_info(mine, &used);
    char text[8];
    int length = sizeof text;
    MPI_Info_get_string(used, "unknown_to_all", &length, text, &flag);
    CHECK(!flag);
    MPI_Info_get_string(used, "mpi_assert_no_any_tag", &length, text, &flag);
    CHECK(flag);
    MPI_Info_free(&info);
    MPI_Info_free(&used);
    int one = 1, class = 0;
    CHECK(MPI_Reduce_local(MPI_IN_PLACE, &one, 1, MPI_INT, MPI_SUM) != MPI_SUCCESS);
    CHECK(MPI_Error_class(MPI_Reduce_local(&one, MPI_IN_PLACE, 1, MPI_INT, MPI_SUM), &class) == MPI_SUCCESS);
    CHECK(class == MPI_ERR_BUFFER);
    MPI_Comm_free(&mine);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    check_rank = rank;
    next = (rank + 1) % size;
    before = (rank + size - 1) % size;
    empty_statuses();
    pairs(1);
    pairs(5000);
    pairs(200000);
    looking_at_requests();
    attributes_and_hints();
    return check_end("odds");
}
