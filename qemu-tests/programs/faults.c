/* faults KIND: ends in the way that KIND names; what the runner says of it is the test. */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

volatile long zero;
volatile char sink;

__attribute__((noinline)) static void write_to(volatile char *p) { *p = 1; }
__attribute__((noinline)) static int recurse(int n)
{
    volatile char frame[4096];
    frame[n % 4096] = 1;
    return recurse(n + 1) + frame[n % 4096];
}
static const char constant[16] = "constant";
static char data[16] = {(char)0xc3};

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "";
    printf("before\n");
    fflush(stdout);
    if (!strcmp(kind, "null")) write_to(NULL);
    if (!strcmp(kind, "wild")) write_to((volatile char *)0x123456789000);
    if (!strcmp(kind, "noncanonical")) write_to((volatile char *)0x8000000000000000);
    if (!strcmp(kind, "constant")) write_to((volatile char *)constant);
    if (!strcmp(kind, "text")) write_to((volatile char *)(void *)main);
    if (!strcmp(kind, "execute")) ((void (*)(void))(void *)data)();
    if (!strcmp(kind, "stack")) return recurse(0);
    if (!strcmp(kind, "divide")) return (int)(100 / zero);
    if (!strcmp(kind, "illegal")) __asm__ volatile("ud2");
    if (!strcmp(kind, "privileged")) __asm__ volatile("cli; hlt");
    if (!strcmp(kind, "abort")) abort();
    if (!strcmp(kind, "exit")) exit(argc > 2 ? atoi(argv[2]) : 7);
    if (!strcmp(kind, "spin")) for (;;) sink = 1;
    if (!strcmp(kind, "sleep")) for (;;) sleep(1000);
    if (!strcmp(kind, "memory")) {
        size_t total = 0;
        for (char *p; (p = malloc(1 << 20)); total++)
            memset(p, 1, 1 << 20);
        printf("out of memory after some MiB: %s\n", total > 16 ? "yes" : "too early");
        return 0;
    }
    fprintf(stderr, "faults: unknown kind %s\n", kind);
    return 2;
}
