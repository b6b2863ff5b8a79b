/* Events of the tool information interface: the library has none, so no registration or instance is valid, and no callback
   is called (MPI 5.0, section 15.3.8). */
#include <mpi.h>

#include <string.h>

#include "../check.h"

static int called;

static void on_event(MPI_T_event_instance instance, MPI_T_event_registration registration, MPI_T_cb_safety safety, void *data)
{
    (void)instance, (void)registration, (void)safety, (void)data;
    called++;
}

static void on_free(MPI_T_event_registration registration, MPI_T_cb_safety safety, void *data)
{
    (void)registration, (void)safety, (void)data;
    called++;
}

static void on_dropped(MPI_Count count, MPI_T_event_registration registration, int source, MPI_T_cb_safety safety, void *data)
{
    (void)count, (void)registration, (void)source, (void)safety, (void)data;
    called++;
}

/* Each gives `code` for a handle that nobody made, and leaves its results alone. */
static void all_give(int code)
{
    static char room[64];
    MPI_T_event_registration registration = (MPI_T_event_registration)(void *)room;
    MPI_T_event_instance instance = (MPI_T_event_instance)(void *)room;
    MPI_Info info = MPI_INFO_NULL;
    MPI_Count time = -7;
    int source = -7;
    memset(room, 'r', sizeof room);
    for (int nothing = 0; nothing < 2; nothing++) {
        if (nothing) {
            registration = NULL;
            instance = NULL;
        }
        CHECK(MPI_T_event_register_callback(registration, MPI_T_CB_REQUIRE_NONE, MPI_INFO_NULL, &called, on_event) == code);
        CHECK(MPI_T_event_callback_get_info(registration, MPI_T_CB_REQUIRE_NONE, &info) == code);
        CHECK(MPI_T_event_callback_set_info(registration, MPI_T_CB_REQUIRE_NONE, MPI_INFO_NULL) == code);
        CHECK(MPI_T_event_handle_get_info(registration, &info) == code);
        CHECK(MPI_T_event_handle_set_info(registration, MPI_INFO_NULL) == code);
        CHECK(MPI_T_event_set_dropped_handler(registration, on_dropped) == code);
        CHECK(MPI_T_event_handle_free(registration, &called, on_free) == code);
        CHECK(MPI_T_event_copy(instance, room) == code);
        CHECK(MPI_T_event_read(instance, 0, room) == code);
        CHECK(MPI_T_event_get_source(instance, &source) == code);
        CHECK(MPI_T_event_get_timestamp(instance, &time) == code);
    }
    CHECK(info == MPI_INFO_NULL && time == -7 && source == -7);
    for (unsigned i = 0; i < sizeof room; i++)
        CHECK(room[i] == 'r');
}

static void none(void)
{
    int events = -1, sources = -1, categories = -1, n = -1;
    MPI_T_event_registration registration = NULL;
    CHECK(MPI_T_event_get_num(&events) == MPI_SUCCESS && events == 0);
    CHECK(MPI_T_source_get_num(&sources) == MPI_SUCCESS && sources == 0);
    CHECK(MPI_T_category_get_num(&categories) == MPI_SUCCESS);
    for (int i = 0; i < categories; i++)
        CHECK(MPI_T_category_get_num_events(i, &n) == MPI_SUCCESS && n == 0);
    for (int i = -1; i < 3; i++)
        CHECK(MPI_T_event_handle_alloc(i, NULL, MPI_INFO_NULL, &registration) == MPI_T_ERR_INVALID_INDEX && !registration);
}

int main(int argc, char **argv)
{
    int provided, size, got = -1;
    all_give(MPI_T_ERR_NOT_INITIALIZED);
    CHECK(MPI_T_init_thread(MPI_THREAD_SINGLE, &provided) == MPI_SUCCESS);
    none();
    all_give(MPI_T_ERR_INVALID_HANDLE);
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    all_give(MPI_T_ERR_INVALID_HANDLE);
    /* Things happen, and are no events. */
    MPI_Sendrecv(&check_rank, 1, MPI_INT, (check_rank + 1) % size, 0, &got, 1, MPI_INT, (check_rank + size - 1) % size, 0,
        MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    CHECK(got == (check_rank + size - 1) % size && called == 0);
    none();
    CHECK(MPI_T_finalize() == MPI_SUCCESS);
    all_give(MPI_T_ERR_NOT_INITIALIZED);
    return check_end("tool_events");
}
