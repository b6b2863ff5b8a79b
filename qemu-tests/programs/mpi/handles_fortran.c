/* Handles and statuses as Fortran has them: MPI_X_c2f and MPI_X_f2c, statuses of `mpif.h` and of `mpi_f08` (MPI 5.0,
   sections 19.3.4 and 19.3.5). */
#include <mpi.h>

#include <string.h>

#include "../check.h"

static int size;

static void product(void *in, void *inout, int *n, MPI_Datatype *type)
{
    (void)type;
    for (int i = 0; i < *n; i++)
        ((int *)inout)[i] *= ((int *)in)[i];
}

static void handle(MPI_Comm *comm, int *code, ...)
{
    (void)comm, (void)code;
}

/* Null handles stay what they are, and the same integer stands for the same handle. */
static void predefined(void)
{
    CHECK(MPI_Comm_f2c(MPI_Comm_c2f(MPI_COMM_NULL)) == MPI_COMM_NULL && MPI_Comm_f2c(MPI_Comm_c2f(MPI_COMM_WORLD)) == MPI_COMM_WORLD);
    CHECK(MPI_Group_f2c(MPI_Group_c2f(MPI_GROUP_NULL)) == MPI_GROUP_NULL);
    CHECK(MPI_Type_f2c(MPI_Type_c2f(MPI_DATATYPE_NULL)) == MPI_DATATYPE_NULL && MPI_Type_f2c(MPI_Type_c2f(MPI_REAL)) == MPI_REAL);
    CHECK(MPI_Op_f2c(MPI_Op_c2f(MPI_OP_NULL)) == MPI_OP_NULL && MPI_Op_f2c(MPI_Op_c2f(MPI_BXOR)) == MPI_BXOR);
    CHECK(MPI_Request_f2c(MPI_Request_c2f(MPI_REQUEST_NULL)) == MPI_REQUEST_NULL);
    CHECK(MPI_Message_f2c(MPI_Message_c2f(MPI_MESSAGE_NULL)) == MPI_MESSAGE_NULL);
    CHECK(MPI_Message_f2c(MPI_Message_c2f(MPI_MESSAGE_NO_PROC)) == MPI_MESSAGE_NO_PROC);
    CHECK(MPI_Errhandler_f2c(MPI_Errhandler_c2f(MPI_ERRHANDLER_NULL)) == MPI_ERRHANDLER_NULL);
    CHECK(MPI_Info_f2c(MPI_Info_c2f(MPI_INFO_NULL)) == MPI_INFO_NULL);
    CHECK(MPI_Win_f2c(MPI_Win_c2f(MPI_WIN_NULL)) == MPI_WIN_NULL);
    CHECK(MPI_File_f2c(MPI_File_c2f(MPI_FILE_NULL)) == MPI_FILE_NULL);
    CHECK(MPI_Session_f2c(MPI_Session_c2f(MPI_SESSION_NULL)) == MPI_SESSION_NULL);
    CHECK(MPI_Comm_c2f(MPI_COMM_WORLD) != MPI_Comm_c2f(MPI_COMM_SELF));
    CHECK(MPI_Type_c2f(MPI_REAL) != MPI_Type_c2f(MPI_DOUBLE_PRECISION));
}

