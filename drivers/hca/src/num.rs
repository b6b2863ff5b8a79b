//! Numbers that must not be mixed: each is a type of its own.

use core::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty), $format:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[repr(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, $format, self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self, f)
            }
        }
    };
}

number!(
    /// Queue pair number, 24 bits.
    QpNum(u32), "qp {:#x}");
number!(
    /// Completion queue number, 24 bits.
    CqNum(u32), "cq {:#x}");
number!(
    /// Shared receive queue number, 24 bits; 0 is none.
    SrqNum(u32), "srq {:#x}");
number!(
    /// Protection domain.
    PdNum(u32), "pd {:#x}");
number!(
    /// Key that lets the adapter touch local memory.
    Lkey(u32), "lkey {:#x}");
number!(
    /// Key that lets a peer touch this rank's memory.
    Rkey(u32), "rkey {:#x}");
number!(
    /// Rank in the job (`MPI_COMM_WORLD`).
    Rank(u32), "rank {}");
number!(
    /// What a connection is for; two ranks have at most one connection per service.
    Service(u32), "service {}");
number!(
    /// Address as the adapter sees it: guest physical and virtual alike in a VM, virtual in a native process.
    GuestAddr(u64), "{:#x}");

/// Queue numbers fit 24 bits: they share a word with an opcode or a count in every mlx5 format.
pub const NUM_MASK: u32 = 0x00ff_ffff;

impl Lkey {
    /// `MLX5_INVALID_LKEY`: ends the list of a receive WQE that uses fewer segments than its stride holds.
    pub const INVALID: Lkey = Lkey(0x100);
}

impl GuestAddr {
    /// Address of something in this address space.
    pub fn of<T: ?Sized>(pointer: *const T) -> GuestAddr {
        GuestAddr(pointer.cast::<u8>() as usize as u64)
    }
}
