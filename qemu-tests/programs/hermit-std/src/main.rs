//! What Rust's standard library for Hermit asks of the kernel: memory, files, threads and what they wait with, time, random
//! numbers, the network.

use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom, Write};
use std::time::{Duration, Instant, SystemTime};

fn files() {
    let mut file =
        std::fs::File::options().create(true).read(true).write(true).truncate(true).open("std-file").unwrap();
    file.write_all(b"hello world").unwrap();
    file.seek(SeekFrom::Start(6)).unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), file.metadata().unwrap().len()), ("world", 11));
    std::fs::create_dir("std-folder").unwrap();
    std::fs::write("std-folder/one", "1").unwrap();
    let names: Vec<_> = std::fs::read_dir("std-folder").unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(names.iter().any(|name| name == "one"), "{names:?}");
    assert_eq!(std::fs::read("nowhere").unwrap_err().kind(), std::io::ErrorKind::NotFound);
    std::fs::remove_file("std-folder/one").unwrap();
    std::fs::remove_dir("std-folder").unwrap();
    std::fs::remove_file("std-file").unwrap();
    println!("files: passed");
}

fn memory() {
    let mut map = HashMap::new();
    for i in 0..100_000u64 {
        map.insert(i, vec![i; (i % 7) as usize]);
    }
    assert_eq!(map.values().map(Vec::len).sum::<usize>(), 299_995);
    assert_eq!(map[&99_999].len(), 4);
    println!("memory: passed");
}

fn time() {
    let before = Instant::now();
    std::thread::sleep(Duration::from_millis(3));
    assert!(before.elapsed() >= Duration::from_millis(3));
    assert!(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() > 1_700_000_000);
    assert!(std::thread::available_parallelism().unwrap().get() >= 1);
    println!("time: passed");
}

fn threads() {
    use std::cell::Cell;
    use std::sync::{mpsc, Arc, Condvar, Mutex};
    std::thread_local!(static OWN: Cell<u32> = const { Cell::new(7) });
    let shared = Arc::new((Mutex::new(0), Condvar::new()));
    let (sender, receiver) = mpsc::channel();
    let threads: Vec<_> = (0..4u32)
        .map(|i| {
            let (shared, sender) = (Arc::clone(&shared), sender.clone());
            std::thread::spawn(move || {
                OWN.set(OWN.get() + i);
                *shared.0.lock().unwrap() += 1;
                shared.1.notify_one();
                sender.send(OWN.get()).unwrap();
                i
            })
        })
        .collect();
    let mut count = shared.0.lock().unwrap();
    while *count < 4 {
        count = shared.1.wait(count).unwrap();
    }
    drop(count);
    assert_eq!(threads.into_iter().map(|thread| thread.join().unwrap()).sum::<u32>(), 6);
    assert_eq!(receiver.iter().take(4).sum::<u32>(), 34);
    assert_eq!(OWN.get(), 7);
    println!("threads: passed");
}

fn sockets() {
    use std::net::{TcpListener, TcpStream, UdpSocket};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut server, peer) = listener.accept().unwrap();
    assert_eq!(peer, client.local_addr().unwrap());
    client.set_nodelay(true).unwrap();
    client.write_all(b"ping").unwrap();
    let mut bytes = [0; 4];
    server.read_exact(&mut bytes).unwrap();
    server.write_all(&bytes).unwrap();
    client.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"ping");
    let ends = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
    ends[0].send_to(b"pong", ends[1].local_addr().unwrap()).unwrap();
    assert_eq!(ends[1].recv_from(&mut bytes).unwrap(), (4, ends[0].local_addr().unwrap()));
    println!("sockets: passed");
}

fn main() {
    assert_eq!(std::env::var("HERMIT").as_deref(), Ok("yes"));
    for group in std::env::args().skip(1) {
        match group.as_str() {
            "files" => files(),
            "memory" => memory(),
            "time" => time(),
            "threads" => threads(),
            "sockets" => sockets(),
            "panic" => panic!("as asked"),
            other => panic!("there is no group {other}"),
        }
    }
}
