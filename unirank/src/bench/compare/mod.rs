//! `unirank bench compare`: our ranks as VMs against the best native MPI, and against themselves as processes.
//!
//! Terms: a *contender* is one way to run a program; in a *round* every contender runs once, in turn, on the same two
//! cores; a *course* is all that one contender measured; a *goal* is a ratio with a limit ([`targets`]). "The best
//! native MPI" is, for each figure, the one with the best median of all versions of MPICH and Open MPI that are here.

mod applications;
mod crowded;
pub(super) mod quiet;
pub(super) mod reading;
mod targets;
pub(super) mod turns;
mod two_ranks;

use std::time::{Duration, Instant};

use quiet::Watch;
use reading::Key;
use unirank_host_backend::client::Client;

use super::contender::Contender;
use super::table::Table;
use super::{Bench, Report, exits, goals, libraries};
use crate::failure::{Context, Failure, Result};
use crate::output::{self, say};
use crate::run::accel::Accel;

/// The parts by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Latency, bandwidth, message rate, barrier, allreduce
    Messages,
    /// Put and get
    Rma,
    /// Bandwidth of derived types
    Derived,
    /// CG and heat as VMs and natively
    Applications,
    /// CG on 16 ranks and two cores
    Crowded,
    /// VM exits of messages
    Exits,
}

type Measure = fn(&Bench, &mut Watch, &Field) -> Result<Report>;
const PARTS: [(Part, &str, Measure); 6] = [
    (Part::Messages, "messages and collectives", two_ranks::messages),
    (Part::Rma, "put and get", two_ranks::rma),
    (Part::Derived, "derived types", two_ranks::derived),
    (Part::Applications, "the examples", applications::measure),
    (Part::Crowded, "more ranks than cores", crowded::measure),
    (Part::Exits, "VM exits", |bench, _, _| exits::measure(bench)),
];

/// Everyone who takes part.
#[derive(Debug)]
struct Field {
    contenders: Vec<Contender>,
    /// Why there are no VMs under KVM.
    no_kvm: Option<String>,
}

impl Field {
    fn no_kvm(&self) -> String {
        format!("needs KVM: {}", self.no_kvm.as_deref().unwrap_or("it was not measured"))
    }
}

/// Makes the comparison and prints it.
pub fn compare(bench: &Bench, only: &[Part]) -> Result<()> {
    if bench.cores.len() < 2 {
        return Err(Failure::new("a comparison needs two processor cores, one for each rank"));
    }
    say!("{}", super::host(bench));
    let installed = libraries::installed(&bench.workshop);
    let field = Field { contenders: contenders(bench, &installed), no_kvm: bench.no_kvm.clone() };
    output::write(format_args!("{}", line_up(&field, &libraries::lacking(&installed))));
    let again = if bench.options.quick { 0 } else { bench.options.rounds * field.contenders.len() };
    let patience = if bench.options.quick { Duration::ZERO } else { Duration::from_secs(120) };
    // Kept, so that it is one host backend whose time is counted.
    let exe = std::env::current_exe().context(|| "finding this program".into())?;
    let backend = Client::connect_or_start(&exe).context(|| "the host backend cannot be used".into())?;
    let mut watch = Watch::new(&bench.cores, Some(backend.daemon_pid()), again, patience);
    let (mut figures, mut failures) = (Vec::new(), 0);
    for (part, name, measure) in PARTS {
        if !only.is_empty() && !only.contains(&part) {
            continue;
        }
        let began = Instant::now();
        bench.aside(&format!("measuring {name}"));
        match measure(bench, &mut watch, &field) {
            Ok(report) => figures.extend(report.print()),
            Err(failure) => {
                bench.workshop.check_interrupted()?;
                say!("\n{name}: could not be measured: {failure}");
                failures += 1;
            }
        }
        bench.aside(&format!("{name} took {:.0} s", began.elapsed().as_secs_f64()));
    }
    let mut table = goals(&figures);
    table.note(match bench.options.rounds {
        1 => "A ratio is that of one round.".into(),
        n => format!(
            "A ratio is the median of the ratios of {n} rounds made in turn; spread is their smallest and largest."
        ),
    });
    watch.note().into_iter().for_each(|note| table.note(note));
    bench.finish(&figures, table, failures)
}

fn contenders(bench: &Bench, installed: &[libraries::Installation]) -> Vec<Contender> {
    let mut ours = Vec::new();
    if bench.no_kvm.is_none() {
        ours.push(Contender::unirank(Accel::Kvm));
    }
    ours.push(Contender::unirank(Accel::Native));
    if bench.options.all {
        let adapter = if bench.no_kvm.is_none() { Accel::Kvm } else { Accel::Native };
        ours.push(Contender::unirank_by_adapter(adapter));
    }
    ours.extend(installed.iter().map(Contender::other));
    ours
}

fn line_up(field: &Field, lacking: &[String]) -> Table {
    let mut table = Table::new("Contenders", ["", ""]);
    for contender in &field.contenders {
        table.row([&contender.name, &contender.what]);
    }
    lacking.iter().for_each(|line| table.note(line.as_str()));
    if let Some(why) = &field.no_kvm {
        table.note(format!("No VMs under KVM: {why}."));
    }
    table
}

/// A figure's name for people.
fn labelled((figure, bytes): &Key) -> String {
    let name = match figure.as_str() {
        "latency" => "half round trip",
        "rate" => "message rate",
        "put" => "put and flush",
        "get" => "get and flush",
        "crowded cg" => "conjugate gradients",
        "vector_dense" => "doubles with gaps to contiguous memory",
        "vector_same" => "doubles with gaps to such",
        "struct_dense" => "records with gaps to contiguous memory",
        "struct_same" => "records with gaps to such",
        "runs_dense" => "runs of 8 KiB to contiguous memory",
        "runs_same" => "runs of 8 KiB to such",
        other => other,
    };
    match bytes {
        0 => format!("{name}, {}", targets::unit(figure)),
        _ => format!("{name}, {}, {}", crate::text::size(*bytes), targets::unit(figure)),
    }
}
