/* System calls with random numbers and arguments, from several threads at once if the second argument says so. Pointers
   into the program's own data may be overwritten: only the buffers here are offered as those, and the calls that end the
   program, start threads anywhere, or unmap are left out. A thread may block for ever; the main one looks after a while
   whether the kernel still answers. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Thread_local uint64_t state;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static int left_out(long number)
{
    static const long list[] = {
        SYS_exit, SYS_exit_group, SYS_rt_sigreturn, SYS_pause, SYS_nanosleep, SYS_clock_nanosleep, SYS_kill, SYS_tkill,
        SYS_tgkill, SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_brk, SYS_arch_prctl, SYS_poll,
        SYS_ppoll, SYS_select, SYS_pselect6, SYS_rt_sigsuspend, SYS_rt_sigtimedwait, SYS_futex, SYS_rt_sigaction,
        SYS_close, SYS_close_range, SYS_dup2, SYS_dup3, SYS_unlink, SYS_unlinkat, SYS_rename, SYS_renameat,
        SYS_renameat2, SYS_clone, SYS_clone3, SYS_setitimer, SYS_alarm, SYS_timer_create, SYS_rt_sigqueueinfo,
        SYS_rt_tgsigqueueinfo, SYS_rt_sigprocmask, SYS_set_robust_list, SYS_set_tid_address, SYS_read,
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (list[i] == number)
            return 1;
    return 0;
}

static void *calls(void *seed)
{
    static _Thread_local char buffer[64 << 10];
    long done = 0;
    state = 88172645463325252ull + (uintptr_t)seed * 2654435761u;
    while (done < 5000) {
        long number = next() % 8 ? (long)(next() % 460) : (long)next();
        long a[6];
        if (left_out(number))
            continue;
        for (int k = 0; k < 6; k++) {
            switch (next() % 6) {
            case 0: a[k] = 0; break;
            case 1: a[k] = (long)(next() | 1ul << 62); break;
            case 2: a[k] = (long)(buffer + next() % (sizeof buffer / 2)); break;
            case 3: a[k] = (long)(next() % 16); break;
            case 4: a[k] = -(long)(next() % 5000); break;
            case 5: a[k] = (long)(next() % 0x100000); break;
            }
        }
        syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
        memset(buffer, 0, 64);
        done++;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    unsigned long seed = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    int threads = argc > 2 ? atoi(argv[2]) : 0;
    pthread_t thread;
    if (threads == 0)
        calls((void *)seed);
    for (int i = 0; i < threads; i++)
        pthread_create(&thread, NULL, calls, (void *)(100 * seed + i));
    if (threads > 0)
        sleep(3);
    dprintf(2, "survived\n");
    _exit(0);
}
