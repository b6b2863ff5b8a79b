//! What does the program leave behind when it calls `MPI_Finalize`? One line, and only if the user asks for it: the standard
//! wants objects freed and operations completed, but all of it goes with the rank anyway.

use super::{Level, level};
use crate::{c, comm, datatype, file, group, info, init, op, p2p, request, win};

/// Says what is left, if the user wants to know.
pub fn tell() {
    if level() == Level::Strict {
        let text = report(&counts());
        if !text.is_empty() {
            eprintln!("unirank: rank {}: MPI_Finalize with {text}", init::world().rank);
        }
    }
}

/// How many there are of each kind.
fn counts() -> [(&'static str, usize); 10] {
    [
        ("request that was not completed", request::in_use()),
        ("message that was not received", p2p::queue_lens().map(|(_, unexpected)| unexpected).unwrap_or(0)),
        ("matched message that was not received", c::p2p::probe::in_use()),
        ("communicator", comm::in_use()),
        ("datatype", datatype::in_use()),
        ("group", group::in_use()),
        ("operation", op::in_use()),
        ("window", win::in_use()),
        ("file", file::in_use()),
        ("info object", info::in_use()),
    ]
}

fn report(counts: &[(&str, usize)]) -> String {
    let said = counts.iter().filter(|(_, n)| *n > 0).map(|(what, n)| {
        let (first, rest) = what.split_once(" that ").map_or((*what, ""), |(first, rest)| (first, rest));
        match (n, rest.is_empty()) {
            (1, _) => format!("1 {what}"),
            (n, true) => format!("{n} {first}s"),
            (n, false) => format!("{n} {first}s that {}", rest.replacen("was", "were", 1)),
        }
    });
    let said: Vec<String> = said.collect();
    if said.is_empty() { String::new() } else { format!("{} left", said.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_left_is_said() {
        assert_eq!(report(&[("window", 0), ("file", 0)]), "");
        let counts =
            [("request that was not completed", 3), ("communicator", 1), ("window", 0), ("group", 2)];
        let text = "3 requests that were not completed, 1 communicator, 2 groups left";
        assert_eq!(report(&counts), text);
    }

    #[test]
    fn objects_count_until_they_are_freed() -> crate::Result<()> {
        let before = counts();
        let mut info = info::publish(info::Info::default())?;
        let handle = datatype::insert(datatype::byte().duplicate())?;
        let with = counts();
        assert_eq!((with[4].1, with[9].1), (before[4].1 + 1, before[9].1 + 1));
        info::free(&mut info)?;
        datatype::free(handle)?;
        assert_eq!(counts(), before);
        Ok(())
    }
}
