//! Error handlers: what happens when an MPI function fails.
//!
//! Every C function runs its body through [`guard`]. An error that the body returns goes to the handler of
//! the communicator or window in question: `MPI_ERRORS_ARE_FATAL` and `MPI_ERRORS_ABORT` end the job with one line that names
//! rank, call and cause; `MPI_ERRORS_RETURN` makes it the function's value; a handler of the program is called
//! and then the code is returned.
//!
//! An error without a valid communicator belongs to `MPI_COMM_SELF` (MPI 5.0, section 9.3). Programs written for MPI-3
//! set only `MPI_COMM_WORLD`'s handler for this case, so while `MPI_COMM_SELF`'s handler was never set,
//! that of `MPI_COMM_WORLD` is taken.

pub mod codes;

use crate::abi::{
    MPI_COMM_NULL, MPI_COMM_SELF, MPI_Comm, MPI_ERR_ERRHANDLER, MPI_ERRHANDLER_NULL, MPI_ERRORS_ABORT,
    MPI_ERRORS_ARE_FATAL, MPI_ERRORS_RETURN, MPI_Errhandler, MPI_SUCCESS,
};
use crate::comm;
use crate::error::{MpiError, Result, err};
use crate::handle::{Kind, Table};
use crate::per_rank::per_rank;
use std::cell::{Cell, RefCell};
use std::ffi::c_int;

/// A handler function of the program.
#[derive(Clone, Copy)]
pub enum UserFn {
    /// From C: gets addresses of the object's handle, which is pointer-sized for all kinds, and of the code.
    C(unsafe extern "C" fn(*mut usize, *mut c_int, ...)),
    /// From Fortran: gets addresses of two integers.
    Fortran(unsafe extern "C" fn(*mut c_int, *mut c_int)),
}

/// A handle of a kind of object that has an error handler.
pub trait Guarded: Copy {
    /// The handler for errors on the object, and the handle that it is called with.
    fn handler(self) -> (usize, MPI_Errhandler);

    /// The handle; 0 of what has none.
    fn raw(self) -> usize {
        0
    }

    /// Ranks of the object, if it is a communicator; else 0.
    fn ranks(self) -> u32 {
        0
    }
}

impl Guarded for MPI_Comm {
    fn handler(self) -> (usize, MPI_Errhandler) {
        let (comm, handler) = comm::handler_for(self);
        (comm.0, handler)
    }

    fn raw(self) -> usize {
        self.0
    }

    fn ranks(self) -> u32 {
        comm::get(self).map_or(0, |comm| comm.size() as u32)
    }
}

/// For functions that make an object: their errors go to the handler meant for it.
impl Guarded for MPI_Errhandler {
    fn handler(self) -> (usize, MPI_Errhandler) {
        match check(self) {
            Ok(()) => (MPI_COMM_NULL.0, self),
            Err(_) => MPI_COMM_SELF.handler(),
        }
    }
}

/// A handler made by the program. It lives as long as the program or an object refers to it.
struct User {
    function: UserFn,
    references: usize,
}

per_rank! {
    static USERS: RefCell<Table<User>> = RefCell::new(Table::new(Kind::Errhandler));
}

/// Makes a handler of `function`; the caller holds one reference.
pub fn create(function: UserFn) -> Result<MPI_Errhandler> {
    USERS.with(|t| t.borrow_mut().insert(User { function, references: 1 })).map(MPI_Errhandler)
}

/// Fails with `MPI_ERR_ERRHANDLER` unless `handler` can be attached to an object.
pub fn check(handler: MPI_Errhandler) -> Result<()> {
    let known = match handler {
        MPI_ERRORS_ARE_FATAL | MPI_ERRORS_ABORT | MPI_ERRORS_RETURN => true,
        MPI_Errhandler(h) => USERS.with(|t| t.borrow().get(h).is_some()),
    };
    if known { Ok(()) } else { err(MPI_ERR_ERRHANDLER, format!("invalid error handler {:#x}", handler.0)) }
}

/// Adds a reference; predefined handlers need none.
pub fn retain(handler: MPI_Errhandler) {
    USERS.with(|t| {
        if let Some(user) = t.borrow_mut().get_mut(handler.0) {
            user.references += 1;
        }
    });
}

/// Takes a reference back; the last one frees the handler.
pub fn release(handler: MPI_Errhandler) {
    USERS.with(|t| {
        let mut table = t.borrow_mut();
        let last = table.get_mut(handler.0).is_some_and(|user| {
            user.references -= 1;
            user.references == 0
        });
        if last {
            table.remove(handler.0);
        }
    });
}

/// Attaches `handler` where another one is attached.
pub fn attach(place: &Cell<MPI_Errhandler>, handler: MPI_Errhandler) -> Result<()> {
    check(handler)?;
    retain(handler);
    release(place.replace(handler));
    Ok(())
}

