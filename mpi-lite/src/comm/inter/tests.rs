use super::super::{compare, create, fake, free, get, resources};
use super::*;
use crate::abi::*;
use crate::attr;
use crate::c::comm::*;
use crate::info::Info;
use std::ptr::null_mut;

mod errors;
mod messages;

fn world() -> Rc<Comm> {
    get(MPI_COMM_WORLD).expect("initialised")
}

/// World ranks below `cut`, or the others: that with this rank. Each rank of the world calls this.
fn half(cut: usize) -> Rc<Comm> {
    let color = i32::from(world().rank() >= cut);
    create::split(&world(), color, 0).expect("split").expect("a colour")
}

/// An inter-communicator between the world ranks below `cut` and the others.
pub(crate) fn pair(cut: usize) -> Rc<Comm> {
    let remote_leader = if world().rank() < cut { cut } else { 0 };
    connect(&half(cut), 0, MPI_COMM_WORLD, remote_leader as i32, 5).expect("connect")
}

/// Numbers of all contexts of a communicator.
fn contexts(comm: &Comm) -> Vec<u32> {
    let mut all = vec![comm.context(), comm.collective_context()];
    if comm.is_inter() {
        all.extend(contexts(comm.local()));
    }
    all
}

fn class<T>(outcome: Result<T>) -> i32 {
    outcome.map_or_else(|error| error.class, |_| MPI_SUCCESS)
}

fn ranks(range: std::ops::Range<usize>) -> Vec<u32> {
    range.map(|rank| rank as u32).collect()
}

#[test]
fn two_groups_of_any_size_connect_through_any_leaders() {
    for size in 2..=9usize {
        for cut in 1..size {
            let found = fake::run(size, move |rank| {
                let local = half(cut);
                // The last of the lower half, and the middle of the upper one.
                let leaders = [cut - 1, cut + (size - cut) / 2];
                let is_low = rank < cut;
                let (mine, other) =
                    if is_low { (leaders[0], leaders[1]) } else { (leaders[1] - cut, leaders[0]) };
                // At others than the leader, peer and remote leader may be anything.
                let (peer, other) =
                    if local.rank() == mine { (MPI_COMM_WORLD, other as i32) } else { (MPI_COMM_NULL, -77) };
                let new = connect(&local, mine as i32, peer, other, 0).expect("connect");
                let (here, there) = if is_low { (0..cut, cut..size) } else { (cut..size, 0..cut) };
                assert!(new.is_inter() && !local.is_inter());
                assert_eq!((new.rank(), new.size()), (rank - here.start, here.len()));
                assert_eq!(new.group().members(), ranks(here));
                assert_eq!(new.peers().members(), ranks(there));
                let all: Vec<u32> =
                    [&*world(), &local, &new].iter().flat_map(|comm| contexts(comm)).collect();
                let distinct: std::collections::HashSet<u32> = all.iter().copied().collect();
                assert_eq!(distinct.len(), all.len(), "contexts {all:?}");
                new.context()
            });
            assert!(found.iter().all(|context| *context == found[0]), "{found:?}");
        }
    }
}

#[test]
fn the_remote_group_is_told_by_the_functions_for_it() {
    fake::run(5, |rank| {
        let new = pair(2);
        let (mut size, mut is_inter, mut group) = (-1, -1, MPI_GROUP_NULL);
        // SAFETY: places for the results.
        unsafe {
            assert_eq!(MPI_Comm_test_inter(new.handle(), &mut is_inter), MPI_SUCCESS);
            assert_eq!(MPI_Comm_remote_size(new.handle(), &mut size), MPI_SUCCESS);
            assert_eq!(MPI_Comm_remote_group(new.handle(), &mut group), MPI_SUCCESS);
        }
        let remote = crate::group::get(group).expect("a group");
        assert_eq!((is_inter, size as usize, remote), (1, new.peers().size(), new.peers().clone()));
        let (local, remote) = if rank < 2 { (2, 3) } else { (3, 2) };
        let text = format!("of local size {local} and remote size {remote}");
        assert!(new.describe().ends_with(&text), "{}", new.describe());
        let error = new.peer(remote).map_err(|e| (e.class, e.text));
        assert_eq!(error, Err((MPI_ERR_RANK, format!("invalid rank {remote} in {}", new.describe()))));
        let roles = [MPI_ROOT, MPI_PROC_NULL, remote - 1].map(|root| new.role(root).ok());
        assert_eq!(roles, [Some(Role::Root), Some(Role::Idle), Some(Role::Under(remote as usize - 1))]);
        assert_eq!([class(new.role(remote)), class(new.role(-1))], [MPI_ERR_ROOT; 2]);
        world().set_errhandler(MPI_ERRORS_RETURN).expect("predefined");
        // SAFETY: places for the results.
        unsafe {
            assert_eq!(MPI_Comm_test_inter(MPI_COMM_WORLD, &mut is_inter), MPI_SUCCESS);
            assert_eq!(is_inter, 0);
            assert_eq!(MPI_Comm_remote_size(MPI_COMM_WORLD, &mut size), MPI_ERR_COMM);
            assert_eq!(MPI_Comm_remote_group(MPI_COMM_WORLD, &mut group), MPI_ERR_COMM);
        }
    });
}

