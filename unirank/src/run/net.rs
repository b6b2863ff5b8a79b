//! The network of ranks: what `--net` says, whether this host can give it, and what QEMU and the kernel are told.

use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::str::FromStr;

use super::accel::Accel;
use crate::failure::{Failure, Result};

/// Stands for the rank's number in the name of a tap device.
const RANK: &str = "{rank}";
/// Longest name of a network interface (IFNAMSIZ without its NUL).
const LONGEST_NAME: usize = 15;
const FORMS: &str = "none, user[,hostfwd=tcp:[HOSTADDR]:PORT-:PORT][,dns=ADDR[:PORT]] or tap=IF[,ip=ADDR/PREFIX[,gw=ADDR]][,dns=ADDR[:PORT]]";

/// A port of the host that leads to one of a rank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// `tcp` or `udp`.
    protocol: &'static str,
    /// Address of the host; empty means all.
    host: String,
    /// Port of the host, for rank 0.
    from: u16,
    /// Port of the rank.
    to: u16,
}

/// How ranks get into a network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NetChoice {
    /// Not at all; 127.0.0.1 works.
    #[default]
    None,
    /// Through QEMU, as connections of this user: each rank behind an address translation of its own.
    User {
        /// Ports that lead in.
        forwards: Vec<Forward>,
        /// Name servers.
        dns: Vec<String>,
    },
    /// Through tap devices, as machines of their own.
    Tap {
        /// Name of the device, with `{rank}` for the rank's number.
        device: String,
        /// Address of rank 0 and the bits of it that name the network; the others get the following ones.
        address: Option<(Ipv4Addr, u8)>,
        /// The way to other networks.
        gateway: Option<Ipv4Addr>,
        /// Name servers.
        dns: Vec<String>,
    },
}

impl FromStr for NetChoice {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (kind, rest) = text.split_once(',').map_or((text, None), |(kind, rest)| (kind, Some(rest)));
        let parts = rest.map(|rest| rest.split(',')).into_iter().flatten();
        match kind.split_once('=') {
            None if kind == "none" && rest.is_none() => Ok(Self::None),
            None if kind == "user" => user(parts),
            Some(("tap", device)) => tap(device, parts),
            _ => Err(format!("the forms are {FORMS}")),
        }
    }
}

fn user<'a>(parts: impl Iterator<Item = &'a str>) -> std::result::Result<NetChoice, String> {
    let (mut forwards, mut dns) = (Vec::new(), Vec::new());
    for part in parts {
        match part.split_once('=') {
            Some(("hostfwd", value)) => forwards.push(value.parse()?),
            Some(("dns", value)) => dns.push(name_server(value)?),
            _ => return Err(format!("{part:?} is neither hostfwd=tcp:[HOSTADDR]:PORT-:PORT nor dns=ADDR")),
        }
    }
    Ok(NetChoice::User { forwards, dns })
}

fn tap<'a>(device: &str, parts: impl Iterator<Item = &'a str>) -> std::result::Result<NetChoice, String> {
    let plain = device.replacen(RANK, "", 1);
    let sound = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if plain.is_empty() || plain.len() > LONGEST_NAME || !plain.chars().all(sound) {
        return Err(format!("{device:?} is no name of a network interface"));
    }
    let (mut own, mut gateway, mut dns) = (None, None, Vec::new());
    for part in parts {
        match part.split_once('=') {
            Some(("ip", value)) => {
                let form = || format!("{value:?} is no ADDR/PREFIX such as 10.0.0.2/24");
                let (ip, prefix) = value.split_once('/').ok_or_else(form)?;
                let prefix = prefix.parse().ok().filter(|&bits: &u8| bits <= 32).ok_or_else(form)?;
                own = Some((ip.parse().map_err(|_| form())?, prefix));
            }
            Some(("gw", value)) => gateway = Some(address(value)?),
            Some(("dns", value)) => dns.push(name_server(value)?),
            _ => return Err(format!("{part:?} is none of ip=ADDR/PREFIX, gw=ADDR and dns=ADDR")),
        }
    }
    if gateway.is_some() && own.is_none() {
        return Err("gw= goes with ip=: without it DHCP tells the gateway".into());
    }
    Ok(NetChoice::Tap { device: device.into(), address: own, gateway, dns })
}

fn address(text: &str) -> std::result::Result<Ipv4Addr, String> {
    text.parse().map_err(|_| format!("{text:?} is no IPv4 address"))
}

fn name_server(text: &str) -> std::result::Result<String, String> {
    let sound =
        text.parse::<Ipv4Addr>().is_ok() || text.parse::<SocketAddrV4>().is_ok_and(|at| at.port() > 0);
    if sound { Ok(text.into()) } else { Err(format!("{text:?} is no name server: ADDR or ADDR:PORT")) }
}

