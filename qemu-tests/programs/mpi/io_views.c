/* Views: vectors, subarrays, distributed arrays, holes, external32, representations of the program (MPI 5.0, sections 14.3 and 14.5). */
#include <mpi.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../check.h"

#define NAME "io_views.data"
#define ROWS 24
#define COLUMNS 30

static int size;

static MPI_File opened(void)
{
    MPI_File fh;
    int code = MPI_File_open(MPI_COMM_WORLD, NAME, MPI_MODE_RDWR | MPI_MODE_CREATE | MPI_MODE_DELETE_ON_CLOSE,
        MPI_INFO_NULL, &fh);
    CHECK(code == MPI_SUCCESS);
    return fh;
}

/* What is in the file, read without MPI when all have written. */
static void contents(void *buffer, size_t bytes, off_t offset)
{
    MPI_Barrier(MPI_COMM_WORLD);
    int fd = open(NAME, O_RDONLY);
    CHECK(fd >= 0 && pread(fd, buffer, bytes, offset) == (ssize_t)bytes);
    close(fd);
    MPI_Barrier(MPI_COMM_WORLD);
}

/* Rank r has ints r, r + size, ... behind a header of 20 bytes. */
static void interleaved(int collective, int N)
{
    MPI_File fh = opened();
    MPI_Datatype vector, tile;
    MPI_Status status;
    MPI_Offset disp, byte;
    MPI_Datatype etype, filetype;
    char datarep[MPI_MAX_DATAREP_STRING];
    int *mine = malloc(N * sizeof(int)), *back = malloc((N + 10) * sizeof(int)), count;
    MPI_Type_vector(1, 1, 1, MPI_INT, &vector);
    MPI_Type_create_resized(vector, 0, size * (MPI_Aint)sizeof(int), &tile);
    MPI_Type_commit(&tile);
    for (int i = 0; i < N; i++)
        mine[i] = i * size + check_rank;
    CHECK(MPI_File_set_view(fh, 20 + 4 * check_rank, MPI_INT, tile, "native", MPI_INFO_NULL) == MPI_SUCCESS);
    MPI_File_get_view(fh, &disp, &etype, &filetype, datarep);
    CHECK(disp == 20 + 4 * check_rank && etype == MPI_INT && strcmp(datarep, "native") == 0);
    MPI_Type_free(&filetype);
    MPI_File_get_byte_offset(fh, 5, &byte);
    CHECK(byte == 20 + 4 * check_rank + 5 * 4 * size);
    if (collective)
        MPI_File_write_all(fh, mine, N, MPI_INT, &status);
    else
        MPI_File_write(fh, mine, N, MPI_INT, &status);
    MPI_Get_count(&status, MPI_INT, &count);
    CHECK(count == N);
    int *all = malloc(sizeof(int) * N * size);
    contents(all, sizeof(int) * N * size, 20);
    for (int i = 0; i < N * size; i++)
        CHECK(all[i] == i);
    free(all);
    /* The end of the file comes after N. */
    memset(back, 0xff, (N + 10) * sizeof(int));
    if (collective)
        MPI_File_read_at_all(fh, 0, back, N + 10, MPI_INT, &status);
    else
        MPI_File_read_at(fh, 0, back, N + 10, MPI_INT, &status);
    MPI_Get_count(&status, MPI_INT, &count);
    CHECK(count == N && memcmp(back, mine, N * sizeof(int)) == 0 && back[N] == -1);
    MPI_File_seek(fh, 0, MPI_SEEK_END);
    MPI_File_get_position(fh, &byte);
    CHECK(byte == N);
    MPI_File_close(&fh);
    free(mine);
    free(back);
    MPI_Type_free(&vector);
    MPI_Type_free(&tile);
}

