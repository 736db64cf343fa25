//! The ledger through its public entry.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use rusqlite::Connection;
use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::*;
use crate::model::{
    Body, Build, Commit, CommitHash, Coverage, Deployment, EventKey, Incident, Labels, Outcome,
    PullRequest, Release, Repository, Statement, Subject, Verdict,
};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
}

fn range(start: i64, end: i64) -> TimeRange {
    TimeRange::new(at(start), at(end))
}

/// A hash that begins with these eight bytes.
fn hash(start: u64) -> CommitHash {
    let mut bytes = [7; 20];
    bytes[..8].copy_from_slice(&start.to_be_bytes());
    CommitHash::from_bytes(&bytes).unwrap()
}

fn event(source: &str, id: &str, body: Body) -> Event {
    Event {
        id: body
            .natural_id()
            .filter(|_| id.is_empty())
            .unwrap_or_else(|| id.into()),
        source: source.into(),
        url: None,
        body,
    }
}

fn commit(repository: &str, start: u64) -> Commit {
    Commit {
        repository: repository.into(),
        hash: hash(start),
        parents: [hash(start - 1)].into_iter().collect(),
        authored_at: None,
        committed_at: at(start as i64),
        author: None,
        branch: None,
        default_branch: false,
        message: None,
        reverts: Default::default(),
        picked_from: None,
        pull_request: None,
        paths: Vec::new(),
    }
}

fn commits(source: &str, repository: &str, starts: std::ops::Range<u64>) -> Vec<Event> {
    starts
        .map(|start| event(source, "", Body::Commit(commit(repository, start))))
        .collect()
}

fn deployment(application: &str, commit: Option<u64>, finished: i64) -> Deployment {
    Deployment {
        application: Some(application.into()),
        environment: Some("production".into()),
        commit: commit.map(hash),
        started_at: Some(at(finished - 60)),
        finished_at: Some(at(finished)),
        ..Deployment::default()
    }
}

fn incident(opened: i64) -> Incident {
    Incident {
        application: Some("shop".into()),
        environment: None,
        repository: None,
        project: Some("OPS".into()),
        components: vec!["checkout".into()],
        opened_at: at(opened),
        resolved_at: None,
        updated_at: None,
        severity: Some("high".into()),
        user_facing: true,
        title: Some("Checkout is slow".into()),
        labels: Labels::from_names(["sev1"]),
        duplicate_of: None,
        deployment: None,
        commit: None,
    }
}

fn verdict(target: &str, author: &str) -> Verdict {
    Verdict {
        target: target.into(),
        statement: Statement::Failed,
        cause: None,
        author: Some(author.into()),
        at: at(900),
        reason: Some("It was down".into()),
    }
}

fn build(repository: &str, commit: u64, image: &str) -> Build {
    Build {
        repository: repository.into(),
        commit: hash(commit),
        pipeline: Some("release".into()),
        started_at: Some(at(10)),
        finished_at: Some(at(20)),
        outcome: Outcome::Succeeded,
        images: vec![image.into()],
        tags: vec!["v1".into()],
    }
}

