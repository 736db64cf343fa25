//! Remote write 2.0, and receivers that do not speak it.

use chrono::TimeDelta;
use serde_json::json;

use super::receiver::{Receiver, Reply};
use super::*;

const WRITTEN: &str = "x-prometheus-remote-write-samples-written";

fn is_two(headers: &axum::http::HeaderMap) -> bool {
    headers["x-prometheus-remote-write-version"] == "2.0.0"
}

#[tokio::test]
async fn a_receiver_that_counts_what_it_wrote_is_spoken_to_in_2_0() {
    let receiver = Receiver::start(|headers, samples| {
        assert!(is_two(headers));
        Reply::takes(samples).with(WRITTEN, &samples.len().to_string())
    })
    .await;
    let sender = sender(&receiver.write_url(), json!({ "protocol": "2.0" }));
    let verdicts = sender.deliver(parcels(0..5), now()).await;
    assert_eq!(verdicts, vec![Verdict::Accepted; 5]);
    assert_eq!(receiver.ids().len(), 5);
}

#[tokio::test]
async fn a_receiver_that_takes_2_0_and_stores_nothing_is_found_out_and_spoken_to_in_1_0_for_an_hour()
 {
    for status in [204, 415] {
        let receiver = Receiver::start(move |headers, samples| {
            if is_two(headers) {
                Reply::says(status, "")
            } else {
                Reply::takes(samples)
            }
        })
        .await;
        let sender = sender(
            &receiver.write_url(),
            json!({ "protocol": "2.0", "shards": 1 }),
        );
        let twos = || {
            receiver
                .requests()
                .iter()
                .filter(|(headers, _)| is_two(headers))
                .count()
        };
        let verdicts = sender.deliver(parcels(0..5), now()).await;
        assert_eq!(verdicts, vec![Verdict::Accepted; 5]);
        assert_eq!(receiver.ids().len(), 5);
        assert_eq!(twos(), 1);
        sender
            .deliver(parcels(5..6), now() + TimeDelta::minutes(59))
            .await;
        assert_eq!(twos(), 1);
        sender
            .deliver(parcels(6..7), now() + TimeDelta::minutes(60))
            .await;
        assert_eq!(twos(), 2);
        assert_eq!(receiver.ids().len(), 7);
    }
}

#[tokio::test]
async fn a_receiver_that_says_it_wrote_less_than_it_was_sent_is_not_believed() {
    let receiver = Receiver::start(|_, samples| {
        let kept: Vec<_> = samples
            .iter()
            .filter(|came| came.id() != "2")
            .cloned()
            .collect();
        Reply::takes(&kept).with(WRITTEN, &kept.len().to_string())
    })
    .await;
    let sender = sender(&receiver.write_url(), json!({ "protocol": "2.0" }));
    let verdicts = sender.deliver(parcels(0..5), now()).await;
    let accepted = verdicts
        .iter()
        .filter(|verdict| **verdict == Verdict::Accepted);
    assert_eq!(accepted.count(), 4);
    assert!(refused(&verdicts[2]).contains("does not say that it wrote all of 1 samples"));
}
