//! What goes into a Prometheus.

use std::process::Command;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Prometheus, get, request, until};
use crate::work::{Work, ago, deployment, event};

pub fn destination(prometheus: &Prometheus) -> Value {
    let address = prometheus.address();
    json!({
        "name": "prometheus",
        "url": format!("http://{address}/api/v1/write"),
        "readUrl": format!("http://{address}"),
    })
}

/// One event a kind, some with everything that labels make difficult.
pub fn lines() -> Vec<Value> {
    let hash = "00000000000000000000000000000000000000a1";
    let at = |hours| ago(TimeDelta::hours(hours));
    vec![
        json!({"type": "commit", "id": "c", "repository": "r", "hash": hash, "committed_at": at(30), "author": "Ada",
            "message": "Say \"hi\" \\ 日本 \t", "paths": ["a b/c", "d"], "parents": [hash]}),
        json!({"type": "pull_request", "id": "p", "repository": "r", "number": 7, "opened_at": at(40), "merged_at": at(29),
            "labels": {"size": "x=l", "bare": "true"}, "commits": (0..200).map(|n| format!("{n:040x}")).collect::<Vec<_>>()}),
        json!({"type": "build", "id": "b", "repository": "r", "commit": hash, "finished_at": at(28), "images": ["i@sha256:1"]}),
        json!({"type": "deployment", "id": "d", "application": "shop", "environment": "production", "cluster": "prod",
            "finished_at": at(27), "commit": hash}),
        json!({"type": "incident", "id": "i", "application": "shop", "opened_at": at(26), "title": "x".repeat(300)}),
        json!({"type": "release", "id": "l", "repository": "r", "tag": "v1", "commit": hash, "published_at": at(25)}),
        json!({"type": "verdict", "id": "v", "target": "d", "statement": "failed", "at": at(24)}),
    ]
}

#[test]
fn every_event_stands_in_a_real_prometheus_exactly_and_sending_again_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let prometheus = Prometheus::start(&folder.path().join("prometheus"));
    let work = Work::new(&folder.path().join("work"), &[destination(&prometheus)]);
    let lines = lines();
    work.append(&lines);
    let output = work.once();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(
        told.contains("prometheus: 7 sent, 0 wait, 0 wait for a backfill, 0 are in quarantine"),
        "{told}"
    );
    let mut wanted: Vec<_> = lines.iter().map(event).collect();
    wanted.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
    let shown = || {
        prometheus
            .versions("2d")
            .into_iter()
            .map(|version| version.event)
            .collect::<Vec<_>>()
    };
    assert_eq!(shown(), wanted);
    // What the destination is told of as new gets everything again.
    work.settle(&[], json!({}));
    assert_eq!(work.once().status.code(), Some(0));
    work.settle(&[destination(&prometheus)], json!({}));
    assert_eq!(work.once().status.code(), Some(0));
    assert_eq!(shown(), wanted);
}

#[test]
fn what_is_older_than_the_window_waits_for_a_backfill_and_what_lies_ahead_for_its_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let prometheus = Prometheus::start(&folder.path().join("prometheus"));
    let work = Work::new(&folder.path().join("work"), &[destination(&prometheus)]);
    work.append(&[
        deployment(1, 60),
        deployment(2, 60 * 24 * 45),
        deployment(3, -60 * 24),
    ]);
    let output = work.once();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        told.contains("1 sent, 1 wait, 1 wait for a backfill, 0 are in quarantine"),
        "{told}"
    );
    assert_eq!(prometheus.versions("30d").len(), 1);
}