fn one_of_each_kind() -> Vec<Event> {
    let whole_commit = Commit {
        parents: [hash(1), hash(2)].into_iter().collect(),
        authored_at: Some(at(3)),
        author: Some("Ada".into()),
        branch: Some("main".into()),
        default_branch: true,
        message: Some("Sell \"more\"".into()),
        reverts: [hash(1)].into_iter().collect(),
        picked_from: Some(hash(2)),
        pull_request: Some(12),
        paths: vec!["shop/cart.rs".into()],
        ..commit("github.com/acme/shop", 5)
    };
    let request = PullRequest {
        repository: "github.com/acme/shop".into(),
        number: 12,
        head: Some(hash(4)),
        head_branch: Some("hotfix/cart".into()),
        base: Some("main".into()),
        merge_commit: None,
        squash_commit: Some(hash(5)),
        commits: vec![hash(3), hash(4)],
        opened_at: Some(at(1)),
        first_commit_at: Some(at(0)),
        first_review_at: Some(at(2)),
        approved_at: Some(at(3)),
        merged_at: Some(at(4)),
        closed_at: Some(at(4)),
        author: Some("Ada".into()),
        labels: Labels::from_names(["hotfix"]),
        title: Some("Mend the cart".into()),
        bot: false,
        reverts: Some(11),
    };
    let whole_deployment = Deployment {
        cluster: Some("eu".into()),
        namespace: Some("shop-prod".into()),
        workload: Some("web".into()),
        repository: None,
        outcome: Outcome::Failed,
        images: vec!["quay.io/acme/shop:1@sha256:ab".into()],
        version: Some("1.2".into()),
        revision: Some("7".into()),
        labels: Labels::from_names(["canary"]),
        rollback: true,
        fixes: Some("OPS-1".into()),
        ..deployment("shop", Some(5), 100)
    };
    let whole_incident = Incident {
        environment: Some("production".into()),
        repository: Some("github.com/acme/shop".into()),
        resolved_at: Some(at(300)),
        updated_at: Some(at(400)),
        duplicate_of: Some("OPS-1".into()),
        deployment: Some("1.2".into()),
        commit: Some(hash(5)),
        ..incident(200)
    };
    let release = Release {
        repository: "github.com/acme/shop".into(),
        tag: "v1".into(),
        commit: hash(5),
        tagged_at: Some(at(6)),
        published_at: Some(at(7)),
        prerelease: true,
    };
    let whole_verdict = Verdict {
        cause: Some("d-1".into()),
        ..verdict("OPS-2", "Grace")
    };
    let mut events = vec![
        event("all", "", Body::Commit(whole_commit)),
        event("all", "", Body::PullRequest(request)),
        event(
            "all",
            "b-1",
            Body::Build(build("github.com/acme/shop", 5, "acme/shop@sha256:ab")),
        ),
        event("all", "d-1", Body::Deployment(whole_deployment)),
        event("all", "OPS-2", Body::Incident(whole_incident)),
        event("all", "", Body::Release(release)),
        event("all", "v-1", Body::Verdict(whole_verdict)),
    ];
    for event in &mut events {
        event.url = Some(format!("https://example.org/{}", event.id).into());
    }
    events
}

fn batch(source: &str, events: Vec<Event>) -> Batch {
    Batch {
        source: source.into(),
        events,
        checkpoint: None,
        covered: None,
        at: at(1_000_000),
    }
}

fn memory() -> Ledger {
    Ledger::open(&Location::Memory).unwrap().0
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("pelorus.db")
    }

    fn open(&self) -> Ledger {
        let (ledger, notices) = self.try_open().unwrap();
        assert_eq!(notices, []);
        ledger
    }

    fn try_open(&self) -> Result<(Ledger, Vec<crate::model::Notice>), LedgerError> {
        Ledger::open(&Location::File(self.file()))
    }
}

fn all_subjects(ledger: &Ledger) -> Vec<SubjectId> {
    ledger
        .subjects()
        .unwrap()
        .into_iter()
        .map(|(id, _)| id)
        .collect()
}

fn all_events(ledger: &Ledger) -> Vec<Event> {
    let mut events = ledger
        .events_of(&all_subjects(ledger), Depth::Whole)
        .unwrap();
    events.sort_by(|a, b| (a.body.kind(), &a.id).cmp(&(b.body.kind(), &b.id)));
    events
}

fn sorted(mut events: Vec<Event>) -> Vec<Event> {
    events.sort_by(|a, b| (a.body.kind(), &a.id).cmp(&(b.body.kind(), &b.id)));
    events
}

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
fn a_full_disk_is_told_and_loses_nothing() {
    let folder = Folder::new();
    let ledger = folder.open();
    ledger
        .store(&batch("git", commits("git", "github.com/acme/shop", 1..50)))
        .unwrap();
    limit_pages(&ledger, "(SELECT page_count FROM pragma_page_count)");
    let error = ledger
        .store(&batch(
            "git",
            commits("git", "github.com/acme/shop", 50..5_000),
        ))
        .unwrap_err();
    assert!(
        crate::error::chain(&error).contains("full"),
        "{}",
        crate::error::chain(&error)
    );
    assert_eq!(all_events(&ledger).len(), 49);
    limit_pages(&ledger, "1000000");
    ledger
        .store(&batch(
            "git",
            commits("git", "github.com/acme/shop", 50..5_000),
        ))
        .unwrap();
    assert_eq!(all_events(&ledger).len(), 4_999);
}