impl FromStr for Forward {
    type Err = String;

    /// Parses `tcp:[HOSTADDR]:PORT-:PORT`, as QEMU has it.
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let form = || format!("hostfwd={text:?}: the form is tcp:[HOSTADDR]:PORT-:PORT, or udp:");
        let (protocol, rest) = text.split_once(':').ok_or_else(form)?;
        let protocol = match protocol {
            "tcp" => "tcp",
            "udp" => "udp",
            _ => return Err(form()),
        };
        let (from, to) = rest.split_once("-:").ok_or_else(form)?;
        let (host, from) = from.split_once(':').ok_or_else(form)?;
        if !host.is_empty() && host.parse::<Ipv4Addr>().is_err() {
            return Err(form());
        }
        let port = |text: &str| text.parse().ok().filter(|&port: &u16| port > 0).ok_or_else(form);
        Ok(Self { protocol, host: host.into(), from: port(from)?, to: port(to)? })
    }
}

/// The network of one rank.
#[derive(Clone, Copy, Debug)]
pub struct RankNet<'a> {
    /// What was chosen.
    pub choice: &'a NetChoice,
    /// The rank.
    pub rank: u32,
}

impl NetChoice {
    /// Refuses what this job or this host cannot have.
    pub fn check(&self, ranks: u32, accel: Accel) -> Result<()> {
        if *self == Self::None {
            return Ok(());
        }
        if accel == Accel::Native {
            return Err(Failure::usage(
                "--net goes with virtual machines: with --accel native ranks use the host's own network",
            ));
        }
        match self {
            Self::User { forwards, .. } => {
                let too_high = forwards.iter().find(|f| u32::from(f.from) + ranks - 1 > 65535);
                too_high.map_or(Ok(()), |f| {
                    let cause =
                        format!("--net: rank r gets port {} + r of the host, which ends at 65535", f.from);
                    Err(Failure::usage(cause).remedy("choose a lower one"))
                })
            }
            Self::Tap { device, .. } if ranks > 1 && !device.contains(RANK) => {
                let cause = format!("--net tap={device}: {ranks} ranks cannot share one tap device");
                Err(Failure::usage(cause).remedy(format!("make one for each and say tap={device}{RANK}")))
            }
            Self::Tap { .. } => (0..ranks).try_for_each(|rank| self.of(rank).check_tap()),
            Self::None => Ok(()),
        }
    }

    /// The network of one rank.
    pub fn of(&self, rank: u32) -> RankNet<'_> {
        RankNet { choice: self, rank }
    }
}

