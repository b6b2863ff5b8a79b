//! Attributes: values that programs attach to objects under keys of their own (MPI 5.0, section 7.7).
//!
//! The same code serves communicators, datatypes and windows: an object owns [`Attributes`], and says with its [`Scope`] and
//! handle for whom the program's copy and delete functions are called.
//!
//! A value has an [`Origin`], because C and Fortran see each other's values differently (section 19.3.7): what
//! Fortran stored as an integer, C reads as the address of that integer.

pub mod predefined;

use crate::abi::callbacks::{DUP_FN, NULL_COPY_FN};
use crate::abi::{MPI_ERR_KEYVAL, MPI_KEYVAL_INVALID, MPI_SUCCESS};
use crate::error::{MpiError, Result, err};
use crate::handle::{Kind, Table, from_int, to_int};
use crate::per_rank::per_rank;
use std::cell::RefCell;
use std::ffi::{c_int, c_void};

/// What kind of object a key is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Communicators.
    Comm,
    /// Datatypes.
    Type,
    /// Windows.
    Win,
}

/// A C copy function, for any kind of handle (all are pointer-sized): object, key, extra state, value, address of the
/// new value, flag.
pub type CCopy =
    unsafe extern "C" fn(usize, c_int, *mut c_void, *mut c_void, *mut c_void, *mut c_int) -> c_int;
/// A C delete function: object, key, value, extra state.
pub type CDelete = unsafe extern "C" fn(usize, c_int, *mut c_void, *mut c_void) -> c_int;
/// A Fortran copy function: object, key, extra state, value, new value, flag (a LOGICAL), error. `extra` and the
/// values are integers of address size.
pub type FortranCopy =
    unsafe extern "C" fn(*mut c_int, *mut c_int, *mut isize, *mut isize, *mut isize, *mut c_int, *mut c_int);
/// A Fortran delete function: object, key, value, extra state, error.
pub type FortranDelete = unsafe extern "C" fn(*mut c_int, *mut c_int, *mut isize, *mut isize, *mut c_int);

/// How values of a key get into a duplicate.
#[derive(Clone, Copy)]
pub enum Copy {
    /// Not at all (`MPI_NULL_COPY_FN`).
    Null,
    /// Unchanged (`MPI_DUP_FN`).
    Dup,
    /// As the function says.
    C(CCopy),
    /// As the Fortran function says.
    Fortran(FortranCopy),
}

impl Copy {
    /// From a C argument.
    ///
    /// # Safety
    /// `function` is null, `MPI_DUP_FN` or the address of a C copy function.
    pub unsafe fn from_c(function: *const c_void) -> Self {
        match function.addr() {
            NULL_COPY_FN => Self::Null,
            DUP_FN => Self::Dup,
            // SAFETY: the caller's promise; object handles of all kinds are pointer-sized integers.
            _ => Self::C(unsafe { std::mem::transmute::<*const c_void, CCopy>(function) }),
        }
    }
}

/// What happens to values that go away.
#[derive(Clone, Copy)]
pub enum Delete {
    /// Nothing (`MPI_NULL_DELETE_FN`).
    Null,
    /// The function is called.
    C(CDelete),
    /// The Fortran function is called.
    Fortran(FortranDelete),
}

impl Delete {
    /// From a C argument.
    ///
    /// # Safety
    /// `function` is null or the address of a C delete function.
    pub unsafe fn from_c(function: *const c_void) -> Self {
        if function.is_null() {
            return Self::Null;
        }
        // SAFETY: the caller's promise; object handles of all kinds are pointer-sized integers.
        Self::C(unsafe { std::mem::transmute::<*const c_void, CDelete>(function) })
    }
}

/// From which language a value came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// C: a pointer.
    C,
    /// Fortran, an INTEGER (`MPI_ATTR_PUT`).
    FortranInt,
    /// Fortran, an integer of address size; also the predefined attributes.
    FortranAddress,
}

/// A value and its origin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Value {
    /// The pointer or number.
    pub bits: isize,
    /// Where it came from.
    pub origin: Origin,
}

#[derive(Clone, Copy)]
struct Keyval {
    scope: Scope,
    copy: Copy,
    delete: Delete,
    extra: *mut c_void,
    /// The program's own reference and one for each attribute: a freed key lives while values exist, and programs that
    /// kept a copy of it may use it until then (MPI 5.0, section 7.7.2).
    references: usize,
    freed: bool,
}

