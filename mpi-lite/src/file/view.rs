//! Views: which bytes of the file a rank sees, in which order (MPI 5.0, section 14.3).

use super::File;
use super::datarep::{Datarep, Representation};
use crate::abi::*;
use crate::datatype::layout::{Node, Shape};
use crate::datatype::{self, Datatype, locate};
use crate::error::{Result, err};
use crate::info::Info;
use std::rc::Rc;
use std::sync::Arc;

/// A view.
pub struct View {
    /// Where the first filetype starts.
    pub disp: u64,
    /// What is accessed and counted.
    pub etype: Datatype,
    /// What the file is tiled with.
    pub filetype: Datatype,
    /// How elements are represented.
    pub datarep: Representation,
    /// Bytes of an etype in the file.
    pub unit: u64,
    /// The filetype as it lies in the file.
    tile: Arc<Node>,
    /// Bytes from one to the next.
    extent: u64,
}

/// A dense piece of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its place in the file.
    pub offset: u64,
    /// Bytes.
    pub len: u64,
}

/// Where the data of a node lie: first byte, first byte of the last block, end.
struct Reach {
    first: i64,
    last: i64,
    end: i64,
}

/// The reach of `node` shifted by `by`, if its blocks are in ascending order, and apart if they have to be `disjoint`.
fn ascending(node: &Node, by: i64, disjoint: bool) -> Option<Reach> {
    let by = by.checked_add(node.offset)?;
    let block = |offset: i64, len: u64| {
        let first = by.checked_add(offset)?;
        Some(Reach { first, last: first, end: first.checked_add(len as i64)? })
    };
    let join = |a: Option<Reach>, b: Reach| match a {
        None => Some(b),
        Some(a) if b.first >= if disjoint { a.end } else { a.last } => {
            Some(Reach { first: a.first, last: b.last, end: a.end.max(b.end) })
        }
        Some(_) => None,
    };
    let repeated = |one: Reach, count: u64, stride: i64| {
        let apart = if disjoint { one.end - one.first } else { one.last - one.first };
        let all = i64::try_from(count - 1).ok()?.checked_mul(stride)?;
        (count == 1 || stride >= apart).then_some(Reach {
            first: one.first,
            last: one.last.checked_add(all)?,
            end: one.end.checked_add(all)?,
        })
    };
    let mut reach = None;
    match &node.shape {
        Shape::Block => return block(0, node.size),
        Shape::Strided { count, stride, len } => return repeated(block(0, *len)?, *count, *stride),
        Shape::Loop { count, stride, body } => {
            return repeated(ascending(body, by, disjoint)?, *count, *stride);
        }
        Shape::Scatter { len, offsets } => {
            for offset in offsets.iter() {
                reach = Some(join(reach, block(*offset, *len)?)?);
            }
        }
        Shape::Runs(runs) => {
            for run in runs.iter() {
                reach = Some(join(reach, block(run.offset, run.len)?)?);
            }
        }
        Shape::Seq(parts) => {
            for part in parts.iter() {
                reach = Some(join(reach, ascending(&part.node, by, disjoint)?)?);
            }
        }
    }
    reach
}

impl View {
    /// That of a file just opened: its bytes.
    pub fn bytes() -> Self {
        let byte = datatype::byte();
        Self {
            disp: 0,
            tile: byte.layout().clone(),
            etype: byte.clone(),
            filetype: byte,
            datarep: Representation::native(),
            unit: 1,
            extent: 1,
        }
    }

    /// A checked view. `written` says that the file may be written.
    pub fn new(disp: u64, etype: Datatype, filetype: Datatype, datarep: &str, written: bool) -> Result<Self> {
        let datarep = Datarep::named(datarep)?.of(&[&etype, &filetype])?;
        let (unit, body) = (datarep.bytes(&etype)?, datarep.body(&filetype)?);
        let (size, extent) = (body.layout.size, body.bounds.extent());
        let wrong = |why: &str| err(MPI_ERR_ARG, why);
        let misplaced = |why: &str| err(MPI_ERR_IO, why);
        if unit == 0 {
            return wrong("the etype has no data");
        }
        if size % unit != 0 {
            return wrong("the filetype is not made of whole etypes");
        }
        if size > 0 {
            let Some(reach) = ascending(&body.layout, 0, written) else {
                return misplaced(if written {
                    "the filetype's displacements are not ascending, or its elements overlap in a file that may be written"
                } else {
                    "the filetype's displacements are not ascending"
                });
            };
            if reach.first < 0
                || ascending(datarep.body(&etype)?.layout.as_ref(), 0, false).is_some_and(|r| r.first < 0)
            {
                return misplaced("the filetype or etype has a negative displacement");
            }
            if extent < if written { reach.end - reach.first } else { reach.last - reach.first } {
                return misplaced(
                    "the filetype's extent is so small that its elements overlap or run backwards",
                );
            }
        }
        Ok(Self { disp, etype, filetype, datarep, unit, tile: body.layout, extent: extent as u64 })
    }

