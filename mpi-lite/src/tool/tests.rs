//! The tables of variables fit each other.

use super::*;
use crate::coll::choose::{Algorithm, Case, Collective, choose};

#[test]
fn every_variable_has_one_category_and_a_name_of_its_own() {
    let (knobs, counters) = (cvars::all(), pvars::all().count());
    let mut cvars_seen: Vec<_> = categories::ALL.iter().flat_map(|category| category.cvars()).collect();
    let mut pvars_seen: Vec<_> = categories::ALL.iter().flat_map(|category| category.pvars()).collect();
    cvars_seen.sort_unstable();
    pvars_seen.sort_unstable();
    assert!(cvars_seen.into_iter().eq(0..knobs.len() as c_int));
    assert!(pvars_seen.into_iter().eq(0..counters as c_int));
    let mut names: Vec<_> = knobs.iter().map(|knob| knob.name()).collect();
    names.extend(pvars::all().map(|pvar| pvar.name.to_owned()));
    names.sort();
    names.dedup();
    assert_eq!(names.len(), knobs.len() + counters);
}

#[test]
fn an_algorithm_that_is_written_is_taken() -> Result<()> {
    let knob = cvars::Knob::Algorithm(Collective::Bcast);
    let linear = knob.choices().iter().position(|choice| *choice == "linear").expect("an algorithm") as u64;
    let case = Case::new(8, 100_000);
    let taken = || choose(Collective::Bcast, &case).expect("a choice");
    assert_eq!((knob.read()?, taken()), (0, Algorithm::ScatterRing));
    knob.write(linear)?;
    assert_eq!((knob.read()?, taken()), (linear, Algorithm::Linear));
    knob.write(0)?;
    assert_eq!((knob.read()?, taken()), (0, Algorithm::ScatterRing));
    assert_eq!(knob.write(99), Err(MPI_T_ERR_INVALID));
    assert_eq!(cvars::Knob::Eager.write(1), Err(MPI_T_ERR_CVAR_SET_NEVER));
    assert_eq!(cvars::Knob::Spin.write(1), Err(MPI_T_ERR_CVAR_SET_NOT_NOW));
    Ok(())
}

#[test]
fn handles_count_while_they_are_started() -> Result<()> {
    let session = pvars::open_session();
    let own = pvars::all().find(|pvar| pvar.name == "own").expect("a counter");
    let (one, two) = (pvars::open(session, own)?, pvars::open(session, own)?);
    let count = || crate::observe::sent_to_self(1);
    count();
    pvars::start(session, one)?;
    count();
    pvars::start(session, MPI_T_PVAR_ALL_HANDLES)?;
    count();
    assert_eq!((pvars::read(session, one)?, pvars::read(session, two)?), (2, 1));
    pvars::stop(session, one)?;
    count();
    assert_eq!((pvars::read(session, one)?, pvars::read(session, two)?), (2, 2));
    pvars::reset(session, MPI_T_PVAR_ALL_HANDLES)?;
    count();
    assert_eq!((pvars::read(session, one)?, pvars::read(session, two)?), (0, 1));
    pvars::write(session, two, 40)?;
    count();
    assert_eq!(pvars::read(session, two)?, 41);
    let level = pvars::open(session, pvars::all().last().expect("a level"))?;
    assert_eq!(pvars::start(session, level), Err(MPI_T_ERR_PVAR_NO_STARTSTOP));
    assert_eq!(pvars::reset(session, level), Err(MPI_T_ERR_PVAR_NO_WRITE));
    assert_eq!(pvars::read(session, level)?, 0);
    pvars::close(session, one)?;
    assert_eq!(pvars::read(session, one), Err(MPI_T_ERR_INVALID_HANDLE));
    pvars::close_session(session)?;
    assert_eq!(pvars::read(session, two), Err(MPI_T_ERR_INVALID_SESSION));
    Ok(())
}
