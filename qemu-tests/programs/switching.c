/* switching ROUNDS: windows of messages of all protocols among all ranks in both directions at once, received by wildcards.
 * Meant for UNIRANK_CHANNEL=switch:N. Each message tells its number among those of its pair, by its tag and in its data. */
#include <mpi.h>
#include <string.h>

#include "check.h"

enum { WINDOW = 16, RANKS = 8, TAGS = 1 << 14, LONGEST = 150000 };

static int rank, size;
static unsigned state = 1;

/* The same numbers everywhere: all ranks know the length of every message. */
static unsigned next(unsigned below)
{
    state = state * 1664525 + 1013904223;
    return (state >> 8) % below;
}

/* Empty, in a slot, in the ring's payload, around the eager limit, rendezvous by one side, by both. */
static int length(int from, int to, int number)
{
    state = (unsigned)(from * RANKS + to) * 100003u + (unsigned)number;
    next(2);
    switch (next(32)) {
    case 0: return 0;
    case 1: return LONGEST - (int)next(1000);
    case 2: return 33000 + (int)next(2000);
    case 3: return 8100 + (int)next(200);
    case 4: case 5: case 6: return 41 + (int)next(4000);
    default: return 1 + (int)next(64);
    }
}

static unsigned char byte_of(int from, int to, int number, int i)
{
    return (unsigned char)(from * 31 + to * 17 + number * 7 + i * 3 + (i >> 8));
}

static char *out[RANKS][WINDOW], *in[RANKS * WINDOW];
static int sent[RANKS], received[RANKS];

static void arrived(const MPI_Status *status, const char *data)
{
    const int from = status->MPI_SOURCE, number = received[from]++;
    int count, wrong = 0;
    CHECK(status->MPI_TAG == number % TAGS);
    MPI_Get_count(status, MPI_CHAR, &count);
    CHECK(count == length(from, rank, number));
    for (int i = 0; i < count; i++)
        wrong += (unsigned char)data[i] != byte_of(from, rank, number, i);
    CHECK(wrong == 0);
}

static int send_window(MPI_Request *requests)
{
    int n = 0;
    for (int i = 0; i < WINDOW; i++)
        for (int to = 0; to < size; to++) {
            if (to == rank)
                continue;
            const int number = sent[to]++, count = length(rank, to, number);
            for (int k = 0; k < count; k++)
                out[to][i][k] = (char)byte_of(rank, to, number, k);
            MPI_Isend(out[to][i], count, MPI_CHAR, to, number % TAGS, MPI_COMM_WORLD, &requests[n++]);
        }
    return n;
}

int main(int argc, char **argv)
{
    MPI_Request sends[RANKS * WINDOW], receives[RANKS * WINDOW];
    MPI_Status statuses[RANKS * WINDOW];
    const int rounds = argc > 1 ? atoi(argv[1]) : 10;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    check_rank = rank;
    for (int i = 0; i < size * WINDOW; i++)
        out[i / WINDOW][i % WINDOW] = malloc(LONGEST), in[i] = malloc(LONGEST);
    for (int round = 0; round < rounds; round++) {
        /* Half of the receives wait for their messages, the others come later: messages are unexpected, too. */
        const int all = (size - 1) * WINDOW, posted = round % 2 ? all : all / 2;
        for (int i = 0; i < posted; i++)
            MPI_Irecv(in[i], LONGEST, MPI_CHAR, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &receives[i]);
        const int n = send_window(sends);
        MPI_Waitall(posted, receives, statuses);
        for (int i = 0; i < posted; i++)
            arrived(&statuses[i], in[i]);
        for (int i = posted; i < all; i++) {
            MPI_Recv(in[i], LONGEST, MPI_CHAR, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &statuses[i]);
            arrived(&statuses[i], in[i]);
        }
        MPI_Waitall(n, sends, MPI_STATUSES_IGNORE);
        /* Else wildcards would take messages of ranks that are ahead, and two ranks wait for each other's receives. */
        MPI_Barrier(MPI_COMM_WORLD);
    }
    for (int from = 0; from < size; from++)
        CHECK(from == rank || received[from] == rounds * WINDOW);
    return check_end("switching");
}
