/* Info objects: the start of the program, lengths of values, hints of windows and files that change (MPI 5.0, chapter 10 and
   sections 12.2.7 and 14.2.8). */
#include <mpi.h>

#include <string.h>
#include <unistd.h>

#include "../check.h"

static int size;

static const char *value_of(MPI_Info info, const char *key)
{
    static char value[MPI_MAX_INFO_VAL];
    int flag = 0, room = sizeof value;
    MPI_Info_get_string(info, key, &room, value, &flag);
    return flag ? value : "none";
}

static int same_pairs(MPI_Info one, MPI_Info two)
{
    int n = -1, m = -2, flag;
    char key[MPI_MAX_INFO_KEY], value[MPI_MAX_INFO_VAL];
    MPI_Info_get_nkeys(one, &n);
    MPI_Info_get_nkeys(two, &m);
    for (int i = 0; n == m && i < n; i++) {
        int room = sizeof value;
        MPI_Info_get_nthkey(one, i, key);
        MPI_Info_get_string(one, key, &room, value, &flag);
        if (strcmp(value_of(two, key), value) != 0)
            return 0;
    }
    return n == m;
}

/* Callable before MPI_Init and after MPI_Finalize. */
static void start(int argc, char **argv)
{
    MPI_Info info = MPI_INFO_NULL;
    CHECK(MPI_Info_create_env(argc, argv, &info) == MPI_SUCCESS && info != MPI_INFO_NULL && info != MPI_INFO_ENV);
    CHECK(strcmp(value_of(info, "command"), argv[0]) == 0);
    CHECK(MPI_Info_set(info, "command", "another") == MPI_SUCCESS && strcmp(value_of(info, "command"), "another") == 0);
    CHECK(MPI_Info_free(&info) == MPI_SUCCESS && info == MPI_INFO_NULL);
    CHECK(MPI_Info_create_env(0, NULL, &info) == MPI_SUCCESS);
    MPI_Info_free(&info);
}

static void environment(int argc, char **argv)
{
    MPI_Info info;
    char directory[1024], number[16];
    CHECK(MPI_Info_create_env(argc, argv, &info) == MPI_SUCCESS && same_pairs(info, MPI_INFO_ENV));
    sprintf(number, "%d", size);
    CHECK(strcmp(value_of(info, "maxprocs"), number) == 0);
    CHECK(getcwd(directory, sizeof directory) && strcmp(value_of(info, "wdir"), directory) == 0);
    CHECK(strcmp(value_of(info, "arch"), "x86_64") == 0);
    CHECK(strcmp(value_of(info, "thread_level"), "MPI_THREAD_SINGLE") == 0);
    MPI_Info_free(&info);
}

