//! Puts and gets of random layouts.

use super::*;
use crate::c::types::*;
use crate::c::win::sync::*;
use crate::c::win::transfer::*;
use crate::transport::sim::Random;

/// Bytes of an origin's part of each target's memory.
const STRIPE: usize = 4096;
const RANKS: u32 = 3;

/// A random type of `elements` ints somewhere in a stripe; the places of its ints, in order, and the type.
fn layout(random: &mut Random, elements: usize) -> (Vec<usize>, MPI_Datatype) {
    let mut dt = MPI_DATATYPE_NULL;
    let slots = STRIPE / 4;
    let places: Vec<usize> = match random.below(3) {
        0 => {
            let first = random.below((slots - elements) as u64) as usize;
            (first..first + elements).collect()
        }
        1 => {
            let stride = 1 + random.below((slots / elements) as u64 - 1) as usize;
            (0..elements).map(|i| i * stride).collect()
        }
        _ => {
            let mut all: Vec<usize> = (0..slots).collect();
            (0..elements).map(|_| all.swap_remove(random.below(all.len() as u64) as usize)).collect()
        }
    };
    let displacements: Vec<i32> = places.iter().map(|&p| p as i32).collect();
    // SAFETY: lists of as many elements, and a place for the result.
    unsafe {
        ok(MPI_Type_create_indexed_block(elements as i32, 1, displacements.as_ptr(), MPI_INT, &mut dt));
        ok(MPI_Type_commit(&mut dt));
    }
    (places, dt)
}

#[test]
fn random_layouts_arrive_as_in_plain_memory() {
    everywhere(RANKS, |rank, form| {
        let mut random = Random(u64::from(rank) + 77);
        let (win, _) = allocate(STRIPE * RANKS as usize);
        let mut model = vec![vec![0i32; STRIPE / 4]; RANKS as usize];
        for round in 0..40 {
            let mut local = vec![0i32; STRIPE / 4];
            local.iter_mut().for_each(|v| *v = random.below(1 << 30) as i32);
            let (target, n) = (random.below(u64::from(RANKS)) as usize, 1 + random.below(100) as usize);
            let ((here, here_dt), (there, there_dt)) = (layout(&mut random, n), layout(&mut random, n));
            let disp = (STRIPE * rank as usize) as isize;
            let mut back = vec![0i32; STRIPE / 4];
            // SAFETY: buffers and types of stripes.
            unsafe {
                ok(MPI_Win_lock(MPI_LOCK_SHARED, target as i32, 0, win));
                ok(MPI_Put(local.as_ptr().cast(), 1, here_dt, target as i32, disp, 1, there_dt, win));
                ok(MPI_Win_flush(target as i32, win));
                here.iter().zip(&there).for_each(|(&from, &to)| model[target][to] = local[from]);
                ok(MPI_Get(back.as_mut_ptr().cast(), 1, here_dt, target as i32, disp, 1, there_dt, win));
                ok(MPI_Win_unlock(target as i32, win));
                for (&from, &to) in here.iter().zip(&there) {
                    assert_eq!(back[from], model[target][to], "{form:?} rank {rank} round {round}");
                }
                let whole = STRIPE as i32;
                ok(MPI_Win_lock_all(0, win));
                ok(MPI_Get(
                    back.as_mut_ptr().cast(),
                    whole,
                    MPI_BYTE,
                    target as i32,
                    disp,
                    whole,
                    MPI_BYTE,
                    win,
                ));
                ok(MPI_Win_unlock_all(win));
                assert_eq!(back, model[target], "{form:?} rank {rank} round {round}");
                for mut dt in [here_dt, there_dt] {
                    ok(MPI_Type_free(&mut dt));
                }
            }
        }
        free(win);
    });
}

#[test]
fn many_small_puts_are_all_there_after_a_fence() {
    everywhere(RANKS, |rank, form| {
        let (win, base) = allocate(8 * 600 * RANKS as usize);
        let values: Vec<u64> = (0..600).map(|i| i * 10 + u64::from(rank)).collect();
        // SAFETY: places inside of the window; own memory is read between fences.
        unsafe {
            ok(MPI_Win_fence(MPI_MODE_NOPRECEDE, win));
            for target in 0..RANKS {
                for (i, value) in values.iter().enumerate() {
                    let disp = (8 * (i * RANKS as usize + rank as usize)) as isize;
                    let from = (&raw const *value).cast();
                    ok(MPI_Put(from, 1, MPI_UINT64_T, target as i32, disp, 8, MPI_BYTE, win));
                }
            }
            ok(MPI_Win_fence(MPI_MODE_NOSUCCEED, win));
            for i in 0..600 * RANKS as usize {
                let value = base.cast::<u64>().add(i).read_volatile();
                assert_eq!(value, (i / RANKS as usize * 10 + i % RANKS as usize) as u64, "{form:?}");
            }
        }
        free(win);
    });
}

