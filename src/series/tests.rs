//! Events through series and back.

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::{Body, Event};

const HASH: &str = "00000000000000000000000000000000000000a1";

/// One event a kind with every field of the model filled, and one with only what it must have.
fn events() -> Vec<Event> {
    let bodies = [
        json!({"type": "commit", "repository": "github.com/acme/shop", "hash": HASH, "parents": [HASH, HASH],
            "authored_at": "2026-01-01T00:00:00.001Z", "committed_at": "2026-01-01T00:00:01.999Z", "author": "Ada",
            "branch": "main", "default_branch": true, "message": "Say \"hi\"\\n & go", "reverts": [HASH],
            "picked_from": HASH, "pull_request": 7, "paths": ["a b/c", "", "d\\e"]}),
        json!({"type": "pull_request", "repository": "github.com/acme/shop", "number": 12, "head": HASH,
            "head_branch": "topic", "base": "main", "merge_commit": HASH, "squash_commit": HASH, "commits": [HASH],
            "opened_at": "2026-01-01T00:00:00Z", "first_commit_at": "2026-01-01T00:00:00Z",
            "first_review_at": "2026-01-01T00:00:00Z", "approved_at": "2026-01-01T00:00:00Z",
            "merged_at": "2026-01-02T00:00:00Z", "closed_at": "2026-01-02T00:00:00Z", "author": "",
            "labels": {"a=b": "c d", "": "", "bare": "true"}, "title": "\u{0}\n", "bot": true, "reverts": 3}),
        json!({"type": "build", "repository": "r", "commit": HASH, "pipeline": "p", "started_at": "2026-01-01T00:00:00Z",
            "finished_at": "2026-01-01T00:01:00Z", "outcome": "failed", "images": ["r/i:1@sha256:ab"], "tags": ["v1"]}),
        json!({"type": "deployment", "application": "shop", "environment": "production", "cluster": "eu", "namespace": "n",
            "workload": "w", "repository": "r", "started_at": "2026-01-01T00:00:00Z", "finished_at": "2026-01-01T00:01:00Z",
            "outcome": "cancelled", "commit": HASH, "images": ["i"], "version": "1", "revision": "5",
            "labels": {"tier": "1"}, "rollback": true, "fixes": "x"}),
        json!({"type": "incident", "application": "shop", "environment": "production", "repository": "r", "project": "OPS",
            "components": ["one", "two three"], "opened_at": "2026-01-01T00:00:00Z", "resolved_at": "2026-01-02T00:00:00Z",
            "updated_at": "2026-01-02T00:00:00Z", "severity": "high", "user_facing": true, "title": "t",
            "labels": {"bug": "true"}, "duplicate_of": "i0", "deployment": "d", "commit": HASH}),
        json!({"type": "release", "repository": "r", "tag": "v1", "commit": HASH, "tagged_at": "2026-01-01T00:00:00Z",
            "published_at": "2026-01-01T00:00:00Z", "prerelease": true}),
        json!({"type": "verdict", "target": "d", "statement": "caused_by", "cause": "c", "author": "a",
            "at": "2026-01-01T00:00:00Z", "reason": "because"}),
        json!({"type": "commit", "repository": "r", "hash": HASH, "committed_at": "1969-12-31T23:59:59.500Z"}),
        json!({"type": "pull_request", "repository": "r", "number": 0}),
        json!({"type": "deployment", "started_at": "2026-01-01T00:00:00Z", "outcome": "running"}),
        json!({"type": "incident", "opened_at": "2026-01-01T00:00:00Z"}),
    ];
    bodies
        .into_iter()
        .enumerate()
        .map(|(at, body)| Event {
            id: format!("event {at}").into(),
            source: "prod-eu".into(),
            url: (at % 2 == 0).then(|| "https://git.example/a?b=c".into()),
            body: serde_json::from_value(body).unwrap(),
        })
        .collect()
}

fn read_back(samples: &[Sample]) -> Vec<Version> {
    let mut assembler = Assembler::default();
    let mut versions = Vec::new();
    for sample in samples {
        let labels = sample
            .labels
            .iter()
            .map(|(name, value)| (name.as_ref(), value.as_str()));
        versions.extend(assembler.add(labels).unwrap());
    }
    assert_eq!(assembler.incomplete(), [""; 0]);
    versions
}

