//! Making and freeing windows, and their memory.

use crate::abi::*;
use crate::c::input::{place, store};
use crate::error::{Result, err};
use crate::win::create::{self, Part};
use crate::{comm, info, mpi_fn, win};
use std::ffi::{c_int, c_void};

fn part(size: MPI_Aint, unit: i64, info: MPI_Info) -> Result<Part> {
    Ok(Part { size, unit, info: info::get_or_empty(info)? })
}

/// # Safety
/// Both are null or writable.
unsafe fn give(made: (MPI_Win, *mut u8), baseptr: *mut c_void, win: *mut MPI_Win) -> Result<()> {
    // SAFETY: promised by the caller.
    unsafe {
        store("baseptr", baseptr.cast::<*mut u8>(), made.1)?;
        store("win", win, made.0)
    }
}

/// The rank that `MPI_Win_shared_query` is asked for: of `MPI_PROC_NULL` the first with memory.
fn queried(window: &win::Window, rank: c_int) -> Result<Option<&win::Target>> {
    if rank == MPI_PROC_NULL {
        return Ok(window.targets.iter().find(|target| target.size > 0));
    }
    window.target(rank).map(Some)
}

mpi_fn! {
    /// A window over memory of the program.
    large fn MPI_Win_create, MPI_Win_create_c(
        base: *mut c_void, size: MPI_Aint, disp_unit: Displ, info: MPI_Info, comm: MPI_Comm, win: *mut MPI_Win
    ) on comm {
        let on = comm::get(comm)?;
        let made = create::create(&on, base.cast(), &part(size, disp_unit as i64, info)?)?;
        // SAFETY: the caller's result place.
        unsafe { store("win", win, made) }
    }

    /// A window with memory.
    large fn MPI_Win_allocate, MPI_Win_allocate_c(
        size: MPI_Aint, disp_unit: Displ, info: MPI_Info, comm: MPI_Comm, baseptr: *mut c_void, win: *mut MPI_Win
    ) on comm {
        let on = comm::get(comm)?;
        let made = create::allocate_window(&on, &part(size, disp_unit as i64, info)?)?;
        // SAFETY: the caller's result places.
        unsafe { give(made, baseptr, win) }
    }

    /// A window with memory which all of its ranks load and store.
    large fn MPI_Win_allocate_shared, MPI_Win_allocate_shared_c(
        size: MPI_Aint, disp_unit: Displ, info: MPI_Info, comm: MPI_Comm, baseptr: *mut c_void, win: *mut MPI_Win
    ) on comm {
        let on = comm::get(comm)?;
        let made = create::allocate_shared(&on, &part(size, disp_unit as i64, info)?)?;
        // SAFETY: the caller's result places.
        unsafe { give(made, baseptr, win) }
    }

    /// Where this rank loads and stores another rank's part; null if it cannot.
    large fn MPI_Win_shared_query, MPI_Win_shared_query_c(
        win: MPI_Win, rank: c_int, size: *mut MPI_Aint, disp_unit: *mut Displ, baseptr: *mut c_void
    ) on win {
        let window = win::get(win)?;
        if window.flavor == MPI_WIN_FLAVOR_DYNAMIC {
            return err(MPI_ERR_RMA_FLAVOR, format!("MPI_Win_shared_query of {}, which is dynamic", window.describe()));
        }
        let target = queried(&window, rank)?.filter(|target| !target.direct.is_null());
        let base = |t: &win::Target| if t.size > 0 { t.direct } else { std::ptr::null_mut() };
        let found = target.map_or((0, 0, std::ptr::null_mut()), |t| (t.size as MPI_Aint, t.unit, base(t)));
        let Ok(unit) = found.1.try_into() else {
            return err(MPI_ERR_VALUE_TOO_LARGE, format!("displacement unit {} does not fit an int", found.1));
        };
        // SAFETY: the caller's result places.
        unsafe {
            store("size", size, found.0)?;
            store("disp_unit", disp_unit, unit)?;
            store("baseptr", baseptr.cast::<*mut u8>(), found.2)
        }
    }

    /// A window to which memory is attached later.
    fn MPI_Win_create_dynamic(info: MPI_Info, comm: MPI_Comm, win: *mut MPI_Win) on comm {
        let made = create::create_dynamic(&*comm::get(comm)?, info::get_or_empty(info)?)?;
        // SAFETY: the caller's result place.
        unsafe { store("win", win, made) }
    }

    /// Attaches memory.
    fn MPI_Win_attach(win: MPI_Win, base: *mut c_void, size: MPI_Aint) on win {
        win::get(win)?.attach(base.cast(), size)
    }

    /// Detaches memory.
    fn MPI_Win_detach(win: MPI_Win, base: *const c_void) on win { win::get(win)?.detach(base.cast()) }

    /// Ends a window.
    fn MPI_Win_free(win: *mut MPI_Win) on (named(win)) {
        // SAFETY: the caller's handle.
        create::free(unsafe { place("win", win)? })
    }
}

/// The window at an address, for its error handler.
fn named(win: *mut MPI_Win) -> MPI_Win {
    // SAFETY: null, or the caller's handle.
    unsafe { win.as_ref() }.copied().unwrap_or(MPI_WIN_NULL)
}
