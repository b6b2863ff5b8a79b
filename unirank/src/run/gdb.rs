//! A rank under a debugger (`--gdb`): QEMU's stub listens, the rank is held at its first instruction until gdb comes.
//!
//! The runner makes the listening socket and QEMU inherits it, so that the address is known and told before the rank
//! exists, and so that the socket's name goes with the runner.

use std::fmt;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::accel::Accel;
use crate::failure::{Context, Failure, Result};

/// Where gdb connects to, as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A socket in the runtime folder.
    Runtime,
    /// A TCP port of localhost; 0 takes a free one.
    Port(u16),
    /// A socket of this name.
    Socket(PathBuf),
}

/// `--gdb RANK[:PORT|:SOCKET]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GdbChoice {
    /// The rank that is debugged.
    pub rank: u32,
    /// Where.
    pub place: Place,
}

impl FromStr for GdbChoice {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (rank, place) = match text.split_once(':') {
            None => (text, Place::Runtime),
            Some((_, "")) => {
                return Err("the port or socket is missing; the form is RANK[:PORT|:SOCKET]".into());
            }
            Some((rank, place)) if place.bytes().all(|b| b.is_ascii_digit()) => {
                let port = place.parse().map_err(|_| format!("{place} is no port, 0 to 65535"))?;
                (rank, Place::Port(port))
            }
            Some((rank, place)) => (rank, Place::Socket(place.into())),
        };
        let rank =
            rank.parse().map_err(|_| format!("{rank:?} is no rank; the form is RANK[:PORT|:SOCKET]"))?;
        Ok(Self { rank, place })
    }
}

impl GdbChoice {
    /// Refuses what cannot be.
    pub fn check(&self, ranks: u32, accel: Accel) -> Result<()> {
        if self.rank >= ranks {
            return Err(Failure::usage(format!("--gdb {}: the job has ranks 0 to {}", self.rank, ranks - 1)));
        }
        if accel == Accel::Native {
            return Err(Failure::usage("--gdb is for ranks that are VMs").remedy(
                "attach to the process: `unirank ps` tells its number, `gdb -p NUMBER` attaches; or choose --accel tcg",
            ));
        }
        Ok(())
    }
}

/// The accelerator of a rank under gdb, and a line for the user if it is another than the other ranks'.
///
/// Under KVM the stub sets a breakpoint by writing `int3` into the program, which is also the kernel's gate to ring 0. A
/// KVM would have to hand every `int3` to the stub and inject again those that are not the stub's; one without hardware
/// virtualization behind it accepts the ioctl and hands over none (tried: the program dies of its breakpoint). TCG
/// keeps breakpoints beside the program.
pub fn accelerator(job: Accel) -> (Accel, Option<&'static str>) {
    match job {
        Accel::Kvm => (
            Accel::Tcg,
            Some(
                "the rank under gdb runs emulated (TCG): not every KVM keeps breakpoints and the kernel's own int3 apart",
            ),
        ),
        other => (other, None),
    }
}

/// The socket at which gdb is awaited.
#[derive(Debug)]
pub struct GdbServer {
    /// The rank that is debugged.
    pub rank: u32,
    listener: OwnedFd,
    address: Address,
}

#[derive(Debug)]
enum Address {
    Port(u16),
    Socket(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => write!(f, "localhost:{port}"),
            Self::Socket(path) => write!(f, "{}", path.display()),
        }
    }
}

impl GdbServer {
    /// Listens for gdb. `job` and `runtime` give the socket a name when none is chosen.
    pub fn listen(choice: &GdbChoice, job: u64, runtime: &Path) -> Result<Self> {
        let (listener, address) = match &choice.place {
            Place::Port(port) => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, *port));
                let listener = listener.context(|| format!("listening for gdb at port {port}"))?;
                let port = listener.local_addr().context(|| "listening for gdb".into())?.port();
                (OwnedFd::from(listener), Address::Port(port))
            }
            Place::Socket(path) => listen_at(path)?,
            Place::Runtime => listen_at(&runtime.join(format!("gdb-{job}-{}.sock", choice.rank)))?,
        };
        Ok(Self { rank: choice.rank, listener, address })
    }

    /// What QEMU inherits.
    pub fn listener(&self) -> Result<OwnedFd> {
        self.listener.try_clone().context(|| "duplicating gdb's socket".into())
    }

    /// The line that tells the user how to connect.
    pub fn invitation(&self, image: &Path) -> String {
        let target = quoted(&format!("target remote {}", self.address));
        let image = quoted(&image.display().to_string());
        format!("rank {} waits for gdb: gdb {image} -ex {target} -ex 'break main' -ex continue", self.rank)
    }
}

fn listen_at(path: &Path) -> Result<(OwnedFd, Address)> {
    let what = || format!("listening for gdb at {}", path.display());
    let path = std::path::absolute(path).context(what)?;
    let listener = UnixListener::bind(&path).context(what)?;
    Ok((listener.into(), Address::Socket(path)))
}

impl Drop for GdbServer {
    fn drop(&mut self) {
        if let Address::Socket(path) = &self.address {
            // Ours, made by `bind`; somebody may have removed it.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// A word for the shell.
fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./:,+@%".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices() {
        let parse = |text: &str| text.parse::<GdbChoice>();
        assert_eq!(parse("3"), Ok(GdbChoice { rank: 3, place: Place::Runtime }));
        assert_eq!(parse("0:1234"), Ok(GdbChoice { rank: 0, place: Place::Port(1234) }));
        assert_eq!(parse("1:/tmp/a:b"), Ok(GdbChoice { rank: 1, place: Place::Socket("/tmp/a:b".into()) }));
        for bad in ["", "x", "-1", "1:", "1:70000", ":1", "4294967296"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        let choice = parse("2").unwrap();
        assert!(choice.check(3, Accel::Tcg).is_ok() && choice.check(2, Accel::Tcg).is_err());
        assert!(choice.check(3, Accel::Native).unwrap_err().to_string().contains("gdb -p"));
    }

    #[test]
    fn the_socket_goes_with_the_server() {
        let dir = std::env::temp_dir();
        let name = u64::from(std::process::id());
        let server = GdbServer::listen(&"1".parse().unwrap(), name, &dir).unwrap();
        let text = server.invitation(Path::new("/a b/it's"));
        let path = dir.join(format!("gdb-{name}-1.sock"));
        let target = format!("gdb '/a b/it'\\''s' -ex 'target remote {}'", path.display());
        assert!(text.contains(&target), "{text}");
        assert!(path.exists());
        let second = GdbServer::listen(&"1".parse().unwrap(), name, &dir).unwrap_err().to_string();
        assert!(second.contains("in use") && path.exists(), "{second}");
        drop(server);
        assert!(!path.exists());
        let server = GdbServer::listen(&"1:0".parse().unwrap(), name, &dir).unwrap();
        assert!(server.invitation(Path::new("/a")).contains("target remote localhost:"));
    }
}
