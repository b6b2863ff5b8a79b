//! The server side of QEMU's ivshmem protocol (QEMU `docs/specs/ivshmem-spec`), one socket pair per VM.
//!
//! The VM is id 1. Id 0 is the engine: a guest's store of `0 << 16 | 0` to the doorbell register of BAR0
//! writes the engine's eventfd. The whole conversation is five messages which fit the socket buffer, so
//! they are sent at once and QEMU reads them when it comes up; nothing here ever waits for QEMU.

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, sendmsg,
    socketpair,
};

use crate::error::{Context, Result};

/// Version of the protocol.
const VERSION: i64 = 0;
/// Id of the engine.
pub const ENGINE_ID: i64 = 0;
/// Id of the VM.
pub const VM_ID: i64 = 1;
/// Marks the message that carries the memory.
const MEMORY: i64 = -1;

/// The server's end; QEMU sees its device's server leave when this is dropped.
#[derive(Debug)]
pub struct Server {
    _socket: OwnedFd,
}

/// Makes a socket pair, sends the whole handshake into it and gives QEMU's end.
///
/// `region` becomes BAR2, `wake` is what the guest's doorbell writes, `irq` is what interrupts the guest.
pub fn serve(region: BorrowedFd<'_>, wake: BorrowedFd<'_>, irq: BorrowedFd<'_>) -> Result<(Server, OwnedFd)> {
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
        .context(|| "creating the ivshmem socket pair".into())?;
    for (value, fd) in
        [(VERSION, None), (VM_ID, None), (MEMORY, Some(region)), (ENGINE_ID, Some(wake)), (VM_ID, Some(irq))]
    {
        send(ours.as_fd(), value, fd)?;
    }
    Ok((Server { _socket: ours }, theirs))
}

fn send(socket: BorrowedFd<'_>, value: i64, fd: Option<BorrowedFd<'_>>) -> Result<()> {
    let bytes = value.to_le_bytes();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let rights = fd.map(|fd| [fd]);
    if let Some(rights) = &rights {
        control.push(SendAncillaryMessage::ScmRights(rights));
    }
    sendmsg(socket, &[IoSlice::new(&bytes)], &mut control, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)
        .context(|| format!("sending ivshmem message {value}"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{EventfdFlags, eventfd};
    use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
    use std::io::IoSliceMut;

    fn receive(socket: BorrowedFd<'_>) -> (i64, Option<OwnedFd>) {
        let mut bytes = [0u8; 8];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let got = recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut control, RecvFlags::CMSG_CLOEXEC);
        assert_eq!(got.unwrap().bytes, 8);
        let fd = control.drain().find_map(|m| match m {
            RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
            _ => None,
        });
        (i64::from_le_bytes(bytes), fd)
    }

    #[test]
    fn sends_what_qemu_expects_in_order() {
        let region = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
        let wake = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
        let irq = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
        let (_server, qemu) = serve(region.as_fd(), wake.as_fd(), irq.as_fd()).unwrap();
        assert!(matches!(receive(qemu.as_fd()), (0, None)));
        assert!(matches!(receive(qemu.as_fd()), (1, None)));
        assert!(matches!(receive(qemu.as_fd()), (-1, Some(_))));
        let (id, doorbell) = receive(qemu.as_fd());
        assert_eq!(id, 0);
        assert!(matches!(receive(qemu.as_fd()), (1, Some(_))));
        rustix::io::write(doorbell.unwrap(), &1u64.to_ne_bytes()).unwrap();
        let mut count = [0u8; 8];
        rustix::io::read(&wake, &mut count).unwrap();
        assert_eq!(u64::from_ne_bytes(count), 1);
    }
}
