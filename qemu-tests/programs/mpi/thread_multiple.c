/* MPI_THREAD_MULTIPLE: threads of every rank send, receive, probe, do collectives on communicators of their own, put into
 * windows and wait for each other, all at once. Results are computed from ranks and threads alone. */
#include <mpi.h>

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../check.h"

enum { THREADS = 4, ROUNDS = 200, LONG = 70000 };

static int rank, size;
static MPI_Comm own[THREADS];

static int value(int from, int thread, int round) { return from * 1000003 + thread * 1009 + round; }

/* A ring of messages per thread; tags tell the threads apart on one communicator. Lengths go through all protocols. */
static void ring(int thread)
{
    static const int lengths[] = {1, 2, 15, 300, 2000, LONG};
    int next = (rank + 1) % size, before = (rank + size - 1) % size;
    int *out = malloc(LONG * sizeof(int)), *in = malloc(LONG * sizeof(int));
    for (int round = 0; round < ROUNDS; round++) {
        int len = lengths[(round + thread) % (round % 20 ? 5 : 6)];
        for (int i = 0; i < len; i++)
            out[i] = value(rank, thread, round) + i;
        memset(in, 0, len * sizeof(int));
        MPI_Request requests[2];
        MPI_Irecv(in, len, MPI_INT, before, thread, MPI_COMM_WORLD, &requests[0]);
        MPI_Isend(out, len, MPI_INT, next, thread, MPI_COMM_WORLD, &requests[1]);
        MPI_Status statuses[2];
        MPI_Waitall(2, requests, statuses);
        int count;
        MPI_Get_count(&statuses[0], MPI_INT, &count);
        CHECK(count == len && statuses[0].MPI_SOURCE == before && statuses[0].MPI_TAG == thread);
        for (int i = 0; i < len; i++)
            CHECK(in[i] == value(before, thread, round) + i);
    }
    free(out);
    free(in);
}

/* Blocking receives with matched probes: two threads never get the same message. */
static void probes(int thread)
{
    int next = (rank + 1) % size;
    for (int round = 0; round < ROUNDS; round++) {
        int out = value(rank, thread, round);
        MPI_Request request;
        MPI_Isend(&out, 1, MPI_INT, next, 100, MPI_COMM_WORLD, &request);
        MPI_Message message;
        MPI_Status status;
        MPI_Mprobe(MPI_ANY_SOURCE, 100, MPI_COMM_WORLD, &message, &status);
        int in;
        MPI_Mrecv(&in, 1, MPI_INT, &message, &status);
        static long sum, messages;
        long all = __atomic_add_fetch(&sum, in - status.MPI_SOURCE * 1000003, __ATOMIC_SEQ_CST);
        if (__atomic_add_fetch(&messages, 1, __ATOMIC_SEQ_CST) == (long)THREADS * ROUNDS) {
            long expected = 0;
            for (int t = 0; t < THREADS; t++)
                for (int r = 0; r < ROUNDS; r++)
                    expected += t * 1009 + r;
            all = __atomic_load_n(&sum, __ATOMIC_SEQ_CST);
            CHECK(all == expected);
        }
        MPI_Wait(&request, MPI_STATUS_IGNORE);
    }
}

static void collectives(int thread)
{
    for (int round = 0; round < ROUNDS; round++) {
        int in = value(rank, thread, round), sum = 0, expected = 0;
        MPI_Allreduce(&in, &sum, 1, MPI_INT, MPI_SUM, own[thread]);
        for (int r = 0; r < size; r++)
            expected += value(r, thread, round);
        CHECK(sum == expected);
        int root = round % size, told = rank == root ? round : -1;
        MPI_Bcast(&told, 1, MPI_INT, root, own[thread]);
        CHECK(told == round);
        if (round % 50 == 0)
            MPI_Barrier(own[thread]);
    }
    MPI_Comm copy;
    MPI_Comm_dup(own[thread], &copy);
    MPI_Barrier(copy);
    MPI_Comm_free(&copy);
}

static void windows(int thread)
{
    int *memory;
    MPI_Win win;
    MPI_Win_allocate(size * sizeof(int), sizeof(int), MPI_INFO_NULL, own[thread], &memory, &win);
    memset(memory, 0, size * sizeof(int));
    for (int round = 0; round < 10; round++) {
        MPI_Win_fence(0, win);
        int mine[9];
        for (int target = 0; target < size; target++) {
            mine[target] = value(rank, thread, round) + target;
            MPI_Put(&mine[target], 1, MPI_INT, target, rank, 1, MPI_INT, win);
        }
        MPI_Win_fence(0, win);
        for (int from = 0; from < size; from++)
            CHECK(memory[from] == value(from, thread, round) + rank);
    }
    MPI_Win_free(&win);
}

/* A thread that waits for a message which another thread of this rank sends later: the waiting one must let it in. */
static void within(int thread)
{
    int in = -1, out = 7 + thread;
    if (thread % 2) {
        usleep(2000);
        MPI_Send(&out, 1, MPI_INT, rank, 200 + thread, MPI_COMM_WORLD);
    } else {
        MPI_Recv(&in, 1, MPI_INT, rank, 200 + thread + 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        CHECK(in == 7 + thread + 1);
    }
}

static void *work(void *argument)
{
    int thread = (int)(intptr_t)argument;
    int is_main = 1;
    MPI_Is_thread_main(&is_main);
    CHECK(!is_main);
    within(thread);
    ring(thread);
    probes(thread);
    collectives(thread);
    windows(thread);
    return NULL;
}

int main(int argc, char **argv)
{
    int provided, level;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
    CHECK(provided == MPI_THREAD_MULTIPLE);
    MPI_Query_thread(&level);
    CHECK(level == MPI_THREAD_MULTIPLE);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    check_rank = rank;
    for (int t = 0; t < THREADS; t++)
        MPI_Comm_dup(MPI_COMM_WORLD, &own[t]);
    pthread_t threads[THREADS];
    for (int t = 0; t < THREADS; t++)
        CHECK(pthread_create(&threads[t], NULL, work, (void *)(intptr_t)t) == 0);
    for (int t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
    for (int t = 0; t < THREADS; t++)
        MPI_Comm_free(&own[t]);
    return check_end("thread_multiple");
}
