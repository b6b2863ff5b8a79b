//! Random types against the definition: the type map written out as a list of elements and displacements, each constructor
//! as the standard words it (MPI 5.0, sections 5.1.2 to 5.1.4). Cases are numbered; a failure names its case.

use super::arrays::{self, Dimension};
use super::basic::Basic;
use super::body::{Block, Body};
use super::{Datatype, Element, Packer, Recipe, count, predefined};
use crate::abi::*;

/// A type map, and the markers that stand in it.
#[derive(Clone, Default)]
struct Map {
    elements: Vec<(Basic, i64)>,
    lb_markers: Vec<i64>,
    ub_markers: Vec<i64>,
}

impl Map {
    fn add_shifted(&mut self, old: &Self, by: i64) {
        self.elements.extend(old.elements.iter().map(|(basic, at)| (*basic, at + by)));
        self.lb_markers.extend(old.lb_markers.iter().map(|at| at + by));
        self.ub_markers.extend(old.ub_markers.iter().map(|at| at + by));
    }

    fn true_lb(&self) -> i64 {
        self.elements.iter().map(|e| e.1).min().unwrap_or(0)
    }

    fn true_ub(&self) -> i64 {
        self.elements.iter().map(|e| e.1 + e.0.size() as i64).max().unwrap_or(0)
    }

    fn lb(&self) -> i64 {
        self.lb_markers.iter().copied().min().unwrap_or(self.true_lb())
    }

    fn extent(&self) -> i64 {
        if let Some(ub) = self.ub_markers.iter().max() {
            return ub - self.lb();
        }
        if self.elements.is_empty() {
            return 0;
        }
        let align = self.elements.iter().map(|e| e.0.kind.align() as i64).max().unwrap_or(1);
        let mut extent = self.true_ub() - self.lb();
        while extent % align != 0 {
            extent += 1;
        }
        extent
    }

    fn structure<'a>(blocks: impl IntoIterator<Item = (i64, u64, &'a Self)>) -> Self {
        let mut map = Self::default();
        for (displacement, len, old) in blocks {
            for j in 0..len as i64 {
                map.add_shifted(old, displacement + j * old.extent());
            }
        }
        map
    }

    fn resized(&self, lb: i64, extent: i64) -> Self {
        Self { elements: self.elements.clone(), lb_markers: vec![lb], ub_markers: vec![lb + extent] }
    }

    /// The elements of an array that `wanted` says yes to, in the order in which they are stored.
    fn array(&self, sizes: &[i64], order: i32, wanted: impl Fn(&[i64]) -> bool) -> Self {
        let fastest: Vec<usize> = match order {
            MPI_ORDER_C => (0..sizes.len()).rev().collect(),
            _ => (0..sizes.len()).collect(),
        };
        let total: i64 = sizes.iter().product();
        let mut map = Self::default();
        for number in 0..total {
            let (mut index, mut left) = (vec![0; sizes.len()], number);
            for &d in &fastest {
                index[d] = left % sizes[d];
                left /= sizes[d];
            }
            if wanted(&index) {
                map.add_shifted(self, number * self.extent());
            }
        }
        map.resized(0, total * self.extent())
    }
}

/// SplitMix64: the same cases everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1) as u64) as i64
    }

    fn list<T>(&mut self, n: u64, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..n).map(|_| item(self)).collect()
    }
}

const ELEMENTS: [MPI_Datatype; 6] =
    [MPI_BYTE, MPI_SHORT, MPI_INT, MPI_DOUBLE, MPI_LONG_DOUBLE, MPI_C_FLOAT_COMPLEX];

