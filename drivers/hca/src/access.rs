//! Access rights of memory regions and queue pairs: `enum ibv_access_flags` of `verbs.h`.

use core::ops::BitOr;

/// Set of rights. Local reads are always allowed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Access(u32);

impl Access {
    /// Local reads only.
    pub const NONE: Access = Access(0);
    /// The adapter may write for the owner (receives, RDMA read answers).
    pub const LOCAL_WRITE: Access = Access(1);
    /// Peers may write; needs [`Access::LOCAL_WRITE`].
    pub const REMOTE_WRITE: Access = Access(2);
    /// Peers may read.
    pub const REMOTE_READ: Access = Access(4);
    /// Peers may use atomics; needs [`Access::LOCAL_WRITE`].
    pub const REMOTE_ATOMIC: Access = Access(8);
    /// Every right there is.
    pub const ALL: Access = Access(15);

    /// The wire form.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// From the wire: `None` for unknown bits, or remote write or atomic without local write.
    pub const fn from_bits(bits: u32) -> Option<Access> {
        let changes = Access::REMOTE_WRITE.0 | Access::REMOTE_ATOMIC.0;
        if bits & !Access::ALL.0 != 0 || (bits & changes != 0 && bits & Access::LOCAL_WRITE.0 == 0) {
            return None;
        }
        Some(Access(bits))
    }

    /// Whether every right of `other` is in this set.
    pub const fn contains(self, other: Access) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Access {
    type Output = Access;
    fn bitor(self, other: Access) -> Access {
        Access(self.0 | other.0)
    }
}
