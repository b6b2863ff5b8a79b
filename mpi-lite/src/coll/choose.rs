//! Which algorithm a collective takes: the table, and the user's choice by name.
//!
//! `UNIRANK_COLL="bcast=binomial,allreduce=ring"` forces algorithms. A forced algorithm that cannot do a call (say, recursive
//! doubling on six ranks) is replaced by the table's choice, and a notice on standard error says so once.
//!
//! The switch points are those of MPICH (12 KiB and 512 KiB for bcast, 80 KiB and 512 KiB for allgather, 2 KiB for
//! reductions, 256 bytes for alltoall). All ranks must come to the same choice, so only what all know counts.

use super::node::NodeColl;
use crate::abi::MPI_ERR_OTHER;
use crate::error::{MpiError, Result};
use crate::per_rank::per_rank;
use std::cell::{Cell, RefCell};

/// The collectives; the number is the tag of their messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the MPI functions")]
pub enum Collective {
    Barrier = 1,
    Bcast,
    Gather,
    Gatherv,
    Scatter,
    Scatterv,
    Allgather,
    Alltoall,
    Reduce,
    Allreduce,
    ReduceScatter,
    Scan,
    Exscan,
    Neighbor,
}

/// The algorithms of all collectives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Rounds in which distances double.
    Dissemination,
    /// Up and down a binomial tree.
    Binomial,
    /// The root talks to everybody.
    Linear,
    /// A scatter down a binomial tree, then allgather around a ring.
    ScatterRing,
    /// A chain of ranks that forwards segments.
    Pipeline,
    /// Pairs exchange all they have; distances double.
    RecursiveDoubling,
    /// As recursive doubling, for any number of ranks; data are rotated.
    Bruck,
    /// Around the ring, one block per step.
    Ring,
    /// Reduce-scatter by recursive halving, then (all)gather by recursive doubling.
    Rabenseifner,
    /// Pairs exchange halves; distances halve.
    RecursiveHalving,
    /// Step by step with the rank at each distance.
    Pairwise,
    /// All sends and receives at once.
    Scattered,
    /// A reduction to rank 0, then the results are distributed.
    ReduceThenScatter,
    /// A reduction to rank 0, then a broadcast.
    ReduceThenBcast,
    /// Shared memory on each host, messages between hosts (see [`super::node`]).
    Node,
}

/// What a choice depends on.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Ranks of the communicator.
    pub ranks: usize,
    /// Bytes: of the buffer (bcast, reductions), of all blocks (allgather, reduce_scatter) or of one block (others).
    pub bytes: usize,
    /// Elements, for reductions that split them.
    pub count: usize,
    /// Whether a reduction may change the order of its operands.
    pub commutative: bool,
    /// Whether ranks share memory with those on their hosts, in which this call can be done.
    pub shared: bool,
    /// Whether they see each other's buffers as memory, too.
    pub mapped: bool,
}

impl Case {
    /// A case without reduction.
    pub fn new(ranks: usize, bytes: usize) -> Self {
        Self { ranks, bytes, count: 0, commutative: true, shared: false, mapped: false }
    }

    /// The same where ranks share memory, or not.
    pub fn shared(self, shared: bool) -> Self {
        Self { shared, ..self }
    }

    /// The same with what ranks share.
    pub fn on(self, node: Option<&NodeColl>) -> Self {
        Self { shared: node.is_some(), mapped: node.is_some_and(NodeColl::is_mapped), ..self }
    }

    /// Whether elements can be split over the ranks in any order.
    fn splits(&self) -> bool {
        self.commutative && self.count >= self.ranks
    }
}

/// A line of the table.
pub struct Rule {
    /// Of which collective.
    pub collective: Collective,
    /// The collective's name in `UNIRANK_COLL`.
    pub name: &'static str,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The algorithm's name in `UNIRANK_COLL`.
    pub algorithm_name: &'static str,
    /// Whether the algorithm can do the case at all.
    pub able: fn(&Case) -> bool,
    /// Whether it is taken by itself; the first able line that is counts.
    pub preferred: fn(&Case) -> bool,
}

const ANY: fn(&Case) -> bool = |_| true;
const NEVER: fn(&Case) -> bool = |_| false;
const SHARED: fn(&Case) -> bool = |c| c.shared;
/// Longer vectors are reduced faster by messages where the sender's buffer cannot be seen: these copy once, through the
/// system. Two processes, 512 KiB: 99 us against 104; 1 MiB: 206 against 152. Measured with a program that calls
/// `MPI_Allreduce`, `unirank run -n 2 --accel native -e UNIRANK_COLL=allreduce=node` against `=rabenseifner`, medians of 200.
const REDUCED_IN_SLICES: usize = 512 << 10;
const SLICED: fn(&Case) -> bool = |c| c.mapped || c.bytes <= REDUCED_IN_SLICES;

