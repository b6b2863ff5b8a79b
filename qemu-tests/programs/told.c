/* told KIND: ranks that are sent signals by way of the launcher.
   handle: each waits for a message that never comes and says in its handlers what it got; SIGTERM ends it, well.
   ignore: each ignores SIGTERM.   other: rank 1 ends itself with status 7 on SIGTERM, the others go on.
   compute: each handles SIGTERM in a loop without system calls. */
#define _GNU_SOURCE
#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int rank;
static volatile sig_atomic_t told;

static void say(const char *what)
{
    char line[80];
    int n = snprintf(line, sizeof line, "rank %d got %s\n", rank, what);
    if (write(1, line, (size_t)n) != n)
        _exit(9);
}

static void heard(int signal)
{
    say(signal == SIGUSR1 ? "SIGUSR1" : signal == SIGUSR2 ? "SIGUSR2" : "SIGTERM");
    if (signal == SIGTERM)
        _exit(0);
}

static void flag(int signal)
{
    (void)signal;
    told = 1;
}

static void leave(int signal)
{
    (void)signal;
    _exit(7);
}

int main(int argc, char **argv)
{
    int x;
    const char *kind = argc > 1 ? argv[1] : "";
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (!strcmp(kind, "handle")) {
        signal(SIGUSR1, heard);
        signal(SIGUSR2, heard);
        signal(SIGTERM, heard);
    } else if (!strcmp(kind, "ignore") || (!strcmp(kind, "other") && rank != 1)) {
        signal(SIGTERM, SIG_IGN);
    } else if (!strcmp(kind, "other")) {
        signal(SIGTERM, leave);
    } else {
        signal(SIGTERM, flag);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0) {
        printf("ready\n");
        fflush(stdout);
    }
    if (!strcmp(kind, "compute")) {
        while (!told)
            ;
        say("SIGTERM");
        MPI_Finalize();
        return 0;
    }
    MPI_Recv(&x, 1, MPI_INT, MPI_ANY_SOURCE, 5, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    return 0;
}
