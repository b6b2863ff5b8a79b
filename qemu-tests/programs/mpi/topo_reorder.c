/* Topologies whose ranks may be reordered (MPI 5.0, sections 8.5.1 to 8.5.4 and 8.5.8), and communicators of ranks that share
   hardware (section 7.4.2). Neighbours must be no further from each other than in the old order; with the argument `nearer`, which
   is for places that lie badly, some must be nearer. What arrives is compared with what is computed without MPI. */
#include <mpi.h>

#include <string.h>

#include "../check.h"

enum { MOST = 64, SIDE = 3, STEPS = 4 };

/* Size and rank of the world, and of each rank there the first one that shares its package, -1 if nobody knows. */
static int size, package_of[MOST];

/* Edges between packages, in the old order and the new one, of all topologies. */
static int before, after;

static MPI_Comm by_hardware(const char *type)
{
    MPI_Comm comm;
    MPI_Info info;
    MPI_Info_create(&info);
    MPI_Info_set(info, "mpi_hw_resource_type", type);
    CHECK(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_HW_GUIDED, 0, info, &comm) == MPI_SUCCESS);
    MPI_Info_free(&info);
    return comm;
}

static void find_packages(void)
{
    int first = -1;
    MPI_Comm package = by_hardware("Package"), same = by_hardware("hwloc://Package"), none = by_hardware("hwloc://Tube");
    CHECK((package == MPI_COMM_NULL) == (same == MPI_COMM_NULL) && none == MPI_COMM_NULL);
    if (package != MPI_COMM_NULL) {
        int result;
        MPI_Comm_compare(package, same, &result);
        CHECK(result == MPI_CONGRUENT);
        first = check_rank;
        MPI_Bcast(&first, 1, MPI_INT, 0, package);
        MPI_Comm_free(&package);
        MPI_Comm_free(&same);
    }
    MPI_Allgather(&first, 1, MPI_INT, package_of, 1, MPI_INT, MPI_COMM_WORLD);
}

/* Parts of parts, until they share all that is known. Each is smaller, and of ranks that share what the library says. */
static void narrow_down(void)
{
    MPI_Comm comm, next;
    int levels = 0;
    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    for (;;) {
        char type[MPI_MAX_INFO_VAL] = "";
        int length = sizeof type, found, whole, part;
        MPI_Info info;
        MPI_Info_create(&info);
        CHECK(MPI_Comm_split_type(comm, MPI_COMM_TYPE_HW_UNGUIDED, 0, info, &next) == MPI_SUCCESS);
        MPI_Info_get_string(info, "mpi_hw_resource_type", &length, type, &found);
        CHECK(found == (next != MPI_COMM_NULL));
        MPI_Info_free(&info);
        if (next == MPI_COMM_NULL)
            break;
        MPI_Comm_size(comm, &whole);
        MPI_Comm_size(next, &part);
        CHECK(part < whole && ++levels <= 5);
        MPI_Comm guided;
        MPI_Info_create(&info);
        MPI_Info_set(info, "mpi_hw_resource_type", type);
        MPI_Comm_split_type(comm, MPI_COMM_TYPE_HW_GUIDED, 0, info, &guided);
        MPI_Info_free(&info);
        int result = MPI_UNEQUAL;
        CHECK(guided != MPI_COMM_NULL);
        MPI_Comm_compare(guided, next, &result);
        CHECK(result == MPI_CONGRUENT);
        MPI_Comm_free(&guided);
        MPI_Comm_free(&comm);
        comm = next;
    }
    MPI_Comm_free(&comm);
}

/* The ranks in the world of a topology's ranks, which are `count` different ones. */
static void members(MPI_Comm comm, int count, int *world)
{
    int n, numbers[MOST], seen[MOST] = {0};
    MPI_Group all, some;
    MPI_Comm_group(MPI_COMM_WORLD, &all);
    MPI_Comm_group(comm, &some);
    MPI_Group_size(some, &n);
    CHECK(n == count);
    for (int i = 0; i < n; i++)
        numbers[i] = i;
    MPI_Group_translate_ranks(some, n, numbers, all, world);
    for (int i = 0; i < n; i++) {
        CHECK(world[i] >= 0 && world[i] < size);
        CHECK(!seen[world[i]]++);
    }
    MPI_Group_free(&all);
    MPI_Group_free(&some);
}

