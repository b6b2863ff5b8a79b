use super::*;
use crate::abi::{MPI_COMM_WORLD, MPI_ERR_ARG, MPI_ERR_DIMS, MPI_ERR_RANK, MPI_PROC_NULL};
use crate::comm::{self, fake};
use crate::platform::places;

fn a_grid(dims: &[i32], periods: &[bool]) -> Cart {
    Cart::new(dims, periods).expect("a grid")
}

#[test]
fn coordinates_and_ranks_are_inverse() -> Result<()> {
    let cart = Cart::new(&[2, 3, 4], &[false, true, false])?;
    for rank in 0..24 {
        let coords = cart.coords(rank)?;
        assert_eq!((coords[0] * 3 + coords[1]) * 4 + coords[2], rank);
        assert_eq!(cart.rank(&coords)?, rank);
    }
    assert_eq!(cart.rank(&[1, -1, 0])?, cart.rank(&[1, 2, 0])?);
    assert_eq!(cart.rank(&[2, 0, 0]).map_err(|e| e.class), Err(MPI_ERR_ARG));
    assert_eq!(cart.coords(24).map_err(|e| e.class), Err(MPI_ERR_RANK));
    let nothing = Cart::new(&[], &[])?;
    assert_eq!((nothing.size(), nothing.rank(&[])?), (1, 0));
    Ok(())
}

#[test]
fn shifts_end_at_edges_and_wrap_around() -> Result<()> {
    let cart = Cart::new(&[3, 4], &[false, true])?;
    assert_eq!(cart.shift(0, 0, 1)?, (MPI_PROC_NULL, 4));
    assert_eq!(cart.shift(0, 1, 1)?, (3, 1));
    assert_eq!(cart.shift(5, 0, -1)?, (9, 1));
    assert_eq!(cart.shift(5, 1, 6)?, (7, 7));
    assert_eq!(cart.shift(5, 2, 1).map_err(|e| e.class), Err(MPI_ERR_ARG));
    Ok(())
}

#[test]
fn dims_are_balanced_and_ordered() -> Result<()> {
    let make = |nodes, dims: &[i32]| {
        let mut dims = dims.to_vec();
        dims::create(nodes, &mut dims).map(|()| dims)
    };
    // The first four are examples of the standard.
    assert_eq!(make(6, &[0, 0])?, [3, 2]);
    assert_eq!(make(7, &[0, 0])?, [7, 1]);
    assert_eq!(make(6, &[0, 3, 0])?, [2, 3, 1]);
    assert_eq!(make(7, &[0, 3, 0]).map_err(|e| e.class), Err(MPI_ERR_DIMS));
    assert_eq!(make(36, &[0, 0])?, [6, 6]);
    assert_eq!(make(24, &[0, 0, 0])?, [4, 3, 2]);
    assert_eq!(make(1, &[0, 0])?, [1, 1]);
    assert_eq!(make(16, &[0, 0, 0])?, [4, 2, 2]);
    assert_eq!(make(2_000_000_000, &[0, 0])?, [50_000, 40_000]);
    assert_eq!(make(12, &[4, 3])?, [4, 3]);
    // Not [20, 18, 14], which differ as much, but cut more.
    assert_eq!(make(5040, &[0, 0, 0])?, [21, 16, 15]);
    assert_eq!(make(100_320, &[0, 0, 0])?, [57, 44, 40]);
    for bad in [make(0, &[0]), make(12, &[4, 2]), make(6, &[-1, 0])] {
        assert_eq!(bad.map_err(|e| e.class), Err(MPI_ERR_DIMS));
    }
    for nodes in 1..200 {
        for n in 1..5 {
            let dims = make(nodes, &vec![0; n])?;
            assert_eq!(dims.iter().product::<i32>(), nodes);
            assert!(dims.is_sorted_by(|a, b| a >= b));
        }
    }
    Ok(())
}

