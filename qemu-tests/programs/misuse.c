/* Misuse gives the standard's error class under MPI_ERRORS_RETURN, and a text that says what was wrong. */
#include <mpi.h>
#include <string.h>

#include "check.h"

static void class_is(int code, int want, int line)
{
    int class = -1, n;
    char text[MPI_MAX_ERROR_STRING];
    MPI_Error_class(code, &class);
    if (class != want) {
        MPI_Error_string(code, text, &n);
        fprintf(stderr, "line %d: class %d, not %d: %s\n", line, class, want, text);
    }
    CHECK(class == want);
    MPI_Error_string(code, text, &n);
    CHECK(n > 4 && (size_t)n == strlen(text));
}
#define CLASS(call, want) class_is(call, want, __LINE__)

static int handled;
static void handler(MPI_Comm *comm, int *code, ...)
{
    (void)comm;
    handled = *code;
}

int main(int argc, char **argv)
{
    int rank, size, x = 0, y[4] = {0};
    MPI_Request r;
    MPI_Status st;
    MPI_Comm comm;
    MPI_Datatype t;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    check_rank = rank;
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    CLASS(MPI_Send(&x, 1, MPI_INT, size, 0, MPI_COMM_WORLD), MPI_ERR_RANK);
    CLASS(MPI_Send(&x, 1, MPI_INT, -7, 0, MPI_COMM_WORLD), MPI_ERR_RANK);
    CLASS(MPI_Send(&x, -1, MPI_INT, 0, 0, MPI_COMM_WORLD), MPI_ERR_COUNT);
    CLASS(MPI_Send(&x, 1, MPI_INT, 0, -5, MPI_COMM_WORLD), MPI_ERR_TAG);
    CLASS(MPI_Send(&x, 1, MPI_DATATYPE_NULL, 0, 0, MPI_COMM_WORLD), MPI_ERR_TYPE);
    CLASS(MPI_Send(&x, 1, MPI_INT, 0, 0, MPI_COMM_NULL), MPI_ERR_COMM);
    CLASS(MPI_Recv(&x, 1, MPI_INT, size + 3, 0, MPI_COMM_WORLD, &st), MPI_ERR_RANK);
    CLASS(MPI_Bcast(&x, 1, MPI_INT, size, MPI_COMM_WORLD), MPI_ERR_ROOT);
    CLASS(MPI_Allreduce(&x, &y, 1, MPI_FLOAT, MPI_BAND, MPI_COMM_SELF), MPI_ERR_OP);
    CLASS(MPI_Allreduce(&x, &y, 1, MPI_INT, MPI_OP_NULL, MPI_COMM_SELF), MPI_ERR_OP);
    CLASS(MPI_Comm_rank(MPI_COMM_NULL, &x), MPI_ERR_COMM);
    CLASS(MPI_Type_vector(-1, 1, 1, MPI_INT, &t), MPI_ERR_COUNT);
    CLASS(MPI_Type_contiguous(2, MPI_DATATYPE_NULL, &t), MPI_ERR_TYPE);
    CLASS(MPI_Cart_shift(MPI_COMM_WORLD, 0, 1, &x, &x), MPI_ERR_TOPOLOGY);
    MPI_Type_contiguous(2, MPI_INT, &t);
    CLASS(MPI_Send(&y, 1, t, 0, 0, MPI_COMM_SELF), MPI_ERR_TYPE);
    MPI_Type_free(&t);
    MPI_Comm_dup(MPI_COMM_SELF, &comm);
    MPI_Comm gone = comm;
    MPI_Comm_free(&comm);
    CLASS(MPI_Comm_size(gone, &x), MPI_ERR_COMM);
    /* truncation, short and long, is told to the receiver and hurts nobody else */
    for (int n = 4; n <= 40000; n *= 100) {
        int *out = calloc((size_t)n, sizeof(int));
        y[1] = 77;
        MPI_Isend(out, n, MPI_INT, 0, 1, MPI_COMM_SELF, &r);
        CLASS(MPI_Recv(y, 1, MPI_INT, 0, 1, MPI_COMM_SELF, &st), MPI_ERR_TRUNCATE);
        CHECK(y[1] == 77);
        MPI_Wait(&r, MPI_STATUS_IGNORE);
        if (size > 1 && rank < 2) {
            MPI_Isend(out, n, MPI_INT, 1 - rank, 2, MPI_COMM_WORLD, &r);
            CLASS(MPI_Recv(y, 1, MPI_INT, 1 - rank, 2, MPI_COMM_WORLD, &st), MPI_ERR_TRUNCATE);
            CHECK(y[1] == 77);
            MPI_Wait(&r, MPI_STATUS_IGNORE);
        }
        free(out);
    }
    MPI_Errhandler mine;
    MPI_Comm_create_errhandler(handler, &mine);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, mine);
    MPI_Send(&x, 1, MPI_INT, size, 0, MPI_COMM_WORLD);
    CLASS(handled, MPI_ERR_RANK);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_ARE_FATAL);
    MPI_Errhandler_free(&mine);
    return check_end("misuse");
}
