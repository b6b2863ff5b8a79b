//! Where this rank runs: in a VM, as a native process, or alone; and what that place offers.
//!
//! The launcher tells rank and size in the environment (`UNIRANK_RANK`, `UNIRANK_SIZE`). The adapter comes from the library
//! OS in a VM and from `UNIRANK_NATIVE` in a process. A program that was not launched at all is the only rank.

mod clock;
mod ivc;
mod lines;
pub mod places;
mod processes;
pub mod threads;

pub use clock::now_ns;
pub use lines::{has_launcher, notify};

use crate::abi::MPI_ERR_OTHER;
use crate::check::Level;
use crate::error::{MpiError, Result, err};
use crate::node::Node;
use crate::p2p::engine::Choice;
use crate::transport::Channel;
use crate::transport::alone::Alone;
use crate::transport::hca::HcaChannel;
use std::rc::Rc;
use std::str::FromStr;
use unirank_hca::platform::{NativePlatform, VmPlatform};
use unirank_hca::{Platform, vm};

/// What a native process can have mapped (x86-64 Linux, without the first page and the last).
const USER_MEMORY: (u64, u64) = (0x1000, (1 << 47) - 0x2000);

/// Eager limit without `UNIRANK_EAGER`: with its header a message then fills a buffer of 8 KiB.
const EAGER: usize = (8 << 10) - crate::p2p::header::SHORT;

/// Seconds that a wait may be silent without `UNIRANK_DEADLOCK_S`.
const DEADLOCK_S: u64 = 60;

/// Settings of this rank from the environment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Rank in `MPI_COMM_WORLD`.
    pub rank: u32,
    /// Size of `MPI_COMM_WORLD`.
    pub size: u32,
    /// Nanoseconds that a wait polls before it sleeps (`UNIRANK_SPIN_US`, default 20).
    pub spin_ns: u64,
    /// There are more ranks on this host than processors for them (`UNIRANK_CROWDED`).
    pub crowded: bool,
    /// Largest eager message in bytes (`UNIRANK_EAGER`).
    pub eager: usize,
    /// Which way messages take (`UNIRANK_CHANNEL`).
    pub channel: Choice,
    /// Which mistakes are looked for (`UNIRANK_CHECK`).
    pub check: Level,
    /// Seconds that a wait may be silent before the launcher is told (`UNIRANK_DEADLOCK_S`); 0 is for ever.
    pub deadlock_s: u64,
}

fn number<T: FromStr>(get: &impl Fn(&str) -> Option<String>, name: &str, default: T) -> Result<T> {
    match get(name) {
        None => Ok(default),
        Some(text) => text.trim().parse().map_err(|_| {
            MpiError::new(MPI_ERR_OTHER, format!("the environment variable {name} is {text:?}, not a number"))
        }),
    }
}

impl Settings {
    /// Reads the environment.
    pub fn read() -> Result<Self> {
        Self::from(|name| std::env::var(name).ok())
    }

    fn from(get: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let rank = number(&get, "UNIRANK_RANK", 0)?;
        let size = number(&get, "UNIRANK_SIZE", 1)?;
        if rank >= size {
            return err(MPI_ERR_OTHER, format!("rank {rank} (UNIRANK_RANK) of {size} (UNIRANK_SIZE)"));
        }
        let spin_us: u64 = number(&get, "UNIRANK_SPIN_US", 20)?;
        let crowded = number(&get, "UNIRANK_CROWDED", 0u8)? != 0;
        let eager = number(&get, "UNIRANK_EAGER", EAGER)?.min(64 << 10);
        let channel = Choice::parse(&get("UNIRANK_CHANNEL").unwrap_or_default())?;
        let check = Level::of(number(&get, "UNIRANK_CHECK", 1)?);
        let deadlock_s = number(&get, "UNIRANK_DEADLOCK_S", DEADLOCK_S)?;
        let spin_ns = spin_us.saturating_mul(1000);
        Ok(Self { rank, size, spin_ns, crowded, eager, channel, check, deadlock_s })
    }
}

/// An adapter: its platform, and start and length of the memory that peers may read.
type Adapter = (Rc<dyn Platform>, (u64, u64));

