//! Where ranks run on the host, by the cores that they are bound to: ranks are told, so that a topology whose ranks may be
//! reordered has its neighbours near to each other, and `MPI_Comm_split_type` knows who shares hardware.
//!
//! `UNIRANK_PLACES` has the place of each rank, in the order of ranks, separated by commas:
//!
//! ```text
//! places = place *("," place)
//! place  = number *4("." number) ["x" count]
//! ```
//!
//! A place is up to five numbers, from the outermost level to the innermost: host, package, NUMA node, L3 cache, core. A number
//! is decimal, or `-` for what the rank has several of, or nobody knows; at the end these are left out. `x` and a
//! count say that so many ranks in a row have that place: `0.0x4,0.1x4` is eight ranks on two packages.
//! `mpi-lite/src/platform/places.rs` reads it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// The environment variable.
pub const VARIABLE: &str = "UNIRANK_PLACES";

/// Levels of a place.
const LEVELS: usize = 5;

/// The number at each level, as far as it is known.
type Place = [Option<u32>; LEVELS];

/// The only host so far.
const HOST: Option<u32> = Some(0);

/// The processors of a host, as its sysfs tells.
#[derive(Debug)]
pub struct Host {
    cpus: PathBuf,
    /// NUMA nodes by number, and their processors.
    nodes: Vec<(u32, CpuList)>,
}

impl Host {
    /// Looks at the host whose sysfs is mounted at `sysfs`. What cannot be read there is not known.
    pub fn look(sysfs: &Path) -> Self {
        let system = sysfs.join("devices/system");
        let entries = std::fs::read_dir(system.join("node")).into_iter().flatten().flatten();
        let node = |entry: std::fs::DirEntry| {
            let number = entry.file_name().to_str()?.strip_prefix("node")?.parse().ok()?;
            Some((number, CpuList::read(&entry.path().join("cpulist"))?))
        };
        let mut nodes: Vec<_> = entries.filter_map(node).collect();
        nodes.sort_by_key(|(number, _)| *number);
        Self { cpus: system.join("cpu"), nodes }
    }

    /// What ranks are told, if there is anything to tell: `cores` are those of each rank.
    pub fn places(&self, cores: impl Iterator<Item = Vec<usize>>) -> Option<String> {
        let mut known = BTreeMap::new();
        let mut place_of = |&cpu: &usize| *known.entry(cpu).or_insert_with(|| self.place_of(cpu));
        let places: Vec<Place> = cores.map(|cores| common(cores.iter().map(&mut place_of))).collect();
        let tells = places.iter().any(|place| place[1..].iter().any(Option::is_some));
        tells.then(|| write(&places))
    }

    /// The place of one processor. A cache and a core have the number of their first processor: it is unique on the host.
    fn place_of(&self, cpu: usize) -> Place {
        let folder = self.cpus.join(format!("cpu{cpu}"));
        let topology = folder.join("topology");
        let package = number(&topology.join("physical_package_id"));
        let node = self.nodes.iter().find(|(_, list)| list.has(cpu)).map(|(number, _)| *number);
        let core = first_of(&topology.join("thread_siblings_list"), cpu);
        [HOST, package, node, l3_cache(&folder.join("cache"), cpu), core]
    }
}

/// Where all of these places are; without any, the rank may run anywhere on the host.
fn common(mut places: impl Iterator<Item = Place>) -> Place {
    let Some(mut common) = places.next() else { return [HOST, None, None, None, None] };
    for place in places {
        if let Some(level) = (0..LEVELS).find(|&level| place[level] != common[level]) {
            common[level..].fill(None);
        }
    }
    common
}

/// The first processor of those that share the L3 cache of `cpu`.
fn l3_cache(caches: &Path, cpu: usize) -> Option<u32> {
    let mut found = std::fs::read_dir(caches).ok()?.flatten().map(|entry| entry.path());
    let cache = found.find(|cache| number(&cache.join("level")) == Some(3))?;
    first_of(&cache.join("shared_cpu_list"), cpu)
}

/// The first processor in the list of a file, which must have `cpu`.
fn first_of(file: &Path, cpu: usize) -> Option<u32> {
    let list = CpuList::read(file).filter(|list| list.has(cpu))?;
    list.0.iter().map(|range| *range.start()).min()?.try_into().ok()
}

fn number(file: &Path) -> Option<u32> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// Processors as sysfs lists them: `0-3,8,10-11`.
#[derive(Debug, PartialEq, Eq)]
struct CpuList(Vec<RangeInclusive<usize>>);

impl CpuList {
    fn read(file: &Path) -> Option<Self> {
        Self::parse(std::fs::read_to_string(file).ok()?.trim())
    }

    fn parse(text: &str) -> Option<Self> {
        let range = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let range: RangeInclusive<usize> = first.parse().ok()?..=last.parse().ok()?;
            (!range.is_empty()).then_some(range)
        };
        // A NUMA node of memory alone has no processors.
        text.split(',').filter(|_| !text.is_empty()).map(range).collect::<Option<_>>().map(Self)
    }

    fn has(&self, cpu: usize) -> bool {
        self.0.iter().any(|range| range.contains(&cpu))
    }
}