per_rank! {
    static KEYVALS: RefCell<Table<Keyval>> = RefCell::new(Table::new(Kind::Keyval));
}

fn invalid<T>(key: c_int) -> Result<T> {
    err(MPI_ERR_KEYVAL, format!("invalid attribute key {key}"))
}

/// Makes a key.
pub fn create_keyval(scope: Scope, copy: Copy, delete: Delete, extra: *mut c_void) -> Result<c_int> {
    let keyval = Keyval { scope, copy, delete, extra, references: 1, freed: false };
    KEYVALS.with(|t| t.borrow_mut().insert(keyval)).map(to_int)
}

/// Frees a key for the program; it goes when the last value under it is gone.
pub fn free_keyval(scope: Scope, key: &mut c_int) -> Result<()> {
    // A second free, through a copy of the key, changes nothing.
    if !lookup(scope, *key)?.freed {
        KEYVALS.with(|t| t.borrow_mut().get_mut(from_int(*key)).map(|k| k.freed = true));
        release(*key);
    }
    *key = MPI_KEYVAL_INVALID;
    Ok(())
}

/// The key, if it exists and is one for that kind of object.
fn lookup(scope: Scope, key: c_int) -> Result<Keyval> {
    match find(key) {
        Some(keyval) if keyval.scope == scope => Ok(keyval),
        _ => invalid(key),
    }
}

fn find(key: c_int) -> Option<Keyval> {
    KEYVALS.with(|t| t.borrow().get(from_int(key)).copied())
}

fn retain(key: c_int) {
    KEYVALS.with(|t| t.borrow_mut().get_mut(from_int(key)).map(|k| k.references += 1));
}

fn release(key: c_int) {
    KEYVALS.with(|t| {
        let mut table = t.borrow_mut();
        let last = table.get_mut(from_int(key)).is_some_and(|k| {
            k.references -= 1;
            k.references == 0
        });
        if last {
            table.remove(from_int(key));
        }
    });
}

struct Entry {
    key: c_int,
    /// Boxed: C reads a value that Fortran stored through its address.
    value: Box<Value>,
}

/// The attributes of one object, in the order in which they were set.
#[derive(Default)]
pub struct Attributes(RefCell<Vec<Entry>>);

impl Attributes {
    /// Sets the value under `key` of the object `handle`; an old value is deleted first.
    pub fn set(&self, scope: Scope, handle: usize, key: c_int, value: Value) -> Result<()> {
        lookup(scope, key)?;
        if self.find(key).is_some() {
            self.delete_entry(handle, key)?;
        }
        retain(key);
        self.0.borrow_mut().push(Entry { key, value: Box::new(value) });
        Ok(())
    }

    /// The value under `key`, if one is set.
    pub fn get(&self, scope: Scope, key: c_int) -> Result<Option<Value>> {
        lookup(scope, key)?;
        Ok(self.find(key))
    }

    /// What C's `MPI_*_get_attr` gives: the pointer, or the address of a number that came from Fortran.
    pub fn get_for_c(&self, scope: Scope, key: c_int) -> Result<Option<*mut c_void>> {
        lookup(scope, key)?;
        let entries = self.0.borrow();
        Ok(entries.iter().find(|e| e.key == key).map(|e| match e.value.origin {
            Origin::C => e.value.bits as *mut c_void,
            // On a little-endian machine this is the address of the INTEGER, too.
            Origin::FortranInt | Origin::FortranAddress => (&raw const e.value.bits).cast_mut().cast(),
        }))
    }

    /// Deletes the value under `key` of the object `handle`.
    pub fn delete(&self, scope: Scope, handle: usize, key: c_int) -> Result<()> {
        lookup(scope, key)?;
        match self.find(key) {
            Some(_) => self.delete_entry(handle, key),
            None => err(MPI_ERR_KEYVAL, format!("no attribute is set under key {key}")),
        }
    }

    /// Deletes all values, the last set first, when the object `handle` goes. Stops at the first delete function that
    /// fails; that value and those set before it stay.
    pub fn delete_all(&self, handle: usize) -> Result<()> {
        loop {
            let Some(key) = self.0.borrow().last().map(|e| e.key) else { return Ok(()) };
            self.delete_entry(handle, key)?;
        }
    }

