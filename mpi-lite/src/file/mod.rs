//! Files: what MPI adds to those of the system (MPI 5.0, chapter 14).
//!
//! | file | question |
//! |---|---|
//! | [`open`] | how do ranks open and close a file together, and who may do what with it? |
//! | [`failure`] | which class has an error of the system? |
//! | [`view`] | where in the file is byte n of what a rank sees of it? |
//! | [`datarep`] | how are elements represented in the file, and how far apart are they there? |
//! | [`convert`] | how do elements get from one representation to the other? |
//! | [`access`] | what does a call read or write, where, and what does it tell? |
//! | [`runs`] | how do the bytes of a view get to and from the system in few calls? |
//! | [`together`] | how do ranks read and write as one what is interleaved? |
//! | [`pointer`] | the individual and the shared file pointer |
//! | [`size`] | size, preallocation, storage |
//! | [`hints`] | which hints are in use? |
//!
//! A *stream* is what a view shows: the bytes of its filetypes one after the other, without the holes. Pointers and
//! offsets are kept in bytes of the stream.
//!
//! Ranks agree through a window of their own on rank 0: its spare word is the shared file pointer, and its lock makes accesses in
//! atomic mode exclude each other. Neither needs the processor of rank 0, nor locks of the host's kernel.

pub mod access;
pub mod convert;
pub mod datarep;
pub mod failure;
pub mod hints;
pub mod open;
pub mod pointer;
pub mod runs;
pub mod size;
pub mod together;
pub mod view;

use crate::abi::{
    MPI_ERR_FILE, MPI_ERR_NOT_SAME, MPI_ERRORS_RETURN, MPI_Errhandler, MPI_FILE_NULL, MPI_File,
};
use crate::comm::Comm;
use crate::errhandler::{self, Guarded};
use crate::error::{MpiError, Result, err};
use crate::handle::{Kind, Table};
use crate::per_rank::per_rank;
use crate::win::{self, Window};
use access::Split;
use hints::Hints;
use std::cell::{Cell, RefCell};
use std::ffi::c_int;
use std::rc::Rc;
use view::View;

/// An open file, as this rank sees it.
pub struct File {
    handle: Cell<MPI_File>,
    /// A communicator of its own.
    pub comm: Rc<Comm>,
    window: Rc<Window>,
    system: std::fs::File,
    /// The name by which it was opened.
    pub name: String,
    /// `MPI_MODE_*`.
    pub amode: c_int,
    view: RefCell<Rc<View>>,
    /// The individual file pointer.
    position: Cell<u64>,
    atomic: Cell<bool>,
    /// Hints in use.
    pub hints: RefCell<Hints>,
    split: Cell<Option<Split>>,
    errhandler: Cell<MPI_Errhandler>,
}

per_rank! { static FILES: RefCell<Table<Rc<File>>> = const { RefCell::new(Table::new(Kind::File)) }; }
// The handler of files to be opened, and of errors without a file (MPI 5.0, section 14.7).
per_rank! { static DEFAULT: Cell<MPI_Errhandler> = const { Cell::new(MPI_ERRORS_RETURN) }; }

/// The file of a handle.
pub fn get(handle: MPI_File) -> Result<Rc<File>> {
    FILES.with(|t| t.borrow().get(handle.0).cloned()).map_or_else(|| invalid(handle), Ok)
}

#[cold]
fn invalid<T>(handle: MPI_File) -> Result<T> {
    crate::init::require_running()?;
    if handle == MPI_FILE_NULL {
        return err(MPI_ERR_FILE, "the file is MPI_FILE_NULL");
    }
    err(MPI_ERR_FILE, format!("invalid or closed file handle {:#x}", handle.0))
}

/// The error handler of a file, or of `MPI_FILE_NULL`; the caller gets no reference of its own.
pub fn errhandler_of(handle: MPI_File) -> Result<MPI_Errhandler> {
    if handle == MPI_FILE_NULL {
        return Ok(DEFAULT.with(Cell::get));
    }
    Ok(get(handle)?.errhandler.get())
}

/// Attaches an error handler to a file, or to all that will be opened by `MPI_FILE_NULL`.
pub fn set_errhandler(handle: MPI_File, handler: MPI_Errhandler) -> Result<()> {
    if handle == MPI_FILE_NULL {
        return DEFAULT.with(|default| errhandler::attach(default, handler));
    }
    errhandler::attach(&get(handle)?.errhandler, handler)
}

/// How many the program has not freed.
pub fn in_use() -> usize {
    FILES.with(|table| table.borrow().len())
}

impl Guarded for MPI_File {
    fn handler(self) -> (usize, MPI_Errhandler) {
        match FILES.with(|t| t.borrow().get(self.0).map(|file| file.errhandler.get())) {
            Some(handler) => (self.0, handler),
            None => (MPI_FILE_NULL.0, DEFAULT.with(Cell::get)),
        }
    }

    fn raw(self) -> usize {
        self.0
    }
}

impl File {
    /// The view in use.
    pub fn view(&self) -> Rc<View> {
        self.view.borrow().clone()
    }

    /// Whether accesses exclude each other.
    pub fn is_atomic(&self) -> bool {
        self.atomic.get()
    }

    /// An error on this file.
    pub fn error(&self, class: c_int, text: &str) -> MpiError {
        MpiError::new(class, format!("file {}: {text}", self.name))
    }

    /// An error of the system on this file.
    fn failed(&self, what: &str, error: &std::io::Error) -> MpiError {
        failure::of(&self.name, what, error)
    }

    /// Returns when all ranks have called it, if all passed the same words and none failed; what failed here comes first.
    /// `words` name themselves for the message.
    fn agree<const N: usize>(&self, words: [(&str, u64); N], mine: Result<()>) -> Result<()> {
        let failed = mine.as_ref().map_or_else(|error| error.class as u64, |()| 0);
        let mut sent = [0; 8];
        sent[0] = failed;
        words.iter().zip(&mut sent[1..]).for_each(|((_, word), place)| *place = *word);
        let all = win::create::exchange(&self.comm, sent)?;
        mine?;
        for (rank, got) in all.iter().enumerate() {
            if got[0] != 0 {
                let class = got[0] as c_int;
                let text = format!("it failed on rank {rank} ({})", errhandler::codes::name(class));
                return Err(self.error(class, &text));
            }
            for ((what, _), (a, b)) in words.iter().zip(got[1..].iter().zip(&all[0][1..])) {
                if a != b {
                    let text = format!("rank {rank} passed another {what} than rank 0");
                    return Err(self.error(MPI_ERR_NOT_SAME, &text));
                }
            }
        }
        Ok(())
    }
}

impl Drop for File {
    fn drop(&mut self) {
        errhandler::release(self.errhandler.get());
    }
}
