/* Nanoseconds of a thread switch: two threads on one processor hand a turn to each other through a mutex and a condition
 * variable. */
#define _GNU_SOURCE
#include "timing.h"
#include <pthread.h>
#include <sched.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static int turn, over;

/* Waits for a turn and gives it back; whether there was one. */
static int take_turn(int mine)
{
    pthread_mutex_lock(&mutex);
    while (turn != mine && !over)
        pthread_cond_wait(&turned, &mutex);
    int had = !over;
    turn = !mine;
    pthread_cond_signal(&turned);
    pthread_mutex_unlock(&mutex);
    return had;
}

static void hand_over(long n)
{
    for (long i = 0; i < n; i++)
        take_turn(0);
}

static void *partner(void *unused)
{
    while (take_turn(1)) {
    }
    return unused;
}

/* Both threads on the first processor this process may use. */
static void bind_to_one(void)
{
    cpu_set_t all, one;
    require(!sched_getaffinity(0, sizeof all, &all), "sched_getaffinity");
    int first = 0;
    while (!CPU_ISSET(first, &all))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    require(!sched_setaffinity(0, sizeof one, &one), "sched_setaffinity");
}

int main(int argc, char **argv)
{
    struct options options = read_options(argc, argv);
    pthread_t other;
    bind_to_one();
    require_zero(pthread_create(&other, 0, partner, 0), "pthread_create");
    /* A turn and its return are two switches. */
    measure("switch", hand_over, 0.5e9, options);
    pthread_mutex_lock(&mutex);
    over = 1;
    pthread_cond_signal(&turned);
    pthread_mutex_unlock(&mutex);
    require_zero(pthread_join(other, 0), "pthread_join");
    return 0;
}
