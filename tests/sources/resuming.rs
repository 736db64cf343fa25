//! A reading that fails somewhere and goes on later, for every kind.

use std::collections::HashMap;
use std::time::Duration;

use axum::http::StatusCode;
use pelorus::ledger::Location;
use serde_json::Value;

use crate::reading::{CANARY, Pelorus};
use crate::server::{Fault, Server};

/// Refuses one request whose path holds the word, so that a reading ends with an error that nothing retries; then goes
/// on from the ledger. No page that was answered is asked for again, and the keys are those of a reading that was not
/// interrupted.
pub async fn goes_on_where_it_stopped(
    server: &Server,
    start: impl Fn(&Location) -> Pelorus,
    ledger: &Location,
    word: &'static str,
    whole: &Value,
) {
    server.forget();
    server.fail(Fault {
        path_holds: word,
        times: 1,
        answer: (StatusCode::BAD_REQUEST, Vec::new(), "{}".to_owned()),
    });
    let pelorus = start(ledger);
    pelorus.five_keys("committed").await;
    pelorus.stop().await;
    assert_eq!(server.answered_with(400), 1, "{word}:\n{}", server.bill());
    let pelorus = start(ledger);
    let keys = pelorus.five_keys("committed").await;
    pelorus.stop().await;
    assert_eq!(&keys, whole, "cut off at {word}");
    let mut asked: HashMap<String, usize> = HashMap::new();
    for seen in server.seen().into_iter().filter(|seen| seen.status == 200) {
        *asked.entry(seen.target).or_default() += 1;
    }
    let twice: Vec<_> = asked.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "cut off at {word}: {twice:?}");
}

/// What `check` says, as one text.
pub async fn check(pelorus: &Pelorus) -> String {
    let checks = pelorus
        .app
        .check(None, pelorus.now, Duration::from_secs(20))
        .await;
    let said = &checks[0];
    let text = match &said.result {
        Ok(text) => format!("sees: {text}"),
        Err(text) => format!("fails: {text}"),
    };
    let text = format!("{text} {}", said.advice.as_deref().unwrap_or_default());
    assert!(!text.contains(CANARY), "{text}");
    text.trim().to_owned()
}

/// Whether the ledger's file, its journal included, holds the secret anywhere.
pub fn holds_the_secret(folder: &std::path::Path) -> bool {
    let files = std::fs::read_dir(folder).expect("the ledger's folder");
    files.flatten().any(|file| {
        let bytes = std::fs::read(file.path()).unwrap_or_default();
        bytes
            .windows(CANARY.len())
            .any(|window| window == CANARY.as_bytes())
    })
}
