/* Start-up, arguments, environment, heap, mathematics, end. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    char *block = malloc(3 << 20);
    memset(block, 7, 3 << 20);
    printf("argc=%d last=%s env=%s pi=%.10f byte=%d\n", argc, argv[argc - 1], getenv("NAME"), 4 * atan(1.0), block[12345]);
    free(block);
    return 3;
}
