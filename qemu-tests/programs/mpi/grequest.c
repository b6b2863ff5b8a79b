/* Generalized requests: which of the program's functions is called when, and what becomes of their results. */
#include <mpi.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>
#include "../check.h"

struct task {
    int queried, freed, cancelled, cancelled_complete;
    int query_code, free_code, cancel_code;
    int count;
    MPI_Request completes; /* completed by the query function */
};

static int query(void *state, MPI_Status *status)
{
    struct task *task = state;
    task->queried++;
    CHECK(task->freed == 0);
    MPI_Status_set_elements(status, MPI_INT, task->count);
    MPI_Status_set_cancelled(status, task->cancelled > 0);
    status->MPI_SOURCE = 17;
    status->MPI_TAG = 18;
    if (task->completes != MPI_REQUEST_NULL)
        CHECK(MPI_Grequest_complete(task->completes) == MPI_SUCCESS);
    return task->query_code;
}

static int cleanup(void *state)
{
    struct task *task = state;
    task->freed++;
    return task->free_code;
}

static int cancel(void *state, int complete)
{
    struct task *task = state;
    task->cancelled++;
    task->cancelled_complete = complete;
    return task->cancel_code;
}

static MPI_Request start(struct task *task, int count)
{
    MPI_Request request = MPI_REQUEST_NULL;
    memset(task, 0, sizeof *task);
    task->count = count;
    task->completes = MPI_REQUEST_NULL;
    CHECK(MPI_Grequest_start(query, cleanup, cancel, task, &request) == MPI_SUCCESS);
    CHECK(request != MPI_REQUEST_NULL);
    return request;
}

static int elements(MPI_Status *status)
{
    int count = -1;
    MPI_Get_count(status, MPI_INT, &count);
    return count;
}

static void one(void)
{
    struct task task;
    MPI_Status status;
    int flag = 1;
    MPI_Request request = start(&task, 5), copy = request;
    CHECK(MPI_Test(&request, &flag, &status) == MPI_SUCCESS && !flag && task.queried == 0);
    CHECK(MPI_Request_get_status(request, &flag, &status) == MPI_SUCCESS && !flag && task.queried == 0);
    CHECK(MPI_Grequest_complete(request) == MPI_SUCCESS);
    CHECK(task.queried == 0 && task.freed == 0);
    CHECK(MPI_Grequest_complete(copy) == MPI_ERR_REQUEST);
    CHECK(MPI_Request_get_status(request, &flag, &status) == MPI_SUCCESS && flag);
    CHECK(task.queried == 1 && task.freed == 0 && elements(&status) == 5);
    CHECK(status.MPI_SOURCE == 17 && status.MPI_TAG == 18);
    status.MPI_ERROR = 99;
    CHECK(MPI_Wait(&request, &status) == MPI_SUCCESS && request == MPI_REQUEST_NULL);
    CHECK(task.queried == 2 && task.freed == 1 && elements(&status) == 5 && status.MPI_ERROR == 99);
    CHECK(MPI_Grequest_complete(copy) == MPI_ERR_REQUEST);

    /* The query function gets a status where the program has none. */
    request = start(&task, 1);
    MPI_Grequest_complete(request);
    CHECK(MPI_Wait(&request, MPI_STATUS_IGNORE) == MPI_SUCCESS && task.queried == 1 && task.freed == 1);

    /* One task completes another. */
    struct task other;
    MPI_Request second = start(&other, 2);
    request = start(&task, 1);
    task.completes = second;
    MPI_Grequest_complete(request);
    CHECK(MPI_Wait(&request, &status) == MPI_SUCCESS && elements(&status) == 1);
    CHECK(MPI_Test(&second, &flag, &status) == MPI_SUCCESS && flag && elements(&status) == 2);
    CHECK(task.freed == 1 && other.freed == 1);
}

static void freeing(void)
{
    struct task task;
    MPI_Request request = start(&task, 1), copy = request;
    CHECK(MPI_Request_free(&request) == MPI_SUCCESS && request == MPI_REQUEST_NULL && task.freed == 0);
    CHECK(MPI_Grequest_complete(copy) == MPI_SUCCESS && task.freed == 1 && task.queried == 0);
    request = start(&task, 1);
    MPI_Grequest_complete(request);
    CHECK(task.freed == 0);
    CHECK(MPI_Request_free(&request) == MPI_SUCCESS && request == MPI_REQUEST_NULL && task.freed == 1);
    CHECK(task.queried == 0);
}

static void cancelling(void)
{
    struct task task;
    MPI_Status status;
    int flag = 0;
    MPI_Request request = start(&task, 0);
    CHECK(MPI_Cancel(&request) == MPI_SUCCESS && task.cancelled == 1 && task.cancelled_complete == 0);
    MPI_Grequest_complete(request);
    task.cancel_code = MPI_ERR_OTHER;
    CHECK(MPI_Cancel(&request) == MPI_ERR_OTHER && task.cancelled == 2 && task.cancelled_complete == 1);
    CHECK(MPI_Wait(&request, &status) == MPI_SUCCESS);
    CHECK(MPI_Test_cancelled(&status, &flag) == MPI_SUCCESS && flag);
}

