/* A program without a C library: what the standard library of the target x86_64-unknown-hermit is to libhermit.a. */
typedef unsigned long size_t;
typedef struct { long tv_sec; int tv_nsec; } timespec;

long sys_write(int fd, const unsigned char *buf, size_t len);
void sys_exit(int status) __attribute__((noreturn));
unsigned char *sys_malloc(size_t size, size_t align);
unsigned char *sys_realloc(unsigned char *ptr, size_t size, size_t align, size_t new_size);
void sys_free(unsigned char *ptr, size_t size, size_t align);
int sys_close(int fd);
int sys_errno(void);
int sys_clock_gettime(int clock, timespec *time);
unsigned sys_spawn2(void (*func)(size_t), size_t arg, unsigned char prio, size_t stack, long core);
int sys_join(unsigned id);

static _Thread_local int own = 77, own_zero;
static _Thread_local char aligned[64] __attribute__((aligned(64)));
static volatile int sum;

static void say(const char *text)
{
    size_t len = 0;
    while (text[len])
        len++;
    sys_write(1, (const unsigned char *)text, len);
}

static void check(int holds, const char *what)
{
    if (!holds) {
        say("failed: ");
        say(what);
        say("\n");
        sys_exit(1);
    }
}

static void storage(void)
{
    check(own == 77 && own_zero == 0 && (size_t)aligned % 64 == 0, "thread-local storage as it begins");
    own++;
    check(own == 78 && aligned[63] == 0, "thread-local storage");
    check(sys_close(-1) == -9 && sys_errno() == 9, "the last error");
}

static void thread(size_t argument)
{
    storage();
    sum += (int)argument;
}

static int equal(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

void runtime_entry(int argc, char **argv, char **env)
{
    storage();
    check(argc >= 2 && !argv[argc], "arguments");
    int found = 0;
    for (; *env; env++)
        found |= equal(*env, "BARE=yes");
    check(found, "environment");
    unsigned char *piece = sys_malloc(100, 8);
    check(piece != 0, "malloc");
    piece[99] = 5;
    piece = sys_realloc(piece, 100, 8, 100000);
    check(piece && piece[99] == 5, "realloc");
    sys_free(piece, 100000, 8);
    timespec time;
    check(sys_clock_gettime(1, &time) == 0 && time.tv_sec > 1700000000, "clock");
    if (equal(argv[1], "threads")) {
        for (int i = 1; i <= 4; i++)
            check(sys_join(sys_spawn2(thread, (size_t)i, 2, 65536, -1)) == 0, "join");
        check(sum == 10 && own == 78, "what threads did");
    }
    say("bare: passed\n");
    sys_exit(7);
}
