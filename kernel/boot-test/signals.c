/* Handlers of faults and of signals the program sends itself; what they and system calls must preserve. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile int handled;
static volatile long zero;
static char *page;

static void leave(int signal, siginfo_t *info, void *context)
{
    (void)info, (void)context;
    siglongjmp(back, signal);
}

static void repair(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    volatile double clobber = 2.5;
    clobber *= clobber;
    handled++;
    if (info->si_code > 0)
        mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

static void skip(int signal, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    (void)signal, (void)info;
    uc->uc_mcontext.gregs[REG_RIP] += 2;
    uc->uc_mcontext.gregs[REG_RAX] = 42;
}

static void on(int signal, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    sigaction(signal, &action, NULL);
}

__attribute__((noinline)) static long deep(long n)
{
    volatile char frame[1000];
    frame[0] = (char)n;
    return n == 0 ? 0 : deep(n - 1) + frame[0];
}

int main(void)
{
    static char alternative[64 << 10];
    stack_t stack = {.ss_sp = alternative, .ss_size = sizeof alternative};
    double before = 1.5, after = 0, kept = 0;
    long pid;
    sigset_t set;

    sigaltstack(&stack, NULL);
    on(SIGSEGV, leave, SA_ONSTACK);
    on(SIGFPE, leave, 0);
    if (!sigsetjmp(back, 1))
        *(volatile int *)(zero + 8) = 1;
    else
        printf("null ");
    if (!sigsetjmp(back, 1))
        printf("%ld", 5 / zero);
    else
        printf("divide ");
    if (!sigsetjmp(back, 1))
        printf("%ld", deep(1 << 20));
    else
        printf("overflow\n");

    on(SIGSEGV, repair, 0);
    page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    __asm__ volatile("movsd %1, %%xmm7\n movb $9, (%2)\n movsd %%xmm7, %0"
                     : "=m"(after) : "m"(before), "r"(page) : "xmm7", "memory");
    __asm__ volatile("movsd %2, %%xmm5\n mov $39, %%eax\n syscall\n movsd %%xmm5, %0"
                     : "=m"(kept), "=a"(pid) : "m"(before) : "rcx", "r11", "xmm5", "memory");
    printf("repaired %d vectors %d %d pid %d\n", page[0], after == before, kept == before, pid == getpid());

    on(SIGUSR1, repair, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    printf("blocked %d ", handled);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    printf("delivered %d\n", handled);

    on(SIGILL, skip, 0);
    long rax;
    __asm__ volatile("ud2" : "=a"(rax)::"memory");
    struct itimerval soon = {.it_value = {.tv_usec = 10000}};
    on(SIGALRM, repair, 0);
    setitimer(ITIMER_REAL, &soon, NULL);
    pause();
    union sigval value = {.sival_int = 7};
    siginfo_t info;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigqueue(getpid(), SIGRTMIN, value);
    sigqueue(getpid(), SIGRTMIN, value);
    int first = sigwaitinfo(&set, &info), second = sigwaitinfo(&set, &info);
    printf("skipped %ld alarm %d queued %d value %d\n", rax, handled, first == second, info.si_value.sival_int);
    return 0;
}
