//! Error classes and codes, their names and their texts.
//!
//! The library's own errors use the class as the code. Programs add classes and codes above `MPI_ERR_LASTCODE`.

use crate::abi;
use crate::error::{Result, err};
use crate::per_rank::per_rank;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::c_int;

/// Name and meaning of each class, at the index of its number.
const CLASSES: [(&str, &str); 63] = [
    ("MPI_SUCCESS", "no error"),
    ("MPI_ERR_BUFFER", "invalid buffer address"),
    ("MPI_ERR_COUNT", "invalid count"),
    ("MPI_ERR_TYPE", "invalid datatype"),
    ("MPI_ERR_TAG", "invalid tag"),
    ("MPI_ERR_COMM", "invalid communicator"),
    ("MPI_ERR_RANK", "invalid rank"),
    ("MPI_ERR_REQUEST", "invalid request"),
    ("MPI_ERR_ROOT", "invalid root rank"),
    ("MPI_ERR_GROUP", "invalid group"),
    ("MPI_ERR_OP", "invalid reduction operation"),
    ("MPI_ERR_TOPOLOGY", "invalid topology"),
    ("MPI_ERR_DIMS", "invalid dimensions"),
    ("MPI_ERR_ARG", "invalid argument"),
    ("MPI_ERR_UNKNOWN", "unknown error"),
    ("MPI_ERR_TRUNCATE", "message longer than the receive buffer"),
    ("MPI_ERR_OTHER", "error of another kind"),
    ("MPI_ERR_INTERN", "internal error of the MPI library"),
    ("MPI_ERR_PENDING", "the request is neither complete nor failed"),
    ("MPI_ERR_IN_STATUS", "the error codes are in the statuses"),
    ("MPI_ERR_ACCESS", "permission denied"),
    ("MPI_ERR_AMODE", "invalid access mode of a file"),
    ("MPI_ERR_ASSERT", "invalid assertion argument"),
    ("MPI_ERR_BAD_FILE", "invalid file name"),
    ("MPI_ERR_BASE", "invalid base address"),
    ("MPI_ERR_CONVERSION", "a data conversion function failed"),
    ("MPI_ERR_DISP", "invalid displacement"),
    ("MPI_ERR_DUP_DATAREP", "the data representation exists already"),
    ("MPI_ERR_FILE_EXISTS", "the file exists already"),
    ("MPI_ERR_FILE_IN_USE", "the file is in use"),
    ("MPI_ERR_FILE", "invalid file handle"),
    ("MPI_ERR_INFO_KEY", "info key missing, empty or too long"),
    ("MPI_ERR_INFO_NOKEY", "no such info key"),
    ("MPI_ERR_INFO_VALUE", "info value missing or too long"),
    ("MPI_ERR_INFO", "invalid info object"),
    ("MPI_ERR_IO", "input or output error"),
    ("MPI_ERR_KEYVAL", "invalid attribute key"),
    ("MPI_ERR_LOCKTYPE", "invalid lock type"),
    ("MPI_ERR_NAME", "the service name is not published"),
    ("MPI_ERR_NO_MEM", "out of memory"),
    ("MPI_ERR_NOT_SAME", "the processes passed different arguments"),
    ("MPI_ERR_NO_SPACE", "no space left on the device"),
    ("MPI_ERR_NO_SUCH_FILE", "no such file"),
    ("MPI_ERR_PORT", "invalid port name"),
    ("MPI_ERR_QUOTA", "quota exceeded"),
    ("MPI_ERR_READ_ONLY", "read-only file or file system"),
    ("MPI_ERR_RMA_ATTACH", "memory cannot be attached to the window"),
    ("MPI_ERR_RMA_CONFLICT", "conflicting accesses to a window"),
    ("MPI_ERR_RMA_RANGE", "target memory is not in the window"),
    ("MPI_ERR_RMA_SHARED", "memory cannot be shared"),
    ("MPI_ERR_RMA_SYNC", "wrong synchronisation of a window"),
    ("MPI_ERR_SERVICE", "the service name cannot be unpublished"),
    ("MPI_ERR_SIZE", "invalid size"),
    ("MPI_ERR_SPAWN", "processes could not be started"),
    ("MPI_ERR_UNSUPPORTED_DATAREP", "unsupported data representation"),
    ("MPI_ERR_UNSUPPORTED_OPERATION", "unsupported operation"),
    ("MPI_ERR_WIN", "invalid window"),
    ("MPI_ERR_RMA_FLAVOR", "wrong flavour of window"),
    ("MPI_ERR_PROC_ABORTED", "a process of the operation has aborted"),
    ("MPI_ERR_VALUE_TOO_LARGE", "the value does not fit the argument's type"),
    ("MPI_ERR_SESSION", "invalid session"),
    ("MPI_ERR_ERRHANDLER", "invalid error handler"),
    ("MPI_ERR_ABI", "incompatible binary interface"),
];

