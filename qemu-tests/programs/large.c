/* Messages from and to the ends of memory that lies on both sides of the PCI hole. Sparse: only what is sent is touched. */
#include <mpi.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "check.h"

enum { LEN = 3 << 20 };

static char *block(size_t bytes)
{
    char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(at != MAP_FAILED);
    return at;
}

int main(int argc, char **argv)
{
    int rank, high = 0, low = 0;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    check_rank = rank;
    /* Two blocks that do not fit on one side together. */
    size_t bytes = (size_t)2500 << 20;
    char *blocks[2] = {block(bytes), block(bytes)};
    for (int b = 0; b < 2; b++) {
        high += (uintptr_t)blocks[b] >= (uintptr_t)4 << 30;
        low += (uintptr_t)blocks[b] + bytes <= (uintptr_t)3 << 30;
    }
    for (int b = 0; b < 2; b++)
        for (int end = 0; end < 2; end++)
            for (int len = 1; len <= LEN; len = len < 1000 ? len * 999 : len + 3145000 / 3) {
                char *mine = blocks[b] + (end ? bytes - LEN : 0), *other = blocks[!b] + (end ? 0 : bytes - LEN);
                memset(mine, len % 251 + rank, len);
                MPI_Sendrecv(mine, len, MPI_BYTE, !rank, b, other, len, MPI_BYTE, !rank, b, MPI_COMM_WORLD,
                             MPI_STATUS_IGNORE);
                for (int i = 0; i < len; i++)
                    CHECK(other[i] == (char)(len % 251 + !rank));
            }
    /* One-sided: a window over a whole block. */
    MPI_Win win;
    long long word = 40 + rank, got = 0;
    MPI_Win_create(blocks[0], bytes, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &win);
    for (int end = 0; end < 2; end++) {
        MPI_Aint at = end ? bytes - 8 : 0;
        MPI_Win_fence(0, win);
        MPI_Put(&word, 8, MPI_BYTE, !rank, at, 8, MPI_BYTE, win);
        MPI_Win_fence(0, win);
        MPI_Get(&got, 8, MPI_BYTE, !rank, at, 8, MPI_BYTE, win);
        MPI_Win_fence(0, win);
        CHECK(got == word && *(long long *)(blocks[0] + at) == 40 + !rank);
    }
    MPI_Win_free(&win);
    if (rank == 0)
        printf("blocks above %d below %d\n", high, low);
    return check_end("large");
}
