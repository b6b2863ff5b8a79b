/* The tool information interface: control variables, performance variables that count real messages, categories, no events. */
#include <mpi.h>
#include <string.h>
#include "../check.h"

static int me, ranks;

static int find_cvar(const char *wanted)
{
    int index = -1;
    CHECK(MPI_T_cvar_get_index(wanted, &index) == MPI_SUCCESS);
    return index;
}

static void before(void)
{
    int n = 0, provided = -1;
    CHECK(MPI_T_cvar_get_num(&n) == MPI_T_ERR_NOT_INITIALIZED);
    CHECK(MPI_T_finalize() == MPI_T_ERR_NOT_INITIALIZED);
    CHECK(MPI_T_init_thread(MPI_THREAD_SINGLE, &provided) == MPI_SUCCESS && provided >= MPI_THREAD_SINGLE);
    CHECK(MPI_T_init_thread(MPI_THREAD_SINGLE, NULL) == MPI_SUCCESS);
    CHECK(MPI_T_finalize() == MPI_SUCCESS);
    CHECK(MPI_T_cvar_get_num(&n) == MPI_SUCCESS && n > 4); /* It was initialised twice. */
}

static void control(void)
{
    int n = 0, index = -1, verbosity, bind, scope, count = -1, value = -1, items = 0;
    MPI_T_cvar_handle handle;
    MPI_T_enum choices;
    MPI_Datatype type;
    char name[64], description[256];
    MPI_T_cvar_get_num(&n);
    for (int i = 0; i < n; i++) {
        int length = sizeof name, needed = 0, cut = 4, room = sizeof description;
        CHECK(MPI_T_cvar_get_info(i, name, &length, &verbosity, &type, &choices, description, &room, &bind, &scope) == MPI_SUCCESS);
        CHECK(length == (int)strlen(name) + 1 && bind == MPI_T_BIND_NO_OBJECT && strlen(description) > 5);
        CHECK(find_cvar(name) == i);
        CHECK(MPI_T_cvar_get_info(i, NULL, &needed, NULL, NULL, NULL, NULL, NULL, NULL, NULL) == MPI_SUCCESS && needed == length);
        CHECK(MPI_T_cvar_get_info(i, name, &cut, NULL, NULL, NULL, NULL, NULL, NULL, NULL) == MPI_SUCCESS);
        CHECK(cut == length && strcmp(name, "UNI") == 0);
        if (choices != MPI_T_ENUM_NULL) {
            CHECK(type == MPI_INT && MPI_T_enum_get_info(choices, &items, NULL, NULL) == MPI_SUCCESS && items > 1);
            for (int item = 0; item < items; item++) {
                length = sizeof name;
                CHECK(MPI_T_enum_get_item(choices, item, &value, name, &length) == MPI_SUCCESS && value == item);
            }
            CHECK(MPI_T_enum_get_item(choices, items, &value, name, &length) == MPI_T_ERR_INVALID_INDEX);
        }
    }
    CHECK(MPI_T_cvar_get_info(n, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) == MPI_T_ERR_INVALID_INDEX);
    CHECK(MPI_T_cvar_get_index("UNIRANK_NOTHING", &index) == MPI_T_ERR_INVALID_NAME);
    CHECK(MPI_T_enum_get_info(MPI_T_ENUM_NULL, &items, NULL, NULL) == MPI_T_ERR_INVALID_HANDLE);

    /* What the environment set. */
    const char *channel = getenv("UNIRANK_CHANNEL");
    CHECK(MPI_T_cvar_handle_alloc(find_cvar("UNIRANK_CHANNEL"), NULL, &handle, &count) == MPI_SUCCESS && count == 1);
    CHECK(MPI_T_cvar_read(handle, &value) == MPI_SUCCESS);
    CHECK(MPI_T_cvar_get_info(find_cvar("UNIRANK_CHANNEL"), NULL, NULL, NULL, NULL, &choices, NULL, NULL, NULL, &scope) == MPI_SUCCESS);
    int length = sizeof name;
    CHECK(MPI_T_enum_get_item(choices, value, &value, name, &length) == MPI_SUCCESS);
    CHECK(strncmp(channel ? channel : "auto", name, strlen(name)) == 0 && scope == MPI_T_SCOPE_CONSTANT);
    CHECK(MPI_T_cvar_write(handle, &value) == MPI_T_ERR_CVAR_SET_NEVER);
    CHECK(MPI_T_cvar_handle_free(&handle) == MPI_SUCCESS && handle == MPI_T_CVAR_HANDLE_NULL);
    CHECK(MPI_T_cvar_read(handle, &value) == MPI_T_ERR_INVALID_HANDLE);

    /* What can be changed. */
    unsigned long long spin = 0, other = 7;
    CHECK(MPI_T_cvar_handle_alloc(find_cvar("UNIRANK_SPIN_US"), NULL, &handle, &count) == MPI_SUCCESS);
    CHECK(MPI_T_cvar_read(handle, &spin) == MPI_SUCCESS);
    CHECK(MPI_T_cvar_write(handle, &other) == MPI_SUCCESS);
    other = 0;
    CHECK(MPI_T_cvar_read(handle, &other) == MPI_SUCCESS && other == 7);
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK(MPI_T_cvar_write(handle, &spin) == MPI_SUCCESS);
    MPI_T_cvar_handle_free(&handle);

    /* Every algorithm broadcasts the same. */
    int bcast = find_cvar("UNIRANK_COLL_bcast");
    CHECK(MPI_T_cvar_get_info(bcast, NULL, NULL, NULL, NULL, &choices, NULL, NULL, NULL, &scope) == MPI_SUCCESS);
    CHECK(scope == MPI_T_SCOPE_ALL_EQ);
    MPI_T_enum_get_info(choices, &items, NULL, NULL);
    CHECK(MPI_T_cvar_handle_alloc(bcast, NULL, &handle, &count) == MPI_SUCCESS);
    for (int item = items - 1; item >= 0; item--) {
        int data[100], read = -1;
        length = sizeof name;
        MPI_T_enum_get_item(choices, item, &value, name, &length);
        if (strcmp(name, "node") == 0)
            continue; /* Cannot do every call, and says so. */
        CHECK(MPI_T_cvar_write(handle, &item) == MPI_SUCCESS);
        CHECK(MPI_T_cvar_read(handle, &read) == MPI_SUCCESS && read == item);
        for (int i = 0; i < 100; i++)
            data[i] = me == ranks - 1 ? item * 1000 + i : -1;
        MPI_Bcast(data, 100, MPI_INT, ranks - 1, MPI_COMM_WORLD);
        for (int i = 0; i < 100; i++)
            CHECK(data[i] == item * 1000 + i);
    }
    CHECK(MPI_T_cvar_write(handle, &items) == MPI_T_ERR_INVALID);
    MPI_T_cvar_handle_free(&handle);
}

