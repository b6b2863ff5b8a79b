/* One-sided times for `unirank bench compare`, as compare.c; a program of its own, as a library may have messages
 * but nothing one-sided.
 *
 *   rma [--round-ms N] [--rounds N]
 *
 *   put, get  8 bytes from rank 0 into or out of rank 1's part of a window, each completed by a flush, us
 *
 * Rank 1 waits meanwhile, as a program's other rank would. The window comes from MPI_Win_allocate, so that a library
 * may place it in shared memory.
 */
#include "rounds.h"

static MPI_Win window;

/* Each repetition brings another value, and the last one is looked at in the end. */
static void put(long n)
{
    if (rank == 0) {
        for (long i = 1; i <= n; i++) {
            MPI_Put(&i, 1, MPI_LONG, 1, 0, 1, MPI_LONG, window);
            MPI_Win_flush(1, window);
        }
    }
}

static void get(long n)
{
    long got = 0;
    if (rank == 0) {
        for (long i = 0; i < n; i++) {
            MPI_Get(&got, 1, MPI_LONG, 1, 1, 1, MPI_LONG, window);
            MPI_Win_flush(1, window);
        }
        require(got == 4711, "MPI_Get brought a wrong value");
    }
}

int main(int argc, char **argv)
{
    struct options options = start(&argc, &argv);
    long *part;
    MPI_Win_allocate(2 * sizeof *part, sizeof *part, MPI_INFO_NULL, MPI_COMM_WORLD, &part, &window);
    MPI_Win_lock_all(0, window);
    part[0] = 0;
    part[1] = rank == 1 ? 4711 : 0;
    MPI_Win_sync(window);
    MPI_Barrier(MPI_COMM_WORLD);
    struct spread s = measure(put, options.effort);
    MPI_Win_sync(window);
    MPI_Barrier(MPI_COMM_WORLD);
    require(rank == 0 || part[0] > 0, "MPI_Put left nothing");
    print_spread("put", 8, s.median / 1e-6, s.low / 1e-6, s.high / 1e-6);
    s = measure(get, options.effort);
    print_spread("get", 8, s.median / 1e-6, s.low / 1e-6, s.high / 1e-6);
    MPI_Win_unlock_all(window);
    MPI_Win_free(&window);
    MPI_Finalize();
    return 0;
}
