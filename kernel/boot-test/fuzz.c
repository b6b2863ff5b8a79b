/* System calls with random numbers and arguments. Pointers into the program's own data may be overwritten: only the
   buffers here are offered as those, and the calls that end, block or unmap are left out. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t state;

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
        SYS_renameat2,
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (list[i] == number)
            return 1;
    return 0;
}

int main(int argc, char **argv)
{
    static char buffer[64 << 10];
    long done = 0;
    state = 88172645463325252ull + (argc > 1 ? strtoul(argv[1], NULL, 10) : 0) * 2654435761u;
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
    dprintf(2, "survived %ld calls\n", done);
    return 0;
}