/* Only the Fortran handles are kept; objects are used and freed through what comes back. */
static void made(void)
{
    MPI_Comm comm;
    MPI_Group group;
    MPI_Datatype triple;
    MPI_Op op;
    MPI_Errhandler handler, attached;
    MPI_Info info;
    int two = 2, result = 0, n = -1;
    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    MPI_Comm_group(comm, &group);
    MPI_Type_contiguous(3, MPI_INT, &triple);
    MPI_Op_create(product, 1, &op);
    MPI_Comm_create_errhandler(handle, &handler);
    MPI_Info_create(&info);
    MPI_Fint f_comm = MPI_Comm_c2f(comm), f_group = MPI_Group_c2f(group), f_type = MPI_Type_c2f(triple), f_op = MPI_Op_c2f(op);
    MPI_Fint f_handler = MPI_Errhandler_c2f(handler), f_info = MPI_Info_c2f(info);
    comm = MPI_Comm_f2c(f_comm);
    op = MPI_Op_f2c(f_op);
    CHECK(MPI_Allreduce(&two, &result, 1, MPI_INT, op, comm) == MPI_SUCCESS && result == 1 << size);
    group = MPI_Group_f2c(f_group);
    MPI_Group_size(group, &n);
    CHECK(n == size);
    triple = MPI_Type_f2c(f_type);
    MPI_Type_size(triple, &n);
    CHECK(n == 3 * (int)sizeof(int));
    MPI_Comm_set_errhandler(comm, MPI_Errhandler_f2c(f_handler));
    MPI_Comm_get_errhandler(comm, &attached);
    CHECK(attached == handler && MPI_Errhandler_c2f(attached) == f_handler);
    MPI_Errhandler_free(&attached);
    MPI_Info_set(MPI_Info_f2c(f_info), "key", "value");
    MPI_Info_get_nkeys(info, &n);
    CHECK(n == 1);
    info = MPI_Info_f2c(f_info);
    handler = MPI_Errhandler_f2c(f_handler);
    CHECK(MPI_Info_free(&info) == MPI_SUCCESS && MPI_Errhandler_free(&handler) == MPI_SUCCESS && MPI_Op_free(&op) == MPI_SUCCESS);
    CHECK(MPI_Type_free(&triple) == MPI_SUCCESS && MPI_Group_free(&group) == MPI_SUCCESS);
    CHECK(MPI_Comm_free(&comm) == MPI_SUCCESS);
}

static void with_memory(void)
{
    MPI_Win win;
    MPI_File fh;
    MPI_Session session;
    int value = 60 + check_rank, got = -1, n = 0, amode = MPI_MODE_RDWR | MPI_MODE_CREATE | MPI_MODE_DELETE_ON_CLOSE;
    MPI_Win_create(&value, sizeof value, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &win);
    MPI_Fint f_win = MPI_Win_c2f(win);
    CHECK(MPI_Win_f2c(f_win) == win && f_win != MPI_Win_c2f(MPI_WIN_NULL));
    MPI_Win_fence(0, MPI_Win_f2c(f_win));
    MPI_Get(&got, 1, MPI_INT, 0, 0, 1, MPI_INT, MPI_Win_f2c(f_win));
    MPI_Win_fence(0, win);
    CHECK(got == 60);
    MPI_Win_free(&win);
    CHECK(MPI_File_open(MPI_COMM_WORLD, "handles_fortran.data", amode, MPI_INFO_NULL, &fh) == MPI_SUCCESS);
    MPI_Fint f_file = MPI_File_c2f(fh);
    fh = MPI_File_f2c(f_file);
    MPI_File_write_at(fh, 4 * check_rank, &value, 1, MPI_INT, MPI_STATUS_IGNORE);
    MPI_File_read_at(MPI_File_f2c(f_file), 4 * check_rank, &got, 1, MPI_INT, MPI_STATUS_IGNORE);
    CHECK(got == value);
    MPI_File_close(&fh);
    MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &session);
    MPI_Fint f_session = MPI_Session_c2f(session);
    CHECK(MPI_Session_f2c(f_session) == session);
    session = MPI_Session_f2c(f_session);
    CHECK(MPI_Session_get_num_psets(session, MPI_INFO_NULL, &n) == MPI_SUCCESS && n >= 2);
    MPI_Session_finalize(&session);
}

