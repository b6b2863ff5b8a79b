//! Grids of processes: ranks in row-major order of their coordinates.

use super::reorder::Link;
use crate::abi::{MPI_ERR_ARG, MPI_ERR_DIMS, MPI_ERR_RANK, MPI_PROC_NULL};
use crate::error::{Result, err};

/// A grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cart {
    dims: Vec<i32>,
    periods: Vec<bool>,
}

impl Cart {
    /// A grid of `dims` processes per dimension; `periods` says which dimensions wrap around.
    pub fn new(dims: &[i32], periods: &[bool]) -> Result<Self> {
        if let Some(bad) = dims.iter().find(|d| **d <= 0) {
            return err(MPI_ERR_DIMS, format!("dimension of size {bad}"));
        }
        Ok(Self { dims: dims.to_vec(), periods: periods.to_vec() })
    }

    /// Fails unless `available` processes can fill the grid.
    pub fn check_fits(&self, available: usize) -> Result<()> {
        let needed = self.dims.iter().try_fold(1usize, |product, &d| product.checked_mul(d as usize));
        match needed {
            Some(needed) if needed <= available => Ok(()),
            _ => {
                let text = format!("a grid of {:?} in a communicator of size {available}", self.dims);
                err(MPI_ERR_DIMS, text)
            }
        }
    }

    /// Number of processes.
    pub fn size(&self) -> usize {
        self.dims.iter().map(|&d| d as usize).product()
    }

    /// Processes per dimension.
    pub fn dims(&self) -> &[i32] {
        &self.dims
    }

    /// Which dimensions wrap around.
    pub fn periods(&self) -> &[bool] {
        &self.periods
    }

    /// The coordinates of a rank.
    pub fn coords(&self, rank: i32) -> Result<Vec<i32>> {
        if rank < 0 || rank as usize >= self.size() {
            return err(MPI_ERR_RANK, format!("invalid rank {rank} in a grid of size {}", self.size()));
        }
        let mut rest = rank;
        let mut coords = vec![0; self.dims.len()];
        for (coord, dim) in coords.iter_mut().zip(&self.dims).rev() {
            *coord = rest % dim;
            rest /= dim;
        }
        Ok(coords)
    }

    /// The rank at coordinates; these may lie outside of the grid in dimensions that wrap around.
    pub fn rank(&self, coords: &[i32]) -> Result<i32> {
        let mut rank = 0;
        for ((&coord, &dim), &periodic) in coords.iter().zip(&self.dims).zip(&self.periods) {
            if !periodic && !(0..dim).contains(&coord) {
                return err(MPI_ERR_ARG, format!("coordinate {coord} in a dimension of size {dim}"));
            }
            rank = rank * dim + coord.rem_euclid(dim);
        }
        Ok(rank)
    }

    /// `MPI_Cart_shift` for `rank`: the ranks `disp` steps down and up in a dimension.
    pub fn shift(&self, rank: i32, direction: i32, disp: i32) -> Result<(i32, i32)> {
        let Some(direction) = usize::try_from(direction).ok().filter(|d| *d < self.dims.len()) else {
            let text = format!("direction {direction} in a grid of {} dimensions", self.dims.len());
            return err(MPI_ERR_ARG, text);
        };
        let coords = self.coords(rank)?;
        let at = |by: i64| {
            let dim = i64::from(self.dims[direction]);
            let coord = i64::from(coords[direction]) + by;
            if !self.periods[direction] && !(0..dim).contains(&coord) {
                return Ok(MPI_PROC_NULL);
            }
            let mut there = coords.clone();
            there[direction] = coord.rem_euclid(dim) as i32;
            self.rank(&there)
        };
        Ok((at(-i64::from(disp))?, at(i64::from(disp))?))
    }

    /// The edges between neighbours, which all weigh the same.
    pub fn links(&self) -> Vec<Link> {
        let (size, mut links, mut step) = (self.size(), Vec::new(), 1);
        for (&dim, &wraps) in self.dims.iter().zip(&self.periods).rev() {
            let dim = dim as usize;
            for node in 0..size {
                let coord = node / step % dim;
                if coord + 1 < dim {
                    links.push((node, node + step, 1));
                } else if wraps {
                    links.push((node, node - coord * step, 1));
                }
            }
            step *= dim;
        }
        links
    }

    /// `MPI_Cart_sub` for `rank`: the smaller grid, and colour and key by which its processes find together.
    pub fn sub(&self, rank: usize, keep: &[bool]) -> (Cart, i32, i32) {
        let mut rest = rank as i32;
        let (mut color, mut key, mut color_step, mut key_step) = (0, 0, 1, 1);
        for (&dim, &keep) in self.dims.iter().zip(keep).rev() {
            let coord = rest % dim;
            rest /= dim;
            let (number, step) = if keep { (&mut key, &mut key_step) } else { (&mut color, &mut color_step) };
            *number += coord * *step;
            *step *= dim;
        }
        let kept = |i: &usize| keep.get(*i).copied().unwrap_or(false);
        let indices = || (0..self.dims.len()).filter(kept);
        let dims = indices().map(|i| self.dims[i]).collect();
        let periods = indices().map(|i| self.periods[i]).collect();
        (Cart { dims, periods }, color, key)
    }

    /// Fails unless the program's array can hold all dimensions.
    pub fn check_room(&self, maxdims: i32) -> Result<()> {
        if maxdims < 0 || (maxdims as usize) < self.dims.len() {
            return err(MPI_ERR_ARG, format!("room for {maxdims} of {} dimensions", self.dims.len()));
        }
        Ok(())
    }
}
