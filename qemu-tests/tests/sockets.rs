//! Sockets of ranks: within the rank, to the host and from it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::thread;
use std::time::Duration;
use unirank_qemu_tests::{Job, Program, accelerator, accelerators, everywhere, root, tool};

/// The host as ranks see it through QEMU's user network.
const HOST: &str = "10.0.2.2";

/// A server on the host that sends back what it gets; its port.
fn echo_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let (mut from, mut to) = (stream.try_clone().expect("a copy"), stream);
                std::io::copy(&mut from, &mut to)
            });
        }
    });
    port
}

/// A UDP server on the host; `answer` makes an answer of each datagram.
fn udp_server(answer: fn(&[u8]) -> Vec<u8>) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let port = socket.local_addr().expect("bound").port();
    thread::spawn(move || {
        let mut buffer = vec![0; 65536];
        while let Ok((n, from)) = socket.recv_from(&mut buffer) {
            let _ = socket.send_to(&answer(&buffer[..n]), from);
        }
    });
    port
}

/// The answer of a name server that knows one name, server.test (RFC 1035).
fn name_server(question: &[u8]) -> Vec<u8> {
    let known = question[12..].starts_with(b"\x06server\x04test\0");
    // Behind the name are type and class.
    let end = 12 + question[12..].iter().position(|&b| b == 0).expect("a name") + 5;
    let address = known && question[end - 4..end] == [0, 1, 0, 1];
    let mut answer = question[..2].to_vec();
    answer.extend([0x81, if known { 0x80 } else { 0x83 }, 0, 1, 0, u8::from(address), 0, 0, 0, 0]);
    answer.extend_from_slice(&question[12..end]);
    if address {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 2, 2]);
    }
    answer
}

#[test]
fn within_the_rank() {
    let program = Program::new("local.c");
    for place in everywhere() {
        let outcome = Job::new(&program, place).succeed();
        assert_eq!(outcome.stdout, "local: passed\n", "{place}: {outcome:?}");
    }
    // Two ranks have two loopbacks.
    let outcome = Job::new(&program, accelerator()).ranks(2).args(&["64"]).succeed();
    assert_eq!(outcome.stdout, "local: passed\nlocal: passed\n");
    assert!(outcome.stderr.contains("option 9999 of level 1"), "{outcome:?}");
}

#[test]
fn to_the_host_by_name() {
    let program = Program::new("net.c");
    let (port, dns) = (echo_server().to_string(), udp_server(name_server));
    let net = format!("user,dns={HOST}:{dns}");
    for place in accelerators() {
        let job = Job::new(&program, place).option(&["--net", &net]);
        let outcome = job.args(&["echo", "server.test", &port, "64"]).succeed();
        assert_eq!(outcome.stdout, "echoed 67108864 bytes\n", "{place}: {outcome:?}");
        let job = Job::new(&program, place).option(&["--net", &net]);
        let outcome = job.args(&["resolve", "10.9.8.7", "localhost", "server.test", "nobody.test"]).run();
        let expected = "10.9.8.7: 10.9.8.7\nlocalhost: 127.0.0.1\nserver.test: 10.0.2.2\nnobody.test: ";
        assert!(outcome.status == 1 && outcome.stdout.starts_with(expected), "{place}: {outcome:?}");
    }
    let outcome = Job::new(&program, "native").args(&["echo", "127.0.0.1", &port, "64"]).succeed();
    assert_eq!(outcome.stdout, "echoed 67108864 bytes\n");
}

#[test]
fn datagrams_to_the_host() {
    let program = Program::new("net.c");
    let port = udp_server(<[u8]>::to_vec).to_string();
    for place in accelerators() {
        let job = Job::new(&program, place).option(&["--net", "user"]);
        // Lengths 1, 4, 13, ... 3280: the last ones in fragments.
        let outcome = job.args(&["udp", HOST, &port, "4000"]).succeed();
        assert_eq!(outcome.stdout, "8 datagrams came back\n", "{place}: {outcome:?}");
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port()
}

/// Builds the server in Rust with `unirank build`.
fn rust_server() -> Program {
    let path = root().join("build/tests/server-rs");
    std::fs::create_dir_all(root().join("build/tests")).expect("writable");
    let manifest = root().join("qemu-tests/programs/server-rs/Cargo.toml");
    let mut command = Command::new(tool("unirank"));
    command.arg("build").arg("-o").arg(&path).args(["--release", "--manifest-path"]).arg(manifest);
    command.arg("--target-dir").arg(root().join("build/tests/server-rs-target"));
    let output = command.output().expect("starts");
    assert!(output.status.success(), "{output:?}");
    Program::at(path)
}

#[test]
fn from_the_host_to_a_server_in_rust() {
    let program = rust_server();
    for place in accelerators() {
        let port = free_port();
        let net = format!("user,hostfwd=tcp:127.0.0.1:{port}-:7000");
        let job = Job::new(&program, place).option(&["--net", &net]).args(&["7000", "2"]).start();
        job.says("listening at 0.0.0.0:7000");
        for _ in 0..2 {
            let stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).expect("connects");
            stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
            let (mut to, mut from) = (stream.try_clone().expect("a copy"), BufReader::new(stream));
            for line in ["hello", "rank"] {
                writeln!(to, "{line}").expect("sent");
                let mut answer = String::new();
                from.read_line(&mut answer).expect("an answer");
                assert_eq!(answer.trim(), line.to_uppercase());
            }
            to.shutdown(std::net::Shutdown::Write).expect("shut down");
            assert_eq!(from.read_to_end(&mut Vec::new()).expect("the end"), 0);
        }
        let outcome = job.wait();
        assert_eq!(outcome.status, 0, "{outcome:?}");
        assert_eq!(outcome.stdout, "listening at 0.0.0.0:7000\n2 lines\n2 lines\n", "{place}");
    }
}

#[test]
fn networks_that_cannot_be_had() {
    let program = Program::new("local.c");
    for (place, net, says) in [
        ("native", "user", "host's own network"),
        (accelerator(), "tap=no-such-tap", "ip tuntap add dev no-such-tap"),
        (accelerator(), "tap=lo", "no tap device"),
        (accelerator(), "bridge", "the forms are"),
        (accelerator(), "user,hostfwd=tcp:80", "the form is tcp:[HOSTADDR]:PORT-:PORT"),
    ] {
        let outcome = Job::new(&program, place).option(&["--net", net]).run();
        assert!(outcome.status != 0 && outcome.stderr.contains(says), "{net}: {outcome:?}");
    }
}
