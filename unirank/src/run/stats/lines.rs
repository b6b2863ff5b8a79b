//! A rank's counters as a JSON object. Bytes and seconds are named as such; everything else is a number of events.

use serde_json::{Value, json};
use unirank_ivc::counters::Counter::{self, *};

use super::RankStats;

/// The object of rank `number`. `exits` has QEMU's names, null if they are not known.
pub fn object(number: usize, rank: &RankStats) -> Value {
    let pair = |messages: Counter, bytes: Counter| json!({ "messages": rank.get(messages), "bytes": rank.get(bytes) });
    let seconds = |counter: Counter| rank.get(counter) as f64 / 1e9;
    json!({
        "rank": number,
        "sent": {
            "ring": pair(RingSent, RingSentBytes),
            "adapter": pair(AdapterSent, AdapterSentBytes),
            "rendezvous": pair(RendezvousSent, RendezvousSentBytes),
            "self": pair(Own, OwnBytes),
        },
        "received": {
            "ring": pair(RingReceived, RingReceivedBytes),
            "adapter": pair(AdapterReceived, AdapterReceivedBytes),
            "rendezvous": {
                "window": pair(WindowFetched, WindowFetchedBytes),
                "stream": pair(StreamFetched, StreamFetchedBytes),
                "adapter": pair(AdapterFetched, AdapterFetchedBytes),
            },
        },
        "unexpected": {
            "messages": rank.get(Unexpected),
            "bytes": rank.get(UnexpectedBytes),
            "most_at_once": rank.get(UnexpectedMost),
        },
        "collectives": { "node": rank.get(NodeCollectives), "messages": rank.get(MessageCollectives) },
        "blocked_seconds": seconds(BlockedNs),
        "asleep_seconds": seconds(AsleepNs),
        "sleeps": rank.get(Sleeps),
        "wake_ups_given": rank.get(WakeUps),
        "exits": rank.exits,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_has_its_place() {
        let ranks = super::super::samples(2);
        let first = object(0, &ranks[0]);
        assert_eq!(first["rank"], 0);
        assert_eq!(first["sent"]["ring"], json!({ "messages": 0, "bytes": 100 }));
        assert_eq!(first["sent"]["self"]["bytes"], 700);
        assert_eq!(first["received"]["rendezvous"]["adapter"], json!({ "messages": 1600, "bytes": 1700 }));
        assert_eq!(first["unexpected"]["most_at_once"], 2000);
        assert_eq!(first["blocked_seconds"], 2400.0 / 1e9);
        assert_eq!(first["exits"]["io_exits"], 20);
        let second = object(1, &ranks[1]);
        assert_eq!((&second["exits"], &second["wake_ups_given"]), (&Value::Null, &json!(2701)));
        assert!(!second.to_string().contains('\n'));
    }
}
