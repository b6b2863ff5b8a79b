//! Groups (MPI 5.0, section 7.3).

use super::arguments::*;
use super::fortran;
use crate::abi::*;
use crate::c::group::*;

type Group = In<MPI_Group>;
type NewGroup = Out<MPI_Group>;

fortran! {
    mpi_group_size = MPI_Group_size(group: Group, size: IntOut);
    mpi_group_rank = MPI_Group_rank(group: Group, rank: IntOut);
    mpi_group_translate_ranks = MPI_Group_translate_ranks(group1: Group, n: Int, ranks1: Ints, group2: Group, ranks2: IntOut);
    mpi_group_compare = MPI_Group_compare(group1: Group, group2: Group, result: IntOut);
    mpi_group_union = MPI_Group_union(group1: Group, group2: Group, newgroup: NewGroup);
    mpi_group_intersection = MPI_Group_intersection(group1: Group, group2: Group, newgroup: NewGroup);
    mpi_group_difference = MPI_Group_difference(group1: Group, group2: Group, newgroup: NewGroup);
    mpi_group_incl = MPI_Group_incl(group: Group, n: Int, ranks: Ints, newgroup: NewGroup);
    mpi_group_excl = MPI_Group_excl(group: Group, n: Int, ranks: Ints, newgroup: NewGroup);
    mpi_group_range_incl = MPI_Group_range_incl(group: Group, n: Int, ranges: Ranges, newgroup: NewGroup);
    mpi_group_range_excl = MPI_Group_range_excl(group: Group, n: Int, ranges: Ranges, newgroup: NewGroup);
    mpi_group_free = MPI_Group_free(group: Out<MPI_Group>);
}
