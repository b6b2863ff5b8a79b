//! The server side of QEMU's ivshmem protocol (QEMU `docs/specs/ivshmem-spec`), one socket pair per VM.
//!
//! Id 0 is the engine: a guest's store of `0 << 16 | 0` to the doorbell register of BAR0 writes the engine's
//! eventfd. The VM of rank r is id r + 1, and every VM is told of the others of its job whether or not they run
//! already: their interrupt eventfds exist from the start, and a store of `(r + 1) << 16` wakes rank r. The whole
//! conversation fits the socket buffer (see [`MOST_BELLS`]), so it is sent at once and QEMU reads it when it comes up;
//! nothing here ever waits for QEMU.

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
const ENGINE_ID: i64 = 0;
/// Ranks that can be woken directly, by a doorbell of their own; those beyond are woken through the engine. Doorbells cost
/// little: 64 VMs with 64 each take 106 ms of processor time each to start and end, 113 before they had any but the
/// engine's (`unirank run -n 64 --mem 64M --accel kvm --windows off`). But each is a descriptor in every VM's handshake,
/// which has to fit the socket's buffer.
pub const MOST_BELLS: u32 = 128;
/// Marks the message that carries the memory.
const MEMORY: i64 = -1;

/// The server's end; QEMU sees its device's server leave when this is dropped.
#[derive(Debug)]
pub struct Server {
    _socket: OwnedFd,
}

/// What a VM's device is made of.
#[derive(Debug)]
pub struct Wiring<'a> {
    /// The VM's rank.
    pub rank: u32,
    /// BAR2.
    pub region: BorrowedFd<'a>,
    /// What the doorbell of the engine writes.
    pub wake: BorrowedFd<'a>,
    /// What interrupts the VM.
    pub irq: BorrowedFd<'a>,
    /// What interrupts the VMs of the job, by rank, this one's among them.
    pub bells: &'a [OwnedFd],
}

fn id(rank: u32) -> i64 {
    i64::from(rank) + 1
}

/// Makes a socket pair, sends the whole handshake into it and gives QEMU's end.
pub fn serve(wiring: &Wiring<'_>) -> Result<(Server, OwnedFd)> {
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
        .context(|| "creating the ivshmem socket pair".into())?;
    let own = id(wiring.rank);
    for (value, fd) in
        [(VERSION, None), (own, None), (MEMORY, Some(wiring.region)), (ENGINE_ID, Some(wiring.wake))]
    {
        send(ours.as_fd(), value, fd)?;
    }
    for (peer, bell) in (1..).zip(wiring.bells).filter(|&(peer, _)| peer != own) {
        send(ours.as_fd(), peer, Some(bell.as_fd()))?;
    }
    // The own vectors come last: QEMU takes the device for complete then.
    send(ours.as_fd(), own, Some(wiring.irq))?;
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

    fn new_eventfd() -> OwnedFd {
        eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap()
    }

    fn ring(fd: Option<OwnedFd>) {
        rustix::io::write(fd.unwrap(), &1u64.to_ne_bytes()).unwrap();
    }

    fn rung(fd: &OwnedFd) -> bool {
        rustix::io::read(fd, &mut [0u8; 8]).is_ok()
    }

    #[test]
    fn sends_what_qemu_expects_in_order() {
        let (region, wake, irq) = (new_eventfd(), new_eventfd(), new_eventfd());
        let wiring =
            Wiring { rank: 0, region: region.as_fd(), wake: wake.as_fd(), irq: irq.as_fd(), bells: &[] };
        let (_server, qemu) = serve(&wiring).unwrap();
        assert!(matches!(receive(qemu.as_fd()), (0, None)));
        assert!(matches!(receive(qemu.as_fd()), (1, None)));
        assert!(matches!(receive(qemu.as_fd()), (-1, Some(_))));
        let (id, doorbell) = receive(qemu.as_fd());
        assert_eq!(id, 0);
        assert!(matches!(receive(qemu.as_fd()), (1, Some(_))));
        ring(doorbell);
        assert!(rung(&wake) && !rung(&irq));
    }

    #[test]
    fn every_rank_hears_the_bells_of_the_others() {
        let (region, wake) = (new_eventfd(), new_eventfd());
        let bells: Vec<OwnedFd> = (0..MOST_BELLS).map(|_| new_eventfd()).collect();
        let wiring = Wiring {
            rank: 2,
            region: region.as_fd(),
            wake: wake.as_fd(),
            irq: bells[2].as_fd(),
            bells: &bells,
        };
        let (_server, qemu) = serve(&wiring).unwrap();
        for value in [0, 3, -1, 0] {
            assert_eq!(receive(qemu.as_fd()).0, value);
        }
        for rank in (0..MOST_BELLS).filter(|&rank| rank != 2).chain([2]) {
            let (id, bell) = receive(qemu.as_fd());
            assert_eq!(id, i64::from(rank) + 1);
            ring(bell);
            let rung: Vec<u32> = (0..).zip(&bells).filter(|(_, b)| rung(b)).map(|(r, _)| r).collect();
            assert_eq!(rung, [rank]);
        }
    }
}
