/* 2-D heat conduction in an insulated plate.
 *
 *   heat PARAMETERS
 *
 * Reads its parameters and a start picture (PNG, any kind; brightness is temperature 0 to 1), spreads the heat with
 * an explicit five-point scheme on a Cartesian grid of ranks that exchange one-cell halos, checks that no heat was
 * lost or made, and writes the result as a PNG. No rank holds more than its block, but rank 0 holds the pictures.
 *
 * PARAMETERS: lines `name = value`, `#` starts a comment:
 *   picture  path of the start picture
 *   output   path of the PNG to write
 *   refine   cells per pixel and direction   (1 to 64, default 1)
 *   steps    time steps                      (default 1000)
 *   courant  alpha dt / h^2                  (0 < c <= 0.25, default 0.2)
 *   report   steps between two progress lines (default steps / 5)
 */
#include <math.h>
#include <mpi.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parameters {
    char picture[256], output[256];
    int refine, steps, report;
    double courant;
};

static void fail(const char *what, const char *which)
{
    fprintf(stderr, "heat: %s: %s\n", what, which);
    MPI_Abort(MPI_COMM_WORLD, 1);
}

static void *allocate(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size);
    if (!p)
        fail("out of memory", "use more ranks or a larger --mem");
    return p;
}

static struct parameters read_parameters(const char *path)
{
    struct parameters p = {"", "", 1, 1000, 0, 0.2};
    char line[600], name[64], value[256];
    FILE *f = fopen(path, "r");
    if (!f)
        fail("cannot open parameter file", path);
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "#")] = 0;
        if (sscanf(line, " %63[a-z] = %255s", name, value) != 2)
            continue;
        if (!strcmp(name, "picture")) strcpy(p.picture, value);
        else if (!strcmp(name, "output")) strcpy(p.output, value);
        else if (!strcmp(name, "refine")) p.refine = atoi(value);
        else if (!strcmp(name, "steps")) p.steps = atoi(value);
        else if (!strcmp(name, "report")) p.report = atoi(value);
        else if (!strcmp(name, "courant")) p.courant = atof(value);
        else fail("unknown parameter", name);
    }
    fclose(f);
    if (!p.picture[0] || !p.output[0])
        fail("parameters `picture` and `output` are needed in", path);
    if (p.refine < 1 || p.refine > 64 || p.steps < 0 || p.courant <= 0 || p.courant > 0.25)
        fail("a parameter is out of its range in", path);
    if (p.report <= 0)
        p.report = p.steps >= 5 ? p.steps / 5 : 1;
    return p;
}

/* The picture as brightness 0..1, row by row. */
static double *read_picture(const char *path, int *width, int *height)
{
    png_image image;
    memset(&image, 0, sizeof image);
    image.version = PNG_IMAGE_VERSION;
    if (!png_image_begin_read_from_file(&image, path))
        fail("cannot read start picture", image.message);
    image.format = PNG_FORMAT_GRAY;
    unsigned char *pixels = allocate(PNG_IMAGE_SIZE(image), 1);
    if (!png_image_finish_read(&image, NULL, pixels, 0, NULL))
        fail("cannot read start picture", image.message);
    size_t n = (size_t)image.width * image.height;
    double *t = allocate(n, sizeof *t);
    for (size_t i = 0; i < n; i++)
        t[i] = pixels[i] / 255.0;
    free(pixels);
    *width = (int)image.width;
    *height = (int)image.height;
    return t;
}

static unsigned char shade(double v)
{
    return v <= 0 ? 0 : v >= 1 ? 255 : (unsigned char)(255 * v + 0.5);
}

/* Black, red, yellow, white: the colours of glowing metal. The scale is stretched to the hottest cell. */
static void write_picture(const char *path, const double *t, int width, int height)
{
    size_t n = (size_t)width * height;
    double hottest = 1e-300;
    for (size_t i = 0; i < n; i++)
        if (t[i] > hottest)
            hottest = t[i];
    unsigned char *rgb = allocate(3 * n, 1);
    for (size_t i = 0; i < n; i++) {
        double v = t[i] / hottest;
        rgb[3 * i] = shade(v * 2.6);
        rgb[3 * i + 1] = shade(v * 2.6 - 1.0);
        rgb[3 * i + 2] = shade(v * 3.4 - 2.4);
    }
    png_image image;
    memset(&image, 0, sizeof image);
    image.version = PNG_IMAGE_VERSION;
    image.width = (png_uint_32)width;
    image.height = (png_uint_32)height;
    image.format = PNG_FORMAT_RGB;
    if (!png_image_write_to_file(&image, path, 0, rgb, 0, NULL))
        fail("cannot write picture", image.message);
    free(rgb);
}

