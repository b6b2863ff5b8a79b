/* The rules of brk, mmap and their family; zeroed memory; the end of memory. */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

enum { PAGE = 4096, MIB = 1 << 20 };

static char *map(size_t size, int prot, int flags, void *at)
{
    return mmap(at, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

static void churn(void)
{
    static char *block[300];
    static size_t size[300];
    unsigned seed = 1;
    for (int i = 0; i < 30000; i++) {
        int k = rand_r(&seed) % 300;
        if (block[k]) {
            for (size_t j = 0; j < size[k]; j += 997)
                assert(block[k][j] == (char)k);
            free(block[k]);
            block[k] = NULL;
        } else {
            size[k] = 1 + rand_r(&seed) % (rand_r(&seed) % 50 ? 3000 : 600000);
            block[k] = memset(malloc(size[k]), k, size[k]);
        }
    }
    for (int k = 0; k < 300; k++)
        free(block[k]);
}

static void zeroed(void)
{
    for (int i = 0; i < 20; i++) {
        char *p = map(5 * MIB, PROT_READ | PROT_WRITE, 0, NULL);
        for (size_t j = 0; j < 5 * MIB; j += 512)
            assert(p[j] == 0);
        memset(p, i + 1, 5 * MIB);
        if (i % 3 == 0)
            munmap(p + MIB, 3 * PAGE);
        munmap(p, 5 * MIB);
    }
}

static void rules(void)
{
    char *p = map(MIB, PROT_READ | PROT_WRITE, 0, NULL);
    assert(map(PAGE, PROT_READ, MAP_FIXED, p + PAGE) == p + PAGE && p[PAGE] == 0);
    assert(map(PAGE, PROT_READ, MAP_FIXED_NOREPLACE, p) == MAP_FAILED && errno == EEXIST);
    p[100000] = 5;
    assert(madvise(p, MIB, MADV_DONTNEED) == 0 && p[100000] == 0);
    p[2 * PAGE] = 77;
    p = mremap(p + 2 * PAGE, 2 * PAGE, 4 * MIB, MREMAP_MAYMOVE);
    assert(p != MAP_FAILED && p[0] == 77 && p[3 * MIB] == 0);
    assert(mprotect((void *)PAGE, PAGE, PROT_READ) == -1 && errno == ENOMEM);
    assert(munmap((void *)0x400000, PAGE) == -1);
    char *reserved = map(MIB, PROT_NONE, MAP_NORESERVE, NULL);
    assert(mprotect(reserved + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
    reserved[PAGE] = 1;
    assert(munmap(reserved, MIB) == 0);
}

static int fails(int result, int error) { return result == -1 && errno == error; }

/* Blocks that move: content, rights and zeroes go along. */
static void moves(void)
{
    char *p = map(8 * MIB, PROT_READ | PROT_WRITE, 0, NULL), *to = map(8 * MIB, PROT_NONE, MAP_NORESERVE, NULL);
    p[0] = 1, p[MIB] = 2, p[3 * MIB] = 3;
    assert(mremap(p, MIB, 2 * MIB, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE) == MAP_FAILED && errno == EINVAL);
    assert(mremap(p, MIB, 2 * MIB, MREMAP_FIXED, to) == MAP_FAILED && errno == EINVAL);
    /* Larger at a fixed place, smaller at another, the old place is gone. */
    assert(mremap(p, 4 * MIB, 5 * MIB, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
    assert(to[0] == 1 && to[MIB] == 2 && to[3 * MIB] == 3 && to[4 * MIB + 5] == 0);
    assert(fails(mprotect(p, PAGE, PROT_READ), ENOMEM));
    assert(mremap(to + 3 * MIB, 2 * MIB, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p) == p && p[0] == 3);
    assert(mremap(to, 2 * MIB, MIB, 0) == to && fails(mprotect(to + MIB, PAGE, PROT_READ), ENOMEM));
    /* In place: the megabyte that was given back is free. */
    assert(mremap(to, MIB, 2 * MIB, 0) == to && to[MIB] == 0 && to[0] == 1);
    munmap(to, 8 * MIB);
    munmap(p, 8 * MIB);
}

static void presence(void)
{
    static char seen[8];
    char *p = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_POPULATE, NULL);
    assert(p != MAP_FAILED && mincore(p, 4 * PAGE, seen) == 0 && seen[0] == 1 && seen[3] == 1 && seen[4] == 0);
    assert(mlock(p + 5, PAGE) == 0 && munlock(p, PAGE) == 0 && msync(p, PAGE, MS_SYNC) == 0);
    assert(mlockall(MCL_CURRENT | MCL_FUTURE) == 0 && munlockall() == 0 && fails(mlockall(0), EINVAL));
    assert(fails(msync(p + 1, PAGE, MS_SYNC), EINVAL));
    assert(munmap(p + PAGE, PAGE) == 0);
    assert(fails(mincore(p, 4 * PAGE, seen), ENOMEM) && fails(mlock(p, 4 * PAGE), ENOMEM));
    assert(fails(msync(p, 4 * PAGE, MS_SYNC), ENOMEM) && fails(madvise(p, 4 * PAGE, MADV_WILLNEED), ENOMEM));
    assert(madvise(p, PAGE, MADV_FREE) == 0 && madvise(p, PAGE, MADV_HUGEPAGE) == 0 && fails(madvise(p, PAGE, 99), EINVAL));
    munmap(p, 4 * PAGE);
    /* A hint is followed where it can be. */
    assert(map(PAGE, PROT_READ, 0, p) == p && map(PAGE, PROT_READ, 0, p) != p);
    munmap(p, PAGE);
}

/* What has been reserved is zero when it gets rights, whoever had it before, and can be reserved again. */
static void reserves(void)
{
    for (int round = 0; round < 4; round++) {
        char *dirty = map(16 * MIB, PROT_READ | PROT_WRITE, 0, NULL);
        memset(dirty, 7, 16 * MIB);
        munmap(dirty, 16 * MIB);
        char *p = map(16 * MIB, PROT_NONE, MAP_NORESERVE, NULL);
        for (int end = PAGE; end < 3 * MIB; end += 33 * PAGE) {
            assert(mprotect(p, end, PROT_READ | PROT_WRITE) == 0);
            for (int i = end - PAGE; i < end; i += 64)
                assert(p[i] == 0 || p[i] == 9);
            memset(p, 9, end);
        }
        assert(map(MIB, PROT_NONE, MAP_FIXED | MAP_NORESERVE, p + MIB) == p + MIB);
        assert(mprotect(p + MIB, MIB, PROT_READ) == 0 && p[MIB] == 0 && p[MIB - 1] == 9 && p[2 * MIB - 1] == 0);
        assert(madvise(p, 16 * MIB, MADV_DONTNEED) == 0 && p[0] == 0 && p[MIB - 1] == 0);
        munmap(p, 16 * MIB);
    }
    assert(map(1ul << 42, PROT_NONE, MAP_NORESERVE, NULL) == MAP_FAILED || getenv("NATIVE"));
}

int main(void)
{
    struct sysinfo info;
    void *chain = NULL;
    unsigned long blocks = 0;
    churn();
    zeroed();
    rules();
    moves();
    presence();
    reserves();
    if (getenv("NATIVE"))
        return 0;
    char *huge = map(3 * MIB, PROT_READ | PROT_WRITE, MAP_HUGETLB, NULL);
    assert(huge != MAP_FAILED && (unsigned long)huge % (2 * MIB) == 0 && huge[4 * MIB - 1] == 0);
    assert(munmap(huge, 4 * MIB) == 0);
    errno = 0;
    assert(malloc(1ul << 40) == NULL && errno == ENOMEM);
    sysinfo(&info);
    for (void *p; (p = malloc(4 * MIB)); chain = p, blocks++)
        *(void **)p = chain;
    printf("most of it %d ", blocks * 4 * MIB > info.freeram / 10 * 9);
    for (void *next; chain; chain = next) {
        next = *(void **)chain;
        free(chain);
    }
    printf("and again %d\n", malloc(blocks * 2 * MIB) != NULL);
    return 0;
}
