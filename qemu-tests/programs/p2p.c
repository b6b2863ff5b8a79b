/* Point-to-point communication between any number of ranks (with one: to itself). */
#include <mpi.h>
#include <string.h>

#include "check.h"

static int rank, size, next, before;

static void fill(unsigned char *p, long n, int seed)
{
    for (long i = 0; i < n; i++)
        p[i] = (unsigned char)(i * 7 + seed + i / 251);
}

static int filled(const unsigned char *p, long n, int seed)
{
    for (long i = 0; i < n; i++)
        if (p[i] != (unsigned char)(i * 7 + seed + i / 251))
            return 0;
    return 1;
}

/* Every length around the limits of the protocols, to the next rank. */
static void lengths(void)
{
    static const long lengths[] = {0, 1, 7, 8, 63, 64, 65, 100, 127, 128, 200, 255, 256, 1000, 4095, 4096, 4097, 8000, 8100, 8128, 8191,
                                   8192, 8193, 16384, 65535, 65536, 100000, 1 << 20, (4 << 20) + 3};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        long n = lengths[i];
        unsigned char *out = malloc((size_t)n + 1), *in = malloc((size_t)n + 2);
        MPI_Request r;
        MPI_Status st;
        int count = -1;
        fill(out, n, rank);
        memset(in, 0xee, (size_t)n + 2);
        MPI_Isend(out, (int)n, MPI_BYTE, next, (int)i, MPI_COMM_WORLD, &r);
        MPI_Recv(in, (int)n + 1, MPI_BYTE, before, (int)i, MPI_COMM_WORLD, &st);
        MPI_Wait(&r, MPI_STATUS_IGNORE);
        MPI_Get_count(&st, MPI_BYTE, &count);
        CHECK(count == n && st.MPI_SOURCE == before && st.MPI_TAG == (int)i);
        CHECK(filled(in, n, before) && in[n] == 0xee);
        free(out);
        free(in);
    }
}

/* Messages of one pair and tag do not overtake, whatever their protocol; wildcards take them in order. */
static void order(void)
{
    enum { N = 60 };
    static int out[N][6000], in[6000];
    MPI_Request r[N];
    for (int i = 0; i < N; i++) {
        out[i][0] = i;
        MPI_Isend(out[i], i % 3 == 0 ? 1 : i % 3 == 1 ? 5000 : 700, MPI_INT, next, i % 4, MPI_COMM_WORLD, &r[i]);
    }
    int last[4] = {-1, -1, -1, -1};
    for (int i = 0; i < N; i++) {
        MPI_Status st;
        MPI_Recv(in, 6000, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &st);
        CHECK(st.MPI_SOURCE == before && in[0] == i && in[0] > last[st.MPI_TAG]);
        last[st.MPI_TAG] = in[0];
    }
    MPI_Waitall(N, r, MPI_STATUSES_IGNORE);
}

