//! Receivers that take nothing now, or fail.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::receiver::{Came, Receiver, Reply};
use super::*;

#[tokio::test]
async fn what_a_person_must_mend_is_told_and_nothing_is_refused_for_it() {
    for status in [301, 302, 307, 401, 403, 404, 405, 407, 408] {
        let receiver = Receiver::start(move |_, _| {
            Reply::says(status, "no").with("location", "http://127.0.0.1:1/elsewhere")
        })
        .await;
        let sender = sender(
            &receiver.write_url(),
            json!({ "token": "canary-7f3a", "batch": 10 }),
        );
        let verdicts = sender.deliver(parcels(0..600), now()).await;
        for verdict in &verdicts {
            assert!(unsent(verdict).contains(&status.to_string()), "{verdict:?}");
            assert!(!format!("{verdict:?}").contains("canary-7f3a"));
        }
        assert!(
            receiver.requests().len() <= 4,
            "{status} is asked once a shard at most, not for each batch"
        );
    }
}

#[tokio::test]
async fn a_wait_that_is_asked_for_is_handed_on_in_both_forms_and_at_most_five_minutes() {
    for (status, asked, wait) in [
        (429, "7", Some(7)),
        (503, "Mon, 21 Sep 2026 14:14:20 GMT", Some(60)),
        (503, "86400", Some(300)),
        (429, "soon", None),
        (429, "", None),
    ] {
        let receiver = Receiver::start(move |_, _| {
            {
                Reply::says(status, "slow down")
                    .with("retry-after", asked)
                    .with("date", "Mon, 21 Sep 2026 14:13:20 GMT")
            }
        })
        .await;
        let sender = sender(&receiver.write_url(), json!({}));
        let verdicts = sender.deliver(parcels(0..3), now()).await;
        for verdict in verdicts {
            let Verdict::Unsent { retry_after, .. } = verdict else {
                panic!("{verdict:?}")
            };
            let seconds = retry_after.map(|wait: Duration| wait.as_secs_f64().round() as u64);
            assert_eq!(seconds, wait, "{status} {asked}");
        }
    }
}

#[tokio::test]
async fn a_receiver_that_fails_at_everything_loses_nothing() {
    let receiver = Receiver::start(|_, _| Reply::says(502, "<html>bad gateway</html>")).await;
    let sender = sender(&receiver.write_url(), json!({}));
    for _ in 0..20 {
        let verdicts = sender.deliver(parcels(0..10), now()).await;
        for verdict in &verdicts {
            assert!(
                unsent(verdict).contains("502 Bad Gateway and a web page"),
                "{verdict:?}"
            );
        }
    }
}

/// Answers that say nothing of any event: nothing is taken, whatever it is.
async fn loses_nothing_to(reply: impl Fn(&[Came]) -> Reply + Send + 'static) -> (Receiver, String) {
    let receiver = Receiver::start(move |_, samples| reply(samples)).await;
    let settings = json!({ "token": "canary-7f3a", "batch": 100, "shards": 2 });
    let sender = sender(&receiver.write_url(), settings);
    let mut reason = String::new();
    for _ in 0..12 {
        for verdict in sender.deliver(parcels(0..400), now()).await {
            unsent(&verdict).clone_into(&mut reason);
        }
    }
    assert!(receiver.ids().is_empty());
    // A batch of a hundred is halved seven times at most, in each of two shards, and once more proves that nothing is taken.
    let most = 12 * 2 * 9;
    assert!(
        receiver.requests().len() <= most,
        "{}",
        receiver.requests().len()
    );
    (receiver, reason)
}

#[tokio::test]
async fn a_wrong_address_that_refuses_everything_refuses_no_event() {
    for status in [400, 409, 413, 422] {
        let (_, reason) = loses_nothing_to(move |_| Reply::says(status, "bad request")).await;
        assert!(
            reason.contains("of a sample of now, in a series of its own: it answers with status"),
            "{reason}"
        );
    }
}

#[tokio::test]
async fn a_full_disk_refuses_no_event_though_requests_without_samples_are_taken() {
    let (_, reason) = loses_nothing_to(|samples| {
        if samples.is_empty() {
            Reply::takes(samples)
        } else {
            Reply::says(500, "write WAL: no space left on device")
        }
    })
    .await;
    assert!(reason.contains("no space left on device"), "{reason}");
}

