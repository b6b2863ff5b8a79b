/* One-sided communication between any number of ranks (with one: with itself). */
#include <mpi.h>
#include <string.h>

#include "check.h"

static int rank, size, next, before;

static MPI_Win allocate(MPI_Aint bytes, int unit, void *base)
{
    MPI_Win win;
    CHECK(MPI_Win_allocate(bytes, unit, MPI_INFO_NULL, MPI_COMM_WORLD, base, &win) == MPI_SUCCESS);
    memset(*(void **)base, 0, (size_t)bytes);
    MPI_Barrier(MPI_COMM_WORLD);
    return win;
}

/* Blocks of all lengths to the next rank and back, between fences. */
static void fences(void)
{
    static const int lengths[] = {1, 7, 8, 100, 4096, 8191, 100000, 3 << 20};
    enum { MOST = 3 << 20 };
    unsigned char *base, *out = malloc(MOST), *in = malloc(MOST);
    MPI_Win win = allocate(MOST, 1, &base);
    for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
        int n = lengths[k], bad = 0;
        for (int i = 0; i < n; i++)
            out[i] = (unsigned char)(i * 7 + rank + n);
        memset(in, 0, MOST);
        MPI_Win_fence(MPI_MODE_NOPRECEDE, win);
        MPI_Put(out, n, MPI_BYTE, next, MOST - n, n, MPI_BYTE, win);
        MPI_Win_fence(0, win);
        MPI_Get(in, n, MPI_BYTE, before, MOST - n, n, MPI_BYTE, win);
        MPI_Win_fence(MPI_MODE_NOSUCCEED, win);
        int origin = (before + size - 1) % size;
        for (int i = 0; i < n; i++) {
            bad += base[MOST - n + i] != (unsigned char)(i * 7 + before + n);
            bad += in[i] != (unsigned char)(i * 7 + origin + n);
        }
        CHECK(bad == 0);
    }
    MPI_Win_free(&win);
    CHECK(win == MPI_WIN_NULL);
    free(out);
    free(in);
}

/* A matrix column goes into a row: other layouts on the two sides. */
static void layouts(void)
{
    enum { N = 40 };
    double *base, mine[N][N];
    MPI_Datatype column;
    MPI_Win win = allocate(N * N * sizeof(double), sizeof(double), &base);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            mine[i][j] = rank * 10000 + i * 100 + j;
    MPI_Type_vector(N, 1, N, MPI_DOUBLE, &column);
    MPI_Type_commit(&column);
    MPI_Win_lock(MPI_LOCK_EXCLUSIVE, next, 0, win);
    for (int j = 0; j < N; j++)
        MPI_Put(&mine[0][j], 1, column, next, (MPI_Aint)j * N, N, MPI_DOUBLE, win);
    MPI_Win_unlock(next, win);
    MPI_Barrier(MPI_COMM_WORLD);
    int bad = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            bad += base[j * N + i] != before * 10000 + i * 100 + j;
    CHECK(bad == 0);
    double back[N * N];
    MPI_Win_lock_all(0, win);
    for (int j = 0; j < N; j++)
        MPI_Get(&back[j * N], N, MPI_DOUBLE, next, j, 1, column, win);
    MPI_Win_flush_local(next, win);
    MPI_Win_unlock_all(win);
    bad = 0;
    for (int i = 0; i < N * N; i++)
        bad += back[i] != ((double *)mine)[i];
    CHECK(bad == 0);
    MPI_Type_free(&column);
    MPI_Win_free(&win);
}

