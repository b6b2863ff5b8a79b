//! Where ranks run: how near two of them are, and what hardware they share.
//!
//! The launcher knows which cores it bound a rank to, and tells all ranks the places of all in `UNIRANK_PLACES`; the form is
//! described beside its writer, `unirank/src/run/places.rs`. Ranks of which nothing is told are on one host.

use crate::abi::MPI_ERR_OTHER;
use crate::error::{MpiError, Result};
use crate::per_rank::per_rank;
use std::cell::RefCell;
use std::rc::Rc;

use super::Settings;

/// Levels of a place.
pub const LEVELS: usize = Level::ALL.len();

/// What a place is made of, from the outermost to the innermost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of hwloc's objects")]
pub enum Level {
    Machine,
    Package,
    NumaNode,
    L3Cache,
    Core,
}

impl Level {
    /// All levels, the outermost first.
    pub const ALL: [Self; 5] = [Self::Machine, Self::Package, Self::NumaNode, Self::L3Cache, Self::Core];

    /// Its name as a type of hardware.
    pub fn resource(self) -> &'static str {
        match self {
            Self::Machine => "hwloc://Machine",
            Self::Package => "hwloc://Package",
            Self::NumaNode => "hwloc://NUMANode",
            Self::L3Cache => "hwloc://L3Cache",
            Self::Core => "hwloc://Core",
        }
    }

    /// The level of that name, which may lack the `hwloc://`.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.strip_prefix("hwloc://").unwrap_or(name);
        Self::ALL.into_iter().find(|level| level.resource().strip_prefix("hwloc://") == Some(name))
    }
}

/// The place of a rank: a number for each level that it does not leave, unique within the level above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place([Option<u32>; LEVELS]);

/// The place of a rank of which nothing is told.
const SOMEWHERE: Place = Place([Some(0), None, None, None, None]);

impl Place {
    /// The number at a level; none if the rank is in several there, or nobody knows.
    pub fn at(&self, level: usize) -> Option<u32> {
        self.0[level]
    }

    /// Whether it is known nowhere at that level and further in.
    pub fn ends_before(&self, level: usize) -> bool {
        self.0[level..].iter().all(Option::is_none)
    }

    /// How many levels two ranks do not share, as far as is known: 0 on one core, [`LEVELS`] on two hosts.
    pub fn distance(&self, other: &Self) -> u64 {
        let alike = self.0.iter().zip(&other.0).take_while(|(a, b)| a == b);
        (LEVELS - alike.filter(|(number, _)| number.is_some()).count()) as u64
    }

    /// Whether both ranks are in the same instance of a level.
    fn shares(&self, other: &Self, level: Level) -> bool {
        let level = level as usize;
        self.0[level].is_some() && self.0[..=level] == other.0[..=level]
    }

    fn parse(text: &str) -> Option<Self> {
        let mut numbers = [None; LEVELS];
        let mut places = numbers.iter_mut();
        for part in text.split('.') {
            let place = places.next()?;
            *place = if part == "-" { None } else { Some(number(part)?) };
        }
        Some(Self(numbers))
    }
}

/// A number of digits alone.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// The places in `text`, as many as there are ranks; no text says nothing.
fn parse(text: &str, ranks: usize) -> std::result::Result<Rc<[Place]>, String> {
    let mut all = Vec::new();
    for part in text.split(',').filter(|_| !text.is_empty()) {
        let (place, count) = match part.split_once('x') {
            Some((place, count)) => (place, number(count).filter(|count| *count > 0)),
            None => (part, Some(1)),
        };
        let Some((place, count)) = Place::parse(place).zip(count) else {
            return Err(format!("{part:?} is no place such as 0.1.1.4.12 or 0.1x8"));
        };
        let count = count as usize;
        if count > ranks - all.len() {
            return Err(format!("it has more places than there are ranks, {ranks}"));
        }
        all.resize(all.len() + count, place);
    }
    if !text.is_empty() && all.len() < ranks {
        return Err(format!("it has {} places for {ranks} ranks", all.len()));
    }
    Ok(all.into())
}

per_rank! { static TOLD: RefCell<Option<Rc<[Place]>>> = RefCell::new(None); }

/// Takes the places of so many ranks from a text, as the environment variable has it.
pub fn take(text: &str, ranks: usize) -> Result<()> {
    let places =
        parse(text, ranks).map_err(|why| MpiError::new(MPI_ERR_OTHER, format!("UNIRANK_PLACES: {why}")))?;
    TOLD.with(|told| *told.borrow_mut() = Some(places));
    Ok(())
}

