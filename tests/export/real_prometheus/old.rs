//! Events too old to be sent live: blocks by promtool, read back from a real Prometheus.

use std::process::Output;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Prometheus;
use crate::running::Running;
use crate::work::{Work, ago, deployment, event};

fn backfill(work: &Work) -> Output {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pelorus"));
    command.arg("backfill").arg("--config").arg(work.settings());
    command.output().expect("the binary runs")
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Fourteen months of events, some of which labels make difficult.
fn lines() -> Vec<Value> {
    let mut lines: Vec<Value> = (0..420)
        .map(|day: i64| deployment(day as usize, day * 24 * 60 + 240))
        .collect();
    let at = |days| ago(TimeDelta::days(days));
    lines.push(json!({"type": "incident", "id": "odd", "opened_at": at(100), "title": "\"quoted\" \\ \n 日本 🚀 \u{0}",
        "components": ["", "a b", "c=d"], "labels": {"a=b": "c d"}}));
    lines.push(json!({"type": "pull_request", "id": "long", "repository": "r", "number": 1, "merged_at": at(200),
        "commits": (0..300).map(|number| format!("{number:040x}")).collect::<Vec<_>>()}));
    lines.push(
        json!({"type": "incident", "id": "before 1970", "opened_at": "1969-12-31T23:59:59.500Z"}),
    );
    lines
}

fn destination(prometheus: &Prometheus) -> Value {
    json!({
        "name": "prometheus",
        "url": format!("http://{}/api/v1/write", prometheus.address()),
        "dataFolder": prometheus.data(),
        "window": "5d",
    })
}

/// Everything that stands in a Prometheus, by id.
fn shown(prometheus: &Prometheus) -> Vec<pelorus::model::Event> {
    let versions = prometheus.versions("500d").into_iter();
    versions.map(|version| version.event).collect()
}

#[test]
fn a_year_goes_into_blocks_once_and_comes_back_exactly() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut prometheus = Prometheus::start(&folder.path().join("prometheus"));
    let work = Work::new(&folder.path().join("work"), &[destination(&prometheus)]);
    let mut lines = lines();
    work.append(&lines);
    let output = backfill(&work);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    // What is younger than five days goes live, and no block holds what was before 1970.
    assert_eq!(work.counts(), (423, 5, 1), "{}", told(&output));
    assert!(
        told(&output).contains("prometheus: 417 events of 1"),
        "{}",
        told(&output)
    );
    let again = backfill(&work);
    assert!(
        told(&again).contains("prometheus: 0 events of 0 months in 0 blocks"),
        "{}",
        told(&again)
    );
    assert_eq!(work.once().status.code(), Some(0));
    assert_eq!(work.counts(), (423, 0, 1));
    // Blocks are found within a minute, or by a start.
    prometheus.kill();
    prometheus.go_on();
    lines.retain(|line| line["id"] != "before 1970");
    let mut wanted: Vec<_> = lines.iter().map(event).collect();
    wanted.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
    assert_eq!(shown(&prometheus), wanted);
}

#[test]
fn a_live_prometheus_finds_blocks_by_itself_and_is_asked_whether_it_shows_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let prometheus = Prometheus::start(&folder.path().join("prometheus"));
    let mut destination = destination(&prometheus);
    destination["readUrl"] = json!(format!("http://{}", prometheus.address()));
    let work = Work::new(&folder.path().join("work"), &[destination]);
    work.append(&[deployment(1, 60 * 24 * 90), deployment(2, 60 * 24 * 40)]);
    let output = backfill(&work);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(
        told(&output).contains("prometheus shows all 2 events of these months"),
        "{}",
        told(&output)
    );
    assert_eq!(shown(&prometheus).len(), 2);
}

#[test]
fn months_that_were_built_for_another_target_are_built_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut prometheus = Prometheus::start(&folder.path().join("prometheus"));
    let work = Work::new(&folder.path().join("work"), &[destination(&prometheus)]);
    work.append(&[deployment(1, 60 * 24 * 90)]);
    // As a crash between hand-over and acknowledgement leaves it, after which somebody named another data folder.
    let month = work.folder.join("ledger.db.backfill/prometheus/2001-01");
    std::fs::create_dir_all(month.join("blocks/01M8CQM3YMY2WWK43EFKN9KT7D")).expect("a folder");
    std::fs::write(month.join("built"), "data folder /elsewhere\n{}\n").expect("a file");
    std::fs::write(month.join("events"), "1 1\n").expect("a file");
    let output = backfill(&work);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(
        told(&output).contains("prometheus: 1 events of 1 months in 1 blocks"),
        "{}",
        told(&output)
    );
    prometheus.kill();
    prometheus.go_on();
    assert_eq!(shown(&prometheus).len(), 1);
}

#[test]
fn a_backfill_that_is_killed_goes_on_and_hands_nothing_over_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut prometheus = Prometheus::start(&folder.path().join("prometheus"));
    let work = Work::new(&folder.path().join("work"), &[destination(&prometheus)]);
    let lines: Vec<Value> = (10..200)
        .map(|day: i64| deployment(day as usize, day * 24 * 60))
        .collect();
    work.append(&lines);
    for wait in [80, 200, 350, 500, 700, 900] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pelorus"));
        command.arg("backfill").arg("--config").arg(work.settings());
        let child = Running::start(&mut command, &work.folder.join("log"));
        std::thread::sleep(std::time::Duration::from_millis(wait));
        // It may have come to its end.
        drop(child);
    }
    let output = backfill(&work);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert_eq!(work.counts(), (190, 0, 0));
    prometheus.kill();
    prometheus.go_on();
    let mut wanted: Vec<_> = lines.iter().map(event).collect();
    wanted.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
    assert_eq!(shown(&prometheus), wanted);
    let samples = prometheus
        .query("sum(count_over_time(pelorus_event_timestamp_seconds{type=\"deployment\"}[500d]))");
    assert_eq!(samples[0]["value"][1], "190", "a block stands there twice");
}

#[test]
fn a_destination_without_a_target_says_so_and_its_events_wait() {
    let folder = tempfile::tempdir().expect("a folder");
    let destination = json!({ "name": "far", "url": "http://127.0.0.1:1/api/v1/write" });
    let work = Work::new(folder.path(), &[destination]);
    work.append(&[deployment(1, 60 * 24 * 90)]);
    let output = backfill(&work);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(
        told(&output).contains("far names neither `dataFolder` nor `objectStore`"),
        "{}",
        told(&output)
    );
    assert_eq!(work.counts(), (1, 1, 0));
}
