//! Which mistakes of the program are looked for, and when? `docs/errors-of-use.md` lists all for users.
//!
//! | file | mistake |
//! |---|---|
//! | [`types`] | a message of one type received as another |
//! | [`overlap`] | a buffer that is received into while another operation uses it |
//! | [`left`] | operations not completed and objects not freed at the end |
//! | [`silence`] | ranks that wait for each other for ever |
//! | [`current`] | none: it knows in which function a rank is, for reports |
//!
//! Arguments of single calls are checked where they are used ([`crate::c`], [`crate::handle`]); here is what takes two calls or
//! two ranks. What a check costs where nothing is wrong is a comparison or two; `unirank bench checks` measures it. The user
//! chooses with `UNIRANK_CHECK`, see [`Level`].

pub mod current;
pub mod left;
pub mod overlap;
pub mod silence;
pub mod types;

pub use types::TypeCode;

use crate::p2p::matching::Envelope;
use crate::per_rank::per_rank;
use std::cell::Cell;

/// How much is looked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// Nothing that this module knows of.
    Off,
    /// What is wrong by the standard and goes wrong in practice.
    Usual,
    /// What is only untidy, too.
    Strict,
}

impl Level {
    /// The level of a number, as `UNIRANK_CHECK` has it; more than there are is the last.
    pub fn of(number: u8) -> Self {
        match number {
            0 => Self::Off,
            1 => Self::Usual,
            _ => Self::Strict,
        }
    }
}

per_rank! { static LEVEL: Cell<Level> = Cell::new(Level::Usual); }

/// Sets what is looked for.
pub fn set_level(level: Level) {
    LEVEL.with(|cell| cell.set(level));
}

/// What is looked for.
pub fn level() -> Level {
    LEVEL.with(Cell::get)
}

/// Where a message comes from, in words.
fn origin(envelope: &Envelope) -> String {
    let Envelope { context, source, tag, .. } = *envelope;
    let comm = crate::comm::describe_context(context);
    if crate::comm::is_collective(context) {
        return format!("from rank {source} in a collective on {comm}");
    }
    format!("from rank {source} with tag {tag} on {comm}")
}