/// The value of the variable.
fn write(places: &[Place]) -> String {
    let runs = places.chunk_by(|a, b| a == b).map(|run| {
        let known = run[0].iter().rposition(Option::is_some).map_or(1, |last| last + 1);
        let numbers = run[0][..known].iter().map(|n| n.map_or("-".to_owned(), |n| n.to_string()));
        let place = numbers.collect::<Vec<_>>().join(".");
        if run.len() == 1 { place } else { format!("{place}x{}", run.len()) }
    });
    runs.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(root: &Path, file: &str, text: impl AsRef<[u8]>) {
        let path = root.join("devices/system").join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// A made-up sysfs, which is gone after the test.
    struct Tree(PathBuf);

    impl Drop for Tree {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    /// Two packages of two NUMA nodes of two L3 caches of two cores: 16 processors, each with a second thread 16 further on.
    fn tree(test: &str) -> Tree {
        let root = Tree(std::env::temp_dir().join(format!("unirank-places-{test}-{}", std::process::id())));
        let at = &root.0;
        for cpu in 0..32 {
            let core = cpu % 16;
            let folder = format!("cpu/cpu{cpu}");
            put(at, &format!("{folder}/topology/physical_package_id"), format!("{}\n", core / 8));
            put(at, &format!("{folder}/topology/thread_siblings_list"), format!("{core},{}\n", core + 16));
            let l3 = core / 2 * 2;
            let shared = format!("{l3}-{},{}-{}\n", l3 + 1, l3 + 16, l3 + 17);
            for (index, level, list) in [(0, "1\n", format!("{cpu}\n")), (3, "3\n", shared)] {
                put(at, &format!("{folder}/cache/index{index}/level"), level);
                put(at, &format!("{folder}/cache/index{index}/shared_cpu_list"), list);
            }
        }
        for node in 0..4 {
            let first = node * 4;
            let list = format!("{first}-{},{}-{}\n", first + 3, first + 16, first + 19);
            put(at, &format!("node/node{node}/cpulist"), list);
        }
        put(at, "node/node4/cpulist", "\n");
        put(at, "node/possible", "0-4\n");
        root
    }

    fn places(root: &Path, cores: &[&[usize]]) -> Option<String> {
        Host::look(root).places(cores.iter().map(|cores| cores.to_vec()))
    }

    #[test]
    fn each_level_is_read() {
        let root = tree("levels");
        let cores: [&[usize]; 5] = [&[0], &[1], &[2], &[13], &[29]];
        assert_eq!(
            places(&root.0, &cores),
            Some("0.0.0.0.0,0.0.0.0.1,0.0.0.2.2,0.1.3.12.13x2".into()),
            "the last two are threads of one core"
        );
    }

    #[test]
    fn several_cores_have_in_common_what_is_outside_of_them() {
        let root = tree("several");
        let cores: [&[usize]; 6] = [&[0, 16], &[0, 1], &[0, 3], &[4, 7, 0], &[7, 8], &[]];
        assert_eq!(places(&root.0, &cores), Some("0.0.0.0.0,0.0.0.0,0.0.0,0.0,0x2".into()));
    }

    #[test]
    fn nothing_is_told_when_nothing_is_known() {
        let root = tree("nothing");
        assert_eq!(places(&root.0, &[&[], &[]]), None);
        assert_eq!(places(&root.0, &[&[0, 15], &[]]), None);
        assert_eq!(places(Path::new("/does/not/exist"), &[&[0], &[1]]), None);
        assert_eq!(places(&root.0, &[&[99], &[100]]), None);
        assert_eq!(places(&root.0, &[]), None);
    }

    #[test]
    fn what_is_missing_or_garbage_is_not_known() {
        let root = tree("missing");
        let at = &root.0;
        std::fs::remove_dir_all(at.join("devices/system/cpu/cpu0/cache")).unwrap();
        put(at, "cpu/cpu1/topology/physical_package_id", "-1\n");
        put(at, "cpu/cpu2/cache/index3/shared_cpu_list", "4-5\n");
        put(at, "cpu/cpu3/topology/thread_siblings_list", b"\xff\xfe");
        put(at, "cpu/cpu4/cache/index3/level", "three");
        put(at, "node/node1/cpulist", "7-4\n");
        let cores: [&[usize]; 5] = [&[0], &[1], &[2], &[3], &[4]];
        let expected = "0.0.0.-.0,0.-.0.0.1,0.0.0.-.2,0.0.0.2,0.0.-.-.4";
        assert_eq!(places(at, &cores), Some(expected.into()));
        std::fs::remove_dir_all(at.join("devices/system/node")).unwrap();
        assert_eq!(places(at, &[&[8]]), Some("0.1.-.8.8".into()));
    }

    #[test]
    fn lists_of_processors() {
        let parse = CpuList::parse;
        assert_eq!(parse("0-3,8"), Some(CpuList(vec![0..=3, 8..=8])));
        assert_eq!(parse(""), Some(CpuList(vec![])));
        for bad in [",", "0,", "3-1", "a", "1-", "-1", "1-2-3", "0x1", "0 1", "99999999999999999999"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn this_host_has_places() {
        let allowed = crate::run::spawn::allowed_cores();
        let told = Host::look(Path::new("/sys")).places(allowed.iter().map(|&core| vec![core]));
        assert!(told.is_none_or(|text| text.starts_with("0.")));
    }
}
