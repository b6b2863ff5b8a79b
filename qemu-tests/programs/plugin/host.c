/* An ordinary program, no image, that loads the library as it runs. */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW) : 0;
    int (*sum)(void) = library ? (int (*)(void))dlsym(library, "sum_of_ranks") : 0;
    if (!sum) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    printf("sum %d\n", sum());
    return 0;
}
