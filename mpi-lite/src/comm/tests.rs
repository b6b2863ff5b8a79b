use super::*;
use crate::abi::{
    MPI_COMM_SELF, MPI_COMM_TYPE_HW_GUIDED, MPI_COMM_TYPE_HW_UNGUIDED, MPI_COMM_TYPE_SHARED, MPI_COMM_WORLD,
    MPI_ERR_ARG, MPI_ERR_GROUP, MPI_ERRORS_ARE_FATAL, MPI_SIMILAR, MPI_UNDEFINED, MPI_UNEQUAL,
};
use crate::platform::places;

fn world() -> Rc<Comm> {
    get(MPI_COMM_WORLD).expect("initialised")
}

#[test]
fn handles_names_and_peers() -> Result<()> {
    on_init(2, 4);
    let world = world();
    assert_eq!((world.rank(), world.size(), get(MPI_COMM_SELF)?.size()), (2, 4, 1));
    assert_eq!(world.peer(3)?, Peer { rank: 3, world: 3 });
    let error = world.peer(7).map_err(|e| (e.class, e.text));
    let text = "invalid rank 7 in communicator MPI_COMM_WORLD of size 4".to_owned();
    assert_eq!(error, Err((MPI_ERR_RANK, text)));
    assert_eq!(world.root(-1).map_err(|e| e.class), Err(MPI_ERR_ROOT));
    for bad in [MPI_COMM_NULL, MPI_Comm(0), MPI_Comm(0x1234), MPI_Comm(usize::MAX)] {
        assert_eq!(get(bad).map(|_| ()).map_err(|e| e.class), Err(MPI_ERR_COMM));
    }
    let mut handle = MPI_COMM_WORLD;
    assert!(free(&mut handle).is_err());
    world.set_name(&"ä".repeat(100));
    assert_eq!(world.name().len(), 126);
    Ok(())
}

#[test]
fn after_shutdown_there_are_no_communicators() {
    on_init(0, 1);
    shutdown();
    assert!(get(MPI_COMM_WORLD).is_err());
    assert_eq!(handler_for(MPI_COMM_WORLD), (MPI_COMM_NULL, MPI_ERRORS_ARE_FATAL));
}

#[test]
fn duplicates_have_contexts_of_their_own_which_are_used_again_after_free() {
    for size in 1..=7 {
        let contexts = fake::run(size, |_| {
            let world = world();
            let first = create::dup(&world, None).expect("dup");
            let second = create::dup(&first, None).expect("dup of a dup");
            assert_eq!(compare(&world, &first), MPI_CONGRUENT);
            assert_eq!(compare(&first, &first), MPI_IDENT);
            let (mut handle, freed) = (first.handle(), first.context());
            free(&mut handle).expect("free");
            assert_eq!(handle, MPI_COMM_NULL);
            assert!(get(first.handle()).is_err());
            // A reference is left, as a pending operation has one: the context is not free yet.
            let third = create::dup(&world, None).expect("dup");
            assert_ne!(third.context(), freed);
            drop(first);
            let fourth = create::dup(&world, None).expect("dup");
            assert_eq!(fourth.context(), freed);
            [second.context(), third.context(), fourth.context()]
        });
        assert!(contexts.iter().all(|c| *c == contexts[0]));
    }
}

#[test]
fn split_orders_by_key_and_then_by_rank() {
    for size in 1..=9usize {
        for colors in [1, 2, 3] {
            fake::run(size, move |rank| {
                // The key reverses pairs; the last colour takes no part.
                let color_of = |r: usize| {
                    if r % (colors + 1) == colors { MPI_UNDEFINED } else { (r % (colors + 1)) as i32 }
                };
                let key_of = |r: usize| -((r / 4) as i32);
                let new = create::split(&world(), color_of(rank), key_of(rank)).expect("split");
                let mut expected: Vec<usize> = (0..size).filter(|r| color_of(*r) == color_of(rank)).collect();
                expected.sort_by_key(|r| (key_of(*r), *r));
                match new {
                    None => assert_eq!(color_of(rank), MPI_UNDEFINED),
                    Some(new) => {
                        let members: Vec<usize> = new.group().members().iter().map(|m| *m as usize).collect();
                        assert_eq!(members, expected);
                        assert_eq!(expected[new.rank()], rank);
                        let ranks = crate::coll::allgather_values(&new, [rank as i32]).expect("allgather");
                        assert!(ranks.iter().zip(&expected).all(|([a], b)| *a as usize == *b));
                    }
                }
            });
        }
    }
}

#[test]
fn negative_colours_and_unknown_types_are_refused() {
    fake::run(2, |_| {
        let by_color = create::split(&world(), -3, 0);
        assert_eq!(by_color.map(|_| ()).map_err(|e| e.class), Err(MPI_ERR_ARG));
        let by_type = resources::split_type(&world(), 4711, 0, &Info::default());
        assert_eq!(by_type.map(|_| ()).map_err(|e| e.class), Err(MPI_ERR_ARG));
    });
}

