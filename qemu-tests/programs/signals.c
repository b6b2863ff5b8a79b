/* Signals as programs use them, each part with what it found in a line; the same everywhere. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <pthread.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

static volatile int count, depth, deepest, again, last_code, last_errno_kept;
static volatile long last_value, last_address;
static volatile int last_pid_ok;
static volatile int order[16], orders;
static sigjmp_buf back;
static volatile long zero;

static void record(int signal, siginfo_t *info, void *context)
{
    (void)context;
    int saved = errno;
    count++;
    last_code = info->si_code;
    last_value = (long)info->si_value.sival_ptr;
    last_address = (long)info->si_addr;
    last_pid_ok = info->si_pid == getpid() && info->si_uid == getuid();
    if (orders < 16)
        order[orders++] = signal;
    errno = saved;
}

static void nest(int signal, siginfo_t *info, void *context)
{
    (void)info, (void)context;
    depth++;
    if (depth > deepest)
        deepest = depth;
    if (again-- > 0)
        raise(signal);
    depth--;
}

static void leave(int signal, siginfo_t *info, void *context)
{
    (void)context;
    last_code = info->si_code;
    last_address = (long)info->si_addr;
    siglongjmp(back, signal);
}

/* Goes on behind the instruction, which is two bytes long. */
static void skip(int signal, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    (void)signal;
    last_code = info->si_code;
    last_errno_kept = (long)info->si_addr == uc->uc_mcontext.gregs[REG_RIP];
    uc->uc_mcontext.gregs[REG_RIP] += 2;
    uc->uc_mcontext.gregs[REG_RAX] = 42;
}

static void on(int signal, void (*handler)(int, siginfo_t *, void *), int flags, int blocked)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    sigemptyset(&action.sa_mask);
    if (blocked)
        sigaddset(&action.sa_mask, blocked);
    sigaction(signal, &action, NULL);
    count = orders = 0;
}

static sigset_t set_of(int first, int second)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, first);
    if (second)
        sigaddset(&set, second);
    return set;
}

static void sources(void)
{
    union sigval value = {.sival_ptr = (void *)0x1234};
    on(SIGUSR1, record, 0, 0);
    kill(getpid(), SIGUSR1);
    printf("kill %d %d", last_code == SI_USER, last_pid_ok);
    raise(SIGUSR1);
    printf(" raise %d %d", last_code == SI_TKILL, last_pid_ok);
    sigqueue(getpid(), SIGUSR1, value);
    printf(" queue %d %d %#lx count %d\n", last_code == SI_QUEUE, last_pid_ok, last_value, count);
}

static void queues(void)
{
    sigset_t set = set_of(SIGUSR1, SIGUSR2), pending;
    union sigval value;
    for (int i = 0; i < 3; i++)
        sigaddset(&set, SIGRTMIN + i);
    on(SIGUSR1, record, 0, 0);
    on(SIGUSR2, record, 0, 0);
    /* Every handler blocks the rest, so that they run one after the other. */
    for (int i = 0; i < 3; i++) {
        struct sigaction action = {.sa_sigaction = record, .sa_flags = SA_SIGINFO};
        sigfillset(&action.sa_mask);
        sigaction(SIGRTMIN + i, &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < 3; i++) {
        raise(SIGUSR1);
        value.sival_int = i;
        sigqueue(getpid(), SIGRTMIN + 1, value);
    }
    sigqueue(getpid(), SIGRTMIN, value);
    sigpending(&pending);
    printf("pending %d %d %d", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGUSR2),
           sigismember(&pending, SIGRTMIN + 1));
    struct timespec none = {0, 0};
    sigset_t second = set_of(SIGRTMIN + 1, 0);
    siginfo_t info;
    int got = sigtimedwait(&second, &info, &none);
    printf(" taken %d value %d", got == SIGRTMIN + 1, info.si_value.sival_int);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    int real_time = 0;
    for (int i = 0; i < orders; i++)
        real_time += order[i] >= SIGRTMIN;
    printf(" delivered %d of them real-time %d last value %ld\n", count, real_time, last_value & 0xff);
}