#[test]
fn every_field_of_every_kind_comes_back() {
    for event in events() {
        let samples = samples_of(&event, 1_790_000_000_123).unwrap();
        assert_eq!(samples.len(), 1, "{event:?}");
        let revision = 1_790_000_000_123;
        assert_eq!(read_back(&samples), [Version { event, revision }]);
    }
}

#[test]
fn the_example_of_the_documentation_is_what_is_written() {
    let event = events().remove(3);
    let samples = samples_of(&event, 42).unwrap();
    assert_eq!(samples[0].at, 1_767_225_660_000);
    assert_eq!(samples[0].value, 1_767_225_660.0);
    let mut text = String::new();
    line(&samples[0], &mut text);
    assert_eq!(
        text,
        "pelorus_event_timestamp_seconds{event_application=\"shop\",event_cluster=\"eu\",\
         event_commit=\"00000000000000000000000000000000000000a1\",event_environment=\"production\",\
         event_finished_at=\"2026-01-01T00:01:00Z\",event_fixes=\"x\",event_images=\"i\",event_labels=\"tier=1\",\
         event_namespace=\"n\",event_outcome=\"cancelled\",event_repository=\"r\",event_revision=\"5\",\
         event_rollback=\"true\",event_source=\"prod-eu\",event_started_at=\"2026-01-01T00:00:00Z\",event_version=\"1\",\
         event_workload=\"w\",id=\"event 3\",revision=\"42\",type=\"deployment\"} 1767225660 1767225660.000\n"
    );
}

#[test]
fn labels_are_sorted_never_empty_and_at_most_thirty() {
    for event in events() {
        for sample in samples_of(&event, 1).unwrap() {
            let names: Vec<_> = sample.labels.iter().map(|(name, _)| name).collect();
            assert!(names.is_sorted(), "{names:?}");
            let distinct: HashSet<_> = names.iter().collect();
            assert_eq!(distinct.len(), names.len());
            assert!(names.len() <= 30, "{names:?}");
            assert!(sample.labels.iter().all(|(_, value)| !value.is_empty()));
        }
    }
}

#[test]
fn times_before_1970_and_fractions_are_written_as_openmetrics_counts_them() {
    for (at, written) in [
        (-500, "-0.5 -0.500"),
        (-1_000, "-1 -1.000"),
        (-1_500, "-1.5 -1.500"),
        (0, "0 0.000"),
        (1_767_225_600_001, "1767225600.001 1767225600.001"),
    ] {
        let sample = Sample {
            labels: vec![
                (NAME.into(), "m".to_owned()),
                ("a".into(), "\"\\\n".to_owned()),
            ],
            at,
            value: at as f64 / 1_000.0,
        };
        let mut text = String::new();
        line(&sample, &mut text);
        assert_eq!(text, format!("m{{a=\"\\\"\\\\\\n\"}} {written}\n"));
    }
}

#[test]
fn what_is_longer_than_a_label_goes_on_in_parts_that_may_come_in_any_order() {
    let mut event = events().remove(0);
    let Body::Commit(commit) = &mut event.body else {
        panic!("the first event is a commit")
    };
    commit.paths = (0..1_000).map(|at| format!("ä b/{at}").into()).collect();
    commit.message = Some("é".repeat(1_500).into());
    let mut samples = samples_of(&event, 7).unwrap();
    // 9,889 bytes of paths.
    assert_eq!(samples.len(), 5);
    for sample in &samples {
        assert!(
            sample
                .labels
                .iter()
                .all(|(_, value)| value.len() <= LONGEST)
        );
    }
    samples.reverse();
    let revision = 7;
    assert_eq!(read_back(&samples), [Version { event, revision }]);
}

#[test]
fn a_version_of_which_a_part_is_missing_is_named_and_not_made_up() {
    let mut event = events().remove(0);
    event.url = Some("u".repeat(5_000).into());
    let samples = samples_of(&event, 7).unwrap();
    let mut assembler = Assembler::default();
    for sample in &samples[1..] {
        let labels = sample
            .labels
            .iter()
            .map(|(name, value)| (name.as_ref(), value.as_str()));
        assert_eq!(assembler.add(labels).unwrap(), None);
    }
    assert_eq!(assembler.incomplete(), ["event 0"]);
}

