/* A storm of messages between all pairs of ranks: random sizes, tags, modes, wildcards, orders of completion, all from one
   seed that every rank shares, so that each knows what has to come. Every byte and every status is verified. */

#include <mpi.h>
#include "check.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TAGS = 3, LARGEST = 200000, MOST = 40 };

static int rank, size;

static uint64_t next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static unsigned below(uint64_t *state, unsigned n)
{
    return (unsigned)(next(state) % n);
}

/* What the k-th message of a round from one rank to another is. */
struct message {
    int bytes, tag;
    unsigned mode;
    uint64_t content;
};

static uint64_t pair_seed(uint64_t round, int from, int to)
{
    uint64_t state = round * 1000003u + (uint64_t)from * 1009u + (uint64_t)to;
    return next(&state);
}

static int messages_of(uint64_t round, int from, int to, struct message *out)
{
    uint64_t state = pair_seed(round, from, to);
    int n = (int)below(&state, MOST / (unsigned)size + 2);
    for (int k = 0; k < n; k++) {
        unsigned kind = below(&state, 10);
        unsigned limit = kind < 5 ? 64 : kind < 8 ? 9000 : kind < 9 ? 40000 : LARGEST;
        out[k].bytes = (int)below(&state, limit + 1);
        out[k].tag = (int)below(&state, TAGS);
        out[k].mode = below(&state, 4);
        out[k].content = next(&state);
    }
    return n;
}

static void fill(unsigned char *at, const struct message *m)
{
    uint64_t state = m->content;
    for (int i = 0; i < m->bytes; i++) {
        if (i % 8 == 0) {
            next(&state);
        }
        at[i] = (unsigned char)(state >> (i % 8 * 8));
    }
}

/* Completes requests in one of the ways that MPI has. */
static void complete(int n, MPI_Request *requests, MPI_Status *statuses, unsigned how)
{
    int left = n, index, flag, some, indices[n + 1];
    MPI_Status status, several[n + 1];
    switch (how) {
    case 0:
        MPI_Waitall(n, requests, statuses);
        return;
    case 1:
        for (; left > 0; left--) {
            MPI_Waitany(n, requests, &index, &status);
            statuses[index] = status;
        }
        return;
    case 2:
        while (left > 0) {
            MPI_Waitsome(n, requests, &some, indices, several);
            for (int i = 0; i < some; i++) {
                statuses[indices[i]] = several[i];
            }
            left -= some;
        }
        return;
    case 3:
        do {
            MPI_Testall(n, requests, &flag, statuses);
        } while (!flag);
        return;
    default:
        for (int i = n - 1; i >= 0; i--) {
            MPI_Wait(&requests[i], &statuses[i]);
        }
    }
}

/* The next message of that tag from that rank which was not received yet: order has to hold per sender and tag. */
static struct message *expected(struct message *of, int n, char *taken, int tag)
{
    for (int k = 0; k < n; k++) {
        if (!taken[k] && of[k].tag == tag) {
            taken[k] = 1;
            return &of[k];
        }
    }
    return NULL;
}

static void verify(const unsigned char *data, const MPI_Status *status, struct message (*in)[MOST + 2], const int *count,
                   char (*taken)[MOST + 2], unsigned char *scratch)
{
    int bytes = -1;
    CHECK(status->MPI_SOURCE >= 0 && status->MPI_SOURCE < size);
    struct message *m =
        expected(in[status->MPI_SOURCE], count[status->MPI_SOURCE], taken[status->MPI_SOURCE], status->MPI_TAG);
    MPI_Get_count(status, MPI_BYTE, &bytes);
    CHECK(m != NULL && bytes == m->bytes);
    if (m != NULL && bytes == m->bytes) {
        fill(scratch, m);
        CHECK(memcmp(scratch, data, (size_t)bytes) == 0);
    }
}