/* All ranks change the same elements of rank 0. */
static void accumulates(void)
{
    enum { ROUNDS = 50 };
    struct { long count; double sum; int max, bits; long tickets; struct { double v; int i; } best; } *base;
    MPI_Win win = allocate(sizeof *base, 1, &base);
    long one = 1, ticket, last = -1;
    double half = 0.5;
    int bit = 1 << rank % 31;
    MPI_Win_lock_all(0, win);
    for (int i = 0; i < ROUNDS; i++) {
        int mine = rank * 1000 + i;
        MPI_Accumulate(&one, 1, MPI_LONG, 0, 0, 1, MPI_LONG, MPI_SUM, win);
        MPI_Accumulate(&half, 1, MPI_DOUBLE, 0, 8, 1, MPI_DOUBLE, MPI_SUM, win);
        MPI_Accumulate(&mine, 1, MPI_INT, 0, 16, 1, MPI_INT, MPI_MAX, win);
        MPI_Accumulate(&bit, 1, MPI_INT, 0, 20, 1, MPI_INT, MPI_BOR, win);
        MPI_Fetch_and_op(&one, &ticket, MPI_LONG, 0, 24, MPI_SUM, win);
        MPI_Win_flush(0, win);
        CHECK(ticket > last && ticket < (long)ROUNDS * size);
        last = ticket;
    }
    struct { double v; int i; } candidate = {rank % 3, rank};
    MPI_Accumulate(&candidate, 1, MPI_DOUBLE_INT, 0, 32, 1, MPI_DOUBLE_INT, MPI_MAXLOC, win);
    MPI_Win_unlock_all(win);
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0) {
        int bits = 0;
        for (int r = 0; r < size; r++)
            bits |= 1 << r % 31;
        CHECK(base->count == (long)ROUNDS * size && base->tickets == (long)ROUNDS * size);
        CHECK(base->sum == 0.5 * ROUNDS * size);
        CHECK(base->max == (size - 1) * 1000 + ROUNDS - 1 && base->bits == bits);
        CHECK(base->best.i == (size > 2 ? 2 : size - 1));
    }
    MPI_Win_free(&win);
}

