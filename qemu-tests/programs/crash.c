/* Dies with a null pointer in one thread while another waits and a third computes. */
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>

static sem_t never, ready;
static volatile long steps;

static void *wait_for_ever(void *argument)
{
    sem_post(&ready);
    sem_wait(&never);
    return argument;
}

__attribute__((noinline)) static void compute_for_ever(void)
{
    for (;;)
        steps++;
}

static void *compute(void *argument)
{
    compute_for_ever();
    return argument;
}

__attribute__((noinline)) static int fall(int *pointer, int local)
{
    return *pointer + local;
}

int main(int argc, char **argv)
{
    pthread_t waits, computes;
    sem_init(&never, 0, 0);
    sem_init(&ready, 0, 0);
    pthread_create(&waits, NULL, wait_for_ever, NULL);
    sem_wait(&ready);
    pthread_create(&computes, NULL, compute, NULL);
    while (steps < 1000) {
    }
    (void)argv;
    return fall(NULL, argc + 41);
}
