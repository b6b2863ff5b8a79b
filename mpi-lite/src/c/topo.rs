//! C functions for process topologies (MPI 5.0, chapter 8).

use super::comm::give;
use super::input::{array, fill, length, store};
use crate::abi::*;
use crate::error::{Result, err};
use crate::topo::graph::Edge;
use crate::topo::{self, Cart, DistGraph, dims};
use crate::{comm, info, mpi_fn};
use std::ffi::c_int;

/// # Safety
/// `at` is null or has `n` elements.
unsafe fn flags(what: &str, at: *const c_int, n: usize) -> Result<Vec<bool>> {
    // SAFETY: the caller's promise.
    Ok(unsafe { array(what, at, n)? }.iter().map(|flag| *flag != 0).collect())
}

fn dimensions(n: c_int) -> Result<usize> {
    usize::try_from(n).or_else(|_| err(MPI_ERR_DIMS, format!("{n} dimensions")))
}

/// # Safety
/// The arrays are null or have `ndims` elements.
unsafe fn grid(ndims: c_int, dims: *const c_int, periods: *const c_int) -> Result<Cart> {
    let n = dimensions(ndims)?;
    // SAFETY: the caller's promise.
    unsafe { Cart::new(array("dims", dims, n)?, &flags("periods", periods, n)?) }
}

/// The arrays of a graph: `nnodes` running sums and as many edges as the last of them says.
///
/// # Safety
/// The arrays are null or have that many elements.
unsafe fn graph_arrays<'a>(
    nnodes: c_int,
    index: *const c_int,
    edges: *const c_int,
) -> Result<(&'a [c_int], &'a [c_int])> {
    // SAFETY: the caller's promise.
    let index = unsafe { array("index", index, length("nnodes", nnodes)?)? };
    let count = index.last().map_or(Ok(0), |last| length("the last index", *last))?;
    // SAFETY: the caller's promise.
    Ok((index, unsafe { array("edges", edges, count)? }))
}

/// Tells the rank which this process would have, if any.
fn mapped(rank: Option<usize>, newrank: *mut c_int) -> Result<()> {
    // SAFETY: the caller's result place.
    unsafe { store("newrank", newrank, rank.map_or(MPI_UNDEFINED, |rank| rank as c_int)) }
}

fn has_weights(weights: *const c_int) -> bool {
    !std::ptr::eq(weights, MPI_UNWEIGHTED)
}

/// # Safety
/// `at` is `MPI_UNWEIGHTED`, `MPI_WEIGHTS_EMPTY`, null or has `n` elements.
unsafe fn weights(at: *const c_int, n: usize) -> Result<Vec<c_int>> {
    if !has_weights(at) || std::ptr::eq(at, MPI_WEIGHTS_EMPTY) {
        return Ok(vec![1; n]);
    }
    // SAFETY: the caller's promise.
    Ok(unsafe { array("weights", at, n)? }.to_vec())
}

/// # Safety
/// `ranks` is null or has `n` elements; `weight` as for [`weights`].
unsafe fn neighbours(n: c_int, ranks: *const c_int, weight: *const c_int) -> Result<Vec<(c_int, c_int)>> {
    let n = length("the degree", n)?;
    // SAFETY: the caller's promise.
    let (ranks, weights) = unsafe { (array("neighbours", ranks, n)?, weights(weight, n)?) };
    Ok(ranks.iter().copied().zip(weights).collect())
}

/// Gives as many neighbours as there is room for.
///
/// # Safety
/// The arrays have room for `room` elements; that of weights may be `MPI_UNWEIGHTED`.
unsafe fn give_neighbours(
    edges: &[(c_int, c_int)],
    room: c_int,
    ranks: *mut c_int,
    weights: *mut c_int,
) -> Result<()> {
    let edges = &edges[..edges.len().min(length("the maximal degree", room)?)];
    let (all_ranks, all_weights): (Vec<c_int>, Vec<c_int>) = edges.iter().copied().unzip();
    // SAFETY: the caller's promise.
    unsafe {
        fill("neighbours", ranks, &all_ranks)?;
        if has_weights(weights) { fill("weights", weights, &all_weights) } else { Ok(()) }
    }
}