static int find_pvar(const char *wanted, int class)
{
    int index = -1;
    CHECK(MPI_T_pvar_get_index(wanted, class, &index) == MPI_SUCCESS);
    return index;
}

static unsigned long long read_pvar(MPI_T_pvar_session session, MPI_T_pvar_handle handle)
{
    unsigned long long value = 0;
    CHECK(MPI_T_pvar_read(session, handle, &value) == MPI_SUCCESS);
    return value;
}

static void message_to_self(int tag)
{
    int out = tag, in = -1;
    MPI_Request request;
    MPI_Irecv(&in, 1, MPI_INT, me, tag, MPI_COMM_WORLD, &request);
    MPI_Send(&out, 1, MPI_INT, me, tag, MPI_COMM_WORLD);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    CHECK(in == tag);
}

static void performance(void)
{
    int n = 0, index, count = -1, class, readonly, continuous, atomic;
    unsigned long long value = 0, set = 100;
    MPI_T_pvar_session session;
    MPI_T_pvar_handle own, bytes, posted;
    MPI_Datatype type;
    char name[64];
    CHECK(MPI_T_pvar_get_num(&n) == MPI_SUCCESS && n > 10);
    for (int i = 0; i < n; i++) {
        int length = sizeof name;
        CHECK(MPI_T_pvar_get_info(i, name, &length, NULL, &class, &type, NULL, NULL, NULL, NULL, &readonly, &continuous, &atomic) == MPI_SUCCESS);
        CHECK(find_pvar(name, class) == i && type == MPI_UNSIGNED_LONG_LONG);
    }
    CHECK(MPI_T_pvar_get_index("own", MPI_T_PVAR_CLASS_LEVEL, &index) == MPI_T_ERR_INVALID_NAME);
    CHECK(MPI_T_pvar_get_info(n, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) == MPI_T_ERR_INVALID_INDEX);
    CHECK(MPI_T_pvar_session_create(&session) == MPI_SUCCESS);
    CHECK(MPI_T_pvar_handle_alloc(session, find_pvar("own", MPI_T_PVAR_CLASS_COUNTER), NULL, &own, &count) == MPI_SUCCESS && count == 1);
    CHECK(MPI_T_pvar_handle_alloc(session, find_pvar("own_bytes", MPI_T_PVAR_CLASS_AGGREGATE), NULL, &bytes, &count) == MPI_SUCCESS);
    CHECK(MPI_T_pvar_handle_alloc(session, find_pvar("posted_receives", MPI_T_PVAR_CLASS_LEVEL), NULL, &posted, &count) == MPI_SUCCESS);

    message_to_self(1);
    CHECK(read_pvar(session, own) == 0); /* Not started. */
    CHECK(MPI_T_pvar_start(session, MPI_T_PVAR_ALL_HANDLES) == MPI_SUCCESS);
    message_to_self(2);
    message_to_self(3);
    CHECK(read_pvar(session, own) == 2 && read_pvar(session, bytes) == 2 * sizeof(int));
    CHECK(MPI_T_pvar_stop(session, own) == MPI_SUCCESS);
    message_to_self(4);
    CHECK(read_pvar(session, own) == 2 && read_pvar(session, bytes) == 3 * sizeof(int));
    CHECK(MPI_T_pvar_readreset(session, bytes, &value) == MPI_SUCCESS && value == 3 * sizeof(int));
    CHECK(read_pvar(session, bytes) == 0);
    CHECK(MPI_T_pvar_write(session, own, &set) == MPI_SUCCESS && MPI_T_pvar_start(session, own) == MPI_SUCCESS);
    message_to_self(5);
    CHECK(read_pvar(session, own) == 101);
    CHECK(MPI_T_pvar_reset(session, own) == MPI_SUCCESS && read_pvar(session, own) == 0);

    unsigned long long waiting = read_pvar(session, posted);
    MPI_Request request;
    int in;
    MPI_Irecv(&in, 1, MPI_INT, me, 6, MPI_COMM_WORLD, &request);
    CHECK(read_pvar(session, posted) == waiting + 1);
    MPI_Cancel(&request);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    CHECK(read_pvar(session, posted) == waiting);
    CHECK(MPI_T_pvar_start(session, posted) == MPI_T_ERR_PVAR_NO_STARTSTOP);
    CHECK(MPI_T_pvar_reset(session, posted) == MPI_T_ERR_PVAR_NO_WRITE);
    CHECK(MPI_T_pvar_write(session, posted, &set) == MPI_T_ERR_PVAR_NO_WRITE);

    CHECK(MPI_T_pvar_handle_free(session, &own) == MPI_SUCCESS && own == MPI_T_PVAR_HANDLE_NULL);
    CHECK(MPI_T_pvar_read(session, own, &value) == MPI_T_ERR_INVALID_HANDLE);
    CHECK(MPI_T_pvar_session_free(&session) == MPI_SUCCESS && session == MPI_T_PVAR_SESSION_NULL);
    CHECK(MPI_T_pvar_read(session, bytes, &value) == MPI_T_ERR_INVALID_SESSION);
}