#[test]
fn many_connect_at_once_and_the_tag_tells_which() {
    // Three groups in a ring, as in the standard's example 7.7: each is connected with both others.
    fake::run(7, |rank| {
        let color = rank % 3;
        let local = create::split(&world(), color as i32, 0).expect("split").expect("a colour");
        let connect =
            |other: usize, tag| connect(&local, 0, MPI_COMM_WORLD, other as i32, tag).expect("connect");
        let [first, second] = match color {
            0 => [connect(1, 1), connect(2, 2)],
            1 => [connect(0, 1), connect(2, 12)],
            _ => [connect(0, 2), connect(1, 12)],
        };
        let group =
            |color: usize| ranks(0..7).into_iter().filter(|r| *r as usize % 3 == color).collect::<Vec<_>>();
        let others: Vec<usize> = (0..3).filter(|c| *c != color).collect();
        assert_eq!(first.peers().members(), group(others[0]));
        assert_eq!(second.peers().members(), group(others[1]));
        assert!(contexts(&first).iter().all(|context| !contexts(&second).contains(context)));
        // The same two groups, twice at once, by the same leaders: order tells them apart, too.
        let [a, b] = [(); 2].map(|()| match color {
            2 => None,
            _ => Some(connect(1 - color, 9)),
        });
        if let (Some(a), Some(b)) = (a, b) {
            assert_ne!(a.context(), b.context());
            assert_eq!(compare(&a, &b), MPI_CONGRUENT);
        }
        // Leaders may know each other in an inter-communicator.
        if color != 2 {
            let over = super::connect(&local, 0, first.handle(), 0, 3).expect("connect");
            assert_eq!(compare(&over, &first), MPI_CONGRUENT);
        }
    });
}

#[test]
fn freed_contexts_are_used_again_on_both_sides() {
    fake::run(4, |_| {
        let local = half(1);
        let other = if world().rank() < 1 { 1 } else { 0 };
        let make = || connect(&local, 0, MPI_COMM_WORLD, other, 0).expect("connect");
        let first = make();
        let (mut handle, used) = (first.handle(), contexts(&first));
        let second = make();
        assert!(contexts(&second).iter().all(|context| !used.contains(context)));
        free(&mut handle).expect("free");
        drop(first);
        assert_eq!(contexts(&make()), used);
    });
}

#[test]
fn duplicates_have_the_same_groups_attributes_and_hints() {
    fake::run(5, |_| {
        let old = pair(3);
        let null = null_mut();
        let key =
            attr::create_keyval(attr::Scope::Comm, attr::Copy::Dup, attr::Delete::Null, null).expect("a key");
        let value = attr::Value { bits: 4711, origin: attr::Origin::C };
        old.attributes.set(attr::Scope::Comm, old.handle().0, key, value).expect("set");
        old.set_errhandler(MPI_ERRORS_RETURN).expect("predefined");
        old.set_name("bridge");
        old.info.borrow_mut().set("mpi_assert_no_any_tag", "true").expect("set");
        let new = create::dup(&old, None).expect("dup");
        assert_eq!([compare(&old, &new), compare(&old, &old)], [MPI_CONGRUENT, MPI_IDENT]);
        assert!(contexts(&new).iter().all(|context| !contexts(&old).contains(context)));
        assert_eq!(new.attributes.get(attr::Scope::Comm, key).expect("the key"), Some(value));
        assert_eq!(new.info.borrow().value("mpi_assert_no_any_tag").expect("get"), Some("true"));
        assert_eq!((new.errhandler(), new.name().as_str()), (MPI_ERRORS_RETURN, ""));
        let third = create::dup(&new, Some(Info::default())).expect("dup with info");
        assert_eq!(third.info.borrow().value("mpi_assert_no_any_tag").expect("get"), None);
        assert_eq!([compare(&old, &world()), compare(&world(), &old)], [MPI_UNEQUAL; 2]);
    });
}

