//! Whether an access lies in the target's part of a window, and where that is.

use super::place::Place;
use super::{Target, Window};
use crate::abi::{MPI_ERR_DISP, MPI_ERR_RMA_RANGE, MPI_WIN_FLAVOR_DYNAMIC};
use crate::datatype::Datatype;
use crate::error::{MpiError, Result};

impl Target {
    /// The place `offset` bytes into its part.
    fn place(&self, offset: i64) -> Place {
        if self.direct.is_null() && self.by_process {
            let address = self.address.wrapping_add_signed(offset);
            return Place::Process { world: self.owner, address };
        }
        if self.direct.is_null() {
            let (world, key) = (self.owner, self.key);
            return Place::Remote { world, address: self.address.wrapping_add_signed(offset), key };
        }
        Place::Direct(self.direct.wrapping_offset(offset as isize))
    }
}

impl Window {
    /// Where a buffer of `count` elements of `dt` at displacement `disp` of `target` starts. All of its bytes are in the
    /// target's part.
    pub fn locate(&self, target: &Target, disp: isize, count: usize, dt: &Datatype) -> Result<Place> {
        let (low, high) = dt.span(count)?;
        if self.flavor == MPI_WIN_FLAVOR_DYNAMIC {
            return self.locate_attached(target, disp, low, high);
        }
        if disp < 0 {
            let text = format!("negative displacement {disp} at rank {}", self.rank_of(target));
            return Err(MpiError::new(MPI_ERR_DISP, text));
        }
        let outside = || self.outside(target, disp, low, high);
        let offset = (disp as i64).checked_mul(target.unit).ok_or_else(outside)?;
        let first = offset.checked_add(low as i64).ok_or_else(outside)?;
        let end = offset.checked_add(high as i64).ok_or_else(outside)?;
        if first < 0 || end as u64 > target.size {
            return Err(outside());
        }
        Ok(target.place(offset))
    }

    /// The target's rank in the window.
    pub fn rank_of(&self, target: &Target) -> usize {
        self.comm.group().rank_of(target.world).unwrap_or(usize::MAX)
    }

    #[cold]
    fn outside(&self, target: &Target, disp: isize, low: isize, high: isize) -> MpiError {
        let text = format!(
            "bytes {low} to {high} from displacement {disp} are outside of the {} bytes (unit {}) of rank {} in {}",
            target.size,
            target.unit,
            self.rank_of(target),
            self.describe()
        );
        MpiError::new(MPI_ERR_RMA_RANGE, text)
    }
}
