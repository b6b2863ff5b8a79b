//! `mpiexec`: the flags of MPICH's and Open MPI's launchers that mean something on one host, turned into those of
//! `unirank run`. What would be ignored silently is refused instead.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::failure::{Failure, Result};
use crate::output::{self, say};
use crate::run::options::{AccelChoice, BindChoice, RunOptions, parse_env, parse_memory, parse_seconds};

const HELP: &str = "\
mpiexec of unirank: runs an MPI program on this host, each rank as a virtual machine.

Usage: mpiexec [flags] program [arguments]

  -n, -np, -c N              number of ranks (default 1)
  -env K V, -genv K V        environment variable (Hydra's form)
  -x K[=V]                   environment variable (Open MPI's form)
  -genvall, -envall          pass the whole environment (the default)
  -genvnone, -envnone        pass none of it
  -genvlist, -envlist K,K    pass these only
  -wdir, -wd DIR             working folder
  -l, -prepend-rank, --tag-output, -tag-output
                             start each line with the rank
  -timeout, --timeout S      end the job after S seconds
  -bind-to, --bind-to core|none, -map-by ...
                             binding to processor cores
  -oversubscribe, --oversubscribe, -allow-run-as-root, --allow-run-as-root, -q
                             accepted; unirank always allows it
  -host, -hosts localhost    only this host; -ppn N only if all ranks fit
  --mem SIZE                 memory of each rank (unirank's own, as is --accel)
  --accel auto|kvm|tcg|native
  --version, --help
";

/// Parses the flags and runs the job.
pub fn main(args: &[OsString]) -> Result<()> {
    match parse(args)? {
        Wish::Run(options) => crate::run::run(&options),
        Wish::Help => {
            output::write(format_args!("{HELP}"));
            Ok(())
        }
        Wish::Version => {
            say!("mpiexec of unirank {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
    }
}

/// What the user wants.
#[derive(Debug)]
enum Wish {
    Run(Box<RunOptions>),
    Help,
    Version,
}

/// Words not yet looked at.
struct Words<'a> {
    rest: std::slice::Iter<'a, OsString>,
}

impl Words<'_> {
    fn value(&mut self, flag: &str) -> Result<String> {
        let word = self.rest.next().ok_or_else(|| Failure::usage(format!("{flag} needs a value")))?;
        word.clone().into_string().map_err(|_| Failure::usage(format!("the value of {flag} is not UTF-8")))
    }

    fn number(&mut self, flag: &str) -> Result<u32> {
        let text = self.value(flag)?;
        text.parse().map_err(|_| Failure::usage(format!("{flag} {text}: not a number of ranks")))
    }
}

fn parse(args: &[OsString]) -> Result<Wish> {
    let mut options = RunOptions::new("", 1);
    let mut words = Words { rest: args.iter() };
    let mut per_host = None;
    while let Some(word) = words.rest.next() {
        let Some(flag) = word.to_str().filter(|w| w.starts_with('-')) else {
            options.app = PathBuf::from(word);
            options.args = words.rest.cloned().collect();
            break;
        };
        match flag {
            "-h" | "-help" | "--help" => return Ok(Wish::Help),
            "-V" | "-version" | "--version" | "-info" => return Ok(Wish::Version),
            "-ppn" | "--ppn" | "-perhost" | "-npernode" | "--npernode" => {
                per_host = Some(words.number(flag)?)
            }
            _ => {
                let known = count_and_output(flag, &mut words, &mut options)?
                    || environment(flag, &mut words, &mut options)?
                    || placement(flag, &mut words, &mut options)?;
                if !known {
                    return Err(Failure::usage(format!("mpiexec does not know the flag {flag}"))
                        .remedy("see mpiexec --help"));
                }
            }
        }
    }
    if options.app.as_os_str().is_empty() {
        return Err(Failure::usage("no program given").remedy("mpiexec -n 4 ./program"));
    }
    if options.args.iter().any(|a| a == ":") {
        return Err(Failure::usage("several programs in one job (`:`) are not supported"));
    }
    if per_host.is_some_and(|most| most < options.ranks) {
        return Err(Failure::usage(format!(
            "{} ranks with {} on each host need more than this host",
            options.ranks,
            per_host.unwrap_or(0)
        ))
        .remedy("leave -ppn out to run all ranks here"));
    }
    Ok(Wish::Run(Box::new(options)))
}

fn count_and_output(flag: &str, words: &mut Words<'_>, options: &mut RunOptions) -> Result<bool> {
    let usage = |error: String| Failure::usage(format!("{flag}: {error}"));
    match flag {
        "-n" | "-np" | "--n" | "--np" | "-c" => options.ranks = words.number(flag)?,
        "-l" | "-prepend-rank" | "--tag-output" | "-tag-output" => options.tag_output = true,
        "-timeout" | "--timeout" => {
            options.timeout = Some(parse_seconds(&words.value(flag)?).map_err(usage)?)
        }
        "-wdir" | "--wdir" | "-wd" | "--wd" => options.workdir = Some(words.value(flag)?.into()),
        "--mem" => options.memory = Some(parse_memory(&words.value(flag)?).map_err(usage)?),
        "--accel" => {
            let text = words.value(flag)?;
            options.accel = <AccelChoice as clap::ValueEnum>::from_str(&text, false).map_err(usage)?;
        }
        "-q" | "--quiet" | "-quiet" => options.quiet = true,
        _ => return Ok(false),
    }
    Ok(true)
}

fn environment(flag: &str, words: &mut Words<'_>, options: &mut RunOptions) -> Result<bool> {
    match flag {
        "-env" | "-genv" => {
            let key = words.value(flag)?;
            // Hydra takes `-genv K V` as well as `-genv K=V`.
            let pair = match key.split_once('=') {
                Some((key, value)) => (key.into(), Some(value.into())),
                None => (OsString::from(&key), Some(words.value(flag)?.into())),
            };
            options.env.push(pair);
        }
        "-x" => {
            let text = words.value(flag)?;
            options.env.push(parse_env(&text).map_err(|e| Failure::usage(format!("-x {text}: {e}")))?);
        }
        "-genvall" | "-envall" => options.pass_env = true,
        "-genvnone" | "-envnone" => options.pass_env = false,
        "-genvlist" | "-envlist" => {
            options.pass_env = false;
            let names = words.value(flag)?;
            options
                .env
                .extend(names.split(',').filter(|n| !n.is_empty()).map(|n| (OsStr::new(n).to_owned(), None)));
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn placement(flag: &str, words: &mut Words<'_>, options: &mut RunOptions) -> Result<bool> {
    match flag {
        "-oversubscribe" | "--oversubscribe" | "-allow-run-as-root" | "--allow-run-as-root" => {}
        "-bind-to" | "--bind-to" => {
            options.bind = match words.value(flag)?.as_str() {
                "none" => BindChoice::None,
                "core" | "hwthread" | "hwt" => BindChoice::Core,
                other => {
                    return Err(Failure::usage(format!("{flag} {other}: only core and none are supported")));
                }
            }
        }
        "-bind-to-core" | "--bind-to-core" => options.bind = BindChoice::Core,
        "-bind-to-none" | "--bind-to-none" => options.bind = BindChoice::None,
        "-map-by" | "--map-by" => drop(words.value(flag)?),
        "-host" | "-hosts" | "--host" | "-H" => {
            let hosts = words.value(flag)?;
            if let Some(other) =
                hosts.split(',').find(|host| !is_this_host(host.split(':').next().unwrap_or(host)))
            {
                return Err(Failure::usage(format!(
                    "{flag} {other}: mpiexec of unirank starts ranks on this host only"
                ))
                .remedy("name no host, or localhost"));
            }
        }
        "-f" | "-machinefile" | "--machinefile" | "-hostfile" | "--hostfile" | "-launcher" | "-rankfile" => {
            return Err(Failure::usage(format!("{flag}: mpiexec of unirank starts ranks on this host only"))
                .remedy("leave the flag out"));
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn is_this_host(name: &str) -> bool {
    let own = rustix::system::uname();
    let own = own.nodename().to_string_lossy().into_owned();
    name == "localhost" || name == "127.0.0.1" || name == "::1" || name == own
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str) -> Result<RunOptions> {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        match parse(&words)? {
            Wish::Run(options) => Ok(*options),
            other => Err(Failure::new(format!("{other:?}"))),
        }
    }

    #[test]
    fn usual_lines() {
        let options =
            run("-np 4 --oversubscribe -genv OMP_NUM_THREADS 2 -x A=b -wdir /w -l ./a.out -n 3").unwrap();
        assert_eq!((options.ranks, options.tag_output), (4, true));
        assert_eq!(
            options.env,
            [("OMP_NUM_THREADS".into(), Some("2".into())), ("A".into(), Some("b".into()))]
        );
        assert_eq!((options.app, options.args), ("./a.out".into(), vec!["-n".into(), "3".into()]));
        let options = run("-host localhost:4 -ppn 4 -n 4 -bind-to core -envlist A,B a").unwrap();
        assert_eq!((options.bind, options.pass_env, options.env.len()), (BindChoice::Core, false, 2));
    }

    #[test]
    fn what_would_be_ignored_is_refused() {
        for (line, part) in [
            ("-machinefile m a", "this host only"),
            ("-host node7 a", "node7"),
            ("-n 8 -ppn 4 a", "more than this host"),
            ("-wat a", "does not know the flag -wat"),
            ("-n 4", "no program"),
            ("-n", "needs a value"),
            ("-n x a", "not a number"),
            ("-n 1 a : -n 1 b", "several programs"),
            ("--mem 12 a", "unit"),
        ] {
            let text = run(line).unwrap_err().to_string();
            assert!(text.contains(part), "{line}: {text}");
        }
    }
}