    /// The attributes of a duplicate of the object `handle`, as the copy functions say.
    pub fn duplicate(&self, handle: usize) -> Result<Attributes> {
        let copy = Attributes::default();
        let entries: Vec<(c_int, Value)> = self.0.borrow().iter().map(|e| (e.key, *e.value)).collect();
        for (key, value) in entries {
            let Some(keyval) = find(key) else { continue };
            match call_copy(&keyval, handle, key, value) {
                Ok(Some(value)) => {
                    retain(key);
                    copy.0.borrow_mut().push(Entry { key, value: Box::new(value) });
                }
                Ok(None) => {}
                Err(error) => {
                    copy.delete_all(handle)?;
                    return Err(error);
                }
            }
        }
        Ok(copy)
    }

    fn find(&self, key: c_int) -> Option<Value> {
        self.0.borrow().iter().find(|e| e.key == key).map(|e| *e.value)
    }

    fn delete_entry(&self, handle: usize, key: c_int) -> Result<()> {
        if let (Some(keyval), Some(value)) = (find(key), self.find(key)) {
            call_delete(&keyval, handle, key, value)?;
        }
        // The function may have changed the attributes itself: look again.
        let found = {
            let mut entries = self.0.borrow_mut();
            let position = entries.iter().position(|e| e.key == key);
            position.map(|p| entries.remove(p)).is_some()
        };
        if found {
            release(key);
        }
        Ok(())
    }
}

fn outcome(what: &str, key: c_int, code: c_int) -> Result<()> {
    if code == MPI_SUCCESS {
        return Ok(());
    }
    Err(MpiError::new(code, format!("the {what} function of attribute key {key} returned error code {code}")))
}

/// The value for the duplicate; none when the function declines.
fn call_copy(keyval: &Keyval, handle: usize, key: c_int, value: Value) -> Result<Option<Value>> {
    match keyval.copy {
        Copy::Null => Ok(None),
        Copy::Dup => Ok(Some(value)),
        Copy::C(f) => {
            let (mut flag, mut new) = (0, 0isize);
            let (old, new_at) = (value.bits as *mut c_void, (&raw mut new).cast());
            // SAFETY: the program registered `f` for this use; `new_at` and the flag are valid during the call.
            let code = unsafe { f(handle, key, keyval.extra, old, new_at, &mut flag) };
            outcome("copy", key, code)?;
            Ok((flag != 0).then_some(Value { bits: new, origin: Origin::C }))
        }
        Copy::Fortran(f) => {
            let (mut handle, mut key_arg, mut extra) = (to_int(handle), key, keyval.extra as isize);
            let (mut old, mut new, mut flag, mut code) = (value.bits, 0, 0, MPI_SUCCESS);
            // SAFETY: the program registered `f` for this use; all addresses are valid during the call.
            unsafe {
                f(&mut handle, &mut key_arg, &mut extra, &mut old, &mut new, &mut flag, &mut code);
            }
            outcome("copy", key, code)?;
            Ok((flag != 0).then_some(Value { bits: new, origin: value.origin }))
        }
    }
}

