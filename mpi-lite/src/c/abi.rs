//! What the binary interface leaves open, as this library has it (MPI 5.0, sections 20.2 and 20.3), and the hardware that a
//! process runs on (section 9.1). Callable at any time.
//!
//! The Fortran compiler is known: gfortran with its usual sizes of types. So there is nothing for programs to set.

use super::input::{place, store};
use crate::abi::*;
use crate::comm::resources::SHARED_MEMORY;
use crate::error::{Result, err};
use crate::info::{self, Info};
use crate::platform::Settings;
use crate::platform::places::{self, Level};
use crate::{datatype, mpi_fn};
use std::ffi::{c_int, c_void};

/// Sizes of the types whose size a Fortran compiler chooses.
const FORTRAN_SIZES: [(&str, u32); 4] = [
    ("mpi_logical_size", 4),
    ("mpi_integer_size", size_of::<MPI_Fint>() as u32),
    ("mpi_real_size", 4),
    ("mpi_double_precision_size", 8),
];

/// Types that a Fortran compiler may lack.
const FORTRAN_TYPES: [(&str, MPI_Datatype); 19] = [
    ("mpi_logical1_supported", MPI_LOGICAL1),
    ("mpi_logical2_supported", MPI_LOGICAL2),
    ("mpi_logical4_supported", MPI_LOGICAL4),
    ("mpi_logical8_supported", MPI_LOGICAL8),
    ("mpi_logical16_supported", MPI_LOGICAL16),
    ("mpi_integer1_supported", MPI_INTEGER1),
    ("mpi_integer2_supported", MPI_INTEGER2),
    ("mpi_integer4_supported", MPI_INTEGER4),
    ("mpi_integer8_supported", MPI_INTEGER8),
    ("mpi_integer16_supported", MPI_INTEGER16),
    ("mpi_real2_supported", MPI_REAL2),
    ("mpi_real4_supported", MPI_REAL4),
    ("mpi_real8_supported", MPI_REAL8),
    ("mpi_real16_supported", MPI_REAL16),
    ("mpi_complex4_supported", MPI_COMPLEX4),
    ("mpi_complex8_supported", MPI_COMPLEX8),
    ("mpi_complex16_supported", MPI_COMPLEX16),
    ("mpi_complex32_supported", MPI_COMPLEX32),
    ("mpi_double_complex_supported", MPI_DOUBLE_COMPLEX),
];

fn give(pairs: impl IntoIterator<Item = (&'static str, String)>, at: *mut MPI_Info) -> Result<()> {
    let mut made = Info::default();
    for (key, value) in pairs {
        made.set(key, &value)?;
    }
    // SAFETY: the caller's result place.
    let at = unsafe { place("info", at)? };
    *at = info::publish(made)?;
    Ok(())
}

/// Fails unless that can be the size of a LOGICAL.
fn check_logical(size: c_int) -> Result<usize> {
    match usize::try_from(size) {
        Ok(bytes) if bytes.is_power_of_two() => Ok(bytes),
        _ => err(MPI_ERR_ARG, format!("the size of a LOGICAL is a power of two, not {size}")),
    }
}

mpi_fn! {
    /// Sizes of integers of the binary interface.
    fn MPI_Abi_get_info(info: *mut MPI_Info) {
        let sizes = [
            ("mpi_aint_size", size_of::<MPI_Aint>()),
            ("mpi_count_size", size_of::<MPI_Count>()),
            ("mpi_offset_size", size_of::<MPI_Offset>()),
        ];
        give(sizes.map(|(key, size)| (key, size.to_string())), info)
    }

    /// Sizes of Fortran's types, and which there are.
    fn MPI_Abi_get_fortran_info(info: *mut MPI_Info) {
        let sizes = FORTRAN_SIZES.iter().map(|(key, size)| (*key, size.to_string()));
        let types = FORTRAN_TYPES.iter().map(|(key, dt)| (*key, datatype::get(*dt).is_ok().to_string()));
        give(sizes.chain(types), info)
    }

    /// Fails: the sizes are known already.
    fn MPI_Abi_set_fortran_info(given: MPI_Info) {
        info::get(given)?;
        err(MPI_ERR_ABI, "the properties of the Fortran compiler are set already: they are those of gfortran")
    }

    /// The values of a LOGICAL of so many bytes.
    fn MPI_Abi_get_fortran_booleans(
        logical_size: c_int, logical_true: *mut c_void, logical_false: *mut c_void, is_set: *mut c_int
    ) {
        let bytes = check_logical(logical_size)?;
        let known = bytes <= 16;
        if known {
            for (value, at) in [(1u128, logical_true), (0, logical_false)] {
                let at = at.cast::<u8>();
                if at.is_null() {
                    return err(MPI_ERR_ARG, "the place of a LOGICAL is a null pointer");
                }
                // SAFETY: the program gives places of that size.
                unsafe { at.copy_from_nonoverlapping(value.to_ne_bytes().as_ptr(), bytes) };
            }
        }
        // SAFETY: the caller's result place.
        unsafe { store("is_set", is_set, c_int::from(known)) }
    }

    /// Fails: the values are known already.
    fn MPI_Abi_set_fortran_booleans(logical_size: c_int, _logical_true: *mut c_void, _logical_false: *mut c_void) {
        check_logical(logical_size)?;
        err(MPI_ERR_ABI, "the values of LOGICAL are set already: they are those of gfortran")
    }

    /// Kinds of hardware, as `MPI_Comm_split_type` knows them, and whether this process uses one instance only.
    fn MPI_Get_hw_resource_info(hw_info: *mut MPI_Info) {
        let place = places::of(Settings::read()?.rank)?;
        let levels = Level::ALL.map(|level| (level.resource(), place.at(level as usize).is_some().to_string()));
        give(levels.into_iter().chain([(SHARED_MEMORY, true.to_string())]), hw_info)
    }
}
