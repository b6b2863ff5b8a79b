/* Dies with a null pointer in one thread while another waits. */
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>

static sem_t never, ready;

static void *wait_for_ever(void *argument)
{
    sem_post(&ready);
    sem_wait(&never);
    return argument;
}

__attribute__((noinline)) static int fall(int *pointer, int local)
{
    return *pointer + local;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    sem_init(&never, 0, 0);
    sem_init(&ready, 0, 0);
    pthread_create(&thread, NULL, wait_for_ever, NULL);
    sem_wait(&ready);
    (void)argv;
    return fall(NULL, argc + 41);
}