#[test]
fn grids_of_communicators_and_their_parts() {
    fake::run(7, |rank| {
        let world = comm::get(MPI_COMM_WORLD).expect("initialised");
        let grid = cart_create(&world, a_grid(&[2, 3], &[true, false]), false).expect("cart");
        assert_eq!(grid.is_some(), rank < 6);
        let too_large =
            cart_create(&world, a_grid(&[2, 4], &[true, false]), false).map(|_| ()).map_err(|e| e.class);
        assert_eq!(too_large, Err(MPI_ERR_DIMS));
        let Some(grid) = grid else { return };
        assert_eq!(kind(&grid), MPI_CART);
        let copy = comm::create::dup(&grid, None).expect("dup");
        assert_eq!(copy.topology(), grid.topology());
        let row = cart_sub(&grid, &[false, true]).expect("sub");
        assert_eq!((row.size(), row.rank()), (3, rank % 3));
        assert_eq!(cart(&row).map(|c| (c.dims().to_vec(), c.periods().to_vec())), Ok((vec![3], vec![false])));
        let column = cart_sub(&grid, &[true, false]).expect("sub");
        assert_eq!((column.size(), column.rank()), (2, rank / 3));
        let point = cart_sub(&grid, &[false, false]).expect("sub");
        assert_eq!((point.size(), cart(&point).map(|c| c.dims().len())), (1, Ok(0)));
        assert_eq!(kind(&world), MPI_UNDEFINED);
        assert!(cart(&world).is_err() && graph(&grid).is_err());
    });
}

#[test]
fn graphs_tell_neighbours() {
    fake::run(5, |rank| {
        let world = comm::get(MPI_COMM_WORLD).expect("initialised");
        // The example of the standard.
        let made = graph_create(&world, &[2, 3, 4, 6], &[1, 3, 0, 3, 0, 2], false).expect("graph");
        assert_eq!(made.is_some(), rank < 4);
        if let Some(made) = made {
            let graph = graph(&made).expect("has one");
            assert_eq!(graph.neighbors(0).expect("rank"), [1, 3]);
            assert_eq!(graph.neighbors(3).expect("rank"), [0, 2]);
            assert_eq!(graph.neighbors(4).map_err(|e| e.class), Err(MPI_ERR_RANK));
        }
        for (index, edges) in [(&[2, 1][..], &[0, 1][..]), (&[1, 2], &[0, 9]), (&[-1, 2], &[0, 1])] {
            assert!(Graph::new(index, edges, 5).is_err());
        }
    });
}

#[test]
fn each_process_learns_its_edges_of_a_distributed_graph() {
    fake::run(4, |rank| {
        let world = comm::get(MPI_COMM_WORLD).expect("initialised");
        // Rank 1 names the whole ring, all others nothing.
        let ring: Vec<graph::Edge> = (0..4).map(|r| [r, (r + 1) % 4, r + 10]).collect();
        let edges = if rank == 1 { &ring[..] } else { &[] };
        let made = dist_graph_create(&world, edges, true, false).expect("graph").expect("all take part");
        let me = rank as i32;
        let graph = dist_graph(&made).expect("has one");
        let before = (me + 3) % 4;
        assert_eq!(
            (&graph.sources[..], &graph.destinations[..]),
            (&[(before, before + 10)][..], &[((me + 1) % 4, me + 10)][..])
        );
        let bad = DistGraph { sources: vec![(4, 1)], ..DistGraph::default() };
        assert_eq!(
            dist_graph_create_adjacent(&world, bad, false).map(|_| ()).map_err(|e| e.class),
            Err(MPI_ERR_RANK)
        );
    });
}

/// Runs `body` on ranks whose places take turns at two packages.
fn in_turns(size: usize, body: impl Fn(Rc<Comm>, usize) + Send + Sync + 'static) {
    fake::run(size, move |rank| {
        let text: Vec<_> = (0..size).map(|rank| format!("0.{}", rank % 2)).collect();
        places::take(&text.join(","), size).expect("places");
        body(comm::get(MPI_COMM_WORLD).expect("initialised"), rank);
    });
}

/// Fails unless all ranks of `comm` have the same members in mind; gives these.
fn agreed(comm: &Comm) -> Vec<u32> {
    let members = comm.group().members().to_vec();
    let mine = [members[comm.rank()] as i32];
    let all = crate::coll::allgather_values(comm, mine).expect("allgather");
    assert_eq!(all.iter().map(|[world]| *world as u32).collect::<Vec<_>>(), members);
    members
}

