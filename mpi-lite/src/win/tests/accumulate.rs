//! Accumulates of all ranks on the same elements.

use super::*;
use crate::c::win::accumulate::*;
use crate::c::win::sync::*;

const RANKS: u32 = 4;

/// `rounds` accumulates of `operand` from every rank onto `count` elements at rank 0, then its memory.
fn totals<T: Copy>(
    form: Form,
    rounds: usize,
    offset: usize,
    operand: &[T],
    dt: MPI_Datatype,
    op: MPI_Op,
) -> Vec<T> {
    let bytes = size_of_val(operand);
    let (win, base) = allocate(bytes + offset);
    // SAFETY: operands and places of `count` elements.
    unsafe {
        for _ in 0..rounds {
            ok(MPI_Win_lock(MPI_LOCK_SHARED, 0, 0, win));
            let n = operand.len() as i32;
            ok(MPI_Accumulate(operand.as_ptr().cast(), n, dt, 0, offset as isize, n, dt, op, win));
            ok(MPI_Win_unlock(0, win));
        }
        barrier();
        let own = base.add(offset).cast::<T>();
        let result = (0..operand.len()).map(|i| own.add(i).read_unaligned()).collect();
        assert!(!base.is_null(), "{form:?}");
        free(win);
        result
    }
}

#[test]
fn sums_of_all_ranks_are_complete() {
    everywhere(RANKS, |rank, form| {
        let (zero, total) = (rank == 0, (RANKS * 50) as i64);
        let ints = totals(form, 50, 0, &[1i32, 2, 3], MPI_INT, MPI_SUM);
        let bytes = totals(form, 50, 1, &[1u8, 3], MPI_UINT8_T, MPI_SUM);
        let longs = totals(form, 50, 0, &[5i64; 20], MPI_INT64_T, MPI_SUM);
        let crooked = totals(form, 50, 3, &[7i64; 5], MPI_INT64_T, MPI_SUM);
        let doubles = totals(form, 50, 0, &[0.5f64], MPI_DOUBLE, MPI_SUM);
        let shorts = totals(form, 50, 2, &[1i16; 7], MPI_INT16_T, MPI_SUM);
        let complex = totals(form, 50, 0, &[[1.0f64, -1.0]; 2], MPI_C_DOUBLE_COMPLEX, MPI_SUM);
        if zero {
            let n = total as i32;
            assert_eq!(ints, [n, 2 * n, 3 * n], "{form:?}");
            assert_eq!(bytes, [n as u8, (3 * n) as u8], "{form:?}");
            assert_eq!(longs, [5 * total; 20], "{form:?}");
            assert_eq!(crooked, [7 * total; 5], "{form:?}");
            assert_eq!(doubles, [0.5 * total as f64], "{form:?}");
            assert_eq!(shorts, [n as i16; 7], "{form:?}");
            assert_eq!(complex, [[total as f64, -total as f64]; 2], "{form:?}");
        }
    });
}

#[test]
fn maxima_bits_and_pairs() {
    #[derive(Clone, Copy, PartialEq, Debug)]
    #[repr(C)]
    struct Pair(f64, i32);
    everywhere(RANKS, |rank, form| {
        let maxima = totals(form, 5, 0, &[rank as i32 * 3, 1], MPI_INT, MPI_MAX);
        let bits = totals(form, 1, 0, &[1u64 << rank], MPI_UINT64_T, MPI_BXOR);
        let mine = [Pair(f64::from(rank % 2), rank as i32); 3];
        let pairs = totals(form, 3, 0, &mine, MPI_DOUBLE_INT, MPI_MAXLOC);
        if rank == 0 {
            assert_eq!((maxima, bits), (vec![9, 1], vec![0b1111]), "{form:?}");
            assert_eq!(pairs, [Pair(1.0, 1); 3], "{form:?}");
        }
    });
}

