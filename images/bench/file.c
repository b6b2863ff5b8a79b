/* Bytes per second of writing a file from its start to its end, and of reading it, in requests of 1 MiB. */
#include "timing.h"
#include <fcntl.h>
#include <unistd.h>

enum { REQUEST = 1 << 20 };
static const char name[] = "file.data";

static double write_file(char *buffer, long bytes)
{
    double began = now();
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    require(fd >= 0, "creating the file");
    for (long done = 0; done < bytes;) {
        memcpy(buffer, &done, sizeof done);
        ssize_t n = write(fd, buffer, REQUEST);
        require(n > 0, "writing");
        done += n;
    }
    require(!close(fd), "closing");
    return (double)bytes / (now() - began);
}

static double read_file(char *buffer, long bytes)
{
    double began = now();
    int fd = open(name, O_RDONLY);
    require(fd >= 0, "opening the file");
    long done = 0, written;
    ssize_t n;
    while ((n = read(fd, buffer, REQUEST)) > 0) {
        memcpy(&written, buffer, sizeof written);
        require(done % REQUEST || written == done, "the file holds something else");
        done += n;
    }
    require(n == 0 && done == bytes, "reading");
    close(fd);
    return (double)bytes / (now() - began);
}

int main(int argc, char **argv)
{
    struct options options = read_options(argc, argv);
    double writes[MOST_ROUNDS], reads[MOST_ROUNDS];
    char *buffer = malloc(REQUEST);
    require(buffer && options.bytes % REQUEST == 0, "--bytes must be whole MiB");
    memset(buffer, 1, REQUEST);
    for (int i = 0; i < options.rounds; i++) {
        unlink(name);
        writes[i] = 1e-6 * write_file(buffer, options.bytes);
        reads[i] = 1e-6 * read_file(buffer, options.bytes);
    }
    unlink(name);
    print_figure("write", options.bytes, writes, options.rounds);
    print_figure("read", options.bytes, reads, options.rounds);
    return 0;
}
