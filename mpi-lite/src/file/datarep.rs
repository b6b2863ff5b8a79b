//! Data representations: how large elements are in the file, and where those of a type lie (MPI 5.0, section 14.5).
//!
//! A *portable* type has its displacements in elements; these are as far apart in the file as elements are large there.
//! Displacements in bytes are what they are. So a type in the file is made anew, by its recipe, of elements of other sizes.

use crate::abi::*;
use crate::datatype::arrays::{self, Dimension};
use crate::datatype::basic::{Basic, Class, Kind};
use crate::datatype::body::{Block, Body};
use crate::datatype::bounds::Bounds;
use crate::datatype::layout::Node;
use crate::datatype::predefined::named;
use crate::datatype::signature::Signature;
use crate::datatype::{Datatype, Recipe};
use crate::error::{MpiError, Result, err};
use crate::per_rank::per_rank;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{c_int, c_void};
use std::rc::Rc;
use std::sync::Arc;

/// A conversion function of the program.
#[derive(Clone, Copy)]
pub enum Conversion {
    /// Counts are `int`.
    Small(
        unsafe extern "C" fn(*mut c_void, MPI_Datatype, c_int, *mut c_void, MPI_Offset, *mut c_void) -> c_int,
    ),
    /// Counts are `MPI_Count`.
    Large(
        unsafe extern "C" fn(
            *mut c_void,
            MPI_Datatype,
            MPI_Count,
            *mut c_void,
            MPI_Offset,
            *mut c_void,
        ) -> c_int,
    ),
}

/// A representation that the program registered.
pub struct User {
    /// From the file into memory; none if both are the same.
    pub read: Option<Conversion>,
    /// From memory into the file; none if both are the same.
    pub write: Option<Conversion>,
    /// Gives the extent of a predefined type in the file.
    pub extent: unsafe extern "C" fn(MPI_Datatype, *mut MPI_Aint, *mut c_void) -> c_int,
    /// For all three.
    pub state: *mut c_void,
}

/// A data representation.
#[derive(Clone)]
pub enum Datarep {
    /// As in memory.
    Native,
    /// The standard's portable one.
    External32,
    /// One of the program's.
    User(Rc<User>),
}

/// One in use by a view: the sizes of its elements are known.
pub struct Representation {
    /// Its name.
    pub name: String,
    /// Which it is.
    pub kind: Datarep,
    /// Bytes in the file of the elements that the program's function was asked for.
    sizes: RefCell<Vec<(Basic, u64)>>,
}

per_rank! { static USERS: RefCell<BTreeMap<String, Rc<User>>> = const { RefCell::new(BTreeMap::new()) }; }

/// `MPI_Register_datarep`.
pub fn register(name: &str, user: User) -> Result<()> {
    if name.is_empty() || name.len() >= MPI_MAX_DATAREP_STRING as usize {
        return err(MPI_ERR_ARG, format!("the name of a data representation has {} characters", name.len()));
    }
    USERS.with(|users| {
        let mut users = users.borrow_mut();
        if ["native", "internal", "external32"].contains(&name) || users.contains_key(name) {
            return err(MPI_ERR_DUP_DATAREP, format!("the data representation \"{name}\" exists already"));
        }
        users.insert(name.to_owned(), Rc::new(user));
        Ok(())
    })
}

impl Datarep {
    /// The one of that name, with the name.
    pub fn named(name: &str) -> Result<Named> {
        let kind = match name {
            "native" | "internal" => Self::Native,
            "external32" => Self::External32,
            _ => match USERS.with(|users| users.borrow().get(name).cloned()) {
                Some(user) if user.read.is_none() && user.write.is_none() => Self::Native,
                Some(user) => Self::User(user),
                None => {
                    let text = format!("there is no data representation \"{name}\"");
                    return err(MPI_ERR_UNSUPPORTED_DATAREP, text);
                }
            },
        };
        Ok(Named { name: name.to_owned(), kind })
    }
}

/// A representation by its name.
pub struct Named {
    name: String,
    kind: Datarep,
}

impl Named {
    /// Made ready for types.
    pub fn of(self, types: &[&Datatype]) -> Result<Representation> {
        let made = Representation { name: self.name, kind: self.kind, sizes: RefCell::default() };
        types.iter().try_for_each(|dt| made.bytes(dt).map(drop))?;
        Ok(made)
    }
}

impl Representation {
    /// "native".
    pub fn native() -> Self {
        Self { name: "native".into(), kind: Datarep::Native, sizes: RefCell::default() }
    }

    /// Whether the file has what memory has.
    pub fn is_native(&self) -> bool {
        matches!(self.kind, Datarep::Native)
    }

    /// Bytes of an element in the file.
    pub fn element(&self, basic: Basic) -> Result<u64> {
        match &self.kind {
            Datarep::Native => Ok(basic.size() as u64),
            Datarep::External32 => Ok(basic.external_size.into()),
            Datarep::User(user) => {
                let known = self.sizes.borrow().iter().find(|(b, _)| *b == basic).map(|(_, size)| *size);
                if let Some(size) = known {
                    return Ok(size);
                }
                let size = asked(&self.name, user, basic)?;
                self.sizes.borrow_mut().push((basic, size));
                Ok(size)
            }
        }
    }

