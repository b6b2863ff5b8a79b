/* Every call on files that static C, Fortran and Rust programs make, in the current directory (which the caller made
 * empty): the same must come out of a VM and of a Linux process. No MPI. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "check.h"

/* Calls that are wrong on purpose. */
#pragma GCC diagnostic ignored "-Wstringop-overflow"
#pragma GCC diagnostic ignored "-Wstringop-overread"

#define FAILS(call, want) do { errno = 0; CHECK((call) == -1 && errno == (want)); } while (0)
#define PAGE 4096

static char buffer[1 << 16];

static int make(const char *name, const char *text)
{
    int fd = open(name, O_CREAT | O_TRUNC | O_RDWR, 0644);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    return fd;
}

static int holds(const char *name, const char *text)
{
    int fd = open(name, O_RDONLY);
    ssize_t n = read(fd, buffer, sizeof buffer);
    close(fd);
    return n == (ssize_t)strlen(text) && memcmp(buffer, text, (size_t)n) == 0;
}

static void vectors(void)
{
    int fd = make("v", "0123456789");
    char a[4] = "", b[4] = "", c[4] = "";
    struct iovec in[3] = {{a, 3}, {b, 0}, {c, 3}}, out[2] = {{"AB", 2}, {"CD", 2}};
    CHECK(preadv(fd, in, 3, 2) == 6 && !memcmp(a, "234", 3) && !memcmp(c, "567", 3));
    CHECK(pwritev(fd, out, 2, 8) == 4 && holds("v", "01234567ABCD"));
    CHECK(preadv2(fd, in, 3, 0, 0) == 6 && a[0] == '0');
    CHECK(lseek(fd, 0, SEEK_CUR) == 10);
    CHECK(preadv2(fd, in, 3, -1, 0) == 2 && a[0] == 'C');
    FAILS(readv(fd, in, -1), EINVAL);
    FAILS(readv(fd, in, IOV_MAX + 1), EINVAL);
    FAILS(preadv(fd, in, 1, -5), EINVAL);
    FAILS(pwrite(fd, "x", 1, -1), EINVAL);
    FAILS(pread(fd, (void *)8, 4, 0), EFAULT);
    in[1].iov_base = (void *)8, in[1].iov_len = 4;
    CHECK(preadv(fd, in, 2, 0) == 3);
    close(fd);
}

static void positions(void)
{
    int fd = open("hole", O_CREAT | O_TRUNC | O_RDWR, 0600);
    CHECK(pwrite(fd, "end", 3, 100) == 3);
    CHECK(lseek(fd, 0, SEEK_DATA) >= 0 && lseek(fd, 0, SEEK_DATA) <= 100);
    CHECK(lseek(fd, 100, SEEK_HOLE) == 103);
    FAILS(lseek(fd, 103, SEEK_DATA), ENXIO);
    FAILS(lseek(fd, 200, SEEK_HOLE), ENXIO);
    FAILS(lseek(fd, -1, SEEK_SET), EINVAL);
    FAILS(lseek(fd, 0, 77), EINVAL);
    CHECK(lseek(fd, 1L << 40, SEEK_SET) == 1L << 40 && read(fd, buffer, 10) == 0);
    CHECK(ftruncate(fd, 5000000000) == 0 && lseek(fd, 0, SEEK_END) == 5000000000);
    FAILS(ftruncate(fd, -1), EINVAL);
    CHECK(posix_fallocate(fd, 0, 100) == 0 && ftruncate(fd, 10) == 0);
    CHECK(fallocate(fd, 0, 0, 3 << 20) == 0 && lseek(fd, 0, SEEK_END) == 3 << 20);
    struct stat st;
    CHECK(fstat(fd, &st) == 0 && st.st_blocks * 512 >= 3 << 20);
    FAILS(fallocate(fd, 0, 0, 0), EINVAL);
    CHECK(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL) == 0 && readahead(fd, 0, 4096) == 0);
    CHECK(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE) == 0 && syncfs(fd) == 0);
    close(fd);
    fd = open("hole", O_RDONLY);
    FAILS(ftruncate(fd, 1), EINVAL);
    FAILS(fallocate(fd, 0, 0, 10), EBADF);
    close(fd);
    FAILS(truncate("missing", 1), ENOENT);
    FAILS(truncate(".", 1), EISDIR);
}

