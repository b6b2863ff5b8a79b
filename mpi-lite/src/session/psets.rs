//! The sets of processes that a session knows by name.

use crate::Result;
use crate::abi::{MPI_ERR_ARG, MPI_Session};
use crate::error::err;
use crate::group::Group;
use crate::init::{World, world};

/// The names: all processes of the job, this process, and those that share memory with it.
const NAMES: [&str; 3] = ["mpi://WORLD", "mpi://SELF", "mpi://SHARED"];

/// The names of all sets.
pub fn names() -> &'static [&'static str] {
    &NAMES
}

/// Ranks in `MPI_COMM_WORLD` of the processes in a set; none if there is no such set.
fn members(name: &str) -> Option<Vec<u32>> {
    let World { rank, size, .. } = world();
    Some(match name {
        "mpi://WORLD" => (0..size).collect(),
        "mpi://SELF" => vec![rank],
        "mpi://SHARED" => {
            (0..size).filter(|other| crate::node::local(*other).is_some() || *other == rank).collect()
        }
        _ => return None,
    })
}

/// The group of a set, for that session; none if there is no such set.
pub fn group(session: MPI_Session, name: &str) -> Option<Group> {
    members(name).map(|members| Group::new(members).of_session(session))
}

/// How many processes are in a set.
pub fn size_of(name: &str) -> Result<usize> {
    match members(name) {
        Some(members) => Ok(members.len()),
        None => {
            err(MPI_ERR_ARG, format!("there is no process set \"{name}\"; there are {}", NAMES.join(", ")))
        }
    }
}
