//! `kill -9` at any moment, against a real Prometheus: nothing is lost and nothing stands there twice.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::current::BOTH_VERSIONS;
use super::{Prometheus, until};
use crate::work::{Work, deployment, event};

/// Events that are added before each kill.
const EACH: usize = 40;

#[test]
fn a_loop_that_is_killed_again_and_again_loses_nothing_and_doubles_nothing() {
    let kills = if std::env::var_os("PELORUS_SOAK").is_some() {
        1_000
    } else {
        25
    };
    let folder = tempfile::tempdir().expect("a folder");
    let prometheus = Prometheus::start(&folder.path().join("prometheus"));
    kill_and_count(folder.path(), &prometheus, "1.0", kills);
}

#[test]
fn a_loop_that_speaks_2_0_and_is_killed_loses_nothing_and_doubles_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let prometheus = Prometheus::current(&folder.path().join("prometheus"), "", &BOTH_VERSIONS);
    kill_and_count(folder.path(), &prometheus, "2.0", 10);
}

fn kill_and_count(folder: &Path, prometheus: &Prometheus, protocol: &str, kills: u64) {
    let address = prometheus.address();
    // Small batches, so that kills meet many moments.
    let destination = json!({
        "name": "prometheus",
        "url": format!("http://{address}/api/v1/write"),
        "protocol": protocol,
        "batch": 5,
        "shards": 2,
        "window": "30d",
    });
    let work = Work::new(&folder.join("work"), &[destination]);
    let mut lines: Vec<Value> = Vec::new();
    for kill in 0..kills {
        let first = lines.len();
        lines.extend((first..first + EACH).map(|number| deployment(number, 600)));
        work.append(&lines[first..]);
        let child = work.launch();
        // From before the ledger is open to after everything was sent.
        std::thread::sleep(Duration::from_millis(20 + (kill * 37) % 400));
        drop(child);
    }
    let child = work.start();
    until("everything", || {
        (work.counts() == (lines.len() as i64, 0, 0)).then_some(())
    });
    drop(child);
    let versions = prometheus.versions("1d");
    let ids: BTreeSet<&str> = versions
        .iter()
        .map(|version| version.event.id.as_str())
        .collect();
    assert_eq!(
        (versions.len(), ids.len()),
        (lines.len(), lines.len()),
        "lost or double"
    );
    let mut wanted: Vec<_> = lines.iter().map(event).collect();
    wanted.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
    assert!(
        versions.iter().map(|version| &version.event).eq(&wanted),
        "an event has changed on its way"
    );
}