static void flags(void)
{
    on(SIGUSR1, nest, 0, 0);
    again = 2;
    raise(SIGUSR1);
    int blocked = deepest;
    deepest = 0;
    again = 2;
    on(SIGUSR1, nest, SA_NODEFER, 0);
    raise(SIGUSR1);
    on(SIGUSR1, record, SA_RESETHAND, 0);
    raise(SIGUSR1);
    struct sigaction now;
    sigaction(SIGUSR1, NULL, &now);
    printf("depth %d nodefer %d resethand %d\n", blocked, deepest, now.sa_handler == SIG_DFL);
    signal(SIGUSR1, SIG_IGN);
    raise(SIGUSR1);
}

static char alternative[64 << 10];
static volatile int on_alternative;

static void where(int signal, siginfo_t *info, void *context)
{
    char here;
    (void)signal, (void)info, (void)context;
    on_alternative = &here >= alternative && &here < alternative + sizeof alternative;
    stack_t stack;
    sigaltstack(NULL, &stack);
    on_alternative += 2 * (stack.ss_flags == SS_ONSTACK);
    on_alternative += 4 * (sigaltstack(&stack, NULL) == -1 && errno == EPERM);
}

__attribute__((noinline)) static long deep(long n)
{
    volatile char frame[1000];
    frame[0] = (char)n;
    return n == 0 ? 0 : deep(n - 1) + frame[0];
}

static void stacks(void)
{
    stack_t stack = {.ss_sp = alternative, .ss_size = sizeof alternative}, old;
    sigaltstack(&stack, &old);
    on(SIGUSR2, where, SA_ONSTACK, 0);
    raise(SIGUSR2);
    int with = on_alternative;
    on(SIGUSR2, where, 0, 0);
    raise(SIGUSR2);
    printf("stack disabled %d with %d without %d", old.ss_flags == SS_DISABLE, with, on_alternative & 3);
    on(SIGSEGV, leave, SA_ONSTACK, 0);
    if (!sigsetjmp(back, 1))
        printf("%ld", deep(1 << 20));
    else
        printf(" overflow %d\n", last_code == SEGV_ACCERR || last_code == SEGV_MAPERR);
    stack.ss_flags = SS_DISABLE;
    sigaltstack(&stack, NULL);
}

static void faults(void)
{
    char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    on(SIGSEGV, leave, 0, 0);
    on(SIGFPE, leave, 0, 0);
    if (!sigsetjmp(back, 1))
        *(volatile int *)(zero + 8) = 1;
    printf("null %d %#lx", last_code == SEGV_MAPERR, last_address);
    if (!sigsetjmp(back, 1))
        *(volatile char *)(page + 5) = 1;
    printf(" read-only %d %d", last_code == SEGV_ACCERR, last_address == (long)page + 5);
    if (!sigsetjmp(back, 1))
        printf("%ld", 5 / zero);
    printf(" divide %d", last_code == FPE_INTDIV);
    on(SIGILL, skip, 0, 0);
    long rax;
    __asm__ volatile("ud2" : "=a"(rax)::"memory");
    printf(" illegal %d %d rax %ld\n", last_code == ILL_ILLOPN, last_errno_kept, rax);
}

/* A pipe would do, but only standard input is the same everywhere: it has one line and then nothing for a while. */
static void interrupted(void)
{
    struct itimerval soon = {.it_value = {.tv_usec = 30000}};
    struct pollfd input = {.fd = 0, .events = POLLIN};
    char line[64];
    on(SIGALRM, record, 0, 0);
    setitimer(ITIMER_REAL, &soon, NULL);
    long n = read(0, line, sizeof line);
    printf("read %ld %d", n, errno == EINTR);
    on(SIGALRM, record, SA_RESTART, 0);
    setitimer(ITIMER_REAL, &soon, NULL);
    int polled = poll(&input, 1, -1);
    printf(" poll %d %d", polled, errno == EINTR);
    struct timespec long_time = {100, 0}, left = {0, 0};
    setitimer(ITIMER_REAL, &soon, NULL);
    int slept = nanosleep(&long_time, &left);
    printf(" sleep %d %d left %d", slept, errno == EINTR, left.tv_sec >= 90 && left.tv_sec < 100);
    setitimer(ITIMER_REAL, &soon, NULL);
    printf(" pause %d %d\n", pause(), errno == EINTR);
    /* The read is made again when the handler has run, and gets the line the test sends when it sees this one. */
    setitimer(ITIMER_REAL, &soon, NULL);
    count = 0;
    printf("restart\n");
    fflush(stdout);
    n = read(0, line, sizeof line);
    printf("restarted %ld after %d\n", n, count);
}

