//! `rank_overhead_bytes`: memory a rank has beyond its program.
//!
//! What is counted are the pages that exist of the guest's RAM and of the adapter's region just before
//! `MPI_Finalize`, less the pages the image itself loads. The program's own stack and heap are small and count as
//! overhead, too. QEMU's own memory is shown beside it.

use std::path::Path;

use unirank_images::elf::Image;

use super::figure::{Figure, Goal};
use super::job::Job;
use super::statistics::Summary;
use super::table::{Table, number};
use super::{Bench, Report};
use crate::failure::{Context, Failure, Result};

/// Name of the figure.
pub const NAME: &str = "rank_overhead_bytes";
const GOAL: Goal = Goal::AtMost((8 << 20) as f64);

/// Measures it.
pub fn measure(bench: &Bench) -> Result<Report> {
    let accel = bench.machines()[0];
    let rounds = if bench.options.quick { 1 } else { 3 };
    let mut table = Table::new(
        format!("Bytes of memory of a rank ({})", accel.name()),
        ["", "resident", "image", "library OS", "QEMU's own"],
    );
    let mut overheads = Vec::new();
    let mut take = |what: &str, flags: &[&str], ranks: u32| -> Result<Summary> {
        let image = bench.workshop.compile(bench.workshop.tool("mpicc"), "hello.c", "measured", flags)?;
        let loaded = loaded(&image)?;
        let mut values = [const { Vec::new() }; 3];
        for _ in 0..rounds {
            let outcome = Job::new(&image, ranks, accel).run(&bench.workshop)?;
            let record = outcome.record(ranks - 1, "leaving 0")?;
            let resident = record.resident.ok_or_else(|| Failure::new("the backend told no memory"))? as f64;
            let qemu = record.qemu_private.unwrap_or(0) as f64;
            for (values, value) in values.iter_mut().zip([resident, resident - loaded, qemu]) {
                values.push(value);
            }
        }
        let [resident, overhead, qemu] = values.map(|v| Summary::of(&v).unwrap_or(Summary::once(0.0)));
        let cells = [resident.median, loaded, overhead.median, qemu.median].map(number);
        table.row([what.to_owned()].into_iter().chain(cells));
        Ok(overhead)
    };
    for (what, flags, ranks) in [
        ("without MPI", &["-DRECORD", "-DWITHOUT_MPI"][..], 1),
        ("MPI, 2 ranks", &["-DRECORD"], 2),
        ("MPI, 4 ranks", &["-DRECORD"], 4),
    ] {
        overheads.push(take(what, flags, ranks)?);
    }
    table.note(
        "Resident: pages that exist of the guest's RAM and the adapter's region, before MPI_Finalize. Image: the pages \
         its file loads. The rest: page tables, kernel heap, the program's stack and heap; with MPI also the adapter's \
         queues and the receive buffers for messages that come unexpected.",
    );
    let note = format!("{} of it without MPI", number(overheads[0].median));
    let figure = Figure::new(NAME, "bytes", overheads[1]).goal(GOAL).note(note);
    Ok(Report { figures: vec![figure], tables: vec![table] })
}

fn loaded(image: &Path) -> Result<f64> {
    let data = std::fs::read(image).context(|| format!("reading {}", image.display()))?;
    Ok(Image::parse(&data).context(|| image.display().to_string())?.loaded as f64)
}
