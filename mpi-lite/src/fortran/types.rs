//! Datatypes, packing and operations (MPI 5.0, chapters 5 and 6.9), but for text, callbacks and arrays of types.

use super::arguments::*;
use super::fortran;
use crate::abi::*;
use crate::c::op::*;
use crate::c::types::*;

type Type = In<MPI_Datatype>;
type NewType = Out<MPI_Datatype>;

fortran! {
    mpi_type_contiguous = MPI_Type_contiguous(count: Int, oldtype: Type, newtype: NewType);
    mpi_type_vector = MPI_Type_vector(count: Int, blocklength: Int, stride: Int, oldtype: Type, newtype: NewType);
    mpi_type_create_hvector = MPI_Type_create_hvector(count: Int, blocklength: Int, stride: Aint, oldtype: Type, newtype: NewType);
    mpi_type_indexed = MPI_Type_indexed(count: Int, blocklengths: Ints, displacements: Ints, oldtype: Type, newtype: NewType);
    mpi_type_create_hindexed = MPI_Type_create_hindexed(count: Int, blocklengths: Ints, displacements: Aints, oldtype: Type, newtype: NewType);
    mpi_type_create_indexed_block = MPI_Type_create_indexed_block(count: Int, blocklength: Int, displacements: Ints, oldtype: Type, newtype: NewType);
    mpi_type_create_hindexed_block = MPI_Type_create_hindexed_block(count: Int, blocklength: Int, displacements: Aints, oldtype: Type, newtype: NewType);
    mpi_type_create_resized = MPI_Type_create_resized(oldtype: Type, lb: Aint, extent: Aint, newtype: NewType);
    mpi_type_create_subarray = MPI_Type_create_subarray(ndims: Int, sizes: Ints, subsizes: Ints, starts: Ints, order: Int, oldtype: Type, newtype: NewType);
    mpi_type_create_darray = MPI_Type_create_darray(
        size: Int, rank: Int, ndims: Int, gsizes: Ints, distribs: Ints, dargs: Ints, psizes: Ints, order: Int, oldtype: Type, newtype: NewType,
    );
    mpi_type_dup = MPI_Type_dup(oldtype: Type, newtype: NewType);
    mpi_type_create_f90_integer = MPI_Type_create_f90_integer(range: Int, newtype: NewType);
    mpi_type_create_f90_real = MPI_Type_create_f90_real(precision: Int, range: Int, newtype: NewType);
    mpi_type_create_f90_complex = MPI_Type_create_f90_complex(precision: Int, range: Int, newtype: NewType);
    mpi_type_match_size = MPI_Type_match_size(typeclass: Int, size: Int, datatype: NewType);
    mpi_type_commit = MPI_Type_commit(datatype: Out<MPI_Datatype>);
    mpi_type_free = MPI_Type_free(datatype: Out<MPI_Datatype>);
    mpi_type_size = MPI_Type_size(datatype: Type, size: IntOut);
    mpi_type_size_x = MPI_Type_size_x(datatype: Type, size: CountOut);
    mpi_type_get_extent = MPI_Type_get_extent(datatype: Type, lb: AintOut, extent: AintOut);
    mpi_type_get_extent_x = MPI_Type_get_extent_x(datatype: Type, lb: CountOut, extent: CountOut);
    mpi_type_get_true_extent = MPI_Type_get_true_extent(datatype: Type, lb: AintOut, extent: AintOut);
    mpi_type_get_true_extent_x = MPI_Type_get_true_extent_x(datatype: Type, lb: CountOut, extent: CountOut);
    mpi_type_get_envelope = MPI_Type_get_envelope(datatype: Type, integers: IntOut, addresses: IntOut, datatypes: IntOut, combiner: IntOut);
    mpi_get_address = MPI_Get_address(location: SendBuffer, address: AintOut);
    mpi_pack = MPI_Pack(inbuf: SendBuffer, incount: Int, datatype: Type, outbuf: Buffer, outsize: Int, position: IntOut, comm: In<MPI_Comm>);
    mpi_unpack = MPI_Unpack(inbuf: SendBuffer, insize: Int, position: IntOut, outbuf: Buffer, outcount: Int, datatype: Type, comm: In<MPI_Comm>);
    mpi_pack_size = MPI_Pack_size(incount: Int, datatype: Type, comm: In<MPI_Comm>, size: IntOut);
    mpi_op_free = MPI_Op_free(op: Out<MPI_Op>);
    mpi_op_commutative = MPI_Op_commutative(op: In<MPI_Op>, commute: IntOut);
    mpi_reduce_local = MPI_Reduce_local(inbuf: SendBuffer, inoutbuf: Buffer, count: Int, datatype: Type, op: In<MPI_Op>);
}