#[test]
fn an_id_that_no_label_holds_is_refused() {
    let mut event = events().remove(0);
    event.id = "i".repeat(LONGEST + 1).into();
    assert_eq!(samples_of(&event, 7), Err(Unwritable::LongId));
}

#[test]
fn series_that_are_none_of_ours_say_what_is_wrong_with_them() {
    let read = |labels: &[(&str, &str)]| {
        Assembler::default()
            .add(labels.iter().copied())
            .unwrap_err()
            .to_string()
    };
    let whole = [
        ("id", "i"),
        ("type", "incident"),
        ("revision", "1"),
        ("event_source", "s"),
    ];
    assert_eq!(read(&whole[1..]), "the label id is missing or no number");
    assert_eq!(
        read(&whole[..3]),
        "the labels of i make no event: missing field `opened_at`"
    );
    let with = |name, value| [whole.as_slice(), &[(name, value)]].concat();
    assert_eq!(
        read(&with("event_title", "\\x")),
        "the label event_title of i is not as Pelorus writes it"
    );
    assert_eq!(
        read(&with("part", "99999999999")),
        "the label part is missing or no number"
    );
    assert_eq!(
        read(&with("parts", "10001")),
        "the label parts is missing or no number"
    );
    assert_eq!(
        read(&with("event_opened_at", "soon")),
        "the labels of i make no event: input contains invalid characters"
    );
}

#[test]
fn labels_that_others_lay_over_the_series_change_nothing() {
    let event = events().remove(3);
    let samples = samples_of(&event, 7).unwrap();
    let mut labels: Vec<_> = samples[0]
        .labels
        .iter()
        .map(|(name, value)| (name.as_ref(), value.as_str()))
        .collect();
    labels.extend([
        ("cluster", "dev"),
        ("environment", "dev"),
        ("replica", "a"),
        ("tenant_id", "t"),
    ]);
    let version = Assembler::default().add(labels.into_iter()).unwrap();
    assert_eq!(version.map(|version| version.event), Some(event));
}

#[test]
fn what_is_told_of_a_source_comes_back() {
    let whole = json!({"source": "prod-eu", "rank": 3, "yields": ["deployment", "pull_request"], "environment": "production", "cluster": "prod eu", "since": "2025-01-01T00:00:00Z"});
    for origin in [whole, json!({"source": "x", "rank": 0})] {
        let origin: crate::model::Origin = serde_json::from_value(origin).unwrap();
        let at = chrono::DateTime::from_timestamp_millis(1_790_000_000_123).unwrap();
        let sample = sample_of_origin(&origin, at);
        assert!(sample.labels.is_sorted());
        let labels = sample
            .labels
            .iter()
            .map(|(name, value)| (name.as_ref(), value.as_str()));
        assert_eq!(origin_of(labels), Some((origin, 1_790_000_000_123)));
    }
    assert_eq!(
        origin_of([("id", "x"), ("revision", "1")].into_iter()),
        None
    );
}

proptest! {
    #[test]
    fn any_text_comes_back_from_any_place(
        text in "\\PC*|[ \\\\=\u{0}se0\n\"]{0,12}",
        items in prop::collection::vec("[ \\\\=\u{0}se0a\n\"]{0,4}", 0..5),
        pairs in prop::collection::btree_map("[ \\\\=\u{0}se0a]{0,4}", "[ \\\\=\u{0}se0a]{0,4}", 0..4),
    ) {
        let mut event = events().remove(4);
        let Body::Incident(incident) = &mut event.body else { panic!("the fifth event is an incident") };
        incident.title = Some(text.as_str().into());
        incident.components = items.iter().map(|item| item.as_str().into()).collect();
        incident.labels.0 = pairs.iter().map(|(name, value)| (name.as_str().into(), value.as_str().into())).collect();
        let samples = samples_of(&event, 1).unwrap();
        prop_assert_eq!(read_back(&samples), [Version { event, revision: 1 }]);
    }
}