/* Blocks of columns of a matrix, by subarray; memory has a frame around the block. */
static void subarrays(int collective)
{
    MPI_File fh = opened();
    int first = COLUMNS * check_rank / size, columns = COLUMNS * (check_rank + 1) / size - first;
    int sizes[2] = {ROWS, COLUMNS}, subsizes[2] = {ROWS, columns}, starts[2] = {0, first};
    int framed[2] = {ROWS + 2, columns + 2}, corner[2] = {1, 1};
    MPI_Datatype file, memory;
    MPI_Status status;
    int count, all[ROWS * COLUMNS];
    MPI_Type_create_subarray(2, sizes, subsizes, starts, MPI_ORDER_C, MPI_INT, &file);
    MPI_Type_create_subarray(2, framed, subsizes, corner, MPI_ORDER_C, MPI_INT, &memory);
    MPI_Type_commit(&file);
    MPI_Type_commit(&memory);
    int *block = calloc((ROWS + 2) * (columns + 2), sizeof(int)), *back = calloc((ROWS + 2) * (columns + 2), sizeof(int));
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < columns; j++)
            block[(i + 1) * (columns + 2) + j + 1] = i * COLUMNS + first + j;
    CHECK(MPI_File_set_view(fh, 0, MPI_INT, file, "native", MPI_INFO_NULL) == MPI_SUCCESS);
    if (collective)
        MPI_File_write_all(fh, block, 1, memory, &status);
    else
        MPI_File_write(fh, block, 1, memory, &status);
    MPI_Get_count(&status, memory, &count);
    CHECK(count == 1);
    contents(all, sizeof all, 0);
    for (int i = 0; i < ROWS * COLUMNS; i++)
        CHECK(all[i] == i);
    MPI_File_seek(fh, 0, MPI_SEEK_SET);
    if (collective)
        MPI_File_read_all(fh, back, 1, memory, &status);
    else
        MPI_File_read(fh, back, 1, memory, &status);
    CHECK(memcmp(block, back, (ROWS + 2) * (columns + 2) * sizeof(int)) == 0);
    free(block);
    free(back);
    MPI_Type_free(&file);
    MPI_Type_free(&memory);
    MPI_File_close(&fh);
}

/* A matrix dealt out block-cyclically over a grid of processes. */
static void distributed(void)
{
    int sizes[2] = {ROWS, COLUMNS}, grid[2] = {0, 0}, bytes;
    int how[2] = {MPI_DISTRIBUTE_CYCLIC, MPI_DISTRIBUTE_CYCLIC}, blocks[2] = {2, 3};
    MPI_File fh = opened();
    MPI_Datatype file;
    MPI_Status status;
    MPI_Dims_create(size, 2, grid);
    MPI_Type_create_darray(size, check_rank, 2, sizes, how, blocks, grid, MPI_ORDER_C, MPI_INT, &file);
    MPI_Type_commit(&file);
    MPI_Type_size(file, &bytes);
    int n = bytes / 4, *mine = malloc(bytes + 4), *back = malloc(bytes + 4), next = 0, all[ROWS * COLUMNS];
    int row = check_rank / grid[1], column = check_rank % grid[1];
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLUMNS; j++)
            if (i / 2 % grid[0] == row && j / 3 % grid[1] == column)
                mine[next++] = i * COLUMNS + j;
    CHECK(next == n);
    MPI_File_set_view(fh, 0, MPI_INT, file, "native", MPI_INFO_NULL);
    CHECK(MPI_File_write_all(fh, mine, n, MPI_INT, &status) == MPI_SUCCESS);
    contents(all, sizeof all, 0);
    for (int i = 0; i < ROWS * COLUMNS; i++)
        CHECK(all[i] == i);
    MPI_File_read_at_all(fh, 0, back, n, MPI_INT, &status);
    CHECK(memcmp(mine, back, bytes) == 0);
    free(mine);
    free(back);
    MPI_Type_free(&file);
    MPI_File_close(&fh);
}

