use super::*;
use crate::abi::MPI_ERR_OTHER;
use crate::error::err;

/// Lets all fibers run on, as if all that they wait for held.
fn turn() {
    let mut waiting = FIBERS.with(|fibers| fibers.waiting.borrow().len());
    proceed(|_| {
        let ready = waiting > 0;
        waiting = waiting.saturating_sub(1);
        ready
    });
}

#[test]
fn fibers_take_turns_and_keep_their_variables() -> Result<()> {
    let log: Rc<RefCell<Vec<(u64, u64, f64)>>> = Rc::default();
    let begin = |name: u64| {
        let log = log.clone();
        start(
            name as i32,
            Box::new(move || {
                // More values than there are registers, used again after each wait.
                let numbers: [u64; 12] = std::array::from_fn(|i| name * 100 + i as u64);
                for step in 0..name {
                    log.borrow_mut().push((name, numbers.iter().sum::<u64>() + step, name as f64 / 2.0));
                    assert_eq!((tag(), is_inside()), (Some(name as i32), true));
                    wait(&mut |_| true);
                }
                Ok(())
            }),
        )
    };
    let tasks = [begin(1)?, begin(3)?, begin(2)?];
    assert_eq!((tag(), is_inside(), are_under_way()), (None, false, true));
    let mut ended = Vec::new();
    for _ in 0..3 {
        turn();
        ended.push(tasks.clone().map(|task| task.is_done()));
    }
    assert_eq!(ended, [[true, false, false], [true, false, true], [true; 3]]);
    assert!(!are_under_way() && tasks.iter().all(|task| task.error().is_none()));
    let told = log.borrow().clone();
    let names: Vec<u64> = told.iter().map(|line| line.0).collect();
    assert_eq!(names, [1, 3, 2, 3, 2, 3]);
    for (place, (name, value, half)) in told.iter().enumerate() {
        let step = names[..place].iter().filter(|other| *other == name).count() as u64;
        assert_eq!((*value, *half), (12 * 100 * name + 66 + step, *name as f64 / 2.0));
    }
    Ok(())
}

#[test]
fn an_error_is_the_tasks_and_a_fiber_nobody_knows_goes_on() -> Result<()> {
    let failed = start(
        0,
        Box::new(|| {
            wait(&mut |_| true);
            err(MPI_ERR_OTHER, "as planned")
        }),
    )?;
    let ran = Rc::new(Cell::new(false));
    let flag = ran.clone();
    drop(start(
        0,
        Box::new(move || {
            wait(&mut |_| true);
            flag.set(true);
            Ok(())
        }),
    )?);
    proceed(|_| false);
    assert!(!failed.is_done() && !ran.get());
    turn();
    assert_eq!(failed.error().map(|error| error.text), Some("as planned".into()));
    assert!(ran.get() && !are_under_way());
    // What it owned is gone.
    assert_eq!(Rc::strong_count(&ran), 1);
    Ok(())
}

#[test]
fn one_started_inside_another_has_its_turn_later() -> Result<()> {
    let inner: Rc<RefCell<Option<Task>>> = Rc::default();
    let place = inner.clone();
    let outer = start(
        1,
        Box::new(move || {
            let task = start(2, Box::new(|| Ok(())))?;
            assert!(!task.is_done());
            *place.borrow_mut() = Some(task);
            Ok(())
        }),
    )?;
    assert!(outer.is_done() && are_under_way());
    proceed(|_| false);
    assert!(inner.borrow().as_ref().is_some_and(Task::is_done) && !are_under_way());
    Ok(())
}

#[test]
fn thousands_at_once_and_deep_calls_have_room() -> Result<()> {
    fn deep(levels: usize) -> usize {
        let block = std::hint::black_box([levels; 128]);
        if levels == 0 { 0 } else { deep(levels - 1) + block[7] / levels }
    }
    let tasks = (0..2000).map(|_| {
        start(
            0,
            Box::new(|| {
                wait(&mut |_| true);
                assert_eq!(deep(100), 100);
                Ok(())
            }),
        )
    });
    let tasks = tasks.collect::<Result<Vec<_>>>()?;
    turn();
    assert!(tasks.iter().all(Task::is_done));
    Ok(())
}