/* Counts an edge between nodes, if packages are known. */
static void count_edge(const int *world, int a, int b)
{
    before += package_of[a] != package_of[b];
    after += package_of[world[a]] != package_of[world[b]];
}

static int wrapped(int coordinate, int length)
{
    return (coordinate + length) % length;
}

/* Steps of a sum over neighbours on a torus, in a grid of all ranks with SIDE by SIDE points each: halos by messages, and the
   same by one rank for itself. */
static void halos(MPI_Comm grid, const int *dims)
{
    static int whole[MOST * SIDE][MOST * SIDE], next[MOST * SIDE][MOST * SIDE];
    int mine[SIDE + 2][SIDE + 2], new[SIDE + 2][SIDE + 2];
    int rows = dims[0] * SIDE, columns = dims[1] * SIDE, rank, up, down, left, right;
    MPI_Datatype column;
    MPI_Type_vector(SIDE, 1, SIDE + 2, MPI_INT, &column);
    MPI_Type_commit(&column);
    MPI_Comm_rank(grid, &rank);
    int top = rank / dims[1] * SIDE, leftmost = rank % dims[1] * SIDE;
    MPI_Cart_shift(grid, 0, 1, &up, &down);
    MPI_Cart_shift(grid, 1, 1, &left, &right);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
            whole[i][j] = (i * 31 + j * 17) % 23;
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++)
            mine[i + 1][j + 1] = whole[top + i][leftmost + j];
    for (int step = 0; step < STEPS; step++) {
        MPI_Sendrecv(&mine[1][1], SIDE, MPI_INT, up, 1, &mine[SIDE + 1][1], SIDE, MPI_INT, down, 1, grid, MPI_STATUS_IGNORE);
        MPI_Sendrecv(&mine[SIDE][1], SIDE, MPI_INT, down, 2, &mine[0][1], SIDE, MPI_INT, up, 2, grid, MPI_STATUS_IGNORE);
        MPI_Sendrecv(&mine[1][1], 1, column, left, 3, &mine[1][SIDE + 1], 1, column, right, 3, grid, MPI_STATUS_IGNORE);
        MPI_Sendrecv(&mine[1][SIDE], 1, column, right, 4, &mine[1][0], 1, column, left, 4, grid, MPI_STATUS_IGNORE);
        for (int i = 1; i <= SIDE; i++)
            for (int j = 1; j <= SIDE; j++)
                new[i][j] = mine[i][j] + 2 * mine[i - 1][j] + 3 * mine[i + 1][j] + 5 * mine[i][j - 1] + 7 * mine[i][j + 1];
        memcpy(mine, new, sizeof mine);
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
                next[i][j] = whole[i][j] + 2 * whole[wrapped(i - 1, rows)][j] + 3 * whole[wrapped(i + 1, rows)][j] +
                             5 * whole[i][wrapped(j - 1, columns)] + 7 * whole[i][wrapped(j + 1, columns)];
        memcpy(whole, next, sizeof whole);
    }
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++)
            CHECK(mine[i + 1][j + 1] == whole[top + i][leftmost + j]);
    MPI_Type_free(&column);
}

static void grids(void)
{
    MPI_Comm grid;
    int dims[2] = {0, 0}, periods[2] = {1, 1}, world[MOST], mapped = -1, rank, got[4];
    MPI_Dims_create(size, 2, dims);
    CHECK(MPI_Cart_map(MPI_COMM_WORLD, 2, dims, periods, &mapped) == MPI_SUCCESS);
    CHECK(MPI_Cart_create(MPI_COMM_WORLD, 2, dims, periods, 1, &grid) == MPI_SUCCESS);
    MPI_Comm_rank(grid, &rank);
    CHECK(rank == mapped);
    members(grid, size, world);
    for (int node = 0; node < size; node++) {
        int row = node / dims[1], column = node % dims[1];
        count_edge(world, node, wrapped(row + 1, dims[0]) * dims[1] + column);
        count_edge(world, node, row * dims[1] + wrapped(column + 1, dims[1]));
    }
    int mine = 100 + rank, row = rank / dims[1], column = rank % dims[1];
    CHECK(MPI_Neighbor_allgather(&mine, 1, MPI_INT, got, 1, MPI_INT, grid) == MPI_SUCCESS);
    CHECK(got[0] == 100 + wrapped(row - 1, dims[0]) * dims[1] + column);
    CHECK(got[1] == 100 + wrapped(row + 1, dims[0]) * dims[1] + column);
    CHECK(got[2] == 100 + row * dims[1] + wrapped(column - 1, dims[1]));
    CHECK(got[3] == 100 + row * dims[1] + wrapped(column + 1, dims[1]));
    halos(grid, dims);
    /* Rows of the grid, as its ranks are in order. */
    MPI_Comm line;
    int keep[2] = {0, 1}, in_line;
    MPI_Cart_sub(grid, keep, &line);
    MPI_Comm_rank(line, &in_line);
    CHECK(in_line == column);
    MPI_Comm_free(&line);
    MPI_Comm_free(&grid);
}