/* Types with a hole before, between and behind, over several tiles; pieces that start inside one. */
static void holes(void)
{
    int lens[3] = {2, 1, 3}, at[3] = {1, 4, 6}, mine[60], back[60], count;
    MPI_Datatype indexed, tile;
    MPI_Status status;
    MPI_File fh = opened();
    MPI_Type_indexed(3, lens, at, MPI_INT, &indexed);
    MPI_Type_create_resized(indexed, 0, 40, &tile);
    MPI_Type_commit(&tile);
    /* Each rank has ten tiles. */
    MPI_File_set_view(fh, 400 * check_rank, MPI_INT, tile, "native", MPI_INFO_NULL);
    for (int i = 0; i < 60; i++)
        mine[i] = 1000 * check_rank + i;
    MPI_File_write_at(fh, 0, mine, 7, MPI_INT, &status);
    MPI_File_write_at(fh, 7, mine + 7, 13, MPI_INT, &status);
    MPI_File_write_at(fh, 20, mine + 20, 40, MPI_INT, &status);
    int file[100], tiles[6] = {1, 2, 4, 6, 7, 8};
    memset(file, 0, sizeof file);
    contents(file, 99 * sizeof(int), 400 * check_rank);
    int next = 0;
    for (int i = 0; i < 99; i++) {
        int is_data = 0;
        for (int k = 0; k < 6; k++)
            is_data |= tiles[k] == i % 10;
        CHECK(file[i] == (is_data ? mine[next++] : 0));
    }
    MPI_File_read_at(fh, 5, back, 50, MPI_INT, &status);
    MPI_Get_count(&status, MPI_INT, &count);
    CHECK(count == 50 && memcmp(back, mine + 5, 50 * sizeof(int)) == 0);
    /* Elements that overlap or run backwards are refused in a file that may be written. */
    MPI_Datatype backwards;
    int wrong[3] = {6, 4, 1};
    MPI_Type_indexed(3, lens, wrong, MPI_INT, &backwards);
    MPI_Type_commit(&backwards);
    int class, code = MPI_File_set_view(fh, 0, MPI_INT, backwards, "native", MPI_INFO_NULL);
    MPI_Error_class(code, &class);
    CHECK(class == MPI_ERR_IO);
    /* A filetype without data holds nothing. */
    MPI_Datatype none;
    MPI_Type_contiguous(0, MPI_INT, &none);
    MPI_Type_commit(&none);
    CHECK(MPI_File_set_view(fh, 0, MPI_INT, none, "native", MPI_INFO_NULL) == MPI_SUCCESS);
    CHECK(MPI_File_write_all(fh, mine, 0, MPI_INT, &status) == MPI_SUCCESS);
    MPI_File_read_all(fh, back, 1, MPI_INT, &status);
    MPI_Get_count(&status, MPI_INT, &count);
    CHECK(count == 0);
    MPI_Type_free(&none);
    MPI_Type_free(&backwards);
    MPI_Type_free(&indexed);
    MPI_Type_free(&tile);
    MPI_File_close(&fh);
}

