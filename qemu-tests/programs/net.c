/* A client in a rank. usage: net echo|udp|put|get HOST PORT MIB, net resolve NAME... */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHECK(x)                                                                          \
    do {                                                                                  \
        if (!(x)) {                                                                       \
            fprintf(stderr, "line %d: %s (errno %d, %s)\n", __LINE__, #x, errno, strerror(errno)); \
            exit(1);                                                                      \
        }                                                                                 \
    } while (0)

static uint64_t next(uint64_t *s) { return *s = *s * 6364136223846793005u + 1442695040888963407u; }

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static int resolve(const char *name) {
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *list;
    int e = getaddrinfo(name, NULL, &hints, &list);
    if (e != 0) {
        printf("%s: %s\n", name, gai_strerror(e));
        return 1;
    }
    char text[INET_ADDRSTRLEN];
    struct sockaddr_in *in = (struct sockaddr_in *)list->ai_addr;
    printf("%s: %s\n", name, inet_ntop(AF_INET, &in->sin_addr, text, sizeof text));
    freeaddrinfo(list);
    return 0;
}

static int dial(const char *host, const char *port, int type, int flags) {
    struct addrinfo hints = {.ai_socktype = type}, *list;
    int e = getaddrinfo(host, port, &hints, &list);
    if (e != 0) {
        fprintf(stderr, "%s:%s: %s\n", host, port, gai_strerror(e));
        exit(1);
    }
    int fd = socket(list->ai_family, type | flags, 0);
    CHECK(fd >= 0);
    CHECK(connect(fd, list->ai_addr, list->ai_addrlen) == 0 || errno == EINPROGRESS);
    freeaddrinfo(list);
    return fd;
}

/* Sends and receives at the same time what comes back. */
static void echo(const char *host, const char *port, uint64_t total) {
    static uint64_t to[8192], from[8192];
    int fd = dial(host, port, SOCK_STREAM, SOCK_NONBLOCK), e = epoll_create1(0);
    struct epoll_event ev = {EPOLLIN | EPOLLOUT | EPOLLET, {.fd = fd}}, out;
    CHECK(epoll_ctl(e, EPOLL_CTL_ADD, fd, &ev) == 0);
    uint64_t sent = 0, got = 0, seed = 1, check = 1;
    size_t at_to = sizeof to, at_from = 0;
    for (int ended = 0; !ended;) {
        CHECK(epoll_wait(e, &out, 1, 60000) == 1);
        CHECK(!(out.events & EPOLLERR));
        for (int busy = 1; busy && !ended;) {
            busy = 0;
            if (at_to == sizeof to && sent < total) {
                for (int k = 0; k < 8192; k++) to[k] = next(&seed);
                at_to = 0;
            }
            if (at_to < sizeof to) {
                ssize_t n = write(fd, (char *)to + at_to, sizeof to - at_to);
                CHECK(n > 0 || errno == EAGAIN);
                if (n > 0) busy = 1, sent += n, at_to += n;
                if (sent == total) CHECK(shutdown(fd, SHUT_WR) == 0);
            }
            ssize_t n = read(fd, (char *)from + at_from, sizeof from - at_from);
            CHECK(n >= 0 || errno == EAGAIN);
            if (n == 0) ended = 1;
            if (n > 0) busy = 1, got += n, at_from += n;
            if (at_from == sizeof from) {
                for (int k = 0; k < 8192; k++) CHECK(from[k] == next(&check));
                at_from = 0;
            }
        }
    }
    CHECK(got == total && sent == total);
    printf("echoed %llu bytes\n", (unsigned long long)got);
}

static void udp(const char *host, const char *port, int most) {
    static unsigned char out[60000], in[60000];
    int fd = dial(host, port, SOCK_DGRAM, 0), answers = 0;
    struct timeval t = {2, 0};
    CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) == 0);
    for (int len = 1; len <= most; len = len * 3 + 1) {
        for (int i = 0; i < len; i++) out[i] = i * 7 + len;
        /* Datagrams may get lost. */
        for (int tries = 0; tries < 5; tries++) {
            CHECK(send(fd, out, len, 0) == len);
            if (recv(fd, in, sizeof in, 0) == len && memcmp(in, out, len) == 0) {
                answers++;
                break;
            }
        }
    }
    printf("%d datagrams came back\n", answers);
}

static void bulk(const char *host, const char *port, uint64_t total, int put) {
    static char buf[1 << 18];
    int fd = dial(host, port, SOCK_STREAM, 0);
    char order[32];
    snprintf(order, sizeof order, "%s %llu\n", put ? "put" : "get", (unsigned long long)total);
    CHECK(write(fd, order, sizeof order) == sizeof order);
    double start = now();
    uint64_t done = 0;
    while (done < total) {
        size_t want = total - done < sizeof buf ? total - done : sizeof buf;
        ssize_t n = put ? write(fd, buf, want) : read(fd, buf, want);
        CHECK(n > 0);
        done += n;
    }
    if (put) CHECK(read(fd, buf, 1) == 1);
    printf("%s %.1f MB/s\n", put ? "put" : "get", total / (now() - start) / 1e6);
}

int main(int argc, char **argv) {
    if (argc > 2 && !strcmp(argv[1], "resolve")) {
        int failed = 0;
        for (int i = 2; i < argc; i++) failed |= resolve(argv[i]);
        return failed;
    }
    CHECK(argc == 5);
    uint64_t amount = strtoull(argv[4], NULL, 10);
    if (!strcmp(argv[1], "echo")) echo(argv[2], argv[3], amount << 20);
    else if (!strcmp(argv[1], "udp")) udp(argv[2], argv[3], amount);
    else for (int i = 0; i < 3; i++) bulk(argv[2], argv[3], amount << 20, !strcmp(argv[1], "put"));
    return 0;
}
