/* where FILE [ARGUMENT...]: rank 0 says what it sees of its environment, arguments and FILE (written if ARGUMENT is w). */
#include <errno.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    int rank;
    char text[100] = "";
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (rank == 0) {
        const char *colour = getenv("COLOUR");
        FILE *f = fopen(argv[1], argc > 2 && !strcmp(argv[2], "w") ? "w" : "r");
        if (!f)
            snprintf(text, sizeof text, "%s", strerror(errno));
        else if (!fgets(text, sizeof text, f))
            snprintf(text, sizeof text, "empty");
        printf("COLOUR=%s; %d arguments; %s; note: %s\n", colour ? colour : "", argc, argc > 2 ? argv[2] : "", text);
        if (f)
            fclose(f);
    }
    MPI_Finalize();
    return 0;
}