static void categories(void)
{
    int n = 0, cvars, pvars, inner, index, seen[2] = {0, 0}, all[2], indices[200], events = -1, changed[2];
    char name[64], description[256];
    CHECK(MPI_T_category_get_num(&n) == MPI_SUCCESS && n > 0);
    CHECK(MPI_T_category_changed(&changed[0]) == MPI_SUCCESS);
    for (int i = 0; i < n; i++) {
        int length = sizeof name, room = sizeof description;
        CHECK(MPI_T_category_get_info(i, name, &length, description, &room, &cvars, &pvars, &inner) == MPI_SUCCESS);
        CHECK(MPI_T_category_get_index(name, &index) == MPI_SUCCESS && index == i && inner == 0);
        CHECK(MPI_T_category_get_cvars(i, 200, indices) == MPI_SUCCESS);
        for (int j = 0; j < cvars; j++)
            CHECK(MPI_T_cvar_get_info(indices[j], NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) == MPI_SUCCESS);
        CHECK(MPI_T_category_get_pvars(i, 200, indices) == MPI_SUCCESS);
        CHECK(MPI_T_category_get_categories(i, 200, indices) == MPI_SUCCESS);
        CHECK(MPI_T_category_get_num_events(i, &events) == MPI_SUCCESS && events == 0);
        CHECK(MPI_T_category_get_events(i, 200, indices) == MPI_SUCCESS);
        seen[0] += cvars;
        seen[1] += pvars;
    }
    MPI_T_cvar_get_num(&all[0]);
    MPI_T_pvar_get_num(&all[1]);
    CHECK(seen[0] == all[0] && seen[1] == all[1]);
    CHECK(MPI_T_category_get_cvars(n, 1, indices) == MPI_T_ERR_INVALID_INDEX);
    CHECK(MPI_T_category_get_index("nothing", &index) == MPI_T_ERR_INVALID_NAME);
    CHECK(MPI_T_category_changed(&changed[1]) == MPI_SUCCESS && changed[0] == changed[1]);
}

