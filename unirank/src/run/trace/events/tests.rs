//! The file against the Trace Event Format, from sound histories and from garbage.

use super::super::super::memory::RankMemory;
use super::super::super::node::Node;
use super::super::history::{History, Span};
use super::*;
use crate::run::options::WindowRights;
use unirank_ivc::trace::{LEAST, Message, OpenCall, Record, Trace};

const SPAN: Span = Span { start: 1_000, end: 1_000_000 };

fn message(time: u64, peer: u16, tag: i32, bytes: u64, sequence: u32) -> Message {
    Message { time, peer, tag, bytes, sequence, context: 0 }
}

fn written(node: &Node) -> Value {
    let histories: Vec<History> =
        (0..node.ranks).map(|rank| History::read(rank, &node.region().trace(rank).unwrap(), SPAN)).collect();
    let mut bytes = Vec::new();
    write(&mut bytes, "a \"program\"\n", &histories, SPAN).unwrap();
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{e} in {bytes:?}"));
    value["traceEvents"].as_array().unwrap().iter().for_each(check);
    value
}

/// What the format demands of each event.
fn check(event: &Value) {
    let is_time = |name: &str| event[name].as_f64().is_some_and(|us| us.is_finite() && us >= 0.0);
    assert!(event["pid"].is_u64() && event["tid"].is_u64() && event["name"].is_string(), "{event}");
    match event["ph"].as_str() {
        Some("M") => assert!(event["args"].is_object(), "{event}"),
        Some("X") => assert!(is_time("ts") && is_time("dur") && event["args"].is_object(), "{event}"),
        Some("s") => assert!(is_time("ts") && event["id"].is_string(), "{event}"),
        Some("f") => assert!(is_time("ts") && event["id"].is_string() && event["bp"] == "e", "{event}"),
        _ => panic!("{event}"),
    }
}

fn traces(node: &Node) -> [Trace; 2] {
    [0, 1].map(|rank| node.region().trace(rank).unwrap())
}

fn node() -> Node {
    Node::create(1, 2, RankMemory::default(), 0, LEAST, WindowRights::Off).unwrap()
}

fn events(file: &Value, phase: &str, rank: u32) -> Vec<Value> {
    let all = file["traceEvents"].as_array().unwrap().iter();
    all.filter(|event| event["ph"] == phase && event["pid"] == rank).cloned().collect()
}

#[test]
fn calls_messages_and_waits() {
    let node = node();
    let [sender, receiver] = traces(&node);
    let send = sender.add_name("MPI_Send").unwrap();
    sender.push(&Record::Sent(message(2_500, 1, 7, 64, 3)));
    sender.push(&Record::Call { start: 2_000, duration: 1_000, name: send, ranks: 0 });
    let (receive, barrier) =
        (receiver.add_name("MPI_Recv").unwrap(), receiver.add_name("MPI_Barrier").unwrap());
    receiver.push(&Record::Sleep { start: 1_800, duration: 100 });
    receiver.push(&Record::Wait { start: 1_600, duration: 900 });
    receiver.push(&Record::Received(message(2_600, 0, 7, 64, 3)));
    receiver.push(&Record::Received(message(2_700, 0, 8, 10, 4)));
    receiver.push(&Record::Call { start: 1_500, duration: 1_500, name: receive, ranks: 0 });
    receiver.open(&OpenCall { name: barrier, ranks: 2, since: 4_000 });
    let file = written(&node);

    let [call] = &events(&file, "X", 0)[..] else { panic!("{file}") };
    assert_eq!((&call["name"], &call["ts"], &call["dur"]), (&json!("MPI_Send"), &json!(1.0), &json!(1.0)));
    assert_eq!(call["args"], json!({ "peer": 1, "tag": 7, "bytes": 64, "message": "0>1#3" }));
    let [receive, barrier, wait, sleep] = &events(&file, "X", 1)[..] else { panic!("{file}") };
    assert_eq!(receive["args"], json!({ "messages_received": 2, "bytes_received": 74 }));
    assert_eq!(barrier["args"], json!({ "communicator_size": 2, "unfinished": true }));
    assert_eq!((&wait["name"], &wait["tid"]), (&json!("waiting"), &json!(2)));
    assert_eq!((&sleep["name"], &sleep["dur"]), (&json!("asleep"), &json!(0.1)));
    // One arrow: of the other message nothing is known at its sender.
    let (from, to) = (events(&file, "s", 0), events(&file, "f", 1));
    assert_eq!((from.len(), to.len(), &from[0]["id"]), (1, 1, &to[0]["id"]));
    let names: Vec<_> = events(&file, "M", 1).iter().map(|event| event["args"].clone()).collect();
    assert!(names.contains(&json!({ "name": "rank 1" })), "{names:?}");
    assert_eq!(file["otherData"]["program"], "a \"program\"\n");
}

#[test]
fn dropped_records_are_told() {
    let node = node();
    let [trace, _] = traces(&node);
    for _ in 0..5_000 {
        trace.push(&Record::Wait { start: 2_000, duration: 0 });
    }
    let file = written(&node);
    let dropped = file["otherData"]["ranks"][0]["dropped_records"].as_u64().unwrap();
    assert_eq!(dropped + events(&file, "X", 0).len() as u64, 5_000);
}

#[test]
fn garbage_makes_a_sound_file() {
    let node = node();
    let layout = *node.region().layout();
    let mut state = 7u64;
    for round in 0..20 {
        for at in (0..2 * LEAST).step_by(8) {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            // Some rounds with small numbers, which are more often believable.
            let value = if round % 2 == 0 { state } else { state >> (44 + state % 20) };
            node.region().word64(layout.trace + at).store(value, std::sync::atomic::Ordering::Relaxed);
        }
        let file = written(&node);
        assert!(file["otherData"]["ranks"][1]["bad_records"].as_u64().unwrap() > 0);
    }
}
