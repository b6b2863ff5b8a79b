/* What HPC programs and libraries read of /proc and /sys, on 2 processors. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "check.h"

static char text[65536];

static const char *contents(const char *path)
{
    FILE *f = fopen(path, "r");
    size_t n = 0;
    if (f) {
        n = fread(text, 1, sizeof text - 1, f);
        fclose(f);
    } else {
        printf("%s: %s\n", path, strerror(errno));
        check_failures++;
    }
    text[n] = 0;
    return text;
}

static int count(const char *text, const char *what)
{
    int n = 0;
    while ((text = strstr(text, what))) {
        text++;
        n++;
    }
    return n;
}

int main(int argc, char **argv)
{
    cpu_set_t set;
    long kib = 0, size = 0, resident = 0;
    char name[64], own[16], path[4096] = "", state;
    int pid = 0, level = 0;

    snprintf(own, sizeof own, "%s", strrchr(argv[0], '/') + 1);
    CHECK(sysconf(_SC_NPROCESSORS_ONLN) == 2 && sysconf(_SC_NPROCESSORS_CONF) == 2);
    CHECK(get_nprocs() == 2 && get_nprocs_conf() == 2);
    CHECK(sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) == 2);

    contents("/proc/cpuinfo");
    CHECK(count(text, "processor\t: ") == 2 && count(text, " sse2 ") == 2 && count(text, "cpu cores\t: 2\n") == 2);
    contents("/proc/stat");
    CHECK(count(text, "\ncpu") == 2 && strstr(text, "\nbtime "));
    contents("/proc/meminfo");
    CHECK(sscanf(text, "MemTotal: %ld kB", &kib) == 1 && kib > 400 << 10 && kib <= 512 << 10);
    CHECK(strstr(text, "\nMemAvailable:") && strstr(text, "\nHugepagesize:"));
    CHECK(labs(kib - sysconf(_SC_PHYS_PAGES) * 4) < 4);
    contents("/proc/self/status");
    CHECK(strstr(text, "\nThreads:\t1\n") && strstr(text, "\nCpus_allowed_list:\t0-1\n") && strstr(text, "\nVmRSS:"));
    CHECK(sscanf(contents("/proc/self/statm"), "%ld %ld", &size, &resident) == 2 && size > 0 && resident > 0);
    CHECK(sscanf(contents("/proc/self/stat"), "%d (%15[^)]) %c", &pid, name, &state) == 3);
    CHECK(pid == getpid() && strcmp(name, own) == 0 && state == 'R');
    contents("/proc/self/comm");
    CHECK(strncmp(text, own, strlen(own)) == 0 && text[strlen(own)] == '\n');
    CHECK(strstr(contents("/proc/self/maps"), "[stack]"));
    contents("/proc/self/cmdline");
    CHECK(strcmp(text, argv[0]) == 0 && argc == 2 && strcmp(text + strlen(text) + 1, argv[1]) == 0);
    contents("/proc/self/environ");
    CHECK(text[0] != 0 && strchr(text, '='));
    CHECK(readlink("/proc/self/exe", path, sizeof path - 1) > 0 && path[0] == '/' && strcmp(path, argv[0]) == 0);
    snprintf(path, sizeof path, "/proc/%d/maps", (int)getpid());
    CHECK(access(path, R_OK) == 0 && strstr(contents("/proc/mounts"), " 9p "));
    CHECK(strstr(contents("/proc/version"), "unirank"));
    CHECK(atof(contents("/proc/uptime")) > 0 && atof(contents("/proc/loadavg")) > 0);
    gethostname(path, sizeof path);
    contents("/proc/sys/kernel/hostname");
    CHECK(strncmp(text, path, strlen(path)) == 0);

    CHECK(strcmp(contents("/sys/devices/system/cpu/online"), "0-1\n") == 0);
    CHECK(strcmp(contents("/sys/devices/system/cpu/possible"), "0-1\n") == 0);
    CHECK(strcmp(contents("/sys/devices/system/cpu/present"), "0-1\n") == 0);
    CHECK(strcmp(contents("/sys/devices/system/cpu/cpu1/topology/core_id"), "1\n") == 0);
    CHECK(strcmp(contents("/sys/devices/system/cpu/cpu1/topology/thread_siblings_list"), "1\n") == 0);
    CHECK(strcmp(contents("/sys/devices/system/cpu/cpu0/topology/core_siblings"), "3\n") == 0);
    CHECK(strcmp(contents("/sys/devices/system/cpu/cpu0/topology/physical_package_id"), "0\n") == 0);
    if (access("/sys/devices/system/cpu/cpu0/cache/index0/level", R_OK) == 0) {
        level = atoi(contents("/sys/devices/system/cpu/cpu0/cache/index0/level"));
        CHECK(level == 1 && atoi(contents("/sys/devices/system/cpu/cpu0/cache/index0/coherency_line_size")) >= 32);
    }
    CHECK(strcmp(contents("/sys/devices/system/node/node0/cpulist"), "0-1\n") == 0);
    CHECK(strstr(contents("/sys/devices/system/node/node0/meminfo"), "Node 0 MemTotal:"));
    CHECK(open("/sys/devices/system/cpu/online", O_RDWR) < 0 && (errno == EROFS || errno == EACCES));
    CHECK(open("/proc/cpuinfo", O_WRONLY) < 0 && errno == EACCES);
    CHECK(open("/proc/self/pagemap", O_RDONLY) < 0 && errno == ENOENT);
    printf("procfs: %s\n", check_failures ? "FAILED" : "passed");
    return check_failures != 0;
}
