/* Types chosen by precision and range, by size, and by what a pair consists of. */
#include <complex.h>
#include <mpi.h>
#include "../check.h"

static int me, size;

static int bytes(MPI_Datatype t)
{
    int n = -1;
    CHECK(t != MPI_DATATYPE_NULL && MPI_Type_size(t, &n) == MPI_SUCCESS);
    return n;
}

static void says(MPI_Datatype t, int combiner, int n, int first, int second)
{
    MPI_Count i = -1, a = -1, l = -1, d = -1;
    int by = -1, ints[2] = {-1, -1};
    CHECK(MPI_Type_get_envelope_c(t, &i, &a, &l, &d, &by) == MPI_SUCCESS);
    CHECK(by == combiner && i == n && a == 0 && l == 0 && d == 0);
    CHECK(MPI_Type_get_contents_c(t, i, a, l, d, ints, NULL, NULL, NULL) == MPI_SUCCESS);
    CHECK(ints[0] == first && (n == 1 || ints[1] == second));
}

static MPI_Datatype real(int p, int r, int wanted)
{
    MPI_Datatype t = MPI_DATATYPE_NULL, again = MPI_DATATYPE_NULL;
    CHECK(MPI_Type_create_f90_real(p, r, &t) == MPI_SUCCESS && bytes(t) == wanted);
    CHECK(MPI_Type_create_f90_real(p, r, &again) == MPI_SUCCESS && again == t);
    says(t, MPI_COMBINER_F90_REAL, 2, p, r);
    return t;
}

static MPI_Datatype complex_of(int p, int r, int wanted)
{
    MPI_Datatype t = MPI_DATATYPE_NULL, again = MPI_DATATYPE_NULL;
    CHECK(MPI_Type_create_f90_complex(p, r, &t) == MPI_SUCCESS && bytes(t) == wanted);
    CHECK(MPI_Type_create_f90_complex(p, r, &again) == MPI_SUCCESS && again == t);
    says(t, MPI_COMBINER_F90_COMPLEX, 2, p, r);
    return t;
}

static MPI_Datatype integer(int r, int wanted)
{
    MPI_Datatype t = MPI_DATATYPE_NULL, again = MPI_DATATYPE_NULL;
    CHECK(MPI_Type_create_f90_integer(r, &t) == MPI_SUCCESS && bytes(t) == wanted);
    CHECK(MPI_Type_create_f90_integer(r, &again) == MPI_SUCCESS && again == t);
    says(t, MPI_COMBINER_F90_INTEGER, 1, r, 0);
    return t;
}

/* IEEE 754's single precision has 6 digits and exponents to 37, double 15 and 307. */
static void by_precision(void)
{
    MPI_Datatype t;
    real(6, 37, 4);
    real(7, 37, 8);
    real(6, 38, 8);
    real(3, MPI_UNDEFINED, 4);
    real(MPI_UNDEFINED, 300, 8);
    CHECK(real(15, 307, 8) != real(15, 300, 8)); /* As if of another kind. */
    complex_of(6, 37, 8);
    complex_of(15, MPI_UNDEFINED, 16);
    complex_of(MPI_UNDEFINED, 38, 16);
    integer(2, 1);
    integer(3, 2);
    integer(4, 2);
    integer(5, 4);
    integer(9, 4);
    integer(10, 8);
    integer(18, 8);
    CHECK(MPI_Type_create_f90_real(1000, 10, &t) == MPI_ERR_ARG);
    CHECK(MPI_Type_create_f90_complex(10, 100000, &t) == MPI_ERR_ARG);
    CHECK(MPI_Type_create_f90_integer(1000, &t) == MPI_ERR_ARG);
    t = integer(9, 4);
    CHECK(MPI_Type_free(&t) == MPI_ERR_TYPE); /* They are predefined. */
    CHECK(t == integer(9, 4));
}