/// `MPI_Errhandler_free`: the program gives its reference back.
pub fn free(handler: &mut MPI_Errhandler) -> Result<()> {
    check(*handler)?;
    release(*handler);
    *handler = MPI_ERRHANDLER_NULL;
    Ok(())
}

/// Runs the body of the MPI function `name` and, if it fails, the error handler of `object`.
#[inline]
pub fn guard(name: &'static str, object: impl Guarded, body: impl FnOnce() -> Result<()>) -> c_int {
    match body() {
        Ok(()) => MPI_SUCCESS,
        Err(error) => raise(name, object, &error),
    }
}

/// Gives `error` of the MPI function `name` to the error handler of `object`; returns the code for the caller, if at all.
#[cold]
#[inline(never)]
pub fn raise(name: &str, object: impl Guarded, error: &MpiError) -> c_int {
    codes::remember(error.class, &format!("{name}: {}", error.text));
    let (object, handler) = object.handler();
    run(handler, object, error.class, || {
        format!("rank {}: {name}: {} ({})", crate::init::world().rank, error.text, codes::name(error.class))
    })
}

/// `MPI_Comm_call_errhandler` and its like: gives a code to the error handler of `object`.
pub fn call(name: &str, object: impl Guarded, code: c_int) -> c_int {
    let (object, handler) = object.handler();
    run(handler, object, code, || {
        format!("rank {}: {name}: {}", crate::init::world().rank, codes::text(code))
    })
}

fn run(handler: MPI_Errhandler, object: usize, code: c_int, text: impl FnOnce() -> String) -> c_int {
    match handler {
        MPI_ERRORS_RETURN => return code,
        MPI_ERRORS_ARE_FATAL | MPI_ERRORS_ABORT => crate::init::abort(code, &text()),
        MPI_Errhandler(h) => {
            let function = USERS.with(|t| t.borrow().get(h).map(|user| user.function));
            match function {
                Some(UserFn::C(f)) => {
                    let (mut object, mut code) = (object, code);
                    // SAFETY: the program registered `f` for this use; both addresses are valid during the call.
                    unsafe { f(&mut object, &mut code) };
                }
                Some(UserFn::Fortran(f)) => {
                    let (mut object, mut code) = (crate::handle::to_int(object), code);
                    // SAFETY: the program registered `f` for this use; both addresses are valid during the call.
                    unsafe { f(&mut object, &mut code) };
                }
                // Objects hold a reference to their handler, so this is a defect of the library.
                None => crate::init::abort(code, &text()),
            }
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{MPI_COMM_WORLD, MPI_ERR_RANK};
    use std::sync::atomic::{AtomicI32, Ordering};

    #[test]
    fn a_handler_lives_until_its_last_reference_goes() -> Result<()> {
        unsafe extern "C" fn nothing(_: *mut c_int, _: *mut c_int) {}
        let mut handler = create(UserFn::Fortran(nothing))?;
        let copy = handler;
        retain(handler);
        free(&mut handler)?;
        assert_eq!(handler, MPI_ERRHANDLER_NULL);
        check(copy)?;
        release(copy);
        assert_eq!(check(copy).map_err(|e| e.class), Err(MPI_ERR_ERRHANDLER));
        assert!(free(&mut handler).is_err());
        Ok(())
    }

    #[test]
    fn a_function_of_the_program_sees_communicator_and_code() -> Result<()> {
        static SEEN: [AtomicI32; 2] = [AtomicI32::new(0), AtomicI32::new(0)];
        unsafe extern "C" fn note(comm: *mut c_int, code: *mut c_int) {
            // SAFETY: the library passes addresses of two integers.
            let (comm, code) = unsafe { (*comm, *code) };
            SEEN[0].store(comm, Ordering::Relaxed);
            SEEN[1].store(code, Ordering::Relaxed);
        }
        comm::on_init(0, 1);
        let handler = create(UserFn::Fortran(note))?;
        comm::get(MPI_COMM_SELF)?.set_errhandler(handler)?;
        let code = guard("MPI_Send", MPI_COMM_SELF, || err(MPI_ERR_RANK, "invalid rank 7"));
        assert_eq!(code, MPI_ERR_RANK);
        assert_eq!(SEEN[0].load(Ordering::Relaxed), 0x102);
        assert_eq!(SEEN[1].load(Ordering::Relaxed), MPI_ERR_RANK);
        Ok(())
    }

    #[test]
    fn errors_without_a_communicator_go_to_self_once_it_was_set_and_else_to_world() -> Result<()> {
        comm::on_init(0, 1);
        comm::get(MPI_COMM_WORLD)?.set_errhandler(MPI_ERRORS_RETURN)?;
        assert_eq!(comm::handler_for(MPI_Comm(0xdead)), (MPI_COMM_WORLD, MPI_ERRORS_RETURN));
        comm::get(MPI_COMM_SELF)?.set_errhandler(MPI_ERRORS_ABORT)?;
        assert_eq!(comm::handler_for(MPI_Comm(0xdead)), (MPI_COMM_SELF, MPI_ERRORS_ABORT));
        Ok(())
    }
}
