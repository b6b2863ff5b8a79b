/* What benchmark programs share: asking the runner to record this rank's counters (`unirank run --record FILE`).
 * The table is the kernel's; a program linked without one, or run natively, records nothing. */
#ifndef UNIRANK_BENCH_STATS_H
#define UNIRANK_BENCH_STATS_H

#include <stdint.h>
#include <stdio.h>

struct unirank_vm {
    uint32_t version, size_of_struct;
    uint8_t *hca_region;
    uint64_t hca_region_len, ram_len, tsc_hz;
    void (*hca_wake)(void);
    void (*wait_event)(uint64_t timeout_ns);
    void (*notify)(const char *text, uint64_t len);
    uint32_t cpus, pad;
};
extern const struct unirank_vm *unirank_vm(void) __attribute__((weak));

/* Offset in the adapter's region of the count of recorded moments. */
enum { RECORDED = 0x280 };

/* Moments this rank has asked for. */
static uint32_t stats_asked;

/* Records the counters under `label` and a number. Returns at once: the moment is a little later. */
static inline void stats(const char *label, long number)
{
    char line[64];
    int len = snprintf(line, sizeof line, "stats %s %ld", label, number);
    if (unirank_vm && unirank_vm()) {
        stats_asked++;
        unirank_vm()->notify(line, (uint64_t)len);
    }
}

/* The same, and waits until it is done; for two seconds at most, as nobody may be recording. */
static inline void stats_now(const char *label, long number)
{
    const struct unirank_vm *vm = unirank_vm ? unirank_vm() : 0;
    if (!vm || !vm->hca_region)
        return;
    volatile uint32_t *recorded = (volatile uint32_t *)(vm->hca_region + RECORDED);
    stats(label, number);
    uint64_t give_up = __builtin_ia32_rdtsc() + 2 * vm->tsc_hz;
    while (*recorded < stats_asked && __builtin_ia32_rdtsc() < give_up)
        __builtin_ia32_pause();
}

#endif