static void external(void)
{
    MPI_File fh = opened();
    MPI_Aint extent;
    MPI_Status status;
    MPI_Datatype vector;
    unsigned char bytes[24];
    int count;
    long pair[2] = {258, -2}, back[4] = {0, 0, 0, 77};
    CHECK(MPI_File_set_view(fh, 1000 * check_rank, MPI_LONG, MPI_LONG, "external32", MPI_INFO_NULL) == MPI_SUCCESS);
    MPI_File_get_type_extent(fh, MPI_LONG, &extent);
    CHECK(extent == 4);
    MPI_File_get_type_extent(fh, MPI_DOUBLE, &extent);
    CHECK(extent == 8);
    MPI_File_write_at(fh, 1, pair, 2, MPI_LONG, &status);
    MPI_Get_count(&status, MPI_LONG, &count);
    CHECK(count == 2);
    contents(bytes, 12, 1000 * check_rank);
    const unsigned char wanted[12] = {0, 0, 0, 0, 0, 0, 1, 2, 0xff, 0xff, 0xff, 0xfe};
    CHECK(memcmp(bytes, wanted, 12) == 0);
    if (check_rank == size - 1) {
        /* Short at the end of the file. */
        MPI_File_read_at(fh, 0, back, 4, MPI_LONG, &status);
        MPI_Get_count(&status, MPI_LONG, &count);
        CHECK(count == 3 && back[0] == 0 && back[1] == 258 && back[2] == -2 && back[3] == 77);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    /* Displacements in elements are as far apart as elements are large in the file. */
    MPI_Type_vector(2, 1, 2, MPI_LONG, &vector);
    MPI_Type_commit(&vector);
    MPI_File_get_type_extent(fh, vector, &extent);
    CHECK(extent == 12);
    MPI_File_set_view(fh, 1000 * check_rank + 100, MPI_LONG, vector, "external32", MPI_INFO_NULL);
    pair[0] = 1;
    pair[1] = 3;
    MPI_File_write_at_all(fh, 0, pair, 2, MPI_LONG, &status);
    contents(bytes, 12, 1000 * check_rank + 100);
    CHECK(bytes[3] == 1 && bytes[7] == 0 && bytes[11] == 3);
    double x = 1.5, y = 0;
    MPI_File_set_view(fh, 1000 * check_rank + 200, MPI_DOUBLE, MPI_DOUBLE, "external32", MPI_INFO_NULL);
    MPI_File_write(fh, &x, 1, MPI_DOUBLE, &status);
    contents(bytes, 8, 1000 * check_rank + 200);
    CHECK(bytes[0] == 0x3f && bytes[1] == 0xf8 && bytes[7] == 0);
    MPI_File_read_at(fh, 0, &y, 1, MPI_DOUBLE, &status);
    CHECK(y == x);
    MPI_Type_free(&vector);
    MPI_File_close(&fh);
}

static int extra = 41;

static int in_file(MPI_Datatype type, MPI_Aint *extent, void *state)
{
    CHECK(state == &extra);
    MPI_Aint lb;
    MPI_Type_get_extent(type, &lb, extent);
    *extent *= 2;
    return MPI_SUCCESS;
}

/* In the file each int is followed by its complement. */
static int from_file(void *user, MPI_Datatype type, int count, void *file, MPI_Offset position, void *state)
{
    CHECK(type == MPI_INT && position == 0 && state == &extra);
    for (int i = 0; i < count; i++) {
        ((int *)user)[i] = ((int *)file)[2 * i];
        if (((int *)file)[2 * i + 1] != ~((int *)file)[2 * i])
            return 1;
    }
    return MPI_SUCCESS;
}

static int to_file(void *user, MPI_Datatype type, int count, void *file, MPI_Offset position, void *state)
{
    CHECK(type == MPI_INT && position == 0 && state == &extra);
    for (int i = 0; i < count; i++) {
        ((int *)file)[2 * i] = ((int *)user)[i];
        ((int *)file)[2 * i + 1] = ~((int *)user)[i];
    }
    return MPI_SUCCESS;
}

static void registered(void)
{
    int class, file[6], mine[3] = {5 + check_rank, 6, 7}, back[3] = {0}, count;
    MPI_Status status;
    CHECK(MPI_Register_datarep("checked", from_file, to_file, in_file, &extra) == MPI_SUCCESS);
    MPI_Error_class(MPI_Register_datarep("checked", from_file, to_file, in_file, &extra), &class);
    CHECK(class == MPI_ERR_DUP_DATAREP);
    MPI_File fh = opened();
    CHECK(MPI_File_set_view(fh, 24 * check_rank, MPI_INT, MPI_INT, "checked", MPI_INFO_NULL) == MPI_SUCCESS);
    MPI_File_write(fh, mine, 3, MPI_INT, &status);
    contents(file, sizeof file, 24 * check_rank);
    CHECK(file[0] == 5 + check_rank && file[1] == ~file[0] && file[4] == 7 && file[5] == ~7);
    MPI_File_read_at(fh, 0, back, 3, MPI_INT, &status);
    MPI_Get_count(&status, MPI_INT, &count);
    CHECK(count == 3 && memcmp(mine, back, sizeof mine) == 0);
    MPI_File_close(&fh);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    for (int collective = 0; collective < 2; collective++) {
        interleaved(collective, 1000);
        subarrays(collective);
    }
    /* Several rounds of an exchange. */
    interleaved(1, 400000);
    distributed();
    holes();
    external();
    registered();
    return check_end("io_views");
}
