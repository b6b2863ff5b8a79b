/* Uses 64 MiB in order, again and again, while the host may put its pages together: what was written stays. */
#include <stdio.h>
#include <stdlib.h>

enum { WORDS = 8 << 20, TURNS = 6 };

int main(void)
{
    unsigned long *memory = malloc(WORDS * sizeof *memory);
    if (!memory)
        return 1;
    for (unsigned long turn = 1; turn <= TURNS; turn++) {
        for (unsigned long i = 0; i < WORDS; i++) {
            if (turn > 1 && memory[i] != (i ^ (turn - 1) << 32)) {
                printf("large_pages: word %lu is %lx in turn %lu\n", i, memory[i], turn);
                return 1;
            }
            memory[i] = i ^ turn << 32;
        }
    }
    printf("filled\n");
    fflush(stdout);
    getchar();
    for (unsigned long i = 0; i < WORDS; i++)
        if (memory[i] != (i ^ (unsigned long)TURNS << 32))
            return 1;
    printf("large_pages: passed\n");
    return 0;
}
