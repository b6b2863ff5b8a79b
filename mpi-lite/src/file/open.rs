//! Opening, closing and deleting (MPI 5.0, section 14.2).

use super::hints::Hints;
use super::view::View;
use super::{DEFAULT, FILES, File, failure};
use crate::abi::*;
use crate::comm::Comm;
use crate::errhandler::{self, codes};
use crate::error::{MpiError, Result, err};
use crate::info::Info;
use crate::win::create::{Part, create, exchange, free};
use std::cell::{Cell, RefCell};
use std::ffi::c_int;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::rc::Rc;

/// All modes of `MPI_File_open`.
const MODES: c_int = MPI_MODE_APPEND
    | MPI_MODE_CREATE
    | MPI_MODE_DELETE_ON_CLOSE
    | MPI_MODE_EXCL
    | MPI_MODE_RDONLY
    | MPI_MODE_RDWR
    | MPI_MODE_SEQUENTIAL
    | MPI_MODE_UNIQUE_OPEN
    | MPI_MODE_WRONLY;

/// Names of file systems that other implementations take in front of a file's name: all are reached in the same way here.
const PREFIXES: [&str; 5] = ["ufs:", "nfs:", "lustre:", "gpfs:", "testfs:"];

fn check_amode(amode: c_int) -> Result<()> {
    let invalid = |why: &str| err(MPI_ERR_AMODE, format!("access mode {amode:#x}: {why}"));
    if amode & !MODES != 0 {
        return invalid("it has unknown bits");
    }
    if (amode & (MPI_MODE_RDONLY | MPI_MODE_WRONLY | MPI_MODE_RDWR)).count_ones() != 1 {
        return invalid("exactly one of MPI_MODE_RDONLY, MPI_MODE_WRONLY and MPI_MODE_RDWR is needed");
    }
    if amode & MPI_MODE_RDONLY != 0 && amode & (MPI_MODE_CREATE | MPI_MODE_EXCL) != 0 {
        return invalid("MPI_MODE_RDONLY goes neither with MPI_MODE_CREATE nor with MPI_MODE_EXCL");
    }
    if amode & MPI_MODE_RDWR != 0 && amode & MPI_MODE_SEQUENTIAL != 0 {
        return invalid("MPI_MODE_RDWR does not go with MPI_MODE_SEQUENTIAL");
    }
    Ok(())
}

