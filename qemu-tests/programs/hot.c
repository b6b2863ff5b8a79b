/* Computes in functions with names of their own, in two threads: `hot` ten times as long as `warm`. Then the library OS
 * works for it. */
#include <mpi.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/random.h>

static volatile double sink;

__attribute__((noinline)) static double hot(long n)
{
    double sum = 0;
    for (long i = 1; i < n; i++)
        sum += 1.0 / (double)i;
    return sum;
}

__attribute__((noinline)) static double warm(long n)
{
    double sum = 0;
    for (long i = 1; i < n; i++)
        sum -= 1.0 / (double)i;
    return sum;
}

static void *work(void *argument)
{
    for (int i = 0; i < 20; i++)
        sink = hot(5000000 + i) + warm(500000 + i);
    return argument;
}

__attribute__((noinline)) static void ask(void)
{
    char bytes[4096];
    for (int i = 0; i < 10000; i++)
        sink += (double)getrandom(bytes, sizeof bytes, 0);
}

int main(int argc, char **argv)
{
    pthread_t thread;
    MPI_Init(&argc, &argv);
    pthread_create(&thread, NULL, work, NULL);
    work(NULL);
    pthread_join(thread, NULL);
    ask();
    MPI_Finalize();
    printf("hot: done\n");
    return 0;
}
