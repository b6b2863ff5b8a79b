/* garble KIND: rank 1 writes garbage into its ring to rank 0, which receives, or into its line of the segment in which
 * all of three ranks meet; KIND says what. The others wait. */
#include <mpi.h>
#include <unistd.h>

#include "region.h"

enum { TAG = 5, EAGER = 1, RENDEZVOUS = 3, FIN = 4, DATA = 8, BARRIERS = 3 };

/* No rank has memory there. */
static const uint64_t NOWHERE = 0x7fff00000000;

static volatile uint8_t *region;
static char large[1 << 20];

/* A slot after the last message, an eager one to which word 0's upper half and some words are changed. */
static void after_the_last(uint32_t stamp_off, uint32_t sequence_off, uint64_t kind, uint64_t mark, const uint64_t words[5])
{
    volatile uint8_t *mine = ring(region, 1, 0);
    uint32_t count = sent(mine);
    volatile uint64_t *last = slot(mine, count - 1), *next = slot(mine, count);
    next[1] = last[1];
    next[2] = last[2] + ((uint64_t)(1 + sequence_off) << 32);
    for (int i = 0; i < 5; i++)
        next[3 + i] = words[i];
    __atomic_store_n(next, (uint64_t)(count + 1 + stamp_off) | kind << 32 | mark << 48, __ATOMIC_RELEASE);
}

/* A line of the next phase with the stamp of one far ahead. A barrier is one phase of that number and tag; members' lines
 * lie behind each other. See ivc/src/segment.rs. */
static void spoil_the_segment(void)
{
    int member = 0;
    for (uint64_t at = word64(region, 0x40); at < word64(region, 0x108); at += 64) {
        volatile uint64_t *line = (volatile uint64_t *)(region + at);
        if (*line == (BARRIERS << 16 | 0x1000) && member++ == 1) {
            /* The third of four: the next is the first. */
            __atomic_store_n(line - BARRIERS * 8, 1000 << 16 | 0x1000, __ATOMIC_RELEASE);
            return;
        }
    }
    fprintf(stderr, "garble: found no segment\n");
}

static void garble(const char *what)
{
    const uint64_t nothing[5] = {0};
    if (!strcmp(what, "kind"))
        after_the_last(0, 0, 77, 8, nothing);
    else if (!strcmp(what, "length"))
        after_the_last(0, 0, EAGER, IN_PAYLOAD, (const uint64_t[5]){0, 1ull << 40});
    else if (!strcmp(what, "length-in-slot"))
        after_the_last(0, 0, EAGER, 200, nothing);
    else if (!strcmp(what, "place"))
        after_the_last(0, 0, EAGER, IN_PAYLOAD, (const uint64_t[5]){1ull << 40, 64});
    else if (!strcmp(what, "sequence-ahead"))
        after_the_last(0, 1000000000, EAGER, 8, nothing);
    else if (!strcmp(what, "sequence-behind"))
        after_the_last(0, -1u, EAGER, 8, nothing);
    else if (!strcmp(what, "stamp"))
        after_the_last(9, 0, EAGER, 8, nothing);
    else if (!strcmp(what, "offer"))
        after_the_last(0, 0, EAGER, OFFERED, (const uint64_t[5]){NOWHERE, 4096});
    else if (!strcmp(what, "offer-length"))
        after_the_last(0, 0, EAGER, OFFERED, (const uint64_t[5]){4096, 1ull << 40});
    else if (!strcmp(what, "offer-moved"))
        after_the_last(0, 0, EAGER, OFFERED, (const uint64_t[5]){4096, 4096, 0, 0, NOWHERE});
    else if (!strcmp(what, "rendezvous"))
        after_the_last(0, 0, RENDEZVOUS, 40, (const uint64_t[5]){1, 1 << 20, NOWHERE});
    else if (!strcmp(what, "rendezvous-length"))
        after_the_last(0, 0, RENDEZVOUS, 40, (const uint64_t[5]){1, -1ull, (uint64_t)large});
    else if (!strcmp(what, "part"))
        after_the_last(0, 0, DATA, 8, nothing);
    else if (!strcmp(what, "end"))
        after_the_last(0, 0, FIN, 40, (const uint64_t[5]){12345});
    else if (!strcmp(what, "segment"))
        spoil_the_segment();
    else if (!strcmp(what, "directory")) {
        /* Half of it would lie outside. */
        *ring_entry(region, 1, 0) = (uint32_t)((word64(region, 0x10) - 4096) / 64);
        __atomic_add_fetch((volatile uint32_t *)(region + word64(region, 0x20) + 0x40), 1, __ATOMIC_RELEASE);
    } else
        fprintf(stderr, "garble: unknown kind %s\n", what);
}

int main(int argc, char **argv)
{
    int rank, x = 0;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    const char *what = argc > 1 ? argv[1] : "";
    const int has_ring = strcmp(what, "directory") != 0;
    for (int i = 0; i < BARRIERS && !strcmp(what, "segment"); i++)
        MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 1) {
        region = job_region();
        if (has_ring)
            MPI_Send(&x, 1, MPI_INT, 0, TAG, MPI_COMM_WORLD);
        garble(what);
        /* Rank 0 answers this one, and rank 1's own library, which knows nothing of it, would blame rank 0 for that. */
        while (!strcmp(what, "rendezvous-length"))
            sleep(1000);
    }
    if (rank != 1 && !strcmp(what, "segment"))
        MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0) {
        if (has_ring)
            MPI_Recv(&x, 1, MPI_INT, 1, TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        MPI_Recv(large, sizeof large, MPI_CHAR, 1, TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        printf("received\n");
        fflush(stdout);
    }
    MPI_Recv(&x, 1, MPI_INT, 2, TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Finalize();
    return 0;
}
