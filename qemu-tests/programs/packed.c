/* The files packed into the image, whose folder the caller made: `data/table` with 100000 numbered lines, `conf`, the
 * link `data/link` to `../conf`, and 200 files in `many`. No MPI. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

#define FAILS(call, want) do { errno = 0; CHECK((call) == -1 && errno == (want)); } while (0)

int main(void)
{
    char line[64], want[64], target[16];
    struct stat st;
    FILE *table = fopen("/data/table", "r");
    CHECK(table != NULL);
    for (int i = 0; table && i < 100000; i++) {
        snprintf(want, sizeof want, "line %d\n", i);
        CHECK(fgets(line, sizeof line, table) && !strcmp(line, want));
    }
    CHECK(table && !fgets(line, sizeof line, table) && fclose(table) == 0);
    CHECK(stat("/conf", &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0777) == 0640 && st.st_size == 5);
    CHECK(st.st_mtime == 1000000000 && st.st_uid == getuid());
    CHECK(readlink("/data/link", target, sizeof target) == 7 && !memcmp(target, "../conf", 7));
    int fd = open("/data/link", O_RDONLY);
    CHECK(read(fd, line, sizeof line) == 5 && !memcmp(line, "hello", 5));
    char *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    CHECK(map != MAP_FAILED && !memcmp(map, "hello", 6));
    FAILS(open("/conf", O_RDWR), EROFS);
    FAILS(open("/conf", O_RDONLY | O_TRUNC), EROFS);
    FAILS(open("/new", O_CREAT | O_RDWR, 0600), EROFS);
    FAILS(open("/data/new", O_CREAT | O_RDWR, 0600), EROFS);
    FAILS(unlink("/conf"), EROFS);
    FAILS(rename("/conf", "/data/conf"), EROFS);
    FAILS(mkdir("/data/d", 0700), EROFS);
    FAILS(chmod("/conf", 0600), EROFS);
    FAILS(truncate("/conf", 0), EROFS);
    FAILS(access("/conf", W_OK), EROFS);
    int seen = 0;
    DIR *many = opendir("/many");
    while (many && readdir(many))
        seen++;
    CHECK(seen == 202);
    /* What the image brings does not hide what the system has. */
    CHECK(access("/dev/null", W_OK) == 0 && access("/proc/cpuinfo", R_OK) == 0);
    fd = open("/tmp/own", O_CREAT | O_RDWR, 0600);
    CHECK(write(fd, "x", 1) == 1 && close(fd) == 0);
    printf("packed: %s\n", check_failures ? "FAILED" : "passed");
    return check_failures != 0;
}
