/* CHECK(condition): a test program counts what failed, says where, and ends with status 1 if anything did. */
#ifndef CHECK_H
#define CHECK_H
#include <stdio.h>
#include <stdlib.h>

static int check_failures, check_rank;

#define CHECK(condition)                                                                              \
    do {                                                                                              \
        if (!(condition)) {                                                                           \
            fprintf(stderr, "rank %d: %s:%d: failed: %s\n", check_rank, __FILE__, __LINE__, #condition); \
            if (++check_failures > 20)                                                                \
                exit(1);                                                                              \
        }                                                                                             \
    } while (0)

#ifdef MPI_VERSION
/* To be called before MPI_Finalize by all ranks: rank 0 says `NAME: passed` if no rank failed. */
static int check_end(const char *name)
{
    int all = 0;
    MPI_Allreduce(&check_failures, &all, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    if (check_rank == 0)
        printf("%s: %s\n", name, all ? "FAILED" : "passed");
    fflush(stdout);
    MPI_Finalize();
    return all ? 1 : 0;
}
#endif
#endif