#[test]
fn tickets_are_given_once() {
    everywhere(RANKS, |rank, form| {
        let (win, _) = allocate(16);
        let mut mine = Vec::new();
        // SAFETY: one element each.
        unsafe {
            ok(MPI_Win_lock_all(0, win));
            for _ in 0..60 {
                let (one, mut ticket) = (1u32, 0u32);
                let (from, to) = ((&raw const one).cast(), (&raw mut ticket).cast());
                ok(MPI_Fetch_and_op(from, to, MPI_UINT32_T, 1, 4, MPI_SUM, win));
                ok(MPI_Win_flush(1, win));
                mine.push(ticket as i32);
            }
            ok(MPI_Win_unlock_all(win));
        }
        let comm = crate::comm::get(MPI_COMM_WORLD).expect("a communicator");
        let lists: Vec<[i32; 1]> = mine.iter().map(|ticket| [*ticket]).collect();
        let mut all: Vec<i32> =
            crate::coll::allgather_lists(&comm, &lists).expect("lists").iter().map(|[t]| *t).collect();
        all.sort_unstable();
        assert_eq!(all, (0..60 * RANKS as i32).collect::<Vec<_>>(), "{form:?} rank {rank}");
        free(win);
    });
}

#[test]
fn one_of_all_wins_a_compare_and_swap() {
    everywhere(RANKS, |rank, form| {
        let (win, base) = allocate(64);
        // SAFETY: one element each.
        unsafe {
            for (i, (dt, size)) in [(MPI_INT, 4), (MPI_INT64_T, 8), (MPI_BYTE, 1)].into_iter().enumerate() {
                let (new, zero, mut old) = (u64::from(rank) + 1, 0u64, u64::MAX << 8);
                let (from, compare, to) = ((&raw const new).cast(), (&raw const zero).cast(), &raw mut old);
                ok(MPI_Win_lock(MPI_LOCK_SHARED, 2, 0, win));
                ok(MPI_Compare_and_swap(from, compare, to.cast(), dt, 2, 8 * i as isize, win));
                ok(MPI_Win_unlock(2, win));
                let found = old << (64 - 8 * size) >> (64 - 8 * size);
                let won = crate::coll::allgather_values(
                    &crate::comm::get(MPI_COMM_WORLD).expect("a communicator"),
                    [found as i32],
                );
                let winners = won.expect("values").iter().filter(|[old]| *old == 0).count();
                assert_eq!(winners, 1, "{form:?} of {size} bytes");
            }
            barrier();
            if rank == 2 {
                assert!((1..=u64::from(RANKS)).contains(&base.cast::<u64>().add(1).read_volatile()));
            }
        }
        free(win);
    });
}

#[test]
fn what_was_there_comes_back() {
    everywhere(2, |rank, form| {
        let (win, base) = allocate(64);
        // SAFETY: the rank's own memory before the barrier; arrays of three elements.
        unsafe {
            (0..3).for_each(|i| base.cast::<f32>().add(i).write(i as f32 + 10.0 * rank as f32));
            barrier();
            let (other, add, mut old) = (1 - rank as i32, [1f32; 3], [0f32; 3]);
            let (from, to) = (add.as_ptr().cast(), old.as_mut_ptr().cast());
            ok(MPI_Win_lock_all(MPI_MODE_NOCHECK, win));
            ok(MPI_Get_accumulate(
                from, 3, MPI_FLOAT, to, 3, MPI_FLOAT, other, 0, 3, MPI_FLOAT, MPI_SUM, win,
            ));
            let first = 10.0 * other as f32;
            assert_eq!(old, [first, first + 1.0, first + 2.0], "{form:?}");
            let null = std::ptr::null();
            ok(MPI_Get_accumulate(
                null,
                0,
                MPI_DATATYPE_NULL,
                to,
                3,
                MPI_FLOAT,
                other,
                0,
                3,
                MPI_FLOAT,
                MPI_NO_OP,
                win,
            ));
            assert_eq!(old, [first + 1.0, first + 2.0, first + 3.0], "{form:?}");
            ok(MPI_Win_unlock_all(win));
        }
        free(win);
    });
}
