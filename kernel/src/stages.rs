//! When the stages of a boot ended, for `unirank run --boot-times`.

use alloc::string::String;
use core::fmt::Write;

use crate::cell::KernelCell;
use crate::{arch, time};

/// Most stages there are.
const MOST: usize = 16;

struct Stages {
    ended: [(&'static str, u64); MOST],
    count: usize,
}

static STAGES: KernelCell<Stages> = KernelCell::new(Stages { ended: [("", 0); MOST], count: 0 });

impl Stages {
    fn add(&mut self, name: &'static str, tsc: u64) {
        if let Some(entry) = self.ended.get_mut(self.count) {
            *entry = (name, tsc);
            self.count += 1;
        }
    }

    /// The launcher's line: the time stamp counter now, and at the end of each stage.
    fn line(&self, now: u64) -> String {
        let mut line = alloc::format!("boot {now}");
        for (name, tsc) in &self.ended[..self.count] {
            // A String takes everything.
            let _ = write!(line, " {name}={tsc}");
        }
        line
    }
}

/// Notes the stages before ring 3. `firmware` is the low half of the counter at the firmware's first instruction, as the
/// launcher's firmware leaves it; 0 from another.
pub fn begin(firmware: u32, ring3: u64) {
    // SAFETY: written once by the boot code.
    let entry = unsafe { (&raw const arch::k_boot_tsc).read() };
    let mut stages = STAGES.borrow();
    if firmware != 0 {
        stages.add("vm-start", first_instruction(entry, firmware));
    }
    stages.add(if firmware != 0 { "firmware" } else { "vm-start" }, entry);
    stages.add("entry", ring3);
}

/// The counter whose low half is known, at most 2^32 ticks before `later`.
fn first_instruction(later: u64, low: u32) -> u64 {
    later.saturating_sub(u64::from((later as u32).wrapping_sub(low)))
}

/// A stage ends now. `name` has no spaces.
pub fn end(name: &'static str) {
    STAGES.borrow().add(name, time::tsc());
}

/// Tells the launcher of all of them.
pub fn tell() {
    let line = STAGES.borrow().line(time::tsc());
    ctl!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_all_stages_in_order() {
        let mut stages = Stages { ended: [("", 0); MOST], count: 0 };
        stages.add("entry", 5);
        stages.add("memory", 7);
        assert_eq!(stages.line(9), "boot 9 entry=5 memory=7");
        (0..2 * MOST as u64).for_each(|tsc| stages.add("x", tsc));
        assert_eq!(stages.count, MOST);
    }

    #[test]
    fn half_a_counter_is_completed() {
        assert_eq!(first_instruction(0x5_0000_1000, 0x800), 0x5_0000_0800);
        assert_eq!(first_instruction(0x5_0000_1000, 0xffff_ff00), 0x4_ffff_ff00);
        assert_eq!(first_instruction(100, 200), 0);
    }
}
