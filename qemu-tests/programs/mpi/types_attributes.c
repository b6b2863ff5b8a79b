/* Attributes and names of datatypes: what a duplicate takes along, what is called when, and what stays as it was. */
#include <mpi.h>
#include <string.h>
#include "../check.h"

static int copies, deletions, last_deleted, extra = 77;

/* Copies the value plus one, or, if it is negative, nothing. */
static int copy(MPI_Datatype type, int keyval, void *state, void *in, void *out, int *flag)
{
    (void)type;
    CHECK(state == &extra && keyval != MPI_KEYVAL_INVALID);
    copies++;
    *flag = (MPI_Aint)in >= 0;
    *(void **)out = (char *)in + 1;
    return MPI_SUCCESS;
}

static int delete(MPI_Datatype type, int keyval, void *value, void *state)
{
    (void)type;
    CHECK(state == &extra && keyval != MPI_KEYVAL_INVALID);
    deletions++;
    last_deleted = (int)(MPI_Aint)value;
    return MPI_SUCCESS;
}

static int refuse(MPI_Datatype type, int keyval, void *value, void *state)
{
    (void)type, (void)keyval, (void)value, (void)state;
    return MPI_ERR_OTHER;
}

/* The value, or -1 if there is none. */
static MPI_Aint value_of(MPI_Datatype type, int keyval)
{
    void *value = NULL;
    int flag = -1;
    CHECK(MPI_Type_get_attr(type, keyval, &value, &flag) == MPI_SUCCESS);
    return flag ? (MPI_Aint)value : -1;
}

static int set(MPI_Datatype type, int keyval, MPI_Aint value) { return MPI_Type_set_attr(type, keyval, (void *)value); }

static void life(void)
{
    MPI_Datatype type;
    int key, other;
    MPI_Type_contiguous(2, MPI_INT, &type);
    CHECK(MPI_Type_create_keyval(copy, delete, &key, &extra) == MPI_SUCCESS && key != MPI_KEYVAL_INVALID);
    CHECK(MPI_Type_create_keyval(copy, delete, &other, &extra) == MPI_SUCCESS && other != key);
    CHECK(value_of(type, key) == -1);
    CHECK(set(type, key, 10) == MPI_SUCCESS && set(type, other, 20) == MPI_SUCCESS);
    CHECK(value_of(type, key) == 10 && value_of(type, other) == 20);
    CHECK(set(type, key, 11) == MPI_SUCCESS); /* The value before is deleted. */
    CHECK(deletions == 1 && last_deleted == 10 && value_of(type, key) == 11);
    CHECK(MPI_Type_delete_attr(type, key) == MPI_SUCCESS);
    CHECK(deletions == 2 && last_deleted == 11 && value_of(type, key) == -1 && value_of(type, other) == 20);
    MPI_Type_free(&type);
    CHECK(deletions == 3 && last_deleted == 20);
    /* A predefined type has attributes, too. */
    CHECK(set(MPI_DOUBLE, key, 30) == MPI_SUCCESS && value_of(MPI_DOUBLE, key) == 30 && value_of(MPI_FLOAT, key) == -1);
    CHECK(MPI_Type_delete_attr(MPI_DOUBLE, key) == MPI_SUCCESS && deletions == 4 && last_deleted == 30);
    CHECK(MPI_Type_free_keyval(&key) == MPI_SUCCESS && key == MPI_KEYVAL_INVALID);
    CHECK(MPI_Type_free_keyval(&other) == MPI_SUCCESS && other == MPI_KEYVAL_INVALID);
    CHECK(copies == 0);
}

