/* Descriptors to wait for, and sockets within the rank: pipes, eventfd, socket pairs, poll, select, epoll, TCP, UDP and
 * ping over 127.0.0.1. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define CHECK(x)                                                                          \
    do {                                                                                  \
        if (!(x)) {                                                                       \
            fprintf(stderr, "line %d: %s (errno %d, %s)\n", __LINE__, #x, errno, strerror(errno)); \
            exit(1);                                                                      \
        }                                                                                 \
    } while (0)
#define FAILS(x, e)                          \
    do {                                     \
        errno = 0;                           \
        CHECK((x) == -1 && errno == (e));    \
    } while (0)

static volatile int pipes_broken;
static void on_sigpipe(int s) { (void)s; pipes_broken++; }

static int events_of(int fd) {
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};
    CHECK(poll(&p, 1, 0) >= 0);
    return p.revents;
}

static void pipes(void) {
    int p[2];
    char buf[70000];
    struct stat st;
    CHECK(pipe2(p, O_NONBLOCK) == 0);
    CHECK(fstat(p[0], &st) == 0 && S_ISFIFO(st.st_mode));
    FAILS(read(p[0], buf, 1), EAGAIN);
    FAILS(write(p[0], buf, 1), EBADF);
    FAILS(lseek(p[0], 0, SEEK_SET), ESPIPE);
    CHECK(write(p[1], "hello", 5) == 5);
    int n;
    CHECK(ioctl(p[0], FIONREAD, &n) == 0 && n == 5);
    char a[2], b[8];
    struct iovec v[2] = {{a, 2}, {b, 8}};
    CHECK(readv(p[0], v, 2) == 5 && memcmp(a, "he", 2) == 0 && memcmp(b, "llo", 3) == 0);
    CHECK(write(p[1], buf, sizeof buf) == 65536);
    FAILS(write(p[1], buf, 1), EAGAIN);
    CHECK(!(events_of(p[1]) & POLLOUT));
    CHECK(read(p[0], buf, sizeof buf) == 65536);
    CHECK(events_of(p[1]) == POLLOUT);
    int d = dup(p[1]);
    close(p[1]);
    CHECK(!(events_of(p[0]) & POLLHUP));
    close(d);
    CHECK(events_of(p[0]) & POLLHUP);
    CHECK(read(p[0], buf, 1) == 0);
    close(p[0]);

    CHECK(pipe(p) == 0);
    signal(SIGPIPE, on_sigpipe);
    close(p[0]);
    FAILS(write(p[1], "x", 1), EPIPE);
    CHECK(pipes_broken == 1);
    close(p[1]);
}

static void counters(void) {
    int fd = eventfd(3, EFD_NONBLOCK);
    uint64_t n = 4;
    CHECK(fd >= 0 && write(fd, &n, 8) == 8);
    CHECK(read(fd, &n, 8) == 8 && n == 7);
    FAILS(read(fd, &n, 8), EAGAIN);
    FAILS(read(fd, &n, 4), EINVAL);
    close(fd);
}

static void pairs(void) {
    int s[2];
    char buf[100];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
    CHECK(send(s[0], "abcdef", 6, 0) == 6);
    CHECK(recv(s[1], buf, 3, MSG_PEEK) == 3 && memcmp(buf, "abc", 3) == 0);
    CHECK(recv(s[1], buf, 3, 0) == 3);
    CHECK(recv(s[1], buf, 100, MSG_DONTWAIT) == 3 && memcmp(buf, "def", 3) == 0);
    FAILS(recv(s[1], buf, 100, MSG_DONTWAIT), EAGAIN);
    CHECK(shutdown(s[0], SHUT_WR) == 0);
    CHECK(recv(s[1], buf, 100, 0) == 0);
    CHECK(write(s[1], "back", 4) == 4 && read(s[0], buf, 100) == 4);
    close(s[1]);
    FAILS(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    close(s[0]);

    CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, s) == 0);
    CHECK(fcntl(s[0], F_GETFD) == FD_CLOEXEC);
    CHECK(write(s[0], "one", 3) == 3 && write(s[0], "second", 6) == 6);
    struct iovec v = {buf, 4};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    CHECK(recvmsg(s[1], &m, 0) == 3 && !(m.msg_flags & MSG_TRUNC));
    CHECK(recvmsg(s[1], &m, 0) == 4 && m.msg_flags & MSG_TRUNC);
    close(s[0]);
    close(s[1]);
}

static void waits(void) {
    int p[2], fd = eventfd(0, 0);
    uint64_t one = 1;
    CHECK(pipe(p) == 0 && write(p[1], "x", 1) == 1);
    struct pollfd list[3] = {{p[0], POLLIN, 0}, {fd, POLLIN, 0}, {999, POLLIN, 0}};
    CHECK(poll(list, 3, 1000) == 2);
    CHECK(list[0].revents == POLLIN && list[1].revents == 0 && list[2].revents == POLLNVAL);
    fd_set r, w;
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_SET(p[0], &r);
    FD_SET(fd, &r);
    FD_SET(fd, &w);
    struct timeval t = {1, 0};
    CHECK(select((fd > p[0] ? fd : p[0]) + 1, &r, &w, NULL, &t) == 2);
    CHECK(FD_ISSET(p[0], &r) && !FD_ISSET(fd, &r) && FD_ISSET(fd, &w));

    int e = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event ev = {EPOLLIN | EPOLLET, {.u64 = 77}}, out[4];
    CHECK(e >= 0 && epoll_ctl(e, EPOLL_CTL_ADD, p[0], &ev) == 0);
    FAILS(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &ev), EEXIST);
    FAILS(epoll_ctl(e, EPOLL_CTL_DEL, fd, NULL), ENOENT);
    FAILS(epoll_ctl(e, EPOLL_CTL_ADD, e, &ev), EINVAL);
    CHECK(epoll_wait(e, out, 4, 1000) == 1 && out[0].data.u64 == 77 && out[0].events == EPOLLIN);
    CHECK(epoll_wait(e, out, 4, 0) == 0);
    CHECK(write(p[1], "y", 1) == 1);
    CHECK(epoll_wait(e, out, 4, 1000) == 1);
    ev.events = EPOLLIN | EPOLLONESHOT;
    ev.data.u64 = 5;
    CHECK(epoll_ctl(e, EPOLL_CTL_ADD, fd, &ev) == 0);
    CHECK(write(fd, &one, 8) == 8);
    CHECK(epoll_wait(e, out, 4, 1000) == 1 && out[0].data.u64 == 5);
    CHECK(epoll_wait(e, out, 4, 20) == 0);
    CHECK(epoll_ctl(e, EPOLL_CTL_MOD, fd, &ev) == 0);
    CHECK(epoll_wait(e, out, 4, 1000) == 1);
    close(e);
    close(fd);
    close(p[0]);
    close(p[1]);
}

static int listener(struct sockaddr_in *at) {
    int l = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    socklen_t len = sizeof *at;
    memset(at, 0, sizeof *at);
    at->sin_family = AF_INET;
    at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(l >= 0 && setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
    CHECK(bind(l, (struct sockaddr *)at, sizeof *at) == 0 && listen(l, 4) == 0);
    CHECK(getsockname(l, (struct sockaddr *)at, &len) == 0 && len == sizeof *at && at->sin_port != 0);
    return l;
}

static uint64_t next(uint64_t *s) { return *s = *s * 6364136223846793005u + 1442695040888963407u; }

/* Both ends in one thread: non-blocking, through epoll, checked byte by byte. */
static void stream(size_t total) {
    struct sockaddr_in at, peer;
    socklen_t len = sizeof peer;
    int l = listener(&at), value;
    int c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    FAILS(getpeername(c, (struct sockaddr *)&peer, &len), ENOTCONN);
    int r = connect(c, (struct sockaddr *)&at, sizeof at);
    CHECK(r == 0 || errno == EINPROGRESS);
    int s = accept4(l, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK);
    CHECK(s >= 0 && peer.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    struct pollfd p = {c, POLLOUT, 0};
    CHECK(poll(&p, 1, 5000) == 1);
    len = sizeof value;
    CHECK(getsockopt(c, SOL_SOCKET, SO_ERROR, &value, &len) == 0 && value == 0);
    CHECK(getsockopt(c, SOL_SOCKET, SO_TYPE, &value, &len) == 0 && value == SOCK_STREAM);
    value = 1;
    CHECK(setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &value, sizeof value) == 0);
    CHECK(setsockopt(c, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof value) == 0);
    FAILS(setsockopt(c, SOL_SOCKET, 9999, &value, sizeof value), ENOPROTOOPT);
    char small[16];
    FAILS(read(s, small, 16), EAGAIN);

    int e = epoll_create1(0);
    struct epoll_event ev = {EPOLLOUT, {.fd = c}}, out[4];
    CHECK(epoll_ctl(e, EPOLL_CTL_ADD, c, &ev) == 0);
    ev = (struct epoll_event){EPOLLIN | EPOLLRDHUP, {.fd = s}};
    CHECK(epoll_ctl(e, EPOLL_CTL_ADD, s, &ev) == 0);
    static uint64_t to[8192], from[8192];
    uint64_t sent = 0, got = 0, seed = 1, check = 1;
    size_t at_to = sizeof to, at_from = 0;
    int done = 0;
    while (!done) {
        int n = epoll_wait(e, out, 4, 10000);
        CHECK(n > 0);
        for (int i = 0; i < n; i++) {
            if (out[i].data.fd == c && out[i].events & EPOLLOUT) {
                if (at_to == sizeof to && sent < total) {
                    for (int k = 0; k < 8192; k++) to[k] = next(&seed);
                    at_to = 0;
                }
                ssize_t w = at_to < sizeof to ? write(c, (char *)to + at_to, sizeof to - at_to) : 0;
                CHECK(w > 0 || errno == EAGAIN || at_to == sizeof to);
                if (w > 0) sent += w, at_to += w;
                if (sent >= total && at_to == sizeof to) {
                    CHECK(shutdown(c, SHUT_WR) == 0);
                    CHECK(epoll_ctl(e, EPOLL_CTL_DEL, c, NULL) == 0);
                }
            } else if (out[i].data.fd == s) {
                ssize_t g = read(s, (char *)from + at_from, sizeof from - at_from);
                CHECK(g >= 0 || errno == EAGAIN);
                if (g == 0) done = 1;
                if (g > 0) got += g, at_from += g;
                if (at_from == sizeof from) {
                    for (int k = 0; k < 8192; k++) CHECK(from[k] == next(&check));
                    at_from = 0;
                }
            }
        }
    }
    CHECK(got == sent && got >= total);
    CHECK(write(s, "bye", 3) == 3);
    close(s);
    fcntl(c, F_SETFL, 0);
    CHECK(recv(c, small, 3, MSG_WAITALL) == 3 && memcmp(small, "bye", 3) == 0);
    CHECK(read(c, small, 16) == 0);
    close(c);
    close(e);
    close(l);
    c = socket(AF_INET, SOCK_STREAM, 0);
    FAILS(connect(c, (struct sockaddr *)&at, sizeof at), ECONNREFUSED);
    close(c);
}

