/* What ranks on one host share: the job region, windows on each other's memory, bells. In VMs through the table of the
   library OS (drivers/hca/src/vm.rs), in processes through UNIRANK_IVC (mpi-lite/src/platform/ivc.rs).
   usage: shared rw|ro|off */
#define _GNU_SOURCE
#include <mpi.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

struct window {
    unsigned char *base;
    uint64_t len;
    uint32_t flags, pad;
};

struct unirank_vm {
    uint32_t version, size_of_struct;
    unsigned char *hca_region;
    uint64_t hca_region_len, ram_len, tsc_hz;
    void (*hca_wake)(void);
    void (*wait_event)(uint64_t timeout_ns);
    void (*notify)(const char *text, uint64_t len);
    uint32_t cpus, rank;
    unsigned char *job_region;
    uint64_t job_region_len;
    const struct window *windows;
    uint32_t window_count, bells;
    void (*ring_rank)(uint32_t rank);
    uint32_t (*blocked_threads)(void);
};

const struct unirank_vm *unirank_vm(void);

/* At the same address in all ranks: they run the same image. */
static volatile uint64_t data[1000], other;
static const char *rights;
static int ranks, bells[1024];
static unsigned char *region;
static uint64_t region_len;

static uint64_t word(uint64_t offset)
{
    return *(volatile uint64_t *)(region + offset);
}

/* Reads a word at an address of another rank. */
static uint64_t peek(int rank, volatile void *address)
{
    const struct unirank_vm *vm = unirank_vm();
    uint64_t value = 0;
    if (vm)
        return *(volatile uint64_t *)(vm->windows[rank].base + (uintptr_t)address);
    struct iovec here = {&value, 8}, there = {(void *)address, 8};
    pid_t process = *(volatile uint32_t *)(region + word(0x20) + 4096 * rank + 0x80);
    CHECK(process > 0 && process_vm_readv(process, &here, 1, &there, 1, 0) == 8);
    return value;
}

static void ring(int rank)
{
    uint64_t one = 1;
    if (unirank_vm())
        unirank_vm()->ring_rank(rank);
    else
        CHECK(write(bells[rank], &one, 8) == 8);
}

/* Sleeps until a bell, or something of the adapter. */
static void wait(void)
{
    if (unirank_vm()) {
        unirank_vm()->wait_event(1000000000000);
        return;
    }
    struct pollfd bell = {bells[check_rank], POLLIN, 0};
    uint64_t count;
    poll(&bell, 1, -1);
    CHECK(read(bells[check_rank], &count, 8) == 8);
}

static sigjmp_buf before_store;

static void on_fault(int signal)
{
    (void)signal;
    siglongjmp(before_store, 1);
}

/* A store to a read-only window is a memory fault. */
static int store_faults(volatile uint64_t *address)
{
    if (sigsetjmp(before_store, 1))
        return 1;
    *address = 1;
    return 0;
}

static void find(void)
{
    const struct unirank_vm *vm = unirank_vm();
    if (vm) {
        CHECK(vm->version == 2 && vm->size_of_struct == sizeof *vm);
        CHECK(vm->rank == (uint32_t)check_rank && vm->bells == (uint32_t)ranks);
        region = vm->job_region;
        region_len = vm->job_region_len;
        CHECK(vm->window_count == (strcmp(rights, "off") ? (uint32_t)(ranks - (check_rank == ranks - 1)) : 0));
        return;
    }
    const char *told = getenv("UNIRANK_IVC");
    char form[8] = "";
    int file, at = 0;
    CHECK(told && sscanf(told, "%d:%7[a-z]:%n", &file, form, &at) == 2 && at && !strcmp(form, rights));
    for (int rank = 0; rank < ranks; rank++, at += strcspn(told + at, ",") + 1)
        bells[rank] = atoi(told + at);
    region_len = lseek(file, 0, SEEK_END);
    region = mmap(NULL, region_len, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    CHECK(region != MAP_FAILED);
}

static void look_through_windows(void)
{
    for (int i = 0; i < 1000; i++)
        data[i] = check_rank * 1000 + i;
    MPI_Barrier(MPI_COMM_WORLD);
    for (int rank = 0; rank < ranks; rank++)
        for (int i = 0; rank != check_rank && i < 1000; i += 37)
            CHECK(peek(rank, &data[i]) == (uint64_t)(rank * 1000 + i));
    const struct unirank_vm *vm = unirank_vm();
    int writable = !strcmp(rights, "rw"), next = (check_rank + 1) % ranks;
    for (int rank = 0; vm && rank < ranks; rank++) {
        struct window window = rank < (int)vm->window_count ? vm->windows[rank] : (struct window){0};
        CHECK(window.flags == (rank == check_rank ? 0 : writable ? 3 : 1));
        CHECK(rank == check_rank || window.len == vm->ram_len);
    }
    if (vm && next != check_rank) {
        volatile uint64_t *there = (volatile uint64_t *)(vm->windows[next].base + (uintptr_t)&other);
        if (writable)
            *there = 77 + check_rank;
        else
            CHECK(store_faults(there));
    }
    MPI_Barrier(MPI_COMM_WORLD);
    if (vm && ranks > 1)
        CHECK(other == (writable ? 77 + (uint64_t)(check_rank + ranks - 1) % ranks : 0));
}

/* Ranks sleep one after the other, and the rank before them wakes them: what they wait for is in the job region's
   counters, where only a bell tells of it. */
static void wake_each_other(void)
{
    volatile uint64_t *mine = (volatile uint64_t *)(region + word(0x20) + 4096 * check_rank + 0x400 + 8 * 127);
    volatile uint64_t *next = (volatile uint64_t *)(region + word(0x20) + 4096 * ((check_rank + 1) % ranks) + 0x400 + 8 * 127);
    struct timespec pause = {0, 20000000};
    for (uint64_t round = 1; round <= 20; round++) {
        if (check_rank != 0)
            while (*mine < round)
                wait();
        nanosleep(&pause, NULL);
        *next = round;
        __sync_synchronize();
        ring((check_rank + 1) % ranks);
        if (check_rank == 0)
            while (*mine < round)
                wait();
    }
    MPI_Barrier(MPI_COMM_WORLD);
    *mine = 0;
}

int main(int argc, char **argv)
{
    rights = argc > 1 ? argv[1] : "rw";
    struct sigaction action = {.sa_handler = on_fault};
    sigaction(SIGSEGV, &action, NULL);
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    find();
    CHECK(!memcmp(region, "UNIRIVC", 8) && word(0x10) == region_len);
    CHECK(*(volatile uint32_t *)(region + 0x0c) == (uint32_t)ranks);
    MPI_Barrier(MPI_COMM_WORLD);
    if (strcmp(rights, "off"))
        look_through_windows();
    wake_each_other();
    return check_end("shared");
}
