/* Packing with MPI_Counts, as this machine has its data and as the standard writes them for all machines. */
#include <mpi.h>
#include <string.h>
#include "../check.h"

enum { ROOM = 256 };

static int me, size, left, right;

/* Several values one behind the other, sent as one message, each taken out by itself. */
static void mixed(void)
{
    char out[ROOM], in[ROOM];
    int ints[3] = {me, -me, 7}, got_ints[3] = {0};
    double doubles[4] = {me + 0.5, 1, 2, 3}, got_doubles[4] = {9, 9, 9, 9};
    MPI_Datatype second; /* Each second of four. */
    MPI_Count at = 0, limit = 0, part = 0, received = 0;
    MPI_Status status;
    MPI_Type_vector(2, 1, 2, MPI_DOUBLE, &second);
    MPI_Type_commit(&second);
    CHECK(MPI_Pack_size_c(3, MPI_INT, MPI_COMM_WORLD, &part) == MPI_SUCCESS && part >= 12);
    limit += part;
    CHECK(MPI_Pack_size_c(1, second, MPI_COMM_WORLD, &part) == MPI_SUCCESS && part >= 16);
    limit += part;
    CHECK(limit <= ROOM);
    CHECK(MPI_Pack_c(ints, 3, MPI_INT, out, limit, &at, MPI_COMM_WORLD) == MPI_SUCCESS && at > 0 && at <= limit);
    MPI_Count before = at;
    CHECK(MPI_Pack_c(doubles, 1, second, out, limit, &at, MPI_COMM_WORLD) == MPI_SUCCESS && at > before && at <= limit);
    MPI_Sendrecv_c(out, at, MPI_PACKED, right, 0, in, ROOM, MPI_PACKED, left, 0, MPI_COMM_WORLD, &status);
    MPI_Get_count_c(&status, MPI_PACKED, &received);
    CHECK(received == at);
    at = 0;
    CHECK(MPI_Unpack_c(in, received, &at, got_ints, 3, MPI_INT, MPI_COMM_WORLD) == MPI_SUCCESS && at == before);
    CHECK(MPI_Unpack_c(in, received, &at, got_doubles, 1, second, MPI_COMM_WORLD) == MPI_SUCCESS && at == received);
    CHECK(got_ints[0] == left && got_ints[1] == -left && got_ints[2] == 7);
    CHECK(got_doubles[0] == left + 0.5 && got_doubles[1] == 9 && got_doubles[2] == 2 && got_doubles[3] == 9);
    MPI_Type_free(&second);
}

