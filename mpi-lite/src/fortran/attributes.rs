//! Attributes: values are integers, copied and deleted by the program's own subroutines or by the predefined ones, which are ordinary
//! subroutines here.

use super::arguments::{Handle, give};
use super::fortran_fn;
use crate::abi::*;
use crate::attr::{self, Copy, Delete, FortranCopy, FortranDelete, Origin, Scope, Value};
use crate::c::entry;
use crate::errhandler::Guarded;
use crate::observe::call::Function;
use crate::{comm, datatype, win};
use core::ffi::{c_int, c_void};

/// An attribute copy subroutine that declines.
unsafe fn decline(flag: *mut c_int, ierror: *mut c_int) {
    // SAFETY: called with references to a LOGICAL and an INTEGER.
    unsafe {
        *flag = 0;
        *ierror = MPI_SUCCESS;
    }
}

/// An attribute copy subroutine that copies.
unsafe fn duplicate(from: *const MPI_Aint, to: *mut MPI_Aint, flag: *mut c_int, ierror: *mut c_int) {
    // SAFETY: called with references to two attribute values, a LOGICAL and an INTEGER.
    unsafe {
        *to = *from;
        *flag = 1;
        *ierror = MPI_SUCCESS;
    }
}

/// The predefined subroutines, in the argument order of `FortranCopy` and `FortranDelete`.
macro_rules! predefined {
    ($($null_copy:ident, $dup:ident, $null_delete:ident;)*) => {
        fortran_fn! { plain
            $(
                /// Copies nothing.
                fn $null_copy(
                    _object: *mut c_int, _key: *mut c_int, _extra: *mut MPI_Aint, _from: *mut MPI_Aint, _to: *mut MPI_Aint,
                    flag: *mut c_int, ierror: *mut c_int,
                ) {
                    // SAFETY: called as an attribute copy subroutine.
                    unsafe { decline(flag, ierror) };
                }

                /// Copies the value.
                fn $dup(
                    _object: *mut c_int, _key: *mut c_int, _extra: *mut MPI_Aint, from: *mut MPI_Aint, to: *mut MPI_Aint,
                    flag: *mut c_int, ierror: *mut c_int,
                ) {
                    // SAFETY: called as an attribute copy subroutine.
                    unsafe { duplicate(from, to, flag, ierror) };
                }

                /// Does nothing.
                fn $null_delete(
                    _object: *mut c_int, _key: *mut c_int, _value: *mut MPI_Aint, _extra: *mut MPI_Aint, ierror: *mut c_int,
                ) {
                    // SAFETY: called with a reference to an INTEGER.
                    unsafe { *ierror = MPI_SUCCESS };
                }
            )*
        }
    };
}

predefined! {
    mpi_null_copy_fn, mpi_dup_fn, mpi_null_delete_fn;
    mpi_comm_null_copy_fn, mpi_comm_dup_fn, mpi_comm_null_delete_fn;
    mpi_type_null_copy_fn, mpi_type_dup_fn, mpi_type_null_delete_fn;
    mpi_win_null_copy_fn, mpi_win_dup_fn, mpi_win_null_delete_fn;
}

/// The attributes of a communicator, datatype or window, by the INTEGER of its handle.
fn with_attributes<T>(
    scope: Scope,
    object: c_int,
    body: impl FnOnce(&attr::Attributes, usize) -> crate::Result<T>,
) -> crate::Result<T> {
    match scope {
        Scope::Comm => {
            let comm = comm::get(MPI_Comm::from_fortran(object))?;
            body(&comm.attributes, comm.handle().0)
        }
        Scope::Type => datatype::with_attributes(MPI_Datatype::from_fortran(object), |attributes| {
            body(attributes, MPI_Datatype::from_fortran(object).0)
        })?,
        Scope::Win => {
            let window = win::get(MPI_Win::from_fortran(object))?;
            body(&window.attributes, window.handle().0)
        }
    }
}

/// The object whose error handler gets the errors of an attribute call.
#[derive(Clone, Copy)]
struct On(Scope, c_int);

impl Guarded for On {
    fn handler(self) -> (usize, MPI_Errhandler) {
        match self {
            Self(Scope::Comm, object) => MPI_Comm::from_fortran(object).handler(),
            Self(Scope::Win, object) => MPI_Win::from_fortran(object).handler(),
            Self(Scope::Type, _) => MPI_COMM_SELF.handler(),
        }
    }
}

/// A value for Fortran: predefined attributes are numbers; what C stored is its address.
fn get(name: &'static str, scope: Scope, object: c_int, key: c_int) -> (c_int, Option<MPI_Aint>) {
    let mut found = None;
    let code = entry(
        Function::named(name),
        || On(scope, object),
        || {
            if scope == Scope::Win && win::hints::is_predefined(key) {
                found = win::get(MPI_Win::from_fortran(object))?.number(key);
                return Ok(());
            }
            if scope == Scope::Comm && attr::predefined::is_predefined(key) {
                comm::get(MPI_Comm::from_fortran(object))?;
                let ranks = crate::init::world().size as usize;
                found = attr::predefined::value(key, ranks).map(|number| number as MPI_Aint);
                return Ok(());
            }
            found =
                with_attributes(scope, object, |attributes, _| attributes.get(scope, key))?.map(|v| v.bits);
            Ok(())
        },
    );
    (code, found)
}

fn put(name: &'static str, scope: Scope, object: c_int, key: c_int, bits: MPI_Aint, origin: Origin) -> c_int {
    entry(
        Function::named(name),
        || On(scope, object),
        || with_attributes(scope, object, |a, handle| a.set(scope, handle, key, Value { bits, origin })),
    )
}

