//! Clocks the program reads without a system call: the vDSO, whose code is in `arch/vdso.s`, and what it computes with.

use core::arch::global_asm;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

global_asm!(include_str!("arch/vdso.s"), options(att_syntax, raw));

unsafe extern "C" {
    /// The ELF header of the vDSO.
    static k_vdso: [u8; 64];
}

/// What the code computes with, as it is laid out there. It changes only while the program does not run.
#[repr(C, align(64))]
struct Clock {
    /// Nanoseconds per tick, 32.32 fixed point.
    factor: AtomicU64,
    /// TSC at boot.
    origin: AtomicU64,
    /// CLOCK_REALTIME then.
    realtime_ns: AtomicU64,
    /// Not 0: the number of the processor is always 0. With several only a system call knows it.
    one_cpu: AtomicU32,
}

#[unsafe(no_mangle)]
static k_vdso_clock: Clock = Clock {
    factor: AtomicU64::new(0),
    origin: AtomicU64::new(0),
    realtime_ns: AtomicU64::new(0),
    one_cpu: AtomicU32::new(0),
};

/// Tells the vDSO how ticks become nanoseconds; see `time::Scale`.
pub fn set_clock(factor: u64, origin: u64, realtime_ns: u64) {
    k_vdso_clock.factor.store(factor, Ordering::Relaxed);
    k_vdso_clock.origin.store(origin, Ordering::Relaxed);
    k_vdso_clock.realtime_ns.store(realtime_ns, Ordering::Relaxed);
}

/// Tells the vDSO how many processors there are.
pub fn set_cpus(cpus: u32) {
    k_vdso_clock.one_cpu.store(u32::from(cpus == 1), Ordering::Relaxed);
}