static void lengths(void)
{
    MPI_Info info;
    char longest[MPI_MAX_INFO_VAL];
    int length = -1, flag = -1;
    MPI_Info_create(&info);
    CHECK(MPI_Info_get_valuelen(info, "colour", &length, &flag) == MPI_SUCCESS && !flag && length == -1);
    MPI_Info_set(info, "colour", "dark blue");
    CHECK(MPI_Info_get_valuelen(info, "colour", &length, &flag) == MPI_SUCCESS && flag && length == 9);
    MPI_Info_set(info, "colour", "red");
    CHECK(MPI_Info_get_valuelen(info, "colour", &length, &flag) == MPI_SUCCESS && flag && length == 3);
    memset(longest, 'v', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    CHECK(MPI_Info_set(info, "long", longest) == MPI_SUCCESS);
    CHECK(MPI_Info_get_valuelen(info, "long", &length, &flag) == MPI_SUCCESS && flag && length == MPI_MAX_INFO_VAL - 1);
    MPI_Info_delete(info, "colour");
    CHECK(MPI_Info_get_valuelen(info, "colour", &length, &flag) == MPI_SUCCESS && !flag);
    CHECK(MPI_Info_get_valuelen(info, "", &length, &flag) == MPI_ERR_INFO_KEY);
    MPI_Info_free(&info);
    CHECK(MPI_Info_get_valuelen(MPI_INFO_NULL, "colour", &length, &flag) == MPI_ERR_INFO);
}

static int window_hint_is(MPI_Win win, const char *key, const char *expected)
{
    MPI_Info info;
    MPI_Win_get_info(win, &info);
    int same = strcmp(value_of(info, key), expected) == 0;
    MPI_Info_free(&info);
    return same;
}

static void windows(void)
{
    MPI_Win win;
    MPI_Info info;
    int *base, got = -1;
    MPI_Win_allocate(sizeof(int), sizeof(int), MPI_INFO_NULL, MPI_COMM_WORLD, &base, &win);
    *base = 50 + check_rank;
    MPI_Win_set_errhandler(win, MPI_ERRORS_RETURN);
    CHECK(window_hint_is(win, "accumulate_ops", "same_op_no_op") && window_hint_is(win, "no_such_hint", "none"));
    MPI_Info_create(&info);
    MPI_Info_set(info, "accumulate_ops", "same_op");
    MPI_Info_set(info, "no_such_hint", "true");
    CHECK(MPI_Win_set_info(win, info) == MPI_SUCCESS);
    MPI_Info_free(&info);
    CHECK(window_hint_is(win, "accumulate_ops", "same_op") && window_hint_is(win, "no_such_hint", "none"));
    CHECK(MPI_Win_set_info(win, MPI_INFO_NULL) == MPI_ERR_INFO);
    CHECK(MPI_Win_set_info(MPI_WIN_NULL, MPI_INFO_ENV) == MPI_ERR_WIN);
    MPI_Win_fence(0, win);
    MPI_Get(&got, 1, MPI_INT, (check_rank + 1) % size, 0, 1, MPI_INT, win);
    MPI_Win_fence(0, win);
    CHECK(got == 50 + (check_rank + 1) % size);
    MPI_Win_free(&win);
}

static int file_hint_is(MPI_File fh, const char *key, const char *expected)
{
    MPI_Info info;
    MPI_File_get_info(fh, &info);
    int same = strcmp(value_of(info, key), expected) == 0;
    MPI_Info_free(&info);
    return same;
}

static void files(void)
{
    MPI_File fh;
    MPI_Info info;
    int mine = 30 + check_rank, back = -1, other = size - 1 - check_rank, class = -1;
    int amode = MPI_MODE_RDWR | MPI_MODE_CREATE | MPI_MODE_DELETE_ON_CLOSE;
    CHECK(MPI_File_open(MPI_COMM_WORLD, "info_objects.data", amode, MPI_INFO_NULL, &fh) == MPI_SUCCESS);
    CHECK(file_hint_is(fh, "collective_buffering", "true") && file_hint_is(fh, "access_style", "none"));
    MPI_Info_create(&info);
    MPI_Info_set(info, "access_style", "read_once,sequential");
    MPI_Info_set(info, "collective_buffering", "false");
    MPI_Info_set(info, "cb_nodes", "1");
    MPI_Info_set(info, "no_such_hint", "true");
    CHECK(MPI_File_set_info(fh, info) == MPI_SUCCESS);
    MPI_Info_free(&info);
    CHECK(file_hint_is(fh, "collective_buffering", "false") && file_hint_is(fh, "cb_nodes", "1"));
    CHECK(file_hint_is(fh, "access_style", "read_once,sequential") && file_hint_is(fh, "no_such_hint", "none"));
    /* Accesses work on. */
    MPI_File_write_at_all(fh, 4 * check_rank, &mine, 1, MPI_INT, MPI_STATUS_IGNORE);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_File_read_at_all(fh, 4 * other, &back, 1, MPI_INT, MPI_STATUS_IGNORE);
    CHECK(back == 30 + other);
    MPI_File_close(&fh);
    MPI_Error_class(MPI_File_set_info(MPI_FILE_NULL, MPI_INFO_NULL), &class);
    CHECK(class == MPI_ERR_FILE);
}

int main(int argc, char **argv)
{
    start(argc, argv);
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    environment(argc, argv);
    lengths();
    windows();
    files();
    int code = check_end("info_objects");
    start(argc, argv);
    return code || check_failures;
}
