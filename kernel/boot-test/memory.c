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

int main(void)
{
    struct sysinfo info;
    void *chain = NULL;
    unsigned long blocks = 0;
    churn();
    zeroed();
    rules();
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
