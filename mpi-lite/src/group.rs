//! Groups: ordered sets of processes (MPI 5.0, section 7.3). All operations are local.

use crate::abi::{
    MPI_ERR_ARG, MPI_ERR_GROUP, MPI_ERR_RANK, MPI_GROUP_EMPTY, MPI_GROUP_NULL, MPI_Group, MPI_IDENT,
    MPI_PROC_NULL, MPI_SIMILAR, MPI_Session, MPI_UNDEFINED, MPI_UNEQUAL,
};
use crate::error::{Result, err};
use crate::handle::{Kind, Table};
use crate::per_rank::per_rank;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Ranks in `MPI_COMM_WORLD`, each at most once; the position is the rank in the group.
#[derive(Clone, Debug, Default)]
pub struct Group {
    members: Vec<u32>,
    /// The session that it comes from.
    session: Option<MPI_Session>,
}

impl PartialEq for Group {
    fn eq(&self, other: &Self) -> bool {
        self.members == other.members
    }
}

impl Eq for Group {}

per_rank! {
    static GROUPS: RefCell<Table<Rc<Group>>> = RefCell::new(Table::new(Kind::Group));
}

/// The group of a handle.
pub fn get(handle: MPI_Group) -> Result<Rc<Group>> {
    if handle == MPI_GROUP_EMPTY {
        return Ok(Rc::default());
    }
    match GROUPS.with(|t| t.borrow().get(handle.0).cloned()) {
        Some(group) => Ok(group),
        None if handle == MPI_GROUP_NULL => err(MPI_ERR_GROUP, "the group is MPI_GROUP_NULL"),
        None => err(MPI_ERR_GROUP, format!("invalid or freed group handle {:#x}", handle.0)),
    }
}

/// A handle for `group`; an empty group is `MPI_GROUP_EMPTY`.
pub fn publish(group: Rc<Group>) -> Result<MPI_Group> {
    if group.members.is_empty() {
        return Ok(MPI_GROUP_EMPTY);
    }
    GROUPS.with(|t| t.borrow_mut().insert(group)).map(MPI_Group)
}

/// `MPI_Group_free`. The empty group may be freed, as programs do with a result that happens to be empty.
pub fn free(handle: &mut MPI_Group) -> Result<()> {
    get(*handle)?;
    GROUPS.with(|t| t.borrow_mut().remove(handle.0));
    *handle = MPI_GROUP_NULL;
    Ok(())
}

/// How many the program has not freed.
pub fn in_use() -> usize {
    GROUPS.with(|table| table.borrow().len())
}

impl Group {
    /// The group of these processes, given by their ranks in `MPI_COMM_WORLD`; each must occur once.
    pub fn new(members: Vec<u32>) -> Self {
        Self { members, session: None }
    }

    /// The same group, from a session.
    pub fn of_session(self, session: MPI_Session) -> Self {
        Self { session: Some(session), ..self }
    }

    /// The session that it comes from.
    pub fn session(&self) -> Option<MPI_Session> {
        self.session
    }

    /// A group of these processes, from the same session.
    fn with(&self, members: Vec<u32>) -> Self {
        Self { members, session: self.session }
    }

    /// Number of processes.
    pub fn size(&self) -> usize {
        self.members.len()
    }

    /// Ranks in `MPI_COMM_WORLD` in the order of the group.
    pub fn members(&self) -> &[u32] {
        &self.members
    }

    /// The rank in the group of a process given by its rank in `MPI_COMM_WORLD`.
    pub fn rank_of(&self, world: u32) -> Option<usize> {
        // The group of MPI_COMM_WORLD and its beginnings need no search.
        match self.members.get(world as usize) {
            Some(&member) if member == world => Some(world as usize),
            _ => self.members.iter().position(|&member| member == world),
        }
    }

    /// Rank by process, for many look-ups.
    fn index(&self) -> HashMap<u32, usize> {
        self.members.iter().enumerate().map(|(rank, &world)| (world, rank)).collect()
    }

    /// `MPI_Group_translate_ranks`.
    pub fn translate(&self, ranks: &[i32], other: &Group) -> Result<Vec<i32>> {
        let index = other.index();
        let translate = |&rank: &i32| {
            if rank == MPI_PROC_NULL {
                return Ok(MPI_PROC_NULL);
            }
            let world = self.members[self.check_rank(rank)?];
            Ok(index.get(&world).map_or(MPI_UNDEFINED, |&r| r as i32))
        };
        ranks.iter().map(translate).collect()
    }