static void copies(void)
{
    int from = make("from", "abcdefghij"), to = make("to", "");
    off_t at = 2;
    loff_t in = 0, out = 1;
    CHECK(sendfile(to, from, &at, 4) == 4 && at == 6 && holds("to", "cdef"));
    CHECK(lseek(from, 8, SEEK_SET) == 8 && sendfile(to, from, NULL, 100) == 2 && holds("to", "cdefij"));
    CHECK(copy_file_range(from, &in, to, &out, 3, 0) == 3 && in == 3 && out == 4 && holds("to", "cabcij"));
    FAILS(copy_file_range(from, &in, to, &out, 3, 1), EINVAL);
    int append = open("to", O_WRONLY | O_APPEND);
    FAILS(copy_file_range(from, &in, append, NULL, 3, 0), EBADF);
    close(append), close(to), close(from);
}

static void metadata(void)
{
    struct stat st, other;
    struct statx x;
    struct statvfs vfs;
    int fd = make("m", "12345"), dir = open(".", O_RDONLY | O_DIRECTORY);
    CHECK(fchmod(fd, 04640) == 0 && fstat(fd, &st) == 0 && (st.st_mode & 07777) == 04640 && st.st_nlink == 1);
    CHECK(statx(dir, "m", 0, STATX_BASIC_STATS, &x) == 0 && x.stx_size == 5 && x.stx_ino == st.st_ino);
    CHECK((x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS && x.stx_mode == st.st_mode);
    CHECK(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &x) == 0 && x.stx_size == 5);
    FAILS(fstatat(dir, "m", &other, 0x40000000), EINVAL);
    CHECK(fstatat(dir, "m", &other, 0) == 0 && other.st_ino == st.st_ino && other.st_dev == st.st_dev);
    CHECK(fchown(fd, st.st_uid, st.st_gid) == 0 && chown("m", (uid_t)-1, (gid_t)-1) == 0);
    struct timespec times[2] = {{1000000000, 123456789}, {1100000000, 987654321}};
    CHECK(futimens(fd, times) == 0 && fstat(fd, &st) == 0);
    CHECK(st.st_atim.tv_sec == 1000000000 && st.st_mtim.tv_sec == 1100000000 && st.st_mtim.tv_nsec == 987654321);
    times[0].tv_nsec = UTIME_OMIT, times[1].tv_nsec = UTIME_NOW;
    CHECK(utimensat(dir, "m", times, 0) == 0 && fstat(fd, &st) == 0);
    CHECK(st.st_atim.tv_sec == 1000000000 && st.st_mtim.tv_sec > 1600000000);
    times[1].tv_nsec = 1000000000;
    FAILS(utimensat(dir, "m", times, 0), EINVAL);
    struct timeval coarse[2] = {{5, 6}, {7, 8}};
    CHECK(utimes("m", coarse) == 0 && futimesat(dir, "m", coarse) == 0);
    CHECK(stat("m", &st) == 0 && st.st_mtim.tv_sec == 7 && st.st_mtim.tv_nsec == 8000);
    CHECK(faccessat(dir, "m", R_OK | W_OK, 0) == 0 && faccessat(dir, "m", F_OK, AT_EACCESS) == 0);
    FAILS(faccessat(dir, "gone", F_OK, 0), ENOENT);
    FAILS(access("m", 8), EINVAL);
    CHECK(fchmodat(dir, "m", 0600, 0) == 0);
    CHECK(fstatvfs(fd, &vfs) == 0 && vfs.f_bsize >= 512 && vfs.f_blocks > 0 && vfs.f_namemax >= 255);
    FAILS(stat("m/x", &st), ENOTDIR);
    FAILS(stat("", &st), ENOENT);
    memset(buffer, 'n', 300), buffer[300] = 0;
    FAILS(stat(buffer, &st), ENAMETOOLONG);
    FAILS(fstat(-1, &st), EBADF);
    FAILS(fstat(fd, (void *)16), EFAULT);
    close(fd), close(dir);
}