/// The adapter of this rank; none when there is none.
fn adapter() -> Result<Option<Adapter>> {
    if let Some(vm) = vm::current() {
        crate::node::set_own_end(vm.ram_len);
        let platform = VmPlatform::new(vm);
        return Ok(platform.map(|platform| (Rc::new(platform) as Rc<dyn Platform>, (0, vm.ram_len))));
    }
    let Ok(descriptors) = std::env::var(unirank_hca::platform::native::ENVIRONMENT) else { return Ok(None) };
    // SAFETY: the launcher made the descriptors for this library and nothing else uses them; MPI is initialised once.
    match unsafe { NativePlatform::from_environment(&descriptors) } {
        Ok(platform) => Ok(Some((Rc::new(platform), USER_MEMORY))),
        Err(error) => err(MPI_ERR_OTHER, error.to_string()),
    }
}

/// Opens the way to the other ranks: by messages, and to those on this host through what they share.
pub fn connect(settings: &Settings) -> Result<(Box<dyn Channel>, Option<Node>)> {
    if settings.size == 1 {
        return Ok((Box::new(Alone), ivc::node(settings.rank, 1, Box::new(|_| ()))?));
    }
    let channel = channel(settings)?;
    let device = channel.device().clone();
    // A rank that cannot be woken looks by itself after a while; if it has ended, the adapter tells of that.
    let relay = move |rank| {
        let _ = device.wake_rank(unirank_hca::Rank(rank));
    };
    let node = ivc::node(settings.rank, settings.size, Box::new(relay))?;
    Ok((Box::new(channel), node))
}

fn channel(settings: &Settings) -> Result<HcaChannel> {
    let Some((platform, memory)) = adapter()? else {
        return err(
            MPI_ERR_OTHER,
            format!(
                "rank {} of {} has no adapter: start the program with unirank run",
                settings.rank, settings.size
            ),
        );
    };
    let channel = HcaChannel::open(platform, settings.eager, memory)?;
    let told = channel.rank_and_size();
    if told != (settings.rank, settings.size) {
        let (rank, size) = told;
        return err(
            MPI_ERR_OTHER,
            format!(
                "UNIRANK_RANK says rank {} of {}, the adapter {rank} of {size}",
                settings.rank, settings.size
            ),
        );
    }
    Ok(channel)
}

/// Gives the processor to another rank, if the place where this rank runs has a cheap way to do that: a process yields
/// (about 1 us), a VM would have to halt (30 us on some hosts) and be woken.
pub fn yielding() -> Option<fn()> {
    fn to_another() {
        // SAFETY: a system call without arguments.
        unsafe { libc::sched_yield() };
    }
    vm::current().is_none().then_some(to_another)
}

/// Name of the machine, for `MPI_Get_processor_name`.
pub fn host_name() -> String {
    let mut name = [0u8; 256];
    // SAFETY: a buffer of that length; the last byte stays 0.
    let outcome = unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) };
    let len = name.iter().position(|byte| *byte == 0).unwrap_or(0);
    match outcome {
        0 if len > 0 => String::from_utf8_lossy(&name[..len]).into_owned(),
        _ => "unknown".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Result<Settings> {
        Settings::from(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into()))
    }

    #[test]
    fn a_program_that_was_not_launched_is_the_only_rank() {
        let alone = Settings {
            rank: 0,
            size: 1,
            spin_ns: 20_000,
            crowded: false,
            eager: 8160,
            channel: Choice::Auto,
            check: Level::Usual,
            deadlock_s: 60,
        };
        assert_eq!(settings(&[]), Ok(alone));
    }

    #[test]
    fn the_launcher_is_believed_and_nonsense_is_named() {
        let pairs = [("UNIRANK_RANK", "3"), ("UNIRANK_SIZE", "4"), ("UNIRANK_SPIN_US", "0")];
        assert_eq!(settings(&pairs).map(|s| (s.rank, s.size, s.spin_ns)), Ok((3, 4, 0)));
        let crowded = |text| settings(&[("UNIRANK_CROWDED", text)]).map(|s| s.crowded);
        assert_eq!((crowded("1"), crowded("0")), (Ok(true), Ok(false)));
        let checks = settings(&[("UNIRANK_CHECK", "0"), ("UNIRANK_DEADLOCK_S", "2")]);
        assert_eq!(checks.map(|s| (s.check, s.deadlock_s)), Ok((Level::Off, 2)));
        for (pairs, named) in [
            (&[("UNIRANK_RANK", "4"), ("UNIRANK_SIZE", "4")][..], "rank 4"),
            (&[("UNIRANK_EAGER", "8k")][..], "UNIRANK_EAGER"),
        ] {
            assert!(settings(pairs).is_err_and(|error| error.text.contains(named)));
        }
    }
}
