//! Sets of processes and tags of agreements; whole sessions are in `qemu-tests/programs/mpi/sessions.c`.

use super::create::tag;
use super::*;
use crate::comm;
use crate::group::Group;
use crate::p2p::testing::run;

#[test]
fn agreements_of_different_groups_and_strings_have_different_tags() {
    let (ab, ba, a) = (Group::new(vec![0, 1]), Group::new(vec![1, 0]), Group::new(vec![0]));
    let tags = [tag(&ab, "x"), tag(&ab, "y"), tag(&ba, "x"), tag(&a, "x"), tag(&ab, "")];
    for (i, one) in tags.iter().enumerate() {
        assert!(*one >= 0);
        assert!(tags[i + 1..].iter().all(|other| other != one));
    }
    assert_eq!(tag(&ab, "x"), tag(&Group::new(vec![0, 1]), "x"));
}

#[test]
fn overlapping_groups_get_communicators_of_their_own() {
    run(3, |me| {
        let make = |members: Vec<u32>, string: &str| {
            let group = Group::new(members).of_session(MPI_Session(7));
            create_from_group(&group, string, Info::default(), MPI_ERRORS_RETURN).expect("a communicator")
        };
        let pair = (me > 0).then(|| make(vec![2, 1], "pair")).flatten();
        let all = make(vec![0, 1, 2], "all").expect("not empty");
        let sum = crate::coll::allgather_values(&all, [me as i32]).expect("gather");
        assert_eq!(sum, [[0], [1], [2]]);
        if let Some(pair) = pair {
            assert_eq!(pair.rank() as u32, 2 - me);
            let both = crate::coll::allgather_values(&pair, [me as i32]).expect("gather");
            assert_eq!(both, [[2], [1]]);
            assert_ne!(pair.context(), all.context());
            comm::free(&mut pair.handle()).expect("free");
        }
        let outside = Group::new(vec![(me + 1) % 3]);
        let refused = create_from_group(&outside, "x", Info::default(), MPI_ERRORS_RETURN);
        assert_eq!(refused.err().map(|error| error.class), Some(MPI_ERR_GROUP));
    });
}

#[test]
fn sets_are_known_by_name() {
    run(2, |me| {
        let members = |name| group(MPI_Session(7), name).map(|group| group.members().to_vec());
        assert_eq!(members("mpi://WORLD"), Some(vec![0, 1]));
        assert_eq!(members("mpi://SELF"), Some(vec![me]));
        assert_eq!(members("mpi://SHARED"), Some(vec![0, 1]));
        assert_eq!(members("mpi://world"), None);
        assert_eq!(
            (size_of("mpi://WORLD").ok(), size_of("other").map_err(|e| e.class)),
            (Some(2), Err(MPI_ERR_ARG))
        );
    });
}
