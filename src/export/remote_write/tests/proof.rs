//! Proving a destination before anything is sent.

use chrono::TimeDelta;
use serde_json::json;

use super::receiver::{Receiver, Reply};
use super::*;
use crate::export::Prover;

async fn prove(receiver: &Receiver, more: serde_json::Value) -> Result<TimeDelta, String> {
    let mut settings = json!({ "readUrl": receiver.url });
    settings
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    Arc::new(sender(&receiver.write_url(), settings))
        .prove()
        .await
}

#[tokio::test]
async fn a_receiver_that_shows_what_it_took_is_trusted_for_the_window_that_is_set() {
    let receiver = Receiver::that_takes_all().await;
    assert_eq!(
        prove(&receiver, json!({ "window": "3d" })).await,
        Ok(TimeDelta::days(3))
    );
    assert_eq!(receiver.ids(), ["canary"]);
}

#[tokio::test]
async fn what_is_read_back_is_asked_for_as_the_tenant_that_it_was_written_for() {
    let receiver = Receiver::that_takes_all().await;
    let settings = json!({ "window": "3d", "tenant": "acme", "tenantHeader": "X-Scope-OrgID" });
    prove(&receiver, settings).await.unwrap();
    let questions = receiver.questions.lock().unwrap();
    assert!(!questions.is_empty());
    for headers in questions.iter() {
        assert_eq!(headers["x-scope-orgid"], "acme");
    }
}

#[tokio::test]
async fn the_window_is_found_out_where_none_is_set() {
    for (taken_seconds, window) in [
        (40 * 86_400, TimeDelta::days(30)),
        (8 * 86_400, TimeDelta::days(7)),
        (3_600, TimeDelta::minutes(30)),
        (60, TimeDelta::zero()),
    ] {
        let receiver = Receiver::start(move |_, samples| {
            let is_old = samples
                .iter()
                .any(|came| came.at < NOW - taken_seconds * 1_000);
            if is_old {
                Reply::says(400, "out of bounds")
            } else {
                Reply::takes(samples)
            }
        })
        .await;
        assert_eq!(prove(&receiver, json!({})).await, Ok(window));
    }
}

#[tokio::test]
async fn an_external_label_that_lies_over_ours_is_named() {
    let receiver = Receiver::that_takes_all().await;
    receiver
        .overlay
        .lock()
        .unwrap()
        .push(("type".to_owned(), "replica".to_owned()));
    let reason = prove(&receiver, json!({})).await.unwrap_err();
    assert!(reason.contains("another label `type`"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_answers_for_the_receiver_is_found_out() {
    let receiver = Receiver::start(|_, _| Reply::says(200, "<html>welcome</html>")).await;
    let reason = prove(&receiver, json!({})).await.unwrap_err();
    assert!(
        reason.contains("does something between answer for it"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_read_address_that_is_no_prometheus_is_told() {
    let receiver = Receiver::that_takes_all().await;
    let page =
        axum::Router::new().fallback(|| async { axum::response::Html("<html>login</html>") });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let read_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, page).await });
    let reason = prove(&receiver, json!({ "readUrl": read_url }))
        .await
        .unwrap_err();
    assert!(
        reason.contains("does not answer as Prometheus does"),
        "{reason}"
    );
    assert!(reason.contains("web page"), "{reason}");
}

#[tokio::test]
async fn a_receiver_that_is_away_is_no_narrow_window() {
    let receiver = Receiver::start(|_, _| Reply::says(503, "starting")).await;
    let reason = prove(&receiver, json!({})).await.unwrap_err();
    assert!(reason.contains("starting"), "{reason}");
}

#[test]
fn tenant_headers_that_would_break_the_protocol_are_refused_by_key() {
    for (more, key) in [
        (json!({ "tenant": "a\nb" }), "tenant"),
        (
            json!({ "tenant": "a", "tenantHeader": "Authorization" }),
            "tenantHeader",
        ),
        (
            json!({ "tenant": "a", "tenantHeader": "Content-Encoding" }),
            "tenantHeader",
        ),
        (
            json!({ "tenant": "a", "tenantHeader": "X-Prometheus-Remote-Write-Version" }),
            "tenantHeader",
        ),
        (
            json!({ "tenant": "a", "tenantHeader": "a b" }),
            "tenantHeader",
        ),
    ] {
        let destination = destination("http://127.0.0.1:1/write", more);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let _inside = runtime.enter();
        let connected = Sender::connect(&network(), &destination, BTreeMap::new());
        let faults = connected.err().expect("a refusal").faults;
        assert_eq!(faults[0].key, key);
    }
}
