/* Error classes, codes and texts of the program, and error handlers that it calls itself (MPI 5.0, sections 9.3 and 9.5). */
#include <mpi.h>

#include <string.h>

#include "../check.h"

static int size;

static int class_of(int code)
{
    int class = -1;
    return MPI_Error_class(code, &class) == MPI_SUCCESS ? class : -1;
}

static int text_is(int code, const char *expected)
{
    char text[MPI_MAX_ERROR_STRING];
    int length = -1;
    memset(text, 'x', sizeof text);
    return MPI_Error_string(code, text, &length) == MPI_SUCCESS && length == (int)strlen(expected) && strcmp(text, expected) == 0;
}

static int last_used(void)
{
    int *value = NULL, flag = 0;
    MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_LASTUSEDCODE, &value, &flag);
    return flag ? *value : -1;
}

static void own_codes(void)
{
    int class = -1, code = -1, other = -1, of_library = -1, again = -1;
    CHECK(last_used() == MPI_ERR_LASTCODE);
    CHECK(MPI_Add_error_class(&class) == MPI_SUCCESS && class > MPI_ERR_LASTCODE && last_used() == class);
    CHECK(MPI_Add_error_code(class, &code) == MPI_SUCCESS && code > class && last_used() == code);
    CHECK(MPI_Add_error_code(class, &other) == MPI_SUCCESS && other > code);
    CHECK(MPI_Add_error_code(MPI_ERR_TAG, &of_library) == MPI_SUCCESS && last_used() == of_library);
    CHECK(class_of(class) == class && class_of(code) == class && class_of(other) == class && class_of(of_library) == MPI_ERR_TAG);
    CHECK(text_is(class, "") && text_is(code, ""));
    CHECK(MPI_Add_error_string(class, "a matter of taste") == MPI_SUCCESS);
    CHECK(MPI_Add_error_string(code, "too sweet") == MPI_SUCCESS);
    CHECK(MPI_Add_error_string(code, "much too sweet") == MPI_SUCCESS);
    CHECK(MPI_Add_error_string(of_library, "the tag is ugly") == MPI_SUCCESS);
    CHECK(text_is(class, "a matter of taste") && text_is(code, "much too sweet") && text_is(other, ""));
    CHECK(text_is(of_library, "the tag is ugly"));
    char longest[MPI_MAX_ERROR_STRING];
    memset(longest, 'l', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    CHECK(MPI_Add_error_string(other, longest) == MPI_SUCCESS && text_is(other, longest));
    CHECK(MPI_Add_error_string(other, "") == MPI_SUCCESS && text_is(other, ""));
    /* The library's own are not for the program to change. */
    CHECK(MPI_Add_error_string(MPI_ERR_TAG, "x") == MPI_ERR_ARG);
    CHECK(MPI_Add_error_string(last_used() + 1, "x") == MPI_ERR_ARG);
    CHECK(MPI_Remove_error_string(MPI_ERR_TAG) == MPI_ERR_ARG);
    CHECK(MPI_Remove_error_class(MPI_ERR_TAG) == MPI_ERR_ARG);
    CHECK(MPI_Remove_error_code(MPI_ERR_TAG) == MPI_ERR_ARG);
    CHECK(MPI_Add_error_code(last_used() + 1, &again) == MPI_ERR_ARG);

    /* Texts go first, then codes, then their class. */
    CHECK(MPI_Remove_error_code(code) != MPI_SUCCESS && MPI_Remove_error_class(class) != MPI_SUCCESS);
    CHECK(MPI_Remove_error_string(code) == MPI_SUCCESS && text_is(code, ""));
    CHECK(MPI_Remove_error_string(class) == MPI_SUCCESS && MPI_Remove_error_string(of_library) == MPI_SUCCESS);
    CHECK(MPI_Remove_error_class(class) != MPI_SUCCESS);
    CHECK(MPI_Remove_error_code(class) == MPI_ERR_ARG && MPI_Remove_error_class(code) == MPI_ERR_ARG);
    CHECK(MPI_Remove_error_code(code) == MPI_SUCCESS && class_of(code) == -1 && class_of(other) == class);
    CHECK(MPI_Remove_error_code(code) == MPI_ERR_ARG);
    CHECK(MPI_Remove_error_code(other) == MPI_SUCCESS && MPI_Remove_error_code(of_library) == MPI_SUCCESS);
    CHECK(MPI_Remove_error_class(class) == MPI_SUCCESS && class_of(class) == -1);
    CHECK(MPI_Add_error_class(&again) == MPI_SUCCESS && again > MPI_ERR_LASTCODE && class_of(again) == again);
    CHECK(MPI_Remove_error_class(again) == MPI_SUCCESS);
}

static int calls, handled_code;
static MPI_Comm handled_comm;
static MPI_Win handled_win;

static void handle_comm(MPI_Comm *comm, int *code, ...)
{
    calls++;
    handled_code = *code;
    handled_comm = *comm;
}

static void handle_win(MPI_Win *win, int *code, ...)
{
    calls++;
    handled_code = *code;
    handled_win = *win;
}

static void of_communicators(void)
{
    MPI_Errhandler handler;
    MPI_Comm comm;
    int code;
    MPI_Add_error_code(MPI_ERR_OTHER, &code);
    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    MPI_Comm_create_errhandler(handle_comm, &handler);
    MPI_Comm_set_errhandler(comm, handler);
    MPI_Errhandler_free(&handler);
    calls = 0;
    CHECK(MPI_Comm_call_errhandler(comm, code) == MPI_SUCCESS);
    CHECK(calls == 1 && handled_code == code && handled_comm == comm);
    CHECK(MPI_Comm_call_errhandler(comm, MPI_ERR_BUFFER) == MPI_SUCCESS && calls == 2 && handled_code == MPI_ERR_BUFFER);
    /* As the library does itself. */
    CHECK(MPI_Send(&code, 1, MPI_INT, size, 0, comm) == MPI_ERR_RANK && calls == 3 && handled_code == MPI_ERR_RANK);
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    CHECK(MPI_Comm_call_errhandler(comm, code) == MPI_SUCCESS && calls == 3);
    CHECK(MPI_Comm_call_errhandler(MPI_COMM_NULL, code) == MPI_ERR_COMM);
    MPI_Comm_free(&comm);
    MPI_Remove_error_code(code);
}

static void of_windows(void)
{
    MPI_Errhandler handler, attached;
    MPI_Win win;
    int value = 0;
    MPI_Win_create(&value, sizeof value, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &win);
    CHECK(MPI_Win_get_errhandler(win, &attached) == MPI_SUCCESS && attached == MPI_ERRORS_ARE_FATAL);
    MPI_Errhandler_free(&attached);
    MPI_Win_create_errhandler(handle_win, &handler);
    MPI_Win_set_errhandler(win, handler);
    CHECK(MPI_Win_get_errhandler(win, &attached) == MPI_SUCCESS && attached == handler);
    CHECK(MPI_Errhandler_free(&attached) == MPI_SUCCESS && attached == MPI_ERRHANDLER_NULL);
    CHECK(MPI_Errhandler_free(&handler) == MPI_SUCCESS);
    calls = 0;
    CHECK(MPI_Win_call_errhandler(win, MPI_ERR_SIZE) == MPI_SUCCESS);
    CHECK(calls == 1 && handled_code == MPI_ERR_SIZE && handled_win == win);
    CHECK(MPI_Put(&value, -1, MPI_INT, 0, 0, 1, MPI_INT, win) == MPI_ERR_COUNT && calls == 2 && handled_code == MPI_ERR_COUNT);
    MPI_Win_set_errhandler(win, MPI_ERRORS_RETURN);
    CHECK(MPI_Win_call_errhandler(win, MPI_ERR_SIZE) == MPI_SUCCESS && calls == 2);
    CHECK(MPI_Win_call_errhandler(MPI_WIN_NULL, MPI_ERR_SIZE) == MPI_ERR_WIN);
    CHECK(MPI_Win_get_errhandler(MPI_WIN_NULL, &attached) == MPI_ERR_WIN);
    MPI_Win_free(&win);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    own_codes();
    of_communicators();
    of_windows();
    return check_end("errors_classes");
}
