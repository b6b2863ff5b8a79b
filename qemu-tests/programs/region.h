/* Where a rank sees its devices and its job region, for programs that spoil them. The layout: ivc/src/layout.rs and ivc/src/ring.rs. */
#ifndef REGION_H
#define REGION_H
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* As the kernel exports it: see drivers/hca/src/vm.rs. */
struct unirank_vm {
    uint32_t version, size;
    volatile uint8_t *hca_region;
    uint64_t hca_region_len, ram_len, tsc_hz;
    void (*hca_wake)(void);
    void (*wait_event)(uint64_t);
    void (*notify)(const uint8_t *, uint64_t);
    uint32_t cpus, rank;
    volatile uint8_t *job_region;
};
extern const struct unirank_vm *unirank_vm(void);

/* In a VM the kernel tells, in a process it is a mapping of a file without a name in any folder. */
static inline volatile uint8_t *job_region(void)
{
    if (unirank_vm())
        return unirank_vm()->job_region;
    char line[512];
    unsigned long start = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && !start && fgets(line, sizeof line, maps))
        if (strstr(line, "memfd:unirank-job"))
            sscanf(line, "%lx-", &start);
    if (maps)
        fclose(maps);
    return (volatile uint8_t *)start;
}

static inline uint64_t word64(volatile uint8_t *region, uint64_t at)
{
    return *(volatile uint64_t *)(region + at);
}

/* The directory's entry for the ring from one rank to another. */
static inline volatile uint32_t *ring_entry(volatile uint8_t *region, uint32_t from, uint32_t to)
{
    uint32_t ranks = *(volatile uint32_t *)(region + 0x0c);
    return (volatile uint32_t *)(region + word64(region, 0x28)) + (uint64_t)to * ranks + from;
}

enum { SLOTS = 128, SLOTS_AT = 0x1000, IN_PAYLOAD = 0xffff, OFFERED = 0xfffe };

/* The ring from one rank to another, which has been used. */
static inline volatile uint8_t *ring(volatile uint8_t *region, uint32_t from, uint32_t to)
{
    return region + (uint64_t)*ring_entry(region, from, to) * 64;
}

/* Eight words. */
static inline volatile uint64_t *slot(volatile uint8_t *ring, uint64_t number)
{
    return (volatile uint64_t *)(ring + SLOTS_AT) + number % SLOTS * 8;
}

/* How many messages were sent through a ring: the latest stamp. */
static inline uint32_t sent(volatile uint8_t *ring)
{
    uint32_t latest = 0;
    for (int i = 0; i < SLOTS; i++)
        if ((uint32_t)*slot(ring, i) > latest)
            latest = (uint32_t)*slot(ring, i);
    return latest;
}
#endif
