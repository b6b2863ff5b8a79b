/* A program that has taken all memory gets error numbers from whatever needs some, and can go on once it gives some back. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static char block[65536];

static void *nothing(void *argument)
{
    return argument;
}

/* Pipes until there is an error: it is returned. */
static int pipes(int most)
{
    for (int i = 0; i < most; i++) {
        int fd[2];
        if (pipe(fd))
            return errno;
        fcntl(fd[1], F_SETFL, O_NONBLOCK);
        if (write(fd[1], block, sizeof block) < 0)
            return errno;
    }
    return 0;
}

static int files(int most)
{
    for (int i = 0; i < most; i++) {
        char name[40];
        snprintf(name, sizeof name, "/tmp/full%d", i);
        int fd = open(name, O_CREAT | O_RDWR, 0600);
        if (fd < 0)
            return errno;
        ssize_t n = write(fd, block, sizeof block);
        int error = errno;
        close(fd);
        if (n < 0)
            return error;
    }
    return 0;
}

static int sockets(int most)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int i = 0; i < most; i++) {
        int fd = socket(AF_INET, SOCK_DGRAM, 0);
        if (fd < 0 || bind(fd, (void *)&at, sizeof at))
            return errno;
    }
    return 0;
}

static int timers(int most)
{
    for (int i = 0; i < most; i++) {
        struct sigevent event = {.sigev_notify = SIGEV_NONE};
        timer_t timer;
        if (timer_create(CLOCK_REALTIME, &event, &timer))
            return errno;
    }
    return 0;
}

static int is_full(int error)
{
    return error == ENOMEM || error == ENOSPC || error == ENOBUFS || error == EAGAIN;
}

int main(void)
{
    static char *pieces[4096];
    int count = 0;
    pthread_t thread;

    for (size_t size = 64 << 20; size >= 4096; size /= 2)
        while (count < 4096) {
            char *p = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (p == MAP_FAILED) {
                CHECK(errno == ENOMEM);
                break;
            }
            pieces[count++] = p;
        }
    CHECK(count > 4 && count < 4096);
    CHECK(is_full(pipes(500)));
    CHECK(is_full(files(100000)));
    CHECK(is_full(sockets(1000)));
    CHECK(is_full(timers(5000)));
    CHECK(is_full(pthread_create(&thread, 0, nothing, 0)));
    CHECK(malloc(1 << 20) == 0);

    for (int i = 3; i < 1024; i++)
        close(i);
    CHECK(munmap(pieces[0], 4 << 20) == 0);
    CHECK(pipes(8) == 0 && sockets(2) == 0);
    CHECK(pthread_create(&thread, 0, nothing, 0) == 0 && pthread_join(thread, 0) == 0);
    printf("full: %s\n", check_failures ? "FAILED" : "passed");
    return check_failures != 0;
}