    /// Bytes of one element of `dt` in the file, gaps excluded.
    pub fn bytes(&self, dt: &Datatype) -> Result<u64> {
        if self.is_native() {
            return Ok(dt.size() as u64);
        }
        let mut bytes = 0u64;
        dt.body().signature.for_each_run(&mut |basic, n| {
            bytes = self.element(basic)?.checked_mul(n).and_then(|more| bytes.checked_add(more)).ok_or_else(
                || MpiError::new(MPI_ERR_COUNT, "the size of the type in the file does not fit 63 bits"),
            )?;
            Result::Ok(())
        })?;
        Ok(bytes)
    }

    /// The type as it lies in the file.
    pub fn body(&self, dt: &Datatype) -> Result<Body> {
        if self.is_native() {
            return Ok(dt.body().clone());
        }
        let recipe = dt.recipe();
        if dt.element().is_some() || recipe.types.is_empty() {
            return Ok(opaque(self.bytes(dt)?));
        }
        let olds = recipe.types.iter().map(|old| self.body(old)).collect::<Result<Vec<_>>>()?;
        rebuild(recipe, &olds)
    }
}

/// Asks the program for the size of an element.
fn asked(name: &str, user: &User, basic: Basic) -> Result<u64> {
    let mut extent = 0;
    // SAFETY: the program registered the function for this use; the result's address is valid during the call.
    let code = unsafe { (user.extent)(named(basic), &mut extent, user.state) };
    match u64::try_from(extent) {
        Ok(size) if code == MPI_SUCCESS && size > 0 => Ok(size),
        _ => {
            let text = format!("the extent function of \"{name}\" gave code {code}, extent {extent}");
            err(MPI_ERR_CONVERSION, text)
        }
    }
}

/// So many bytes of which nothing but the place matters.
fn opaque(bytes: u64) -> Body {
    let byte = Basic::new(Kind::U8, Class::Byte);
    let signature = Signature::one(byte).repeated(bytes).unwrap_or(Signature::EMPTY);
    let bounds = if bytes == 0 { Bounds::default() } else { Bounds::element(bytes as i64, 1) };
    Body { layout: Arc::new(Node::block(0, bytes)), bounds, signature }
}

/// What the constructor of `recipe` makes of other old types.
fn rebuild(recipe: &Recipe, olds: &[Body]) -> Result<Body> {
    let old = &olds[0];
    // The arguments in order: those that are `int` in both variants stand in a list of their own in the large one.
    let ints: Vec<i64> = recipe.ints.iter().map(|v| i64::from(*v)).collect();
    let mut wide: Vec<i64> = if recipe.large { Vec::new() } else { ints.clone() };
    wide.extend(&recipe.counts);
    wide.extend(recipe.addresses.iter().map(|a| *a as i64));
    let n = wide.first().map_or(0, |n| *n as usize);
    let unsigned = |values: &[i64]| values.iter().map(|v| *v as u64).collect::<Vec<_>>();
    let scaled = |values: &[i64]| values.iter().map(|d| old.extents(*d)).collect::<Result<Vec<_>>>();
    match recipe.combiner {
        MPI_COMBINER_DUP => Ok(old.clone()),
        MPI_COMBINER_CONTIGUOUS => old.contiguous(wide[0] as u64),
        MPI_COMBINER_VECTOR => old.hvector(wide[0] as u64, wide[1] as u64, old.extents(wide[2])?),
        MPI_COMBINER_HVECTOR => old.hvector(wide[0] as u64, wide[1] as u64, wide[2]),
        MPI_COMBINER_INDEXED => old.hindexed(&unsigned(&wide[1..=n]), &scaled(&wide[n + 1..])?),
        MPI_COMBINER_HINDEXED => old.hindexed(&unsigned(&wide[1..=n]), &wide[n + 1..]),
        MPI_COMBINER_INDEXED_BLOCK => old.hindexed(&vec![wide[1] as u64; n], &scaled(&wide[2..])?),
        MPI_COMBINER_HINDEXED_BLOCK => old.hindexed(&vec![wide[1] as u64; n], &wide[2..]),
        MPI_COMBINER_STRUCT => {
            let (lens, at) = (unsigned(&wide[1..=n]), &wide[n + 1..]);
            let blocks = lens.iter().zip(at).zip(olds);
            Body::structure(blocks.map(|((&len, &displacement), old)| Block { displacement, len, old }))
        }
        MPI_COMBINER_RESIZED => old.resized(wide[0], wide[1]),
        MPI_COMBINER_SUBARRAY => {
            // ndims and order are `int` in both variants.
            let (n, order) = (ints[0] as usize, ints[ints.len() - 1] as i32);
            let lists = if recipe.large { &recipe.counts[..] } else { &ints[1..] };
            arrays::subarray(&lists[..n], &lists[n..2 * n], &lists[2 * n..3 * n], order, old)
        }
        MPI_COMBINER_DARRAY => {
            let n = ints[2] as usize;
            let (sizes, rest) =
                if recipe.large { (&recipe.counts[..], &ints[3..]) } else { ints[3..].split_at(n) };
            let dimension = |d: usize| Dimension {
                size: sizes[d],
                distribution: rest[d] as i32,
                argument: rest[n + d] as i32,
                processes: rest[2 * n + d] as i32,
            };
            let dimensions: Vec<_> = (0..n).map(dimension).collect();
            arrays::darray(ints[0] as i32, ints[1] as i32, &dimensions, rest[3 * n] as i32, old)
        }
        other => err(MPI_ERR_INTERN, format!("no rule for a type made by combiner {other} in a file")),
    }
}
