/* What topologies tell of themselves: numbers of dimensions, nodes, edges and neighbours (MPI 5.0, section 8.5.5). */
#include <mpi.h>

#include <string.h>

#include "../check.h"

enum { MOST = 64 };

static int size;

static void grids(void)
{
    MPI_Comm grid, line, point, copy;
    int dims[3] = {1, size, 1}, periods[3] = {0, 1, 0}, ndims = -1, keep[3] = {0, 1, 0};
    MPI_Cart_create(MPI_COMM_WORLD, 3, dims, periods, 0, &grid);
    CHECK(MPI_Cartdim_get(grid, &ndims) == MPI_SUCCESS && ndims == 3);
    MPI_Cart_sub(grid, keep, &line);
    CHECK(MPI_Cartdim_get(line, &ndims) == MPI_SUCCESS && ndims == 1);
    MPI_Comm_dup(grid, &copy);
    CHECK(MPI_Cartdim_get(copy, &ndims) == MPI_SUCCESS && ndims == 3);
    MPI_Cart_create(MPI_COMM_WORLD, 0, dims, periods, 0, &point);
    CHECK((point != MPI_COMM_NULL) == (check_rank == 0));
    if (point != MPI_COMM_NULL) {
        CHECK(MPI_Cartdim_get(point, &ndims) == MPI_SUCCESS && ndims == 0);
        MPI_Comm_free(&point);
    }
    CHECK(MPI_Cartdim_get(MPI_COMM_WORLD, &ndims) == MPI_ERR_TOPOLOGY);
    CHECK(MPI_Cartdim_get(MPI_COMM_NULL, &ndims) == MPI_ERR_COMM);
    MPI_Comm_free(&grid);
    MPI_Comm_free(&line);
    MPI_Comm_free(&copy);
}

/* A star: rank 0 knows all others, these know rank 0; all but rank 0 know themselves, too, and the last one twice. */
static void stars(void)
{
    MPI_Comm star;
    int index[MOST], edges[2 * MOST], n = 0, nodes = -1, count = -1, status;
    int read_index[MOST], read_edges[2 * MOST], neighbours[MOST];
    for (int rank = 0; rank < size; rank++) {
        if (rank == 0)
            for (int other = 1; other < size; other++)
                edges[n++] = other;
        else {
            edges[n++] = 0;
            for (int times = rank == size - 1 ? 2 : 1; times > 0; times--)
                edges[n++] = rank;
        }
        index[rank] = n;
    }
    CHECK(MPI_Graph_create(MPI_COMM_WORLD, size, index, edges, 0, &star) == MPI_SUCCESS);
    MPI_Topo_test(star, &status);
    CHECK(status == MPI_GRAPH);
    CHECK(MPI_Graphdims_get(star, &nodes, &count) == MPI_SUCCESS && nodes == size && count == n);
    memset(read_index, -1, sizeof read_index);
    memset(read_edges, -1, sizeof read_edges);
    CHECK(MPI_Graph_get(star, size, n, read_index, read_edges) == MPI_SUCCESS);
    CHECK(memcmp(read_index, index, size * sizeof(int)) == 0 && memcmp(read_edges, edges, n * sizeof(int)) == 0);
    CHECK(read_index[size] == -1 && read_edges[n] == -1);
    for (int rank = 0; rank < size; rank++) {
        int first = rank ? index[rank - 1] : 0, expected = index[rank] - first;
        CHECK(MPI_Graph_neighbors_count(star, rank, &count) == MPI_SUCCESS && count == expected);
        memset(neighbours, -1, sizeof neighbours);
        CHECK(MPI_Graph_neighbors(star, rank, count, neighbours) == MPI_SUCCESS);
        CHECK(memcmp(neighbours, edges + first, expected * sizeof(int)) == 0 && neighbours[expected] == -1);
    }
    CHECK(MPI_Graph_neighbors_count(star, size, &count) == MPI_ERR_RANK);
    CHECK(MPI_Graph_neighbors(star, -1, MOST, neighbours) == MPI_ERR_RANK);
    CHECK(MPI_Graphdims_get(MPI_COMM_WORLD, &nodes, &count) == MPI_ERR_TOPOLOGY);
    CHECK(MPI_Graph_get(MPI_COMM_WORLD, size, n, read_index, read_edges) == MPI_ERR_TOPOLOGY);
    CHECK(MPI_Graph_neighbors_count(MPI_COMM_WORLD, 0, &count) == MPI_ERR_TOPOLOGY);
    CHECK(MPI_Graph_neighbors(MPI_COMM_WORLD, 0, 1, neighbours) == MPI_ERR_TOPOLOGY);
    CHECK(MPI_Cartdim_get(star, &count) == MPI_ERR_TOPOLOGY);
    MPI_Comm_free(&star);
}

