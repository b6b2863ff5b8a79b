//! Subarrays and distributed arrays (MPI 5.0, sections 5.1.3 and 5.1.4).

use super::body::{Block, Body};
use super::layout::too_large;
use crate::abi::*;
use crate::error::{Result, err};

/// Dimensions from the fastest running to the slowest.
fn fastest_first(ndims: usize, order: i32) -> Result<Vec<usize>> {
    match order {
        MPI_ORDER_C => Ok((0..ndims).rev().collect()),
        MPI_ORDER_FORTRAN => Ok((0..ndims).collect()),
        _ => err(MPI_ERR_ARG, format!("order is {order}, neither MPI_ORDER_C nor MPI_ORDER_FORTRAN")),
    }
}

fn mul(a: i64, b: i64) -> Result<i64> {
    a.checked_mul(b).ok_or_else(|| too_large("array"))
}

/// The part of an array of `old` that starts at `starts` and has `subsizes` elements in each dimension, with the extent of the
/// whole array.
pub fn subarray(sizes: &[i64], subsizes: &[i64], starts: &[i64], order: i32, old: &Body) -> Result<Body> {
    if sizes.is_empty() {
        return err(MPI_ERR_ARG, "a subarray has at least one dimension");
    }
    for (d, ((&size, &sub), &start)) in sizes.iter().zip(subsizes).zip(starts).enumerate() {
        if size < 1 || sub < 1 || start < 0 || sub > size || start > size - sub {
            let text =
                format!("dimension {d}: {sub} elements from {start} on do not lie in an array of {size}");
            return err(MPI_ERR_ARG, text);
        }
    }
    let (mut body, mut stride, mut offset) = (old.clone(), old.bounds.extent(), 0);
    for d in fastest_first(sizes.len(), order)? {
        body = body.repeated(subsizes[d] as u64, stride)?;
        offset = mul(starts[d], stride)?.checked_add(offset).ok_or_else(|| too_large("array"))?;
        stride = mul(stride, sizes[d])?;
    }
    body.shifted(offset)?.resized(0, stride)
}

/// How one dimension of a distributed array is dealt out.
#[derive(Clone, Copy)]
pub struct Dimension {
    /// Elements in the whole array.
    pub size: i64,
    /// `MPI_DISTRIBUTE_*`.
    pub distribution: i32,
    /// Elements in a block or `MPI_DISTRIBUTE_DFLT_DARG`.
    pub argument: i32,
    /// Processes along this dimension.
    pub processes: i32,
}

impl Dimension {
    /// Length of the blocks that are dealt out in turn.
    fn block(&self, d: usize) -> Result<i64> {
        let Self { size, distribution, argument, processes } = *self;
        if size < 1 || processes < 1 {
            return err(MPI_ERR_ARG, format!("dimension {d}: {size} elements on {processes} processes"));
        }
        let default = argument == MPI_DISTRIBUTE_DFLT_DARG;
        if !default && argument < 1 && distribution != MPI_DISTRIBUTE_NONE {
            return err(
                MPI_ERR_ARG,
                format!("dimension {d}: distribution argument {argument} is not positive"),
            );
        }
        match distribution {
            MPI_DISTRIBUTE_NONE if processes == 1 => Ok(size),
            MPI_DISTRIBUTE_NONE => {
                err(MPI_ERR_ARG, format!("dimension {d} is not distributed but has {processes} processes"))
            }
            MPI_DISTRIBUTE_BLOCK if default => {
                Ok(size / i64::from(processes) + i64::from(size % i64::from(processes) != 0))
            }
            MPI_DISTRIBUTE_BLOCK if i64::from(argument) * i64::from(processes) < size => {
                let text =
                    format!("dimension {d}: {processes} blocks of {argument} do not hold {size} elements");
                err(MPI_ERR_ARG, text)
            }
            MPI_DISTRIBUTE_CYCLIC if default => Ok(1),
            MPI_DISTRIBUTE_BLOCK | MPI_DISTRIBUTE_CYCLIC => Ok(argument.into()),
            _ => err(MPI_ERR_ARG, format!("dimension {d}: {distribution} is no distribution")),
        }
    }

    /// The elements `body`, `stride` bytes apart, that process `k` of this dimension has.
    fn deal(&self, d: usize, k: i64, body: &Body, stride: i64) -> Result<Body> {
        let block = self.block(d)?;
        // First element and number of elements from there to the end of the array.
        let Some(first) = block.checked_mul(k).filter(|f| *f < self.size) else {
            return Ok(Body::empty());
        };
        let rest = self.size - first;
        let round = block.saturating_mul(self.processes.into());
        let (whole, last) = (rest / round, (rest % round).min(block));
        let full =
            body.repeated(block as u64, stride)?.repeated(whole as u64, round.saturating_mul(stride))?;
        let tail = body.repeated(last as u64, stride)?;
        let tail_at = first.checked_add(mul(whole, round)?).ok_or_else(|| too_large("array"))?;
        let piece = |at, old| Ok(Block { displacement: mul(at, stride)?, len: 1, old });
        Body::structure([piece(first, &full)?, piece(tail_at.min(self.size), &tail)?])
    }
}

/// What process `rank` of `size` has of a distributed array, with the extent of the whole array.
pub fn darray(size: i32, rank: i32, dimensions: &[Dimension], order: i32, old: &Body) -> Result<Body> {
    let grid = dimensions.iter().try_fold(1i64, |n, d| n.checked_mul(d.processes.into()));
    if dimensions.is_empty() || grid != Some(size.into()) || rank < 0 || rank >= size {
        return err(MPI_ERR_ARG, format!("rank {rank} of {size} processes does not fit the process grid"));
    }
    // The grid is row-major whatever the order of the array.
    let mut coordinates = vec![0; dimensions.len()];
    let mut left = i64::from(rank);
    for (d, dimension) in dimensions.iter().enumerate().rev() {
        coordinates[d] = left % i64::from(dimension.processes);
        left /= i64::from(dimension.processes);
    }
    let (mut body, mut stride) = (old.clone(), old.bounds.extent());
    for d in fastest_first(dimensions.len(), order)? {
        body = dimensions[d].deal(d, coordinates[d], &body, stride)?;
        stride = mul(stride, dimensions[d].size)?;
    }
    body.resized(0, stride)
}