fn delete(name: &'static str, scope: Scope, object: c_int, key: c_int) -> c_int {
    entry(
        Function::named(name),
        || On(scope, object),
        || with_attributes(scope, object, |a, handle| a.delete(scope, handle, key)),
    )
}

fn create_keyval(
    name: &'static str,
    scope: Scope,
    copy: FortranCopy,
    delete: FortranDelete,
    extra: MPI_Aint,
    keyval: *mut c_int,
) -> c_int {
    entry(
        Function::named(name),
        || MPI_COMM_SELF,
        || {
            let key = attr::create_keyval(
                scope,
                Copy::Fortran(copy),
                Delete::Fortran(delete),
                extra as *mut c_void,
            )?;
            // SAFETY: a writable INTEGER.
            unsafe { *keyval = key };
            Ok(())
        },
    )
}

fn free_keyval(name: &'static str, scope: Scope, keyval: *mut c_int) -> c_int {
    // SAFETY: a writable INTEGER.
    entry(Function::named(name), || MPI_COMM_SELF, || attr::free_keyval(scope, unsafe { &mut *keyval }))
}

/// The attribute calls of MPI-2 for one kind of object: values are integers of address size.
macro_rules! attributes {
    ($($scope:ident: $create:ident $free:ident $set:ident $get:ident $delete:ident;)*) => {
        fortran_fn! { both
            $(
                /// Makes a key.
                fn $create(
                    copy: FortranCopy, delete: FortranDelete, keyval: *mut c_int, extra: *const MPI_Aint, ierror: *mut c_int,
                ) {
                    // SAFETY: arguments as the Fortran interface asks, here and below.
                    unsafe { give(ierror, create_keyval(stringify!($create), Scope::$scope, copy, delete, *extra, keyval)) };
                }

                /// Frees a key.
                fn $free(keyval: *mut c_int, ierror: *mut c_int) {
                    // SAFETY: as above.
                    unsafe { give(ierror, free_keyval(stringify!($free), Scope::$scope, keyval)) };
                }

                /// Sets a value.
                fn $set(object: *const c_int, keyval: *const c_int, value: *const MPI_Aint, ierror: *mut c_int) {
                    // SAFETY: as above.
                    unsafe { give(ierror, put(stringify!($set), Scope::$scope, *object, *keyval, *value, Origin::FortranAddress)) };
                }

                /// Gets a value.
                fn $get(
                    object: *const c_int, keyval: *const c_int, value: *mut MPI_Aint, flag: *mut c_int, ierror: *mut c_int,
                ) {
                    // SAFETY: as above.
                    unsafe {
                        let (code, found) = get(stringify!($get), Scope::$scope, *object, *keyval);
                        if let Some(found) = found {
                            *value = found;
                        }
                        *flag = c_int::from(found.is_some());
                        give(ierror, code);
                    }
                }

                /// Deletes a value.
                fn $delete(object: *const c_int, keyval: *const c_int, ierror: *mut c_int) {
                    // SAFETY: as above.
                    unsafe { give(ierror, delete(stringify!($delete), Scope::$scope, *object, *keyval)) };
                }
            )*
        }
    };
}

attributes! {
    Comm: mpi_comm_create_keyval mpi_comm_free_keyval mpi_comm_set_attr mpi_comm_get_attr mpi_comm_delete_attr;
    Type: mpi_type_create_keyval mpi_type_free_keyval mpi_type_set_attr mpi_type_get_attr mpi_type_delete_attr;
    Win: mpi_win_create_keyval mpi_win_free_keyval mpi_win_set_attr mpi_win_get_attr mpi_win_delete_attr;
}

fortran_fn! { plain
    /// MPI_Keyval_create of MPI-1: values are INTEGERs, which share their address with the address-sized ones.
    fn mpi_keyval_create(copy: FortranCopy, delete: FortranDelete, keyval: *mut c_int, extra: *const c_int, ierror: *mut c_int) {
        // SAFETY: as above.
        unsafe { give(ierror, create_keyval("MPI_Keyval_create", Scope::Comm, copy, delete, *extra as MPI_Aint, keyval)) };
    }

    /// MPI_Keyval_free of MPI-1
    fn mpi_keyval_free(keyval: *mut c_int, ierror: *mut c_int) {
        // SAFETY: as above.
        unsafe { give(ierror, free_keyval("MPI_Keyval_free", Scope::Comm, keyval)) };
    }

    /// MPI_Attr_put of MPI-1
    fn mpi_attr_put(comm: *const c_int, keyval: *const c_int, value: *const c_int, ierror: *mut c_int) {
        // SAFETY: as above.
        unsafe { give(ierror, put("MPI_Attr_put", Scope::Comm, *comm, *keyval, *value as MPI_Aint, Origin::FortranInt)) };
    }

    /// MPI_Attr_get of MPI-1: an INTEGER, cut off as the standard has it (MPI 5.0, section 19.3.7).
    fn mpi_attr_get(comm: *const c_int, keyval: *const c_int, value: *mut c_int, flag: *mut c_int, ierror: *mut c_int) {
        // SAFETY: as above.
        unsafe {
            let (code, found) = get("MPI_Attr_get", Scope::Comm, *comm, *keyval);
            if let Some(found) = found {
                *value = found as c_int;
            }
            *flag = c_int::from(found.is_some());
            give(ierror, code);
        }
    }

    /// MPI_Attr_delete of MPI-1
    fn mpi_attr_delete(comm: *const c_int, keyval: *const c_int, ierror: *mut c_int) {
        // SAFETY: as above.
        unsafe { give(ierror, delete("MPI_Attr_delete", Scope::Comm, *comm, *keyval)) };
    }
}