/* The last message first: everything else is unexpected, more than flow control lets through as payload. */
static void unexpected(int n, int bytes)
{
    MPI_Request *r = malloc(sizeof *r * (size_t)n);
    char *out = calloc((size_t)n, (size_t)bytes), *in = malloc((size_t)bytes);
    for (int i = 0; i < n; i++) {
        memcpy(out + (size_t)i * bytes, &i, sizeof i);
        MPI_Isend(out + (size_t)i * bytes, bytes, MPI_BYTE, next, i, MPI_COMM_WORLD, &r[i]);
    }
    for (int i = n - 1; i >= 0; i--) {
        int got = -1;
        MPI_Recv(in, bytes, MPI_BYTE, before, i, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        memcpy(&got, in, sizeof got);
        CHECK(got == i);
    }
    MPI_Waitall(n, r, MPI_STATUSES_IGNORE);
    free(r);
    free(out);
    free(in);
}

static void modes(void)
{
    int out = 100 + rank, in = 0, flag;
    MPI_Request r, s;
    MPI_Status st;
    /* synchronous: not complete before the receive starts */
    MPI_Issend(&out, 1, MPI_INT, next, 1, MPI_COMM_WORLD, &r);
    if (size == 1) {
        for (int i = 0; i < 100; i++) {
            MPI_Test(&r, &flag, &st);
            CHECK(!flag);
        }
    }
    MPI_Recv(&in, 1, MPI_INT, before, 1, MPI_COMM_WORLD, &st);
    MPI_Wait(&r, &st);
    CHECK(in == 100 + before);
    /* ready: the receive is there */
    MPI_Irecv(&in, 1, MPI_INT, before, 2, MPI_COMM_WORLD, &r);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Rsend(&out, 1, MPI_INT, next, 2, MPI_COMM_WORLD);
    MPI_Wait(&r, &st);
    CHECK(in == 100 + before && st.MPI_TAG == 2);
    MPI_Irecv(&in, 1, MPI_INT, before, 3, MPI_COMM_WORLD, &r);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Irsend(&out, 1, MPI_INT, next, 3, MPI_COMM_WORLD, &s);
    MPI_Wait(&s, MPI_STATUS_IGNORE);
    MPI_Wait(&r, &st);
    /* buffered: returns although nobody receives yet */
    static int big[20000];
    int need, bytes;
    MPI_Pack_size(20000, MPI_INT, MPI_COMM_WORLD, &need);
    char *buffer = malloc((size_t)(bytes = 2 * (need + MPI_BSEND_OVERHEAD))), *back;
    MPI_Buffer_attach(buffer, bytes);
    big[19999] = rank;
    MPI_Bsend(big, 20000, MPI_INT, next, 4, MPI_COMM_WORLD);
    MPI_Ibsend(big, 20000, MPI_INT, next, 4, MPI_COMM_WORLD, &r);
    MPI_Wait(&r, MPI_STATUS_IGNORE);
    big[19999] = -1;
    for (int i = 0; i < 2; i++) {
        MPI_Recv(big, 20000, MPI_INT, before, 4, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        CHECK(big[19999] == before);
    }
    MPI_Buffer_detach(&back, &need);
    CHECK(back == buffer && need == bytes);
    free(buffer);
}

static void waiting(void)
{
    enum { N = 8 };
    int in[N], out[N], index, flag, done, indices[N];
    MPI_Request r[N], s[N];
    MPI_Status st, sts[N];
    for (int i = 0; i < N; i++) {
        out[i] = 10 * rank + i;
        MPI_Irecv(&in[i], 1, MPI_INT, before, i, MPI_COMM_WORLD, &r[i]);
    }
    if (size == 1) {
        MPI_Testall(N, r, &flag, sts);
        CHECK(!flag);
        MPI_Testany(N, r, &index, &flag, &st);
        CHECK(!flag);
    }
    for (int i = N - 1; i >= 0; i--)
        MPI_Isend(&out[i], 1, MPI_INT, next, i, MPI_COMM_WORLD, &s[i]);
    MPI_Waitany(N, r, &index, &st);
    CHECK(index >= 0 && index < N && st.MPI_TAG == index && r[index] == MPI_REQUEST_NULL);
    int left = N - 1;
    while (left > 0) {
        MPI_Waitsome(N, r, &done, indices, sts);
        CHECK(done > 0);
        for (int i = 0; i < done; i++)
            CHECK(sts[i].MPI_TAG == indices[i] && in[indices[i]] == 10 * before + indices[i]);
        left -= done;
    }
    MPI_Waitsome(N, r, &done, indices, sts);
    CHECK(done == MPI_UNDEFINED);
    MPI_Waitany(N, r, &index, &st);
    CHECK(index == MPI_UNDEFINED);
    MPI_Waitall(N, s, sts);
    MPI_Testall(N, s, &flag, sts);
    CHECK(flag);
}

static void probing(void)
{
    int out[3] = {rank, 2, 3}, in[3] = {0}, flag = 0, count = 0;
    MPI_Status st;
    MPI_Message m;
    MPI_Request r, q;
    MPI_Isend(out, 3, MPI_INT, next, 77, MPI_COMM_WORLD, &r);
    MPI_Probe(MPI_ANY_SOURCE, 77, MPI_COMM_WORLD, &st);
    MPI_Get_count(&st, MPI_INT, &count);
    CHECK(count == 3 && st.MPI_SOURCE == before);
    MPI_Iprobe(before, 78, MPI_COMM_WORLD, &flag, &st);
    CHECK(!flag);
    MPI_Mprobe(before, 77, MPI_COMM_WORLD, &m, &st);
    MPI_Iprobe(before, 77, MPI_COMM_WORLD, &flag, &st);
    CHECK(!flag);
    MPI_Imrecv(in, 3, MPI_INT, &m, &q);
    MPI_Wait(&q, &st);
    CHECK(in[0] == before && in[2] == 3 && m == MPI_MESSAGE_NULL);
    MPI_Wait(&r, MPI_STATUS_IGNORE);
    MPI_Improbe(MPI_PROC_NULL, 0, MPI_COMM_WORLD, &flag, &m, &st);
    CHECK(flag && m == MPI_MESSAGE_NO_PROC && st.MPI_SOURCE == MPI_PROC_NULL);
    MPI_Mrecv(in, 3, MPI_INT, &m, &st);
    CHECK(st.MPI_SOURCE == MPI_PROC_NULL);
}

static void persistent(void)
{
    int out = 0, in = 0, flag;
    MPI_Request r[2];
    MPI_Send_init(&out, 1, MPI_INT, next, 5, MPI_COMM_WORLD, &r[0]);
    MPI_Recv_init(&in, 1, MPI_INT, before, 5, MPI_COMM_WORLD, &r[1]);
    MPI_Testall(2, r, &flag, MPI_STATUSES_IGNORE);
    CHECK(flag);
    for (int i = 0; i < 5; i++) {
        out = 1000 * rank + i;
        MPI_Startall(2, r);
        MPI_Waitall(2, r, MPI_STATUSES_IGNORE);
        CHECK(in == 1000 * before + i && r[0] != MPI_REQUEST_NULL);
    }
    MPI_Request_free(&r[0]);
    MPI_Request_free(&r[1]);
    CHECK(r[0] == MPI_REQUEST_NULL);
}

static void cancelling(void)
{
    int in = 5, flag = 0, out = 9;
    MPI_Request r;
    MPI_Status st;
    MPI_Irecv(&in, 1, MPI_INT, before, 99, MPI_COMM_WORLD, &r);
    MPI_Cancel(&r);
    MPI_Wait(&r, &st);
    MPI_Test_cancelled(&st, &flag);
    CHECK(flag && in == 5);
    MPI_Isend(&out, 1, MPI_INT, next, 98, MPI_COMM_WORLD, &r);
    MPI_Request_free(&r);
    MPI_Recv(&in, 1, MPI_INT, before, 98, MPI_COMM_WORLD, &st);
    CHECK(in == 9);
}

static void sendrecv(void)
{
    int out = rank, in = -1, both = rank;
    MPI_Status st;
    MPI_Sendrecv(&out, 1, MPI_INT, next, 1, &in, 1, MPI_INT, before, 1, MPI_COMM_WORLD, &st);
    CHECK(in == before);
    MPI_Sendrecv_replace(&both, 1, MPI_INT, next, 2, before, 2, MPI_COMM_WORLD, &st);
    CHECK(both == before);
    MPI_Sendrecv(&out, 1, MPI_INT, MPI_PROC_NULL, 1, &in, 1, MPI_INT, MPI_PROC_NULL, 1, MPI_COMM_WORLD, &st);
    CHECK(in == before && st.MPI_SOURCE == MPI_PROC_NULL && st.MPI_TAG == MPI_ANY_TAG);
}

/* Non-contiguous data on one or both sides, short and long. */
static void strided(void)
{
    for (int n = 4; n <= 60000; n *= 15) {
        double *out = malloc(sizeof *out * 2 * (size_t)n), *in = calloc(2 * (size_t)n, sizeof *in);
        MPI_Datatype every_other;
        MPI_Request r;
        MPI_Status st;
        int count;
        MPI_Type_vector(n, 1, 2, MPI_DOUBLE, &every_other);
        MPI_Type_commit(&every_other);
        for (int i = 0; i < 2 * n; i++)
            out[i] = rank * 1e6 + i;
        MPI_Isend(out, 1, every_other, next, 1, MPI_COMM_WORLD, &r);
        MPI_Recv(in, 1, every_other, before, 1, MPI_COMM_WORLD, &st);
        MPI_Wait(&r, MPI_STATUS_IGNORE);
        int good = 1;
        for (int i = 0; i < n; i++)
            good &= in[2 * i] == before * 1e6 + 2 * i && in[2 * i + 1] == 0;
        CHECK(good);
        MPI_Get_elements(&st, every_other, &count);
        CHECK(count == n);
        MPI_Isend(out, n, MPI_DOUBLE, next, 2, MPI_COMM_WORLD, &r);
        MPI_Recv(in, 1, every_other, before, 2, MPI_COMM_WORLD, &st);
        MPI_Wait(&r, MPI_STATUS_IGNORE);
        good = 1;
        for (int i = 0; i < n; i++)
            good &= in[2 * i] == before * 1e6 + i;
        CHECK(good);
        MPI_Type_free(&every_other);
        free(out);
        free(in);
    }
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    check_rank = rank;
    next = (rank + 1) % size;
    before = (rank + size - 1) % size;
    lengths();
    order();
    unexpected(3000, 16);
    unexpected(300, 4000);
    unexpected(20, 100000);
    modes();
    waiting();
    probing();
    persistent();
    cancelling();
    sendrecv();
    strided();
    return check_end("p2p");
}
