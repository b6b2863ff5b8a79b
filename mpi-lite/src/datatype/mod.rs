//! Datatypes: the map from memory to message bytes (MPI 5.0, chapter 5).
//!
//! A [`Datatype`] knows three things, computed when it is made: where its bytes are ([`layout`]), its bounds ([`bounds`]) and
//! the kinds of its elements ([`signature`]). Together they are its *type map*, condensed. *Message bytes* are the data without
//! the gaps, in type map order; a [`Packer`] streams them. Counts and sizes are 64 bits wide throughout, and what does not fit
//! 63 bits is refused when the type is made.

pub mod arrays;
pub mod basic;
mod blocks;
pub mod body;
pub mod bounds;
mod copy;
pub mod count;
pub mod external32;
pub mod f90;
pub mod labels;
pub mod layout;
mod packer;
pub mod predefined;
mod recipe;
pub mod signature;
mod table;

#[cfg(test)]
mod reference;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::abi::{MPI_BYTE, MPI_DATATYPE_NULL, MPI_Datatype};
use basic::{Basic, Kind};
use body::Body;
use layout::{Node, Shape};

pub use copy::locate;
pub use labels::with_attributes;
pub use packer::Packer;
pub use recipe::Recipe;
pub use table::{dense, free, get, in_use, insert, lookup, with_handle};

use crate::check::TypeCode;
use crate::error::Result;

/// A datatype. Clones share it; those of predefined types are free of cost.
#[derive(Clone)]
pub struct Datatype(Ref);

#[derive(Clone)]
enum Ref {
    Predefined(&'static TypeInner),
    Made(Arc<TypeInner>),
}

/// The one element that a predefined type (a duplicate of one, or a Fortran type by precision) is, as operations see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Element {
    /// A number, logical, byte or character.
    Basic(Basic),
    /// A value and an index, for MINLOC and MAXLOC.
    Pair {
        /// What is compared.
        value: Kind,
        /// What comes along.
        index: Kind,
    },
}

/// What clones of a [`Datatype`] share.
pub struct TypeInner {
    /// Of a predefined type its own, else the first one that it was given, or `MPI_DATATYPE_NULL`.
    handle: AtomicUsize,
    name: &'static str,
    body: Body,
    // Copies of what communication asks for on every call.
    extent: i64,
    true_lb: i64,
    dense: bool,
    code: TypeCode,
    element: Option<Element>,
    committed: AtomicBool,
    /// Made by `MPI_Type_create_f90_*`: may not be freed.
    permanent: bool,
    recipe: Recipe,
}

impl TypeInner {
    fn new(body: Body, recipe: Recipe) -> Self {
        Self {
            handle: AtomicUsize::new(MPI_DATATYPE_NULL.0),
            name: "",
            extent: body.bounds.extent(),
            true_lb: body.bounds.true_lb(),
            dense: body.layout.shape == Shape::Block,
            code: TypeCode::of(&body.signature),
            element: None,
            committed: AtomicBool::new(false),
            permanent: false,
            recipe,
            body,
        }
    }

    fn predefined(handle: MPI_Datatype, name: &'static str, body: Body, element: Element) -> Self {
        Self {
            handle: AtomicUsize::new(handle.0),
            name,
            element: Some(element),
            committed: AtomicBool::new(true),
            permanent: true,
            ..Self::new(body, Recipe::NAMED)
        }
    }

    /// Name of a predefined type, else empty.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

impl std::fmt::Debug for Datatype {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.inner().name {
            "" => write!(f, "datatype of {} bytes, extent {}", self.size(), self.extent()),
            name => f.write_str(name),
        }
    }
}

/// `MPI_BYTE`.
pub fn byte() -> Datatype {
    predefined(MPI_BYTE)
}

/// A predefined type. Panics for anything but the handle of one, so for constants only.
pub fn predefined(handle: MPI_Datatype) -> Datatype {
    Datatype(Ref::Predefined(predefined::get(handle).expect("the handle of a predefined datatype")))
}

impl Datatype {
    /// A new type, not committed.
    pub fn new(body: Body, recipe: Recipe) -> Self {
        Self(Ref::Made(Arc::new(TypeInner::new(body, recipe))))
    }

    /// A duplicate, with its own life but everything else as `self` (attributes and names are kept elsewhere).
    pub fn duplicate(&self) -> Self {
        let recipe = Recipe::new(crate::abi::MPI_COMBINER_DUP, false).types(std::slice::from_ref(self));
        let inner = TypeInner::new(self.body().clone(), recipe);
        let committed = AtomicBool::new(self.is_committed());
        Self(Ref::Made(Arc::new(TypeInner { element: self.element(), committed, ..inner })))
    }

