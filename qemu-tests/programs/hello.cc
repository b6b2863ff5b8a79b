// C++: streams, exceptions, static constructors, STL; MPI from C++.
#include <mpi.h>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

static std::vector<int> table{3, 1, 2};

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    int rank = 0, size = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    std::map<std::string, int> names{{"a", 1}, {"b", 2}};
    try {
        (void)names.at("c");
        return 2;
    } catch (const std::out_of_range &) {
        names["c"] = static_cast<int>(table.size());
    }
    int mine = names["c"] + rank, all = 0;
    MPI_Reduce(&mine, &all, 1, MPI_INT, MPI_SUM, 0, MPI_COMM_WORLD);
    if (rank == 0)
        std::cout << "hello.cc: " << size << " ranks, sum " << all << std::endl;
    std::cerr << "rank " << rank << " on standard error" << std::endl;
    MPI_Finalize();
    return 0;
}
