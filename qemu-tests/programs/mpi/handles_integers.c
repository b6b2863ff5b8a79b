/* Handles as integers and back: the ABI's MPI_X_toint and MPI_X_fromint (MPI 5.0, section 20.4), with handles that work. */
#include <mpi.h>

#include <stdint.h>
#include <string.h>

#include "../check.h"

static int size;

/* Predefined handles have the ABI's numbers. */
static void predefined(void)
{
    CHECK(MPI_Comm_toint(MPI_COMM_WORLD) == (int)(intptr_t)MPI_COMM_WORLD && MPI_Comm_fromint(0x101) == MPI_COMM_WORLD);
    CHECK(MPI_Comm_fromint(MPI_Comm_toint(MPI_COMM_NULL)) == MPI_COMM_NULL && MPI_COMM_NULL != MPI_COMM_SELF);
    CHECK(MPI_Comm_fromint(MPI_Comm_toint(MPI_COMM_SELF)) == MPI_COMM_SELF);
    CHECK(MPI_Group_fromint(MPI_Group_toint(MPI_GROUP_NULL)) == MPI_GROUP_NULL);
    CHECK(MPI_Group_fromint(MPI_Group_toint(MPI_GROUP_EMPTY)) == MPI_GROUP_EMPTY);
    CHECK(MPI_Type_toint(MPI_INT) == (int)(intptr_t)MPI_INT && MPI_Type_fromint(MPI_Type_toint(MPI_DOUBLE)) == MPI_DOUBLE);
    CHECK(MPI_Type_fromint(MPI_Type_toint(MPI_DATATYPE_NULL)) == MPI_DATATYPE_NULL);
    CHECK(MPI_Op_toint(MPI_SUM) == (int)(intptr_t)MPI_SUM && MPI_Op_fromint(MPI_Op_toint(MPI_MAXLOC)) == MPI_MAXLOC);
    CHECK(MPI_Op_fromint(MPI_Op_toint(MPI_OP_NULL)) == MPI_OP_NULL);
    CHECK(MPI_Request_fromint(MPI_Request_toint(MPI_REQUEST_NULL)) == MPI_REQUEST_NULL);
    CHECK(MPI_Message_fromint(MPI_Message_toint(MPI_MESSAGE_NULL)) == MPI_MESSAGE_NULL);
    CHECK(MPI_Message_fromint(MPI_Message_toint(MPI_MESSAGE_NO_PROC)) == MPI_MESSAGE_NO_PROC);
    CHECK(MPI_Errhandler_fromint(MPI_Errhandler_toint(MPI_ERRORS_RETURN)) == MPI_ERRORS_RETURN);
    CHECK(MPI_Errhandler_fromint(MPI_Errhandler_toint(MPI_ERRHANDLER_NULL)) == MPI_ERRHANDLER_NULL);
    CHECK(MPI_Info_fromint(MPI_Info_toint(MPI_INFO_NULL)) == MPI_INFO_NULL);
    CHECK(MPI_Info_fromint(MPI_Info_toint(MPI_INFO_ENV)) == MPI_INFO_ENV);
    CHECK(MPI_Win_fromint(MPI_Win_toint(MPI_WIN_NULL)) == MPI_WIN_NULL);
    CHECK(MPI_File_fromint(MPI_File_toint(MPI_FILE_NULL)) == MPI_FILE_NULL);
    CHECK(MPI_Session_fromint(MPI_Session_toint(MPI_SESSION_NULL)) == MPI_SESSION_NULL);
}

static void larger(void *in, void *inout, int *n, MPI_Datatype *type)
{
    (void)type;
    for (int i = 0; i < *n; i++)
        if (((int *)in)[i] > ((int *)inout)[i])
            ((int *)inout)[i] = ((int *)in)[i];
}

static int handled;

static void handle(MPI_Comm *comm, int *code, ...)
{
    (void)comm;
    handled = *code;
}

/* Only the numbers are kept; the objects are used and freed through what comes back. */
static void made(void)
{
    MPI_Comm comm;
    MPI_Group group;
    MPI_Datatype pair;
    MPI_Op op;
    MPI_Errhandler handler;
    int numbers[5], most = -1, n = -1;
    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    MPI_Comm_group(comm, &group);
    MPI_Type_contiguous(2, MPI_INT, &pair);
    MPI_Op_create(larger, 1, &op);
    MPI_Comm_create_errhandler(handle, &handler);
    numbers[0] = MPI_Comm_toint(comm);
    numbers[1] = MPI_Group_toint(group);
    numbers[2] = MPI_Type_toint(pair);
    numbers[3] = MPI_Op_toint(op);
    numbers[4] = MPI_Errhandler_toint(handler);
    CHECK(MPI_Comm_fromint(numbers[0]) == comm && MPI_Group_fromint(numbers[1]) == group && MPI_Op_fromint(numbers[3]) == op);
    CHECK(MPI_Type_fromint(numbers[2]) == pair && MPI_Errhandler_fromint(numbers[4]) == handler);
    comm = MPI_Comm_fromint(numbers[0]);
    op = MPI_Op_fromint(numbers[3]);
    CHECK(MPI_Allreduce(&check_rank, &most, 1, MPI_INT, op, comm) == MPI_SUCCESS && most == size - 1);
    handler = MPI_Errhandler_fromint(numbers[4]);
    MPI_Comm_set_errhandler(comm, handler);
    CHECK(MPI_Send(NULL, 0, MPI_INT, size, 0, comm) == MPI_ERR_RANK && handled == MPI_ERR_RANK);
    group = MPI_Group_fromint(numbers[1]);
    MPI_Group_size(group, &n);
    CHECK(n == size);
    pair = MPI_Type_fromint(numbers[2]);
    MPI_Type_size(pair, &n);
    CHECK(n == 2 * (int)sizeof(int));
    CHECK(MPI_Errhandler_free(&handler) == MPI_SUCCESS && MPI_Op_free(&op) == MPI_SUCCESS);
    CHECK(MPI_Type_free(&pair) == MPI_SUCCESS && MPI_Group_free(&group) == MPI_SUCCESS);
    CHECK(MPI_Comm_free(&comm) == MPI_SUCCESS);
}