/* First cell and number of cells of part `i` of `parts` when `n` cells are dealt out evenly. */
static int first_of(int n, int parts, int i) { return (int)((long long)n * i / parts); }
static int count_of(int n, int parts, int i) { return first_of(n, parts, i + 1) - first_of(n, parts, i); }

/* A rank's block with a halo of one cell: rows 0 and ny+1, columns 0 and nx+1. */
struct block {
    int nx, ny, stride, x0, y0;
    int up, down, left, right;
    MPI_Datatype column, inner;
    MPI_Comm grid;
};

static struct block make_block(MPI_Comm grid, int width, int height)
{
    struct block b;
    int dims[2], periods[2], at[2];
    MPI_Cart_get(grid, 2, dims, periods, at);
    b.grid = grid;
    b.y0 = first_of(height, dims[0], at[0]);
    b.ny = count_of(height, dims[0], at[0]);
    b.x0 = first_of(width, dims[1], at[1]);
    b.nx = count_of(width, dims[1], at[1]);
    b.stride = b.nx + 2;
    MPI_Cart_shift(grid, 0, 1, &b.up, &b.down);
    MPI_Cart_shift(grid, 1, 1, &b.left, &b.right);
    MPI_Type_vector(b.ny, 1, b.stride, MPI_DOUBLE, &b.column);
    MPI_Type_commit(&b.column);
    int sizes[2] = {b.ny + 2, b.stride}, inner[2] = {b.ny, b.nx}, from[2] = {1, 1};
    MPI_Type_create_subarray(2, sizes, inner, from, MPI_ORDER_C, MPI_DOUBLE, &b.inner);
    MPI_Type_commit(&b.inner);
    return b;
}

#define AT(t, b, y, x) ((t)[(size_t)(y) * (b)->stride + (x)])

static void exchange_halos(const struct block *b, double *t)
{
    MPI_Request r[8];
    MPI_Irecv(&AT(t, b, 0, 1), b->nx, MPI_DOUBLE, b->up, 0, b->grid, &r[0]);
    MPI_Irecv(&AT(t, b, b->ny + 1, 1), b->nx, MPI_DOUBLE, b->down, 1, b->grid, &r[1]);
    MPI_Irecv(&AT(t, b, 1, 0), 1, b->column, b->left, 2, b->grid, &r[2]);
    MPI_Irecv(&AT(t, b, 1, b->nx + 1), 1, b->column, b->right, 3, b->grid, &r[3]);
    MPI_Isend(&AT(t, b, b->ny, 1), b->nx, MPI_DOUBLE, b->down, 0, b->grid, &r[4]);
    MPI_Isend(&AT(t, b, 1, 1), b->nx, MPI_DOUBLE, b->up, 1, b->grid, &r[5]);
    MPI_Isend(&AT(t, b, 1, b->nx), 1, b->column, b->right, 2, b->grid, &r[6]);
    MPI_Isend(&AT(t, b, 1, 1), 1, b->column, b->left, 3, b->grid, &r[7]);
    MPI_Waitall(8, r, MPI_STATUSES_IGNORE);
}

/* An insulated edge: the halo repeats the edge cell, so that no heat flows through it. */
static void insulate_edges(const struct block *b, double *t)
{
    for (int x = 1; x <= b->nx; x++) {
        if (b->up == MPI_PROC_NULL) AT(t, b, 0, x) = AT(t, b, 1, x);
        if (b->down == MPI_PROC_NULL) AT(t, b, b->ny + 1, x) = AT(t, b, b->ny, x);
    }
    for (int y = 1; y <= b->ny; y++) {
        if (b->left == MPI_PROC_NULL) AT(t, b, y, 0) = AT(t, b, y, 1);
        if (b->right == MPI_PROC_NULL) AT(t, b, y, b->nx + 1) = AT(t, b, y, b->nx);
    }
}

static void step(const struct block *b, const double *old, double *new, double c)
{
    for (int y = 1; y <= b->ny; y++)
        for (int x = 1; x <= b->nx; x++)
            AT(new, b, y, x) = AT(old, b, y, x) + c * (AT(old, b, y - 1, x) + AT(old, b, y + 1, x)
                + AT(old, b, y, x - 1) + AT(old, b, y, x + 1) - 4 * AT(old, b, y, x));
}

static double total_heat(const struct block *b, const double *t)
{
    double mine = 0, all;
    for (int y = 1; y <= b->ny; y++)
        for (int x = 1; x <= b->nx; x++)
            mine += AT(t, b, y, x);
    MPI_Allreduce(&mine, &all, 1, MPI_DOUBLE, MPI_SUM, b->grid);
    return all;
}