mpi_fn! {
    /// Which kind of topology a communicator has.
    fn MPI_Topo_test(comm: MPI_Comm, status: *mut c_int) on comm {
        let kind = topo::kind(&*comm::get(comm)?);
        // SAFETY: the caller's result place.
        unsafe { store("status", status, kind) }
    }

    /// A balanced grid.
    fn MPI_Dims_create(nnodes: c_int, ndims: c_int, dims_at: *mut c_int) {
        let n = dimensions(ndims)?;
        // SAFETY: the caller's array.
        let mut sizes = unsafe { array("dims", dims_at, n)? }.to_vec();
        dims::create(nnodes, &mut sizes)?;
        // SAFETY: the caller's array.
        unsafe { fill("dims", dims_at, &sizes) }
    }

    /// A communicator with a grid. Collective.
    fn MPI_Cart_create(
        comm: MPI_Comm,
        ndims: c_int,
        dims_at: *const c_int,
        periods: *const c_int,
        reorder: c_int,
        newcomm: *mut MPI_Comm,
    ) on comm {
        let of = comm::get(comm)?;
        // SAFETY: the caller's arrays.
        let grid = unsafe { grid(ndims, dims_at, periods)? };
        give(topo::cart_create(&of, grid, reorder != 0)?, newcomm)
    }

    /// Number of dimensions.
    fn MPI_Cartdim_get(comm: MPI_Comm, ndims: *mut c_int) on comm {
        let n = topo::cart(&*comm::get(comm)?)?.dims().len();
        // SAFETY: the caller's result place.
        unsafe { store("ndims", ndims, n as c_int) }
    }

    /// The grid, and where this process is.
    fn MPI_Cart_get(
        comm: MPI_Comm,
        maxdims: c_int,
        dims_at: *mut c_int,
        periods: *mut c_int,
        coords: *mut c_int,
    ) on comm {
        let of = comm::get(comm)?;
        let cart = topo::cart(&of)?;
        cart.check_room(maxdims)?;
        let wraps: Vec<c_int> = cart.periods().iter().map(|p| c_int::from(*p)).collect();
        // SAFETY: the caller's arrays.
        unsafe {
            fill("dims", dims_at, cart.dims())?;
            fill("periods", periods, &wraps)?;
            fill("coords", coords, &cart.coords(of.rank() as c_int)?)
        }
    }

    /// The rank at coordinates.
    fn MPI_Cart_rank(comm: MPI_Comm, coords: *const c_int, rank: *mut c_int) on comm {
        let of = comm::get(comm)?;
        let cart = topo::cart(&of)?;
        // SAFETY: the caller's array and result place.
        unsafe { store("rank", rank, cart.rank(array("coords", coords, cart.dims().len())?)?) }
    }

    /// The coordinates of a rank.
    fn MPI_Cart_coords(comm: MPI_Comm, rank: c_int, maxdims: c_int, coords: *mut c_int) on comm {
        let of = comm::get(comm)?;
        let cart = topo::cart(&of)?;
        let found = cart.coords(rank)?;
        cart.check_room(maxdims)?;
        // SAFETY: the caller's array.
        unsafe { fill("coords", coords, &found) }
    }

    /// The ranks at a distance in a dimension.
    fn MPI_Cart_shift(
        comm: MPI_Comm,
        direction: c_int,
        disp: c_int,
        rank_source: *mut c_int,
        rank_dest: *mut c_int,
    ) on comm {
        let of = comm::get(comm)?;
        let (source, dest) = topo::cart(&of)?.shift(of.rank() as c_int, direction, disp)?;
        // SAFETY: the caller's result places.
        unsafe {
            store("rank_source", rank_source, source)?;
            store("rank_dest", rank_dest, dest)
        }
    }

    /// Grids of fewer dimensions. Collective.
    fn MPI_Cart_sub(comm: MPI_Comm, remain_dims: *const c_int, newcomm: *mut MPI_Comm) on comm {
        let of = comm::get(comm)?;
        let n = topo::cart(&of)?.dims().len();
        // SAFETY: the caller's array.
        let keep = unsafe { flags("remain_dims", remain_dims, n)? };
        give(Some(topo::cart_sub(&of, &keep)?), newcomm)
    }

    /// The rank which this process would have in a grid.
    fn MPI_Cart_map(
        comm: MPI_Comm,
        ndims: c_int,
        dims_at: *const c_int,
        periods: *const c_int,
        newrank: *mut c_int,
    ) on comm {
        // SAFETY: the caller's arrays.
        let grid = unsafe { grid(ndims, dims_at, periods)? };
        mapped(topo::cart_map(&*comm::get(comm)?, &grid)?, newrank)
    }

    /// A communicator with a graph. Collective.
    fn MPI_Graph_create(
        comm: MPI_Comm,
        nnodes: c_int,
        index: *const c_int,
        edges: *const c_int,
        reorder: c_int,
        newcomm: *mut MPI_Comm,
    ) on comm {
        let of = comm::get(comm)?;
        // SAFETY: the caller's arrays.
        let (index, edges) = unsafe { graph_arrays(nnodes, index, edges)? };
        give(topo::graph_create(&of, index, edges, reorder != 0)?, newcomm)
    }

    /// Numbers of nodes and edges.
    fn MPI_Graphdims_get(comm: MPI_Comm, nnodes: *mut c_int, nedges: *mut c_int) on comm {
        let of = comm::get(comm)?;
        let graph = topo::graph(&of)?;
        // SAFETY: the caller's result places.
        unsafe {
            store("nnodes", nnodes, graph.index.len() as c_int)?;
            store("nedges", nedges, graph.edges.len() as c_int)
        }
    }

    /// The graph; as much as there is room for.
    fn MPI_Graph_get(
        comm: MPI_Comm,
        maxindex: c_int,
        maxedges: c_int,
        index: *mut c_int,
        edges: *mut c_int,
    ) on comm {
        let of = comm::get(comm)?;
        let graph = topo::graph(&of)?;
        let (indices, ends) = (length("maxindex", maxindex)?, length("maxedges", maxedges)?);
        // SAFETY: the caller's arrays.
        unsafe {
            fill("index", index, &graph.index[..indices.min(graph.index.len())])?;
            fill("edges", edges, &graph.edges[..ends.min(graph.edges.len())])
        }
    }

    /// Number of neighbours of a rank.
    fn MPI_Graph_neighbors_count(comm: MPI_Comm, rank: c_int, nneighbors: *mut c_int) on comm {
        let of = comm::get(comm)?;
        let n = topo::graph(&of)?.neighbors(rank)?.len();
        // SAFETY: the caller's result place.
        unsafe { store("nneighbors", nneighbors, n as c_int) }
    }

    /// The neighbours of a rank; as many as there is room for.
    fn MPI_Graph_neighbors(comm: MPI_Comm, rank: c_int, maxneighbors: c_int, neighbors: *mut c_int) on comm {
        let of = comm::get(comm)?;
        let all = topo::graph(&of)?.neighbors(rank)?;
        let room = length("maxneighbors", maxneighbors)?;
        // SAFETY: the caller's array.
        unsafe { fill("neighbors", neighbors, &all[..all.len().min(room)]) }
    }

    /// The rank which this process would have in a graph.
    fn MPI_Graph_map(
        comm: MPI_Comm,
        nnodes: c_int,
        index: *const c_int,
        edges: *const c_int,
        newrank: *mut c_int,
    ) on comm {
        // SAFETY: the caller's arrays.
        let (index, edges) = unsafe { graph_arrays(nnodes, index, edges)? };
        mapped(topo::graph_map(&*comm::get(comm)?, index, edges)?, newrank)
    }

    /// A communicator with a graph of which each process says its own edges. Collective.
    fn MPI_Dist_graph_create_adjacent(
        comm: MPI_Comm,
        indegree: c_int,
        sources: *const c_int,
        sourceweights: *const c_int,
        outdegree: c_int,
        destinations: *const c_int,
        destweights: *const c_int,
        hints: MPI_Info,
        reorder: c_int,
        newcomm: *mut MPI_Comm,
    ) on comm {
        let of = comm::get(comm)?;
        // There are no hints for this.
        info::get_or_empty(hints)?;
        // SAFETY: the caller's arrays.
        let (sources, destinations) = unsafe {
            (neighbours(indegree, sources, sourceweights)?, neighbours(outdegree, destinations, destweights)?)
        };
        let graph = DistGraph { sources, destinations, weighted: has_weights(sourceweights) };
        give(topo::dist_graph_create_adjacent(&of, graph, reorder != 0)?, newcomm)
    }

    /// A communicator with a graph of which each process says some edges. Collective.
    fn MPI_Dist_graph_create(
        comm: MPI_Comm,
        n: c_int,
        sources: *const c_int,
        degrees: *const c_int,
        destinations: *const c_int,
        weights_at: *const c_int,
        hints: MPI_Info,
        reorder: c_int,
        newcomm: *mut MPI_Comm,
    ) on comm {
        let of = comm::get(comm)?;
        info::get_or_empty(hints)?;
        let n = length("n", n)?;
        // SAFETY: the caller's arrays.
        let (sources, degrees) = unsafe { (array("sources", sources, n)?, array("degrees", degrees, n)?) };
        let degrees = degrees.iter().map(|d| length("a degree", *d)).collect::<Result<Vec<_>>>()?;
        let total = degrees.iter().sum();
        // SAFETY: as above, for the sum of the degrees.
        let (ends, weights) =
            unsafe { (array("destinations", destinations, total)?, weights(weights_at, total)?) };
        let starts = sources.iter().zip(degrees).flat_map(|(source, n)| std::iter::repeat_n(*source, n));
        let edges: Vec<Edge> =
            starts.zip(ends).zip(weights).map(|((from, to), weight)| [from, *to, weight]).collect();
        give(topo::dist_graph_create(&of, &edges, has_weights(weights_at), reorder != 0)?, newcomm)
    }

    /// Numbers of neighbours, and whether there are weights.
    fn MPI_Dist_graph_neighbors_count(
        comm: MPI_Comm,
        indegree: *mut c_int,
        outdegree: *mut c_int,
        weighted: *mut c_int,
    ) on comm {
        let of = comm::get(comm)?;
        let graph = topo::dist_graph(&of)?;
        // SAFETY: the caller's result places.
        unsafe {
            store("indegree", indegree, graph.sources.len() as c_int)?;
            store("outdegree", outdegree, graph.destinations.len() as c_int)?;
            store("weighted", weighted, c_int::from(graph.weighted))
        }
    }

    /// The neighbours; as many as there is room for.
    fn MPI_Dist_graph_neighbors(
        comm: MPI_Comm,
        maxindegree: c_int,
        sources: *mut c_int,
        sourceweights: *mut c_int,
        maxoutdegree: c_int,
        destinations: *mut c_int,
        destweights: *mut c_int,
    ) on comm {
        let of = comm::get(comm)?;
        let graph = topo::dist_graph(&of)?;
        // SAFETY: the caller's arrays.
        unsafe {
            give_neighbours(&graph.sources, maxindegree, sources, sourceweights)?;
            give_neighbours(&graph.destinations, maxoutdegree, destinations, destweights)
        }
    }
}
