//! What reading holds in memory: pages are stored as they come, so that it does not grow with the history.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::estate::Size;
use crate::github::tests::{NOW, acme, github};
use crate::reading::CANARY;

/// What the issue allows.
const MOST: u64 = 200 << 20;

/// The most that a process ever held, in bytes; `None` once it has ended.
fn peak_of(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes << 10)
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_a_long_history_takes_no_more_memory_than_a_short_one() {
    let is_soaked = std::env::var_os("PELORUS_SOAK").is_some();
    // A million commits, 200,000 pull requests.
    let (repositories, pull_requests) = if is_soaked { (2_000, 100) } else { (40, 50) };
    let (github, server) = github(Size {
        repositories,
        pull_requests,
    })
    .await;
    // A million commits are more than GitHub allows within an hour: its limit is heeded, and tested apart.
    github.ways().points.0 = 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    let mut settings = acme(&server);
    settings["ledger"] = json!(folder.path().join("pelorus.db"));
    settings["sources"][0]["token"] = json!("${SOURCE_TOKEN}");
    let path = folder.path().join("pelorus.yaml");
    std::fs::write(&path, settings.to_string()).unwrap();
    let question = r#"{"kind":"metric","metric":"deployments","bucket":"none"}"#;
    let mut child = Command::new(env!("CARGO_BIN_EXE_pelorus"))
        .args([
            "query", "--quiet", "--now", NOW, "--from", "now-365d", "--format", "json", "--config",
        ])
        .arg(&path)
        .arg(question)
        .env("SOURCE_TOKEN", CANARY)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // What it held when the last page had come: what it then holds to answer is the columns', which `benches/` measures.
    let (mut requests, mut while_reading) = (0, 0);
    while let Some(peak) = peak_of(&child) {
        let answered = server.requests();
        if answered > requests {
            (requests, while_reading) = (answered, peak);
        }
        if child.try_wait().unwrap().is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(0));
    let commits = repositories * pull_requests * 5;
    println!(
        "{commits} commits in {requests} requests: {} MiB at most",
        while_reading >> 20
    );
    assert!(requests >= repositories / 2, "{}", server.bill());
    assert!(
        while_reading > 0 && while_reading <= MOST,
        "{while_reading}"
    );
}
