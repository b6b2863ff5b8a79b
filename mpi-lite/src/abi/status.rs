//! `MPI_Status` (annex A.1): 32 bytes, of which the last five integers are the library's.

use core::ffi::c_int;

use super::constants;

/// What a completed receive, probe or test tells.
///
/// `MPI_internal` is ours to lay out: see [`MPI_Status::count_bytes`] and [`MPI_Status::cancelled`].
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(non_snake_case, reason = "fields carry their MPI names")]
pub struct MPI_Status {
    pub MPI_SOURCE: c_int,
    pub MPI_TAG: c_int,
    pub MPI_ERROR: c_int,
    pub MPI_internal: [c_int; 5],
}

const _: () = assert!(size_of::<MPI_Status>() == 32);

/// Indices into `MPI_internal`.
const COUNT_LOW: usize = 0;
const COUNT_HIGH: usize = 1;
const CANCELLED: usize = 2;

impl MPI_Status {
    /// The empty status of the standard (section 3.7.3): any source, any tag, no error, nothing received.
    pub const EMPTY: Self = Self {
        MPI_SOURCE: super::MPI_ANY_SOURCE,
        MPI_TAG: super::MPI_ANY_TAG,
        MPI_ERROR: super::MPI_SUCCESS,
        MPI_internal: [0; 5],
    };

    /// The status of a receive of a message of so many bytes.
    #[inline]
    pub const fn received(source: c_int, tag: c_int, bytes: u64) -> Self {
        let mut status = Self { MPI_SOURCE: source, MPI_TAG: tag, ..Self::EMPTY };
        status.set_count_bytes(bytes);
        status
    }

    /// The status of a receive from `MPI_PROC_NULL`.
    pub const PROC_NULL: Self =
        Self { MPI_SOURCE: super::MPI_PROC_NULL, MPI_TAG: super::MPI_ANY_TAG, ..Self::EMPTY };

    /// Bytes of data received (packed size, without gaps).
    #[inline]
    pub const fn count_bytes(&self) -> u64 {
        self.MPI_internal[COUNT_LOW] as u32 as u64 | (self.MPI_internal[COUNT_HIGH] as u32 as u64) << 32
    }

    /// Sets [`Self::count_bytes`].
    #[inline]
    pub const fn set_count_bytes(&mut self, bytes: u64) {
        self.MPI_internal[COUNT_LOW] = bytes as u32 as c_int;
        self.MPI_internal[COUNT_HIGH] = (bytes >> 32) as u32 as c_int;
    }

    /// Whether the operation was cancelled.
    #[inline]
    pub const fn cancelled(&self) -> bool {
        self.MPI_internal[CANCELLED] != 0
    }

    /// Sets [`Self::cancelled`].
    #[inline]
    pub const fn set_cancelled(&mut self, cancelled: bool) {
        self.MPI_internal[CANCELLED] = cancelled as c_int;
    }
}

/// `MPI_STATUS_IGNORE`.
pub const MPI_STATUS_IGNORE: *mut MPI_Status = core::ptr::null_mut();
/// `MPI_STATUSES_IGNORE`.
pub const MPI_STATUSES_IGNORE: *mut MPI_Status = core::ptr::null_mut();

constants!(F_STATUS: c_int {
    MPI_F_STATUS_SIZE = 8;
    MPI_F_SOURCE = 0;
    MPI_F_TAG = 1;
    MPI_F_ERROR = 2;
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_internal_fields_hold_any_count_and_the_cancel_flag() {
        let mut status = MPI_Status::EMPTY;
        for bytes in [0, 1, u32::MAX as u64, 1 << 40, u64::MAX] {
            status.set_count_bytes(bytes);
            assert_eq!(status.count_bytes(), bytes);
        }
        assert!(!status.cancelled());
        status.set_cancelled(true);
        assert!(status.cancelled());
        assert_eq!(status.count_bytes(), u64::MAX);
    }
}