static void several(void)
{
    struct task tasks[4];
    MPI_Request requests[5];
    MPI_Status statuses[5];
    int index = -5, flag = -1, count = 0, indices[5], value = 0, me = check_rank;
    for (int i = 0; i < 4; i++)
        requests[i] = start(&tasks[i], 10 + i);
    MPI_Irecv(&value, 1, MPI_INT, me, 3, MPI_COMM_WORLD, &requests[4]);
    CHECK(MPI_Testany(5, requests, &index, &flag, statuses) == MPI_SUCCESS && !flag && index == MPI_UNDEFINED);
    MPI_Grequest_complete(requests[2]);
    CHECK(MPI_Waitany(5, requests, &index, statuses) == MPI_SUCCESS && index == 2);
    CHECK(requests[2] == MPI_REQUEST_NULL && tasks[2].freed == 1 && elements(statuses) == 12);
    MPI_Grequest_complete(requests[0]);
    MPI_Grequest_complete(requests[3]);
    CHECK(MPI_Waitsome(5, requests, &count, indices, statuses) == MPI_SUCCESS && count == 2);
    CHECK(indices[0] == 0 && indices[1] == 3 && elements(&statuses[0]) == 10 && elements(&statuses[1]) == 13);
    CHECK(MPI_Testall(5, requests, &flag, statuses) == MPI_SUCCESS && !flag && tasks[1].queried == 0);
    MPI_Send(&me, 1, MPI_INT, me, 3, MPI_COMM_WORLD);
    MPI_Grequest_complete(requests[1]);
    CHECK(MPI_Waitall(5, requests, statuses) == MPI_SUCCESS && value == me);
    CHECK(elements(&statuses[1]) == 11 && elements(&statuses[4]) == 1 && statuses[4].MPI_SOURCE == me);
    for (int i = 0; i < 4; i++)
        CHECK(tasks[i].queried == 1 && tasks[i].freed == 1);
}

static void errors(void)
{
    struct task tasks[3];
    MPI_Request requests[3];
    MPI_Status statuses[3];
    int class = 0, code = 0, value;
    MPI_Add_error_class(&class);
    MPI_Add_error_code(class, &code);
    requests[0] = start(tasks, 1);
    tasks[0].free_code = code;
    MPI_Grequest_complete(requests[0]);
    CHECK(MPI_Wait(requests, statuses) == code && requests[0] == MPI_REQUEST_NULL && tasks[0].freed == 1);
    requests[0] = start(tasks, 1);
    tasks[0].query_code = MPI_ERR_IO;
    MPI_Grequest_complete(requests[0]);
    CHECK(MPI_Wait(requests, statuses) == MPI_ERR_IO && tasks[0].freed == 1);
    for (int i = 0; i < 3; i++)
        requests[i] = start(&tasks[i], 1);
    tasks[1].free_code = code;
    for (int i = 0; i < 3; i++)
        MPI_Grequest_complete(requests[i]);
    CHECK(MPI_Waitall(3, requests, statuses) == MPI_ERR_IN_STATUS);
    CHECK(statuses[0].MPI_ERROR == MPI_SUCCESS && statuses[1].MPI_ERROR == code && statuses[2].MPI_ERROR == MPI_SUCCESS);
    CHECK(requests[0] == MPI_REQUEST_NULL && requests[1] == MPI_REQUEST_NULL && requests[2] == MPI_REQUEST_NULL);

    MPI_Irecv(&value, 1, MPI_INT, check_rank, 4, MPI_COMM_WORLD, &requests[0]);
    CHECK(MPI_Grequest_complete(requests[0]) == MPI_ERR_REQUEST);
    CHECK(MPI_Grequest_complete(MPI_REQUEST_NULL) == MPI_ERR_REQUEST);
    MPI_Cancel(requests);
    MPI_Wait(requests, MPI_STATUS_IGNORE);
    requests[0] = start(tasks, 1);
    CHECK(MPI_Start(requests) == MPI_ERR_REQUEST);
    MPI_Grequest_complete(requests[0]);
    MPI_Wait(requests, MPI_STATUS_IGNORE);
}

static void *completes(void *request)
{
    usleep(20000);
    CHECK(MPI_Grequest_complete(*(MPI_Request *)request) == MPI_SUCCESS);
    return NULL;
}

/* Another thread completes what this one waits for, alone and among others. */
static void by_a_thread(void)
{
    struct task tasks[2];
    MPI_Request requests[2];
    MPI_Status status;
    pthread_t thread;
    int index = -1;
    for (int i = 0; i < 2; i++)
        requests[i] = start(&tasks[i], 30 + i);
    MPI_Request second = requests[1], first = requests[0];
    pthread_create(&thread, NULL, completes, &second);
    CHECK(MPI_Waitany(2, requests, &index, &status) == MPI_SUCCESS && index == 1 && elements(&status) == 31);
    pthread_join(thread, NULL);
    pthread_create(&thread, NULL, completes, &first);
    CHECK(MPI_Wait(&requests[0], &status) == MPI_SUCCESS && elements(&status) == 30);
    pthread_join(thread, NULL);
    CHECK(tasks[0].freed == 1 && tasks[1].freed == 1);
}

int main(int argc, char **argv)
{
    int provided = -1;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
    CHECK(provided == MPI_THREAD_MULTIPLE);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    one();
    freeing();
    cancelling();
    several();
    errors();
    by_a_thread();
    return check_end("grequest");
}
