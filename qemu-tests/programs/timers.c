/* Timers as programs use them, each part with what it found in a line; the same everywhere. Nothing is said about how
   long something took beyond that it did not come too early. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

static volatile int count, last_code, last_overrun, last_value;

static void record(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    count++;
    last_code = info->si_code;
    last_overrun = info->si_overrun;
    last_value = info->si_value.sival_int;
}

static void on(int signal)
{
    struct sigaction action = {.sa_sigaction = record, .sa_flags = SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, NULL);
    count = 0;
}

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Uses the processor, with a system call now and then. */
static void work_until(volatile int *what, int least)
{
    double end = now(CLOCK_MONOTONIC) + 30;
    while (*what < least && now(CLOCK_MONOTONIC) < end)
        getppid();
}

static struct itimerspec spec(long first_ms, long every_ms)
{
    struct itimerspec s = {{every_ms / 1000, every_ms % 1000 * 1000000}, {first_ms / 1000, first_ms % 1000 * 1000000}};
    return s;
}

static void intervals(void)
{
    struct itimerval set = {.it_value = {.tv_sec = 100}, .it_interval = {.tv_sec = 7}}, got, old;
    setitimer(ITIMER_REAL, &set, NULL);
    getitimer(ITIMER_REAL, &got);
    printf("real %d every %ld", got.it_value.tv_sec >= 90 && got.it_value.tv_sec <= 100, got.it_interval.tv_sec);
    printf(" alarm left %d", alarm(50) >= 90);
    memset(&set, 0, sizeof set);
    setitimer(ITIMER_REAL, &set, &old);
    getitimer(ITIMER_REAL, &got);
    printf(" old %d stopped %d", old.it_value.tv_sec >= 40, got.it_value.tv_sec == 0 && got.it_value.tv_usec == 0);

    on(SIGALRM);
    set.it_value.tv_usec = set.it_interval.tv_usec = 10000;
    double start = now(CLOCK_MONOTONIC);
    setitimer(ITIMER_REAL, &set, NULL);
    while (count < 3)
        pause();
    printf(" three %d code %d\n", now(CLOCK_MONOTONIC) - start >= 0.03, last_code == SI_KERNEL);
    memset(&set, 0, sizeof set);
    setitimer(ITIMER_REAL, &set, NULL);

    for (int kind = ITIMER_VIRTUAL; kind <= ITIMER_PROF; kind++) {
        on(kind == ITIMER_PROF ? SIGPROF : SIGVTALRM);
        set.it_value.tv_usec = 20000;
        double before = now(CLOCK_PROCESS_CPUTIME_ID);
        setitimer(kind, &set, NULL);
        work_until(&count, 1);
        printf("%s %d %d", kind == ITIMER_PROF ? " prof" : "virtual", count, now(CLOCK_PROCESS_CPUTIME_ID) - before >= 0.015);
    }
    printf(" kinds %d\n", setitimer(9, &set, NULL) == -1 && errno == EINVAL);
}