/// Where the vDSO's ELF header is, for the auxiliary vector.
pub fn address() -> u64 {
    &raw const k_vdso as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{SECOND, Scale, tsc};
    use std::collections::HashMap;

    /// The object as a dynamic linker sees it.
    struct Object(*const u8);

    impl Object {
        fn read<T: Copy>(&self, offset: u64) -> T {
            // SAFETY: offsets come from the object's own tables, which the tests check against its length.
            unsafe { self.0.add(offset as usize).cast::<T>().read_unaligned() }
        }

        fn headers(&self) -> Vec<(u32, u64, u64)> {
            let (table, count): (u64, u16) = (self.read(32), self.read(56));
            let header = |i| table + 56 * i;
            (0..u64::from(count))
                .map(|i| (self.read(header(i)), self.read(header(i) + 16), self.read(header(i) + 32)))
                .collect()
        }

        fn dynamic(&self) -> HashMap<u64, u64> {
            let (_, start, len) = self.headers().into_iter().find(|h| h.0 == 2).unwrap();
            (0..len / 16).map(|i| (self.read(start + 16 * i), self.read(start + 16 * i + 8))).collect()
        }

        fn string(&self, offset: u64) -> String {
            let at = self.dynamic()[&5] + offset;
            (at..).map(|i| self.read::<u8>(i)).take_while(|&b| b != 0).map(char::from).collect()
        }

        /// The value of a symbol of version LINUX_2.6, found through the hash table.
        fn symbol(&self, name: &str) -> Option<u64> {
            let dynamic = self.dynamic();
            let (hash, symbols, versions) = (dynamic[&4], dynamic[&6], dynamic[&0x6fff_fff0]);
            assert_eq!(self.read::<u32>(hash), 1, "buckets");
            let mut index = self.read::<u32>(hash + 8);
            while index != 0 {
                let entry = symbols + 24 * u64::from(index);
                if self.string(u64::from(self.read::<u32>(entry))) == name {
                    assert_eq!(self.read::<u16>(versions + 2 * u64::from(index)), 2);
                    return Some(self.read(entry + 8));
                }
                index = self.read(hash + 12 + 4 * u64::from(index));
            }
            None
        }

        fn function<F: Copy>(&self, name: &str) -> F {
            let address = self.0.wrapping_add(self.symbol(name).unwrap() as usize);
            // SAFETY: the function of this name, which has the C interface that the caller names.
            unsafe { core::mem::transmute_copy(&address) }
        }
    }

    fn object() -> Object {
        Object(address() as *const u8)
    }

    fn elf_hash(name: &str) -> u32 {
        name.bytes().fold(0, |h: u32, b| {
            let h = (h << 4).wrapping_add(u32::from(b));
            (h ^ (h >> 28 << 4)) & 0x0fff_ffff
        })
    }

    #[test]
    fn a_dynamic_linker_finds_the_functions_and_their_version() {
        let object = object();
        assert_eq!(object.read::<[u8; 6]>(0), *b"\x7fELF\x02\x01");
        let (kind, start, len) = object.headers()[0];
        assert_eq!((kind, start), (1, 0));
        for name in ["clock_gettime", "gettimeofday", "time", "clock_getres", "getcpu"] {
            assert!(object.symbol(&format!("__vdso_{name}")).is_some_and(|value| value < len), "{name}");
        }
        assert_eq!(object.symbol("clock_gettime"), None);
        let dynamic = object.dynamic();
        let second = dynamic[&0x6fff_fffc] + 28;
        assert_eq!(object.string(u64::from(object.read::<u32>(second + 20))), "LINUX_2.6");
        assert_eq!(object.read::<u32>(second + 8), elf_hash("LINUX_2.6"));
        assert_eq!(object.read::<u32>(second - 20), elf_hash(&object.string(dynamic[&14])));
    }

    /// One test, as there is one clock.
    #[test]
    fn clocks_agree_with_the_kernels() {
        let object = object();
        let clock_gettime: unsafe extern "C" fn(i32, *mut [i64; 2]) -> i32 =
            object.function("__vdso_clock_gettime");
        let gettimeofday: unsafe extern "C" fn(*mut [i64; 2], *mut [i32; 2]) -> i32 =
            object.function("__vdso_gettimeofday");
        let time: unsafe extern "C" fn(*mut i64) -> i64 = object.function("__vdso_time");
        let clock_getres: unsafe extern "C" fn(i32, *mut [i64; 2]) -> i32 =
            object.function("__vdso_clock_getres");
        let getcpu: unsafe extern "C" fn(*mut u32, *mut u32, usize) -> i32 = object.function("__vdso_getcpu");
        let mut at = [0i64; 2];
        let ns = |at: [i64; 2], unit| at[0] as u64 * SECOND + at[1] as u64 * unit;
        // SAFETY: all pointers are to locals of the right type, or null where that is allowed.
        unsafe {
            for (hz, ago, realtime) in
                [(2_596_000_000, 0, 1_800_000_000 * SECOND + 999_999_999), (1 << 20, 1 << 40, 0)]
            {
                let scale = Scale::new(hz, tsc() - ago, realtime);
                scale.publish();
                for (id, base) in [0, 5, 8, 11]
                    .map(|id| (id, realtime))
                    .into_iter()
                    .chain([1, 4, 6, 7, 9].map(|id| (id, 0)))
                {
                    let before = scale.ns(tsc());
                    assert_eq!(clock_gettime(id, &mut at), 0);
                    assert!(ns(at, 1) >= base + before && ns(at, 1) <= base + scale.ns(tsc()), "{id}");
                    assert!(at[1] < 1_000_000_000);
                    assert_eq!((clock_getres(id, &mut at), at), (0, [0, 1]));
                }
                let before = realtime + scale.ns(tsc());
                let mut zone = [7, 7];
                assert_eq!((gettimeofday(&mut at, &mut zone), zone), (0, [0, 0]));
                assert!(ns(at, 1000) >= before / 1000 * 1000 && at[1] < 1_000_000);
                let mut seconds = 0;
                assert_eq!(time(&mut seconds), seconds);
                assert!((seconds as u64).abs_diff(before / SECOND) <= 1);
                assert!(time(core::ptr::null_mut()) >= seconds);
            }
            // A time before the origin is the origin, as in the kernel.
            Scale::new(SECOND, u64::MAX, 5).publish();
            assert_eq!((clock_gettime(1, &mut at), at), (0, [0, 0]));
            assert_eq!((clock_gettime(0, &mut at), at), (0, [0, 5]));
            // The system under the test answers what is left to a system call.
            assert_eq!(clock_gettime(2, &mut at), 0);
            assert_eq!(clock_gettime(10, &mut at), -22);
            assert_eq!(clock_getres(12, &mut at), -22);
            set_cpus(1);
            let (mut cpu, mut node) = (7, 7);
            assert_eq!((getcpu(&mut cpu, &mut node, 0), cpu, node), (0, 0, 0));
            set_cpus(2);
            assert_eq!(getcpu(&mut cpu, core::ptr::null_mut(), 0), 0);
        }
    }
}
