//! Which environment variables a rank gets: the runner's own, as `mpiexec` users expect, without those that mean
//! nothing or harm in an image.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use super::options::RunOptions;

/// Longest `NAME=value` passed on, bytes: Linux's own limit for one string.
const LONGEST: usize = 128 << 10;
/// Most bytes of environment passed on.
const MOST: usize = 1 << 20;

/// How long a waiting rank spins, microseconds, when each has a processor of its own: it disturbs nobody, and sleeping
/// costs two interrupts (half round trip of two KVM ranks on two processors: 42 to 50 us with it, 190 to 260 us with
/// 20; `unirank bench --only messages`). With more ranks than processors the library's default of 20 holds: four
/// ranks on two processors are three times slower with 1000.
const SPIN_US: &str = "1000";

/// What the runner says to each rank about itself.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// Rank in the job.
    pub rank: u32,
    /// Ranks in the job.
    pub size: u32,
    /// The backend's number of the job.
    pub job: u64,
}

/// The environment all ranks share, and the names that were left out for their size.
pub fn shared(options: &RunOptions) -> (BTreeMap<OsString, OsString>, Vec<String>) {
    select(options, std::env::vars_os())
}

fn select(
    options: &RunOptions,
    own: impl Iterator<Item = (OsString, OsString)>,
) -> (BTreeMap<OsString, OsString>, Vec<String>) {
    let own: BTreeMap<OsString, OsString> = own.collect();
    let (mut taken, mut left_out, mut total) = (BTreeMap::new(), Vec::new(), 0);
    if options.pass_env {
        for (key, value) in own.iter().filter(|(k, _)| is_passed(k)) {
            let length = key.len() + value.len() + 2;
            if length > LONGEST || total + length > MOST {
                left_out.push(key.to_string_lossy().into_owned());
            } else {
                total += length;
                taken.insert(key.clone(), value.clone());
            }
        }
    }
    if options.boot_times {
        taken.insert("UNIRANK_BOOT_TIMES".into(), "1".into());
    }
    for (key, value) in &options.env {
        if let Some(value) = value.as_ref().or_else(|| own.get(key)) {
            taken.insert(key.clone(), value.clone());
        }
    }
    (taken, left_out)
}

/// Whether a variable of the runner means something to a rank.
fn is_passed(key: &OsStr) -> bool {
    let key = key.as_bytes();
    // An image is static: the dynamic loader's variables are noise. `_` is the runner's own path. A launcher around
    // us says which rank *we* are, and where; a rank must not take that for itself.
    let foreign: [&[u8]; 9] = [
        b"LD_",
        b"PMI_",
        b"PMIX_",
        b"OMPI_COMM_WORLD_",
        b"UNIRANK_BOOT_TIMES",
        b"UNIRANK_NATIVE",
        b"UNIRANK_IVC",
        b"UNIRANK_PLACES",
        b"UNIRANK_CTL_FD",
    ];
    !key.is_empty() && key != b"_" && !key.contains(&b'=') && !foreign.iter().any(|f| key.starts_with(f))
}

/// Adds what tells a rank who it is, and how to wait on a host of so many processors.
pub fn with_identity(
    shared: &BTreeMap<OsString, OsString>,
    id: Identity,
    processors: usize,
) -> Vec<(OsString, OsString)> {
    let mut env = shared.clone();
    // All ranks are on this host: the local numbers are the global ones.
    for (key, value) in [
        ("UNIRANK_RANK", u64::from(id.rank)),
        ("UNIRANK_SIZE", id.size.into()),
        ("UNIRANK_JOB", id.job),
        ("UNIRANK_LOCAL_RANK", id.rank.into()),
        ("UNIRANK_LOCAL_SIZE", id.size.into()),
    ] {
        env.insert(key.into(), value.to_string().into());
    }
    if id.size as usize <= processors {
        env.entry("UNIRANK_SPIN_US".into()).or_insert(SPIN_US.into());
    } else {
        env.entry("UNIRANK_CROWDED".into()).or_insert("1".into());
    }
    env.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> impl Iterator<Item = (OsString, OsString)> {
        let huge = "x".repeat(LONGEST);
        [
            ("HOME", "/root"),
            ("LD_PRELOAD", "a.so"),
            ("_", "/bin/unirank"),
            ("PMI_RANK", "7"),
            ("UNIRANK_RANK", "9"),
            ("UNIRANK_PLACES", "0.0x8"),
            ("UNIRANK_SPIN_US", "3"),
            ("HUGE", huge.as_str()),
        ]
        .map(|(k, v)| (k.into(), v.into()))
        .into_iter()
    }

    #[test]
    fn passes_what_means_something() {
        let mut options = RunOptions::new("app", 2);
        options.env =
            vec![("A".into(), Some("b".into())), ("LD_PRELOAD".into(), None), ("GONE".into(), None)];
        let (env, left_out) = select(&options, own());
        assert_eq!(left_out, ["HUGE"]);
        let env = with_identity(&env, Identity { rank: 1, size: 2, job: 5 }, 2);
        let get = |k: &str| env.iter().find(|(key, _)| key == k).map(|(_, v)| v.to_str().unwrap());
        assert_eq!(get("HOME"), Some("/root"));
        assert_eq!(get("UNIRANK_SPIN_US"), Some("3"));
        assert_eq!(get("UNIRANK_RANK"), Some("1"));
        assert_eq!(get("A"), Some("b"));
        assert_eq!(get("LD_PRELOAD"), Some("a.so"), "asked for by name");
        assert_eq!((get("PMI_RANK"), get("_"), get("GONE")), (None, None, None));
        assert_eq!(get("UNIRANK_PLACES"), None, "those of another job");
    }

    #[test]
    fn ranks_spin_longer_on_processors_of_their_own() {
        let told = |name: &str, processors| {
            let id = Identity { rank: 0, size: 4, job: 1 };
            let env = with_identity(&BTreeMap::new(), id, processors);
            env.into_iter().find(|(k, _)| k == name).map(|(_, v)| v)
        };
        let (spin, crowded) = (|n| told("UNIRANK_SPIN_US", n), |n| told("UNIRANK_CROWDED", n));
        assert_eq!((spin(2), spin(4)), (None, Some(SPIN_US.into())));
        assert_eq!((crowded(2), crowded(4)), (Some("1".into()), None));
    }

    #[test]
    fn none_of_ours_when_not_wanted() {
        let mut options = RunOptions::new("app", 2);
        options.pass_env = false;
        options.env = vec![("HOME".into(), None)];
        let (env, _) = select(&options, own());
        assert_eq!(env.keys().collect::<Vec<_>>(), ["HOME"]);
    }
}
