//! Collective access to interleaved data: ranks exchange data so that each reads or writes one dense region.

use super::File;
use super::access::{Buffer, Direction, Moved};
use super::view::View;
use crate::error::Result;

impl File {
    /// Moves the data of all ranks. One whose arguments are wrong takes part, so that the others do not wait for it.
    ///
    /// # Safety
    /// The buffer is as the program says.
    pub unsafe fn transfer_together(
        &self,
        direction: Direction,
        view: &View,
        ready: Result<(Buffer, u64)>,
    ) -> Result<Moved> {
        let (buffer, start) = ready?;
        // SAFETY: the caller's promise.
        unsafe { self.transfer(direction, view, start, &buffer) }
    }
}