static int same(const MPI_Status *one, const MPI_Status *two)
{
    int counts[2] = {-1, -2}, cancelled[2] = {-1, -2};
    MPI_Get_elements(one, MPI_SHORT, &counts[0]);
    MPI_Get_elements(two, MPI_SHORT, &counts[1]);
    MPI_Test_cancelled(one, &cancelled[0]);
    MPI_Test_cancelled(two, &cancelled[1]);
    return one->MPI_SOURCE == two->MPI_SOURCE && one->MPI_TAG == two->MPI_TAG && one->MPI_ERROR == two->MPI_ERROR &&
           counts[0] == counts[1] && cancelled[0] == cancelled[1];
}

static void statuses(void)
{
    int right = (check_rank + 1) % size, left = (check_rank + size - 1) % size, n = -1, flag = 0;
    short data[5] = {1, 2, 3, 4, 5}, got[9];
    MPI_Request request;
    MPI_Message message;
    MPI_Status status, back;
    MPI_Fint old[MPI_F_STATUS_SIZE], older[MPI_F_STATUS_SIZE];
    MPI_F08_status modern, again;
    MPI_Isend(data, 5, MPI_SHORT, right, 77, MPI_COMM_WORLD, &request);
    MPI_Fint f_request = MPI_Request_c2f(request);
    MPI_Mprobe(left, MPI_ANY_TAG, MPI_COMM_WORLD, &message, &status);
    MPI_Fint f_message = MPI_Message_c2f(message);
    message = MPI_Message_f2c(f_message);
    status.MPI_ERROR = 1234;
    CHECK(MPI_Mrecv(got, 9, MPI_SHORT, &message, &status) == MPI_SUCCESS && memcmp(got, data, sizeof data) == 0);
    request = MPI_Request_f2c(f_request);
    CHECK(MPI_Wait(&request, MPI_STATUS_IGNORE) == MPI_SUCCESS && request == MPI_REQUEST_NULL);

    status.MPI_ERROR = MPI_ERR_TRUNCATE;
    memset(old, -1, sizeof old);
    CHECK(MPI_Status_c2f(&status, old) == MPI_SUCCESS);
    CHECK(old[MPI_F_SOURCE] == left && old[MPI_F_TAG] == 77 && old[MPI_F_ERROR] == MPI_ERR_TRUNCATE);
    memset(&back, -1, sizeof back);
    CHECK(MPI_Status_f2c(old, &back) == MPI_SUCCESS && same(&status, &back));
    MPI_Get_count(&back, MPI_SHORT, &n);
    CHECK(n == 5);
    memset(&modern, -1, sizeof modern);
    CHECK(MPI_Status_c2f08(&status, &modern) == MPI_SUCCESS);
    CHECK(modern.MPI_SOURCE == left && modern.MPI_TAG == 77 && modern.MPI_ERROR == MPI_ERR_TRUNCATE);
    memset(&back, -1, sizeof back);
    CHECK(MPI_Status_f082c(&modern, &back) == MPI_SUCCESS && same(&status, &back));
    memset(&again, -1, sizeof again);
    CHECK(MPI_Status_f2f08(old, &again) == MPI_SUCCESS && memcmp(&again, &modern, sizeof again) == 0);
    memset(older, -1, sizeof older);
    CHECK(MPI_Status_f082f(&again, older) == MPI_SUCCESS && memcmp(older, old, sizeof old) == 0);

    /* A cancelled one, on the way through all kinds. */
    MPI_Irecv(got, 1, MPI_SHORT, left, 78, MPI_COMM_WORLD, &request);
    MPI_Cancel(&request);
    MPI_Wait(&request, &status);
    MPI_Status_c2f(&status, old);
    MPI_Status_f2f08(old, &modern);
    MPI_Status_f082f(&modern, older);
    MPI_Status_f2c(older, &back);
    MPI_Test_cancelled(&back, &flag);
    CHECK(flag);
}

int main(int argc, char **argv)
{
    predefined(); /* Callable at any time. */
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    made();
    with_memory();
    statuses();
    return check_end("handles_fortran");
}
