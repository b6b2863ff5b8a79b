/* Ends itself in the way its argument names. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static volatile long zero;

__attribute__((noinline)) static long deep(long n)
{
    volatile char frame[1000];
    frame[0] = (char)n;
    return n == 0 ? 0 : deep(n - 1) + frame[0];
}

__attribute__((noinline)) static void wide(void)
{
    volatile char frame[20 << 20];
    frame[0] = 1;
}

int main(int argc, char **argv)
{
    const char *way = argc > 1 ? argv[1] : "";
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (!strcmp(way, "null")) {
        *(volatile int *)(zero + 8) = 1;
    } else if (!strcmp(way, "divide")) {
        return (int)(5 / zero);
    } else if (!strcmp(way, "illegal")) {
        __asm__ volatile("ud2");
    } else if (!strcmp(way, "privileged")) {
        __asm__ volatile("cli");
    } else if (!strcmp(way, "deep")) {
        return (int)deep(1 << 20);
    } else if (!strcmp(way, "wide")) {
        wide();
    } else if (!strcmp(way, "abort")) {
        abort();
    } else if (!strcmp(way, "jump")) {
        ((void (*)(void))(zero + 0x12345678))();
    } else if (!strcmp(way, "readonly")) {
        *(volatile char *)"abc" = 'x';
    } else if (!strcmp(way, "noexec")) {
        *page = (char)0xc3;
        ((void (*)(void))page)();
    } else if (!strcmp(way, "unmapped")) {
        munmap(page, 4096);
        *(volatile char *)page = 1;
    } else if (!strcmp(way, "noncanonical")) {
        *(volatile long *)0x8000000000000000ul = 1;
    } else if (!strcmp(way, "float")) {
        unsigned unmasked = 0x1d80;
        volatile double nothing = 0;
        __asm__ volatile("ldmxcsr %0" ::"m"(unmasked));
        return (int)(1.0 / nothing);
    } else if (!strcmp(way, "deadlock")) {
        pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
        pthread_mutex_lock(&lock);
        pthread_mutex_lock(&lock);
    } else if (!strcmp(way, "raise")) {
        raise(SIGTERM);
    }
    return 99;
}