/* They are committed, are sent, and add up. */
static void in_use(void)
{
    int left = (me + size - 1) % size, right = (me + 1) % size, ranks = size * (size - 1) / 2;
    double in[2] = {me + 0.5, -me}, out[2] = {-1, -1};
    MPI_Sendrecv(in, 2, real(15, 307, 8), right, 0, out, 2, real(15, 307, 8), left, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    CHECK(out[0] == left + 0.5 && out[1] == -left);
    CHECK(MPI_Allreduce(in, out, 2, real(15, 307, 8), MPI_SUM, MPI_COMM_WORLD) == MPI_SUCCESS);
    CHECK(out[0] == ranks + 0.5 * size && out[1] == -ranks);
    float complex c = me + 2 * I, sum = 0;
    CHECK(MPI_Allreduce(&c, &sum, 1, complex_of(6, 37, 8), MPI_SUM, MPI_COMM_WORLD) == MPI_SUCCESS);
    CHECK(crealf(sum) == ranks && cimagf(sum) == 2 * size);
    short i = (short)(me - 3), most = -9;
    CHECK(MPI_Allreduce(&i, &most, 1, integer(4, 2), MPI_MAX, MPI_COMM_WORLD) == MPI_SUCCESS);
    CHECK(most == size - 4);
}

static MPI_Datatype match(int class, int size)
{
    MPI_Datatype t = MPI_DATATYPE_NULL;
    MPI_Count i, a, l, d;
    int combiner = -1;
    CHECK(MPI_Type_match_size(class, size, &t) == MPI_SUCCESS && bytes(t) == size);
    MPI_Type_get_envelope_c(t, &i, &a, &l, &d, &combiner);
    CHECK(combiner == MPI_COMBINER_NAMED);
    return t;
}

static void by_size(void)
{
    MPI_Datatype t;
    for (int n = 1; n <= 8; n *= 2)
        match(MPI_TYPECLASS_INTEGER, n);
    double one = 1, all = 0;
    CHECK(MPI_Allreduce(&one, &all, 1, match(MPI_TYPECLASS_REAL, 8), MPI_SUM, MPI_COMM_WORLD) == MPI_SUCCESS && all == size);
    int bits = 1 << me, or = 0;
    CHECK(MPI_Allreduce(&bits, &or, 1, match(MPI_TYPECLASS_INTEGER, 4), MPI_BOR, MPI_COMM_WORLD) == MPI_SUCCESS);
    CHECK(or == (1 << size) - 1);
    double complex z = I, product = 0;
    CHECK(MPI_Allreduce(&z, &product, 1, match(MPI_TYPECLASS_COMPLEX, 16), MPI_PROD, MPI_COMM_WORLD) == MPI_SUCCESS);
    static const double powers[] = {1, 0, -1, 0}; /* Of i: the real parts, and, three on, the imaginary ones. */
    CHECK(creal(product) == powers[size % 4] && cimag(product) == powers[(size + 3) % 4]);
    match(MPI_TYPECLASS_REAL, 4);
    match(MPI_TYPECLASS_COMPLEX, 8);
    CHECK(MPI_Type_match_size(MPI_TYPECLASS_REAL, 3, &t) == MPI_ERR_ARG);
    CHECK(MPI_Type_match_size(MPI_TYPECLASS_INTEGER, 0, &t) == MPI_ERR_ARG);
    CHECK(MPI_Type_match_size(-1, 4, &t) == MPI_ERR_ARG);
}

static void pair_is(MPI_Datatype value, MPI_Datatype index, MPI_Datatype wanted)
{
    MPI_Datatype pair = MPI_BYTE;
    CHECK(MPI_Type_get_value_index(value, index, &pair) == MPI_SUCCESS && pair == wanted);
}

static void pairs(void)
{
    pair_is(MPI_FLOAT, MPI_INT, MPI_FLOAT_INT);
    pair_is(MPI_DOUBLE, MPI_INT, MPI_DOUBLE_INT);
    pair_is(MPI_LONG, MPI_INT, MPI_LONG_INT);
    pair_is(MPI_SHORT, MPI_INT, MPI_SHORT_INT);
    pair_is(MPI_INT, MPI_INT, MPI_2INT);
    pair_is(MPI_LONG_DOUBLE, MPI_INT, MPI_LONG_DOUBLE_INT);
    pair_is(MPI_REAL, MPI_REAL, MPI_2REAL);
    pair_is(MPI_DOUBLE_PRECISION, MPI_DOUBLE_PRECISION, MPI_2DOUBLE_PRECISION);
    pair_is(MPI_INTEGER, MPI_INTEGER, MPI_2INTEGER);
    pair_is(MPI_INT, MPI_PACKED, MPI_DATATYPE_NULL);
    MPI_Datatype pair;
    CHECK(MPI_Type_get_value_index(MPI_DATATYPE_NULL, MPI_INT, &pair) == MPI_ERR_TYPE);
    /* Who has the largest: the first of those that do. */
    struct {
        double value;
        int rank;
    } mine = {(me % 3) * 1.5, me}, found = {-1, -1};
    MPI_Type_get_value_index(MPI_DOUBLE, MPI_INT, &pair);
    MPI_Allreduce(&mine, &found, 1, pair, MPI_MAXLOC, MPI_COMM_WORLD);
    int largest = size < 3 ? size - 1 : 2;
    CHECK(found.value == largest * 1.5 && found.rank == largest);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    check_rank = me;
    by_precision();
    in_use();
    by_size();
    pairs();
    return check_end("types_f90");
}
