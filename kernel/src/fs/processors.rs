//! What /proc and /sys say of the processors: one package whose cores have one thread each, and one NUMA node.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::arch::x86_64::__cpuid;
use core::fmt::Write;

use crate::cpu::{self, leaf};

/// Names of CPUID's feature bits as Linux has them in /proc/cpuinfo (arch/x86/include/asm/cpufeatures.h), those that
/// programs choose their code by: leaf, subleaf, register (0 to 3 for EAX to EDX), then the names of bits from 0 on.
const FEATURES: [(u32, u32, usize, &str); 6] = [
    (
        1,
        0,
        3,
        "fpu - - pse tsc msr pae - cx8 apic - - - pge - cmov pat - - clflush - - - mmx fxsr sse \
         sse2 - ht",
    ),
    (0x8000_0001, 0, 3, "- - - - - - - - - - - syscall - - - - - - - - nx - - - - - pdpe1gb rdtscp - lm"),
    (
        1,
        0,
        2,
        "pni pclmulqdq - - - - - - - ssse3 - - fma cx16 - - - - - sse4_1 sse4_2 x2apic movbe popcnt \
         tsc_deadline_timer aes xsave - avx f16c rdrand hypervisor",
    ),
    (0x8000_0001, 0, 2, "lahf_lm - - - - abm sse4a - 3dnowprefetch - - xop - - - - fma4"),
    (
        7,
        0,
        1,
        "fsgsbase - - bmi1 - avx2 - - bmi2 erms - - - - - - avx512f avx512dq rdseed adx - \
         avx512ifma - clflushopt clwb - - - avx512cd sha_ni avx512bw avx512vl",
    ),
    (
        7,
        0,
        2,
        "- avx512vbmi - - - - avx512_vbmi2 - gfni vaes vpclmulqdq avx512_vnni avx512_bitalg - \
         avx512_vpopcntdq - - - - - - - rdpid",
    ),
];

/// A processor cache, from CPUID's leaf of deterministic cache parameters.
#[derive(Debug, PartialEq, Eq)]
struct Cache {
    level: u32,
    kind: &'static str,
    line: u32,
    ways: u32,
    sets: u32,
}

/// Names of the features the program can use.
fn flags() -> String {
    let mut text = String::new();
    for (number, sub, register, names) in FEATURES {
        let Some(registers) = leaf(number, sub) else { continue };
        let names = names.split_whitespace().enumerate();
        for (_, name) in names.filter(|&(bit, name)| name != "-" && registers[register] >> bit & 1 != 0) {
            let _ = write!(text, "{name} ");
        }
    }
    text
}

impl Cache {
    /// Reads one leaf's registers (Intel SDM volume 2, CPUID leaf 4; AMD APM volume 3, leaf 8000001Dh).
    fn of([a, b, c, _]: [u32; 4]) -> Option<Self> {
        let kind = match a & 0x1f {
            1 => "Data",
            2 => "Instruction",
            3 => "Unified",
            _ => return None,
        };
        Some(Self {
            level: a >> 5 & 7,
            kind,
            line: (b & 0xfff) + 1,
            ways: (b >> 22) + 1,
            sets: c.checked_add(1)?,
        })
    }

    fn bytes(&self) -> u64 {
        u64::from(self.line) * u64::from(self.ways) * u64::from(self.sets)
    }
}

/// The caches of a processor.
fn caches() -> Vec<Cache> {
    let is_amd = __cpuid(0).ebx == u32::from_le_bytes(*b"Auth");
    let number = if is_amd { 0x8000_001d } else { 4 };
    (0..8).map_while(|sub| leaf(number, sub).and_then(Cache::of)).collect()
}

/// The last cache's size in KiB.
fn cache_kib() -> u64 {
    caches().iter().max_by_key(|cache| cache.level).map_or(0, |cache| cache.bytes() >> 10)
}

/// Text of /proc/cpuinfo.
pub fn cpuinfo() -> Vec<u8> {
    let bytes = |words: [u32; 3]| words.map(u32::to_le_bytes).concat();
    let id = __cpuid(0);
    let vendor = bytes([id.ebx, id.edx, id.ecx]);
    let version = __cpuid(1).eax;
    let (family, model, stepping) =
        (version >> 8 & 0xf, version >> 4 & 0xf | version >> 12 & 0xf0, version & 0xf);
    let family = if family == 15 { family + (version >> 20 & 0xff) } else { family };
    let brand: Vec<u8> = (0x8000_0002..=0x8000_0004)
        .filter_map(|number| leaf(number, 0))
        .flat_map(|r| r.map(u32::to_le_bytes).concat())
        .take_while(|&b| b != 0)
        .collect();
    let [vendor, brand] = [&vendor, &brand].map(|text| String::from_utf8_lossy(text).trim().to_string());
    let mhz = crate::time::tsc_hz() as f64 / 1e6;
    let (flags, cache, cores) = (flags(), cache_kib(), cpu::count());
    let sizes = leaf(0x8000_0008, 0).map_or(0, |r| r[0]);
    let mut text = String::new();
    for n in 0..cores {
        let _ = write!(
            text,
            "processor\t: {n}\nvendor_id\t: {vendor}\ncpu family\t: {family}\nmodel\t\t: {model}\nmodel name\t: {brand}\nstepping\t: {stepping}\ncpu MHz\t\t: {mhz:.3}\ncache size\t: {cache} KB\nphysical id\t: 0\nsiblings\t: {cores}\ncore id\t\t: {n}\ncpu cores\t: {cores}\napicid\t\t: {n}\nfpu\t\t: yes\nflags\t\t: {}\nbogomips\t: {:.2}\nclflush size\t: {}\naddress sizes\t: {} bits physical, {} bits virtual\n\n",
            flags.trim_end(),
            2.0 * mhz,
            __cpuid(1).ebx >> 5 & 0x7f8,
            sizes & 0xff,
            sizes >> 8 & 0xff,
        );
    }
    text.into_bytes()
}

