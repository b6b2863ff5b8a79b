use super::*;
use crate::region::testing::region;
use std::vec::Vec;

fn seats(region: &JobRegion, members: usize) -> Vec<Segment> {
    let at = region.allocate(0, Segment::bytes(members)).unwrap();
    Segment::format(region, at, members).unwrap();
    // SAFETY: `region` stays mapped; the block was formatted, and each member has its number.
    (0..members).map(|me| unsafe { Segment::open(region, at, members, me) }.unwrap()).collect()
}

#[test]
fn a_line_brings_tag_and_words() {
    let region = region(3, 1 << 20);
    let all = seats(&region, 3);
    let phases: Vec<u64> = all.iter().map(|s| s.seat().begin()).collect();
    assert_eq!(phases, [1, 1, 1]);
    all[1].seat().publish(1, 7, &[11, 12]);
    assert_eq!(all[0].seat().look(1, 1), Ok(Some(7)));
    assert_eq!(all[0].seat().look(2, 1), Ok(None));
    let mut words = [0; 2];
    all[2].seat().read(1, 1, &mut words);
    assert_eq!(words, [11, 12]);
}

#[test]
fn a_line_is_used_again_when_all_others_have_finished() {
    let region = region(3, 1 << 20);
    let all = seats(&region, 3);
    let writer = all[0].seat();
    for phase in 1..=SLOTS as u64 {
        assert!(writer.settled(writer.before(phase)));
        writer.publish(phase, 0, &[]);
        writer.finish(phase);
    }
    let next = SLOTS as u64 + 1;
    assert!(!writer.settled(writer.before(next)));
    all[1].seat().finish(3);
    assert!(!writer.settled(writer.before(next)));
    all[2].seat().finish(1);
    assert!(writer.settled(writer.before(next)) && !writer.settled(2));
    writer.met(3);
    assert!(writer.settled(2) && !writer.settled(3));
}

#[test]
fn phases_that_cannot_be_in_a_line_are_garbage() {
    let region = region(2, 1 << 20);
    let all = seats(&region, 2);
    all[1].seat().publish(1, 0, &[]);
    let line = &all[0].seat().controls[1].lines[1];
    for (found, expected) in [(1, Ok(None)), (5, Ok(Some(3))), (9, Err(9)), (6, Err(6)), (2, Err(2))] {
        line.stamp.store(found << TAG_BITS | 3, Ordering::Relaxed);
        let seen = all[0].seat().look(1, 5).map_err(|garbage| garbage.found);
        assert_eq!(seen, expected, "{found}");
    }
}

#[test]
fn who_waits_for_others_is_served_when_all_have_finished() {
    let region = region(3, 1 << 20);
    let all = seats(&region, 3);
    assert!(!all[0].seat().somebody_wants());
    all[1].seat().want(2);
    assert!(all[0].seat().somebody_wants() && !all[0].seat().is_served(1));
    all[0].seat().finish(2);
    all[2].seat().finish(3);
    assert!(all[0].seat().is_served(1) && !all[0].seat().is_served(2));
    all[1].seat().unwant();
    assert!(!all[0].seat().somebody_wants() && !all[0].seat().is_served(1));
}

#[test]
fn slices_lie_in_the_block_and_apart() {
    for members in [1, 2, 3, 8, 16, 100, MAX_MEMBERS] {
        let region = region(2, 64 << 20);
        let at = region.allocate(0, Segment::bytes(members)).unwrap();
        // SAFETY: `region` stays mapped; one view of the block is made.
        let segment = unsafe { Segment::open(&region, at, members, 0) }.unwrap();
        let offset = |member, number| region.offset_of(segment.slice(member, number)).unwrap();
        let len = segment.slice_len() as u64;
        assert!(len >= 4096 && len % 64 == 0, "{members} members have {len} bytes each");
        assert_eq!(offset(0, 0), at + controls_end(members) as u64);
        assert_eq!(offset(0, 1), offset(0, 0) + len);
        let last = offset(members - 1, SLICES - 1);
        assert_eq!(last, offset(0, 0) + len * (SLICES * members - 1) as u64);
        assert!(last + len <= at + Segment::bytes(members));
    }
}

#[test]
fn impossible_places_are_refused_and_the_last_to_leave_knows() {
    let region = region(2, 1 << 20);
    let len = region.layout().len;
    for (at, members) in [(len, 2), (u64::MAX - 63, 2), (len - 128, 2), (4097, 2), (4096, MAX_MEMBERS + 1)] {
        assert_eq!(Segment::format(&region, at, members), None);
        // SAFETY: nothing is opened.
        assert!(unsafe { Segment::open(&region, at, members, 0) }.is_none());
    }
    let all = seats(&region, 3);
    assert_eq!([2, 0, 1].map(|member: usize| all[member].leave()), [false, false, true]);
}