fn limit_pages(ledger: &Ledger, pages: &str) {
    let writer = ledger.writer().unwrap();
    let connection = &writer.reader.connection;
    let pages: i64 = connection
        .query_row(&format!("SELECT {pages}"), [], |row| row.get(0))
        .unwrap();
    connection
        .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
        .unwrap();
}

#[test]
fn a_ledger_is_whole_after_it_was_opened_again() {
    let folder = Folder::new();
    let key = {
        let ledger = folder.open();
        ledger
            .store(&Batch {
                checkpoint: Some(Cursor("c".into())),
                covered: Some(range(0, 10)),
                ..batch("all", one_of_each_kind())
            })
            .unwrap();
        ledger.remember("etag", b"abc").unwrap();
        ledger.pseudonym_key().unwrap().expose_secret().to_vec()
    };
    let ledger = folder.open();
    assert_eq!(all_events(&ledger), sorted(one_of_each_kind()));
    assert_eq!(
        ledger.cursor(&"all".into()).unwrap(),
        Some(Cursor("c".into()))
    );
    assert_eq!(
        ledger.coverage(&"all".into()).unwrap(),
        Coverage::of(range(0, 10))
    );
    assert_eq!(ledger.recall("etag").unwrap(), Some(b"abc".to_vec()));
    assert_eq!(ledger.recall("other").unwrap(), None);
    assert_eq!(ledger.pseudonym_key().unwrap().expose_secret(), key);
    assert_eq!(key.len(), 32);
    assert_eq!(
        ledger.store(&batch("all", one_of_each_kind())).unwrap(),
        Stored::default()
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

impl Folder {
    /// A copy of the files as a crash would leave them, opened.
    fn open_after_drop(&self) -> Ledger {
        let copy = self.0.path().join("copy.db");
        for suffix in ["", "-wal"] {
            let from = format!("{}{suffix}", self.file().display());
            std::fs::copy(from, format!("{}{suffix}", copy.display())).unwrap();
        }
        Ledger::open(&Location::File(copy)).unwrap().0
    }
}

fn flush(ledger: &Ledger) {
    ledger
        .flush_long_tail(&mut ledger.writer().unwrap(), 0)
        .unwrap();
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
fn a_newer_ledger_is_refused_with_what_to_do() {
    let folder = Folder::new();
    drop(folder.open());
    Connection::open(folder.file())
        .unwrap()
        .execute_batch("PRAGMA user_version = 99")
        .unwrap();
    let error = folder.try_open().err().unwrap();
    assert!(
        matches!(error, LedgerError::Newer { found: 99, .. }),
        "{error:?}"
    );
    assert!(
        error
            .to_string()
            .contains("use that version, or another ledger")
    );
}

#[test]
fn a_file_of_another_program_is_refused_and_left_alone() {
    let folder = Folder::new();
    Connection::open(folder.file())
        .unwrap()
        .execute_batch("CREATE TABLE notes (text); INSERT INTO notes VALUES ('mine')")
        .unwrap();
    let before = std::fs::read(folder.file()).unwrap();
    let error = folder.try_open().err().unwrap();
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error:?}");
    assert_eq!(std::fs::read(folder.file()).unwrap(), before);

    std::fs::write(folder.file(), "these are no tables".repeat(100)).unwrap();
    let error = folder.try_open().err().unwrap();
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error:?}");
}

#[test]
fn a_folder_in_place_of_a_file_and_a_missing_disk_are_unavailable() {
    let folder = Folder::new();
    std::fs::create_dir(folder.file()).unwrap();
    let error = folder.try_open().err().unwrap();
    assert!(
        matches!(error, LedgerError::Unavailable { .. }),
        "{error:?}"
    );
    let below_a_device = Location::File("/dev/null/pelorus.db".into());
    let error = Ledger::open(&below_a_device).err().unwrap();
    assert!(
        matches!(error, LedgerError::Unavailable { .. }),
        "{error:?}"
    );
}

/// A closed ledger of several pages, as bytes.
fn closed_ledger(folder: &Folder) -> Vec<u8> {
    let ledger = folder.open();
    let mut events = commits("git", "github.com/acme/shop", 1..400);
    events.extend(one_of_each_kind());
    ledger.store(&batch("git", events)).unwrap();
    flush(&ledger);
    drop(ledger);
    std::fs::read(folder.file()).unwrap()
}

fn read_everything(folder: &Folder) -> Result<usize, LedgerError> {
    let ledger = folder.try_open()?.0;
    let subjects: Vec<_> = ledger.subjects()?.into_iter().map(|(id, _)| id).collect();
    ledger.references()?;
    ledger.unfinished(&"git".into())?;
    ledger.stats(&"git".into())?;
    ledger.coverage(&"git".into())?;
    ledger.claims()?;
    let events = ledger.events_of(&subjects, Depth::Whole)?;
    ledger.store(&batch(
        "git",
        commits("git", "github.com/acme/shop", 390..410),
    ))?;
    Ok(events.len())
}

#[test]
fn a_ledger_whose_pages_are_overwritten_says_damaged() {
    let folder = Folder::new();
    let bytes = closed_ledger(&folder);
    let mut damaged = bytes.clone();
    for byte in &mut damaged[4096..] {
        *byte = !*byte;
    }
    std::fs::write(folder.file(), &damaged).unwrap();
    let error = read_everything(&folder).unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error:?}");
    assert_eq!(std::fs::read(folder.file()).unwrap().len(), damaged.len());

    std::fs::write(folder.file(), &bytes[..bytes.len() / 2]).unwrap();
    let error = read_everything(&folder).unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error:?}");
}

