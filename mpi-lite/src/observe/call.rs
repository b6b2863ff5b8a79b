//! The calls of MPI functions: each C entry tells when it begins and ends.

use super::counters::{add, read};
use super::{is_tracing, recorder};
use crate::platform;
use unirank_ivc::counters::Counter;

/// What is known of an MPI function from its name.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// Whether it is a collective that moves data or synchronises.
    pub collective: bool,
}

/// A call under way.
#[derive(Clone, Copy)]
pub struct Call {
    /// When it began; 0 if it is not traced.
    since: u64,
    /// Operations of teams before it.
    operations: u64,
}

/// The blocking collectives without `MPI_` and the `_c` of large counts. Non-blocking ones are called after them. A persistent
/// one counts when it starts ([`super::started_collective`]).
const COLLECTIVES: [&str; 22] = [
    "Barrier",
    "Bcast",
    "Gather",
    "Gatherv",
    "Scatter",
    "Scatterv",
    "Allgather",
    "Allgatherv",
    "Alltoall",
    "Alltoallv",
    "Alltoallw",
    "Reduce",
    "Allreduce",
    "Reduce_scatter",
    "Reduce_scatter_block",
    "Scan",
    "Exscan",
    "Neighbor_allgather",
    "Neighbor_allgatherv",
    "Neighbor_alltoall",
    "Neighbor_alltoallv",
    "Neighbor_alltoallw",
];

impl Function {
    /// The function of that name.
    pub const fn named(name: &'static str) -> Self {
        let mut collective = false;
        let mut n = 0;
        while n < COLLECTIVES.len() {
            collective |= is(name.as_bytes(), COLLECTIVES[n].as_bytes());
            n += 1;
        }
        Self { name, collective }
    }

    /// A call begins.
    #[inline]
    pub fn begin(self) -> Call {
        let operations = if self.collective { read(Counter::TeamOperations) } else { 0 };
        let since = if is_tracing() { self.trace() } else { 0 };
        Call { since, operations }
    }

    /// It ends. `ranks` gives the size of its communicator.
    #[inline]
    pub fn end(self, call: Call, ranks: impl FnOnce() -> u32) {
        if self.collective {
            let by_node = read(Counter::TeamOperations) != call.operations;
            add(if by_node { Counter::NodeCollectives } else { Counter::MessageCollectives }, 1);
        }
        if call.since != 0 {
            self.traced(call.since, if self.collective { ranks() } else { 0 });
        }
    }

    #[cold]
    fn trace(self) -> u64 {
        let since = platform::now_ns().max(1);
        recorder::open(self.name, since);
        since
    }

    #[cold]
    fn traced(self, since: u64, ranks: u32) {
        recorder::close(self.name, since, platform::now_ns(), ranks);
    }
}

/// Whether `name` is `MPI_` and `rest`, or `MPI_I` and `rest` in small letters, with `_c` behind it or not.
const fn is(name: &[u8], rest: &[u8]) -> bool {
    let start = if name.len() > 4 && name[4] == b'I' { 5 } else { 4 };
    let end = start + rest.len();
    let is_large = name.len() == end + 2 && name[end] == b'_' && name[end + 1] == b'c';
    if name.len() != end && !is_large {
        return false;
    }
    let mut n = 0;
    while n < rest.len() {
        let letter = if start == 5 { rest[n].to_ascii_lowercase() } else { rest[n] };
        if name[start + n] != letter {
            return false;
        }
        n += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::Function;

    #[test]
    fn collectives_are_known_by_name() {
        for (name, collective) in [
            ("MPI_Bcast", true),
            ("MPI_Bcast_c", true),
            ("MPI_Reduce", true),
            ("MPI_Reduce_scatter_block_c", true),
            ("MPI_Ibarrier", true),
            ("MPI_Ireduce_scatter_c", true),
            ("MPI_Ineighbor_alltoallw_c", true),
            ("MPI_Neighbor_allgather", true),
            ("MPI_Barrier_init", false),
            ("MPI_Iprobe", false),
            ("MPI_Reduce_local", false),
            ("MPI_Bcast_d", false),
            ("MPI_Send", false),
            ("MPI_Init", false),
            ("", false),
        ] {
            assert_eq!(Function::named(name).collective, collective, "{name}");
        }
    }
}
