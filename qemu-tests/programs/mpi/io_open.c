/* Opening, closing, deleting, sizes, hints, error handlers (MPI 5.0, sections 14.2, 14.7 and 14.8). */
#include <mpi.h>

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../check.h"

#define NAME "io_open.data"

static int size;

static int class_of(int code)
{
    int class;
    MPI_Error_class(code, &class);
    return class;
}

static long length(const char *name)
{
    struct stat data;
    return stat(name, &data) == 0 ? (long)data.st_size : -1;
}

static int open_class(MPI_Comm comm, const char *name, int amode)
{
    MPI_File fh = MPI_FILE_NULL;
    int code = MPI_File_open(comm, name, amode, MPI_INFO_NULL, &fh);
    CHECK((code == MPI_SUCCESS) == (fh != MPI_FILE_NULL));
    if (fh != MPI_FILE_NULL)
        MPI_File_close(&fh);
    return class_of(code);
}

static void modes(void)
{
    MPI_Comm all = MPI_COMM_WORLD;
    CHECK(open_class(all, NAME, 0) == MPI_ERR_AMODE);
    CHECK(open_class(all, NAME, MPI_MODE_RDONLY | MPI_MODE_WRONLY) == MPI_ERR_AMODE);
    CHECK(open_class(all, NAME, MPI_MODE_RDONLY | MPI_MODE_CREATE) == MPI_ERR_AMODE);
    CHECK(open_class(all, NAME, MPI_MODE_RDONLY | MPI_MODE_EXCL) == MPI_ERR_AMODE);
    CHECK(open_class(all, NAME, MPI_MODE_RDWR | MPI_MODE_SEQUENTIAL) == MPI_ERR_AMODE);
    CHECK(open_class(all, NAME, MPI_MODE_RDONLY) == MPI_ERR_NO_SUCH_FILE);
    CHECK(open_class(all, NAME, MPI_MODE_RDWR) == MPI_ERR_NO_SUCH_FILE);
    CHECK(open_class(all, "no_such_folder/" NAME, MPI_MODE_RDWR | MPI_MODE_CREATE) == MPI_ERR_NO_SUCH_FILE);
    CHECK(open_class(all, NAME, MPI_MODE_RDWR | MPI_MODE_CREATE | MPI_MODE_EXCL) == MPI_SUCCESS);
    CHECK(open_class(all, NAME, MPI_MODE_RDWR | MPI_MODE_CREATE | MPI_MODE_EXCL) == MPI_ERR_FILE_EXISTS);
    CHECK(open_class(all, NAME "/below", MPI_MODE_RDWR | MPI_MODE_CREATE) == MPI_ERR_BAD_FILE);
    CHECK(open_class(all, ".", MPI_MODE_RDONLY) == MPI_ERR_BAD_FILE);
    char longer[400];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    CHECK(open_class(all, longer, MPI_MODE_RDWR | MPI_MODE_CREATE) == MPI_ERR_BAD_FILE);
    if (size > 1) {
        int amode = check_rank == 1 ? MPI_MODE_RDWR : MPI_MODE_RDONLY;
        CHECK(open_class(all, NAME, amode) == MPI_ERR_NOT_SAME);
        /* A rank that fails makes all fail. */
        const char *name = check_rank == size - 1 ? "io_open.missing" : NAME;
        CHECK(open_class(all, name, MPI_MODE_RDONLY) == MPI_ERR_NO_SUCH_FILE);
    }
    MPI_Barrier(all);
    if (check_rank == 0)
        CHECK(MPI_File_delete(NAME, MPI_INFO_NULL) == MPI_SUCCESS);
    MPI_Barrier(all);
    CHECK(class_of(MPI_File_delete(NAME, MPI_INFO_NULL)) == MPI_ERR_NO_SUCH_FILE);
    MPI_Barrier(all);
}