static void datagrams(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, from;
    socklen_t len = sizeof at;
    int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(bind(a, (struct sockaddr *)&at, sizeof at) == 0);
    CHECK(getsockname(a, (struct sockaddr *)&at, &len) == 0);
    FAILS(bind(b, (struct sockaddr *)&at, sizeof at), EADDRINUSE);
    FAILS(send(b, "x", 1, 0), EDESTADDRREQ);
    static char big[60000], got[60000];
    for (size_t i = 0; i < sizeof big; i++) big[i] = i * 31;
    CHECK(sendto(b, big, sizeof big, 0, (struct sockaddr *)&at, len) == sizeof big);
    CHECK(recvfrom(a, got, sizeof got, 0, (struct sockaddr *)&from, &len) == sizeof big);
    CHECK(memcmp(big, got, sizeof big) == 0);
    CHECK(sendto(a, "", 0, 0, (struct sockaddr *)&from, len) == 0);
    struct timeval t = {5, 0};
    CHECK(setsockopt(b, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) == 0);
    CHECK(recv(b, got, 10, 0) == 0);
    t = (struct timeval){0, 20000};
    CHECK(setsockopt(b, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) == 0);
    FAILS(recv(b, got, 10, 0), EAGAIN);
    CHECK(connect(b, (struct sockaddr *)&at, len) == 0 && send(b, "abc", 3, 0) == 3);
    CHECK(recv(a, got, 2, MSG_TRUNC) == 3);
    struct mmsghdr m[2] = {0};
    struct iovec v[2] = {{"12", 2}, {"345", 3}};
    for (int i = 0; i < 2; i++) m[i].msg_hdr.msg_iov = &v[i], m[i].msg_hdr.msg_iovlen = 1;
    CHECK(sendmmsg(b, m, 2, 0) == 2 && m[1].msg_len == 3);
    CHECK(recv(a, got, 9, 0) == 2 && recv(a, got, 9, 0) == 3);
    close(a);
    close(b);
}

/* Natively a user needs a right to this (net.ipv4.ping_group_range). */
static void ping(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int s = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
    if (s < 0) {
        CHECK((errno == EACCES || errno == EPERM) && getenv("UNIRANK_NATIVE"));
        return;
    }
    struct icmphdr out = {.type = ICMP_ECHO, .un.echo.sequence = htons(9)};
    char in[100];
    CHECK(sendto(s, &out, sizeof out, 0, (struct sockaddr *)&at, sizeof at) == sizeof out);
    CHECK(recv(s, in, sizeof in, 0) == sizeof out);
    CHECK(((struct icmphdr *)in)->type == ICMP_ECHOREPLY && ((struct icmphdr *)in)->un.echo.sequence == htons(9));
    close(s);
}

int main(int argc, char **argv) {
    size_t total = (argc > 1 ? strtoul(argv[1], NULL, 10) : 8) << 20;
    pipes();
    counters();
    pairs();
    waits();
    stream(total);
    datagrams();
    ping();
    printf("local: passed\n");
    return 0;
}
