//! Where the ranks' programs spent their time (`--profile`): each rank's kernel counts call stacks in its memory
//! ([`unirank_hca::profile`]); when all are gone the runner reads the tables, finds the names, and draws a flame graph.

mod stacks;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use inferno::flamegraph;
use unirank_hca::profile::{MOST, Profile};
use unirank_images::symbolize::Symbolizer;

use super::accel::Accel;
use super::core::Place;
use super::guest_ram::GuestRam;
use crate::failure::{Context, Failure, Result};
use crate::text;
use stacks::Folded;

/// Samples a second, when nothing is said: not in step with what happens a hundred times a second.
pub const DEFAULT_HZ: u32 = 99;

/// A profile in the making.
#[derive(Debug)]
pub struct ProfileFile {
    path: PathBuf,
    file: File,
    by_rank: bool,
    hz: u32,
    /// Ranks, and where their memory has the samples.
    tables: Vec<(u32, Place)>,
}

impl ProfileFile {
    /// Creates the file. With `by_rank` the outermost frame is the rank.
    pub fn create(path: &Path, hz: u32, by_rank: bool, accel: Accel) -> Result<Self> {
        if accel == Accel::Native {
            return Err(Failure::usage("--profile is for ranks that are VMs").remedy(
                "native ranks are processes: `perf record -F 99 -g -- unirank run --accel native ...`",
            ));
        }
        let file = File::create(path).context(|| format!("creating {}", path.display()))?;
        Ok(Self { path: path.to_owned(), file, by_rank, hz, tables: Vec::new() })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A rank has said where its samples are.
    pub fn add(&mut self, rank: u32, place: Place) {
        // Once: whatever its console says later.
        if self.tables.iter().all(|(known, _)| *known != rank) {
            self.tables.push((rank, place));
        }
    }

    /// Writes the profile of ranks that have ended, and says so in a line for the user. `ram` finds a rank's memory.
    pub fn write<'a>(
        &self,
        symbols: &Symbolizer,
        program: &str,
        ram: impl Fn(u32) -> GuestRam<'a>,
    ) -> Result<String> {
        let mut folded = Folded::new(symbols);
        let (mut dropped, mut unread) = (0u64, Vec::new());
        for &(rank, place) in &self.tables {
            match read(ram(rank), place) {
                Ok(profile) => {
                    dropped = dropped.saturating_add(profile.dropped);
                    let outermost = self.by_rank.then(|| format!("rank {rank}"));
                    folded.add(&profile, outermost.as_deref());
                }
                Err(why) => unread.push(format!("; rank {rank}'s samples cannot be read: {why}")),
            }
        }
        let lines = folded.lines();
        let what = || format!("writing {}", self.path.display());
        let mut out = BufWriter::new(&self.file);
        if self.path.extension().is_some_and(|extension| extension == "folded") {
            lines.iter().try_for_each(|line| writeln!(out, "{line}")).context(what)?;
        } else if lines.is_empty() {
            writeln!(out, "{EMPTY}").context(what)?;
        } else {
            let ranks = text::ranks(self.tables.len() as u32);
            let subtitle = format!("{} samples of {ranks}, {} a second", folded.samples(), self.hz);
            draw(&lines, text::one_line(program, 100), subtitle, &mut out).context(what)?;
        }
        out.flush().context(what)?;
        let mut told = format!("a profile of {} samples is in {}", folded.samples(), self.path.display());
        if folded.samples() == 0 {
            told += ": the job was too short, or it waited all the time";
        }
        if dropped > 0 {
            told += &format!("; there was no room for {dropped} more");
        }
        Ok(told + &unread.concat())
    }
}

/// A picture of nothing.
const EMPTY: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"400\" height=\"40\"><text x=\"10\" y=\"25\">no samples</text></svg>";

fn read(ram: GuestRam<'_>, place: Place) -> std::result::Result<Profile, String> {
    if place.len > MOST as u64 {
        return Err(format!("they would have {}", text::size(place.len)));
    }
    let bytes = ram.read(place.address, place.len).ok_or("they are not in its memory")?;
    Profile::decode(&bytes).map_err(|error| error.to_string())
}

fn draw(lines: &[String], title: String, subtitle: String, out: &mut impl Write) -> std::io::Result<()> {
    let mut options = flamegraph::Options::default();
    options.title = title;
    options.subtitle = Some(subtitle);
    options.count_name = "samples".into();
    options.deterministic = true;
    flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::memory;
    use std::sync::atomic::{AtomicU32, Ordering};
    use unirank_hca::profile::Table;

    fn job(extension: &str, place: Place) -> (String, String) {
        let file = memory::sealed("test", 16 << 20).unwrap();
        let mut words = vec![0; 4096];
        let mut table = Table::new(&mut words, 99).unwrap();
        (0..5).for_each(|_| table.add(&[0x10, 0x20]));
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        rustix::io::pwrite(&file, &bytes, 0x10_0000).unwrap();
        // Tests run at the same time.
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("unirank-profile-{}-{number}.{extension}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let mut profile = ProfileFile::create(&path, 99, true, Accel::Tcg).unwrap();
        profile.add(1, place);
        profile.add(1, Place { address: 0, len: 0 });
        let symbols = Symbolizer::open(Path::new("/nonexistent"));
        let told = profile.write(&symbols, "a <b>", |_| GuestRam::new(&file, 16 << 20)).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        (text, told)
    }

    #[test]
    fn stacks_become_lines_or_a_picture() {
        let place = Place { address: 0x10_0000, len: 4096 * 8 };
        let (text, told) = job("folded", place);
        assert_eq!(text, "rank 1;[0x20];[0x10] 5\n");
        assert!(told.contains("5 samples"), "{told}");
        let (text, _) = job("svg", place);
        assert!(text.contains("<svg") && text.contains("[0x10]") && text.contains("a &lt;b&gt;"), "{text}");
    }

    #[test]
    fn what_a_guest_says_is_checked() {
        for (address, len, says) in [
            (0x10_0000, u64::MAX, "would have"),
            (u64::MAX, 4096, "not in its memory"),
            (0x20_0000, 4096, "does not begin"),
            (0x10_0000, 4096, "lengths"),
        ] {
            let (text, told) = job("svg", Place { address, len });
            assert!(
                told.contains(says) && told.contains("rank 1's") && text.contains("no samples"),
                "{told}"
            );
        }
        let native = ProfileFile::create(Path::new("/x.svg"), 99, false, Accel::Native).unwrap_err();
        assert!(native.to_string().contains("perf record"));
    }
}