#[test]
fn a_ledger_that_was_read_and_closed_is_one_file() {
    let folder = Folder::new();
    let ledger = folder.open();
    ledger.store(&batch("all", one_of_each_kind())).unwrap();
    assert_eq!(all_events(&ledger).len(), one_of_each_kind().len());
    drop(ledger);
    let log = folder.file().with_extension("db-wal");
    assert!(!log.exists(), "{}", log.display());
}

#[test]
fn an_event_that_is_not_what_was_written_is_damage() {
    let changes = [
        "time = time + 1",
        "began = coalesce(began, 0) + 1",
        "ended = coalesce(ended, 0) + 1",
        "commit_hash = zeroblob(20)",
        "parents = zeroblob(20)",
        "natural_id = 'another'",
        "body = replace(body, 'a', 'b')",
        "title = 'another'",
        "url = 'https://another.example'",
    ];
    let folder = Folder::new();
    let bytes = closed_ledger(&folder);
    for change in changes {
        std::fs::write(folder.file(), &bytes).unwrap();
        let connection = rusqlite::Connection::open(folder.file()).unwrap();
        connection
            .execute(&format!("UPDATE event SET {change}"), [])
            .unwrap();
        drop(connection);
        let error = read_everything(&folder).unwrap_err();
        assert!(
            matches!(error, LedgerError::Damaged { .. }),
            "{change}: {error:?}"
        );
    }
}

#[test]
fn events_of_an_older_ledger_have_no_checksum_and_are_read() {
    let folder = Folder::new();
    closed_ledger(&folder);
    let wanted = read_everything(&folder).unwrap();
    let connection = rusqlite::Connection::open(folder.file()).unwrap();
    connection
        .execute_batch("ALTER TABLE event DROP COLUMN checksum; PRAGMA user_version = 1")
        .unwrap();
    drop(connection);
    // The first reading stored ten more.
    assert_eq!(read_everything(&folder).unwrap(), wanted + 10);
}