static void duplicates(void)
{
    MPI_Datatype type, twin, part;
    int own, as_it_is, never;
    copies = deletions = 0;
    MPI_Type_create_keyval(copy, delete, &own, &extra);
    MPI_Type_create_keyval(MPI_TYPE_DUP_FN, MPI_TYPE_NULL_DELETE_FN, &as_it_is, NULL);
    MPI_Type_create_keyval(MPI_TYPE_NULL_COPY_FN, MPI_TYPE_NULL_DELETE_FN, &never, NULL);
    MPI_Type_contiguous(2, MPI_INT, &type);
    set(type, own, 10);
    set(type, as_it_is, 20);
    set(type, never, 30);
    CHECK(MPI_Type_dup(type, &twin) == MPI_SUCCESS && copies == 1);
    CHECK(value_of(twin, own) == 11 && value_of(twin, as_it_is) == 20 && value_of(twin, never) == -1);
    MPI_Type_contiguous(1, type, &part); /* Only a duplicate takes them along. */
    CHECK(value_of(part, own) == -1 && value_of(part, as_it_is) == -1 && copies == 1);
    MPI_Type_free(&part);
    MPI_Type_free(&twin);
    CHECK(deletions == 1 && last_deleted == 11 && value_of(type, own) == 10);
    set(type, own, -5);
    CHECK(deletions == 2 && last_deleted == 10);
    MPI_Type_dup(type, &twin);
    CHECK(copies == 2 && value_of(twin, own) == -1 && value_of(twin, as_it_is) == 20);
    MPI_Type_free(&twin);
    CHECK(deletions == 2);
    /* A key that is freed lives on while a type has a value for it. */
    MPI_Type_free_keyval(&own);
    MPI_Type_free(&type);
    CHECK(deletions == 3 && last_deleted == -5);
    MPI_Type_free_keyval(&as_it_is);
    MPI_Type_free_keyval(&never);
}

static void errors(void)
{
    MPI_Datatype type;
    int key, of_comms, flag, invalid = MPI_KEYVAL_INVALID;
    void *value;
    MPI_Type_contiguous(2, MPI_INT, &type);
    MPI_Type_create_keyval(MPI_TYPE_NULL_COPY_FN, refuse, &key, NULL);
    MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, MPI_COMM_NULL_DELETE_FN, &of_comms, NULL);
    CHECK(set(type, invalid, 1) == MPI_ERR_KEYVAL && set(type, of_comms, 1) == MPI_ERR_KEYVAL);
    CHECK(MPI_Type_get_attr(type, of_comms, &value, &flag) == MPI_ERR_KEYVAL);
    CHECK(MPI_Type_free_keyval(&invalid) == MPI_ERR_KEYVAL);
    CHECK(set(MPI_DATATYPE_NULL, key, 1) == MPI_ERR_TYPE);
    set(type, key, 5);
    /* What the deletion refuses stays. */
    CHECK(MPI_Type_delete_attr(type, key) == MPI_ERR_OTHER && value_of(type, key) == 5);
    CHECK(MPI_Type_free(&type) != MPI_SUCCESS);
    MPI_Type_free_keyval(&key);
    MPI_Comm_free_keyval(&of_comms);
}

static void name_is(MPI_Datatype type, const char *wanted)
{
    char name[MPI_MAX_OBJECT_NAME] = "before";
    int length = -1;
    CHECK(MPI_Type_get_name(type, name, &length) == MPI_SUCCESS);
    CHECK(!strcmp(name, wanted) && length == (int)strlen(wanted));
}

static void names(void)
{
    MPI_Datatype type, twin;
    char longest[MPI_MAX_OBJECT_NAME];
    MPI_Type_contiguous(2, MPI_INT, &type);
    name_is(type, "");
    CHECK(MPI_Type_set_name(type, "pair of ints") == MPI_SUCCESS);
    name_is(type, "pair of ints");
    MPI_Type_dup(type, &twin);
    name_is(twin, ""); /* Names are not copied. */
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = 0;
    CHECK(MPI_Type_set_name(type, longest) == MPI_SUCCESS);
    name_is(type, longest);
    CHECK(MPI_Type_set_name(type, "") == MPI_SUCCESS);
    name_is(type, "");
    name_is(MPI_INT64_T, "MPI_INT64_T");
    CHECK(MPI_Type_set_name(MPI_INT64_T, "mine") == MPI_SUCCESS);
    name_is(MPI_INT64_T, "mine");
    name_is(MPI_INT32_T, "MPI_INT32_T");
    CHECK(MPI_Type_set_name(MPI_DATATYPE_NULL, "none") == MPI_ERR_TYPE);
    MPI_Type_free(&type);
    MPI_Type_free(&twin);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    life();
    duplicates();
    errors();
    names();
    return check_end("types_attributes");
}