/// A type by our code and by the definition. None if it became too big to write out.
fn random_type(r: &mut Random, depth: u32) -> Option<(Body, Map)> {
    if depth == 0 {
        let dt = predefined(ELEMENTS[r.below(ELEMENTS.len() as u64) as usize]);
        let Some(Element::Basic(basic)) = dt.element() else { return None };
        return Some((dt.body().clone(), Map { elements: vec![(basic, 0)], ..Map::default() }));
    }
    let (old, map) = random_type(r, depth - 1)?;
    let extent = map.extent();
    let made = match r.below(8) {
        0 => {
            let n = r.below(5);
            (old.contiguous(n), Map::structure([(0, n, &map)]))
        }
        1 => {
            let (n, len) = (r.below(5), r.below(4));
            let stride = if r.below(2) == 0 { r.between(-3, 6) * extent } else { r.between(-40, 60) };
            let blocks = (0..n as i64).map(|i| (i * stride, len, &map));
            (old.hvector(n, len, stride), Map::structure(blocks))
        }
        2 | 3 => {
            let n = r.below(6);
            let same = r.below(2) == 0;
            let len = r.below(4);
            let lens = r.list(n, |r| if same { len } else { r.below(4) });
            let unit = if r.below(2) == 0 { extent } else { 1 };
            let at = r.list(n, |r| r.between(-8, 20) * unit);
            let blocks = lens.iter().zip(&at).map(|(len, at)| (*at, *len, &map));
            (old.hindexed(&lens, &at), Map::structure(blocks))
        }
        4 => {
            let n = r.below(4);
            let olds = (0..n).map(|_| random_type(r, depth - 1)).collect::<Option<Vec<_>>>()?;
            let places: Vec<_> = olds.iter().map(|_| (r.between(-64, 200), r.below(3))).collect();
            let ours = olds.iter().zip(&places);
            let ours = ours.map(|((old, _), (at, len))| Block { displacement: *at, len: *len, old });
            let body = Body::structure(ours);
            (body, Map::structure(olds.iter().zip(&places).map(|((_, map), (at, len))| (*at, *len, map))))
        }
        5 => {
            let (lb, extent) = (r.between(-32, 32), r.between(-8, 128));
            (old.resized(lb, extent), map.resized(lb, extent))
        }
        6 => {
            let n = r.between(1, 3) as u64;
            let sizes = r.list(n, |r| r.between(1, 4));
            let subsizes: Vec<_> = sizes.iter().map(|s| r.between(1, *s)).collect();
            let starts: Vec<_> = sizes.iter().zip(&subsizes).map(|(s, sub)| r.between(0, s - sub)).collect();
            let order = if r.below(2) == 0 { MPI_ORDER_C } else { MPI_ORDER_FORTRAN };
            let inside = |index: &[i64]| {
                (0..index.len()).all(|d| (starts[d]..starts[d] + subsizes[d]).contains(&index[d]))
            };
            (arrays::subarray(&sizes, &subsizes, &starts, order, &old), map.array(&sizes, order, inside))
        }
        _ => random_darray(r, &old, &map),
    };
    let body = made.0.unwrap_or_else(|e| panic!("small types can be made: {e}"));
    (made.1.elements.len() <= 2000).then_some((body, made.1))
}