/* A line of all ranks but one: one of them is left over, and the others know it from the map. */
static void smaller(void)
{
    MPI_Comm line;
    int length = size - 1, open = 0, mapped, rank = MPI_UNDEFINED, in_line, all;
    if (length == 0)
        return;
    CHECK(MPI_Cart_map(MPI_COMM_WORLD, 1, &length, &open, &mapped) == MPI_SUCCESS);
    CHECK(MPI_Cart_create(MPI_COMM_WORLD, 1, &length, &open, 1, &line) == MPI_SUCCESS);
    if (line != MPI_COMM_NULL) {
        int world[MOST];
        MPI_Comm_rank(line, &rank);
        members(line, length, world);
        MPI_Comm_free(&line);
    }
    CHECK(rank == mapped);
    in_line = rank != MPI_UNDEFINED;
    MPI_Allreduce(&in_line, &all, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    CHECK(all == length);
}

/* A ring, as a graph that all know. */
static void rings(void)
{
    MPI_Comm ring;
    int index[MOST], edges[2 * MOST], world[MOST], mapped = -1, rank, got[2];
    for (int node = 0; node < size; node++) {
        index[node] = 2 * (node + 1);
        edges[2 * node] = wrapped(node + 1, size);
        edges[2 * node + 1] = wrapped(node - 1, size);
    }
    CHECK(MPI_Graph_map(MPI_COMM_WORLD, size, index, edges, &mapped) == MPI_SUCCESS);
    CHECK(MPI_Graph_create(MPI_COMM_WORLD, size, index, edges, 1, &ring) == MPI_SUCCESS);
    MPI_Comm_rank(ring, &rank);
    CHECK(rank == mapped);
    members(ring, size, world);
    for (int node = 0; node < size; node++)
        count_edge(world, node, wrapped(node + 1, size));
    int mine = 7 * rank;
    CHECK(MPI_Neighbor_allgather(&mine, 1, MPI_INT, got, 1, MPI_INT, ring) == MPI_SUCCESS);
    CHECK(got[0] == 7 * wrapped(rank + 1, size) && got[1] == 7 * wrapped(rank - 1, size));
    MPI_Comm_free(&ring);
}

/* What node `node` of a distributed graph sends to and receives from: its pair, if it has one, which counts most, then the ring, with
   edges that weigh nothing back. Gives how many there are of each. */
static int lists(int node, int *sources, int *sourceweights, int *destinations, int *weights)
{
    int n = 0, pair = node ^ 1;
    if (pair < size) {
        sources[n] = destinations[n] = pair;
        sourceweights[n] = weights[n] = 100;
        n++;
    }
    sources[n] = wrapped(node - 1, size);
    destinations[n] = wrapped(node + 1, size);
    sourceweights[n] = weights[n] = 1;
    n++;
    sources[n] = wrapped(node + 2, size);
    destinations[n] = wrapped(node - 2, size);
    sourceweights[n] = weights[n] = 0;
    return n + 1;
}

/* A new rank has the lists that were told of it, in their order, and what arrives comes from there. */
static void check_lists(MPI_Comm comm, int is_weighted)
{
    int rank, n, in, out, weighted, sources[3], sourceweights[3], destinations[3], weights[3];
    int read_sources[3], read_sourceweights[3], read_destinations[3], read_weights[3], sent[3], got[3];
    MPI_Comm_rank(comm, &rank);
    n = lists(rank, sources, sourceweights, destinations, weights);
    CHECK(MPI_Dist_graph_neighbors_count(comm, &in, &out, &weighted) == MPI_SUCCESS);
    CHECK(in == n && out == n && weighted == is_weighted);
    MPI_Dist_graph_neighbors(comm, 3, read_sources, is_weighted ? read_sourceweights : MPI_UNWEIGHTED, 3, read_destinations,
                             is_weighted ? read_weights : MPI_UNWEIGHTED);
    CHECK(memcmp(read_sources, sources, n * sizeof(int)) == 0 && memcmp(read_destinations, destinations, n * sizeof(int)) == 0);
    if (is_weighted) {
        CHECK(memcmp(read_sourceweights, sourceweights, n * sizeof(int)) == 0);
        CHECK(memcmp(read_weights, weights, n * sizeof(int)) == 0);
    }
    for (int i = 0; i < n; i++)
        sent[i] = 1000 * rank + destinations[i];
    CHECK(MPI_Neighbor_alltoall(sent, 1, MPI_INT, got, 1, MPI_INT, comm) == MPI_SUCCESS);
    for (int i = 0; i < n; i++)
        CHECK(got[i] == 1000 * sources[i] + rank);
}

static void distributed(int is_weighted)
{
    MPI_Comm comm;
    int sources[3], sourceweights[3], destinations[3], weights[3], world[MOST];
    int n = lists(check_rank, sources, sourceweights, destinations, weights);
    CHECK(MPI_Dist_graph_create_adjacent(MPI_COMM_WORLD, n, sources, is_weighted ? sourceweights : MPI_UNWEIGHTED, n, destinations,
              is_weighted ? weights : MPI_UNWEIGHTED, MPI_INFO_NULL, 1, &comm) == MPI_SUCCESS);
    check_lists(comm, is_weighted);
    members(comm, size, world);
    if (is_weighted)
        for (int node = 0; node + 1 < size; node += 2)
            count_edge(world, node, node + 1);
    MPI_Comm_free(&comm);

    /* The same in parts: each tells what its neighbour in the ring sends to. Nothing is said of the order then. */
    MPI_Info info;
    int teller = wrapped(check_rank + 1, size), rank, in, out, weighted, degree[1];
    degree[0] = n = lists(teller, sources, sourceweights, destinations, weights);
    MPI_Info_create(&info);
    CHECK(MPI_Dist_graph_create(MPI_COMM_WORLD, 1, &teller, degree, destinations, is_weighted ? weights : MPI_UNWEIGHTED, info, 1,
              &comm) == MPI_SUCCESS);
    MPI_Info_free(&info);
    MPI_Comm_rank(comm, &rank);
    n = lists(rank, sources, sourceweights, destinations, weights);
    CHECK(MPI_Dist_graph_neighbors_count(comm, &in, &out, &weighted) == MPI_SUCCESS);
    CHECK(in == n && out == n && weighted == is_weighted);
    int told_sources[3], told_sourceweights[3], told_destinations[3], told_weights[3], got[3], sum = 0, expected = 0;
    MPI_Dist_graph_neighbors(comm, 3, told_sources, told_sourceweights, 3, told_destinations, told_weights);
    int mine = 1 << (rank % 16);
    CHECK(MPI_Neighbor_allgather(&mine, 1, MPI_INT, got, 1, MPI_INT, comm) == MPI_SUCCESS);
    for (int i = 0; i < n; i++) {
        CHECK(got[i] == 1 << (told_sources[i] % 16));
        sum += 100 * told_sources[i] + told_destinations[i];
        expected += 100 * sources[i] + destinations[i];
        if (is_weighted) {
            sum += told_weights[i] + told_sourceweights[i];
            expected += weights[i] + sourceweights[i];
        }
    }
    CHECK(sum == expected);
    members(comm, size, world);
    MPI_Comm_free(&comm);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    find_packages();
    narrow_down();
    grids();
    rings();
    smaller();
    distributed(0);
    distributed(1);
    CHECK(after <= before);
    if (argc > 1 && strcmp(argv[1], "nearer") == 0)
        CHECK(after < before);
    return check_end("topo_reorder");
}
