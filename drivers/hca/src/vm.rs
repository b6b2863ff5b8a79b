//! What the library OS offers to the program-side libraries in the same image.

use core::ffi::c_void;

/// Version of [`UnirankVm`].
pub const VM_VERSION: u32 = 2;

/// The RAM of another rank of the job as this VM sees it: its memory file, in which [`crate::ram`] knows the way.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VmWindow {
    /// Where the file's first byte is: the other rank's address 0.
    pub base: *mut u8,
    /// Bytes of its RAM.
    pub len: u64,
    /// [`VmWindow::PRESENT`] and [`VmWindow::WRITABLE`]; 0 where there is no window.
    pub flags: u32,
    /// Zero.
    pub pad: u32,
}

impl VmWindow {
    /// There is a window.
    pub const PRESENT: u32 = 1;
    /// It may be written; storing to another one is a memory fault.
    pub const WRITABLE: u32 = 2;
    /// No window.
    pub const NONE: VmWindow = VmWindow { base: core::ptr::null_mut(), len: 0, flags: 0, pad: 0 };
}

/// `struct unirank_vm` of the C interface. The kernel fills one and returns it from `unirank_vm()`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct UnirankVm {
    /// [`VM_VERSION`].
    pub version: u32,
    /// `sizeof(struct unirank_vm)` of the kernel; grows with later versions.
    pub size_of_struct: u32,
    /// The HCA's device region; null when the VM has no adapter.
    pub hca_region: *mut u8,
    /// Bytes of the region.
    pub hca_region_len: u64,
    /// RAM is `[0, ram_len)`, without the hole that [`crate::ram`] tells of.
    pub ram_len: u64,
    /// Frequency of the time stamp counter.
    pub tsc_hz: u64,
    /// Wakes the sleeping engine: a store to the ivshmem doorbell register, an exit.
    pub hca_wake: extern "C" fn(),
    /// Halts until an HCA interrupt or the timeout (ns); returns at once if an interrupt came since the last return.
    pub wait_event: extern "C" fn(timeout_ns: u64),
    /// Sends one line on the control console, verbatim.
    pub notify: extern "C" fn(text: *const u8, len: u64),
    /// Processors of the VM.
    pub cpus: u32,
    /// This rank's number among the ranks of the job on this host.
    pub rank: u32,
    /// The job region (its layout is the crate `unirank-ivc`'s); null when the VM has none.
    pub job_region: *mut u8,
    /// Bytes of the job region.
    pub job_region_len: u64,
    /// Windows by rank; null when there are none.
    pub windows: *const VmWindow,
    /// Entries at `windows`.
    pub window_count: u32,
    /// Ranks below this number can be woken by `ring_rank`.
    pub bells: u32,
    /// Wakes another rank's VM that halts in `wait_event`: a store to the ivshmem doorbell register, an exit. Does nothing
    /// for a rank that is not below `bells`.
    pub ring_rank: extern "C" fn(rank: u32),
    /// Threads that wait for other threads, without a deadline: at a lock, a condition variable or a join.
    pub blocked_threads: extern "C" fn() -> u32,
}

// SAFETY: a table of constants and functions that may be called from any thread; the regions are device memory that its
// users access atomically; the windows' table never changes.
unsafe impl Sync for UnirankVm {}

impl UnirankVm {
    /// The windows by rank.
    pub fn windows(&self) -> &[VmWindow] {
        if self.windows.is_null() {
            return &[];
        }
        // SAFETY: the kernel's table: `window_count` entries that live and stay as they are as long as the image.
        unsafe { core::slice::from_raw_parts(self.windows, self.window_count as usize) }
    }

    /// Sends one line on the control console.
    pub fn notify_line(&self, line: &str) {
        (self.notify)(line.as_ptr(), line.len() as u64);
    }
}

/// The VM this image runs in; `None` in native mode, in an image without a kernel (host tests), or when the kernel's
/// table is of another version.
pub fn current() -> Option<&'static UnirankVm> {
    let function: *const c_void;
    // SAFETY: only reads an entry of the global offset table. The symbol is weak: without a kernel in the link the entry is null.
    unsafe {
        core::arch::asm!(
            ".weak unirank_vm",
            "mov {}, qword ptr [rip + unirank_vm@GOTPCREL]",
            out(reg) function,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    if function.is_null() {
        return None;
    }
    // SAFETY: the only definition of `unirank_vm` is the kernel's, with this signature.
    let function: extern "C" fn() -> *const UnirankVm = unsafe { core::mem::transmute(function) };
    // SAFETY: the kernel returns null or a table that lives as long as the image.
    let vm = unsafe { function().as_ref() }?;
    (vm.version == VM_VERSION && vm.size_of_struct as usize >= size_of::<UnirankVm>()).then_some(vm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_has_the_layout_of_the_c_interface() {
        assert_eq!(core::mem::offset_of!(UnirankVm, hca_region), 8);
        assert_eq!(core::mem::offset_of!(UnirankVm, hca_wake), 40);
        assert_eq!(core::mem::offset_of!(UnirankVm, cpus), 64);
        assert_eq!(core::mem::offset_of!(UnirankVm, job_region), 72);
        assert_eq!(core::mem::offset_of!(UnirankVm, windows), 88);
        assert_eq!(core::mem::offset_of!(UnirankVm, ring_rank), 104);
        assert_eq!(core::mem::offset_of!(UnirankVm, blocked_threads), 112);
        assert_eq!(size_of::<UnirankVm>(), 120);
        assert_eq!(size_of::<VmWindow>(), 24);
    }

    #[test]
    fn without_a_kernel_there_is_no_vm() {
        assert!(current().is_none());
    }
}