fn random_darray(r: &mut Random, old: &Body, map: &Map) -> (crate::Result<Body>, Map) {
    let n = r.between(1, 3) as u64;
    let dimensions = r.list(n, |r| {
        let (size, processes) = (r.between(1, 6), r.between(1, 3) as i32);
        let least = (size as i32 + processes - 1) / processes;
        let (distribution, argument, processes) = match r.below(5) {
            0 => (MPI_DISTRIBUTE_NONE, MPI_DISTRIBUTE_DFLT_DARG, 1),
            1 => (MPI_DISTRIBUTE_BLOCK, MPI_DISTRIBUTE_DFLT_DARG, processes),
            2 => (MPI_DISTRIBUTE_BLOCK, least + r.below(3) as i32, processes),
            3 => (MPI_DISTRIBUTE_CYCLIC, MPI_DISTRIBUTE_DFLT_DARG, processes),
            _ => (MPI_DISTRIBUTE_CYCLIC, r.between(1, 4) as i32, processes),
        };
        Dimension { size, distribution, argument, processes }
    });
    let processes: i32 = dimensions.iter().map(|d| d.processes).product();
    let rank = r.below(processes as u64) as i32;
    let order = if r.below(2) == 0 { MPI_ORDER_C } else { MPI_ORDER_FORTRAN };
    let sizes: Vec<_> = dimensions.iter().map(|d| d.size).collect();
    // The grid of processes is row-major.
    let mine = |index: &[i64]| {
        let mut left = i64::from(rank);
        (0..index.len()).rev().all(|d| {
            let Dimension { size, distribution, argument, processes } = dimensions[d];
            let processes = i64::from(processes);
            let block = match (distribution, argument) {
                (MPI_DISTRIBUTE_NONE, _) => size,
                (MPI_DISTRIBUTE_BLOCK, MPI_DISTRIBUTE_DFLT_DARG) => (size + processes - 1) / processes,
                (_, MPI_DISTRIBUTE_DFLT_DARG) => 1,
                (_, argument) => i64::from(argument),
            };
            let coordinate = left % processes;
            left /= processes;
            index[d] / block % processes == coordinate
        })
    };
    (arrays::darray(processes, rank, &dimensions, order, old), map.array(&sizes, order, mine))
}

/// Places of the message bytes of `n` elements, in order, relative to the buffer's address.
fn places(map: &Map, n: usize) -> Vec<i64> {
    let all = Map::structure([(0, n as u64, map)]);
    all.elements.iter().flat_map(|(basic, at)| (0..basic.size() as i64).map(move |i| at + i)).collect()
}

/// A user buffer with `low` bytes before the address that MPI gets.
struct Buffer {
    bytes: Vec<u8>,
    low: i64,
}

impl Buffer {
    fn new(places: &[i64], fill: impl Fn(usize) -> u8) -> Self {
        let (low, high) = (
            places.iter().copied().min().unwrap_or(0).min(0),
            places.iter().copied().max().unwrap_or(0).max(0),
        );
        Self { bytes: (0..(high - low + 1) as usize).map(fill).collect(), low: -low }
    }

    fn at(&mut self) -> *mut u8 {
        // The address may only be reached by displacements: `low` is inside the vector.
        self.bytes.as_mut_ptr().wrapping_add(self.low as usize)
    }

    fn place(&self, at: i64) -> usize {
        (at + self.low) as usize
    }
}

fn check_bounds(dt: &Datatype, map: &Map) {
    let size: usize = map.elements.iter().map(|e| e.0.size()).sum();
    assert_eq!(dt.size(), size, "size");
    assert_eq!(dt.lb() as i64, map.lb(), "lower bound");
    assert_eq!(dt.extent() as i64, map.extent(), "extent");
    assert_eq!(dt.true_lb() as i64, map.true_lb(), "true lower bound");
    assert_eq!(dt.true_extent() as i64, map.true_ub() - map.true_lb(), "true extent");
}

fn check_signature(dt: &Datatype, map: &Map) {
    let mut elements = Vec::new();
    let listed = dt.body().signature.for_each_run(&mut |basic, n| {
        elements.extend((0..n).map(|_| basic));
        Ok::<(), ()>(())
    });
    assert_eq!(listed, Ok(()));
    assert!(elements.iter().eq(map.elements.iter().map(|e| &e.0)), "signature");
    // Every prefix of two copies: a whole number of elements, or none.
    let ends: Vec<usize> = elements
        .iter()
        .chain(&elements)
        .scan(0, |at, b| {
            *at += b.size();
            Some(*at)
        })
        .collect();
    for bytes in 1..=ends.last().copied().unwrap_or(0).min(300) {
        let wanted = ends.binary_search(&bytes).map_or(MPI_UNDEFINED.into(), |i| i as i64 + 1);
        assert_eq!(count::get_elements(bytes as u64, dt), wanted, "elements in {bytes} bytes");
    }
}