/// The file's name for the system.
fn plain(name: &str) -> &str {
    PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

fn open_system(name: &str, amode: c_int, permissions: u32) -> Result<std::fs::File> {
    let created = amode & MPI_MODE_CREATE != 0;
    let mut options = OpenOptions::new();
    options.read(amode & MPI_MODE_WRONLY == 0).write(amode & MPI_MODE_RDONLY == 0).mode(permissions);
    options.create(created).create_new(created && amode & MPI_MODE_EXCL != 0);
    let file = options.open(name).map_err(|error| failure::of(name, "it cannot be opened", &error))?;
    match file.metadata() {
        Ok(data) if data.is_dir() => err(MPI_ERR_BAD_FILE, format!("file {name}: it is a directory")),
        _ => Ok(file),
    }
}

/// Fails if any rank failed, this one first. Collective.
fn all_well(comm: &Comm, name: &str, mine: Result<()>) -> Result<()> {
    let all = exchange(comm, [mine.as_ref().map_or_else(|error| error.class as u64, |()| 0)])?;
    mine?;
    match all.iter().enumerate().find(|(_, [class])| *class != 0) {
        Some((rank, [class])) => {
            let class = *class as c_int;
            let text = format!("file {name}: it could not be opened on rank {rank} ({})", codes::name(class));
            Err(MpiError::new(class, text))
        }
        None => Ok(()),
    }
}

/// Opens the system's file on all ranks: one of them creates it, so that the others find it.
fn open_all(comm: &Comm, name: &str, amode: c_int, permissions: u32) -> Result<std::fs::File> {
    let split = |opened: Result<std::fs::File>| match opened {
        Ok(file) => (Some(file), Ok(())),
        Err(error) => (None, Err(error)),
    };
    let creates = amode & MPI_MODE_CREATE != 0;
    let mut file = None;
    if creates {
        let mut outcome = Ok(());
        if comm.rank() == 0 {
            (file, outcome) = split(open_system(name, amode, permissions));
        }
        all_well(comm, name, outcome)?;
    }
    let mut outcome = Ok(());
    if file.is_none() {
        let amode = amode & !(MPI_MODE_CREATE | MPI_MODE_EXCL);
        (file, outcome) = split(open_system(name, amode, permissions));
    }
    if !creates || comm.size() > 1 {
        all_well(comm, name, outcome)?;
    }
    file.ok_or_else(|| MpiError::new(MPI_ERR_INTERN, format!("file {name}: it is not open")))
}

/// `MPI_File_open`.
pub fn open(comm: &Comm, name: &str, amode: c_int, info: &Info) -> Result<MPI_File> {
    comm.require_intra()?;
    let name = plain(name);
    let mut checked = check_amode(amode);
    let hints = Hints::new(info, comm.size());
    if let Err(error) = &hints {
        checked = checked.and(Err(error.clone()));
    }
    let modes = exchange(comm, [amode as u64, u64::from(checked.is_err())])?;
    checked?;
    if let Some(rank) = modes.iter().position(|[_, failed]| *failed != 0) {
        return err(MPI_ERR_ARG, format!("file {name}: rank {rank} passed a wrong argument"));
    }
    if let Some(rank) = modes.iter().position(|mode| *mode != modes[0]) {
        let text = format!("file {name}: rank {rank} passed another access mode than rank 0");
        return err(MPI_ERR_NOT_SAME, text);
    }
    let hints = hints?;
    let system = open_all(comm, name, amode, hints.permissions())?;
    let part = Part { size: 0, unit: 1, info: Info::default() };
    let window = crate::win::get(create(comm, std::ptr::null_mut(), &part)?)?;
    let errhandler = DEFAULT.with(Cell::get);
    errhandler::retain(errhandler);
    let file = Rc::new(File {
        handle: Cell::new(MPI_FILE_NULL),
        comm: window.comm.clone(),
        window,
        system,
        name: name.to_owned(),
        amode,
        view: RefCell::new(Rc::new(View::bytes())),
        position: Cell::new(0),
        atomic: Cell::new(false),
        hints: RefCell::new(hints),
        split: Cell::new(None),
        errhandler: Cell::new(errhandler),
    });
    if amode & MPI_MODE_APPEND != 0 {
        let end = file.size();
        file.agree([], end.as_ref().map(|_| ()).map_err(Clone::clone))?;
        file.position.set(end?);
        file.reset_shared(file.position.get())?;
    }
    let handle = FILES.with(|t| t.borrow_mut().insert(file.clone())).map(MPI_File)?;
    file.handle.set(handle);
    Ok(handle)
}

/// `MPI_File_close`.
pub fn close(handle: &mut MPI_File) -> Result<()> {
    let file = super::get(*handle)?;
    if file.split.get().is_some() {
        return Err(file.error(MPI_ERR_IO, "a split collective operation has begun and not ended"));
    }
    // The window ends when all ranks have come here: then nobody uses the file any more.
    free(&mut file.window.handle())?;
    let removed = FILES.with(|t| t.borrow_mut().remove(handle.0));
    drop(removed);
    *handle = MPI_FILE_NULL;
    if file.amode & MPI_MODE_DELETE_ON_CLOSE == 0 {
        return Ok(());
    }
    file.agree([], if file.comm.rank() == 0 { delete(&file.name) } else { Ok(()) })
}

/// `MPI_File_delete`.
pub fn delete(name: &str) -> Result<()> {
    let name = plain(name);
    std::fs::remove_file(name).map_err(|error| failure::of(name, "it cannot be deleted", &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_that_contradict_each_other_are_refused() {
        let class = |amode| check_amode(amode).map_err(|e| e.class);
        for good in [
            MPI_MODE_RDONLY,
            MPI_MODE_RDWR | MPI_MODE_CREATE | MPI_MODE_EXCL,
            MPI_MODE_WRONLY | MPI_MODE_SEQUENTIAL,
        ] {
            assert_eq!(class(good), Ok(()), "{good:#x}");
        }
        for bad in [
            0,
            MPI_MODE_RDONLY | MPI_MODE_RDWR,
            MPI_MODE_RDONLY | MPI_MODE_CREATE,
            MPI_MODE_RDONLY | MPI_MODE_EXCL,
            MPI_MODE_RDWR | MPI_MODE_SEQUENTIAL,
            MPI_MODE_RDWR | 1 << 20,
        ] {
            assert_eq!(class(bad), Err(MPI_ERR_AMODE), "{bad:#x}");
        }
    }

    #[test]
    fn names_of_file_systems_are_no_part_of_the_name() {
        assert_eq!((plain("ufs:/a/b"), plain("a:b")), ("/a/b", "a:b"));
    }
}
