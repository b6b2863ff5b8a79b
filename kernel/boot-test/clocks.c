/* The clocks: read through the vDSO, in agreement with the system calls. */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* The C library's own pointers to the functions it found. */
extern int (*_dl_vdso_clock_gettime64)(clockid_t, struct timespec *) __attribute__((weak));

static long long ns(struct timespec t) { return t.tv_sec * 1000000000ll + t.tv_nsec; }

static long long asked(clockid_t id)
{
    struct timespec t;
    assert(syscall(SYS_clock_gettime, id, &t) == 0);
    return ns(t);
}

static void agree(clockid_t id)
{
    struct timespec t;
    /* Linux has the alarm clocks only where there is a real-time clock device. */
    if (syscall(SYS_clock_gettime, id, &t) != 0)
        return;
    for (int i = 0; i < 1000; i++) {
        long long before = asked(id);
        assert(clock_gettime(id, &t) == 0 && t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
        assert(before <= ns(t) && ns(t) <= asked(id));
    }
}

static sigjmp_buf back;
static void caught(int number) { siglongjmp(back, number); }

int main(int argc, char **argv)
{
    static const clockid_t clocks[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11};
    struct timespec t, begin, end;
    struct timeval v;
    unsigned cpu = 77, node = 77;
    unsigned long vdso = getauxval(AT_SYSINFO_EHDR);
    unsigned long function = (unsigned long)_dl_vdso_clock_gettime64;
    for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++)
        agree(clocks[i]);
    assert(clock_gettime(10, &t) == -1 && errno == EINVAL);
    assert(clock_getres(CLOCK_MONOTONIC, &t) == 0 && ns(t) > 0 && clock_getres(77, &t) == -1);
    for (int i = 0; i < 1000; i++) {
        long long before = asked(CLOCK_REALTIME) / 1000;
        assert(gettimeofday(&v, NULL) == 0);
        long long now = v.tv_sec * 1000000ll + v.tv_usec;
        assert(before <= now && now <= asked(CLOCK_REALTIME) / 1000);
        assert(time(NULL) >= v.tv_sec);
    }
    assert(getcpu(&cpu, &node) == 0 && cpu < 64 && node == 0);
    /* A bad pointer is the program's own fault, and a handler can unwind out of it. */
    signal(SIGSEGV, caught);
    int number = sigsetjmp(back, 1);
    if (!number)
        clock_gettime(CLOCK_MONOTONIC, (struct timespec *)64);
    if (argc > 1) {
        int n = atoi(argv[1]);
        clock_gettime(CLOCK_MONOTONIC, &begin);
        for (int i = 0; i < n; i++)
            clock_gettime(CLOCK_MONOTONIC, &end);
        printf("%.2f ns\n", (double)(ns(end) - ns(begin)) / n);
    }
    printf("vdso %d used %d fault %d\n", vdso != 0, function - vdso < 65536, number);
    return 0;
}