impl RankNet<'_> {
    /// Looks whether its tap device can be used.
    fn check_tap(self) -> Result<()> {
        let device = self.device();
        let folder = Path::new("/sys/class/net").join(&device);
        let user = rustix::process::getuid().as_raw();
        let make = format!(
            "make it with `sudo ip tuntap add dev {device} mode tap user {user} && sudo ip link set {device} up`"
        );
        let fail =
            |cause: String| Err(Failure::new(format!("--net tap={device}: {cause}")).remedy(make.clone()));
        let number = |file: &str, radix| {
            let text = std::fs::read_to_string(folder.join(file)).ok()?;
            i64::from_str_radix(text.trim().trim_start_matches("0x"), radix).ok()
        };
        if !folder.exists() {
            return fail("there is no such network interface".into());
        }
        const IFF_TAP: i64 = 2;
        if number("tun_flags", 16).is_none_or(|flags| flags & IFF_TAP == 0) {
            return fail("this network interface is no tap device".into());
        }
        if let Err(error) = std::fs::OpenOptions::new().read(true).write(true).open("/dev/net/tun") {
            let cause = format!("--net tap={device}: /dev/net/tun cannot be opened: {error}");
            return Err(
                Failure::new(cause).remedy("load the module (`sudo modprobe tun`), or use --net user")
            );
        }
        let owner = number("owner", 10).unwrap_or(-1);
        let group = number("group", 10).unwrap_or(-1);
        let groups = rustix::process::getgroups().unwrap_or_default();
        let member = group >= 0 && groups.iter().any(|g| i64::from(g.as_raw()) == group);
        if user != 0 && owner != i64::from(user) && !member {
            return fail(format!("no right to use it: it belongs to user {owner}, group {group}"));
        }
        Ok(())
    }

    fn device(self) -> String {
        match self.choice {
            NetChoice::Tap { device, .. } => device.replacen(RANK, &self.rank.to_string(), 1),
            _ => String::new(),
        }
    }

    /// QEMU's words for it: `-netdev`'s value and `-device`'s.
    pub fn arguments(self) -> Option<(String, String)> {
        let mut netdev = match self.choice {
            NetChoice::None => return None,
            NetChoice::User { .. } => "user,id=net,ipv6=off".to_owned(),
            // With vhost the host's kernel passes frames on by itself; QEMU says so when it cannot.
            NetChoice::Tap { .. } => {
                let vhost = std::fs::OpenOptions::new().read(true).write(true).open("/dev/vhost-net").is_ok();
                let vhost = if vhost { ",vhost=on" } else { "" };
                format!("tap,id=net,ifname={},script=no,downscript=no{vhost}", self.device())
            }
        };
        if let NetChoice::User { forwards, .. } = self.choice {
            for Forward { protocol, host, from, to } in forwards {
                let from = u32::from(*from) + self.rank;
                let _ = write!(netdev, ",hostfwd={protocol}:{host}:{from}-:{to}");
            }
        }
        let [a, b] = (std::process::id() as u16).to_be_bytes();
        let [c, d] = (self.rank as u16).to_be_bytes();
        // Locally administered, and different for each rank of each job on this host.
        let device = format!("virtio-net-device,netdev=net,mac=02:75:{a:02x}:{b:02x}:{c:02x}:{d:02x}");
        Some((netdev, device))
    }

    /// The boot configuration's value, see `kernel/src/net/config.rs`.
    pub fn record(self) -> Option<String> {
        let (mut text, dns) = match self.choice {
            NetChoice::None => return None,
            NetChoice::User { dns, .. } => ("dhcp".to_owned(), dns),
            NetChoice::Tap { address, gateway, dns, .. } => {
                let own = address.map(|(ip, prefix)| {
                    let ip = Ipv4Addr::from(u32::from(ip).wrapping_add(self.rank));
                    format!("{ip}/{prefix}")
                });
                let gateway = gateway.map(|gateway| format!(",gw={gateway}")).unwrap_or_default();
                (own.unwrap_or_else(|| "dhcp".into()) + &gateway, dns)
            }
        };
        for server in dns {
            let _ = write!(text, ",dns={server}");
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> NetChoice {
        text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn the_forms() {
        assert_eq!(parse("none"), NetChoice::None);
        let user = parse("user,hostfwd=tcp::8000-:80,hostfwd=udp:127.0.0.1:53-:5353,dns=10.0.2.2:5353");
        let (netdev, device) = user.of(2).arguments().unwrap();
        assert_eq!(netdev, "user,id=net,ipv6=off,hostfwd=tcp::8002-:80,hostfwd=udp:127.0.0.1:55-:5353");
        assert!(device.ends_with(":00:02"), "{device}");
        assert_eq!(user.of(0).record().as_deref(), Some("dhcp,dns=10.0.2.2:5353"));
        let tap = parse("tap=t{rank},ip=10.0.0.9/24,gw=10.0.0.1,dns=1.1.1.1");
        assert_eq!(tap.of(3).record().as_deref(), Some("10.0.0.12/24,gw=10.0.0.1,dns=1.1.1.1"));
        assert!(tap.of(3).arguments().unwrap().0.starts_with("tap,id=net,ifname=t3,script=no,downscript=no"));
        assert_eq!(parse("tap=t0").of(0).record().as_deref(), Some("dhcp"));
        assert_eq!(NetChoice::None.of(0).record(), None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for bad in [
            "",
            "bridge",
            "none,x",
            "user,hostfwd=tcp:80-:80",
            "user,hostfwd=sctp::80-:80",
            "user,hostfwd=tcp::0-:80",
            "user,hostfwd=tcp::80-80",
            "user,hostfwd=tcp:localhost:80-:80",
            "user,ip=1.2.3.4/5",
            "user,dns=x",
            "tap",
            "tap=",
            "tap=a/b",
            "tap=a,b",
            "tap=0123456789abcdef",
            "tap=t0,ip=1.2.3.4",
            "tap=t0,ip=1.2.3.4/33",
            "tap=t0,gw=1.2.3.4",
        ] {
            assert!(bad.parse::<NetChoice>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_cannot_be_had_is_refused() {
        let native = parse("user").check(1, Accel::Native).unwrap_err();
        assert!(native.cause.contains("host's own network"), "{native}");
        let shared = parse("tap=t").check(2, Accel::Tcg).unwrap_err();
        assert!(shared.to_string().contains("tap=t{rank}"), "{shared}");
        let absent = parse("tap=no-such-tap").check(1, Accel::Tcg).unwrap_err();
        assert!(absent.cause.contains("no such network interface"), "{absent}");
        let loopback = parse("tap=lo").check(1, Accel::Tcg).unwrap_err();
        assert!(loopback.cause.contains("no tap device"), "{loopback}");
        assert!(parse("user,hostfwd=tcp::65535-:80").check(2, Accel::Tcg).is_err());
        assert!(parse("user,hostfwd=tcp::65535-:80").check(1, Accel::Tcg).is_ok());
    }
}
