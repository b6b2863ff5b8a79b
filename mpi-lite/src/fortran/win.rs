//! One-sided communication (MPI 5.0, chapter 12), but for the calls with text or callbacks.

use super::arguments::*;
use super::fortran;
use crate::abi::*;
use crate::c::win::accumulate::*;
use crate::c::win::create::*;
use crate::c::win::object::*;
use crate::c::win::sync::*;
use crate::c::win::transfer::*;

type Type = In<MPI_Datatype>;
type Win = In<MPI_Win>;
type Op = In<MPI_Op>;

fortran! {
    mpi_win_allocate = MPI_Win_allocate(
        size: Aint, disp_unit: Int, info: In<MPI_Info>, comm: In<MPI_Comm>, baseptr: PointerOut, win: Out<MPI_Win>,
    );
    mpi_win_allocate_cptr = MPI_Win_allocate(
        size: Aint, disp_unit: Int, info: In<MPI_Info>, comm: In<MPI_Comm>, baseptr: PointerOut, win: Out<MPI_Win>,
    );
    mpi_win_allocate_shared = MPI_Win_allocate_shared(
        size: Aint, disp_unit: Int, info: In<MPI_Info>, comm: In<MPI_Comm>, baseptr: PointerOut, win: Out<MPI_Win>,
    );
    mpi_win_allocate_shared_cptr = MPI_Win_allocate_shared(
        size: Aint, disp_unit: Int, info: In<MPI_Info>, comm: In<MPI_Comm>, baseptr: PointerOut, win: Out<MPI_Win>,
    );
    mpi_win_shared_query = MPI_Win_shared_query(win: Win, rank: Int, size: AintOut, disp_unit: IntOut, baseptr: PointerOut);
    mpi_win_shared_query_cptr = MPI_Win_shared_query(
        win: Win, rank: Int, size: AintOut, disp_unit: IntOut, baseptr: PointerOut,
    );
    mpi_win_create = MPI_Win_create(
        base: Buffer, size: Aint, disp_unit: Int, info: In<MPI_Info>, comm: In<MPI_Comm>, win: Out<MPI_Win>,
    );
    mpi_win_create_dynamic = MPI_Win_create_dynamic(info: In<MPI_Info>, comm: In<MPI_Comm>, win: Out<MPI_Win>);
    mpi_win_attach = MPI_Win_attach(win: Win, base: Buffer, size: Aint);
    mpi_win_detach = MPI_Win_detach(win: Win, base: SendBuffer);
    mpi_win_free = MPI_Win_free(win: Out<MPI_Win>);
    mpi_win_get_group = MPI_Win_get_group(win: Win, group: Out<MPI_Group>);
    mpi_win_set_info = MPI_Win_set_info(win: Win, info: In<MPI_Info>);
    mpi_win_get_info = MPI_Win_get_info(win: Win, info: Out<MPI_Info>);
    mpi_put = MPI_Put(
        origin_addr: SendBuffer, origin_count: Int, origin_datatype: Type, target_rank: Int, target_disp: Aint,
        target_count: Int, target_datatype: Type, win: Win,
    );
    mpi_get = MPI_Get(
        origin_addr: Buffer, origin_count: Int, origin_datatype: Type, target_rank: Int, target_disp: Aint,
        target_count: Int, target_datatype: Type, win: Win,
    );
    mpi_accumulate = MPI_Accumulate(
        origin_addr: SendBuffer, origin_count: Int, origin_datatype: Type, target_rank: Int, target_disp: Aint,
        target_count: Int, target_datatype: Type, op: Op, win: Win,
    );
    mpi_get_accumulate = MPI_Get_accumulate(
        origin_addr: SendBuffer, origin_count: Int, origin_datatype: Type, result_addr: Buffer, result_count: Int,
        result_datatype: Type, target_rank: Int, target_disp: Aint, target_count: Int, target_datatype: Type, op: Op,
        win: Win,
    );
    mpi_fetch_and_op = MPI_Fetch_and_op(
        origin_addr: SendBuffer, result_addr: Buffer, datatype: Type, target_rank: Int, target_disp: Aint, op: Op,
        win: Win,
    );
    mpi_compare_and_swap = MPI_Compare_and_swap(
        origin_addr: SendBuffer, compare_addr: SendBuffer, result_addr: Buffer, datatype: Type, target_rank: Int,
        target_disp: Aint, win: Win,
    );
    mpi_rput = MPI_Rput(
        origin_addr: SendBuffer, origin_count: Int, origin_datatype: Type, target_rank: Int, target_disp: Aint,
        target_count: Int, target_datatype: Type, win: Win, request: Out<MPI_Request>,
    );
    mpi_rget = MPI_Rget(
        origin_addr: Buffer, origin_count: Int, origin_datatype: Type, target_rank: Int, target_disp: Aint,
        target_count: Int, target_datatype: Type, win: Win, request: Out<MPI_Request>,
    );
    mpi_raccumulate = MPI_Raccumulate(
        origin_addr: SendBuffer, origin_count: Int, origin_datatype: Type, target_rank: Int, target_disp: Aint,
        target_count: Int, target_datatype: Type, op: Op, win: Win, request: Out<MPI_Request>,
    );
    mpi_rget_accumulate = MPI_Rget_accumulate(
        origin_addr: SendBuffer, origin_count: Int, origin_datatype: Type, result_addr: Buffer, result_count: Int,
        result_datatype: Type, target_rank: Int, target_disp: Aint, target_count: Int, target_datatype: Type, op: Op,
        win: Win, request: Out<MPI_Request>,
    );
    mpi_win_fence = MPI_Win_fence(assert: Int, win: Win);
    mpi_win_start = MPI_Win_start(group: In<MPI_Group>, assert: Int, win: Win);
    mpi_win_complete = MPI_Win_complete(win: Win);
    mpi_win_post = MPI_Win_post(group: In<MPI_Group>, assert: Int, win: Win);
    mpi_win_wait = MPI_Win_wait(win: Win);
    mpi_win_test = MPI_Win_test(win: Win, flag: IntOut);
    mpi_win_lock = MPI_Win_lock(lock_type: Int, rank: Int, assert: Int, win: Win);
    mpi_win_unlock = MPI_Win_unlock(rank: Int, win: Win);
    mpi_win_lock_all = MPI_Win_lock_all(assert: Int, win: Win);
    mpi_win_unlock_all = MPI_Win_unlock_all(win: Win);
    mpi_win_flush = MPI_Win_flush(rank: Int, win: Win);
    mpi_win_flush_all = MPI_Win_flush_all(win: Win);
    mpi_win_flush_local = MPI_Win_flush_local(rank: Int, win: Win);
    mpi_win_flush_local_all = MPI_Win_flush_local_all(win: Win);
    mpi_win_sync = MPI_Win_sync(win: Win);
    mpi_win_set_errhandler = MPI_Win_set_errhandler(win: Win, errhandler: In<MPI_Errhandler>);
    mpi_win_get_errhandler = MPI_Win_get_errhandler(win: Win, errhandler: Out<MPI_Errhandler>);
    mpi_win_call_errhandler = MPI_Win_call_errhandler(win: Win, errorcode: Int);
}
