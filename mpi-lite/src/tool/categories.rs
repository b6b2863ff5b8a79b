//! Categories: the variables by what they are about. They do not change, and none contains another.

use super::cvars::{self, Knob};
use super::{Result, at, pvars};
use crate::abi::MPI_T_ERR_INVALID_NAME;
use std::ffi::c_int;

/// A category.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Category {
    /// Messages and the ways they take.
    Messages,
    /// Queues of receives and messages.
    Queues,
    /// Collective operations.
    Collectives,
    /// Waiting.
    Waiting,
}

/// All of them; the place is the index.
pub const ALL: [Category; 4] =
    [Category::Messages, Category::Queues, Category::Collectives, Category::Waiting];

/// The category of an index.
pub fn get(index: c_int) -> Result<Category> {
    at(&ALL, index).copied()
}

/// The index of a name.
pub fn index(name: &str) -> Result<usize> {
    ALL.iter().position(|category| category.name() == name).ok_or(MPI_T_ERR_INVALID_NAME)
}

impl Category {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Queues => "queues",
            Self::Collectives => "collectives",
            Self::Waiting => "waiting",
        }
    }

    /// What it is about.
    pub fn description(self) -> &'static str {
        match self {
            Self::Messages => "messages between ranks, and the ways that they take",
            Self::Queues => "receives and messages that wait for each other",
            Self::Collectives => "collective operations and their algorithms",
            Self::Waiting => "how long ranks wait, and how",
        }
    }

    /// Indices of its control variables.
    pub fn cvars(self) -> Vec<c_int> {
        let of = |knob: &Knob| match knob {
            Knob::Channel | Knob::Eager => Self::Messages,
            Knob::Spin | Knob::Crowded => Self::Waiting,
            Knob::Algorithm(_) => Self::Collectives,
        };
        let all = cvars::all();
        (0..).zip(&all).filter(|(_, knob)| of(knob) == self).map(|(index, _)| index).collect()
    }

    /// Indices of its performance variables.
    pub fn pvars(self) -> Vec<c_int> {
        let of = |name: &str| match name {
            "node_collectives" | "message_collectives" | "team_operations" => Self::Collectives,
            "blocked_ns" | "asleep_ns" | "sleeps" | "wake_ups" => Self::Waiting,
            _ if name.starts_with("unexpected") || name.starts_with("posted") => Self::Queues,
            _ => Self::Messages,
        };
        (0..).zip(pvars::all()).filter(|(_, pvar)| of(pvar.name) == self).map(|(index, _)| index).collect()
    }
}
