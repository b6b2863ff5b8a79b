/* Information about the binary interface, Fortran and hardware: as C and the library's own datatypes have it. */
#include <mpi.h>
#include <stdint.h>
#include <string.h>
#include "../check.h"

static const char *value_of(MPI_Info info, const char *key)
{
    static char value[64];
    int flag = 0, room = sizeof value;
    strcpy(value, "none");
    CHECK(MPI_Info_get_string(info, key, &room, value, &flag) == MPI_SUCCESS && flag);
    return value;
}

static void sizes(void)
{
    MPI_Info info;
    CHECK(MPI_Abi_get_info(&info) == MPI_SUCCESS);
    CHECK(atoi(value_of(info, "mpi_aint_size")) == sizeof(MPI_Aint));
    CHECK(atoi(value_of(info, "mpi_count_size")) == sizeof(MPI_Count));
    CHECK(atoi(value_of(info, "mpi_offset_size")) == sizeof(MPI_Offset));
    MPI_Info_free(&info);
}

static void fortran(void)
{
    static const struct { const char *key; MPI_Datatype type; } of_size[] = {
        {"mpi_logical_size", MPI_LOGICAL}, {"mpi_integer_size", MPI_INTEGER},
        {"mpi_real_size", MPI_REAL}, {"mpi_double_precision_size", MPI_DOUBLE_PRECISION}};
    static const struct { const char *key; MPI_Datatype type; int size; } of_type[] = {
        {"mpi_integer1_supported", MPI_INTEGER1, 1}, {"mpi_integer4_supported", MPI_INTEGER4, 4},
        {"mpi_integer8_supported", MPI_INTEGER8, 8}, {"mpi_real4_supported", MPI_REAL4, 4},
        {"mpi_real8_supported", MPI_REAL8, 8}, {"mpi_complex16_supported", MPI_COMPLEX16, 16},
        {"mpi_double_complex_supported", MPI_DOUBLE_COMPLEX, 16}};
    MPI_Info info;
    int size = 0;
    CHECK(MPI_Abi_get_fortran_info(&info) == MPI_SUCCESS && info != MPI_INFO_NULL);
    for (int i = 0; i < 4; i++) {
        MPI_Type_size(of_size[i].type, &size);
        CHECK(atoi(value_of(info, of_size[i].key)) == size);
    }
    for (int i = 0; i < 7; i++) {
        CHECK(strcmp(value_of(info, of_type[i].key), "true") == 0);
        CHECK(MPI_Type_size(of_type[i].type, &size) == MPI_SUCCESS && size == of_type[i].size);
    }
    CHECK(MPI_Abi_set_fortran_info(info) == MPI_ERR_ABI);
    MPI_Info_free(&info);

    int32_t yes = -1, no = -1;
    int64_t long_yes = -1, long_no = -1;
    int set = -1;
    CHECK(MPI_Abi_get_fortran_booleans(4, &yes, &no, &set) == MPI_SUCCESS && set && yes == 1 && no == 0);
    CHECK(MPI_Abi_get_fortran_booleans(8, &long_yes, &long_no, &set) == MPI_SUCCESS && set && long_yes == 1 && long_no == 0);
    CHECK(MPI_Abi_get_fortran_booleans(32, &yes, &no, &set) == MPI_SUCCESS && !set);
    CHECK(MPI_Abi_get_fortran_booleans(3, &yes, &no, &set) == MPI_ERR_ARG);
    CHECK(MPI_Abi_set_fortran_booleans(4, &yes, &no) == MPI_ERR_ABI);
}

/* A kind of hardware that is used alone makes communicators: all ranks that share it. */
static void hardware(void)
{
    MPI_Info info, hint;
    int n = 0, kinds = 0, alone;
    char key[MPI_MAX_INFO_KEY];
    CHECK(MPI_Get_hw_resource_info(&info) == MPI_SUCCESS);
    MPI_Info_get_nkeys(info, &n);
    for (int i = 0; i < n; i++) {
        MPI_Info_get_nthkey(info, i, key);
        alone = strcmp(value_of(info, key), "true") == 0;
        CHECK(alone || strcmp(value_of(info, key), "false") == 0);
        if (alone) {
            MPI_Comm comm = MPI_COMM_NULL;
            MPI_Info_create(&hint);
            MPI_Info_set(hint, "mpi_hw_resource_type", key);
            CHECK(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_HW_GUIDED, 0, hint, &comm) == MPI_SUCCESS);
            CHECK(comm != MPI_COMM_NULL);
            MPI_Comm_free(&comm);
            MPI_Info_free(&hint);
            kinds++;
        }
    }
    CHECK(kinds > 0);
    MPI_Info_free(&info);
}

int main(int argc, char **argv)
{
    sizes(); /* Also before MPI_Init. */
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    sizes();
    fortran();
    hardware();
    return check_end("abi_info");
}