/* Ranks beyond the graph are in no communicator. */
static void smaller(void)
{
    MPI_Comm graph;
    int index[1] = {1}, edges[1] = {0}, nodes = -1, count = -1;
    MPI_Graph_create(MPI_COMM_WORLD, 1, index, edges, 1, &graph);
    CHECK((graph != MPI_COMM_NULL) == (check_rank == 0));
    if (graph != MPI_COMM_NULL) {
        CHECK(MPI_Graphdims_get(graph, &nodes, &count) == MPI_SUCCESS && nodes == 1 && count == 1);
        MPI_Comm_free(&graph);
    }
}

/* Everyone sends to all ranks above and receives from all below, weighted or not. */
static void directed(int is_weighted)
{
    MPI_Comm comm;
    int below[MOST], above[MOST], weights_in[MOST], weights_out[MOST], in = check_rank, out = size - 1 - check_rank;
    int read_in = -1, read_out = -1, weighted = -1;
    for (int i = 0; i < in; i++) {
        below[i] = i;
        weights_in[i] = 100 * i + check_rank;
    }
    for (int i = 0; i < out; i++) {
        above[i] = check_rank + 1 + i;
        weights_out[i] = 100 * check_rank + above[i];
    }
    CHECK(MPI_Dist_graph_create_adjacent(MPI_COMM_WORLD, in, below, is_weighted ? weights_in : MPI_UNWEIGHTED, out, above,
              is_weighted ? weights_out : MPI_UNWEIGHTED, MPI_INFO_NULL, 0, &comm) == MPI_SUCCESS);
    CHECK(MPI_Dist_graph_neighbors_count(comm, &read_in, &read_out, &weighted) == MPI_SUCCESS);
    CHECK(read_in == in && read_out == out && weighted == is_weighted);
    MPI_Comm_free(&comm);

    /* The same, as rank 0 alone tells it. */
    int sources[MOST], degrees[MOST], destinations[MOST * MOST], weights[MOST * MOST], n = 0;
    for (int from = 0; from < size; from++) {
        sources[from] = from;
        degrees[from] = size - 1 - from;
        for (int to = from + 1; to < size; to++) {
            destinations[n] = to;
            weights[n++] = 100 * from + to;
        }
    }
    CHECK(MPI_Dist_graph_create(MPI_COMM_WORLD, check_rank == 0 ? size : 0, sources, degrees, destinations,
              is_weighted ? weights : MPI_UNWEIGHTED, MPI_INFO_NULL, 0, &comm) == MPI_SUCCESS);
    read_in = read_out = weighted = -1;
    CHECK(MPI_Dist_graph_neighbors_count(comm, &read_in, &read_out, &weighted) == MPI_SUCCESS);
    CHECK(read_in == in && read_out == out && weighted == is_weighted);
    MPI_Comm_free(&comm);
    CHECK(MPI_Dist_graph_neighbors_count(MPI_COMM_WORLD, &read_in, &read_out, &weighted) == MPI_ERR_TOPOLOGY);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    grids();
    stars();
    smaller();
    directed(0);
    directed(1);
    return check_end("topo_graphs");
}
