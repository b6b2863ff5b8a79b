//! Control variables: the knobs that the environment sets, and those that can be turned while the program runs.

use super::{Result, Width, new_handle};
use crate::abi::*;
use crate::coll::choose::{self, Collective};
use crate::p2p;
use crate::p2p::engine::Choice;
use crate::per_rank::per_rank;
use crate::platform::Settings;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::c_int;

/// A control variable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Knob {
    /// Which way messages take.
    Channel,
    /// Largest eager message.
    Eager,
    /// How long waits poll.
    Spin,
    /// Whether ranks share processors.
    Crowded,
    /// The algorithm of a collective.
    Algorithm(Collective),
}

/// All of them; the place is the index.
pub fn all() -> Vec<Knob> {
    let mut all = vec![Knob::Channel, Knob::Eager, Knob::Spin, Knob::Crowded];
    for rule in choose::RULES {
        let knob = Knob::Algorithm(rule.collective);
        if !all.contains(&knob) {
            all.push(knob);
        }
    }
    all
}

impl Knob {
    /// Its name.
    pub fn name(self) -> String {
        match self {
            Self::Channel => "UNIRANK_CHANNEL".into(),
            Self::Eager => "UNIRANK_EAGER".into(),
            Self::Spin => "UNIRANK_SPIN_US".into(),
            Self::Crowded => "UNIRANK_CROWDED".into(),
            Self::Algorithm(collective) => format!("UNIRANK_COLL_{}", choose::name(collective)),
        }
    }

    /// What it is for.
    pub fn description(self) -> String {
        match self {
            Self::Channel => {
                "the way that messages take; the environment variable of this name sets it".into()
            }
            Self::Eager => {
                "bytes of the largest message that is sent with its data; set by the environment".into()
            }
            Self::Spin => "microseconds that a wait polls, at most, before it sleeps".into(),
            Self::Crowded => "whether ranks share the processors of their host; the launcher knows".into(),
            Self::Algorithm(collective) => format!(
                "the algorithm of {}, for all ranks alike; it is not taken for calls that it cannot do",
                choose::name(collective)
            ),
        }
    }

    /// Where and when it may be written.
    pub fn scope(self) -> c_int {
        match self {
            Self::Channel | Self::Eager | Self::Crowded => MPI_T_SCOPE_CONSTANT,
            Self::Spin => MPI_T_SCOPE_LOCAL,
            Self::Algorithm(_) => MPI_T_SCOPE_ALL_EQ,
        }
    }

    /// For whom it is.
    pub fn verbosity(self) -> c_int {
        match self {
            Self::Channel => MPI_T_VERBOSITY_USER_BASIC,
            Self::Crowded => MPI_T_VERBOSITY_TUNER_DETAIL,
            _ => MPI_T_VERBOSITY_TUNER_BASIC,
        }
    }

    /// Its type.
    pub fn width(self) -> Width {
        match self {
            Self::Eager | Self::Spin => Width::Long,
            Self::Channel | Self::Crowded | Self::Algorithm(_) => Width::Int,
        }
    }

    /// The names of its values, if it is a choice.
    pub fn choices(&self) -> Vec<&'static str> {
        match self {
            Self::Channel => vec!["auto", "ivc", "hca", "switch"],
            Self::Crowded => vec!["no", "yes"],
            Self::Algorithm(collective) => {
                let rules = choose::RULES.iter().filter(|rule| rule.collective == *collective);
                std::iter::once("auto").chain(rules.map(|rule| rule.algorithm_name)).collect()
            }
            Self::Eager | Self::Spin => Vec::new(),
        }
    }

    /// Its value.
    pub fn read(self) -> Result<u64> {
        let settings = Settings::read().map_err(|_| MPI_T_ERR_NOT_ACCESSIBLE)?;
        Ok(match self {
            Self::Channel => match settings.channel {
                Choice::Auto => 0,
                Choice::Ivc => 1,
                Choice::Hca => 2,
                Choice::Switch(_) => 3,
            },
            Self::Eager => p2p::eager_limit().unwrap_or(settings.eager) as u64,
            Self::Spin => p2p::spin_ns().unwrap_or(settings.spin_ns) / 1000,
            Self::Crowded => settings.crowded.into(),
            Self::Algorithm(collective) => {
                let forced = choose::forced_name(collective).map_err(|_| MPI_T_ERR_NOT_ACCESSIBLE)?;
                forced.and_then(|name| self.choices().iter().position(|choice| *choice == name)).unwrap_or(0)
                    as u64
            }
        })
    }

    /// Sets it.
    pub fn write(self, value: u64) -> Result<()> {
        match self {
            Self::Channel | Self::Eager | Self::Crowded => Err(MPI_T_ERR_CVAR_SET_NEVER),
            // Before the engine starts the environment decides.
            Self::Spin => {
                p2p::set_spin_ns(value.saturating_mul(1000)).map_err(|_| MPI_T_ERR_CVAR_SET_NOT_NOW)
            }
            Self::Algorithm(collective) => {
                let choices = self.choices();
                let Some(name) = usize::try_from(value).ok().and_then(|value| choices.get(value)) else {
                    return Err(MPI_T_ERR_INVALID);
                };
                let name = Some(*name).filter(|_| value > 0);
                choose::force_one(collective, name).map_err(|_| MPI_T_ERR_CVAR_SET_NOT_NOW)
            }
        }
    }
}

per_rank! {
    static HANDLES: RefCell<BTreeMap<usize, Knob>> = const { RefCell::new(BTreeMap::new()) };
}

/// A handle on a variable.
pub fn open(knob: Knob) -> usize {
    let handle = new_handle();
    HANDLES.with(|handles| handles.borrow_mut().insert(handle, knob));
    handle
}

/// The variable of a handle.
pub fn get(handle: usize) -> Result<Knob> {
    HANDLES.with(|handles| handles.borrow().get(&handle).copied()).ok_or(MPI_T_ERR_INVALID_HANDLE)
}

/// Gives a handle back.
pub fn close(handle: usize) -> Result<()> {
    HANDLES.with(|handles| handles.borrow_mut().remove(&handle)).map(|_| ()).ok_or(MPI_T_ERR_INVALID_HANDLE)
}