static void names(void)
{
    struct stat st, st2;
    close(make("a", "a")), close(make("b", "b"));
    CHECK(link("a", "c") == 0 && stat("a", &st) == 0 && stat("c", &st2) == 0);
    CHECK(st.st_ino == st2.st_ino && st.st_nlink == 2 && st2.st_nlink == 2);
    FAILS(link("a", "b"), EEXIST);
    FAILS(link("gone", "d"), ENOENT);
    FAILS(link(".", "d"), EPERM);
    CHECK(renameat2(AT_FDCWD, "a", AT_FDCWD, "d", RENAME_NOREPLACE) == 0);
    FAILS(renameat2(AT_FDCWD, "d", AT_FDCWD, "b", RENAME_NOREPLACE), EEXIST);
    CHECK(rename("d", "b") == 0 && holds("b", "a"));
    FAILS(rename("gone", "b"), ENOENT);
    CHECK(mkdir("dir", 0777) == 0 && mkdir("dir/sub", 0700) == 0);
    FAILS(rename("dir", "dir/sub/x"), EINVAL);
    FAILS(rename("b", "dir"), EISDIR);
    FAILS(rename("dir", "b"), ENOTDIR);
    FAILS(rmdir("dir"), ENOTEMPTY);
    FAILS(unlinkat(AT_FDCWD, "b", AT_REMOVEDIR), ENOTDIR);
    CHECK(symlink("../b", "dir/link") == 0 && holds("dir/link", "a"));
    CHECK(lstat("dir/link", &st) == 0 && S_ISLNK(st.st_mode) && st.st_size == 4);
    FAILS(readlink("b", buffer, 10), EINVAL);
    FAILS(open("dir/link", O_RDONLY | O_NOFOLLOW), ELOOP);
    CHECK(symlink("loop", "loop") == 0);
    FAILS(open("loop", O_RDONLY), ELOOP);
    CHECK(linkat(AT_FDCWD, "dir/link", AT_FDCWD, "e", AT_SYMLINK_FOLLOW) == 0 && lstat("e", &st) == 0);
    CHECK(S_ISREG(st.st_mode) && unlink("e") == 0);
    CHECK(symlink("made", "dangling") == 0);
    int fd = open("dangling", O_CREAT | O_RDWR, 0644);
    CHECK(fd >= 0 && access("made", F_OK) == 0 && close(fd) == 0);
    FAILS(open("dangling", O_CREAT | O_EXCL | O_RDWR, 0644), EEXIST);
    CHECK(mknod("node", S_IFREG | 0600, 0) == 0 && stat("node", &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0);
    FAILS(mknod("node", S_IFREG | 0600, 0), EEXIST);
    CHECK(umask(077) == 022);
    CHECK(close(open("masked", O_CREAT | O_WRONLY, 0666)) == 0 && stat("masked", &st) == 0);
    CHECK((st.st_mode & 0777) == 0600 && umask(022) == 077);
    CHECK(realpath("dir/link", buffer) && !strcmp(strrchr(buffer, '/'), "/b"));
}

static void open_and_gone(void)
{
    struct stat st;
    int fd = make("gone", "still here");
    CHECK(unlink("gone") == 0 && fstat(fd, &st) == 0 && st.st_nlink == 0);
    CHECK(pread(fd, buffer, 100, 0) == 10 && !memcmp(buffer, "still here", 10));
    CHECK(pwrite(fd, "!", 1, 20) == 1 && fstat(fd, &st) == 0 && st.st_size == 21);
    CHECK(ftruncate(fd, 2) == 0 && pread(fd, buffer, 100, 0) == 2 && close(fd) == 0);
    FILE *temporary = tmpfile();
    CHECK(temporary && fputs("text", temporary) >= 0 && fflush(temporary) == 0 && fclose(temporary) == 0);
}

static void descriptors(void)
{
    int fd = make("d", "x");
    int high = fcntl(fd, F_DUPFD_CLOEXEC, 100);
    CHECK(high == 100 && fcntl(high, F_GETFD) == FD_CLOEXEC && fcntl(fd, F_GETFD) == 0);
    CHECK(fcntl(high, F_SETFD, 0) == 0 && fcntl(high, F_GETFD) == 0);
    CHECK((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR && fcntl(fd, F_SETFL, O_APPEND) == 0);
    CHECK((fcntl(high, F_GETFL) & O_APPEND) && write(fd, "y", 1) == 1 && holds("d", "xy"));
    CHECK(dup2(fd, 200) == 200 && dup3(fd, 201, O_CLOEXEC) == 201 && fcntl(201, F_GETFD) == FD_CLOEXEC);
    FAILS(dup3(fd, fd, 0), EINVAL);
    FAILS(fcntl(fd, F_DUPFD, -1), EINVAL);
    FAILS(fcntl(fd, 9999), EINVAL);
    FAILS(dup2(fd, -1), EBADF);
    CHECK(close_range(200, 201, 0) == 0);
    FAILS(close(200), EBADF);
    CHECK(close(high) == 0 && close(fd) == 0);
    struct { unsigned long flags, mode, resolve; } how = {O_RDONLY, 0, 0};
    fd = (int)syscall(SYS_openat2, AT_FDCWD, "d", &how, sizeof how);
    CHECK(fd >= 0 && close(fd) == 0);
    FAILS(syscall(SYS_openat2, AT_FDCWD, "d", &how, 8), EINVAL);
}

static void appends(void)
{
    int one = open("log", O_CREAT | O_WRONLY | O_APPEND, 0644), two = open("log", O_WRONLY | O_APPEND);
    for (int i = 0; i < 50; i++)
        CHECK(write(i % 2 ? one : two, "0123456789", 10) == 10);
    CHECK(lseek(one, 0, SEEK_CUR) == 500 && lseek(two, 0, SEEK_CUR) == 490);
    struct stat st;
    CHECK(fstat(two, &st) == 0 && st.st_size == 500 && close(one) == 0 && close(two) == 0);
}

static void locks(void)
{
    int fd = make("lock", ""), other = open("lock", O_RDWR), reader = open("lock", O_RDONLY);
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    CHECK(fcntl(fd, F_SETLK, &l) == 0 && fcntl(other, F_SETLKW, &l) == 0);
    FAILS(fcntl(reader, F_SETLK, &l), EBADF);
    CHECK(fcntl(fd, F_GETLK, &l) == 0 && l.l_type == F_UNLCK && fcntl(fd, F_SETLK, &l) == 0);
    l.l_type = 9;
    FAILS(fcntl(fd, F_SETLK, &l), EINVAL);
    FAILS(fcntl(fd, F_SETLK, 8), EFAULT);
    CHECK(flock(fd, LOCK_SH) == 0 && flock(other, LOCK_SH | LOCK_NB) == 0);
    FAILS(flock(fd, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    CHECK(flock(other, LOCK_UN) == 0 && flock(fd, LOCK_EX | LOCK_NB) == 0);
    FAILS(flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    FAILS(flock(fd, 77), EINVAL);
    CHECK(close(fd) == 0 && flock(other, LOCK_EX) == 0 && close(other) == 0 && close(reader) == 0);
}

static int visited, deepest;

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)path, (void)st, (void)type;
    visited++;
    if (ftw->level > deepest)
        deepest = ftw->level;
    return remove(path);
}

static void deep_trees(void)
{
    CHECK(mkdir("deep", 0755) == 0 && chdir("deep") == 0);
    for (int i = 0; i < 60; i++) {
        CHECK(mkdir("level", 0755) == 0 && chdir("level") == 0);
        close(make("leaf", "leaf"));
    }
    for (int i = 0; i < 61; i++)
        CHECK(chdir("..") == 0);
    CHECK(nftw("deep", visit, 8, FTW_DEPTH | FTW_PHYS) == 0 && visited == 121 && deepest == 61);
    FAILS(access("deep", F_OK), ENOENT);
}

static void mappings(void)
{
    int fd = make("map", "mapped text"), wide = open("map", O_WRONLY), dir = open(".", O_RDONLY);
    char *p = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    CHECK(p != MAP_FAILED && !memcmp(p, "mapped text", 11) && p[11] == 0 && p[PAGE - 1] == 0);
    CHECK(munmap(p, 3 * PAGE) == 0);
    p = mmap(NULL, 11, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    p[0] = 'M';
    CHECK(p[1] == 'a' && holds("map", "mapped text") && munmap(p, 11) == 0);
    p = mmap(NULL, 11, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED && !memcmp(p, "mapped", 6) && munmap(p, 11) == 0);
    CHECK(ftruncate(fd, 3 * PAGE) == 0 && pwrite(fd, "second", 6, PAGE) == 6);
    p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, PAGE);
    CHECK(p != MAP_FAILED && !memcmp(p, "second", 6));
    CHECK(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == p && !memcmp(p, "mapped", 6));
    CHECK(close(fd) == 0 && p[0] == 'm' && munmap(p, PAGE) == 0);
    fd = open("map", O_RDONLY);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 17) == MAP_FAILED && errno == EINVAL);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, wide, 0) == MAP_FAILED && errno == EACCES);
    CHECK(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EACCES);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, dir, 0) == MAP_FAILED && errno == ENODEV);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 999, 0) == MAP_FAILED && errno == EBADF);
    int zero = open("/dev/zero", O_RDWR);
    p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
    CHECK(p != MAP_FAILED && p[5] == 0 && (p[5] = 1) && munmap(p, PAGE) == 0);
    close(zero), close(fd), close(wide), close(dir);
}