static void created(void)
{
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value = {.sival_int = 77}};
    sigset_t set;
    siginfo_t info;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int made = timer_create(CLOCK_MONOTONIC, &event, &timer);
    struct itimerspec often = spec(5, 5), none = spec(0, 0), got;
    timer_settime(timer, 0, &often, NULL);
    struct timespec pause_time = {0, 60000000};
    nanosleep(&pause_time, NULL);
    int signal = sigwaitinfo(&set, &info);
    printf("created %d signal %d code %d value %d", made, signal == SIGRTMIN, info.si_code == SI_TIMER, info.si_value.sival_int);
    printf(" overrun %d %d", info.si_overrun >= 5, timer_getoverrun(timer) == info.si_overrun);
    timer_gettime(timer, &got);
    printf(" runs %d", got.it_interval.tv_nsec == 5000000 && got.it_value.tv_nsec > 0 && got.it_value.tv_nsec <= 5000000);
    timer_settime(timer, 0, &none, NULL);
    timer_gettime(timer, &got);
    printf(" stopped %d deleted %d\n", got.it_value.tv_nsec == 0, timer_delete(timer));

    event.sigev_notify = SIGEV_NONE;
    timer_create(CLOCK_REALTIME, &event, &timer);
    struct itimerspec once = spec(100000, 0);
    timer_settime(timer, 0, &once, NULL);
    timer_gettime(timer, &got);
    printf("silent %d", got.it_value.tv_sec >= 90 && got.it_value.tv_sec <= 100);
    timer_delete(timer);

    /* At a time of the clock, and one that has passed already. */
    event.sigev_notify = SIGEV_THREAD_ID;
    event._sigev_un._tid = (int)syscall(SYS_gettid);
    timer_create(CLOCK_REALTIME, &event, &timer);
    double goal = now(CLOCK_REALTIME) + 0.02;
    struct itimerspec at = {.it_value = {(time_t)goal, (long)((goal - (double)(time_t)goal) * 1e9)}};
    timer_settime(timer, TIMER_ABSTIME, &at, NULL);
    sigwaitinfo(&set, &info);
    printf(" absolute %d", now(CLOCK_REALTIME) >= goal - 1e-6);
    at.it_value.tv_sec -= 100;
    timer_settime(timer, TIMER_ABSTIME, &at, NULL);
    printf(" past %d", sigwaitinfo(&set, &info) == SIGRTMIN);
    timer_delete(timer);

    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGUSR1;
    on(SIGUSR1);
    timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer);
    struct itimerspec soon = spec(20, 0);
    timer_settime(timer, 0, &soon, NULL);
    work_until(&count, 1);
    printf(" processor time %d %d\n", count, last_value);
    timer_delete(timer);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void descriptors(void)
{
    uint64_t times = 0;
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    int idle = read(fd, &times, sizeof times) == -1 && errno == EAGAIN;
    struct itimerspec often = spec(10, 10), got;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    timerfd_settime(fd, 0, &often, NULL);
    int polled = poll(&wait, 1, 10000);
    printf("idle %d poll %d %d", idle, polled, wait.revents == POLLIN);
    struct timespec pause_time = {0, 30000000};
    nanosleep(&pause_time, NULL);
    long n = read(fd, &times, sizeof times);
    printf(" read %ld times %d", n, times >= 3);
    timerfd_gettime(fd, &got);
    printf(" runs %d", got.it_interval.tv_nsec == 10000000 && got.it_value.tv_nsec > 0);
    fcntl(fd, F_SETFL, 0);
    n = read(fd, &times, sizeof times);
    printf(" waits %ld %d", n, times >= 1);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    n = select(fd + 1, &set, NULL, NULL, NULL);
    printf(" select %ld", n);
    printf(" short %d write %d\n", read(fd, &times, 4) == -1 && errno == EINVAL,
           write(fd, &times, 8) == -1 && errno == EINVAL);
    int copy = dup(fd);
    close(fd);
    n = read(copy, &times, sizeof times);
    printf("copy %ld", n);
    close(copy);
    fd = timerfd_create(CLOCK_REALTIME, 0);
    struct itimerspec at = {.it_value = {1, 0}};
    timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, NULL);
    n = read(fd, &times, sizeof times);
    printf(" past %ld %lu", n, (unsigned long)times);
    close(fd);
    printf(" clocks %d\n", timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0) == -1 && errno == EINVAL);
}

static void processor_time(void)
{
    struct rusage before, after;
    struct timespec resolution, sleep_time = {0, 50000000};
    clockid_t own;
    getrusage(RUSAGE_SELF, &before);
    double wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID), end = cpu + 0.02;
    struct tms t;
    while (now(CLOCK_PROCESS_CPUTIME_ID) < end)
        ;
    getrusage(RUSAGE_SELF, &after);
    double used = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec) + 1e-6 * (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec)
        + (double)(after.ru_stime.tv_sec - before.ru_stime.tv_sec) + 1e-6 * (double)(after.ru_stime.tv_usec - before.ru_stime.tv_usec);
    printf("used %d wall %d", used >= 0.01, now(CLOCK_MONOTONIC) - wall >= 0.01);
    double thread = now(CLOCK_THREAD_CPUTIME_ID);
    nanosleep(&sleep_time, NULL);
    printf(" asleep %d", now(CLOCK_THREAD_CPUTIME_ID) - thread < 0.045);
    pthread_getcpuclockid(pthread_self(), &own);
    printf(" own %d", now(own) >= thread);
    clock_getcpuclockid(getpid(), &own);
    printf(" process %d", now(own) >= cpu);
    clock_getres(CLOCK_MONOTONIC, &resolution);
    printf(" resolution %ld times %d", resolution.tv_nsec, times(&t) != (clock_t)-1);
    getrusage(RUSAGE_THREAD, &after);
    printf(" thread %d\n", after.ru_utime.tv_sec + after.ru_utime.tv_usec + after.ru_stime.tv_usec > 0);
}

int main(void)
{
    intervals();
    created();
    descriptors();
    processor_time();
    return 0;
}