/* A counter that is read and written under an exclusive lock; a list of winners by compare-and-swap. */
static void locks(void)
{
    enum { ROUNDS = 30 };
    int *base, value, won = 0;
    MPI_Win win = allocate(64, sizeof(int), &base);
    int target = size - 1;
    for (int i = 0; i < ROUNDS; i++) {
        MPI_Win_lock(MPI_LOCK_EXCLUSIVE, target, 0, win);
        MPI_Get(&value, 1, MPI_INT, target, 0, 1, MPI_INT, win);
        MPI_Win_flush(target, win);
        value++;
        MPI_Put(&value, 1, MPI_INT, target, 0, 1, MPI_INT, win);
        MPI_Win_unlock(target, win);
    }
    for (int i = 1; i < 9; i++) {
        int mine = rank + 1, zero = 0, old = -1;
        MPI_Win_lock(MPI_LOCK_SHARED, target, 0, win);
        MPI_Compare_and_swap(&mine, &zero, &old, MPI_INT, target, i, win);
        MPI_Win_unlock(target, win);
        won += old == 0;
    }
    MPI_Allreduce(MPI_IN_PLACE, &won, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    CHECK(won == 8);
    if (rank == target)
        CHECK(base[0] == ROUNDS * size);
    MPI_Win_free(&win);
}

/* Each rank exposes its memory to the one before it and uses that of the one behind it. */
static void post_and_start(void)
{
    long *base;
    MPI_Group all, origin, target;
    MPI_Win win = allocate(sizeof(long), sizeof(long), &base);
    MPI_Win_get_group(win, &all);
    MPI_Group_incl(all, 1, &before, &origin);
    MPI_Group_incl(all, 1, &next, &target);
    for (int i = 0; i < 50; i++) {
        long value = i * 1000 + rank;
        int done = 0;
        MPI_Win_post(origin, 0, win);
        MPI_Win_start(target, 0, win);
        MPI_Put(&value, 1, MPI_LONG, next, 0, 1, MPI_LONG, win);
        MPI_Win_complete(win);
        if (i % 2)
            MPI_Win_wait(win);
        else
            while (!done)
                MPI_Win_test(win, &done);
        CHECK(*base == i * 1000 + before);
    }
    MPI_Group_free(&all);
    MPI_Group_free(&origin);
    MPI_Group_free(&target);
    MPI_Win_free(&win);
}

/* Windows over memory that the program has: given when the window is made, or attached later; and requests. */
static void own_memory(void)
{
    static double here[100];
    MPI_Win win;
    MPI_Request requests[2];
    double sent = rank + 0.25, got = 0;
    for (int i = 0; i < 100; i++)
        here[i] = rank * 100 + i;
    MPI_Win_create(here, sizeof here, sizeof *here, MPI_INFO_NULL, MPI_COMM_WORLD, &win);
    MPI_Win_lock(MPI_LOCK_SHARED, next, 0, win);
    MPI_Rget(&got, 1, MPI_DOUBLE, next, 99, 1, MPI_DOUBLE, win, &requests[0]);
    MPI_Rput(&sent, 1, MPI_DOUBLE, next, 98, 1, MPI_DOUBLE, win, &requests[1]);
    MPI_Waitall(2, requests, MPI_STATUSES_IGNORE);
    MPI_Win_unlock(next, win);
    CHECK(got == next * 100 + 99);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Win_lock(MPI_LOCK_SHARED, rank, 0, win);
    CHECK(here[98] == before + 0.25);
    MPI_Win_unlock(rank, win);
    MPI_Win_free(&win);

    MPI_Aint mine, *all = malloc((size_t)size * sizeof *all);
    MPI_Win_create_dynamic(MPI_INFO_NULL, MPI_COMM_WORLD, &win);
    MPI_Win_attach(win, here, sizeof here);
    MPI_Get_address(here, &mine);
    MPI_Allgather(&mine, 1, MPI_AINT, all, 1, MPI_AINT, MPI_COMM_WORLD);
    sent = rank + 0.75;
    MPI_Win_fence(0, win);
    MPI_Put(&sent, 1, MPI_DOUBLE, next, all[next] + 8, 1, MPI_DOUBLE, win);
    MPI_Win_fence(0, win);
    CHECK(here[1] == before + 0.75);
    double add = 1;
    MPI_Accumulate(&add, 1, MPI_DOUBLE, 0, all[0] + 16, 1, MPI_DOUBLE, MPI_SUM, win);
    MPI_Win_fence(0, win);
    if (rank == 0)
        CHECK(here[2] == 2 + size);
    MPI_Win_detach(win, here);
    MPI_Win_free(&win);
    free(all);
}

static int deleted;

static int delete_value(MPI_Win win, int key, void *value, void *extra)
{
    (void)win, (void)key, (void)extra;
    deleted += *(int *)value;
    return MPI_SUCCESS;
}

static int handled;

static void handle(MPI_Win *win, int *code, ...)
{
    (void)win;
    MPI_Error_class(*code, &handled);
}

/* Names, attributes, hints and error handlers. */
static void objects(void)
{
    char name[MPI_MAX_OBJECT_NAME];
    int length, flag, key, value = 5, *number;
    void *at;
    MPI_Aint *bytes;
    char *base;
    MPI_Errhandler handler;
    MPI_Info info;
    MPI_Win win = allocate(24, 3, &base);
    MPI_Win_set_name(win, "window");
    MPI_Win_get_name(win, name, &length);
    CHECK(length == 6 && strcmp(name, "window") == 0);
    MPI_Win_get_attr(win, MPI_WIN_BASE, &at, &flag);
    CHECK(flag && at == base);
    MPI_Win_get_attr(win, MPI_WIN_SIZE, &bytes, &flag);
    CHECK(flag && *bytes == 24);
    MPI_Win_get_attr(win, MPI_WIN_DISP_UNIT, &number, &flag);
    CHECK(flag && *number == 3);
    MPI_Win_get_attr(win, MPI_WIN_CREATE_FLAVOR, &number, &flag);
    CHECK(flag && *number == MPI_WIN_FLAVOR_ALLOCATE);
    MPI_Win_get_attr(win, MPI_WIN_MODEL, &number, &flag);
    CHECK(flag && *number == MPI_WIN_UNIFIED);
    MPI_Win_create_keyval(MPI_WIN_NULL_COPY_FN, delete_value, &key, NULL);
    MPI_Win_set_attr(win, key, &value);
    MPI_Win_get_attr(win, key, &at, &flag);
    CHECK(flag && at == &value);
    MPI_Win_get_info(win, &info);
    MPI_Info_get(info, "no_locks", MPI_MAX_OBJECT_NAME - 1, name, &flag);
    CHECK(flag && strcmp(name, "false") == 0);
    MPI_Info_free(&info);
    CHECK(MPI_Win_f2c(MPI_Win_c2f(win)) == win && MPI_Win_fromint(MPI_Win_toint(win)) == win);
    MPI_Win_create_errhandler(handle, &handler);
    MPI_Win_set_errhandler(win, handler);
    MPI_Errhandler_free(&handler);
    CHECK(MPI_Put(&value, 1, MPI_INT, rank, 0, 1, MPI_INT, win) != MPI_SUCCESS);
    CHECK(handled == MPI_ERR_RMA_SYNC);
    MPI_Win_lock(MPI_LOCK_SHARED, next, 0, win);
    CHECK(MPI_Put(&value, 1, MPI_INT, next, 7, 1, MPI_INT, win) != MPI_SUCCESS);
    CHECK(handled == MPI_ERR_RMA_RANGE);
    MPI_Win_unlock(next, win);
    MPI_Win_free(&win);
    CHECK(deleted == 5);
    MPI_Win_free_keyval(&key);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    check_rank = rank;
    next = (rank + 1) % size;
    before = (rank + size - 1) % size;
    fences();
    layouts();
    accumulates();
    locks();
    post_and_start();
    own_memory();
    objects();
    return check_end("rma");
}
