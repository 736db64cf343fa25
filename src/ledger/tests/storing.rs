//! Events as they are stored, merged and read back.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::TimeDelta;
use rusqlite::Connection;

use super::{
    Folder, all_events, all_subjects, at, batch, build, commit, commits, deployment, event, flush,
    incident, memory, one_of_each_kind, range, sorted,
};
use crate::ledger::{Batch, Depth, LedgerError, SourceStats, Stored};
use crate::model::{
    Body, Commit, CommitHash, Coverage, Cursor, Deployment, Event, EventId, EventKind, Incident,
    Outcome, Subject,
};

#[test]
fn events_of_every_kind_are_read_back_as_they_were_stored() {
    let ledger = memory();
    let events = one_of_each_kind();
    let stored = ledger.store(&batch("all", events.clone())).unwrap();
    assert_eq!((stored.new, stored.changed), (7, 0));
    assert!(stored.assignment_changed);
    assert_eq!(all_events(&ledger), sorted(events.clone()));
    for event in events {
        let found = ledger.events(&[(event.body.kind(), event.key())]).unwrap();
        assert_eq!(found, std::slice::from_ref(&event));
        assert_eq!(
            ledger.subjects_of(&event.id).unwrap(),
            ledger
                .subjects()
                .unwrap()
                .into_iter()
                .filter(|(_, subject)| *subject == Subject::of(&event.source, &event.body))
                .map(|(id, _)| id)
                .collect::<Vec<_>>()
        );
    }
}

#[test]
fn columns_leave_out_what_only_people_read() {
    let ledger = memory();
    ledger.store(&batch("all", one_of_each_kind())).unwrap();
    let expected: Vec<_> = sorted(one_of_each_kind())
        .into_iter()
        .map(|mut event| {
            event.url = None;
            match &mut event.body {
                Body::Commit(commit) => commit.message = None,
                Body::PullRequest(request) => request.title = None,
                Body::Incident(incident) => incident.title = None,
                Body::Verdict(verdict) => verdict.reason = None,
                Body::Build(_) | Body::Deployment(_) | Body::Release(_) => {}
            }
            event
        })
        .collect();
    let columns = ledger
        .events_of(&all_subjects(&ledger), Depth::Columns)
        .unwrap();
    assert_eq!(sorted(columns), expected);
}

/// Makes events of views again.
#[derive(Default)]
struct Collected(Vec<Event>);

impl crate::model::Collect for Collected {
    fn commit(&mut self, view: crate::model::CommitView<'_>) {
        let natural = EventId::of_commit(view.repository, &view.hash);
        self.0.push(Event {
            id: view.own_id.map_or(natural, EventId::from),
            source: view.source.clone(),
            url: None,
            body: Body::Commit(Commit {
                repository: view.repository.clone(),
                hash: view.hash,
                parents: view.parents.iter().copied().collect(),
                authored_at: view.authored_at,
                committed_at: view.committed_at,
                author: view.author.cloned(),
                branch: None,
                default_branch: view.default_branch,
                message: None,
                reverts: view.reverts.iter().copied().collect(),
                picked_from: None,
                pull_request: view.pull_request,
                paths: view.paths.to_vec(),
            }),
        });
    }

    fn event(&mut self, event: Event) {
        self.0.push(event);
    }
}

#[test]
fn what_is_collected_is_what_was_stored_but_for_what_nobody_computes_with() {
    let ledger = memory();
    let mut named = one_of_each_kind().remove(0);
    named.id = "commit-of-an-own-name".into();
    if let Body::Commit(commit) = &mut named.body {
        commit.hash = CommitHash::from_bytes(&[9; 20]).unwrap();
    }
    let mut stored = one_of_each_kind();
    stored.push(named);
    ledger.store(&batch("all", stored)).unwrap();
    let mut collected = Collected::default();
    ledger
        .collect(&all_subjects(&ledger), &mut collected)
        .unwrap();
    let mut expected = ledger
        .events_of(&all_subjects(&ledger), Depth::Columns)
        .unwrap();
    for event in &mut expected {
        if let Body::Commit(commit) = &mut event.body {
            (commit.branch, commit.picked_from) = (None, None);
        }
    }
    assert_eq!(expected.len(), one_of_each_kind().len() + 1);
    assert_eq!(sorted(collected.0), sorted(expected));
}

#[test]
fn storing_twice_changes_nothing() {
    let folder = Folder::new();
    let ledger = folder.open();
    let first = batch("all", one_of_each_kind());
    ledger.store(&first).unwrap();
    let revisions = revisions(&folder.file());
    let second = ledger
        .store(&Batch {
            at: at(2_000_000),
            ..first
        })
        .unwrap();
    assert_eq!(second, Stored::default());
    assert_eq!(self::revisions(&folder.file()), revisions);
}

