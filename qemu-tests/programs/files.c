/* Files as HPC programs use them, in the current directory (which the caller made empty). No MPI. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "check.h"

#define FAILS(call, want) do { errno = 0; CHECK((call) == -1 && errno == (want)); } while (0)

static void read_write(void)
{
    char buffer[100];
    struct stat st;
    int fd = open("a", O_CREAT | O_EXCL | O_RDWR, 0640);
    CHECK(fd >= 3);
    CHECK(write(fd, "hello world", 11) == 11);
    CHECK(lseek(fd, 6, SEEK_SET) == 6 && read(fd, buffer, 100) == 5 && !memcmp(buffer, "world", 5));
    CHECK(read(fd, buffer, 100) == 0);
    CHECK(pread(fd, buffer, 5, 0) == 5 && !memcmp(buffer, "hello", 5));
    CHECK(pwrite(fd, "HELLO", 5, 0) == 5 && lseek(fd, 0, SEEK_CUR) == 11);
    CHECK(lseek(fd, 2, SEEK_END) == 13 && write(fd, "!", 1) == 1);
    CHECK(fstat(fd, &st) == 0 && st.st_size == 14 && S_ISREG(st.st_mode));
    CHECK(pread(fd, buffer, 14, 0) == 14 && buffer[11] == 0 && buffer[12] == 0 && buffer[13] == '!');
    struct iovec v[3] = {{"ab", 2}, {NULL, 0}, {"cde", 3}};
    CHECK(writev(fd, v, 3) == 5);
    CHECK(ftruncate(fd, 4) == 0 && fstat(fd, &st) == 0 && st.st_size == 4);
    CHECK(fsync(fd) == 0 && fdatasync(fd) == 0 && close(fd) == 0);
    FAILS(close(fd), EBADF);
    FAILS(open("a", O_CREAT | O_EXCL | O_RDWR, 0640), EEXIST);
    fd = open("a", O_WRONLY | O_APPEND);
    CHECK(write(fd, "56", 2) == 2);
    FAILS(read(fd, buffer, 1), EBADF);
    CHECK(close(fd) == 0);
    fd = open("a", O_RDONLY);
    CHECK(read(fd, buffer, 100) == 6 && !memcmp(buffer, "HELL56", 6));
    FAILS(write(fd, "x", 1), EBADF);
    int twin = dup(fd);
    CHECK(lseek(twin, 1, SEEK_SET) == 1 && lseek(fd, 0, SEEK_CUR) == 1);
    CHECK(close(fd) == 0 && read(twin, buffer, 1) == 1 && close(twin) == 0);
    fd = open("a", O_RDWR | O_TRUNC);
    CHECK(fstat(fd, &st) == 0 && st.st_size == 0 && close(fd) == 0);
    CHECK(truncate("a", 1000000) == 0 && stat("a", &st) == 0 && st.st_size == 1000000);
}

static void big(void)
{
    size_t n = 3000001;
    unsigned char *out = malloc(n), *in = malloc(n);
    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)(i * 31 + i / 4096);
    FILE *f = fopen("big", "wb");
    CHECK(f && fwrite(out, 1, n, f) == n && fclose(f) == 0);
    f = fopen("big", "rb");
    CHECK(f && fread(in, 1, n, f) == n && fgetc(f) == EOF && fclose(f) == 0);
    CHECK(memcmp(in, out, n) == 0);
    free(out);
    free(in);
}

static void names(void)
{
    struct stat st;
    char path[PATH_MAX], target[100];
    CHECK(mkdir("d", 0755) == 0 && stat("d", &st) == 0 && S_ISDIR(st.st_mode));
    FAILS(mkdir("d", 0755), EEXIST);
    FAILS(open("d", O_RDWR), EISDIR);
    FAILS(open("missing", O_RDONLY), ENOENT);
    FAILS(open("missing/x", O_CREAT | O_RDWR, 0600), ENOENT);
    FAILS(open("a/x", O_RDONLY), ENOTDIR);
    FAILS(rmdir("a"), ENOTDIR);
    FAILS(unlink("d"), EISDIR);
    CHECK(rename("a", "d/b") == 0);
    FAILS(stat("a", &st), ENOENT);
    FAILS(rmdir("d"), ENOTEMPTY);
    CHECK(access("d/b", R_OK) == 0);
    CHECK(chdir("d") == 0 && getcwd(path, sizeof path) && !strcmp(strrchr(path, '/'), "/d"));
    CHECK(stat("../d/./b", &st) == 0 && chdir("..") == 0);
    CHECK(symlink("d/b", "link") == 0 && readlink("link", target, sizeof target) == 3 && !memcmp(target, "d/b", 3));
    CHECK(lstat("link", &st) == 0 && S_ISLNK(st.st_mode) && stat("link", &st) == 0 && st.st_size == 1000000);
    CHECK(unlink("link") == 0);
    CHECK(chmod("d/b", 0600) == 0 && stat("d/b", &st) == 0 && (st.st_mode & 0777) == 0600);
    int dir = open("d", O_RDONLY | O_DIRECTORY), fd = openat(dir, "c", O_CREAT | O_WRONLY, 0644);
    CHECK(dir >= 0 && fd >= 0 && close(fd) == 0 && close(dir) == 0);
    for (int i = 0; i < 300; i++) {
        snprintf(path, sizeof path, "d/file-with-a-long-name-%d", i);
        fd = open(path, O_CREAT | O_WRONLY, 0644);
        CHECK(fd >= 0 && close(fd) == 0);
    }
    int seen = 0, dots = 0;
    DIR *d = opendir("d");
    for (struct dirent *e; (e = readdir(d));) {
        seen += e->d_name[0] != '.';
        dots += e->d_name[0] == '.';
    }
    CHECK(seen == 302 && dots == 2);
    rewinddir(d);
    CHECK(readdir(d) != NULL && closedir(d) == 0);
    for (int i = 0; i < 300; i++) {
        snprintf(path, sizeof path, "d/file-with-a-long-name-%d", i);
        CHECK(unlink(path) == 0);
    }
    CHECK(unlink("d/b") == 0 && unlink("d/c") == 0 && rmdir("d") == 0 && unlink("big") == 0);
}

static void devices(void)
{
    char buffer[16] = "0123456789abcde";
    int fd = open("/dev/null", O_RDWR);
    CHECK(write(fd, buffer, 5) == 5 && read(fd, buffer, 5) == 0 && close(fd) == 0);
    fd = open("/dev/zero", O_RDONLY);
    CHECK(read(fd, buffer, 5) == 5 && buffer[0] == 0 && buffer[4] == 0 && buffer[5] == '5' && close(fd) == 0);
    fd = open("/dev/urandom", O_RDONLY);
    CHECK(read(fd, buffer, 16) == 16 && close(fd) == 0);
    FAILS(write(1, (void *)8, 10), EFAULT);
    FAILS(open((char *)8, O_RDONLY), EFAULT);
    FAILS(read(99, buffer, 1), EBADF);
    FAILS(lseek(99, 0, SEEK_SET), EBADF);
}

int main(void)
{
    read_write();
    big();
    names();
    devices();
    printf("files: %s\n", check_failures ? "FAILED" : "passed");
    return check_failures != 0;
}
