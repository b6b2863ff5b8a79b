/* Ranks that wait for each other for ever, or only for long; chosen by the first argument. Two ranks or more. */
#include <mpi.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void *receive(void *unused)
{
    int number;
    MPI_Recv(&number, 1, MPI_INT, MPI_ANY_SOURCE, 7, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    return unused;
}

static void *send_later(void *unused)
{
    int number = 0, rank;
    sleep(6);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Send(&number, 1, MPI_INT, rank, 7, MPI_COMM_WORLD);
    return unused;
}

int main(int argc, char **argv)
{
    int rank, size, number = 0;
    const char *what = argc > 1 ? argv[1] : "";
    int level = MPI_THREAD_SINGLE;
    if (!strncmp(what, "multiple-", 9)) {
        /* One thread is in MPI, though others might. */
        what += 9;
        level = MPI_THREAD_MULTIPLE;
    }
    MPI_Init_thread(&argc, &argv, level, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Barrier(MPI_COMM_WORLD);
    if (!strcmp(what, "tags")) {
        /* The tag of the receive is not that of the send. */
        MPI_Send(&number, 1, MPI_INT, (rank + 1) % size, 5, MPI_COMM_WORLD);
        MPI_Recv(&number, 1, MPI_INT, (rank + size - 1) % size, 6, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    } else if (!strcmp(what, "collectives")) {
        if (rank == 1)
            MPI_Bcast(&number, 1, MPI_INT, 0, MPI_COMM_WORLD);
        else
            MPI_Barrier(MPI_COMM_WORLD);
    } else if (!strcmp(what, "wait")) {
        /* Synchronous sends that nobody receives, in MPI_Wait and MPI_Finalize. */
        MPI_Request request;
        if (rank == 0) {
            MPI_Issend(&number, 1, MPI_INT, 1, 3, MPI_COMM_WORLD, &request);
            MPI_Wait(&request, MPI_STATUS_IGNORE);
        }
    } else if (!strcmp(what, "probe")) {
        if (rank == 0)
            MPI_Probe(MPI_ANY_SOURCE, 77, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    } else if (!strcmp(what, "pair")) {
        /* Ranks 1 and 2 wait for each other while rank 0 goes on, until it is ended with them. */
        if (rank == 0)
            sleep(60);
        else if (rank < 3)
            MPI_Recv(&number, 1, MPI_INT, 3 - rank, 6, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    } else if (!strcmp(what, "part")) {
        /* Ranks 1 and 2 are in different collectives of their own communicator. */
        MPI_Comm part;
        MPI_Comm_split(MPI_COMM_WORLD, rank > 0, rank, &part);
        MPI_Comm_set_name(part, "part");
        MPI_Barrier(part);
        if (rank == 0)
            sleep(60);
        else if (rank == 1)
            MPI_Bcast(&number, 1, MPI_INT, 1, part);
        else
            MPI_Barrier(part);
    } else if (!strcmp(what, "lock")) {
        /* Rank 0 never gives back the lock that rank 1 wants. */
        MPI_Win win;
        int *memory;
        MPI_Win_allocate(sizeof(int), sizeof(int), MPI_INFO_NULL, MPI_COMM_WORLD, &memory, &win);
        if (rank == 0)
            MPI_Win_lock(MPI_LOCK_EXCLUSIVE, 1, 0, win);
        MPI_Barrier(MPI_COMM_WORLD);
        if (rank == 1)
            MPI_Win_lock(MPI_LOCK_EXCLUSIVE, 1, 0, win);
        MPI_Barrier(MPI_COMM_WORLD);
    } else if (!strcmp(what, "threads")) {
        /* All threads of each rank wait for messages that are not sent. */
        pthread_t thread;
        pthread_create(&thread, NULL, receive, NULL);
        MPI_Recv(&number, 1, MPI_INT, MPI_ANY_SOURCE, 8, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    } else if (!strcmp(what, "joins")) {
        /* The first thread waits for the end of one that waits for a message that is not sent. */
        pthread_t thread;
        pthread_create(&thread, NULL, receive, NULL);
        pthread_join(thread, NULL);
    } else if (!strcmp(what, "joins-later")) {
        /* The same, but a third thread sends the message after a long time. */
        pthread_t receiver, sender;
        pthread_create(&receiver, NULL, receive, NULL);
        pthread_create(&sender, NULL, send_later, NULL);
        pthread_join(receiver, NULL);
        pthread_join(sender, NULL);
    } else if (!strcmp(what, "thread-computes")) {
        /* A thread sends after a long time what the other waits for. */
        pthread_t thread;
        pthread_create(&thread, NULL, send_later, NULL);
        MPI_Recv(&number, 1, MPI_INT, MPI_ANY_SOURCE, 7, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        pthread_join(thread, NULL);
    } else if (!strcmp(what, "compute")) {
        /* One rank is long outside of MPI: no deadlock. */
        if (rank == 0)
            sleep(6);
        MPI_Barrier(MPI_COMM_WORLD);
    } else if (!strcmp(what, "poll")) {
        /* One rank polls, and goes on in its own time: no deadlock. */
        if (rank == 0) {
            double began = MPI_Wtime();
            int flag = 0;
            while (MPI_Wtime() - began < 6)
                MPI_Iprobe(1, 9, MPI_COMM_WORLD, &flag, MPI_STATUS_IGNORE);
            MPI_Send(&number, 1, MPI_INT, 1, 4, MPI_COMM_WORLD);
        } else if (rank == 1) {
            MPI_Recv(&number, 1, MPI_INT, 0, 4, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        }
        MPI_Barrier(MPI_COMM_WORLD);
    }
    if (rank == 0)
        printf("done\n");
    MPI_Finalize();
    return 0;
}
