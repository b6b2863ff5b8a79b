/* Threads of the C library: locks, condition variables, thread-local data, names, affinity, timeouts, robust mutexes. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>
#include <sys/syscall.h>

#define CHECK(c) do { if (!(c)) { printf("threads: line %d: %s failed\n", __LINE__, #c); exit(1); } } while (0)
enum { THREADS = 8, ROUNDS = 2000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static long total, turn;
static _Thread_local long own = 5;
static atomic_long atomics;
static sem_t semaphore;

static void *count(void *argument)
{
    long me = (long)argument;
    double sum = 0;
    own += me;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&lock);
        total++;
        pthread_mutex_unlock(&lock);
        atomics++;
    }
    /* Vector registers survive whoever else computes. */
    for (int i = 1; i < 300000; i++)
        sum += 1.0 / i * (me + 1);
    pthread_barrier_wait(&barrier);
    CHECK(sum > 13.18 * (me + 1) && sum < 13.19 * (me + 1));
    return (void *)own;
}

static void *answer(void *argument)
{
    (void)argument;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&lock);
        while (turn != 1)
            pthread_cond_wait(&changed, &lock);
        turn = 0;
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

static void *die_with(void *mutex)
{
    pthread_mutex_lock(mutex);
    return NULL;
}

static int c11(void *argument)
{
    sem_post(&semaphore);
    return *(int *)argument + 1;
}

static void *spin_until(void *flag)
{
    while (!atomic_load((atomic_int *)flag))
        ;
    return NULL;
}

static void *placed(void *argument)
{
    cpu_set_t set;
    int cpu = (int)(long)argument;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    CHECK(sched_setaffinity(0, sizeof set, &set) == 0);
    for (int i = 0; i < 100; i++) {
        CHECK(sched_getcpu() == cpu);
        sched_yield();
    }
    return NULL;
}

static void join(pthread_t thread)
{
    CHECK(pthread_join(thread, NULL) == 0);
}

int main(int argc, char **argv)
{
    pthread_t thread[THREADS];
    long sum = 0;
    void *result;

    CHECK(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
    for (long i = 0; i < THREADS; i++)
        CHECK(pthread_create(&thread[i], NULL, count, (void *)i) == 0);
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(thread[i], &result) == 0);
        sum += (long)result;
    }
    CHECK(total == THREADS * ROUNDS && atomics == total && sum == 5 * THREADS + 28 && own == 5);

    CHECK(pthread_create(&thread[0], NULL, answer, NULL) == 0);
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&lock);
        while (turn != 0)
            pthread_cond_wait(&changed, &lock);
        turn = 1;
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&lock);
    }
    join(thread[0]);

    /* A wait with a deadline ends at it. */
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 20000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&lock);
    CHECK(pthread_cond_timedwait(&changed, &lock, &until) == ETIMEDOUT);
    pthread_mutex_unlock(&lock);

    /* The owner of a robust lock ends. */
    pthread_mutexattr_t attributes;
    pthread_mutex_t robust;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&robust, &attributes);
    CHECK(pthread_create(&thread[0], NULL, die_with, &robust) == 0);
    join(thread[0]);
    CHECK(pthread_mutex_lock(&robust) == EOWNERDEAD && pthread_mutex_consistent(&robust) == 0);
    CHECK(pthread_mutex_unlock(&robust) == 0);

    /* C11 threads and a semaphore. */
    thrd_t c11_thread;
    int seven = 6;
    sem_init(&semaphore, 0, 0);
    CHECK(thrd_create(&c11_thread, c11, &seven) == thrd_success);
    CHECK(sem_wait(&semaphore) == 0);
    CHECK(thrd_join(c11_thread, &seven) == thrd_success && seven == 7);

    /* A thread that never enters the kernel makes way for others. */
    atomic_int flag = 0;
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&thread[i], NULL, spin_until, &flag) == 0);
    usleep(50000);
    flag = 1;
    for (int i = 0; i < 3; i++)
        join(thread[i]);

    char name[16];
    CHECK(pthread_setname_np(pthread_self(), "renamed") == 0);
    CHECK(pthread_getname_np(pthread_self(), name, sizeof name) == 0 && !strcmp(name, "renamed"));
    CHECK(syscall(SYS_gettid) == getpid());

    cpu_set_t set;
    CHECK(sched_getaffinity(0, sizeof set, &set) == 0);
    int cpus = CPU_COUNT(&set);
    for (int cpu = 0, i = 0; cpu < CPU_SETSIZE && i < THREADS; cpu++)
        if (CPU_ISSET(cpu, &set))
            CHECK(pthread_create(&thread[i++], NULL, placed, (void *)(long)cpu) == 0);
    for (int i = 0; i < cpus && i < THREADS; i++)
        join(thread[i]);
    if (argc > 1)
        CHECK(cpus == atoi(argv[1]));

    /* Many, one after the other: what they had is used again. */
    for (int i = 0; i < 500; i++) {
        CHECK(pthread_create(&thread[0], NULL, spin_until, &flag) == 0);
        join(thread[0]);
    }
    printf("threads: passed\n");
    return 0;
}