#[test]
fn a_flipped_bit_anywhere_never_panics() {
    let folder = Folder::new();
    let bytes = closed_ledger(&folder);
    let mut seen_damaged = 0;
    for at in (0..bytes.len()).step_by(211) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        std::fs::write(folder.file(), &damaged).unwrap();
        // Another test's child holds every lock of this process for a moment, between its fork and its exec.
        let read = loop {
            match read_everything(&folder) {
                Err(LedgerError::ReadOnly { .. }) => std::thread::yield_now(),
                read => break read,
            }
        };
        match read {
            Err(LedgerError::Damaged { .. }) => seen_damaged += 1,
            Ok(_)
            | Err(
                LedgerError::ReadOnly { .. }
                | LedgerError::Newer { .. }
                | LedgerError::Unavailable { .. }
                | LedgerError::Locked { .. },
            ) => {}
        }
    }
    assert!(seen_damaged > 0);
}

#[test]
fn a_second_owner_reads_only_and_sees_what_the_first_stores() {
    let folder = Folder::new();
    let owner = folder.open();
    owner.store(&batch("all", one_of_each_kind())).unwrap();
    let (second, notices) = folder.try_open().unwrap();
    assert!(second.is_read_only() && !owner.is_read_only());
    assert!(notices[0].text.contains("owns it"), "{notices:?}");
    let error = second.store(&batch("all", Vec::new())).unwrap_err();
    assert!(matches!(error, LedgerError::ReadOnly { .. }), "{error:?}");
    assert!(second.forget(&Forget::Person("Ada".into())).is_err());
    assert!(second.remember("a", b"b").is_err());
    assert!(second.void_coverage(&"all".into()).is_err());
    assert_eq!(all_events(&second), sorted(one_of_each_kind()));
    owner
        .store(&batch(
            "git",
            commits("git", "github.com/acme/shop", 100..150),
        ))
        .unwrap();
    assert_eq!(all_events(&second).len(), 57);
    flush(&owner);
    owner
        .store(&batch(
            "git",
            commits("git", "github.com/acme/shop", 150..200),
        ))
        .unwrap();
    assert_eq!(all_events(&second).len(), 107);
    let key = (EventKind::Commit, EventKey::of_commit(&hash(175)));
    assert_eq!(second.events(&[key]).unwrap().len(), 1);
    drop(owner);
    assert!(!folder.open().is_read_only());
}

