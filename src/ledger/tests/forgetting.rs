//! What is forgotten is gone, coverage and cursors included.

use super::{
    Folder, all_events, at, batch, commit, commits, deployment, event, flush, incident, memory,
    range, verdict,
};
use crate::ledger::{Batch, Forget, SourceStats};
use crate::model::{Body, Commit, Coverage, Cursor, Event, EventKind, SourceName, TimeRange};

#[test]
fn coverage_joins_and_is_forgotten_with_the_cursor() {
    let ledger = memory();
    let source: SourceName = "git".into();
    let cover = |covered: TimeRange| {
        ledger
            .store(&Batch {
                covered: Some(covered),
                checkpoint: Some(Cursor("next".into())),
                ..batch("git", commits("git", "github.com/acme/shop", 1..3))
            })
            .unwrap();
    };
    cover(range(0, 10));
    cover(range(20, 30));
    assert_eq!(
        ledger.coverage(&source).unwrap().ranges(),
        [range(0, 10), range(20, 30)]
    );
    cover(range(10, 20));
    assert_eq!(ledger.coverage(&source).unwrap().ranges(), [range(0, 30)]);
    ledger.void_coverage(&source).unwrap();
    assert_eq!(ledger.coverage(&source).unwrap(), Coverage::default());
    assert_eq!(ledger.cursor(&source).unwrap(), None);
    assert_eq!(all_events(&ledger).len(), 2);
    cover(TimeRange::always());
    assert!(
        ledger
            .coverage(&source)
            .unwrap()
            .covers(TimeRange::always())
    );
}

fn holds(folder: &Folder, text: &str) -> bool {
    std::fs::read_dir(folder.0.path()).unwrap().any(|file| {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    })
}

#[test]
fn a_forgotten_person_is_gone_from_the_file_and_its_log() {
    let folder = Folder::new();
    let ledger = folder.open();
    let by = |author: &str, start: u64| {
        let body = Body::Commit(Commit {
            author: Some(author.into()),
            message: (start == 7).then(|| "Change it".into()),
            ..commit("github.com/acme/shop", start)
        });
        event("git", "", body)
    };
    let events: Vec<_> = (1..500).map(|start| by("Ada Lovelace", start)).collect();
    ledger.store(&batch("git", events)).unwrap();
    ledger
        .store(&batch("git", vec![by("Grace Hopper", 900)]))
        .unwrap();
    // Two sources that differ: the name also stands in a version.
    let mut from_host = by("Ada Lovelace", 7);
    from_host.source = "host".into();
    from_host.url = Some("https://example.org/7".into());
    ledger.store(&batch("host", vec![from_host])).unwrap();
    let spoken = event(
        "people",
        "v-1",
        Body::Verdict(verdict("d-1", "Ada Lovelace")),
    );
    ledger.store(&batch("people", vec![spoken])).unwrap();
    assert!(holds(&folder, "Ada Lovelace"));

    let changed = ledger
        .forget(&Forget::Person("Ada Lovelace".into()))
        .unwrap();
    assert_eq!(changed, 500);
    assert!(!holds(&folder, "Ada Lovelace"));
    assert!(holds(&folder, "Grace Hopper"));
    let events = all_events(&ledger);
    assert_eq!(events.len(), 501);
    let named = events.iter().filter(|event| match &event.body {
        Body::Commit(commit) => commit.author.is_some(),
        _ => false,
    });
    assert_eq!(named.count(), 1);
    assert_eq!(
        ledger
            .forget(&Forget::Person("Ada Lovelace".into()))
            .unwrap(),
        0
    );
}

#[test]
fn a_forgotten_source_leaves_what_others_said_and_they_are_read_again() {
    let folder = Folder::new();
    let ledger = folder.open();
    let store = |source: &str, events: Vec<Event>| {
        ledger
            .store(&Batch {
                covered: Some(range(0, 10)),
                checkpoint: Some(Cursor("c".into())),
                ..batch(source, events)
            })
            .unwrap()
    };
    let with_branch = |source: &str, start: u64| {
        let body = Body::Commit(Commit {
            branch: Some("secret-branch".into()),
            ..commit("github.com/acme/shop", start)
        });
        event(source, "", body)
    };
    let with_message = |source: &str, start: u64| {
        let body = Body::Commit(Commit {
            message: Some("Change".into()),
            ..commit("github.com/acme/shop", start)
        });
        event(source, "", body)
    };
    store(
        "clone",
        vec![with_message("clone", 5), with_message("clone", 6)],
    );
    store("host", vec![with_branch("host", 6), with_branch("host", 7)]);
    store(
        "tickets",
        vec![event("tickets", "OPS-1", Body::Incident(incident(5)))],
    );
    store(
        "cd",
        vec![event(
            "cd",
            "d-1",
            Body::Deployment(deployment("shop", Some(7), 9)),
        )],
    );
    assert_eq!(ledger.claims().unwrap().len(), 1);

    assert_eq!(ledger.forget(&Forget::Source("host".into())).unwrap(), 2);
    assert!(!holds(&folder, "secret-branch"));
    let left: Vec<_> = all_events(&ledger)
        .into_iter()
        .map(|event| event.id)
        .collect();
    let natural = |start| {
        Body::Commit(commit("github.com/acme/shop", start))
            .natural_id()
            .unwrap()
    };
    assert_eq!(left, [natural(5), natural(6), "d-1".into(), "OPS-1".into()]);
    assert_eq!(all_events(&ledger)[1], with_message("clone", 6));
    assert_eq!(ledger.claims().unwrap(), []);
    for (source, covered) in [("host", false), ("clone", false), ("tickets", true)] {
        let source = source.into();
        assert_eq!(
            ledger.coverage(&source).unwrap() != Coverage::default(),
            covered
        );
        assert_eq!(ledger.cursor(&source).unwrap().is_some(), covered);
    }
    assert_eq!(
        ledger.stats(&"host".into()).unwrap(),
        SourceStats::default()
    );
    assert_eq!(
        ledger.stats(&"clone".into()).unwrap().events,
        [(EventKind::Commit, 2)]
    );
    // What comes again is stored again.
    assert_eq!(store("host", vec![with_branch("host", 7)]).new, 1);
    assert_eq!(ledger.claims().unwrap().len(), 1);
}

#[test]
fn what_is_older_than_wanted_goes_with_its_coverage() {
    let folder = Folder::new();
    let ledger = folder.open();
    ledger
        .store(&Batch {
            covered: Some(range(0, 100)),
            ..batch("git", commits("git", "github.com/acme/shop", 1..100))
        })
        .unwrap();
    flush(&ledger);
    assert_eq!(ledger.forget(&Forget::Before(at(60))).unwrap(), 59);
    assert_eq!(
        ledger.coverage(&"git".into()).unwrap(),
        Coverage::of(range(60, 100))
    );
    assert_eq!(all_events(&ledger).len(), 40);
    assert_eq!(
        ledger.stats(&"git".into()).unwrap().times,
        Some((at(60), at(99)))
    );
    ledger
        .store(&batch(
            "git",
            commits("git", "github.com/acme/shop", 1..100),
        ))
        .unwrap();
    assert_eq!(all_events(&ledger).len(), 99);
}