/// A list of the first `count` numbers, as /sys has it: "0" or "0-3".
fn list(count: usize) -> String {
    if count == 1 { "0\n".into() } else { format!("0-{}\n", count - 1) }
}

/// A set of numbers, as /sys has it: words of 32 bits in hexadecimal, the highest first.
fn mask(bits: u64, count: usize) -> String {
    if count <= 32 {
        let digits = count.div_ceil(4);
        return format!("{bits:0digits$x}\n");
    }
    let digits = (count - 32).div_ceil(4);
    format!("{:0digits$x},{:08x}\n", bits >> 32, bits as u32)
}

/// Files of /sys and what is in them, for a number of processors; they do not change while the rank runs.
pub fn files(count: usize, mut put: impl FnMut(&str, &str)) {
    let (all, everyone) = (list(count), mask(u64::MAX >> (64 - count), count));
    let cpus = "/sys/devices/system/cpu";
    let node = "/sys/devices/system/node";
    for name in ["online", "possible", "present"] {
        put(&format!("{cpus}/{name}"), &all);
        put(&format!("{node}/{name}"), "0\n");
    }
    put(&format!("{cpus}/offline"), "\n");
    put(&format!("{cpus}/kernel_max"), &format!("{}\n", cpu::MAX - 1));
    put(&format!("{node}/node0/cpulist"), &all);
    put(&format!("{node}/node0/cpumap"), &everyone);
    put(&format!("{node}/node0/distance"), "10\n");
    let caches = caches();
    for n in 0..count {
        let (own, bit) = (format!("{n}\n"), mask(1 << n, count));
        let mut topology = |name: &str, text: &str| put(&format!("{cpus}/cpu{n}/topology/{name}"), text);
        for name in ["physical_package_id", "die_id"] {
            topology(name, "0\n");
        }
        topology("core_id", &own);
        for name in ["thread_siblings", "core_cpus"] {
            topology(name, &bit);
            topology(&format!("{name}_list"), &own);
        }
        for name in ["core_siblings", "package_cpus"] {
            topology(name, &everyone);
            topology(&format!("{name}_list"), &all);
        }
        for (i, cache) in caches.iter().enumerate() {
            let mut put = |name: &str, text: &str| put(&format!("{cpus}/cpu{n}/cache/index{i}/{name}"), text);
            put("level", &format!("{}\n", cache.level));
            put("type", &format!("{}\n", cache.kind));
            put("size", &format!("{}K\n", cache.bytes() >> 10));
            put("coherency_line_size", &format!("{}\n", cache.line));
            put("ways_of_associativity", &format!("{}\n", cache.ways));
            put("number_of_sets", &format!("{}\n", cache.sets));
            // The third level is the package's, the others a core's.
            let (map, list) = if cache.level >= 3 { (&everyone, &all) } else { (&bit, &own) };
            put("shared_cpu_map", map);
            put("shared_cpu_list", list);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpuinfo_names_one_processor() {
        let text = String::from_utf8(cpuinfo()).unwrap();
        assert_eq!(text.matches("processor\t:").count(), 1);
        assert!(text.contains("vendor_id\t: ") && text.contains(" sse2 ") && text.ends_with("\n\n"));
    }

    #[test]
    fn sets_of_processors() {
        assert_eq!((list(1).as_str(), list(4).as_str()), ("0\n", "0-3\n"));
        assert_eq!(mask(1, 1), "1\n");
        assert_eq!(mask(0x3f, 6), "3f\n");
        assert_eq!(mask(1, 6), "01\n");
        assert_eq!(mask(1 << 33 | 5, 40), "02,00000005\n");
        assert_eq!(mask(u64::MAX, 64), "ffffffff,ffffffff\n");
    }

    #[test]
    fn caches_from_cpuid() {
        // 32 KiB, 8 ways, of a core: an example of the manual's.
        let cache = Cache::of([0x121, 7 << 22 | 63, 63, 0]).unwrap();
        assert_eq!(cache, Cache { level: 1, kind: "Data", line: 64, ways: 8, sets: 64 });
        assert_eq!(cache.bytes(), 32 << 10);
        assert_eq!(Cache::of([0; 4]), None);
    }

    #[test]
    fn each_processor_has_its_files() {
        let mut names = Vec::new();
        files(2, |name, text| {
            assert!(text.ends_with('\n'), "{name}");
            names.push(name.to_string());
        });
        assert!(names.contains(&"/sys/devices/system/cpu/cpu1/topology/core_id".into()));
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count, "a file twice");
    }
}