fn call_delete(keyval: &Keyval, handle: usize, key: c_int, value: Value) -> Result<()> {
    match keyval.delete {
        Delete::Null => Ok(()),
        Delete::C(f) => {
            // SAFETY: the program registered `f` for this use.
            let code = unsafe { f(handle, key, value.bits as *mut c_void, keyval.extra) };
            outcome("delete", key, code)
        }
        Delete::Fortran(f) => {
            let (mut handle, mut key_arg, mut extra) = (to_int(handle), key, keyval.extra as isize);
            let (mut old, mut code) = (value.bits, MPI_SUCCESS);
            // SAFETY: the program registered `f` for this use; all addresses are valid during the call.
            unsafe { f(&mut handle, &mut key_arg, &mut old, &mut extra, &mut code) };
            outcome("delete", key, code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    per_rank! {
        static DELETED: RefCell<Vec<isize>> = RefCell::new(Vec::new());
    }

    unsafe extern "C" fn add_extra(
        _: usize,
        _: c_int,
        extra: *mut c_void,
        old: *mut c_void,
        new: *mut c_void,
        flag: *mut c_int,
    ) -> c_int {
        // SAFETY: called by this module, with valid addresses.
        unsafe {
            *new.cast::<usize>() = old.addr() + extra.addr();
            *flag = 1;
        }
        MPI_SUCCESS
    }

    unsafe extern "C" fn note(_: usize, _: c_int, value: *mut c_void, _: *mut c_void) -> c_int {
        DELETED.with(|d| d.borrow_mut().push(value.addr() as isize));
        if value.addr() == 13 { 99 } else { MPI_SUCCESS }
    }

    fn value(bits: isize) -> Value {
        Value { bits, origin: Origin::C }
    }

    #[test]
    fn copy_functions_decide_what_a_duplicate_has() -> Result<()> {
        let extra = std::ptr::without_provenance_mut(100);
        let added = create_keyval(Scope::Comm, Copy::C(add_extra), Delete::Null, extra)?;
        let kept = create_keyval(Scope::Comm, Copy::Dup, Delete::Null, extra)?;
        let dropped = create_keyval(Scope::Comm, Copy::Null, Delete::Null, extra)?;
        let attributes = Attributes::default();
        for (i, key) in [added, kept, dropped].into_iter().enumerate() {
            attributes.set(Scope::Comm, 1, key, value(i as isize + 1))?;
        }
        let copy = attributes.duplicate(1)?;
        let get = |key| copy.get(Scope::Comm, key).map(|v| v.map(|v| v.bits));
        assert_eq!((get(added)?, get(kept)?, get(dropped)?), (Some(101), Some(2), None));
        Ok(())
    }

    #[test]
    fn delete_functions_run_on_overwrite_delete_and_at_the_end_in_reverse() -> Result<()> {
        let key = |_| create_keyval(Scope::Comm, Copy::Null, Delete::C(note), std::ptr::null_mut());
        let keys = (0..3).map(key).collect::<Result<Vec<_>>>()?;
        let attributes = Attributes::default();
        for (i, key) in keys.iter().enumerate() {
            attributes.set(Scope::Comm, 1, *key, value(i as isize))?;
        }
        attributes.set(Scope::Comm, 1, keys[0], value(7))?;
        attributes.delete(Scope::Comm, 1, keys[1])?;
        attributes.delete_all(1)?;
        DELETED.with(|d| assert_eq!(*d.borrow(), [0, 1, 7, 2]));
        assert_eq!(attributes.delete(Scope::Comm, 1, keys[1]).map_err(|e| e.class), Err(MPI_ERR_KEYVAL));
        Ok(())
    }

    #[test]
    fn a_failing_delete_function_keeps_the_value() -> Result<()> {
        let key = create_keyval(Scope::Type, Copy::Null, Delete::C(note), std::ptr::null_mut())?;
        let attributes = Attributes::default();
        attributes.set(Scope::Type, 1, key, value(13))?;
        assert_eq!(attributes.delete(Scope::Type, 1, key).map_err(|e| e.class), Err(99));
        assert_eq!(attributes.get(Scope::Type, key)?, Some(value(13)));
        Ok(())
    }

    #[test]
    fn a_freed_key_lives_until_its_last_value_is_deleted() -> Result<()> {
        let mut key = create_keyval(Scope::Comm, Copy::Dup, Delete::C(note), std::ptr::null_mut())?;
        let attributes = Attributes::default();
        attributes.set(Scope::Comm, 1, key, value(5))?;
        let stale = key;
        free_keyval(Scope::Comm, &mut key)?;
        assert_eq!(key, MPI_KEYVAL_INVALID);
        assert_eq!(attributes.get(Scope::Comm, stale)?, Some(value(5)));
        free_keyval(Scope::Comm, &mut stale.clone())?;
        attributes.delete(Scope::Comm, 1, stale)?;
        assert!(attributes.get(Scope::Comm, stale).is_err());
        DELETED.with(|d| assert_eq!(*d.borrow(), [5]));
        assert!(find(stale).is_none());
        Ok(())
    }

    #[test]
    fn c_reads_numbers_from_fortran_through_an_address() -> Result<()> {
        let key = create_keyval(Scope::Comm, Copy::Dup, Delete::Null, std::ptr::null_mut())?;
        let attributes = Attributes::default();
        attributes.set(Scope::Comm, 1, key, Value { bits: 42, origin: Origin::FortranInt })?;
        let Some(address) = attributes.get_for_c(Scope::Comm, key)? else { return invalid(key) };
        // SAFETY: the attribute lives, so its value does.
        assert_eq!(unsafe { *address.cast::<c_int>() }, 42);
        assert_eq!(attributes.get(Scope::Type, key).map_err(|e| e.class), Err(MPI_ERR_KEYVAL));
        Ok(())
    }
}