/// Reads the environment, once.
pub fn read() -> Result<()> {
    if TOLD.with(|told| told.borrow().is_some()) {
        return Ok(());
    }
    // Text that is no Unicode is none of places either; the message shows what can be shown of it.
    let text = std::env::var_os("UNIRANK_PLACES").unwrap_or_default();
    take(&text.to_string_lossy(), Settings::read()?.size as usize)
}

/// The place of a rank in `MPI_COMM_WORLD`.
pub fn of(world: u32) -> Result<Place> {
    read()?;
    Ok(TOLD.with(|told| {
        told.borrow().as_ref().and_then(|all| all.get(world as usize).copied()).unwrap_or(SOMEWHERE)
    }))
}

/// The first rank in `MPI_COMM_WORLD` that uses the same instance of a level as `world`; none if that uses several, or
/// nobody knows.
pub fn first_beside(world: u32, level: Level) -> Result<Option<u32>> {
    let mine = of(world)?;
    for other in 0..=world {
        if of(other)?.shares(&mine, level) {
            return Ok(Some(other));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Place {
        Place::parse(text).expect("a place")
    }

    #[test]
    fn places_are_read_in_the_order_of_ranks() {
        let all = parse("0.1.1.4.12,0.1x2,1.-.3", 4).expect("places");
        assert_eq!(all[0], Place([Some(0), Some(1), Some(1), Some(4), Some(12)]));
        assert_eq!((all[1], all[2]), (place("0.1"), place("0.1.-.-.-")));
        assert_eq!(all[3], Place([Some(1), None, Some(3), None, None]));
        assert_eq!(parse("", 4).map(|all| all.len()), Ok(0));
    }

    #[test]
    fn anything_else_is_an_error_that_names_the_variable() {
        let bad = [
            ",",
            "0,",
            "0.1",
            "0,1,2",
            "0x3",
            "0x0,0,0",
            "0x",
            "x2",
            "0x2x1",
            "0.x2",
            "0..1,0",
            " 0,1",
            "0, 1",
            "+1,0",
            "-1,0",
            "a,b",
            "0.1.2.3.4.5,0",
            "4294967296,0",
            "0x99999999999,0",
            "0x4294967295",
            "\u{fffd}",
            "0;1",
            "--,0",
        ];
        for text in bad {
            let error = take(text, 2).expect_err(text);
            assert!(error.text.contains("UNIRANK_PLACES"), "{error}");
        }
        assert!(TOLD.with(|told| told.borrow().is_none()), "nothing is taken of them");
    }

    #[test]
    fn noise_never_panics() {
        let mut random = crate::transport::sim::Random(5);
        let signs = b"0123456789.,x- \xff";
        for _ in 0..20_000 {
            let length = random.below(12);
            let bytes: Vec<u8> =
                (0..length).map(|_| signs[random.below(signs.len() as u64) as usize]).collect();
            if let Ok(all) = parse(&String::from_utf8_lossy(&bytes), 3) {
                assert!(all.len() == 3 || bytes.is_empty(), "{bytes:?}");
            }
        }
    }

    #[test]
    fn distance_counts_what_is_not_known_to_be_shared() {
        let far = |a, b| place(a).distance(&place(b));
        assert_eq!((far("0.0.0.0.0", "0.0.0.0.0"), far("0.0.0.0.0", "0.0.0.0.1")), (0, 1));
        assert_eq!((far("0.0.0.0.0", "0.1.0.0.0"), far("0.0.0.0.0", "1.0.0.0.0")), (4, 5));
        assert_eq!(
            (far("0", "0"), far("0.1", "0")),
            (4, 4),
            "two anywhere on a host are far from each other"
        );
        assert_eq!((far("0.0.0.-.1", "0.0.0.-.1"), far("0.0.0.-.1", "0.0.0.-.2")), (1, 2));
    }

    #[test]
    fn ranks_find_those_beside_them() -> Result<()> {
        take("0.0,0.1,0.0,1.0,0", 5)?;
        let first = |world, level| first_beside(world, level);
        assert_eq!((first(2, Level::Package)?, first(1, Level::Package)?), (Some(0), Some(1)));
        assert_eq!((first(3, Level::Package)?, first(4, Level::Package)?), (Some(3), None));
        assert_eq!((first(4, Level::Machine)?, first(0, Level::Core)?), (Some(0), None));
        Ok(())
    }

    #[test]
    fn hardware_has_hwloc_s_names() {
        for level in Level::ALL {
            assert_eq!(Level::named(level.resource()), Some(level));
        }
        assert_eq!(Level::named("NUMANode"), Some(Level::NumaNode));
        for other in ["", "numanode", "hwloc://", "hwloc://hwloc://Core", "L2Cache"] {
            assert_eq!(Level::named(other), None, "{other}");
        }
    }
}