/* external32: the highest byte first, whatever the machine. */
static void external(void)
{
    int ints[2] = {0x01020304, -2}, got_ints[2] = {0};
    short shorts[3] = {0x0506, 0, 0x0708}, got_shorts[3] = {0};
    double number = -2.5, got = 0;
    static const unsigned char wanted[] = {1, 2, 3, 4, 0xff, 0xff, 0xff, 0xfe, 5, 6, 0, 0, 7, 8, 0xc0, 4, 0, 0, 0, 0, 0, 0};
    unsigned char packed[ROOM];
    MPI_Count at = 0, bytes = -1;
    CHECK(MPI_Pack_external_size_c("external32", 2, MPI_INT, &bytes) == MPI_SUCCESS && bytes == 8);
    CHECK(MPI_Pack_external_c("external32", ints, 2, MPI_INT, packed, ROOM, &at) == MPI_SUCCESS && at == 8);
    CHECK(MPI_Pack_external_c("external32", shorts, 3, MPI_SHORT, packed, ROOM, &at) == MPI_SUCCESS && at == 14);
    CHECK(MPI_Pack_external_c("external32", &number, 1, MPI_DOUBLE, packed, ROOM, &at) == MPI_SUCCESS && at == 22);
    CHECK(sizeof wanted == 22 && !memcmp(packed, wanted, 22));
    /* The functions with smaller counts write the same. */
    unsigned char other[ROOM];
    MPI_Aint other_at = 0, other_bytes = -1;
    CHECK(MPI_Pack_external_size("external32", 3, MPI_SHORT, &other_bytes) == MPI_SUCCESS && other_bytes == 6);
    MPI_Pack_external("external32", ints, 2, MPI_INT, other, ROOM, &other_at);
    MPI_Pack_external("external32", shorts, 3, MPI_SHORT, other, ROOM, &other_at);
    CHECK(other_at == 14 && !memcmp(other, wanted, 14));
    at = 0;
    CHECK(MPI_Unpack_external_c("external32", packed, 22, &at, got_ints, 2, MPI_INT) == MPI_SUCCESS && at == 8);
    CHECK(MPI_Unpack_external_c("external32", packed, 22, &at, got_shorts, 3, MPI_SHORT) == MPI_SUCCESS && at == 14);
    CHECK(MPI_Unpack_external_c("external32", packed, 22, &at, &got, 1, MPI_DOUBLE) == MPI_SUCCESS && at == 22);
    CHECK(!memcmp(ints, got_ints, sizeof ints) && !memcmp(shorts, got_shorts, sizeof shorts) && got == number);
    /* It is sent as bytes. */
    at = 0;
    number = me + 0.25;
    MPI_Pack_external_c("external32", &number, 1, MPI_DOUBLE, packed, ROOM, &at);
    MPI_Sendrecv_replace_c(packed, at, MPI_BYTE, right, 1, left, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    at = 0;
    MPI_Unpack_external_c("external32", packed, 8, &at, &got, 1, MPI_DOUBLE);
    CHECK(got == left + 0.25);
}

/* More than an int counts; nothing is packed. */
static void large(void)
{
    MPI_Count count = (MPI_Count)5 << 30, bytes = -1;
    CHECK(MPI_Pack_size_c(count, MPI_INT, MPI_COMM_WORLD, &bytes) == MPI_SUCCESS && bytes >= 4 * count);
    CHECK(MPI_Pack_external_size_c("external32", count, MPI_DOUBLE, &bytes) == MPI_SUCCESS && bytes == 8 * count);
    /* A position beyond an int, in a buffer that is said to reach there: nothing fits behind its end. */
    int one = 1;
    bytes = count;
    CHECK(MPI_Pack_c(&one, 1, MPI_INT, &one, count, &bytes, MPI_COMM_WORLD) != MPI_SUCCESS);
    CHECK(bytes == count);
}

static void errors(void)
{
    int one = 1, got = 0;
    char packed[ROOM];
    MPI_Count at = ROOM - 3, negative = -((MPI_Count)1 << 32) + 1;
    CHECK(MPI_Pack_c(&one, 1, MPI_INT, packed, ROOM, &at, MPI_COMM_WORLD) != MPI_SUCCESS && at == ROOM - 3);
    CHECK(MPI_Unpack_c(packed, ROOM, &at, &got, 1, MPI_INT, MPI_COMM_WORLD) != MPI_SUCCESS && at == ROOM - 3 && got == 0);
    CHECK(MPI_Pack_external_c("external32", &one, 1, MPI_INT, packed, ROOM, &at) != MPI_SUCCESS && at == ROOM - 3);
    CHECK(MPI_Unpack_external_c("external32", packed, ROOM, &at, &got, 1, MPI_INT) != MPI_SUCCESS && got == 0);
    at = 0;
    CHECK(MPI_Pack_c(&one, negative, MPI_INT, packed, ROOM, &at, MPI_COMM_WORLD) == MPI_ERR_COUNT && at == 0);
    CHECK(MPI_Pack_external_c("external31", &one, 1, MPI_INT, packed, ROOM, &at) == MPI_ERR_ARG && at == 0);
    CHECK(MPI_Pack_size_c(negative, MPI_INT, MPI_COMM_WORLD, &at) == MPI_ERR_COUNT);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    check_rank = me;
    left = (me + size - 1) % size;
    right = (me + 1) % size;
    mixed();
    external();
    large();
    errors();
    return check_end("pack_large_counts");
}
