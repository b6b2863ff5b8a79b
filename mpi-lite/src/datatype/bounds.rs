//! Lower bound, upper bound and extent (MPI 5.0, section 5.1.7), by the definition over the type map.

use super::layout::too_large;
use crate::error::Result;

/// What the bounds of a type map are made of. `data` spans all bytes; markers are those of `MPI_Type_create_resized` and its
/// like, which win over data wherever they stand in the map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    data: Option<(i64, i64)>,
    lb_marker: Option<i64>,
    ub_marker: Option<i64>,
    /// Strictest alignment of an element; 0 without elements.
    align: i64,
}

/// `a` or `b` where only one is, else `f` of both.
fn merge<T>(a: Option<T>, b: Option<T>, f: impl FnOnce(T, T) -> T) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(f(a, b)),
        (a, b) => a.or(b),
    }
}

fn add(a: i64, b: i64) -> Result<i64> {
    a.checked_add(b).ok_or_else(|| too_large("bound"))
}

impl Bounds {
    /// One element at 0.
    pub fn element(size: i64, align: i64) -> Self {
        Self { data: Some((0, size)), align, ..Self::default() }
    }

    /// The same map `by` bytes further on.
    pub fn shifted(self, by: i64) -> Result<Self> {
        let shift = |x: Option<i64>| x.map(|x| add(x, by)).transpose();
        let data = self.data.map(|(lo, hi)| Ok((add(lo, by)?, add(hi, by)?))).transpose()?;
        Self { data, lb_marker: shift(self.lb_marker)?, ub_marker: shift(self.ub_marker)?, ..self }.checked()
    }

    /// Both maps together.
    pub fn union(self, other: Self) -> Result<Self> {
        Self {
            data: merge(self.data, other.data, |a, b| (a.0.min(b.0), a.1.max(b.1))),
            lb_marker: merge(self.lb_marker, other.lb_marker, i64::min),
            ub_marker: merge(self.ub_marker, other.ub_marker, i64::max),
            align: self.align.max(other.align),
        }
        .checked()
    }

    /// `count` copies, `stride` bytes from start to start.
    pub fn repeated(self, count: u64, stride: i64) -> Result<Self> {
        if count == 0 {
            return Ok(Self::default());
        }
        let last = i64::try_from(count - 1).ok().and_then(|n| n.checked_mul(stride));
        self.union(self.shifted(last.ok_or_else(|| too_large("bound"))?)?)
    }

    /// The map with the given bounds instead of its own.
    pub fn resized(self, lb: i64, extent: i64) -> Result<Self> {
        Self { lb_marker: Some(lb), ub_marker: Some(add(lb, extent)?), ..self }.checked()
    }

    /// Refuses bounds whose differences do not fit, so that the getters below cannot overflow.
    fn checked(self) -> Result<Self> {
        let (lo, hi) = self.data.unwrap_or((0, 0));
        let (lb, end) = (self.lb(), self.ub_marker.unwrap_or(hi));
        let spare = self.align; // for the rounding of the extent
        let fits = |a: i64, b: i64| a.checked_sub(b).and_then(|d| d.checked_add(spare)).is_some();
        if fits(hi, lo) && fits(end, lb) && end.checked_add(spare).is_some() {
            return Ok(self);
        }
        Err(too_large("extent"))
    }

    /// Lower bound.
    pub fn lb(&self) -> i64 {
        self.lb_marker.or(self.data.map(|d| d.0)).unwrap_or(0)
    }

    /// Upper bound minus lower bound; rounded up to the alignment unless a marker says where the end is.
    pub fn extent(&self) -> i64 {
        if let Some(ub) = self.ub_marker {
            return ub - self.lb();
        }
        let extent = self.data.map_or(self.lb(), |d| d.1) - self.lb();
        match self.align {
            0 => extent,
            align => extent + (-extent).rem_euclid(align),
        }
    }

    /// First byte of data.
    pub fn true_lb(&self) -> i64 {
        self.data.map_or(0, |d| d.0)
    }

    /// From the first to behind the last byte of data.
    pub fn true_extent(&self) -> i64 {
        self.data.map_or(0, |d| d.1 - d.0)
    }
}
