//! The few MPI calls this program needs, declared from the MPI 5.0 standard ABI (chapter 20): handles are pointer-sized
//! and predefined ones have fixed values, so no binding generator is needed.

use std::ffi::{c_char, c_int, c_void};

type Handle = usize;
const COMM_WORLD: Handle = 0x101;
const SUM: Handle = 0x21;
const MAX: Handle = 0x23;
const INT64: Handle = 0x258;
const DOUBLE: Handle = 0x214;
const IN_PLACE: *const c_void = 1 as *const c_void;

extern "C" {
    fn MPI_Init(argc: *mut c_int, argv: *mut *mut *mut c_char) -> c_int;
    fn MPI_Finalize() -> c_int;
    fn MPI_Abort(comm: Handle, code: c_int) -> c_int;
    fn MPI_Comm_rank(comm: Handle, rank: *mut c_int) -> c_int;
    fn MPI_Comm_size(comm: Handle, size: *mut c_int) -> c_int;
    fn MPI_Wtime() -> f64;
    fn MPI_Allreduce(
        send: *const c_void,
        receive: *mut c_void,
        count: c_int,
        datatype: Handle,
        op: Handle,
        comm: Handle,
    ) -> c_int;
    fn MPI_Allgatherv(
        send: *const c_void,
        count: c_int,
        datatype: Handle,
        receive: *mut c_void,
        counts: *const c_int,
        displacements: *const c_int,
        receive_type: Handle,
        comm: Handle,
    ) -> c_int;
}

/// `MPI_COMM_WORLD` between `MPI_Init` and, when dropped, `MPI_Finalize`.
pub struct World {
    pub rank: usize,
    pub size: usize,
}

// Every call uses the default error handler, MPI_ERRORS_ARE_FATAL: a call that returns has succeeded.
impl World {
    pub fn init() -> World {
        let (mut rank, mut size) = (0, 0);
        // SAFETY: null arguments are allowed since MPI-2; both results are live for the calls.
        unsafe {
            MPI_Init(std::ptr::null_mut(), std::ptr::null_mut());
            MPI_Comm_rank(COMM_WORLD, &mut rank);
            MPI_Comm_size(COMM_WORLD, &mut size);
        }
        World { rank: rank as usize, size: size as usize }
    }

    pub fn abort(&self, why: &str) -> ! {
        eprintln!("cg-rs: {why}");
        // SAFETY: MPI is initialised while a World lives.
        unsafe { MPI_Abort(COMM_WORLD, 1) };
        std::process::exit(1)
    }

    pub fn seconds(&self) -> f64 {
        // SAFETY: no preconditions.
        unsafe { MPI_Wtime() }
    }

    pub fn sum(&self, value: f64) -> f64 {
        self.reduce(value, SUM)
    }

    pub fn max(&self, value: f64) -> f64 {
        self.reduce(value, MAX)
    }

    fn reduce(&self, mut value: f64, op: Handle) -> f64 {
        // SAFETY: one double in place, live for the call.
        unsafe { MPI_Allreduce(IN_PLACE, (&raw mut value).cast(), 1, DOUBLE, op, COMM_WORLD) };
        value
    }

    /// The smallest of all ranks' values: how the ranks agree that each could read its input.
    pub fn all(&self, good: bool) -> bool {
        let mut bad = i64::from(!good);
        // SAFETY: one 64-bit integer in place, live for the call.
        unsafe { MPI_Allreduce(IN_PLACE, (&raw mut bad).cast(), 1, INT64, MAX, COMM_WORLD) };
        bad == 0
    }

    /// Every rank's `mine`, one after the other by `counts` and `starts`, into `whole` on every rank.
    pub fn allgather(&self, mine: &[f64], whole: &mut [f64], counts: &[c_int], starts: &[c_int]) {
        assert!(counts.len() == self.size && starts.len() == self.size && mine.len() == counts[self.rank] as usize);
        assert!(counts.iter().zip(starts).all(|(c, s)| (c + s) as usize <= whole.len()));
        // SAFETY: the assertions hold the lengths that MPI reads and writes; the slices are live for the call.
        unsafe {
            MPI_Allgatherv(
                mine.as_ptr().cast(),
                mine.len() as c_int,
                DOUBLE,
                whole.as_mut_ptr().cast(),
                counts.as_ptr(),
                starts.as_ptr(),
                DOUBLE,
                COMM_WORLD,
            )
        };
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // SAFETY: called once, after the last use of MPI.
        unsafe { MPI_Finalize() };
    }
}