#[test]
fn create_makes_disjoint_groups_at_once() {
    fake::run(5, |rank| {
        let world = world();
        let group = Group::new(if rank % 2 == 0 { vec![4, 2, 0] } else { vec![1, 3] });
        let new = create::create(&world, &group).expect("create").expect("each rank is in a group");
        assert_eq!(new.group().members(), group.members());
        let expected = if rank == 0 { MPI_UNEQUAL } else { new.group().compare(&Group::new(vec![0, 1])) };
        assert_eq!(compare(&new, &create::dup(&new, None).expect("dup")), MPI_CONGRUENT);
        assert_eq!(expected, MPI_UNEQUAL);
        let other = create::create(&world, &Group::new(vec![0])).expect("create");
        assert_eq!(other.is_some(), rank == 0);
        let stranger = Group::new(vec![9]);
        assert_eq!(create::create(&world, &stranger).map(|_| ()).map_err(|e| e.class), Err(MPI_ERR_GROUP));
        let reversed = create::create(&world, &Group::new((0..5).rev().collect())).expect("create");
        assert_eq!(reversed.map(|r| compare(&r, &world)), Some(MPI_SIMILAR));
    });
}

#[test]
fn create_group_involves_members_only() {
    fake::run(6, |rank| {
        let world = world();
        if rank >= 4 {
            return;
        }
        let group = Group::new(vec![3, 1, 0, 2]);
        let new = create::create_group(&world, &group, 17).expect("create_group").expect("a member");
        assert_eq!((new.size(), new.group().members()[new.rank()]), (4, rank as u32));
        let pair = Group::new(vec![(rank as u32) / 2 * 2, (rank as u32) / 2 * 2 + 1]);
        let two = create::create_group(&new, &pair, 17).expect("create_group").expect("a member");
        assert_eq!(two.size(), 2);
        assert!(crate::coll::allgather_values(&two, [1]).expect("allgather").len() == 2);
    });
}

/// Size and rank, if there is a communicator.
fn told(new: &resources::Sharing) -> Option<(usize, usize)> {
    new.as_ref().map(|(new, _)| (new.size(), new.rank()))
}

#[test]
fn ranks_of_one_host_share_memory_and_hardware_below_is_unknown() {
    fake::run(3, |rank| {
        let split = |kind| resources::split_type(&world(), kind, 0, &Info::default()).expect("split_type");
        assert_eq!(told(&split(MPI_COMM_TYPE_SHARED)), Some((3, rank)));
        assert!(split(MPI_COMM_TYPE_HW_UNGUIDED).is_none());
        assert!(split(MPI_COMM_TYPE_HW_GUIDED).is_none(), "without a type");
        assert!(split(MPI_UNDEFINED).is_none());
        assert_eq!(told(&guided("Machine")), Some((3, rank)));
        assert!(guided("Package").is_none());
    });
}

fn guided(name: &str) -> resources::Sharing {
    let mut info = Info::default();
    info.set(resources::HARDWARE_KEY, name).expect("a key");
    resources::split_type(&world(), MPI_COMM_TYPE_HW_GUIDED, 0, &info).expect("split_type")
}

#[test]
fn ranks_that_share_hardware_find_together() {
    fake::run(6, |rank| {
        // The last one is in several packages; L3 caches are not known.
        places::take("0.0.0.-.0,0.1.0.-.0,0.0.0.-.0,0.1.1.-.3,0.0.0.-.1,0", 6).expect("places");
        let by_package = [Some((3, 0)), Some((2, 0)), Some((3, 1)), Some((2, 1)), Some((3, 2)), None];
        assert_eq!(told(&guided("Package")), by_package[rank]);
        assert_eq!(told(&guided("hwloc://Package")), by_package[rank]);
        let by_node = [Some((3, 0)), Some((1, 0)), Some((3, 1)), Some((1, 0)), Some((3, 2)), None];
        assert_eq!(told(&guided("NUMANode")), by_node[rank]);
        let by_core = [Some((2, 0)), Some((1, 0)), Some((2, 1)), Some((1, 0)), Some((1, 0)), None];
        assert_eq!(told(&guided("Core")), by_core[rank]);
        assert_eq!(told(&guided("hwloc://Machine")), Some((6, rank)));
        assert_eq!(told(&guided("mpi_shared_memory")), Some((6, rank)));
        for unknown in ["L3Cache", "Socket", "package", "hwloc://", ""] {
            assert!(guided(unknown).is_none(), "{unknown}");
        }
        // Step by step to what cannot be divided.
        let finer = |comm: &Comm| {
            resources::split_type(comm, MPI_COMM_TYPE_HW_UNGUIDED, 0, &Info::default()).expect("split_type")
        };
        let package = finer(&world());
        assert_eq!(told(&package), by_package[rank]);
        let Some((package, name)) = package else { return };
        assert_eq!(name, Some("hwloc://Package"));
        let next = finer(&package);
        let last = if rank % 2 == 1 { "hwloc://NUMANode" } else { "hwloc://Core" };
        assert_eq!(next.as_ref().and_then(|next| next.1), Some(last));
        assert_eq!(told(&next), by_core[rank]);
        assert!(next.is_some_and(|(next, _)| finer(&next).is_none()));
    });
}

#[test]
fn thousands_of_communicators_exist_at_once() {
    fake::run(2, |_| {
        let world = world();
        let all: Vec<_> = (0..1500).map(|_| create::dup(&world, None).expect("dup")).collect();
        let mut contexts: Vec<u32> = all.iter().map(|c| c.context()).collect();
        contexts.sort_unstable();
        contexts.dedup();
        assert_eq!(contexts.len(), 1500);
    });
}
