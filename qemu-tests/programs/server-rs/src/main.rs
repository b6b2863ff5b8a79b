//! Answers lines in capitals: `server-rs PORT CONNECTIONS`.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

fn main() -> std::io::Result<()> {
    let numbers: Vec<u16> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let [port, connections] = numbers[..] else { panic!("usage: server-rs PORT CONNECTIONS") };
    let listener = TcpListener::bind(("0.0.0.0", port))?;
    println!("listening at {}", listener.local_addr()?);
    for _ in 0..connections {
        let (mut stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        let reader = BufReader::new(stream.try_clone()?);
        let mut lines = 0;
        for line in reader.lines() {
            writeln!(stream, "{}", line?.to_uppercase())?;
            lines += 1;
        }
        println!("{lines} lines");
    }
    Ok(())
}