macro_rules! rules {
    ($($collective:ident $name:literal { $($algorithm:ident $algorithm_name:literal, $able:expr, $preferred:expr;)* })*) => {
        /// The table: per collective, algorithms in the order in which they are tried.
        pub const RULES: &[Rule] = &[$($(Rule {
            collective: Collective::$collective,
            name: $name,
            algorithm: Algorithm::$algorithm,
            algorithm_name: $algorithm_name,
            able: $able,
            preferred: $preferred,
        },)*)*];
    };
}

rules! {
    Barrier "barrier" {
        Node "node", SHARED, ANY;
        Dissemination "dissemination", ANY, ANY;
        Linear "linear", ANY, NEVER;
    }
    Bcast "bcast" {
        Node "node", SHARED, ANY;
        Binomial "binomial", ANY, |c| c.bytes < 12 << 10 || c.ranks < 4;
        ScatterRing "scatter_ring", ANY, ANY;
        Pipeline "pipeline", ANY, NEVER;
        Linear "linear", ANY, NEVER;
    }
    Gather "gather" {
        Binomial "binomial", ANY, |c| c.bytes <= 2 << 10 && c.ranks >= 4;
        Linear "linear", ANY, ANY;
    }
    Gatherv "gatherv" {
        Linear "linear", ANY, ANY;
    }
    Scatter "scatter" {
        Binomial "binomial", ANY, |c| c.bytes <= 2 << 10 && c.ranks >= 4;
        Linear "linear", ANY, ANY;
    }
    Scatterv "scatterv" {
        Linear "linear", ANY, ANY;
    }
    Allgather "allgather" {
        Node "node", SHARED, ANY;
        RecursiveDoubling "recursive_doubling", |c| c.ranks.is_power_of_two(), |c| c.bytes < 512 << 10;
        Bruck "bruck", ANY, |c| c.bytes < 80 << 10;
        Ring "ring", ANY, ANY;
    }
    Alltoall "alltoall" {
        Node "node", SHARED, ANY;
        Bruck "bruck", ANY, |c| c.bytes <= 256 && c.ranks >= 8;
        Scattered "scattered", ANY, |c| c.bytes <= 32 << 10;
        Pairwise "pairwise", ANY, ANY;
    }
    Reduce "reduce" {
        Node "node", SHARED, SLICED;
        Rabenseifner "rabenseifner", Case::splits, |c| c.bytes > 2 << 10 && c.ranks >= 4;
        Binomial "binomial", ANY, ANY;
        Linear "linear", ANY, NEVER;
    }
    Allreduce "allreduce" {
        Node "node", SHARED, SLICED;
        RecursiveDoubling "recursive_doubling", ANY, |c| c.bytes <= 2 << 10 || !c.splits();
        Rabenseifner "rabenseifner", Case::splits, |c| c.bytes <= 1 << 20;
        Ring "ring", Case::splits, ANY;
        ReduceThenBcast "reduce_bcast", ANY, NEVER;
    }
    ReduceScatter "reduce_scatter" {
        RecursiveHalving "recursive_halving", |c| c.commutative, |c| c.bytes < 512 << 10;
        Pairwise "pairwise", |c| c.commutative, ANY;
        ReduceThenScatter "reduce_scatterv", ANY, ANY;
    }
    Scan "scan" {
        RecursiveDoubling "recursive_doubling", ANY, ANY;
        Linear "linear", ANY, NEVER;
    }
    Exscan "exscan" {
        RecursiveDoubling "recursive_doubling", ANY, ANY;
        Linear "linear", ANY, NEVER;
    }
}

/// What the user forced.
#[derive(Default)]
struct Forced {
    read: bool,
    choices: Vec<(Collective, Algorithm)>,
    /// Collectives for which the notice was given.
    told: Vec<Collective>,
}

per_rank! {
    static FORCED: RefCell<Forced> = RefCell::default();
}
per_rank! { static FREE: Cell<bool> = Cell::new(false); }

/// Parses the value of `UNIRANK_COLL`; the error says what is known.
fn parse(text: &str) -> std::result::Result<Vec<(Collective, Algorithm)>, String> {
    let mut choices = Vec::new();
    for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let (name, algorithm) = part.split_once('=').unwrap_or((part, ""));
        let of_collective: Vec<&Rule> = RULES.iter().filter(|r| r.name == name.trim()).collect();
        if of_collective.is_empty() {
            let mut names: Vec<_> = RULES.iter().map(|r| r.name).collect();
            names.dedup();
            return Err(format!("no collective \"{name}\"; there are {}", names.join(", ")));
        }
        match of_collective.iter().find(|r| r.algorithm_name == algorithm.trim()) {
            Some(rule) => choices.push((rule.collective, rule.algorithm)),
            None => {
                let names: Vec<_> = of_collective.iter().map(|r| r.algorithm_name).collect();
                let known = names.join(", ");
                return Err(format!("no algorithm \"{algorithm}\" for {name}; there are {known}"));
            }
        }
    }
    Ok(choices)
}

/// Forces algorithms, as the environment variable does.
pub fn force(text: &str) -> Result<()> {
    let choices = parse(text).map_err(|e| MpiError::new(MPI_ERR_OTHER, format!("UNIRANK_COLL: {e}")))?;
    FREE.with(|free| free.set(choices.is_empty()));
    FORCED.with(|f| *f.borrow_mut() = Forced { read: true, choices, told: Vec::new() });
    Ok(())
}