static void messages(void)
{
    MPI_Request request;
    MPI_Message message;
    MPI_Status status;
    int right = (check_rank + 1) % size, left = (check_rank + size - 1) % size, got = -1, flag = 0;
    MPI_Isend(&check_rank, 1, MPI_INT, right, 3, MPI_COMM_WORLD, &request);
    int number = MPI_Request_toint(request);
    CHECK(MPI_Request_fromint(number) == request && request != MPI_REQUEST_NULL);
    MPI_Mprobe(left, 3, MPI_COMM_WORLD, &message, &status);
    int probed = MPI_Message_toint(message);
    CHECK(MPI_Message_fromint(probed) == message && message != MPI_MESSAGE_NULL);
    message = MPI_Message_fromint(probed);
    CHECK(MPI_Mrecv(&got, 1, MPI_INT, &message, &status) == MPI_SUCCESS && got == left && message == MPI_MESSAGE_NULL);
    request = MPI_Request_fromint(number);
    CHECK(MPI_Wait(&request, &status) == MPI_SUCCESS && request == MPI_REQUEST_NULL);
    MPI_Test_cancelled(&status, &flag);
    CHECK(!flag);
}

static void others(void)
{
    MPI_Info info;
    MPI_Win win;
    MPI_File fh;
    MPI_Session session;
    int value = 40 + check_rank, got = -1, flag = 0, room = 8, n = 0;
    char text[8];
    MPI_Info_create(&info);
    int numbers[4] = {MPI_Info_toint(info)};
    MPI_Info_set(MPI_Info_fromint(numbers[0]), "key", "value");
    MPI_Info_get_string(info, "key", &room, text, &flag);
    CHECK(flag && strcmp(text, "value") == 0);
    info = MPI_Info_fromint(numbers[0]);
    CHECK(MPI_Info_free(&info) == MPI_SUCCESS);

    MPI_Win_create(&value, sizeof value, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &win);
    numbers[1] = MPI_Win_toint(win);
    CHECK(MPI_Win_fromint(numbers[1]) == win && win != MPI_WIN_NULL);
    win = MPI_Win_fromint(numbers[1]);
    MPI_Win_fence(0, win);
    MPI_Get(&got, 1, MPI_INT, size - 1, 0, 1, MPI_INT, win);
    MPI_Win_fence(0, win);
    CHECK(got == 40 + size - 1);
    CHECK(MPI_Win_free(&win) == MPI_SUCCESS);

    int amode = MPI_MODE_RDWR | MPI_MODE_CREATE | MPI_MODE_DELETE_ON_CLOSE;
    CHECK(MPI_File_open(MPI_COMM_WORLD, "handles_integers.data", amode, MPI_INFO_NULL, &fh) == MPI_SUCCESS);
    numbers[2] = MPI_File_toint(fh);
    CHECK(MPI_File_fromint(numbers[2]) == fh && fh != MPI_FILE_NULL);
    fh = MPI_File_fromint(numbers[2]);
    MPI_File_write_at(fh, 4 * check_rank, &value, 1, MPI_INT, MPI_STATUS_IGNORE);
    MPI_File_read_at(fh, 4 * check_rank, &got, 1, MPI_INT, MPI_STATUS_IGNORE);
    CHECK(got == value);
    CHECK(MPI_File_close(&fh) == MPI_SUCCESS);

    MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &session);
    numbers[3] = MPI_Session_toint(session);
    CHECK(MPI_Session_fromint(numbers[3]) == session && session != MPI_SESSION_NULL);
    session = MPI_Session_fromint(numbers[3]);
    CHECK(MPI_Session_get_num_psets(session, MPI_INFO_NULL, &n) == MPI_SUCCESS && n >= 2);
    CHECK(MPI_Session_finalize(&session) == MPI_SUCCESS);
}

int main(int argc, char **argv)
{
    predefined(); /* Callable at any time. */
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    made();
    messages();
    others();
    return check_end("handles_integers");
}