#[test]
fn a_changed_event_is_sent_as_another_version_within_seconds() {
    let folder = tempfile::tempdir().expect("a folder");
    let prometheus = Prometheus::start(&folder.path().join("prometheus"));
    let work = Work::new(&folder.path().join("work"), &[destination(&prometheus)]);
    let opened = ago(TimeDelta::hours(3));
    work.append(&[
        json!({"type": "incident", "id": "i", "application": "shop", "opened_at": opened}),
    ]);
    let child = work.start();
    until("the incident", || {
        (prometheus.versions("1d").len() == 1).then_some(())
    });
    let resolved = ago(TimeDelta::hours(1));
    let line = json!({"type": "incident", "id": "i", "application": "shop", "opened_at": opened, "resolved_at": resolved});
    let began = std::time::Instant::now();
    work.append(std::slice::from_ref(&line));
    let versions = until("its second version", || {
        Some(prometheus.versions("1d")).filter(|versions| versions.len() == 2)
    });
    let seconds = began.elapsed().as_secs_f64();
    assert!(seconds < 5.0, "{seconds} s from the line to the query");
    assert_eq!(versions[1].event, event(&line));
    assert!(versions[1].revision > versions[0].revision);
    assert_eq!(child.stop(), Some(0));
}

#[test]
fn while_the_destination_is_away_everything_waits_and_then_arrives() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut prometheus = Prometheus::start(&folder.path().join("prometheus"));
    let work = Work::new(&folder.path().join("work"), &[destination(&prometheus)]);
    work.append(&[deployment(1, 60)]);
    let child = work.start();
    until("the first", || {
        (prometheus.versions("1d").len() == 1).then_some(())
    });
    prometheus.kill();
    let lines: Vec<Value> = (2..50).map(|number| deployment(number, 50)).collect();
    work.append(&lines);
    until("the queue", || (work.counts() == (49, 48, 0)).then_some(()));
    prometheus.go_on();
    until("all of them", || {
        (prometheus.versions("1d").len() == 49).then_some(())
    });
    assert_eq!(child.stop(), Some(0));
    assert_eq!(work.counts(), (49, 0, 0));
    assert!(
        work.log().contains("prometheus takes events again"),
        "{}",
        work.log()
    );
}

#[test]
fn settings_are_read_anew_without_a_restart_and_faulty_ones_change_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let prometheus = Prometheus::start(&folder.path().join("prometheus"));
    let work = Work::new(&folder.path().join("work"), &[]);
    work.append(&[deployment(1, 60)]);
    let child = work.start();
    std::fs::write(work.settings(), "export: [").expect("a writable folder");
    assert_eq!(
        request(&work.address(), "POST", "/-/reload").map(|(status, _)| status),
        Some(202)
    );
    until("the fault in the log", || {
        work.log()
            .contains("The settings stay as they were")
            .then_some(())
    });
    assert_eq!(
        get(&work.address(), "/-/ready").map(|(status, _)| status),
        Some(200)
    );
    work.settle(&[destination(&prometheus)], json!({}));
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-HUP", &pid])
            .status()
            .expect("kill is there")
            .success()
    );
    until("the event", || {
        (prometheus.versions("1d").len() == 1).then_some(())
    });
    assert_eq!(child.stop(), Some(0));
}

#[test]
fn what_a_destination_has_lost_is_found_and_sent_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut prometheus = Prometheus::start(&folder.path().join("prometheus"));
    let work = Work::new(&folder.path().join("work"), &[]);
    work.settle(&[destination(&prometheus)], json!({ "reconcile": "2s" }));
    let lines: Vec<Value> = (1..=10).map(|number| deployment(number, 60)).collect();
    work.append(&lines);
    let child = work.start();
    until("all of them", || {
        (prometheus.versions("1d").len() == 10 && work.counts() == (10, 0, 0)).then_some(())
    });
    prometheus.wipe();
    until("all of them again", || {
        (prometheus.versions("1d").len() == 10 && work.counts() == (10, 0, 0)).then_some(())
    });
    let told = until("the count of those that were lost", || {
        let (_, text) = get(&work.address(), "/metrics")?;
        text.lines()
            .find(|line| line.starts_with("pelorus_export_missing_events_total{"))
            .map(str::to_owned)
    });
    assert_eq!(
        told,
        "pelorus_export_missing_events_total{destination=\"prometheus\"} 10"
    );
    assert_eq!(child.stop(), Some(0));
}
