//! The text files that say who is who: `/etc/hosts` and `/etc/resolv.conf`.

use core::ffi::CStr;
use core::net::IpAddr;

use crate::memory;

/// Hands the contents of a file to `use_it`; nothing if there is no such file.
pub fn with_file(path: &CStr, use_it: impl FnOnce(&str)) {
    const O_CLOEXEC: u64 = 0o2_000_000;
    const SEEK_END: u64 = 2;
    const LARGEST: usize = 16 << 20;
    let fd = linux!(OPEN, path.as_ptr(), O_CLOEXEC, 0);
    if fd < 0 {
        return;
    }
    let size = linux!(LSEEK, fd, 0, SEEK_END);
    let len = usize::try_from(size).unwrap_or(0).min(LARGEST);
    let room = if len == 0 { core::ptr::null_mut() } else { memory::map(len) };
    if !room.is_null() {
        let read = linux!(PREAD64, fd, room, len, 0);
        // SAFETY: so many bytes of a mapping of our own.
        let bytes = unsafe { core::slice::from_raw_parts(room, usize::try_from(read).unwrap_or(0).min(len)) };
        // A line in another encoding ends what can be read.
        let text = core::str::from_utf8(bytes)
            .unwrap_or_else(|e| core::str::from_utf8(&bytes[..e.valid_up_to()]).unwrap_or(""));
        use_it(text);
        // SAFETY: no longer used.
        unsafe { memory::unmap(room, len) };
    }
    linux!(CLOSE, fd);
}

/// Lines without comments.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| line.split('#').next().unwrap_or(""))
}

/// Addresses of a name in the format of hosts(5).
pub fn addresses<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = IpAddr> + 'a {
    lines(text).filter_map(move |line| {
        let mut words = line.split_ascii_whitespace();
        let address = words.next()?.parse().ok()?;
        words.any(|word| word.eq_ignore_ascii_case(name)).then_some(address)
    })
}

/// Name servers in the format of resolv.conf(5).
pub fn name_servers(text: &str) -> impl Iterator<Item = IpAddr> + '_ {
    lines(text).filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        (words.next()? == "nameserver").then(|| words.next()?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_servers() {
        let hosts =
            "# all\n127.0.0.1 localhost  me\n::1 localhost\n10.0.0.7\tNode7.lab node7 # the seventh\nx y\n";
        let find = |name| addresses(hosts, name).map(|a| a.to_string()).collect::<Vec<_>>();
        assert_eq!(find("localhost"), ["127.0.0.1", "::1"]);
        assert_eq!(find("node7.LAB"), ["10.0.0.7"]);
        assert_eq!(find("seventh"), [""; 0]);
        let servers =
            "search lab\nnameserver 10.0.2.3\n nameserver fe80::1 \nnameserver what\n#nameserver 1.1.1.1\n";
        assert_eq!(name_servers(servers).map(|a| a.to_string()).collect::<Vec<_>>(), ["10.0.2.3", "fe80::1"]);
    }

    #[test]
    fn files_are_read_whole() {
        let mut seen = false;
        with_file(c"/etc/passwd", |text| {
            seen = text == std::fs::read_to_string("/etc/passwd").expect("readable")
        });
        assert!(seen);
        with_file(c"/nowhere", |_| panic!("there is no such file"));
    }
}