static void round_of_messages(uint64_t round, MPI_Comm comm)
{
    static struct message in[64][MOST + 2], out[64][MOST + 2];
    static char taken[64][MOST + 2];
    static unsigned char scratch[LARGEST];
    int in_count[64], sends = 0, receives = 0, at = 0;
    uint64_t local = round * 7919u + (uint64_t)rank;
    memset(taken, 0, sizeof taken);
    int out_count[64];
    for (int peer = 0; peer < size; peer++) {
        in_count[peer] = messages_of(round, peer, rank, in[peer]);
        out_count[peer] = messages_of(round, rank, peer, out[peer]);
        receives += in_count[peer];
        sends += out_count[peer];
    }
    /* How this rank receives: a wildcard for everything, a wildcard source, exact, or by probing. */
    unsigned style = below(&local, 4);
    unsigned char **buffers = calloc((size_t)(sends + receives + 1), sizeof *buffers);
    MPI_Request *requests = malloc((size_t)(sends + receives + 1) * sizeof *requests);
    MPI_Status *statuses = malloc((size_t)(sends + receives + 1) * sizeof *statuses);
    int posted = style == 3 ? 0 : receives;
    unsigned late = below(&local, 2);
    for (int pass = 0; pass < 2; pass++) {
        if (pass == (int)late) {
            for (int i = 0; i < posted; i++) {
                buffers[i] = malloc(LARGEST + 1);
            }
            if (style == 0) {
                for (at = 0; at < posted; at++) {
                    MPI_Irecv(buffers[at], LARGEST, MPI_BYTE, MPI_ANY_SOURCE, MPI_ANY_TAG, comm, &requests[at]);
                }
            } else if (style < 3) {
                at = 0;
                for (int peer = 0; peer < size; peer++) {
                    for (int k = 0; k < in_count[peer]; k++, at++) {
                        int source = style == 1 ? MPI_ANY_SOURCE : peer;
                        MPI_Irecv(buffers[at], LARGEST, MPI_BYTE, source, in[peer][k].tag, comm, &requests[at]);
                    }
                }
            }
        } else {
            int slot = posted;
            for (int step = 0; step < size; step++) {
                int peer = (rank + step) % size;
                for (int k = 0; k < out_count[peer]; k++, slot++) {
                    struct message *m = &out[peer][k];
                    buffers[slot] = malloc((size_t)m->bytes + 1);
                    fill(buffers[slot], m);
                    if (m->mode == 0) {
                        MPI_Issend(buffers[slot], m->bytes, MPI_BYTE, peer, m->tag, comm, &requests[slot]);
                    } else {
                        MPI_Isend(buffers[slot], m->bytes, MPI_BYTE, peer, m->tag, comm, &requests[slot]);
                    }
                }
            }
        }
    }
    if (style == 3) {
        unsigned char *buffer = malloc(LARGEST + 1);
        for (int i = 0; i < receives; i++) {
            MPI_Status status;
            int bytes, flag = 0;
            MPI_Message message;
            switch (below(&local, 3)) {
            case 0:
                MPI_Probe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm, &status);
                MPI_Get_count(&status, MPI_BYTE, &bytes);
                MPI_Recv(buffer, bytes, MPI_BYTE, status.MPI_SOURCE, status.MPI_TAG, comm, &status);
                break;
            case 1:
                MPI_Mprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm, &message, &status);
                MPI_Get_count(&status, MPI_BYTE, &bytes);
                MPI_Mrecv(buffer, bytes, MPI_BYTE, &message, &status);
                break;
            default:
                while (!flag) {
                    MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm, &flag, &message, &status);
                }
                MPI_Mrecv(buffer, LARGEST, MPI_BYTE, &message, &status);
            }
            verify(buffer, &status, in, in_count, taken, scratch);
        }
        free(buffer);
    }
    complete(posted + sends, requests, statuses, below(&local, 5));
    /* Receives of one pattern match in the order they were posted, so this order is the order of the messages. */
    for (int i = 0; i < posted; i++) {
        verify(buffers[i], &statuses[i], in, in_count, taken, scratch);
    }
    for (int i = 0; i < posted + sends; i++) {
        free(buffers[i]);
    }
    free(buffers);
    free(requests);
    free(statuses);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    check_rank = rank;
    int rounds = argc > 1 ? atoi(argv[1]) : 30;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    MPI_Comm other;
    MPI_Comm_dup(MPI_COMM_WORLD, &other);
    for (int round = 0; round < rounds; round++) {
        round_of_messages(seed * 1000 + (uint64_t)round, round % 2 ? other : MPI_COMM_WORLD);
    }
    MPI_Comm_free(&other);
    return check_end("storm");
}