#[test]
fn merging_puts_the_group_that_is_not_high_first() {
    for (size, cut) in [(2, 1), (5, 2), (6, 3), (9, 8)] {
        for highs in [[false, true], [true, false], [true, true], [false, false]] {
            fake::run(size, move |rank| {
                let inter = pair(cut);
                let merged = merge(&inter, highs[usize::from(rank >= cut)]).expect("merge");
                // The lower half comes first unless only it is high.
                let expected: Vec<u32> = if highs == [true, false] {
                    [ranks(cut..size), ranks(0..cut)].concat()
                } else {
                    ranks(0..size)
                };
                assert_eq!(merged.group().members(), expected);
                assert_eq!(expected[merged.rank()] as usize, rank);
                assert!(!merged.is_inter() && !contexts(&inter).contains(&merged.context()));
                let all = coll::allgather_values(&merged, [rank as i32]).expect("allgather");
                assert_eq!(all.iter().map(|[r]| *r as u32).collect::<Vec<_>>(), expected);
            });
        }
    }
}

#[test]
fn splitting_pairs_the_colours_of_both_sides() {
    for (size, cut) in [(2, 1), (5, 2), (8, 3), (9, 5)] {
        fake::run(size, move |rank| {
            let inter = pair(cut);
            // Colour 3 exists in the upper half only, and some have no colour.
            let color_of = |r: usize| match r % 4 {
                3 if r < cut => MPI_UNDEFINED,
                color => color as i32,
            };
            let key_of = |r: usize| -(r as i32 / 2);
            let new = create::split(&inter, color_of(rank), key_of(rank)).expect("split");
            let members = |range: std::ops::Range<usize>| {
                let mut same: Vec<usize> = range.filter(|r| color_of(*r) == color_of(rank)).collect();
                same.sort_by_key(|r| (key_of(*r), *r));
                same.into_iter().map(|r| r as u32).collect::<Vec<_>>()
            };
            let (low, high) = (members(0..cut), members(cut..size));
            let (here, there) = if rank < cut { (low, high) } else { (high, low) };
            match new {
                None => assert!(color_of(rank) == MPI_UNDEFINED || there.is_empty()),
                Some(new) => {
                    assert_eq!((new.group().members(), new.peers().members()), (&here[..], &there[..]));
                    assert_eq!(here[new.rank()] as usize, rank);
                    assert!(!there.is_empty() && color_of(rank) != MPI_UNDEFINED);
                    coll::inter::barrier(&coll::inter::Across::new(&new, coll::choose::Collective::Barrier))
                        .expect("barrier");
                }
            }
            let shared =
                resources::split_type(&inter, MPI_COMM_TYPE_SHARED, 0, &Info::default()).expect("split_type");
            assert_eq!(shared.map(|(shared, _)| compare(&shared, &inter)), Some(MPI_CONGRUENT));
        });
    }
}

#[test]
fn create_takes_a_part_of_each_side() {
    fake::run(7, |rank| {
        let inter = pair(3);
        // Both in reversed order.
        let part =
            |low: &[u32], high: &[u32]| Group::new(if rank < 3 { low.to_vec() } else { high.to_vec() });
        let new = create::create(&inter, &part(&[2, 0], &[6, 4, 3])).expect("create");
        assert_eq!(new.is_some(), [0, 2, 3, 4, 6].contains(&rank));
        if let Some(new) = new {
            let (here, there): (&[u32], &[u32]) =
                if rank < 3 { (&[2, 0], &[6, 4, 3]) } else { (&[6, 4, 3], &[2, 0]) };
            assert_eq!((new.group().members(), new.peers().members()), (here, there));
            assert_eq!(here[new.rank()] as usize, rank);
        }
        let turned =
            create::create(&inter, &part(&[0, 1, 2], &[4, 3, 5, 6])).expect("create").expect("a member");
        assert_eq!(compare(&turned, &inter), MPI_SIMILAR);
        let less = create::create(&inter, &part(&[0, 1], &[3, 4, 5, 6])).expect("create");
        assert!(less.is_none_or(|less| compare(&less, &inter) == MPI_UNEQUAL));
        // One side names nobody: no communicator on either.
        assert!(create::create(&inter, &part(&[], &[3, 4])).expect("create").is_none());
        // Only a part of the local group may be named.
        let theirs = Group::clone(inter.peers());
        assert_eq!(class(create::create(&inter, &theirs)), MPI_ERR_GROUP);
    });
}