fn check_packing(r: &mut Random, dt: &Datatype, map: &Map) {
    let n = r.below(4) as usize;
    let places = places(map, n);
    let mut buffer = Buffer::new(&places, |i| (i * 7 + i / 251) as u8);
    let message: Vec<u8> = places.iter().map(|at| buffer.bytes[buffer.place(*at)]).collect();
    assert_eq!(dt.packed_size(n), Ok(message.len()));
    if let Some((offset, len)) = dt.contiguous_bytes(n) {
        let dense: Vec<_> = (0..len as i64).map(|i| offset as i64 + i).collect();
        assert_eq!(dense, places, "one dense block");
    }
    // SAFETY: the buffer reaches from the lowest to the highest place.
    let mut packer = unsafe { Packer::new(dt, n, buffer.at()) };
    let mut packed = vec![0; message.len() + 5];
    assert_eq!(packer.pack(&mut packed), message.len());
    assert_eq!(packed[..message.len()], message, "packed at once");
    // From random places, random lengths.
    for _ in 0..6 {
        let from = r.below(message.len() as u64 + 1) as usize;
        let mut part = vec![0; r.below(message.len() as u64 + 2) as usize];
        packer.seek(from);
        let got = packer.pack(&mut part);
        assert_eq!(got, part.len().min(message.len() - from));
        assert_eq!(part[..got], message[from..from + got], "packed from {from}");
        assert_eq!(packer.position(), from + got);
    }
    // Dense runs without a message between.
    packer.seek(0);
    let mut runs = Vec::new();
    while let Some((run, len)) = packer.next_run(1 + r.below(40) as usize) {
        // SAFETY: a run lies inside the buffer.
        runs.extend_from_slice(unsafe { std::slice::from_raw_parts(run, len) });
    }
    assert_eq!(runs, message, "runs");
}

fn check_unpacking(r: &mut Random, dt: &Datatype, map: &Map) {
    let n = r.below(4) as usize;
    let places = places(map, n);
    let message: Vec<u8> = (0..places.len()).map(|i| (i * 13 + 1) as u8).collect();
    let mut got = Buffer::new(&places, |_| 0xee);
    // SAFETY: the buffer reaches from the lowest to the highest place.
    let mut packer = unsafe { Packer::new(dt, n, got.at()) };
    let mut left = &message[..];
    while !left.is_empty() {
        let most = [50, 5000][r.below(2) as usize];
        let (part, rest) = left.split_at(left.len().min(1 + r.below(most) as usize));
        assert_eq!(packer.unpack(part), part.len());
        left = rest;
    }
    assert_eq!(packer.unpack(&[1, 2, 3]), 0, "behind the end");
    // Types with several bytes in one place may not receive; here any of them may stay.
    let mut wanted = vec![Vec::new(); got.bytes.len()];
    for (at, byte) in places.iter().zip(&message) {
        wanted[got.place(*at)].push(*byte);
    }
    for (at, (byte, wanted)) in got.bytes.iter().zip(&wanted).enumerate() {
        let is_right = if wanted.is_empty() { *byte == 0xee } else { wanted.contains(byte) };
        assert!(is_right, "byte {at}: {byte:#x} of {wanted:x?}");
    }
}

#[test]
fn random_types_are_what_the_definition_says() {
    let mut checked = 0;
    for case in 0..4000u64 {
        let outcome = std::panic::catch_unwind(|| {
            let mut r = Random(case);
            let depth = r.below(4) as u32;
            let Some((body, map)) = random_type(&mut r, depth) else { return 0 };
            let dt = Datatype::new(body, Recipe::NAMED);
            check_bounds(&dt, &map);
            check_signature(&dt, &map);
            check_packing(&mut r, &dt, &map);
            check_unpacking(&mut r, &dt, &map);
            1
        });
        checked += outcome.unwrap_or_else(|_| panic!("case {case} differs from the definition"));
    }
    assert!(checked > 3000, "only {checked} cases were small enough to check");
}

