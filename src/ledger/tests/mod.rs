//! The ledger through its public entry.

use std::path::PathBuf;

mod damage;
mod files;
mod forgetting;
mod links;
mod order;
mod outbox;
mod storing;

use chrono::{DateTime, Utc};
use tempfile::TempDir;

use super::{Batch, Depth, Ledger, LedgerError, Location, SubjectId};
use crate::model::{
    Body, Build, Commit, CommitHash, Deployment, Event, Incident, Labels, Outcome, PullRequest,
    Release, Statement, TimeRange, Verdict,
};

impl Ledger {
    /// Lets the file grow no further than to that many pages, as on a full disk; until the ledger is opened again.
    pub(crate) fn limit_pages(&self, pages: &str) {
        let writer = self.writer().unwrap();
        let connection = &writer.reader.connection;
        let pages: i64 = connection
            .query_row(&format!("SELECT {pages}"), [], |row| row.get(0))
            .unwrap();
        connection
            .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
            .unwrap();
    }
}

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
