//! What posting, ringing and polling cost the guest: `cargo bench -p unirank-hca`.
//!
//! The fake adapter does its part between the timed ones. Its completions are in the cache of this processor, so the
//! numbers are of the driver's instructions, not of cache misses.

#[path = "../tests/fake/mod.rs"]
mod fake;

use std::time::{Duration, Instant};

use fake::Fabric;
use unirank_hca::{Completion, QpInit, Rank, SendRequest, Service, Sge};

const BATCH: usize = 64;
const ROUNDS: usize = 2_000;

fn main() {
    let inline8 = [0u8; 8];
    let inline64 = [0u8; 64];
    let inline200 = [0u8; 200];
    let data = [0u8; 4096];
    measure("nop", &[], &[]);
    measure("send, 8 bytes inline", &[&inline8], &[]);
    measure("send, 64 bytes inline", &[&inline64], &[]);
    measure("send, 200 bytes inline", &[&inline200], &[]);
    measure("send, 48 bytes inline and 4 KiB listed", &[&inline64[..48]], &[&data]);
}

fn measure(name: &str, inline: &[&[u8]], listed: &[&[u8]]) {
    let fabric = Fabric::new(2);
    let devices = [0, 1].map(|rank| fabric.open(rank));
    let pds = [0, 1].map(|rank| devices[rank].alloc_pd().unwrap());
    let cqs = [0, 1].map(|rank| devices[rank].create_cq(2 * BATCH).unwrap());
    let srq = devices[1].create_srq(&pds[1], BATCH, 1).unwrap();
    let qps = [0, 1].map(|rank| {
        let srq = (rank == 1).then(|| srq.clone());
        let init = QpInit { send_blocks: 8 * BATCH, srq, ..QpInit::new(&pds[rank], &cqs[rank], &cqs[rank]) };
        devices[rank].create_qp(&init).unwrap()
    });
    qps[0].connect(Rank(1), Service(0)).unwrap();
    qps[1].connect(Rank(0), Service(0)).unwrap();
    devices.iter().for_each(|device| while device.poll_event().unwrap().is_some() {});
    fabric.port(0).control().engine_asleep().store(0, std::sync::atomic::Ordering::Relaxed);

    let sges: Vec<Sge> =
        listed.iter().map(|part| Sge::new(part.as_ptr(), part.len() as u32, devices[0].lkey())).collect();
    let mut room = vec![0u8; 8192];
    let into = [Sge::new(room.as_mut_ptr(), 8192, devices[1].lkey())];
    let nop = inline.is_empty() && listed.is_empty();
    let mut completions = [Completion::EMPTY; BATCH];
    let (mut posting, mut polling, mut refilling, mut receiving) =
        (Duration::ZERO, Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for wr_id in 0..BATCH as u64 {
            // SAFETY: the buffer outlives the loop; all messages land in the same one, and nobody looks.
            unsafe { srq.post(wr_id, &into) }.unwrap();
            srq.ring();
        }
        refilling += start.elapsed();
        let start = Instant::now();
        for wr_id in 0..BATCH as u64 {
            let request = if nop { SendRequest::nop(wr_id) } else { SendRequest::send(wr_id) };
            // SAFETY: the data outlives the loop and is only read.
            unsafe { qps[0].post_send(&request.inline(inline).sges(&sges).signalled()) }.unwrap();
        }
        posting += start.elapsed();
        fabric.run();
        let start = Instant::now();
        assert_eq!(cqs[0].poll(&mut completions), Ok(BATCH));
        polling += start.elapsed();
        if nop {
            // Take the receives back by sending.
            let byte: [&[u8]; 1] = [b"x"];
            for wr_id in 0..BATCH as u64 {
                // SAFETY: no memory is named.
                unsafe { qps[0].post_send(&SendRequest::send(wr_id).inline(&byte).signalled()) }.unwrap();
            }
            fabric.run();
            cqs[0].poll(&mut completions).unwrap();
        }
        let start = Instant::now();
        assert_eq!(cqs[1].poll(&mut completions), Ok(BATCH));
        receiving += start.elapsed();
    }
    let each = |total: Duration| total.as_nanos() as f64 / (ROUNDS * BATCH) as f64;
    println!(
        "{name}: post and ring {:.1} ns, poll {:.1} ns; receiver: post and ring {:.1} ns, poll {:.1} ns",
        each(posting),
        each(polling),
        each(refilling),
        each(receiving)
    );
}