#[test]
fn grids_are_reordered_where_places_differ_and_only_if_allowed() {
    in_turns(16, |world, rank| {
        let cart = a_grid(&[4, 4], &[false, false]);
        let fixed = cart_create(&world, cart.clone(), false).expect("cart").expect("in it");
        assert_eq!(fixed.rank(), rank);
        let grid = cart_create(&world, cart.clone(), true).expect("cart").expect("in it");
        assert_eq!(cart_map(&world, &cart), Ok(Some(grid.rank())));
        let members = agreed(&grid);
        let crossing = cart.links().iter().filter(|(a, b, _)| members[*a] % 2 != members[*b] % 2).count();
        assert_eq!(crossing, 4, "{members:?}");
    });
    fake::run(16, |rank| {
        let world = comm::get(MPI_COMM_WORLD).expect("initialised");
        let cart = a_grid(&[4, 4], &[false, false]);
        for text in ["", "0.1.0x16"] {
            places::take(text, 16).expect("places");
            let grid = cart_create(&world, cart.clone(), true).expect("cart").expect("in it");
            assert_eq!(grid.rank(), rank);
        }
    });
}

#[test]
fn a_small_grid_takes_processes_that_are_near() {
    in_turns(9, |world, rank| {
        let cart = a_grid(&[2, 2], &[false, false]);
        let grid = cart_create(&world, cart.clone(), true).expect("cart");
        assert_eq!(grid.as_ref().map(|grid| grid.rank()), cart_map(&world, &cart).expect("map"));
        assert_eq!(grid.is_some(), [0, 2, 4, 6].contains(&rank));
        // A grid of one process, and a graph of none.
        let point = cart_create(&world, a_grid(&[], &[]), true).expect("cart");
        assert_eq!(point.is_some(), rank == 0);
        assert!(graph_create(&world, &[], &[], true).expect("graph").is_none());
        assert_eq!(graph_map(&world, &[], &[]), Ok(None));
    });
}

#[test]
fn graphs_are_reordered_as_their_map_tells() {
    in_turns(8, |world, rank| {
        // Opposite ranks of a ring of eight: pairs that are at the same place, then pairs that are not.
        for (step, moves) in [(4, false), (1, true)] {
            let edges: Vec<i32> =
                (0..8).map(|node| if step == 1 { node ^ 1 } else { (node + step) % 8 }).collect();
            let index: Vec<i32> = (1..9).collect();
            let made = graph_create(&world, &index, &edges, true).expect("graph").expect("in it");
            assert_eq!(graph_map(&world, &index, &edges), Ok(Some(made.rank())));
            let members = agreed(&made);
            assert_eq!(members != (0..8).collect::<Vec<_>>(), moves);
            let other = edges[made.rank()] as usize;
            assert_eq!(members[other] % 2, rank as u32 % 2, "{members:?}");
            assert_eq!(
                graph(&made).and_then(|graph| graph.neighbors(made.rank() as i32)),
                Ok(&edges[made.rank()..][..1])
            );
        }
    });
}

/// What node `node` of twelve tells: sources and destinations, some twice, in no order.
fn lists(node: i32) -> DistGraph {
    let heavy = node ^ 1;
    let other = (node + 3) % 12;
    let before = (node + 9) % 12;
    DistGraph {
        sources: vec![(heavy, 50 + heavy), (before, 1), (heavy, 0)],
        destinations: vec![(heavy, 0), (other, 1), (heavy, 50 + node)],
        weighted: true,
    }
}

#[test]
fn who_gets_a_rank_takes_over_what_was_told_of_it() {
    in_turns(12, |world, rank| {
        let fixed =
            dist_graph_create_adjacent(&world, lists(rank as i32), false).expect("graph").expect("all");
        assert_eq!((fixed.rank(), dist_graph(&fixed)), (rank, Ok(&lists(rank as i32))));
        let made = dist_graph_create_adjacent(&world, lists(rank as i32), true).expect("graph").expect("all");
        assert_eq!(dist_graph(&made), Ok(&lists(made.rank() as i32)));
        let members = agreed(&made);
        for pair in members.chunks(2) {
            assert_eq!(pair[0] % 2, pair[1] % 2, "{members:?}");
        }
        // The same, of which everybody tells some part of what others do.
        let of_another = (rank as i32 + 4) % 12;
        let edges: Vec<graph::Edge> =
            lists(of_another).destinations.iter().map(|(to, weight)| [of_another, *to, *weight]).collect();
        let made = dist_graph_create(&world, &edges, true, true).expect("graph").expect("all");
        assert_eq!(agreed(&made), members, "the edges are the same");
        let all: Vec<graph::Edge> = (0..12)
            .map(|teller| (teller + 4) % 12)
            .flat_map(|node| lists(node).destinations.into_iter().map(move |(to, weight)| [node, to, weight]))
            .collect();
        assert_eq!(dist_graph(&made), Ok(&DistGraph::from_edges(made.rank() as i32, &all, true)));
    });
}
