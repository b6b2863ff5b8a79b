/* One mistake, chosen by the first argument; says how MPI calls it. Two ranks. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int rank;

static void say(const char *what, int code)
{
    char text[MPI_MAX_ERROR_STRING], name[MPI_MAX_ERROR_STRING];
    int length, class;
    MPI_Error_class(code, &class);
    MPI_Error_string(code, text, &length);
    MPI_Error_string(class, name, &length);
    const char *known = class == MPI_SUCCESS ? "MPI_SUCCESS" : class == MPI_ERR_TYPE ? "MPI_ERR_TYPE"
        : class == MPI_ERR_TRUNCATE ? "MPI_ERR_TRUNCATE" : class == MPI_ERR_BUFFER ? "MPI_ERR_BUFFER"
        : class == MPI_ERR_COMM ? "MPI_ERR_COMM" : class == MPI_ERR_REQUEST ? "MPI_ERR_REQUEST"
        : class == MPI_ERR_OP ? "MPI_ERR_OP" : class == MPI_ERR_GROUP ? "MPI_ERR_GROUP"
        : class == MPI_ERR_INFO ? "MPI_ERR_INFO" : class == MPI_ERR_WIN ? "MPI_ERR_WIN"
        : class == MPI_ERR_FILE ? "MPI_ERR_FILE" : class == MPI_ERR_KEYVAL ? "MPI_ERR_KEYVAL"
        : class == MPI_ERR_ERRHANDLER ? "MPI_ERR_ERRHANDLER" : class == MPI_ERR_OTHER ? "MPI_ERR_OTHER" : name;
    printf("rank %d: %s: %s: %s\n", rank, what, known, text);
    fflush(stdout);
}

/* `n` integers are received as doubles. */
static void type(int n)
{
    int *numbers = calloc(n, sizeof(int));
    if (rank == 0)
        say("send", MPI_Send(numbers, n, MPI_INT, 1, 7, MPI_COMM_WORLD));
    else
        say("receive", MPI_Recv(numbers, n / 2, MPI_DOUBLE, 0, 7, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
    free(numbers);
}

/* Integers are scattered, floats received: on the way of messages. */
static void collective_type(void)
{
    int numbers[4] = {1, 2, 3, 4};
    float floats[2];
    int code = rank == 0 ? MPI_Scatter(numbers, 2, MPI_INT, MPI_IN_PLACE, 2, MPI_INT, 0, MPI_COMM_WORLD)
                         : MPI_Scatter(NULL, 0, MPI_INT, floats, 2, MPI_FLOAT, 0, MPI_COMM_WORLD);
    say("scatter", code);
}

static void count(void)
{
    int numbers[8] = {0};
    if (rank == 0)
        say("send", MPI_Send(numbers, 8, MPI_INT, 1, 7, MPI_COMM_WORLD));
    else
        say("receive", MPI_Recv(numbers, 4, MPI_INT, 0, 7, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
}

static void overlap(void)
{
    char space[100];
    MPI_Request one, two = MPI_REQUEST_NULL;
    MPI_Irecv(space, 50, MPI_CHAR, 1 - rank, 1, MPI_COMM_WORLD, &one);
    say("overlapping", MPI_Irecv(space + 49, 50, MPI_CHAR, 1 - rank, 2, MPI_COMM_WORLD, &two));
    if (two != MPI_REQUEST_NULL) {
        MPI_Cancel(&two);
        MPI_Wait(&two, MPI_STATUS_IGNORE);
    }
    say("touching", MPI_Irecv(space + 50, 50, MPI_CHAR, 1 - rank, 2, MPI_COMM_WORLD, &two));
    MPI_Cancel(&one);
    MPI_Cancel(&two);
    MPI_Wait(&one, MPI_STATUS_IGNORE);
    MPI_Wait(&two, MPI_STATUS_IGNORE);
}

static void add(void *in, void *inout, int *n, MPI_Datatype *type)
{
    (void)in, (void)inout, (void)n, (void)type;
}

/* Each kind of handle after it was freed, while another object of the kind has taken its place. */
static void freed(void)
{
    int number = 0, size;
    double value, result;
    char word[8];

    MPI_Comm comm, stale_comm, next_comm;
    MPI_Comm_dup(MPI_COMM_SELF, &comm);
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    stale_comm = comm;
    MPI_Comm_free(&comm);
    MPI_Comm_dup(MPI_COMM_SELF, &next_comm);
    say("communicator", MPI_Send(&number, 1, MPI_INT, 0, 0, stale_comm));
    MPI_Comm_free(&next_comm);

    MPI_Datatype type, stale_type, next_type;
    MPI_Type_contiguous(2, MPI_INT, &type);
    MPI_Type_commit(&type);
    stale_type = type;
    MPI_Type_free(&type);
    MPI_Type_contiguous(2, MPI_INT, &next_type);
    MPI_Type_commit(&next_type);
    say("datatype", MPI_Send(&number, 0, stale_type, rank, 0, MPI_COMM_WORLD));
    MPI_Type_free(&next_type);

    MPI_Request request, stale_request, next_request;
    MPI_Irecv(&number, 1, MPI_INT, 0, 5, MPI_COMM_SELF, &request);
    stale_request = request;
    MPI_Cancel(&request);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    MPI_Irecv(&number, 1, MPI_INT, 0, 5, MPI_COMM_SELF, &next_request);
    say("request", MPI_Wait(&stale_request, MPI_STATUS_IGNORE));
    MPI_Cancel(&next_request);
    MPI_Wait(&next_request, MPI_STATUS_IGNORE);

    MPI_Op op, stale_op, next_op;
    MPI_Op_create(add, 1, &op);
    stale_op = op;
    MPI_Op_free(&op);
    MPI_Op_create(add, 1, &next_op);
    say("operation", MPI_Allreduce(&value, &result, 1, MPI_DOUBLE, stale_op, MPI_COMM_SELF));
    MPI_Op_free(&next_op);

    MPI_Group group, stale_group, next_group;
    MPI_Comm_group(MPI_COMM_WORLD, &group);
    stale_group = group;
    MPI_Group_free(&group);
    MPI_Comm_group(MPI_COMM_WORLD, &next_group);
    say("group", MPI_Group_size(stale_group, &size));
    MPI_Group_free(&next_group);

    MPI_Info info, stale_info, next_info;
    MPI_Info_create(&info);
    stale_info = info;
    MPI_Info_free(&info);
    MPI_Info_create(&next_info);
    say("info", MPI_Info_set(stale_info, "key", "value"));
    MPI_Info_free(&next_info);

    MPI_Errhandler handler, stale_handler;
    MPI_Comm_create_errhandler((MPI_Comm_errhandler_function *)add, &handler);
    stale_handler = handler;
    MPI_Errhandler_free(&handler);
    say("error handler", MPI_Comm_set_errhandler(MPI_COMM_SELF, stale_handler));

    MPI_Win win, stale_win;
    MPI_Win_create(word, sizeof word, 1, MPI_INFO_NULL, MPI_COMM_SELF, &win);
    stale_win = win;
    MPI_Win_free(&win);
    say("window", MPI_Win_fence(0, stale_win));

    MPI_File file, stale_file;
    if (MPI_File_open(MPI_COMM_SELF, "/tmp/unirank-mistakes", MPI_MODE_CREATE | MPI_MODE_RDWR | MPI_MODE_DELETE_ON_CLOSE,
                      MPI_INFO_NULL, &file) == MPI_SUCCESS) {
        stale_file = file;
        MPI_File_close(&file);
        say("file", MPI_File_write(stale_file, word, 1, MPI_CHAR, MPI_STATUS_IGNORE));
    }

    int key, stale_key;
    MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, MPI_COMM_NULL_DELETE_FN, &key, NULL);
    stale_key = key;
    MPI_Comm_free_keyval(&key);
    say("key", MPI_Comm_set_attr(MPI_COMM_SELF, stale_key, NULL));

    MPI_Message message, stale_message;
    MPI_Isend(&number, 1, MPI_INT, 0, 9, MPI_COMM_SELF, &request);
    MPI_Mprobe(0, 9, MPI_COMM_SELF, &message, MPI_STATUS_IGNORE);
    stale_message = message;
    MPI_Mrecv(&size, 1, MPI_INT, &message, MPI_STATUS_IGNORE);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    say("message", MPI_Mrecv(&size, 1, MPI_INT, &stale_message, MPI_STATUS_IGNORE));
}

/* Objects and operations that nobody ends. */
static void left(void)
{
    static int number;
    MPI_Comm comm;
    MPI_Datatype type;
    MPI_Request request;
    MPI_Comm_dup(MPI_COMM_SELF, &comm);
    MPI_Type_contiguous(2, MPI_INT, &type);
    MPI_Irecv(&number, 1, MPI_INT, 0, 5, MPI_COMM_SELF, &request);
}

/* Ranks disagree about a collective. */
static void disagree(void)
{
    int number = 0, sum;
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0)
        MPI_Barrier(MPI_COMM_WORLD);
    else
        MPI_Allreduce(&number, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
}

static void operation(void)
{
    int number = 0, sum;
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Allreduce(&number, &sum, 1, MPI_INT, rank == 0 ? MPI_SUM : MPI_MAX, MPI_COMM_WORLD);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "disagree") && strcmp(what, "operation")) {
        MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
        MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    }
    if (!strcmp(what, "type"))
        type(2);
    else if (!strcmp(what, "type-large"))
        type(100000);
    else if (!strcmp(what, "collective-type"))
        collective_type();
    else if (!strcmp(what, "count"))
        count();
    else if (!strcmp(what, "overlap"))
        overlap();
    else if (!strcmp(what, "freed"))
        freed();
    else if (!strcmp(what, "left"))
        left();
    else if (!strcmp(what, "disagree"))
        disagree();
    else if (!strcmp(what, "operation"))
        operation();
    MPI_Finalize();
    return 0;
}
