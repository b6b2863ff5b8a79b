//! `MPI_Dims_create`: a balanced grid for a number of processes.

use crate::abi::MPI_ERR_DIMS;
use crate::error::{Result, err};

/// Sets the zeros in `dims` so that the product is `nodes`: sizes as close to each other as possible, in
/// non-increasing order.
pub fn create(nodes: i32, dims: &mut [i32]) -> Result<()> {
    if nodes <= 0 {
        return err(MPI_ERR_DIMS, format!("{nodes} processes"));
    }
    let mut rest = nodes;
    for &dim in dims.iter() {
        if dim < 0 || (dim > 0 && rest % dim != 0) {
            return err(MPI_ERR_DIMS, format!("{nodes} processes cannot form a grid {dims:?}"));
        }
        if dim > 0 {
            rest /= dim;
        }
    }
    let open = dims.iter().filter(|d| **d == 0).count();
    if open == 0 {
        if rest != 1 {
            return err(MPI_ERR_DIMS, format!("{nodes} processes do not fill a grid {dims:?}"));
        }
        return Ok(());
    }
    let mut best = vec![rest];
    best.resize(open, 1);
    let divisors: Vec<i32> = (1..=rest).take_while(|d| d * d <= rest).filter(|d| rest % d == 0).collect();
    let mut all = divisors.clone();
    all.extend(divisors.iter().rev().map(|d| rest / d).filter(|d| !divisors.contains(d)));
    search(rest, &all, &mut Vec::new(), &mut best);
    let mut sizes = best.into_iter();
    for dim in dims.iter_mut().filter(|d| **d == 0) {
        *dim = sizes.next().unwrap_or(1);
    }
    Ok(())
}

/// What makes a factorisation better, smaller values first: the difference between its largest and smallest factor, then a
/// larger smallest factor (the cut surface of the grid is smaller), then lexicographic order.
fn rate(sizes: &[i32]) -> (i32, std::cmp::Reverse<i32>, &[i32]) {
    let (largest, smallest) = (sizes[0], sizes[sizes.len() - 1]);
    (largest - smallest, std::cmp::Reverse(smallest), sizes)
}

/// Looks through all non-increasing factorisations of `rest`, continuing `chosen`, for one that is better than `best`.
fn search(rest: i32, divisors: &[i32], chosen: &mut Vec<i32>, best: &mut Vec<i32>) {
    let left = best.len() - chosen.len();
    let bound = chosen.last().copied().unwrap_or(i32::MAX);
    if left == 1 {
        if rest <= bound {
            chosen.push(rest);
            if rate(chosen) < rate(best) {
                best.clone_from(chosen);
            }
            chosen.pop();
        }
        return;
    }
    let exceeds = |size: i32| i64::from(size).checked_pow(left as u32).is_none_or(|n| n > i64::from(rest));
    if let Some(largest) = chosen.first() {
        // The smallest factor must be at least this to be as good as the best so far; the rest may be too small for it.
        let smallest = largest - rate(best).0;
        if smallest > 0 && exceeds(smallest) {
            return;
        }
    }
    for &size in divisors.iter().rev().filter(|d| **d <= bound && rest % **d == 0) {
        // Every later factor is at most `size`: stop when they cannot reach the product.
        if i64::from(size).checked_pow(left as u32).is_some_and(|most| most < i64::from(rest)) {
            break;
        }
        chosen.push(size);
        search(rest / size, divisors, chosen, best);
        chosen.pop();
    }
}