static void wrong_use(void)
{
    MPI_File fh;
    int value = 7, amode;
    MPI_Offset at = 9;
    MPI_Status status;
    MPI_File_open(MPI_COMM_WORLD, NAME, MPI_MODE_WRONLY | MPI_MODE_CREATE, MPI_INFO_NULL, &fh);
    MPI_File_get_amode(fh, &amode);
    CHECK(amode == (MPI_MODE_WRONLY | MPI_MODE_CREATE));
    CHECK(class_of(MPI_File_read_at(fh, 0, &value, 1, MPI_INT, &status)) == MPI_ERR_ACCESS);
    CHECK(class_of(MPI_File_write_at(fh, -1, &value, 1, MPI_INT, &status)) == MPI_ERR_ARG);
    CHECK(class_of(MPI_File_write_at(fh, 0, &value, -1, MPI_INT, &status)) == MPI_ERR_COUNT);
    CHECK(class_of(MPI_File_write_at(fh, 0, &value, 1, MPI_DATATYPE_NULL, &status)) == MPI_ERR_TYPE);
    CHECK(class_of(MPI_File_write_at(fh, 0, NULL, 1, MPI_INT, &status)) == MPI_ERR_BUFFER);
    CHECK(class_of(MPI_File_seek(fh, -1, MPI_SEEK_SET)) == MPI_ERR_ARG);
    CHECK(class_of(MPI_File_seek(fh, 0, 12345)) == MPI_ERR_ARG);
    CHECK(class_of(MPI_File_set_view(fh, -1, MPI_INT, MPI_INT, "native", MPI_INFO_NULL)) == MPI_ERR_ARG);
    CHECK(class_of(MPI_File_set_view(fh, 0, MPI_INT, MPI_BYTE, "native", MPI_INFO_NULL)) == MPI_ERR_ARG);
    CHECK(class_of(MPI_File_set_view(fh, 0, MPI_INT, MPI_INT, "martian", MPI_INFO_NULL)) ==
          MPI_ERR_UNSUPPORTED_DATAREP);
    if (size > 1) {
        CHECK(class_of(MPI_File_set_size(fh, 100 + check_rank)) == MPI_ERR_NOT_SAME);
        CHECK(class_of(MPI_File_seek_shared(fh, check_rank, MPI_SEEK_SET)) == MPI_ERR_NOT_SAME);
        MPI_Datatype etype = check_rank == 1 ? MPI_DOUBLE : MPI_INT;
        CHECK(class_of(MPI_File_set_view(fh, 0, etype, etype, "native", MPI_INFO_NULL)) == MPI_ERR_NOT_SAME);
    }
    MPI_File_set_view(fh, 0, MPI_INT, MPI_INT, "native", MPI_INFO_NULL);
    CHECK(class_of(MPI_File_write_at(fh, 0, &value, 1, MPI_SHORT, &status)) == MPI_ERR_IO);
    MPI_File_close(&fh);
    CHECK(fh == MPI_FILE_NULL);
    CHECK(class_of(MPI_File_close(&fh)) == MPI_ERR_FILE);
    CHECK(class_of(MPI_File_get_size(fh, &at)) == MPI_ERR_FILE && at == 9);

    MPI_File_open(MPI_COMM_WORLD, NAME, MPI_MODE_RDONLY | MPI_MODE_DELETE_ON_CLOSE, MPI_INFO_NULL, &fh);
    CHECK(class_of(MPI_File_write(fh, &value, 1, MPI_INT, &status)) == MPI_ERR_READ_ONLY);
    CHECK(class_of(MPI_File_set_size(fh, 100)) == MPI_ERR_READ_ONLY);
    CHECK(class_of(MPI_File_preallocate(fh, 100)) == MPI_ERR_READ_ONLY);
    MPI_File_close(&fh);
    CHECK(length(NAME) == -1);
    MPI_Barrier(MPI_COMM_WORLD);
}

static void sizes(void)
{
    MPI_File fh;
    MPI_Offset now;
    MPI_Group group, world;
    int same;
    MPI_File_open(MPI_COMM_WORLD, NAME, MPI_MODE_RDWR | MPI_MODE_CREATE, MPI_INFO_NULL, &fh);
    CHECK(MPI_File_set_size(fh, 12345) == MPI_SUCCESS);
    CHECK(MPI_File_get_size(fh, &now) == MPI_SUCCESS && now == 12345 && length(NAME) == 12345);
    CHECK(MPI_File_set_size(fh, 100) == MPI_SUCCESS && length(NAME) == 100);
    CHECK(MPI_File_preallocate(fh, 50) == MPI_SUCCESS && length(NAME) == 100);
    CHECK(MPI_File_preallocate(fh, 200000) == MPI_SUCCESS && length(NAME) == 200000);
    CHECK(MPI_File_sync(fh) == MPI_SUCCESS);
    MPI_File_get_group(fh, &group);
    MPI_Comm_group(MPI_COMM_WORLD, &world);
    MPI_Group_compare(group, world, &same);
    CHECK(same == MPI_IDENT);
    MPI_Group_free(&group);
    MPI_Group_free(&world);
    MPI_File_close(&fh);
    CHECK(length(NAME) == 200000);
    MPI_Barrier(MPI_COMM_WORLD);

    /* Both pointers are at the end of what is there. */
    MPI_File_open(MPI_COMM_WORLD, NAME, MPI_MODE_RDWR | MPI_MODE_APPEND | MPI_MODE_DELETE_ON_CLOSE, MPI_INFO_NULL, &fh);
    CHECK(MPI_File_get_position(fh, &now) == MPI_SUCCESS && now == 200000);
    CHECK(MPI_File_get_position_shared(fh, &now) == MPI_SUCCESS && now == 200000);
    char text[2] = {(char)('a' + check_rank), 0}, back[16] = {0};
    MPI_File_write_ordered(fh, text, 1, MPI_CHAR, MPI_STATUS_IGNORE);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_File_read_at(fh, 200000, back, size, MPI_CHAR, MPI_STATUS_IGNORE);
    for (int rank = 0; rank < size; rank++)
        CHECK(back[rank] == 'a' + rank);
    MPI_File_close(&fh);
    CHECK(length(NAME) == -1);
    MPI_Barrier(MPI_COMM_WORLD);
}

