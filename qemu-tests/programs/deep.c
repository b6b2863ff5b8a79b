/* A thread uses its stack up. */
#include <pthread.h>

__attribute__((noinline)) static long deep(long n)
{
    volatile char frame[1000];
    frame[0] = (char)n;
    return n == 0 ? 0 : deep(n - 1) + frame[0];
}

static void *fall(void *argument)
{
    return (void *)(deep(1 << 22) + (long)argument);
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, 0, fall, 0);
    pthread_join(thread, 0);
    return 0;
}
