//! Receivers that take nothing now, or fail.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::receiver::{Receiver, Reply};
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
            json!({ "token": "canary-7f3a", "shards": 1 }),
        );
        let verdicts = sender.deliver(parcels(0..600), now()).await;
        for verdict in &verdicts {
            assert!(unsent(verdict).contains(&status.to_string()), "{verdict:?}");
            assert!(!format!("{verdict:?}").contains("canary-7f3a"));
        }
        assert_eq!(
            receiver.requests().len(),
            1,
            "{status} is asked once, not for each batch"
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