static void hints(void)
{
    MPI_File fh;
    MPI_Info info, used;
    char value[64];
    int flag;
    MPI_Info_create(&info);
    MPI_Info_set(info, "file_perm", "640");
    MPI_Info_set(info, "access_style", "write_once");
    MPI_Info_set(info, "somebody_elses_hint", "x");
    MPI_File_open(MPI_COMM_WORLD, NAME, MPI_MODE_RDWR | MPI_MODE_CREATE, info, &fh);
    MPI_Info_free(&info);
    MPI_File_get_info(fh, &used);
    MPI_Info_get(used, "access_style", 63, value, &flag);
    CHECK(flag && strcmp(value, "write_once") == 0);
    MPI_Info_get(used, "file_perm", 63, value, &flag);
    CHECK(flag && strcmp(value, "640") == 0);
    MPI_Info_get(used, "somebody_elses_hint", 63, value, &flag);
    CHECK(!flag);
    MPI_Info_free(&used);
    struct stat data;
    CHECK(stat(NAME, &data) == 0 && (data.st_mode & 0007) == 0);
    MPI_File_close(&fh);
    if (check_rank == 0)
        MPI_File_delete(NAME, MPI_INFO_NULL);
    MPI_Barrier(MPI_COMM_WORLD);
}

static int calls, seen;
static MPI_File seen_file;

static void note(MPI_File *fh, int *code, ...)
{
    calls++;
    seen = *code;
    seen_file = *fh;
}

static void handlers(void)
{
    MPI_Errhandler mine, found;
    MPI_File fh;
    int value;
    MPI_File_get_errhandler(MPI_FILE_NULL, &found);
    CHECK(found == MPI_ERRORS_RETURN);
    MPI_File_create_errhandler(note, &mine);
    CHECK(MPI_File_set_errhandler(MPI_FILE_NULL, mine) == MPI_SUCCESS);
    CHECK(open_class(MPI_COMM_WORLD, NAME, 0) == MPI_ERR_AMODE && calls == 1 && seen_file == MPI_FILE_NULL);
    /* New files have it from MPI_FILE_NULL. */
    MPI_File_open(MPI_COMM_WORLD, NAME, MPI_MODE_WRONLY | MPI_MODE_CREATE | MPI_MODE_DELETE_ON_CLOSE, MPI_INFO_NULL, &fh);
    MPI_File_get_errhandler(fh, &found);
    CHECK(found == mine);
    MPI_Errhandler_free(&found);
    MPI_File_set_errhandler(MPI_FILE_NULL, MPI_ERRORS_RETURN);
    MPI_Errhandler_free(&mine);
    CHECK(class_of(MPI_File_read(fh, &value, 1, MPI_INT, MPI_STATUS_IGNORE)) == MPI_ERR_ACCESS);
    CHECK(calls == 2 && seen == MPI_ERR_ACCESS && seen_file == fh);
    MPI_File_call_errhandler(fh, MPI_ERR_OTHER);
    CHECK(calls == 3 && seen == MPI_ERR_OTHER);
    MPI_File_close(&fh);

    /* Files of one rank each, open at the same time. */
    char name[64];
    snprintf(name, sizeof name, "io_open.%d", check_rank);
    CHECK(open_class(MPI_COMM_SELF, name, MPI_MODE_RDWR | MPI_MODE_CREATE | MPI_MODE_DELETE_ON_CLOSE) == MPI_SUCCESS);
    CHECK(length(name) == -1);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    modes();
    wrong_use();
    sizes();
    hints();
    handlers();
    return check_end("io_open");
}
