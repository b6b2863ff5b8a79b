//! Counts in a rank's device region by which it knows that the launcher has done what it asked for on its control console.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use unirank_hca::region::control::{PREPARED, RECORDED};

/// Tells one rank. Each count has one thread that does.
#[derive(Clone, Debug)]
pub struct Answers {
    region: Arc<OwnedFd>,
}

impl Answers {
    /// In this device region.
    pub fn new(region: OwnedFd) -> Self {
        Self { region: Arc::new(region) }
    }

    /// A moment was recorded.
    pub fn recorded(&self) {
        self.count(RECORDED);
    }

    /// A request for large pages was seen to.
    pub fn prepared(&self) {
        self.count(PREPARED);
    }

    fn count(&self, offset: usize) {
        let offset = offset as u64;
        let mut bytes = [0; 4];
        // The file has the device region's size and cannot shrink; the count is the guest's business alone.
        if rustix::io::pread(&self.region, &mut bytes, offset) == Ok(4) {
            let count = u32::from_le_bytes(bytes).wrapping_add(1);
            let _ = rustix::io::pwrite(&self.region, &count.to_le_bytes(), offset);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::memory;

    #[test]
    fn each_answer_has_its_count_and_counts_wrap() {
        let region = memory::sealed("test", memory::REGION_SIZE).unwrap();
        rustix::io::pwrite(&region, &u32::MAX.to_le_bytes(), PREPARED as u64).unwrap();
        let answers = Answers::new(region.try_clone().unwrap());
        answers.recorded();
        answers.prepared();
        answers.prepared();
        let mut counts = [0; 8];
        rustix::io::pread(&region, &mut counts[..4], RECORDED as u64).unwrap();
        rustix::io::pread(&region, &mut counts[4..], PREPARED as u64).unwrap();
        assert_eq!(counts, [1, 0, 0, 0, 1, 0, 0, 0]);
    }
}