    /// A predefined type without a handle of its own in the ABI, committed and not to be freed.
    fn permanent(like: &Self, recipe: Recipe) -> Self {
        let inner = TypeInner::new(like.body().clone(), recipe);
        let committed = AtomicBool::new(true);
        Self(Ref::Made(Arc::new(TypeInner { element: like.element(), committed, permanent: true, ..inner })))
    }

    #[inline(always)]
    fn inner(&self) -> &TypeInner {
        match &self.0 {
            Ref::Predefined(inner) => inner,
            Ref::Made(inner) => inner,
        }
    }

    /// Layout, bounds and signature.
    pub fn body(&self) -> &Body {
        &self.inner().body
    }

    /// Where the bytes are.
    #[inline]
    pub fn layout(&self) -> &Arc<Node> {
        &self.inner().body.layout
    }

    /// Bytes of data in one element, gaps excluded.
    #[inline]
    pub fn size(&self) -> usize {
        self.inner().body.layout.size as usize
    }

    /// Bytes from one element to the next.
    #[inline]
    pub fn extent(&self) -> isize {
        self.inner().extent as isize
    }

    /// Lower bound.
    pub fn lb(&self) -> isize {
        self.body().bounds.lb() as isize
    }

    /// Upper bound.
    pub fn ub(&self) -> isize {
        self.lb() + self.extent()
    }

    /// Offset of the first byte of data.
    #[inline]
    pub fn true_lb(&self) -> isize {
        self.inner().true_lb as isize
    }

    /// From the first to behind the last byte of data.
    pub fn true_extent(&self) -> isize {
        self.body().bounds.true_extent() as isize
    }

    /// Whether one element is one dense block in message order; it starts at `true_lb`. For several elements see
    /// [`Self::contiguous_bytes`].
    #[inline]
    pub fn is_contiguous(&self) -> bool {
        self.inner().dense
    }

    /// If `count` elements are one dense block: its offset from the buffer's address and its length.
    #[inline]
    pub fn contiguous_bytes(&self, count: usize) -> Option<(isize, usize)> {
        let inner = self.inner();
        let size = self.size();
        if !inner.dense || (inner.extent != size as i64 && count > 1 && size != 0) {
            return None;
        }
        Some((inner.true_lb as isize, size.checked_mul(count)?))
    }

    /// Message bytes of `count` elements; an error if that is more than 2^63 - 1.
    #[inline]
    pub fn packed_size(&self, count: usize) -> Result<usize> {
        layout::mul_size(self.size() as u64, count as u64).map(|n| n as usize)
    }

    /// From the first to behind the last byte that `count` elements touch, relative to the buffer's address. (0, 0) if none.
    pub fn span(&self, count: usize) -> Result<(isize, isize)> {
        let bounds = self.body().bounds.repeated(count as u64, self.inner().extent)?;
        Ok((bounds.true_lb() as isize, (bounds.true_lb() + bounds.true_extent()) as isize))
    }

    /// What its elements are, for messages.
    #[inline]
    pub fn code(&self) -> TypeCode {
        self.inner().code
    }

    /// The one element that this is for operations, if it is predefined or a duplicate of such.
    #[inline]
    pub fn element(&self) -> Option<Element> {
        self.inner().element
    }

    /// The handle of a predefined type.
    #[inline]
    pub fn predefined_handle(&self) -> Option<MPI_Datatype> {
        match &self.0 {
            Ref::Predefined(inner) => Some(MPI_Datatype(inner.handle.load(Ordering::Relaxed))),
            Ref::Made(_) => None,
        }
    }

    /// How it was made.
    pub fn recipe(&self) -> &Recipe {
        &self.inner().recipe
    }

    /// Its name unless the program gave it one: that of a predefined type, else empty.
    pub fn default_name(&self) -> &'static str {
        self.inner().name
    }

    /// Allows its use in communication.
    pub fn commit(&self) {
        self.inner().committed.store(true, Ordering::Relaxed);
    }

    /// Whether [`Self::commit`] was called.
    #[inline]
    pub fn is_committed(&self) -> bool {
        self.inner().committed.load(Ordering::Relaxed)
    }

    /// Whether the program may not free it.
    pub fn is_permanent(&self) -> bool {
        self.inner().permanent
    }

    /// Whether both are the same object.
    pub fn same(&self, other: &Self) -> bool {
        std::ptr::eq(self.inner(), other.inner())
    }
}
