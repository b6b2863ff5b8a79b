/* scribble WHAT SEED: a guest gone bad. Rank 1 fills what the host backend reads of it with random bytes, again and
 * again for two seconds, ringing its doorbells: WHAT is `commands` (the command ring and its counters), `doorbells`
 * (the UAR page and the control page) or `queues` (everything that looks like queue memory: pages of its own heap,
 * where send queues, completion queues and doorbell records lie, while it communicates). The others wait for it. */
#include "region.h"
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state;
static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void fill(volatile uint8_t *at, size_t bytes)
{
    for (size_t i = 0; i + 8 <= bytes; i += 8)
        *(volatile uint64_t *)(at + i) = next() % 4 ? next() : next() % 64;
}

int main(int argc, char **argv)
{
    int rank, x = 0;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Barrier(MPI_COMM_WORLD);
    const char *what = argc > 1 ? argv[1] : "";
    state = argc > 2 ? strtoull(argv[2], NULL, 10) * 0x9e3779b97f4a7c15u + 1 : 1;
    if (rank == 1) {
        const struct unirank_vm *vm = unirank_vm();
        volatile uint8_t *region = vm->hca_region;
        double began = MPI_Wtime();
        uint8_t *heap = malloc(1 << 16);
        printf("scribbling\n");
        fflush(stdout);
        while (MPI_Wtime() - began < 2) {
            if (!strcmp(what, "commands")) {
                fill(region + 0x1000, 0x1000);
                *(volatile uint32_t *)(region + 0x140) += 1 + (uint32_t)(next() % 40);
                if (next() % 50 == 0)
                    fill(region + 0x140, 8);
            } else if (!strcmp(what, "doorbells")) {
                fill(region + 0x8000, 0x1000);
                fill(region + 0x100, 0x200);
                fill(region + 0x2000, 0x2000);
            } else {
                /* One random word in the 16 MiB around the heap: code and stack lie elsewhere. */
                for (int i = 0; i < 64; i++) {
                    uint64_t at = ((uint64_t)heap & ~0xffffffull) + (next() & 0xfffff8);
                    if (at < vm->ram_len)
                        *(volatile uint64_t *)at = next();
                }
                fill(region + 0x8800, 8);
            }
            vm->hca_wake();
        }
    }
    MPI_Recv(&x, 1, MPI_INT, MPI_ANY_SOURCE, 5, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Finalize();
    return 0;
}
