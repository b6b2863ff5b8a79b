//! Partitions over a simulated network.

use super::tags::Range;
use super::*;
use crate::abi::*;
use crate::c::p2p::blocking::{MPI_Recv, MPI_Send};
use crate::c::p2p::completion::*;
use crate::c::p2p::partitioned::*;
use crate::c::p2p::persistent::MPI_Start;
use crate::p2p::testing::run;
use std::ffi::c_int;

macro_rules! ok {
    ($call:expr) => {{
        // SAFETY: the tests give valid pointers, and keep buffers until their requests are complete.
        let code = unsafe { $call };
        assert_eq!(code, MPI_SUCCESS);
    }};
}

#[test]
fn setups_survive_the_way() {
    let setup = Setup { partitions: 7, first_tag: i32::MAX - 7, bytes: 1 << 40 };
    assert_eq!(Setup::decode(&setup.encode()), setup);
}

#[test]
fn tags_are_given_once_and_again_when_they_are_back() -> crate::Result<()> {
    let (a, b, c) = (Range::take(3)?, Range::take(0)?, Range::take(5)?);
    assert_eq!((a.first(), b.first(), c.first()), (0, 3, 4));
    drop(b);
    drop(a);
    assert_eq!(Range::take(5)?.first(), 9);
    let d = Range::take(4)?;
    assert_eq!(d.first(), 0);
    assert!(Range::take(i32::MAX as u32).is_err());
    Ok(())
}

/// The receiver starts before the sender's `init`, and then waits for something else that the sender sends when its
/// partitions, too large to be eager, are gone.
#[test]
fn a_receive_goes_on_while_its_rank_waits_for_something_else() {
    const LEN: usize = 300_000;
    run(2, |me| {
        let (mut request, mut token) = (MPI_REQUEST_NULL, 0 as c_int);
        let at = (&raw mut token).cast();
        if me == 0 {
            let mut data = vec![0u8; 2 * LEN];
            ok!(MPI_Precv_init(
                data.as_mut_ptr().cast(),
                1,
                2 * LEN as i64,
                MPI_BYTE,
                1,
                5,
                MPI_COMM_WORLD,
                MPI_INFO_NULL,
                &mut request
            ));
            ok!(MPI_Start(&mut request));
            ok!(MPI_Send(at, 1, MPI_INT, 1, 1, MPI_COMM_WORLD));
            ok!(MPI_Recv(at, 1, MPI_INT, 1, 2, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
            ok!(MPI_Wait(&mut request, MPI_STATUS_IGNORE));
            assert!(data.iter().enumerate().all(|(i, byte)| *byte == (i % 251) as u8));
        } else {
            let data: Vec<u8> = (0..2 * LEN).map(|i| (i % 251) as u8).collect();
            ok!(MPI_Recv(at, 1, MPI_INT, 0, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
            ok!(MPI_Psend_init(
                data.as_ptr().cast(),
                2,
                LEN as i64,
                MPI_BYTE,
                0,
                5,
                MPI_COMM_WORLD,
                MPI_INFO_NULL,
                &mut request
            ));
            ok!(MPI_Start(&mut request));
            ok!(MPI_Pready_range(0, 1, request));
            ok!(MPI_Wait(&mut request, MPI_STATUS_IGNORE));
            ok!(MPI_Send(at, 1, MPI_INT, 0, 2, MPI_COMM_WORLD));
        }
        ok!(MPI_Request_free(&mut request));
    });
}
