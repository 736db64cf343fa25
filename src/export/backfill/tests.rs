//! Targets and programs that do not work, found before or without losing anything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::*;
use crate::ledger::{Batch, Location, Route};
use crate::model::Event;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn ledger() -> Ledger {
    let (ledger, _) = Ledger::open(&Location::Memory).unwrap();
    ledger
        .register(&BTreeSet::from(["a".to_owned()]), &BTreeSet::new())
        .unwrap();
    let incident = |id: &str, opened: &str| Event {
        id: id.into(),
        source: "tickets".into(),
        url: None,
        body: serde_json::from_value(json!({"type": "incident", "opened_at": opened})).unwrap(),
    };
    let events = vec![
        incident("1", "2026-01-31T23:59:59.999Z"),
        incident("2", "2026-02-01T00:00:00Z"),
        incident(&"x".repeat(2_001), "2026-02-01T00:00:00Z"),
        incident("young", "2026-05-01T10:00:00Z"),
    ];
    let at = at("2026-05-01T12:00:00Z");
    ledger
        .store(&Batch {
            source: "tickets".into(),
            events,
            checkpoint: None,
            covered: None,
            at,
        })
        .unwrap();
    let waiting = ledger
        .queued("a", Route::Live, 0, DateTime::<Utc>::MAX_UTC, 10)
        .unwrap();
    let moved: Vec<_> = waiting
        .iter()
        .map(|waiting| {
            (
                waiting.number,
                waiting.revision,
                Settled::Moved(Route::Backfill),
            )
        })
        .collect();
    ledger.settle("a", &moved, at).unwrap();
    ledger
}

fn plan(work: &Path, target: config::Backfill) -> Plan {
    Plan {
        destination: "a".to_owned(),
        work: work.join("work"),
        target,
        external_labels: BTreeMap::new(),
        origins: Vec::new(),
        promtool: "/nowhere/promtool".into(),
        thanos: "/nowhere/thanos".into(),
    }
}

fn failure(ledger: &Ledger, plan: &Plan) -> String {
    let error = run(ledger, plan, at("2026-05-01T12:00:00Z"), &mut |_, _, _| {}).unwrap_err();
    crate::error::chain(&error)
}

#[test]
fn a_target_that_cannot_be_used_is_told_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    let told = failure(
        &ledger(),
        &plan(folder.path(), config::Backfill::DataFolder(path)),
    );
    assert!(told.contains("is no data folder of a Prometheus"), "{told}");
    let told = failure(
        &ledger(),
        &plan(
            folder.path(),
            config::Backfill::ObjectStore("/nowhere".to_owned()),
        ),
    );
    assert!(told.contains("`externalLabels` is empty"), "{told}");
    assert!(!folder.path().join("work").exists());
}

#[test]
fn without_promtool_everything_goes_on_waiting_by_months_and_what_no_sample_holds_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("wal")).unwrap();
    let target = config::Backfill::DataFolder(folder.path().display().to_string());
    let plan = plan(folder.path(), target);
    let ledger = ledger();
    for _ in 0..2 {
        let told = failure(&ledger, &plan);
        assert!(
            told.contains("cannot start promtool: install Prometheus' promtool"),
            "{told}"
        );
        let queue = ledger.queue("a").unwrap();
        assert_eq!((queue.live, queue.backfill, queue.quarantined), (0, 3, 1));
    }
    let months: Vec<String> = months::folders(&plan.work)
        .unwrap()
        .iter()
        .map(|folder| name_of(folder))
        .collect();
    assert_eq!(months, ["2026-01", "2026-02"]);
    let text = std::fs::read_to_string(plan.work.join("2026-01/samples.om")).unwrap();
    let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(samples.len(), 1, "{text}");
    assert!(
        samples[0].ends_with(" 1769903999.999 1769903999.999"),
        "{text}"
    );
    assert!(
        text.starts_with("# HELP") && text.ends_with("# EOF\n"),
        "{text}"
    );
}