/// A class or code which the program added.
struct Added {
    /// The class it belongs to: itself for a class.
    class: c_int,
    text: String,
}

/// Codes of this rank.
struct Codes {
    added: BTreeMap<c_int, Added>,
    next: c_int,
    /// The last error, as class and full text: what `MPI_Error_string` tells beyond the class.
    last: Option<(c_int, String)>,
}

per_rank! {
    static CODES: RefCell<Codes> = RefCell::new(Codes {
        added: BTreeMap::new(),
        next: abi::MPI_ERR_LASTCODE + 1,
        last: None,
    });
}

fn predefined(code: c_int) -> Option<&'static (&'static str, &'static str)> {
    CLASSES.get(usize::try_from(code).ok()?)
}

fn invalid<T>(code: c_int) -> Result<T> {
    err(abi::MPI_ERR_ARG, format!("{code} is not an error code"))
}

/// The name of the class, for messages.
pub fn name(code: c_int) -> String {
    match predefined(code) {
        Some((name, _)) => (*name).to_owned(),
        None => format!("error code {code}"),
    }
}

/// Keeps the text of an error for [`text`].
pub fn remember(class: c_int, text: &str) {
    CODES.with(|c| c.borrow_mut().last = Some((class, text.to_owned())));
}

/// `MPI_Error_string`: what the code means and, when it is that of the last error, what happened.
pub fn string(code: c_int) -> Result<String> {
    CODES.with(|c| {
        let codes = c.borrow();
        if let Some(added) = codes.added.get(&code) {
            return Ok(added.text.clone());
        }
        let Some((name, meaning)) = predefined(code) else { return invalid(code) };
        Ok(match &codes.last {
            Some((class, text)) if *class == code => format!("{name}: {meaning} (last: {text})"),
            _ => format!("{name}: {meaning}"),
        })
    })
}

/// As [`string`], for a code that may be invalid.
pub fn text(code: c_int) -> String {
    string(code).unwrap_or_else(|_| format!("unknown error code {code}"))
}

/// `MPI_Error_class`.
pub fn class(code: c_int) -> Result<c_int> {
    if predefined(code).is_some() {
        return Ok(code);
    }
    CODES.with(|c| match c.borrow().added.get(&code) {
        Some(added) => Ok(added.class),
        None => invalid(code),
    })
}

/// The value of the attribute `MPI_LASTUSEDCODE`.
pub fn last_used() -> c_int {
    CODES.with(|c| {
        let codes = c.borrow();
        codes.added.keys().next_back().copied().unwrap_or(abi::MPI_ERR_LASTCODE)
    })
}

/// `MPI_Add_error_class`.
pub fn add_class() -> Result<c_int> {
    add(None)
}

/// `MPI_Add_error_code`.
pub fn add_code(of: c_int) -> Result<c_int> {
    if class(of)? != of {
        return err(abi::MPI_ERR_ARG, format!("{of} is an error code, not a class"));
    }
    add(Some(of))
}

fn add(class: Option<c_int>) -> Result<c_int> {
    CODES.with(|c| {
        let mut codes = c.borrow_mut();
        let code = codes.next;
        codes.next += 1;
        codes.added.insert(code, Added { class: class.unwrap_or(code), text: String::new() });
        Ok(code)
    })
}