#[test]
fn requests_and_memory_of_the_program() {
    everywhere(2, |rank, form| {
        let (mut memory, other) = ([u64::from(rank); 64], 1 - rank as i32);
        let (mut win, mut request) = (MPI_WIN_NULL, MPI_REQUEST_NULL);
        let (mut value, new) = (0u64, 100 + u64::from(rank));
        // SAFETY: the arrays outlive the window.
        unsafe {
            let base = memory.as_mut_ptr().cast();
            ok(MPI_Win_create(base, 512, 8, MPI_INFO_NULL, MPI_COMM_WORLD, &mut win));
            ok(MPI_Win_lock(MPI_LOCK_EXCLUSIVE, other, 0, win));
            let at = (&raw mut value).cast();
            ok(MPI_Rget(at, 1, MPI_UINT64_T, other, 63, 1, MPI_UINT64_T, win, &mut request));
            ok(crate::c::p2p::completion::MPI_Wait(&mut request, null_mut()));
            assert_eq!((value, request), (1 - u64::from(rank), MPI_REQUEST_NULL), "{form:?}");
            let from = (&raw const new).cast();
            ok(MPI_Rput(from, 1, MPI_UINT64_T, other, 62, 1, MPI_UINT64_T, win, &mut request));
            ok(crate::c::p2p::completion::MPI_Wait(&mut request, null_mut()));
            ok(MPI_Win_unlock(other, win));
            barrier();
            assert_eq!((&raw const memory[62]).read_volatile(), 100 + other as u64, "{form:?}");
        }
        free(win);
    });
}

#[test]
fn dynamic_windows_reach_what_is_attached() {
    everywhere(2, |rank, form| {
        let mut memory = vec![7u32 + rank; 100];
        let (mut win, other, start) = (MPI_WIN_NULL, 1 - rank as usize, memory.as_mut_ptr());
        // SAFETY: the memory is attached while it is used.
        unsafe {
            ok(MPI_Win_create_dynamic(MPI_INFO_NULL, MPI_COMM_WORLD, &mut win));
            ok(MPI_Win_attach(win, start.cast(), 400));
            let comm = crate::comm::get(MPI_COMM_WORLD).expect("a communicator");
            let mine = [start as u64 as i32, (start as u64 >> 32) as i32];
            let all = crate::coll::allgather_values(&comm, mine).expect("addresses");
            let there = (u64::from(all[other][0] as u32) | u64::from(all[other][1] as u32) << 32) as isize;
            let mut value = 0u32;
            ok(MPI_Win_lock(MPI_LOCK_SHARED, other as i32, 0, win));
            let at = (&raw mut value).cast();
            ok(MPI_Get(at, 1, MPI_UINT32_T, other as i32, there + 396, 1, MPI_UINT32_T, win));
            ok(MPI_Win_flush_all(win));
            assert_eq!(value, 7 + other as u32, "{form:?}");
            if form == Form::Mapped {
                ok(crate::c::win::object::MPI_Win_set_errhandler(win, MPI_ERRORS_RETURN));
                let code = MPI_Get(at, 1, MPI_UINT32_T, other as i32, there + 400, 1, MPI_UINT32_T, win);
                assert_eq!(code, MPI_ERR_RMA_RANGE);
            }
            ok(MPI_Win_unlock(other as i32, win));
            barrier();
            ok(MPI_Win_detach(win, start.cast()));
        }
        free(win);
    });
}

#[test]
fn shared_windows_are_one_block_unless_told_otherwise() {
    for form in [Form::Mapped, Form::Region] {
        everywhere(3, |rank, at| {
            if at != form {
                return;
            }
            let (mut win, mut base) = (MPI_WIN_NULL, null_mut::<c_void>());
            let size = 100 * (rank as isize + 1);
            // SAFETY: places for the results; the ranks' parts are written before the barrier and read after it.
            unsafe {
                let place = (&raw mut base).cast();
                ok(MPI_Win_allocate_shared(size, 4, MPI_INFO_NULL, MPI_COMM_WORLD, place, &mut win));
                base.cast::<u8>().write_bytes(rank as u8 + 1, size as usize);
                barrier();
                let (mut len, mut unit, mut first) = (0, 0, null_mut::<u8>());
                ok(MPI_Win_shared_query(win, MPI_PROC_NULL, &mut len, &mut unit, (&raw mut first).cast()));
                assert_eq!((len, unit), (100, 4));
                let all = std::slice::from_raw_parts(first, 600);
                let counts = [1u8, 2, 3].map(|value| all.iter().filter(|byte| **byte == value).count());
                assert_eq!(counts, [100, 200, 300]);
                barrier();
            }
            free(win);
        });
    }
}