fn revisions(file: &Path) -> Vec<(i64, i64)> {
    let connection = Connection::open(file).unwrap();
    let mut statement = connection
        .prepare("SELECT id, revision FROM event ORDER BY id")
        .unwrap();
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn a_part_of_a_millisecond_is_no_new_version() {
    let ledger = memory();
    let body = Body::Commit(Commit {
        committed_at: at(5) + TimeDelta::nanoseconds(1_500_001),
        ..commit("github.com/acme/shop", 5)
    });
    let page = batch("git", vec![event("git", "", body)]);
    ledger.store(&page).unwrap();
    assert_eq!(ledger.store(&page).unwrap(), Stored::default());
    assert_eq!(
        all_events(&ledger)[0].body.time(),
        at(5) + TimeDelta::milliseconds(1)
    );
}

#[test]
fn a_settled_version_wins_and_keeps_what_it_lacks() {
    let ledger = memory();
    let running = Deployment {
        outcome: Outcome::Running,
        finished_at: None,
        version: Some("1.2".into()),
        ..deployment("shop", None, 100)
    };
    let done = deployment("shop", Some(5), 100);
    let store = |body: &Deployment| {
        let events = vec![event("cd", "d-1", Body::Deployment(body.clone()))];
        ledger.store(&batch("cd", events)).unwrap()
    };
    store(&running);
    assert_eq!(ledger.unfinished(&"cd".into()).unwrap(), ["d-1".into()]);
    assert_eq!(store(&done).changed, 1);
    assert_eq!(ledger.unfinished(&"cd".into()).unwrap(), []);
    // A late report of the running state changes nothing any more.
    assert_eq!(store(&running).changed, 0);
    let merged = Deployment {
        version: Some("1.2".into()),
        ..done
    };
    assert_eq!(all_events(&ledger)[0].body, Body::Deployment(merged));
}

#[test]
fn a_later_update_of_an_incident_wins() {
    let ledger = memory();
    let open = |updated: i64, severity: &str| {
        let body = Body::Incident(Incident {
            updated_at: Some(at(updated)),
            severity: Some(severity.into()),
            ..incident(100)
        });
        ledger
            .store(&batch("jira", vec![event("jira", "OPS-1", body)]))
            .unwrap();
    };
    open(300, "low");
    open(200, "high");
    let Body::Incident(kept) = &all_events(&ledger)[0].body else {
        panic!("an incident was stored")
    };
    assert_eq!(kept.severity.as_deref(), Some("low"));
}

#[test]
fn an_event_that_two_sources_report_is_one_and_has_one_subject() {
    let ledger = memory();
    let from_clone = event("clone", "", Body::Commit(commit("github.com/acme/shop", 5)));
    let mut from_host = event(
        "host",
        "",
        Body::Commit(Commit {
            branch: Some("main".into()),
            ..commit("github.com/acme/shop", 5)
        }),
    );
    from_host.url = Some("https://github.com/acme/shop/commit/5".into());
    ledger
        .store(&batch("clone", vec![from_clone.clone()]))
        .unwrap();
    ledger.store(&batch("host", vec![from_host])).unwrap();
    let events = all_events(&ledger);
    assert_eq!(events.len(), 1);
    let subjects = ledger.subjects().unwrap();
    assert_eq!(subjects.len(), 1);
    assert_eq!(
        subjects[0].1,
        Subject::of(&events[0].source, &events[0].body)
    );
    assert_eq!(
        ledger.stats(&events[0].source).unwrap().events,
        [(EventKind::Commit, 1)]
    );
}

#[test]
fn two_commits_that_share_a_key_stay_two() {
    let ledger = memory();
    let mut twin = commit("github.com/acme/shop", 5);
    // The first eight bytes are free: they make up for what the others differ by.
    let mut bytes = [9; 20];
    bytes[..8].fill(0);
    let apart = CommitHash::from_bytes(&bytes).unwrap().key() ^ twin.hash.key();
    bytes[..8].copy_from_slice(&apart.to_be_bytes());
    twin.hash = CommitHash::from_bytes(&bytes).unwrap();
    let events = vec![
        event("git", "", Body::Commit(commit("github.com/acme/shop", 5))),
        event("git", "", Body::Commit(twin)),
        event("git", "", Body::Commit(commit("github.com/fork/shop", 5))),
    ];
    let key = (EventKind::Commit, events[0].key());
    for event in &events {
        ledger.store(&batch("git", vec![event.clone()])).unwrap();
    }
    assert_eq!(sorted(ledger.events(&[key, key]).unwrap()), sorted(events));
}

#[test]
fn a_page_that_fails_half_way_leaves_neither_events_nor_cursor() {
    let folder = Folder::new();
    let ledger = folder.open();
    let other = Connection::open(folder.file()).unwrap();
    other
        .execute_batch(
            "CREATE TRIGGER fail BEFORE INSERT ON event WHEN NEW.natural_id = 'bad'
             BEGIN SELECT RAISE(ABORT, 'the disk has had enough'); END",
        )
        .unwrap();
    let mut events = commits("git", "github.com/acme/shop", 1..50);
    events.push(event(
        "git",
        "bad",
        Body::Deployment(deployment("shop", Some(5), 100)),
    ));
    let page = Batch {
        checkpoint: Some(Cursor("page 2".into())),
        covered: Some(range(0, 100)),
        ..batch("git", events)
    };
    let error = ledger.store(&page).unwrap_err();
    assert!(
        matches!(error, LedgerError::Unavailable { step: "write", .. }),
        "{error:?}"
    );
    assert_eq!(all_events(&ledger), []);
    assert_eq!(ledger.cursor(&"git".into()).unwrap(), None);
    assert_eq!(ledger.coverage(&"git".into()).unwrap(), Coverage::default());
    other.execute_batch("DROP TRIGGER fail").unwrap();
    assert_eq!(ledger.store(&page).unwrap().new, 50);
    assert_eq!(all_events(&ledger).len(), 50);
    assert_eq!(
        ledger.cursor(&"git".into()).unwrap(),
        Some(Cursor("page 2".into()))
    );
}

#[test]
fn events_are_found_wherever_their_keys_stand() {
    let folder = Folder::new();
    let events = one_of_each_kind();
    let ledger = folder.open();
    ledger.store(&batch("all", events.clone())).unwrap();
    flush(&ledger);
    let more = commits("git", "github.com/acme/shop", 100..1_200);
    ledger.store(&batch("git", more.clone())).unwrap();
    let expected = sorted(events.into_iter().chain(more).collect());
    assert_eq!(all_events(&ledger), expected);
    flush(&ledger);
    for again in [ledger, folder.open_after_drop()] {
        assert_eq!(all_events(&again), expected);
        let keys: Vec<_> = expected
            .iter()
            .map(|event| (event.body.kind(), event.key()))
            .collect();
        assert_eq!(sorted(again.events(&keys).unwrap()), expected);
        // A large page asks the filter first.
        assert_eq!(
            again.store(&batch("git", expected.clone())).unwrap(),
            Stored {
                ..Stored::default()
            }
        );
    }
}

#[test]
fn an_event_that_changes_its_subject_is_read_with_the_new_one_only() {
    let ledger = memory();
    let store = |environment: Option<&str>| {
        let body = Body::Deployment(Deployment {
            environment: environment.map(Into::into),
            ..deployment("shop", Some(5), 100)
        });
        ledger
            .store(&batch("cd", vec![event("cd", "d-1", body)]))
            .unwrap()
    };
    store(None);
    flush(&ledger);
    let before = all_subjects(&ledger);
    let stored = store(Some("production"));
    let after = all_subjects(&ledger);
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_ne!(before, after);
    assert!(stored.assignment_changed);
    assert_eq!(stored.subjects, BTreeSet::from([before[0], after[0]]));
    assert_eq!(ledger.events_of(&before, Depth::Whole).unwrap(), []);
    assert_eq!(ledger.events_of(&after, Depth::Whole).unwrap().len(), 1);
}

#[test]
fn a_page_without_a_checkpoint_leaves_the_cursor() {
    let ledger = memory();
    let page = batch("git", Vec::new());
    ledger
        .store(&Batch {
            checkpoint: Some(Cursor("7".into())),
            ..page.clone()
        })
        .unwrap();
    ledger.store(&page).unwrap();
    assert_eq!(
        ledger.cursor(&"git".into()).unwrap(),
        Some(Cursor("7".into()))
    );
}

#[test]
fn a_source_is_counted_by_kind_with_the_times_of_its_events() {
    let ledger = memory();
    let mut events = commits("git", "github.com/acme/shop", 3..6);
    events.push(event(
        "git",
        "b-1",
        Body::Build(build("github.com/acme/shop", 5, "a")),
    ));
    ledger.store(&batch("git", events)).unwrap();
    assert_eq!(
        ledger.stats(&"git".into()).unwrap(),
        SourceStats {
            events: vec![(EventKind::Commit, 3), (EventKind::Build, 1)],
            times: Some((at(3), at(20))),
            read_at: Some(at(1_000_000)),
        }
    );
    assert_eq!(
        ledger.stats(&"other".into()).unwrap(),
        SourceStats::default()
    );
}