/// `MPI_Add_error_string`.
pub fn add_string(code: c_int, text: &str) -> Result<()> {
    if text.len() >= abi::MPI_MAX_ERROR_STRING as usize {
        return err(abi::MPI_ERR_ARG, format!("the string has {} characters", text.len()));
    }
    with_added(code, |added| text.clone_into(&mut added.text))
}

/// `MPI_Remove_error_string`.
pub fn remove_string(code: c_int) -> Result<()> {
    with_added(code, |added| added.text.clear())
}

/// Removes a class (`of_class`) or a code which the program added; it must have no string, and a class no codes left.
fn remove(code: c_int, of_class: bool) -> Result<()> {
    CODES.with(|c| {
        let mut codes = c.borrow_mut();
        match codes.added.get(&code) {
            Some(added) if (added.class == code) != of_class => return invalid(code),
            Some(added) if !added.text.is_empty() => {
                return err(abi::MPI_ERR_OTHER, format!("{code} still has a string"));
            }
            Some(_) => {}
            None => return invalid(code),
        }
        if of_class && codes.added.iter().any(|(other, added)| added.class == code && *other != code) {
            return err(abi::MPI_ERR_OTHER, format!("error class {code} still has codes"));
        }
        codes.added.remove(&code);
        Ok(())
    })
}

/// `MPI_Remove_error_class`.
pub fn remove_class(class: c_int) -> Result<()> {
    remove(class, true)
}

/// `MPI_Remove_error_code`.
pub fn remove_code(code: c_int) -> Result<()> {
    remove(code, false)
}

fn with_added(code: c_int, f: impl FnOnce(&mut Added)) -> Result<()> {
    CODES.with(|c| match c.borrow_mut().added.get_mut(&code) {
        Some(added) => {
            f(added);
            Ok(())
        }
        None => err(abi::MPI_ERR_ARG, format!("{code} is not a code that the program added")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_in_the_order_of_the_classes() {
        assert_eq!(CLASSES.len(), abi::MPI_ERR_ABI as usize + 1);
        assert_eq!(name(abi::MPI_ERR_TRUNCATE), "MPI_ERR_TRUNCATE");
        assert_eq!(name(abi::MPI_ERR_WIN), "MPI_ERR_WIN");
        assert_eq!(name(abi::MPI_ERR_ABI), "MPI_ERR_ABI");
    }

    #[test]
    fn the_string_of_a_class_tells_the_last_error_of_it() -> Result<()> {
        assert_eq!(string(abi::MPI_ERR_RANK)?, "MPI_ERR_RANK: invalid rank");
        remember(abi::MPI_ERR_RANK, "MPI_Send: rank 7 of 4");
        assert_eq!(string(abi::MPI_ERR_RANK)?, "MPI_ERR_RANK: invalid rank (last: MPI_Send: rank 7 of 4)");
        assert_eq!(string(abi::MPI_ERR_TAG)?, "MPI_ERR_TAG: invalid tag");
        Ok(())
    }

    #[test]
    fn programs_add_and_remove_classes_codes_and_strings() -> Result<()> {
        let own_class = add_class()?;
        let code = add_code(own_class)?;
        assert!(own_class > abi::MPI_ERR_LASTCODE);
        assert_eq!((class(code)?, class(own_class)?, last_used()), (own_class, own_class, code));
        add_string(code, "the reactor is hot")?;
        assert_eq!(string(code)?, "the reactor is hot");
        assert!(remove_code(code).is_err(), "it has a string");
        remove_string(code)?;
        assert_eq!(string(code)?, "");
        assert!(remove_class(own_class).is_err() && remove_class(code).is_err());
        remove_code(code)?;
        remove_class(own_class)?;
        assert!(class(code).is_err() && string(own_class).is_err());
        assert!(add_string(abi::MPI_ERR_RANK, "x").is_err() && add_code(-5).is_err());
        Ok(())
    }
}