static void no_events(void)
{
    int n = -1, index;
    MPI_Count ticks;
    MPI_T_event_registration registration;
    CHECK(MPI_T_event_get_num(&n) == MPI_SUCCESS && n == 0);
    CHECK(MPI_T_source_get_num(&n) == MPI_SUCCESS && n == 0);
    CHECK(MPI_T_event_get_info(0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) == MPI_T_ERR_INVALID_INDEX);
    CHECK(MPI_T_event_get_index("event", &index) == MPI_T_ERR_INVALID_NAME);
    CHECK(MPI_T_event_handle_alloc(0, NULL, MPI_INFO_NULL, &registration) == MPI_T_ERR_INVALID_INDEX);
    CHECK(MPI_T_event_handle_free(NULL, NULL, NULL) == MPI_T_ERR_INVALID_HANDLE);
    CHECK(MPI_T_event_set_dropped_handler(NULL, NULL) == MPI_T_ERR_INVALID_HANDLE);
    CHECK(MPI_T_event_read(NULL, 0, NULL) == MPI_T_ERR_INVALID_HANDLE);
    CHECK(MPI_T_source_get_info(0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) == MPI_T_ERR_INVALID_INDEX);
    CHECK(MPI_T_source_get_timestamp(0, &ticks) == MPI_T_ERR_INVALID_INDEX);
}

int main(int argc, char **argv)
{
    before();
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    check_rank = me;
    control();
    performance();
    categories();
    no_events();
    CHECK(MPI_T_finalize() == MPI_SUCCESS);
    return check_end("tool_variables");
}