fn read_environment() -> Result<()> {
    if FORCED.with(|f| f.borrow().read) {
        return Ok(());
    }
    force(&std::env::var("UNIRANK_COLL").unwrap_or_default())
}

/// Whether a reduction of so many bytes takes shared memory wherever there is some.
#[inline]
pub fn is_short(bytes: usize) -> bool {
    bytes <= REDUCED_IN_SLICES
}

/// Whether it is known that the user forces nothing.
#[inline]
pub fn is_free() -> bool {
    FREE.with(Cell::get)
}

/// What the user forces for a collective.
fn forced(collective: Collective) -> Option<Algorithm> {
    FORCED.with(|f| f.borrow().choices.iter().rev().find(|c| c.0 == collective).map(|c| c.1))
}

/// The name of the algorithm that the user forces for a collective.
pub fn forced_name(collective: Collective) -> Result<Option<&'static str>> {
    read_environment()?;
    let Some(algorithm) = forced(collective) else { return Ok(None) };
    let rule = RULES.iter().find(|rule| rule.collective == collective && rule.algorithm == algorithm);
    Ok(rule.map(|rule| rule.algorithm_name))
}

/// Forces the algorithm of that name for a collective, or none.
pub fn force_one(collective: Collective, name: Option<&str>) -> Result<()> {
    read_environment()?;
    FORCED.with(|f| {
        let mut f = f.borrow_mut();
        f.choices.retain(|choice| choice.0 != collective);
        let named = |rule: &&Rule| rule.collective == collective && Some(rule.algorithm_name) == name;
        f.choices.extend(RULES.iter().find(named).map(|rule| (collective, rule.algorithm)));
        FREE.with(|free| free.set(f.choices.is_empty()));
    });
    Ok(())
}

/// The name of a collective.
pub fn name(collective: Collective) -> &'static str {
    RULES.iter().find(|rule| rule.collective == collective).map_or("", |rule| rule.name)
}

/// Whether the user forces an algorithm that does without shared memory.
pub fn forces_messages(collective: Collective) -> Result<bool> {
    read_environment()?;
    Ok(forced(collective).is_some_and(|algorithm| algorithm != Algorithm::Node))
}

/// The algorithm for a case.
pub fn choose(collective: Collective, case: &Case) -> Result<Algorithm> {
    read_environment()?;
    let rules = || RULES.iter().filter(|r| r.collective == collective);
    let chosen =
        rules().find(|r| (r.able)(case) && (r.preferred)(case)).map(|r| (r.algorithm, r.algorithm_name));
    // Each collective's last preferred line is able to do everything; the table's test checks that.
    let (chosen, chosen_name) = chosen.unwrap_or((Algorithm::Linear, "linear"));
    let Some(forced) = forced(collective) else { return Ok(chosen) };
    let Some(rule) = rules().find(|r| r.algorithm == forced) else { return Ok(chosen) };
    if (rule.able)(case) {
        return Ok(forced);
    }
    FORCED.with(|f| {
        let mut f = f.borrow_mut();
        if !f.told.contains(&collective) {
            f.told.push(collective);
            eprintln!(
                "unirank: UNIRANK_COLL: {}={} cannot do a call with {} ranks and {} elements; taking {chosen_name}",
                rule.name, rule.algorithm_name, case.ranks, case.count
            );
        }
    });
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_has_an_able_algorithm() {
        for rule in RULES {
            for ranks in 1..20 {
                for bytes in [0, 1, 256, 257, 3000, 20_000, 100_000, 1 << 20, 1 << 31] {
                    for (count, commutative) in [(0, true), (5, true), (1 << 20, false), (1 << 20, true)] {
                        for shared in [false, true] {
                            let case = Case { ranks, bytes, count, commutative, shared, mapped: false };
                            let chosen = choose(rule.collective, &case).expect("no force in tests");
                            let line = RULES
                                .iter()
                                .find(|r| r.collective == rule.collective && r.algorithm == chosen);
                            assert!(line.is_some_and(|r| (r.able)(&case)), "{:?} {case:?}", rule.collective);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn users_force_algorithms_by_name() -> Result<()> {
        force("bcast=pipeline, allgather = recursive_doubling")?;
        assert_eq!(choose(Collective::Bcast, &Case::new(4, 0))?, Algorithm::Pipeline);
        assert_eq!(choose(Collective::Allgather, &Case::new(8, 1 << 30))?, Algorithm::RecursiveDoubling);
        assert_eq!(choose(Collective::Allgather, &Case::new(6, 1 << 30))?, Algorithm::Ring);
        let text = |t| force(t).map_err(|e| e.text);
        let known = "node, binomial, scatter_ring, pipeline, linear";
        assert_eq!(
            text("bcast=fast"),
            Err(format!("UNIRANK_COLL: no algorithm \"fast\" for bcast; there are {known}"))
        );
        assert!(text("broadcast=linear").is_err_and(|t| t.contains("barrier, bcast, gather")));
        Ok(())
    }
}
