/* A thread uses its stack up, or with an argument reads memory that it may not, above its stack. */
#include <pthread.h>
#include <sys/mman.h>

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

static void *read_from(void *argument)
{
    return (void *)(long)*(volatile char *)argument;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    void *page = mmap(0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)argv;
    pthread_create(&thread, 0, argc > 1 ? read_from : fall, page);
    pthread_join(thread, 0);
    return 0;
}
