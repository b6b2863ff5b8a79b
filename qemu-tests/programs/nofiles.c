/* What files of a rank are not, in the current directory: an error number each, and a line where a program would have
 * to be changed. `locked` as an argument: locks are to be granted. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mpi.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "check.h"

#define FAILS(call, want) do { errno = 0; CHECK((call) == -1 && errno == (want)); } while (0)

int main(int argc, char **argv)
{
    int size;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    int fd = open("file", O_CREAT | O_RDWR, 0644);
    CHECK(fd >= 0 && pwrite(fd, "text", 4, 0) == 4);
    FAILS(open("file", O_RDONLY | O_DIRECT), EINVAL);
    FAILS(fcntl(fd, F_SETFL, O_DIRECT), EINVAL);
    FAILS(open("/dev/null", O_RDONLY | O_DIRECT), EINVAL);
    for (int i = 0; i < 2; i++)
        CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == ENODEV);
    FAILS(open(".", O_TMPFILE | O_RDWR, 0600), EOPNOTSUPP);
    FAILS(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1), EOPNOTSUPP);
    FAILS(getxattr("file", "user.x", NULL, 0), EOPNOTSUPP);
    FAILS(fsetxattr(fd, "user.x", "1", 1, 0), EOPNOTSUPP);
    FAILS(getxattr("gone", "user.x", NULL, 0), ENOENT);
    FAILS(inotify_init1(0), ENOSYS);
    FAILS(mkfifo("pipe", 0600), EPERM);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (size == 1 || argc > 1) {
        CHECK(flock(fd, LOCK_EX) == 0 && fcntl(fd, F_SETLKW, &lock) == 0);
    } else {
        FAILS(flock(fd, LOCK_EX), ENOSYS);
        FAILS(fcntl(fd, F_SETLKW, &lock), ENOLCK);
        FAILS(fcntl(fd, F_GETLK, &lock), ENOLCK);
        int own = open("/tmp/own", O_CREAT | O_RDWR, 0644);
        CHECK(flock(own, LOCK_EX) == 0 && close(own) == 0);
    }
    close(fd);
    return check_end("nofiles");
}
