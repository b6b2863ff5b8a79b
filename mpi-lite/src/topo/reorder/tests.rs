use super::super::Graph;
use super::*;
use crate::platform::places;
use crate::transport::sim::Random;
use std::time::{Duration, Instant};

fn take(text: &str, ranks: usize) -> Vec<Place> {
    places::take(text, ranks).expect("places");
    (0..ranks).map(|rank| places::of(rank as u32).expect("a place")).collect()
}

/// Weight times distance, summed up edge by edge.
fn cost(places: &[Place], links: &[Link], order: &[usize]) -> u64 {
    let of_link = |&(a, b, weight): &Link| {
        if a == b { 0 } else { weight * places[order[a]].distance(&places[order[b]]) }
    };
    links.iter().map(of_link).sum()
}

/// `count` places that take turns at `period` packages.
fn in_turns(count: usize, period: usize) -> Vec<Place> {
    let text: Vec<String> = (0..count).map(|rank| format!("0.{}", rank % period)).collect();
    take(&text.join(","), count)
}

/// How many edges of a grid are between packages, in the order found.
fn cut(dims: &[i32], periods: &[bool], places: &[Place]) -> usize {
    let grid = Cart::new(dims, periods).expect("a grid");
    let order = order(places, grid.size(), &grid.links(), Some(&grid));
    grid.links().iter().filter(|(a, b, _)| places[order[*a]] != places[order[*b]]).count()
}

#[test]
fn grids_over_places_in_turns_are_cut_as_little_as_can_be() {
    assert_eq!(cut(&[4, 4], &[false, false], &in_turns(16, 2)), 4);
    assert_eq!(cut(&[4, 4], &[true, true], &in_turns(16, 2)), 8);
    assert_eq!(cut(&[4, 4], &[false, false], &in_turns(16, 4)), 8);
    assert_eq!(cut(&[8, 8], &[false, false], &in_turns(64, 4)), 16);
    assert_eq!(cut(&[4, 4, 4], &[false; 3], &in_turns(64, 8)), 48);
    assert_eq!(cut(&[12], &[true], &in_turns(12, 3)), 3);
    // Two thirds here, one third there.
    let text = ["0.0", "0.1", "0.0"].repeat(4).join(",");
    assert_eq!(cut(&[2, 6], &[false, false], &take(&text, 12)), 2);
}

#[test]
fn inner_levels_count_less_than_outer_ones() {
    // Two packages of two caches each, in turns: halves of the grid are packages, quarters are caches.
    let text: Vec<String> = (0..16).map(|rank| format!("0.{}.0.{}", rank % 2, rank / 2 % 2)).collect();
    let places = take(&text.join(","), 16);
    let grid = Cart::new(&[4, 4], &[false, false]).expect("a grid");
    let order = order(&places, 16, &grid.links(), Some(&grid));
    // Four edges between packages, four between caches; the cores within a cache are not told apart.
    assert_eq!(cost(&places, &grid.links(), &order), 4 * 4 + 4 * 2 + 16);
}

#[test]
fn heavy_edges_stay_inside() {
    // Pairs of opposite ranks talk a lot, neighbours in the ring a little, and some edges weigh nothing.
    let mut links: Vec<Link> = (0..4).map(|rank| (rank, rank + 4, 100)).collect();
    links.extend((0..8).map(|rank| (rank, (rank + 1) % 8, 1)));
    links.extend((0..8).map(|rank| (rank, (rank + 3) % 8, 0)));
    let places = take("0.0x4,0.1x4", 8);
    let order = order(&places, 8, &links, None);
    for rank in 0..4 {
        assert_eq!(places[order[rank]], places[order[rank + 4]]);
    }
    assert_eq!(cost(&places, &links, &(0..8).collect::<Vec<_>>()), 4 * 4 * 100 + 2 * 4 + 6 * 3);
}

#[test]
fn a_good_order_is_left_alone() {
    let unchanged: Vec<usize> = (0..16).collect();
    let grid = Cart::new(&[4, 4], &[false, false]).expect("a grid");
    for text in ["0.0x8,0.1x8", "0.0x16", "0x16", "0.0.0.0x8,0.0.0.1x8"] {
        assert_eq!(order(&take(text, 16), 16, &grid.links(), Some(&grid)), unchanged, "{text}");
    }
    assert_eq!(order(&in_turns(16, 2), 16, &[], None), unchanged, "nobody talks to anybody");
    assert_eq!(order(&in_turns(4, 2), 0, &[], None), [0; 0]);
}

#[test]
fn processes_that_are_too_many_are_the_last_unless_others_are_cheaper() {
    let ring = |nodes| (0..nodes).map(|node| (node, (node + 1) % nodes, 1)).collect::<Vec<Link>>();
    // The first four are on both packages: five of nine are on one.
    assert_eq!(order(&in_turns(9, 2), 4, &ring(4), None), [0, 2, 4, 6]);
    let places = take("0.0x4,0.1x5", 9);
    assert_eq!(order(&places, 4, &ring(4), None), [0, 1, 2, 3]);
    let places = take("0.0x2,0.1x3", 5);
    assert_eq!(order(&places, 3, &ring(3), None), [2, 3, 4]);
}

