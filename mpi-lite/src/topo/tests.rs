use super::*;
use crate::abi::{MPI_COMM_WORLD, MPI_ERR_ARG, MPI_ERR_DIMS, MPI_ERR_RANK, MPI_PROC_NULL};
use crate::comm::{self, fake};

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
        let grid = cart_create(&world, &[2, 3], &[true, false]).expect("cart");
        assert_eq!(grid.is_some(), rank < 6);
        let too_large = cart_create(&world, &[2, 4], &[true, false]).map(|_| ()).map_err(|e| e.class);
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
        let made = graph_create(&world, &[2, 3, 4, 6], &[1, 3, 0, 3, 0, 2]).expect("graph");
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
        let made = dist_graph_create(&world, edges, true).expect("graph").expect("all take part");
        let me = rank as i32;
        let graph = dist_graph(&made).expect("has one");
        let before = (me + 3) % 4;
        assert_eq!(
            (&graph.sources[..], &graph.destinations[..]),
            (&[(before, before + 10)][..], &[((me + 1) % 4, me + 10)][..])
        );
        let bad = DistGraph { sources: vec![(4, 1)], ..DistGraph::default() };
        assert_eq!(
            dist_graph_create_adjacent(&world, bad).map(|_| ()).map_err(|e| e.class),
            Err(MPI_ERR_RANK)
        );
    });
}