    /// `MPI_Group_compare`.
    pub fn compare(&self, other: &Group) -> i32 {
        if self.members == other.members {
            return MPI_IDENT;
        }
        let index = other.index();
        let same_set = self.size() == other.size() && self.members.iter().all(|m| index.contains_key(m));
        if same_set { MPI_SIMILAR } else { MPI_UNEQUAL }
    }

    /// Processes of `self`, then those of `other` which are not in `self`.
    pub fn union(&self, other: &Group) -> Group {
        let index = self.index();
        let rest = other.members.iter().filter(|m| !index.contains_key(m));
        self.with(self.members.iter().chain(rest).copied().collect())
    }

    /// Processes of `self` which are in `other`, in the order of `self`.
    pub fn intersection(&self, other: &Group) -> Group {
        let index = other.index();
        self.with(self.members.iter().filter(|m| index.contains_key(m)).copied().collect())
    }

    /// Processes of `self` which are not in `other`, in the order of `self`.
    pub fn difference(&self, other: &Group) -> Group {
        let index = other.index();
        self.with(self.members.iter().filter(|m| !index.contains_key(m)).copied().collect())
    }

    /// `MPI_Group_incl`: the processes with these ranks, in this order.
    pub fn incl(&self, ranks: &[i32]) -> Result<Group> {
        let ranks = self.check_distinct(ranks)?;
        Ok(self.with(ranks.into_iter().map(|rank| self.members[rank]).collect()))
    }

    /// `MPI_Group_excl`: the processes without these ranks, in the order of `self`.
    pub fn excl(&self, ranks: &[i32]) -> Result<Group> {
        let mut keep = vec![true; self.size()];
        for rank in self.check_distinct(ranks)? {
            keep[rank] = false;
        }
        let kept = self.members.iter().zip(keep).filter(|(_, keep)| *keep);
        Ok(self.with(kept.map(|(&member, _)| member).collect()))
    }

    /// `MPI_Group_range_incl`; a range is first rank, last rank and stride.
    pub fn range_incl(&self, ranges: &[[i32; 3]]) -> Result<Group> {
        self.incl(&self.expand(ranges)?)
    }

    /// `MPI_Group_range_excl`.
    pub fn range_excl(&self, ranges: &[[i32; 3]]) -> Result<Group> {
        self.excl(&self.expand(ranges)?)
    }

    fn expand(&self, ranges: &[[i32; 3]]) -> Result<Vec<i32>> {
        let mut ranks = Vec::new();
        for &[first, last, stride] in ranges {
            self.check_rank(first)?;
            self.check_rank(last)?;
            if stride == 0 || (last > first && stride < 0) || (last < first && stride > 0) {
                return err(MPI_ERR_ARG, format!("range {first} to {last} with stride {stride}"));
            }
            let count = (i64::from(last) - i64::from(first)) / i64::from(stride);
            ranks.extend((0..=count).map(|i| (i64::from(first) + i * i64::from(stride)) as i32));
        }
        Ok(ranks)
    }

    fn check_rank(&self, rank: i32) -> Result<usize> {
        match usize::try_from(rank) {
            Ok(r) if r < self.size() => Ok(r),
            _ => err(MPI_ERR_RANK, format!("invalid rank {rank} in a group of size {}", self.size())),
        }
    }