    /// Where byte `at` of the stream is, and how many are dense from there; none if the filetype has no data or the place is
    /// beyond all files.
    fn locate(&self, at: u64) -> Option<Run> {
        let size = self.tile.size;
        if size == 0 {
            return None;
        }
        let (offset, len) = locate(&self.tile, at % size);
        let offset =
            (at / size).checked_mul(self.extent)?.checked_add(self.disp)?.checked_add(offset as u64)?;
        // Tiles without a gap are one piece.
        let len = if self.tile.shape == Shape::Block && self.extent == size { i64::MAX as u64 } else { len };
        i64::try_from(offset).is_ok().then_some(Run { offset, len })
    }

    /// Where byte `at` of the stream is in the file.
    pub fn offset(&self, at: u64) -> Result<u64> {
        match self.locate(at) {
            Some(run) => Ok(run.offset),
            None if self.tile.size == 0 => Ok(self.disp),
            None => err(MPI_ERR_ARG, format!("byte {at} of the view is beyond the largest possible file")),
        }
    }

    /// The dense pieces of `len` bytes of the stream from `at` on, neighbours joined. They end early where the filetype has no
    /// data or the offset would be too large.
    pub fn runs(&self, at: u64, len: u64) -> impl Iterator<Item = Run> {
        let (mut at, end) = (at, at.saturating_add(len));
        let mut next = move || {
            let run = self.locate(at).filter(|_| at < end)?;
            let len = run.len.min(end - at);
            at += len;
            Some(Run { len, ..run })
        };
        let mut ahead = next();
        std::iter::from_fn(move || {
            let mut run = ahead?;
            ahead = next();
            while let Some(more) = ahead.filter(|more| more.offset == run.offset + run.len) {
                run.len += more.len;
                ahead = next();
            }
            Some(run)
        })
    }

    /// Etypes of the stream that begin before byte `end` of the file.
    pub fn etypes_before(&self, end: u64) -> u64 {
        let size = self.tile.size;
        if size == 0 || end <= self.disp {
            return 0;
        }
        let tiles = (end - self.disp).checked_div(self.extent).unwrap_or(0) + 1;
        // The first byte of the stream that is not before the end: offsets ascend.
        let (mut low, mut high) = (0, tiles.saturating_mul(size));
        while low < high {
            let middle = low + (high - low) / 2;
            match self.locate(middle) {
                Some(run) if run.offset < end => {
                    low = middle + (end - run.offset).min(run.len).min(high - middle)
                }
                _ => high = middle,
            }
        }
        low.div_ceil(self.unit)
    }
}

impl File {
    /// `MPI_File_set_view`. `disp` is `MPI_DISPLACEMENT_CURRENT` exactly in sequential mode.
    pub fn set_view(
        &self,
        disp: i64,
        etype: Result<Datatype>,
        filetype: Result<Datatype>,
        datarep: &str,
        info: &Info,
    ) -> Result<()> {
        let sequential = self.amode & MPI_MODE_SEQUENTIAL != 0;
        let make = || {
            let start = match (disp, sequential) {
                (MPI_DISPLACEMENT_CURRENT, true) => self.view().offset(self.shared()?)?,
                (_, true) => {
                    let text = "a file opened with MPI_MODE_SEQUENTIAL needs MPI_DISPLACEMENT_CURRENT";
                    return Err(self.error(MPI_ERR_ARG, text));
                }
                (disp, false) => u64::try_from(disp).map_err(|_| {
                    let text = format!("displacement {disp} without MPI_MODE_SEQUENTIAL");
                    self.error(MPI_ERR_ARG, &text)
                })?,
            };
            if self.split_is_active() {
                return Err(self.error(MPI_ERR_IO, "a split collective operation is under way"));
            }
            let written = self.amode & MPI_MODE_RDONLY == 0;
            let view = View::new(start, etype?, filetype?, datarep, written);
            view.map_err(|error| self.error(error.class, &error.text))
        };
        let view = make();
        let unit = view.as_ref().map_or(0, |view| view.unit);
        let name = datarep.bytes().fold(0, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        let checked = view.as_ref().map(|_| ()).map_err(Clone::clone);
        self.agree([("size of the etype", unit), ("data representation", name)], checked)?;
        *self.view.borrow_mut() = Rc::new(view?);
        self.position.set(0);
        self.hints.borrow_mut().change(info, self.comm.size())?;
        self.reset_shared(0)
    }
}