static void masks(void)
{
    sigset_t block = set_of(SIGUSR1, 0), empty, now;
    struct timespec long_time = {100, 0};
    sigemptyset(&empty);
    on(SIGUSR1, record, 0, 0);
    sigprocmask(SIG_BLOCK, &block, NULL);
    raise(SIGUSR1);
    int held = count;
    int result = sigsuspend(&empty);
    sigprocmask(SIG_BLOCK, NULL, &now);
    printf("held %d suspend %d %d ran %d blocked again %d", held, result, errno == EINTR, count,
           sigismember(&now, SIGUSR1));
    raise(SIGUSR1);
    result = ppoll(NULL, 0, &long_time, &empty);
    printf(" ppoll %d %d ran %d", result, errno == EINTR, count);
    raise(SIGUSR1);
    result = pselect(0, NULL, NULL, NULL, &long_time, &empty);
    sigprocmask(SIG_BLOCK, NULL, &now);
    printf(" pselect %d %d ran %d blocked again %d\n", result, errno == EINTR, count, sigismember(&now, SIGUSR1));
    sigprocmask(SIG_UNBLOCK, &block, NULL);
}

static void waits(void)
{
    sigset_t set = set_of(SIGALRM, SIGUSR2);
    struct timespec short_time = {0, 1000000};
    struct itimerval soon = {.it_value = {.tv_usec = 30000}};
    int got = 0;
    siginfo_t info;
    sigprocmask(SIG_BLOCK, &set, NULL);
    int late = sigtimedwait(&set, NULL, &short_time);
    printf("nothing %d %d", late, errno == EAGAIN);
    setitimer(ITIMER_REAL, &soon, NULL);
    sigwait(&set, &got);
    printf(" sigwait %d", got == SIGALRM);
    kill(getpid(), SIGUSR2);
    got = sigwaitinfo(&set, &info);
    printf(" sigwaitinfo %d %d", got == SIGUSR2, info.si_pid == getpid());
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    struct signalfd_siginfo read_info[2];
    long n = read(fd, read_info, sizeof read_info);
    printf(" signalfd %ld %d", n, errno == EAGAIN);
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    setitimer(ITIMER_REAL, &soon, NULL);
    int polled = poll(&ready, 1, 10000);
    kill(getpid(), SIGUSR2);
    n = read(fd, read_info, sizeof read_info);
    printf(" poll %d read %d %d %d\n", polled, (int)(n / sizeof *read_info), read_info[0].ssi_signo == SIGUSR2,
           read_info[1].ssi_signo == SIGALRM);
    close(fd);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void errors(void)
{
    struct sigaction action = {.sa_handler = SIG_IGN};
    printf("errors %d %d %d %d\n", sigaction(SIGKILL, &action, NULL) == -1 && errno == EINVAL,
           kill(getpid(), 65) == -1 && errno == EINVAL, kill(999999, 0) == -1 && errno == ESRCH,
           syscall(SYS_tgkill, getpid(), 999999, 0) == -1 && errno == ESRCH);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "blocked")) {
        /* A fault whose signal is blocked ends the program all the same. */
        sigset_t set = set_of(SIGSEGV, 0);
        on(SIGSEGV, leave, 0, 0);
        sigprocmask(SIG_BLOCK, &set, NULL);
        *(volatile int *)(zero + 8) = 1;
    }
    if (argc > 1 && !strcmp(argv[1], "alarm")) {
        alarm(1);
        for (;;)
            pause();
    }
    sources();
    queues();
    flags();
    stacks();
    faults();
    masks();
    waits();
    errors();
    interrupted();
    return 0;
}