/// Many elements of a few blocks of 1 to 100 bytes, in any order, the blocks of all elements one after the other or between each
/// other: what the loops for short blocks are for.
fn random_records(r: &mut Random) -> (Body, Map) {
    let byte = predefined(MPI_BYTE);
    let Some(Element::Basic(basic)) = byte.element() else { unreachable!("a byte is an element") };
    let one = Map { elements: vec![(basic, 0)], ..Map::default() };
    let (blocks, equal) = (r.between(1, 20), r.below(2) == 0);
    let most = [3, 16, 40, 100][r.below(4) as usize];
    let len = r.between(1, most) as u64;
    let mut at = 0;
    let mut places = r.list(blocks as u64, |r| {
        let len = if equal { len } else { r.between(1, most) as u64 };
        let place = (at, len);
        at += len as i64 + r.between(0, 9);
        place
    });
    if r.below(4) == 0 {
        places.reverse();
    }
    let count = 1 + r.below(6000 / at as u64 + 20);
    let stride = match r.below(3) {
        0 => at + r.between(0, 30),
        1 => -at - r.between(0, 30),
        _ => (at + 4095) / 4096 * 4096,
    };
    let body = Body::structure(places.iter().map(|&(displacement, len)| Block {
        displacement,
        len,
        old: byte.body(),
    }));
    let map = Map::structure(places.iter().map(|(at, len)| (*at, *len, &one)));
    let body = body.and_then(|body| body.repeated(count, stride)).expect("small");
    let map = Map::structure((0..count as i64).map(|i| (i * stride, 1, &map)));
    (body, map)
}

#[test]
fn many_short_blocks_are_what_the_definition_says() {
    for case in 0..600u64 {
        let outcome = std::panic::catch_unwind(|| {
            let mut r = Random(case);
            let (body, map) = random_records(&mut r);
            let dt = Datatype::new(body, Recipe::NAMED);
            check_packing(&mut r, &dt, &map);
            check_unpacking(&mut r, &dt, &map);
        });
        outcome.unwrap_or_else(|_| panic!("case {case} differs from the definition"));
    }
}

#[test]
fn what_does_not_fit_is_refused_not_wrapped() {
    let double = predefined(MPI_DOUBLE);
    let huge = double.body().contiguous(1 << 59).expect("2^62 bytes");
    assert_eq!(huge.signature.bytes, 1 << 62);
    assert_eq!(huge.contiguous(2).err().map(|e| e.class), Some(MPI_ERR_COUNT));
    assert_eq!(double.body().hvector(3, 1, i64::MAX / 2).err().map(|e| e.class), Some(MPI_ERR_COUNT));
    assert_eq!(double.body().shifted(i64::MAX - 4).err().map(|e| e.class), Some(MPI_ERR_COUNT));
    assert_eq!(double.body().resized(i64::MAX, 1).err().map(|e| e.class), Some(MPI_ERR_COUNT));
    assert_eq!(double.packed_size(usize::MAX / 4).err().map(|e| e.class), Some(MPI_ERR_COUNT));
    let sizes = [1 << 40, 1 << 40];
    let far = arrays::subarray(&sizes, &[1, 1], &[0, 0], MPI_ORDER_C, double.body());
    assert_eq!(far.err().map(|e| e.class), Some(MPI_ERR_COUNT));
}

#[test]
fn usual_shapes_are_kept_small() {
    use super::layout::Shape;
    let double = predefined(MPI_DOUBLE);
    let column = double.body().hvector(100, 1, 800).expect("small");
    assert!(matches!(column.layout.shape, Shape::Strided { count: 100, stride: 800, len: 8 }));
    let row = double.body().contiguous(100).expect("small");
    assert!(row.layout.shape == Shape::Block && row.layout.size == 800);
    let rows = row.hvector(4, 1, 800).expect("small");
    assert!(rows.layout.shape == Shape::Block && rows.layout.size == 3200);
    let steps =
        double.body().hindexed(&[1; 50], &(0..50).map(|i| i * 24).collect::<Vec<_>>()).expect("small");
    assert!(matches!(steps.layout.shape, Shape::Strided { count: 50, stride: 24, len: 8 }));
}