    fn check_distinct(&self, ranks: &[i32]) -> Result<Vec<usize>> {
        let mut seen = vec![false; self.size()];
        let check = |&rank: &i32| {
            let index = self.check_rank(rank)?;
            if std::mem::replace(&mut seen[index], true) {
                return err(MPI_ERR_RANK, format!("rank {rank} occurs more than once"));
            }
            Ok(index)
        };
        ranks.iter().map(check).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{MPI_ERR_ARG, MPI_ERR_RANK};

    /// A small generator, so that failing cases can be repeated.
    struct Random(u64);

    impl Random {
        fn below(&mut self, n: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % n
        }

        fn group(&mut self) -> Group {
            let mut rest: Vec<u32> = (0..12).collect();
            let size = self.below(rest.len() + 1);
            Group::new((0..size).map(|_| rest.swap_remove(self.below(rest.len()))).collect())
        }
    }

    #[test]
    fn set_operations_match_their_definitions() {
        for seed in 0..300 {
            let mut random = Random(seed);
            let (a, b) = (random.group(), random.group());
            let has = |g: &Group, m: u32| g.members().contains(&m);
            let union = a.union(&b);
            assert_eq!(union.members()[..a.size()], *a.members());
            for world in 0..12 {
                assert_eq!(has(&union, world), has(&a, world) || has(&b, world));
                assert_eq!(has(&a.intersection(&b), world), has(&a, world) && has(&b, world));
                assert_eq!(has(&a.difference(&b), world), has(&a, world) && !has(&b, world));
                assert_eq!(a.rank_of(world), a.members().iter().position(|&m| m == world));
            }
            assert_eq!(a.intersection(&b).size() + union.size(), a.size() + b.size());
            let mut sorted = [a.members().to_vec(), b.members().to_vec()];
            sorted.iter_mut().for_each(|s| s.sort_unstable());
            let expected = if a == b {
                MPI_IDENT
            } else if sorted[0] == sorted[1] {
                MPI_SIMILAR
            } else {
                MPI_UNEQUAL
            };
            assert_eq!(a.compare(&b), expected);
        }
    }

    #[test]
    fn incl_and_excl_split_a_group() -> Result<()> {
        for seed in 0..100 {
            let mut random = Random(seed);
            let group = random.group();
            let picked: Vec<i32> = (0..group.size() as i32).filter(|_| random.below(2) == 0).collect();
            let (inside, outside) = (group.incl(&picked)?, group.excl(&picked)?);
            assert_ne!(inside.union(&outside).compare(&group), MPI_UNEQUAL);
            assert_eq!(inside.intersection(&outside).size(), 0);
            let back = inside.translate(&(0..inside.size() as i32).collect::<Vec<_>>(), &group)?;
            assert_eq!(back, picked);
        }
        Ok(())
    }

    #[test]
    fn ranges_expand_in_both_directions() -> Result<()> {
        let group = Group::new((100..110).collect());
        let picked = group.range_incl(&[[1, 7, 3], [9, 8, -1]])?;
        assert_eq!(picked.members(), [101, 104, 107, 109, 108]);
        assert_eq!(group.range_excl(&[[0, 8, 2]])?.members(), [101, 103, 105, 107, 109]);
        assert_eq!(group.range_incl(&[[2, 2, 5]])?.members(), [102]);
        let class = |ranges: &[[i32; 3]]| group.range_incl(ranges).map_err(|e| e.class);
        assert_eq!(class(&[[1, 7, 0]]), Err(MPI_ERR_ARG));
        assert_eq!(class(&[[1, 7, -1]]), Err(MPI_ERR_ARG));
        assert_eq!(class(&[[1, 10, 1]]), Err(MPI_ERR_RANK));
        assert_eq!(class(&[[1, 3, 1], [3, 4, 1]]), Err(MPI_ERR_RANK));
        Ok(())
    }

    #[test]
    fn translation_knows_the_null_process_and_strangers() -> Result<()> {
        let (a, b) = (Group::new(vec![3, 1, 2]), Group::new(vec![2, 3]));
        assert_eq!(a.translate(&[0, 1, 2, MPI_PROC_NULL], &b)?, [1, MPI_UNDEFINED, 0, MPI_PROC_NULL]);
        assert_eq!(a.translate(&[3], &b).map_err(|e| e.class), Err(MPI_ERR_RANK));
        Ok(())
    }

    #[test]
    fn handles_of_groups() -> Result<()> {
        let mut handle = publish(Rc::new(Group::new(vec![4, 2])))?;
        assert_eq!(get(handle)?.members(), [4, 2]);
        let stale = handle;
        free(&mut handle)?;
        assert_eq!(handle, MPI_GROUP_NULL);
        assert_eq!(get(stale).map_err(|e| e.class), Err(MPI_ERR_GROUP));
        assert_eq!(publish(Rc::default())?, MPI_GROUP_EMPTY);
        assert_eq!(get(MPI_GROUP_EMPTY)?.size(), 0);
        assert_eq!(free(&mut handle).map_err(|e| e.class), Err(MPI_ERR_GROUP));
        Ok(())
    }
}
