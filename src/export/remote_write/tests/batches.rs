//! What is taken, and how the one that is refused is found.

use serde_json::json;

use super::receiver::{Came, Receiver, Reply};
use super::*;

fn holds(samples: &[Came], id: &str) -> bool {
    samples.iter().any(|came| came.id() == id)
}

#[tokio::test]
async fn what_is_taken_is_accepted_and_stands_on_the_wire_as_the_protocol_wants() {
    let receiver = Receiver::that_takes_all().await;
    let more = json!({ "tenant": "acme", "token": "t", "batch": 3, "shards": 1 });
    let sender = sender(&receiver.write_url(), more);
    let verdicts = sender.deliver(parcels(0..7), now()).await;
    assert_eq!(verdicts, vec![Verdict::Accepted; 7]);
    assert_eq!(receiver.ids(), ["0", "1", "2", "3", "4", "5", "6"]);
    let requests = receiver.requests();
    let sizes: Vec<usize> = requests.iter().map(|(_, size)| *size).collect();
    assert_eq!(sizes, [3, 3, 1]);
    let headers = &requests[0].0;
    for (name, value) in [
        ("content-encoding", "snappy"),
        ("content-type", "application/x-protobuf"),
        ("x-prometheus-remote-write-version", "0.1.0"),
        ("thanos-tenant", "acme"),
        ("authorization", "Bearer t"),
        ("user-agent", concat!("pelorus/", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(headers[name], value);
    }
}

#[tokio::test]
async fn the_one_that_is_refused_is_found_and_all_others_are_taken() {
    for (status, commits_the_good) in [(400, false), (409, true), (422, false), (500, false)] {
        let receiver = Receiver::start(move |_, samples| {
            if !holds(samples, "77") {
                return Reply::takes(samples);
            }
            let mut reply = Reply::says(status, "invalid sample: label name \"a\" is not unique");
            if commits_the_good {
                reply.keeps = samples
                    .iter()
                    .filter(|came| came.id() != "77")
                    .cloned()
                    .collect();
            }
            reply
        })
        .await;
        let sender = sender(&receiver.write_url(), json!({ "shards": 1 }));
        let verdicts = sender.deliver(parcels(0..100), now()).await;
        let accepted = verdicts
            .iter()
            .filter(|verdict| **verdict == Verdict::Accepted);
        assert_eq!(accepted.count(), 99, "{status}");
        assert!(refused(&verdicts[77]).contains("is not unique"), "{status}");
        assert_eq!(receiver.ids().len(), 99);
        // Halving a hundred takes seven steps of two requests each; one more proves that it takes others.
        assert!(
            receiver.requests().len() <= 16,
            "{}",
            receiver.requests().len()
        );
    }
}

#[tokio::test]
async fn what_is_too_old_is_told_apart_from_what_is_refused() {
    for (status, text) in [
        (400, "out of bounds"),
        (400, "out of order sample"),
        (500, "too old sample"),
        (409, "store locally: Too old sample"),
    ] {
        let receiver = Receiver::start(move |_, samples| {
            let is_old = samples.iter().any(|came| came.at < NOW - 86_400_000);
            if is_old {
                Reply::says(status, text)
            } else {
                Reply::takes(samples)
            }
        })
        .await;
        let sender = sender(&receiver.write_url(), json!({}));
        let given = vec![
            parcel("new", 60),
            parcel("old", 100_000),
            parcel("newer", 5),
        ];
        let verdicts = sender.deliver(given, now()).await;
        assert_eq!(
            verdicts,
            [Verdict::Accepted, Verdict::TooOld, Verdict::Accepted]
        );
    }
}

#[tokio::test]
async fn a_receiver_of_small_requests_gets_small_requests_from_then_on() {
    let receiver = Receiver::start(|_, samples| {
        if samples.len() > 10 {
            Reply::says(413, "too many samples")
        } else {
            Reply::takes(samples)
        }
    })
    .await;
    let sender = sender(&receiver.write_url(), json!({ "shards": 1 }));
    let verdicts = sender.deliver(parcels(0..64), now()).await;
    assert_eq!(verdicts, vec![Verdict::Accepted; 64]);
    let before = receiver.requests().len();
    sender.deliver(parcels(100..164), now()).await;
    let sizes: Vec<usize> = receiver.requests()[before..]
        .iter()
        .map(|(_, size)| *size)
        .collect();
    assert_eq!(sizes, vec![8; 8]);
}

#[tokio::test]
async fn what_alone_is_larger_than_the_receiver_takes_is_refused() {
    let receiver = Receiver::start(|_, samples| {
        if holds(samples, "proof") {
            Reply::takes(samples)
        } else {
            Reply::says(413, "request too large")
        }
    })
    .await;
    let sender = sender(&receiver.write_url(), json!({}));
    let verdicts = sender.deliver(parcels(0..2), now()).await;
    assert!(
        verdicts
            .iter()
            .all(|verdict| refused(verdict).contains("request too large"))
    );
}

#[tokio::test]
async fn what_a_receiver_would_throw_away_in_silence_is_refused_here() {
    let receiver = Receiver::that_takes_all().await;
    let sender = sender(&receiver.write_url(), json!({}));
    let with = |name: &'static str, value: &str| {
        let mut parcel = parcel("x", 1);
        parcel.samples[0]
            .labels
            .push((name.into(), value.to_owned()));
        parcel
    };
    let long = "x".repeat(2_049);
    let given = vec![
        with("z-z", "1"),
        with("zz", ""),
        with("zz", &long),
        with("a", "out of order"),
        with("id", "twice"),
        with("zz", "quotes \" and\nnewlines \u{0} are fine"),
        Parcel {
            samples: Vec::new(),
        },
    ];
    let verdicts = sender.deliver(given, now()).await;
    let reasons: Vec<&str> = verdicts[..5].iter().map(refused).collect();
    assert_eq!(
        reasons,
        [
            "`z-z` is no name of a label",
            "its label zz is empty",
            "its label zz has 2049 bytes, and 2048 fit",
            "it has a label twice, or out of order",
            "it has a label twice, or out of order",
        ]
    );
    assert_eq!(verdicts[5..], [Verdict::Accepted, Verdict::Accepted]);
    assert_eq!(receiver.ids(), ["x"]);
}

#[tokio::test]
async fn samples_of_one_series_come_in_the_order_of_their_times_through_one_shard() {
    let order = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = std::sync::Arc::clone(&order);
    let receiver = Receiver::start(move |_, samples| {
        let times = samples
            .iter()
            .filter(|came| came.id() == "one")
            .map(|came| came.at);
        seen.lock().unwrap().extend(times);
        Reply::takes(samples)
    })
    .await;
    let sender = sender(&receiver.write_url(), json!({ "batch": 2, "shards": 8 }));
    let mut given = parcels(0..20);
    for age in [5, 900, 30, 600, 1] {
        given.push(parcel("one", age));
    }
    let verdicts = sender.deliver(given, now()).await;
    assert_eq!(verdicts, vec![Verdict::Accepted; 25]);
    let order = order.lock().unwrap();
    assert_eq!(order.len(), 5);
    assert!(order.is_sorted(), "{order:?}");
}
