//! Every algorithm of every collective, for 1 to 9 ranks, against plain references.
//!
//! Ranks are threads over the fake network, whose sends complete only when they are received: an algorithm that
//! relies on buffering gets stuck here. After each job the network must be empty.

mod arguments;
mod inter;
mod later;
mod moving;
mod node;
mod protocols;
mod reducing;

use super::choose::{self, RULES};
use super::memory::{Receive, Send};
use crate::abi::{MPI_COMM_WORLD, MPI_INT};
use crate::comm::{self, Comm, fake};
use crate::datatype::{Datatype, Recipe, predefined};
use crate::p2p::testing::Job;
use std::rc::Rc;

/// What is in memory where nothing was written.
const UNTOUCHED: i32 = -7777;

/// Names of the algorithms of a collective.
fn algorithms(collective: &str) -> Vec<&'static str> {
    let names: Vec<_> = RULES.iter().filter(|r| r.name == collective).map(|r| r.algorithm_name).collect();
    assert!(!names.is_empty(), "no collective {collective}");
    names
}

/// Runs `body` on 1 to 9 ranks, with each algorithm of the collective forced. Where an algorithm is not able, the table's
/// choice is tested. Shared memory is tested on simulated ranks: with windows and without, on one host and on three.
fn with_each_algorithm(collective: &'static str, body: fn(&Comm)) {
    for size in 1..=9 {
        fake::run(size, move |_| {
            let world = comm::get(MPI_COMM_WORLD).expect("initialised");
            for algorithm in algorithms(collective) {
                choose::force(&format!("{collective}={algorithm}")).expect("a name of the table");
                body(&world);
            }
            choose::force("").expect("nothing forced");
            body(&world);
        });
    }
    if !algorithms(collective).contains(&"node") {
        return;
    }
    let on_hosts = |hosts: &[u32], windows| Job { hosts: hosts.to_vec(), windows, ..Job::of(9) };
    let one_host = (1..=9).map(|size| on_hosts(&[size], size % 2 == 0));
    let more =
        [on_hosts(&[9], true), on_hosts(&[1, 1], true), on_hosts(&[3, 1, 4], true), on_hosts(&[2, 3], false)];
    for job in one_host.chain(more) {
        job.run(|_| {
            body(&world());
            choose::force(&format!("{collective}=node")).expect("a name of the table");
            body(&world());
        });
    }
}

fn world() -> Rc<Comm> {
    comm::get(MPI_COMM_WORLD).expect("initialised")
}

/// Ints in memory: dense ones, or pairs with gaps, which are a derived type.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Layout {
    Dense,
    Gaps,
}

const LAYOUTS: [Layout; 2] = [Layout::Dense, Layout::Gaps];

impl Layout {
    /// Ints of data in an element.
    fn ints(self) -> usize {
        if self == Layout::Dense { 1 } else { 2 }
    }

    /// Ints from an element to the next.
    fn stride(self) -> usize {
        if self == Layout::Dense { 1 } else { 5 }
    }

    /// Where the `i`-th int of data is: of a pair, the second comes first in memory order of the message.
    fn at(self, i: usize) -> usize {
        if self == Layout::Dense { i } else { i / 2 * 5 + [1, 3][i % 2] }
    }

    fn datatype(self) -> Datatype {
        let int = predefined(MPI_INT);
        match self {
            Layout::Dense => int,
            Layout::Gaps => {
                let body = int.body().hindexed(&[1, 1], &[4, 12]).and_then(|b| b.resized(0, 20));
                Datatype::new(body.expect("a small type"), Recipe::NAMED)
            }
        }
    }
}

/// A buffer of elements.
struct Buffer {
    layout: Layout,
    dt: Datatype,
    memory: Vec<i32>,
}

impl Buffer {
    fn new(layout: Layout, elements: usize) -> Self {
        Self { layout, dt: layout.datatype(), memory: vec![UNTOUCHED; elements * layout.stride()] }
    }

    /// Sets the ints of `elements` elements from `first` on: the `i`-th int to `value(i)`.
    fn fill(mut self, first: usize, elements: usize, value: impl Fn(usize) -> i32) -> Self {
        let n = self.layout.ints();
        for i in 0..elements * n {
            self.memory[self.layout.at(first * n + i)] = value(i);
        }
        self
    }

    /// The ints of `elements` elements from `first` on.
    fn ints(&self, first: usize, elements: usize) -> Vec<i32> {
        let n = self.layout.ints();
        (0..elements * n).map(|i| self.memory[self.layout.at(first * n + i)]).collect()
    }

    /// Fails if anything between the data was written.
    fn check_gaps(&self) {
        let data: std::collections::HashSet<usize> = (0..self.memory.len() / self.layout.stride()
            * self.layout.ints())
            .map(|i| self.layout.at(i))
            .collect();
        for (i, value) in self.memory.iter().enumerate() {
            assert!(data.contains(&i) || *value == UNTOUCHED, "int {i} between the data is {value}");
        }
    }

    fn send(&self, first: usize, elements: usize) -> Send<'_> {
        let all = Send { at: self.memory.as_ptr().cast(), count: elements, dt: &self.dt };
        all.part(first as isize, elements)
    }

    fn receive(&mut self, first: usize, elements: usize) -> Receive<'_> {
        let all = Receive { at: self.memory.as_mut_ptr().cast(), count: elements, dt: &self.dt };
        all.part(first as isize, elements)
    }
}

/// The `i`-th int that `from` sends to `to`.
fn value(from: usize, to: usize, i: usize) -> i32 {
    (from * 1_000_003 + to * 10_007 + i) as i32
}

/// `elements` elements from one rank to another.
fn values(from: usize, to: usize, layout: Layout, elements: usize) -> Vec<i32> {
    (0..elements * layout.ints()).map(|i| value(from, to, i)).collect()
}
