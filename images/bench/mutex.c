/* Nanoseconds of locking and unlocking a mutex that nobody else wants, in a process of two threads: with one alone the C
 * library leaves the atomic instructions out. */
#include "timing.h"
#include <pthread.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, end = PTHREAD_MUTEX_INITIALIZER;

static void lock_and_unlock(long n)
{
    for (long i = 0; i < n; i++) {
        pthread_mutex_lock(&mutex);
        pthread_mutex_unlock(&mutex);
    }
}

/* Sleeps until the measurement is over. */
static void *sleeper(void *unused)
{
    pthread_mutex_lock(&end);
    pthread_mutex_unlock(&end);
    return unused;
}

int main(int argc, char **argv)
{
    struct options options = read_options(argc, argv);
    pthread_t other;
    pthread_mutex_lock(&end);
    require_zero(pthread_create(&other, 0, sleeper, 0), "pthread_create");
    measure("mutex", lock_and_unlock, 1e9, options);
    pthread_mutex_unlock(&end);
    require_zero(pthread_join(other, 0), "pthread_join");
    return 0;
}