#[tokio::test]
async fn a_tenant_at_its_limit_of_series_refuses_no_event() {
    let (_, reason) =
        loses_nothing_to(|_| Reply::says(400, "per-user series limit of 150000 exceeded")).await;
    assert!(reason.contains("per-user series limit"), "{reason}");
}

#[tokio::test]
async fn an_answer_that_repeats_the_credential_does_not_bring_it_into_the_reason() {
    let says = |headers: &axum::http::HeaderMap, samples: &[Came]| {
        if samples.iter().any(|came| came.id() == "1") {
            let credential = headers["authorization"].to_str().unwrap();
            Reply::says(400, &format!("you said {credential}, of canary-7f3a"))
        } else {
            Reply::takes(samples)
        }
    };
    for settings in [
        json!({ "token": "canary-7f3a" }),
        json!({ "user": "u", "password": "canary-7f3a" }),
    ] {
        let receiver = Receiver::start(says).await;
        let sender = sender(&receiver.write_url(), settings);
        let verdicts = sender.deliver(parcels(0..3), now()).await;
        let reason = refused(&verdicts[1]);
        assert!(reason.contains("(hidden)"), "{reason}");
        // `u:canary-7f3a` in base64.
        for secret in ["canary-7f3a", "dTpjYW5hcnktN2YzYQ=="] {
            assert!(!reason.contains(secret), "{reason}");
        }
    }
}

#[tokio::test]
async fn failures_at_one_event_that_lie_far_apart_are_not_counted_together() {
    let receiver = Receiver::start(|_, samples| {
        if samples.iter().any(|came| came.id() == "3") {
            Reply::says(500, "too busy")
        } else {
            Reply::takes(samples)
        }
    })
    .await;
    let sender = sender(&receiver.write_url(), json!({}));
    for day in 0..10 {
        let verdicts = sender
            .deliver(parcels(3..4), now() + chrono::TimeDelta::days(day))
            .await;
        assert!(unsent(&verdicts[0]).contains("too busy"));
    }
}

#[tokio::test]
async fn one_event_at_which_a_receiver_always_fails_does_not_hold_up_the_others() {
    let receiver = Receiver::start(|_, samples| {
        if samples.iter().any(|came| came.id() == "3") {
            Reply::says(500, "panic: index out of range")
        } else {
            Reply::takes(samples)
        }
    })
    .await;
    let sender = sender(&receiver.write_url(), json!({ "shards": 1 }));
    for _ in 0..4 {
        let verdicts = sender.deliver(parcels(0..8), now()).await;
        assert!(unsent(&verdicts[3]).contains("index out of range"));
        let accepted = verdicts
            .iter()
            .filter(|verdict| **verdict == Verdict::Accepted);
        assert_eq!(accepted.count(), 7);
    }
    let verdicts = sender.deliver(parcels(0..8), now()).await;
    assert!(refused(&verdicts[3]).ends_with("(5 times, while it takes others)"));
}

/// Answers every connection with these bytes, and closes it.
async fn raw(bytes: &'static [u8], reads: bool) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/write", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            if reads {
                // What comes does not matter, nor whether the other side is still there.
                stream.readable().await.ok();
            }
            stream.write_all(bytes).await.ok();
        }
    });
    url
}

#[tokio::test]
async fn connections_that_break_are_no_verdict() {
    for url in [
        "http://127.0.0.1:1/write".to_owned(),
        "http://no-such-host.invalid/write".to_owned(),
        raw(b"", true).await,
        raw(b"", false).await,
        raw(b"HTTP/1.1 204 No Con", true).await,
        raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", true).await,
        raw(b"\x00\x01\x02", true).await,
        raw(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 4\r\nconnection: close\r\n\r\n\xff\xfe\x00\x01", true).await,
    ] {
        let sender = sender(&url, json!({ "password": "canary-7f3a", "user": "u" }));
        let verdicts = sender.deliver(parcels(0..3), now()).await;
        for verdict in &verdicts {
            assert!(!unsent(verdict).is_empty());
            assert!(!format!("{verdict:?}").contains("canary-7f3a"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_never_answers_is_left_at_its_deadline() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/write", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok(connection) = listener.accept().await {
            held.push(connection);
        }
    });
    let sender = sender(&url, json!({}));
    let verdicts = sender.deliver(parcels(0..2), now()).await;
    assert!(verdicts.iter().all(|verdict| !unsent(verdict).is_empty()));
}
