/* Uses 64 MiB in order, again and again, while the host may put its pages together: what was written stays. Half of it is in the
 * image, half on the heap. */
#include <stdio.h>
#include <stdlib.h>

enum { HALF = 4 << 20, WORDS = 2 * HALF, TURNS = 6 };

static unsigned long in_image[HALF];
static unsigned long *on_heap;

static unsigned long *word(unsigned long i)
{
    return i < HALF ? &in_image[i] : &on_heap[i - HALF];
}

int main(void)
{
    on_heap = malloc(HALF * sizeof *on_heap);
    if (!on_heap)
        return 1;
    printf("allocated\n");
    fflush(stdout);
    getchar();
    for (unsigned long turn = 1; turn <= TURNS; turn++) {
        for (unsigned long i = 0; i < WORDS; i++) {
            if (turn > 1 && *word(i) != (i ^ (turn - 1) << 32)) {
                printf("large_pages: word %lu is %lx in turn %lu\n", i, *word(i), turn);
                return 1;
            }
            *word(i) = i ^ turn << 32;
        }
    }
    printf("filled\n");
    fflush(stdout);
    getchar();
    for (unsigned long i = 0; i < WORDS; i++)
        if (*word(i) != (i ^ (unsigned long)TURNS << 32))
            return 1;
    printf("large_pages: passed\n");
    return 0;
}