#[test]
fn any_places_and_graphs_give_a_permutation_that_is_never_dearer() {
    let mut random = Random(11);
    let (mut before, mut after) = (0, 0);
    for round in 0..300 {
        let processes = 1 + random.below(24) as usize;
        let nodes = random.below(processes as u64 + 1) as usize;
        let text: Vec<String> = (0..processes).map(|_| some_place(&mut random)).collect();
        let places = take(&text.join(","), processes);
        let links: Vec<Link> = (0..random.below(60))
            .filter(|_| nodes > 0)
            .map(|_| {
                (random.below(nodes as u64) as usize, random.below(nodes as u64) as usize, random.below(5))
            })
            .collect();
        let found = order(&places, nodes, &links, None);
        assert_eq!(found, order(&places, nodes, &links, None), "round {round}");
        let mut sorted = found.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), nodes, "round {round}: {found:?}");
        assert!(sorted.last().is_none_or(|last| *last < processes), "round {round}: {found:?}");
        let unchanged: Vec<usize> = (0..nodes).collect();
        let costs = (cost(&places, &links, &unchanged), cost(&places, &links, &found));
        assert!(costs.1 <= costs.0, "round {round}: {costs:?}");
        before += costs.0;
        after += costs.1;
    }
    assert!(after * 10 < before * 9, "{after} of {before}");
}

/// A place of few numbers, some of which are not known.
fn some_place(random: &mut Random) -> String {
    let parts = (0..1 + random.below(5)).map(|_| match random.below(3) {
        2 => "-".to_owned(),
        number => number.to_string(),
    });
    parts.collect::<Vec<_>>().join(".")
}

#[test]
fn small_networks_are_laid_out_about_as_well_as_can_be() {
    let mut random = Random(3);
    let (mut ours, mut least) = (0, 0);
    for _ in 0..40 {
        let text: Vec<String> =
            (0..7).map(|_| format!("0.{}.{}", random.below(2), random.below(2))).collect();
        let places = take(&text.join(","), 7);
        let links: Vec<Link> = (0..12)
            .map(|_| (random.below(7) as usize, random.below(7) as usize, 1 + random.below(4)))
            .collect();
        ours += cost(&places, &links, &order(&places, 7, &links, None));
        let mut best = u64::MAX;
        permutations(&mut (0..7).collect(), 0, &mut |order| best = best.min(cost(&places, &links, order)));
        least += best;
    }
    assert!(ours * 100 <= least * 103, "{ours} against {least}");
}

fn permutations(order: &mut Vec<usize>, from: usize, visit: &mut impl FnMut(&[usize])) {
    if from == order.len() {
        return visit(order);
    }
    for other in from..order.len() {
        order.swap(from, other);
        permutations(order, from + 1, visit);
        order.swap(from, other);
    }
}

#[test]
fn graphs_and_grids_have_the_same_edges() {
    let grid = Cart::new(&[3, 2, 1, 4], &[true, true, true, false]).expect("a grid");
    let mut expected = Vec::new();
    for node in 0..grid.size() {
        for direction in 0..4 {
            let (_, above) = grid.shift(node as i32, direction, 1).expect("a step");
            expected.extend(usize::try_from(above).ok().map(|above| (node, above, 1)));
        }
    }
    let mut links = grid.links();
    links.sort_unstable();
    expected.sort_unstable();
    assert_eq!(links, expected);
    let graph = Graph::new(&[2, 3, 4, 6], &[1, 3, 0, 3, 0, 2], 4).expect("a graph");
    assert_eq!(graph.links(), [(0, 1, 1), (0, 3, 1), (1, 0, 1), (2, 3, 1), (3, 0, 1), (3, 2, 1)]);
}

#[test]
fn thousands_of_ranks_take_no_long_time() {
    let ranks = 4096;
    let text: Vec<String> =
        (0..ranks).map(|rank| format!("{}.{}.0.{}", rank % 32, rank / 32 % 2, rank / 64 % 4)).collect();
    let places = take(&text.join(","), ranks);
    let mut random = Random(9);
    let grid = Cart::new(&[64, 64], &[true, false]).expect("a grid");
    let any: Vec<Link> = (0..5 * ranks as u64)
        .map(|_| {
            (random.below(ranks as u64) as usize, random.below(ranks as u64) as usize, 1 + random.below(9))
        })
        .collect();
    // Everyone with everyone among the first 1024.
    let all = |node: usize| (node + 1..1024).map(move |other| (node, other, 1));
    let dense: Vec<Link> = (0..1024).flat_map(all).collect();
    for (what, links, grid) in
        [("grid", grid.links(), Some(&grid)), ("any", any, None), ("dense", dense, None)]
    {
        let begun = Instant::now();
        let found = order(&places, ranks, &links, grid);
        let took = begun.elapsed();
        let unchanged: Vec<usize> = (0..ranks).collect();
        let (before, after) = (cost(&places, &links, &unchanged), cost(&places, &links, &found));
        println!("{what}: {before} to {after} in {took:?}");
        assert!(after < before, "{what}: {after} of {before}");
        // Tenths of a second with optimisation and a processor of its own; tests have neither.
        assert!(took < Duration::from_secs(30), "{what} took {took:?}");
    }
}