static void directories(void)
{
    struct dirent *entry;
    CHECK(mkdir("list", 0755) == 0);
    for (int i = 0; i < 40; i++) {
        snprintf(buffer, sizeof buffer, "list/%d", i);
        close(make(buffer, ""));
    }
    DIR *d = opendir("list");
    int files = 0, folders = 0;
    long middle = 0;
    for (int i = 0; (entry = readdir(d)); i++) {
        files += entry->d_type == DT_REG;
        folders += entry->d_type == DT_DIR;
        if (i == 20)
            middle = telldir(d);
    }
    CHECK(files == 40 && folders == 2);
    seekdir(d, middle);
    int rest = 0;
    while (readdir(d))
        rest++;
    CHECK(rest == 21);
    struct stat st;
    CHECK(fstatat(dirfd(d), "7", &st, 0) == 0 && unlinkat(dirfd(d), "7", 0) == 0 && closedir(d) == 0);
    int fd = open("list", O_RDONLY);
    FAILS(read(fd, buffer, 10), EISDIR);
    FAILS(syscall(SYS_getdents64, fd, buffer, 4), EINVAL);
    FAILS(fchdir(999), EBADF);
    CHECK(fchdir(fd) == 0 && access("8", F_OK) == 0 && chdir("..") == 0 && close(fd) == 0);
    fd = open("m", O_RDONLY);
    FAILS(syscall(SYS_getdents64, fd, buffer, 1000), ENOTDIR);
    FAILS(openat(fd, "x", O_RDONLY), ENOTDIR);
    FAILS(fchdir(fd), ENOTDIR);
    close(fd);
}

static void shared_memory(void)
{
    int fd = open("/dev/shm/unirank-posix-test", O_CREAT | O_RDWR, 0600);
    CHECK(fd >= 0 && write(fd, "shm", 3) == 3 && pread(fd, buffer, 3, 0) == 3 && close(fd) == 0);
    CHECK(unlink("/dev/shm/unirank-posix-test") == 0);
    strcpy(buffer, "/tmp/unirank-posix-XXXXXX");
    fd = mkstemp(buffer);
    CHECK(fd >= 0 && write(fd, "tmp", 3) == 3 && close(fd) == 0 && unlink(buffer) == 0);
    fd = open("/dev/full", O_WRONLY);
    FAILS(write(fd, "x", 1), ENOSPC);
    close(fd);
}

int main(void)
{
    umask(022);
    vectors();
    positions();
    copies();
    metadata();
    names();
    open_and_gone();
    descriptors();
    appends();
    locks();
    deep_trees();
    mappings();
    directories();
    shared_memory();
    printf("posix: %s\n", check_failures ? "FAILED" : "passed");
    return check_failures != 0;
}
