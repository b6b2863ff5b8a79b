//! How many elements arrived (MPI 5.0, sections 3.2.5 and 5.1.11).

use core::ffi::c_int;

use super::Datatype;
use crate::abi::{MPI_Count, MPI_UNDEFINED};

/// `MPI_Get_count_c`: whole copies of `dt` in `bytes` message bytes; `MPI_UNDEFINED` if that is no whole number.
pub fn get_count(bytes: u64, dt: &Datatype) -> MPI_Count {
    match dt.size() as u64 {
        0 if bytes == 0 => 0,
        0 => MPI_UNDEFINED.into(),
        size if bytes % size != 0 => MPI_UNDEFINED.into(),
        size => (bytes / size) as MPI_Count,
    }
}

/// `MPI_Get_elements_c`: predefined elements in `bytes` message bytes of copies of `dt`; `MPI_UNDEFINED` if they end inside one.
pub fn get_elements(bytes: u64, dt: &Datatype) -> MPI_Count {
    let signature = &dt.body().signature;
    if signature.bytes == 0 {
        return get_count(bytes, dt);
    }
    match signature.elements_in(bytes % signature.bytes) {
        Some(rest) => (bytes / signature.bytes * signature.elements + rest) as MPI_Count,
        None => MPI_UNDEFINED.into(),
    }
}

/// Message bytes of the first `elements` predefined elements of copies of `dt` (`MPI_Status_set_elements`); `None` if too many.
pub fn bytes_of_elements(elements: u64, dt: &Datatype) -> Option<u64> {
    let signature = &dt.body().signature;
    if signature.elements == 0 {
        return (elements == 0).then_some(0);
    }
    let whole = (elements / signature.elements).checked_mul(signature.bytes)?;
    whole.checked_add(signature.bytes_of(elements % signature.elements))
}

/// A count as `int`: `MPI_UNDEFINED` if it does not fit, as the standard says for the small variants.
pub fn to_int(count: MPI_Count) -> c_int {
    c_int::try_from(count).unwrap_or(MPI_UNDEFINED)
}

#[cfg(test)]
mod tests {
    use super::super::{Recipe, body::Body, predefined};
    use super::*;
    use crate::abi::*;

    #[test]
    fn partial_messages_are_counted_in_elements() {
        let pair = predefined(MPI_DOUBLE_INT);
        let type_of = |body| Datatype::new(body, Recipe::new(MPI_COMBINER_CONTIGUOUS, false));
        let five = type_of(pair.body().contiguous(5).expect("small"));
        // 5 pairs of 12 bytes: double, int.
        let table =
            [(0, 0), (8, 1), (12, 2), (20, 3), (60, 10), (68, 11), (72, 12), (4, -32766), (61, -32766)];
        for (bytes, elements) in table {
            assert_eq!(get_elements(bytes, &five), elements, "{bytes} bytes");
        }
        assert_eq!((get_count(120, &five), get_count(72, &five)), (2, -32766));
        for n in 0..40 {
            let bytes = bytes_of_elements(n, &five).expect("small");
            assert_eq!(get_elements(bytes, &five), n as i64);
        }
        let nothing = type_of(Body::empty());
        assert_eq!((get_count(0, &nothing), get_elements(0, &nothing)), (0, 0));
    }

    #[test]
    fn a_count_beyond_int_is_undefined_in_the_small_variant() {
        assert_eq!(to_int(get_count(1 << 40, &predefined(MPI_BYTE))), MPI_UNDEFINED);
        assert_eq!(to_int(get_count(1 << 30, &predefined(MPI_BYTE))), 1 << 30);
    }
}
