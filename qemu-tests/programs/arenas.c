/* 64 threads that allocate: the C library wants an arena for each, and a stack; both are reserved address space. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 64 };

static void *allocate(void *argument)
{
    for (int i = 0; i < 200; i++) {
        char *block = malloc(1000 + i * 37);
        if (!block)
            exit(1);
        memset(block, i, 1000);
        free(block);
    }
    char *large = malloc(200000);
    if (!large)
        exit(2);
    memset(large, 1, 200000);
    free(large);
    return argument;
}

int main(void)
{
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&thread[i], NULL, allocate, NULL))
            return 3;
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    printf("arenas: passed\n");
    return 0;
}