#[cfg(unix)]
#[test]
fn only_its_owner_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let _ledger = folder.open();
    for suffix in ["", "-wal"] {
        let file = format!("{}{suffix}", folder.file().display());
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

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
fn a_deployment_claims_the_repository_of_its_commit_whichever_comes_first() {
    let deployed = event(
        "cd",
        "d-1",
        Body::Deployment(deployment("shop", Some(5), 100)),
    );
    let shop = event("git", "", Body::Commit(commit("github.com/acme/shop", 5)));
    let fork = event("git", "", Body::Commit(commit("github.com/fork/shop", 5)));
    let stranger = event("git", "", Body::Commit(commit("github.com/acme/other", 6)));
    for order in [[0, 1, 2, 3], [1, 0, 2, 3], [3, 2, 1, 0], [2, 3, 0, 1]] {
        let ledger = memory();
        let mut changes = 0;
        for at in order {
            let event = [&deployed, &shop, &fork, &stranger][at].clone();
            flush(&ledger);
            let stored = ledger.store(&batch("any", vec![event])).unwrap();
            changes += u32::from(stored.assignment_changed);
        }
        let claims = ledger.claims().unwrap();
        let repositories: Vec<_> = claims
            .iter()
            .map(|(_, repository)| repository.as_str())
            .collect();
        assert_eq!(
            repositories,
            ["github.com/acme/shop", "github.com/fork/shop"]
        );
        let subject = Subject::of(&"cd".into(), &deployed.body);
        let id = ledger
            .subjects()
            .unwrap()
            .into_iter()
            .find(|(_, known)| *known == subject)
            .unwrap()
            .0;
        assert!(claims.iter().all(|(claimed, _)| *claimed == id));
        // Four new subjects; claims come together with one of them.
        assert_eq!(changes, 4);
    }
}

#[test]
fn a_deployment_claims_the_repository_that_built_its_image() {
    let deployed = Deployment {
        images: vec!["mirror.example/shop@sha256:ab".into()],
        ..deployment("shop", None, 100)
    };
    let deployed = event("cd", "d-1", Body::Deployment(deployed));
    let built = build("github.com/acme/shop", 5, "quay.io/acme/shop:1@sha256:ab");
    let built = event("ci", "b-1", Body::Build(built));
    for events in [[&deployed, &built], [&built, &deployed]] {
        let ledger = memory();
        for event in events {
            ledger.store(&batch("any", vec![event.clone()])).unwrap();
        }
        let claims = ledger.claims().unwrap();
        assert_eq!(claims.len(), 1);
        assert_eq!(claims[0].1, Repository::from("github.com/acme/shop"));
    }
}

#[test]
fn a_deployment_that_names_its_repository_claims_none() {
    let ledger = memory();
    let deployed = Deployment {
        repository: Some("github.com/acme/shop".into()),
        ..deployment("shop", Some(5), 100)
    };
    let events = vec![
        event("git", "", Body::Commit(commit("github.com/fork/shop", 5))),
        event("cd", "d-1", Body::Deployment(deployed)),
    ];
    ledger.store(&batch("any", events)).unwrap();
    assert_eq!(ledger.claims().unwrap(), []);
}

#[test]
fn events_that_name_others_are_references_and_tell_whom() {
    let ledger = memory();
    ledger
        .store(&batch("git", commits("git", "github.com/acme/shop", 5..6)))
        .unwrap();
    let names_commit = Incident {
        commit: Some(hash(5)),
        ..incident(10)
    };
    let events = vec![
        event("j", "OPS-1", Body::Incident(incident(10))),
        event("j", "OPS-2", Body::Incident(names_commit)),
        event("j", "v-1", Body::Verdict(verdict("d-9", "Ada"))),
        event("j", "d-1", Body::Deployment(deployment("shop", None, 100))),
        event(
            "j",
            "d-2",
            Body::Deployment(Deployment {
                fixes: Some("OPS-1".into()),
                ..deployment("shop", None, 200)
            }),
        ),
    ];
    let stored = ledger.store(&batch("j", events)).unwrap();
    let commit = Body::Commit(commit("github.com/acme/shop", 5))
        .natural_id()
        .unwrap();
    assert_eq!(
        stored.named,
        BTreeSet::from([commit, "d-9".into(), "OPS-1".into()])
    );
    let mut ids: Vec<_> = ledger
        .references()
        .unwrap()
        .into_iter()
        .map(|event| event.id)
        .collect();
    ids.sort();
    assert_eq!(ids, ["OPS-2".into(), "d-2".into(), "v-1".into()]);
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

#[test]
fn readers_see_whole_pages_while_others_are_written() {
    let folder = Folder::new();
    let ledger = folder.open();
    ledger
        .store(&batch(
            "git",
            commits("git", "github.com/acme/shop", 1..101),
        ))
        .unwrap();
    let subjects = all_subjects(&ledger);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for page in 1..30 {
                let start = page * 100 + 1;
                let events = commits("git", "github.com/acme/shop", start..start + 100);
                ledger.store(&batch("git", events)).unwrap();
                ledger
                    .flush_long_tail(&mut ledger.writer().unwrap(), 250)
                    .unwrap();
            }
        });
        let mut seen = 0;
        while !writing.is_finished() {
            let events = ledger.events_of(&subjects, Depth::Columns).unwrap().len();
            assert!(
                events >= seen && events.is_multiple_of(100),
                "{events} after {seen}"
            );
            seen = events;
        }
    });
    assert_eq!(all_events(&ledger).len(), 3_000);
}

