//! Point-to-point communication (MPI 5.0, chapter 3) but for the calls with arrays of requests.

use super::arguments::*;
use super::fortran;
use crate::abi::*;
use crate::c::p2p::blocking::*;
use crate::c::p2p::buffer::*;
use crate::c::p2p::completion::*;
use crate::c::p2p::nonblocking::*;
use crate::c::p2p::persistent::*;
use crate::c::p2p::probe::*;
use crate::c::p2p::status::*;

type Type = In<MPI_Datatype>;
type Comm = In<MPI_Comm>;
type Request = Out<MPI_Request>;
type Message = Out<MPI_Message>;

fortran! {
    mpi_send = MPI_Send(buf: SendBuffer, count: Int, datatype: Type, dest: Int, tag: Int, comm: Comm);
    mpi_bsend = MPI_Bsend(buf: SendBuffer, count: Int, datatype: Type, dest: Int, tag: Int, comm: Comm);
    mpi_ssend = MPI_Ssend(buf: SendBuffer, count: Int, datatype: Type, dest: Int, tag: Int, comm: Comm);
    mpi_rsend = MPI_Rsend(buf: SendBuffer, count: Int, datatype: Type, dest: Int, tag: Int, comm: Comm);
    mpi_recv = MPI_Recv(buf: Buffer, count: Int, datatype: Type, source: Int, tag: Int, comm: Comm, status: Status);
    mpi_isend = MPI_Isend(buf: SendBuffer, count: Int, datatype: Type, dest: Int, tag: Int, comm: Comm, request: Request);
    mpi_ibsend = MPI_Ibsend(buf: SendBuffer, count: Int, datatype: Type, dest: Int, tag: Int, comm: Comm, request: Request);
    mpi_issend = MPI_Issend(buf: SendBuffer, count: Int, datatype: Type, dest: Int, tag: Int, comm: Comm, request: Request);
    mpi_irsend = MPI_Irsend(buf: SendBuffer, count: Int, datatype: Type, dest: Int, tag: Int, comm: Comm, request: Request);
    mpi_irecv = MPI_Irecv(buf: Buffer, count: Int, datatype: Type, source: Int, tag: Int, comm: Comm, request: Request);
    mpi_send_init = MPI_Send_init(buf: SendBuffer, count: Int, datatype: Type, dest: Int, tag: Int, comm: Comm, request: Request);
    mpi_bsend_init = MPI_Bsend_init(buf: SendBuffer, count: Int, datatype: Type, dest: Int, tag: Int, comm: Comm, request: Request);
    mpi_ssend_init = MPI_Ssend_init(buf: SendBuffer, count: Int, datatype: Type, dest: Int, tag: Int, comm: Comm, request: Request);
    mpi_rsend_init = MPI_Rsend_init(buf: SendBuffer, count: Int, datatype: Type, dest: Int, tag: Int, comm: Comm, request: Request);
    mpi_recv_init = MPI_Recv_init(buf: Buffer, count: Int, datatype: Type, source: Int, tag: Int, comm: Comm, request: Request);
    mpi_sendrecv = MPI_Sendrecv(
        sendbuf: SendBuffer, sendcount: Int, sendtype: Type, dest: Int, sendtag: Int,
        recvbuf: Buffer, recvcount: Int, recvtype: Type, source: Int, recvtag: Int, comm: Comm, status: Status,
    );
    mpi_sendrecv_replace = MPI_Sendrecv_replace(
        buf: Buffer, count: Int, datatype: Type, dest: Int, sendtag: Int, source: Int, recvtag: Int, comm: Comm, status: Status,
    );
    mpi_isendrecv = MPI_Isendrecv(
        sendbuf: SendBuffer, sendcount: Int, sendtype: Type, dest: Int, sendtag: Int,
        recvbuf: Buffer, recvcount: Int, recvtype: Type, source: Int, recvtag: Int, comm: Comm, request: Request,
    );
    mpi_isendrecv_replace = MPI_Isendrecv_replace(
        buf: Buffer, count: Int, datatype: Type, dest: Int, sendtag: Int, source: Int, recvtag: Int, comm: Comm, request: Request,
    );
    mpi_probe = MPI_Probe(source: Int, tag: Int, comm: Comm, status: Status);
    mpi_iprobe = MPI_Iprobe(source: Int, tag: Int, comm: Comm, flag: IntOut, status: Status);
    mpi_mprobe = MPI_Mprobe(source: Int, tag: Int, comm: Comm, message: Message, status: Status);
    mpi_improbe = MPI_Improbe(source: Int, tag: Int, comm: Comm, flag: IntOut, message: Message, status: Status);
    mpi_mrecv = MPI_Mrecv(buf: Buffer, count: Int, datatype: Type, message: Message, status: Status);
    mpi_imrecv = MPI_Imrecv(buf: Buffer, count: Int, datatype: Type, message: Message, request: Request);
    mpi_wait = MPI_Wait(request: Request, status: Status);
    mpi_test = MPI_Test(request: Request, flag: IntOut, status: Status);
    mpi_start = MPI_Start(request: Request);
    mpi_cancel = MPI_Cancel(request: Request);
    mpi_request_free = MPI_Request_free(request: Request);
    mpi_request_get_status = MPI_Request_get_status(request: In<MPI_Request>, flag: IntOut, status: Status);
    mpi_test_cancelled = MPI_Test_cancelled(status: StatusIn, flag: IntOut);
    mpi_get_count = MPI_Get_count(status: StatusIn, datatype: Type, count: IntOut);
    mpi_get_elements = MPI_Get_elements(status: StatusIn, datatype: Type, count: IntOut);
    mpi_get_elements_x = MPI_Get_elements_x(status: StatusIn, datatype: Type, count: CountOut);
    mpi_status_set_cancelled = MPI_Status_set_cancelled(status: Status, flag: Int);
    mpi_status_set_elements = MPI_Status_set_elements(status: Status, datatype: Type, count: Int);
    mpi_status_set_elements_x = MPI_Status_set_elements_x(status: Status, datatype: Type, count: Count);
    mpi_buffer_attach = MPI_Buffer_attach(buffer: Buffer, size: Int);
}
