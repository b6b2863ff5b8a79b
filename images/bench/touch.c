/* Nanoseconds for 4 KiB of memory that a program allocates and touches for the first time. */
#include "timing.h"

enum { PAGE = 4096 };

int main(int argc, char **argv)
{
    struct options options = read_options(argc, argv);
    double values[MOST_ROUNDS];
    for (int i = 0; i < options.rounds; i++) {
        double began = now();
        /* Not freed: the next round's is fresh again. */
        volatile char *memory = malloc((size_t)options.bytes);
        require(memory != NULL, "allocating");
        for (long at = 0; at < options.bytes; at += PAGE)
            memory[at] = 1;
        values[i] = 1e9 * (now() - began) / (double)(options.bytes / PAGE);
    }
    print_figure("touch", 0, values, options.rounds);
    return 0;
}