#[test]
fn a_person_can_read_the_file() {
    let folder = Folder::new();
    let _ledger = {
        let ledger = folder.open();
        ledger
            .store(&batch("git", commits("git", "github.com/acme/shop", 5..6)))
            .unwrap();
        ledger
    };
    let row: (String, String, String, String) = Connection::open(folder.file())
        .unwrap()
        .query_row(
            "SELECT kind, source, time, commit_hash FROM readable",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .unwrap();
    assert_eq!(row.0, "commit");
    assert_eq!(row.1, "git");
    assert_eq!(row.2, "2026-09-21T14:13:25.000Z");
    assert_eq!(row.3, hash(5).to_string());
}

fn versions() -> impl Strategy<Value = Vec<Event>> {
    let source = prop_oneof![Just("a"), Just("b"), Just("c")];
    let text = |texts: &'static [&'static str]| {
        proptest::option::of(proptest::sample::select(texts)).prop_map(|text| text.map(Into::into))
    };
    let commit_version = (
        0..2_u64,
        text(&["main", "next"]),
        text(&["Fix", "Mend"]),
        any::<bool>(),
    )
        .prop_map(|(start, branch, message, default_branch)| {
            let body = Body::Commit(Commit {
                branch,
                message,
                default_branch,
                ..commit("github.com/acme/shop", start + 5)
            });
            (body.natural_id().unwrap(), body)
        });
    let deployment_version = (
        any::<bool>(),
        proptest::option::of(5..7_u64),
        text(&["1", "2"]),
        proptest::option::of(proptest::sample::select(&["eu", "us"][..])),
        text(&["OPS-1"]),
    )
        .prop_map(|(running, commit, version, cluster, fixes)| {
            let finished = deployment("shop", commit, 100);
            let body = Deployment {
                outcome: if running {
                    Outcome::Running
                } else {
                    Outcome::Succeeded
                },
                finished_at: finished.finished_at.filter(|_| !running),
                version,
                cluster: cluster.map(Into::into),
                fixes,
                ..finished
            };
            (EventId::from("d-1"), Body::Deployment(body))
        });
    let incident_version = (
        proptest::option::of(200..202_i64),
        proptest::option::of(300..303_i64),
        text(&["low", "high"]),
        text(&["d-1"]),
    )
        .prop_map(|(resolved, updated, severity, deployment)| {
            let body = Incident {
                resolved_at: resolved.map(at),
                updated_at: updated.map(at),
                severity,
                deployment,
                ..incident(100)
            };
            (EventId::from("OPS-1"), Body::Incident(body))
        });
    let body = prop_oneof![commit_version, deployment_version, incident_version];
    let url = proptest::option::of(proptest::sample::select(&["https://a", "https://b"][..]));
    let version = (source, body, url).prop_map(|(source, (id, body), url)| Event {
        id,
        source: source.into(),
        url: url.map(Into::into),
        body,
    });
    proptest::collection::vec(version, 1..9)
}

/// Everything that the ledger tells, without numbers that it gives itself.
fn content(ledger: &Ledger) -> impl PartialEq + std::fmt::Debug + use<> {
    let subjects = ledger.subjects().unwrap();
    let claims: BTreeSet<_> = ledger
        .claims()
        .unwrap()
        .into_iter()
        .map(|(_, repository)| repository)
        .collect();
    let stats = ["a", "b", "c"].map(|source| {
        let source: SourceName = source.into();
        let mut unfinished = ledger.unfinished(&source).unwrap();
        unfinished.sort();
        let stats = ledger.stats(&source).unwrap();
        (stats.events, stats.times, unfinished)
    });
    (
        all_events(ledger),
        subjects
            .into_iter()
            .map(|(_, subject)| subject)
            .collect::<BTreeSet<_>>(),
        sorted(ledger.references().unwrap()),
        claims,
        stats,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_arrival_does_not_matter(
        (events, shuffled) in versions().prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
        page in 1..4_usize,
    ) {
        let one_by_one = memory();
        for event in &events {
            one_by_one.store(&batch(event.source.as_str(), vec![event.clone()])).unwrap();
        }
        let in_pages = memory();
        for (number, events) in shuffled.chunks(page).enumerate() {
            if number % 2 == 0 {
                flush(&in_pages);
            }
            in_pages.store(&batch("a", events.to_vec())).unwrap();
        }
        // Storing everything once more changes nothing.
        for event in shuffled.iter().chain(&events) {
            let stored = in_pages.store(&batch("a", vec![event.clone()])).unwrap();
            prop_assert_eq!(stored.new + stored.changed, 0);
        }
        let (a, b) = (content(&one_by_one), content(&in_pages));
        prop_assert_eq!(format!("{a:#?}"), format!("{b:#?}"));
    }
}