/* Blocks to or from the whole plate on rank 0, each as one message of a subarray type. */
static void move_plate(const struct block *b, double *plate, double *t, int width, int height, int gather)
{
    int rank, size, dims[2], periods[2], at[2];
    MPI_Comm_rank(b->grid, &rank);
    MPI_Comm_size(b->grid, &size);
    MPI_Cart_get(b->grid, 2, dims, periods, at);
    MPI_Request mine;
    if (gather) MPI_Isend(t, 1, b->inner, 0, 4, b->grid, &mine);
    else MPI_Irecv(t, 1, b->inner, 0, 4, b->grid, &mine);
    for (int r = 0; rank == 0 && r < size; r++) {
        MPI_Cart_coords(b->grid, r, 2, at);
        int whole[2] = {height, width};
        int part[2] = {count_of(height, dims[0], at[0]), count_of(width, dims[1], at[1])};
        int from[2] = {first_of(height, dims[0], at[0]), first_of(width, dims[1], at[1])};
        MPI_Datatype type;
        MPI_Type_create_subarray(2, whole, part, from, MPI_ORDER_C, MPI_DOUBLE, &type);
        MPI_Type_commit(&type);
        if (gather) MPI_Recv(plate, 1, type, r, 4, b->grid, MPI_STATUS_IGNORE);
        else MPI_Send(plate, 1, type, r, 4, b->grid);
        MPI_Type_free(&type);
    }
    MPI_Wait(&mine, MPI_STATUS_IGNORE);
}

static double *enlarge(double *small, int width, int height, int k)
{
    if (k == 1)
        return small;
    double *big = allocate((size_t)width * k * height * k, sizeof *big);
    for (int y = 0; y < height * k; y++)
        for (int x = 0; x < width * k; x++)
            big[(size_t)y * width * k + x] = small[(size_t)(y / k) * width + x / k];
    free(small);
    return big;
}

int main(int argc, char **argv)
{
    int rank, size, dims[2] = {0, 0}, periods[2] = {0, 0}, shape[2] = {0, 0};
    double *plate = NULL;
    struct parameters p;
    MPI_Comm grid;

    MPI_Init(&argc, &argv);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Dims_create(size, 2, dims);
    MPI_Cart_create(MPI_COMM_WORLD, 2, dims, periods, 0, &grid);
    MPI_Comm_rank(grid, &rank);
    if (rank == 0) {
        if (argc != 2)
            fail("usage", "heat PARAMETERS");
        p = read_parameters(argv[1]);
        plate = read_picture(p.picture, &shape[0], &shape[1]);
        plate = enlarge(plate, shape[0], shape[1], p.refine);
        shape[0] *= p.refine;
        shape[1] *= p.refine;
    }
    MPI_Bcast(&p, sizeof p, MPI_BYTE, 0, grid);
    MPI_Bcast(shape, 2, MPI_INT, 0, grid);
    if (shape[0] < dims[1] || shape[1] < dims[0])
        fail("the picture is too small for so many ranks", p.picture);

    struct block b = make_block(grid, shape[0], shape[1]);
    double *t = allocate((size_t)b.stride * (b.ny + 2), sizeof *t);
    double *next = allocate((size_t)b.stride * (b.ny + 2), sizeof *next);
    move_plate(&b, plate, t, shape[0], shape[1], 0);

    double before = total_heat(&b, t), began = MPI_Wtime();
    if (rank == 0)
        printf("heat: %d x %d cells on %d x %d ranks, %d steps, total heat %.9g\n", shape[0], shape[1], dims[1], dims[0],
               p.steps, before);
    for (int s = 1; s <= p.steps; s++) {
        exchange_halos(&b, t);
        insulate_edges(&b, t);
        step(&b, t, next, p.courant);
        double *swap = t; t = next; next = swap;
        if (s % p.report == 0) {
            double now = total_heat(&b, t);
            if (rank == 0) {
                printf("heat: step %6d  total heat %.9g\n", s, now);
                fflush(stdout);
            }
        }
    }
    double seconds = MPI_Wtime() - began, after = total_heat(&b, t);
    double drift = before > 0 ? fabs(after - before) / before : fabs(after);
    move_plate(&b, plate, t, shape[0], shape[1], 1);
    if (rank == 0) {
        write_picture(p.output, plate, shape[0], shape[1]);
        printf("heat: %.3f s, %.1f million cell updates a second, heat drift %.1e\n", seconds,
               seconds > 0 ? 1e-6 * shape[0] * shape[1] * p.steps / seconds : 0.0, drift);
        printf("heat: wrote %s\n", p.output);
    }
    free(plate);
    free(t);
    free(next);
    MPI_Type_free(&b.column);
    MPI_Type_free(&b.inner);
    MPI_Comm_free(&grid);
    MPI_Finalize();
    if (drift > 1e-9) {
        if (rank == 0)
            fprintf(stderr, "heat: heat was not conserved: relative drift %.3e\n", drift);
        return 1;
    }
    return 0;
}
