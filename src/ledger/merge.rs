//! Which version of an event wins, and what it keeps of the others (design, section 4).
//!
//! The result depends on the set of versions, not on their order: versions that may still lend a field are kept.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use smallvec::SmallVec;

use crate::model::{
    Body, Build, Commit, Deployment, Event, Incident, Labels, PullRequest, Release, Verdict,
};

/// The merged event, and the versions it needs if another one comes.
pub(super) struct Merged {
    /// What the ledger shows.
    pub(super) event: Event,
    /// The winner first; a single one equals `event`.
    pub(super) versions: Vec<Event>,
}

/// Merges versions of one event; `None` without a version.
pub(super) fn merge(versions: Vec<Event>) -> Option<Merged> {
    let mut ranked: Vec<_> = versions
        .into_iter()
        .map(|version| (rank(&version), version))
        .collect();
    ranked.sort_by(|(a, _), (b, _)| b.cmp(a));
    let mut ranked = ranked.into_iter().map(|(_, version)| version);
    let winner = ranked.next()?;
    let mut event = winner.clone();
    let mut known = known_fields(&winner);
    let mut kept = vec![winner];
    for version in ranked {
        let fields = known_fields(&version);
        // What stronger versions already say in full can never be needed again.
        if fields & !known == 0 {
            continue;
        }
        known |= fields;
        fill(&mut event, &version);
        kept.push(version);
    }
    Some(Merged {
        event,
        versions: kept,
    })
}

type Rank = (
    bool,
    Option<DateTime<Utc>>,
    String,
    // Of equal versions the source first by name wins, whatever came first.
    Reverse<String>,
    Reverse<Option<String>>,
);

fn rank(version: &Event) -> Rank {
    let progress = match &version.body {
        Body::Incident(incident) => incident.updated_at,
        Body::Verdict(verdict) => Some(verdict.at),
        Body::Commit(_)
        | Body::PullRequest(_)
        | Body::Build(_)
        | Body::Deployment(_)
        | Body::Release(_) => None,
    };
    (
        version.body.is_settled(),
        progress,
        json(&version.body),
        Reverse(version.source.as_str().to_owned()),
        Reverse(version.url.as_deref().map(str::to_owned)),
    )
}

/// The JSON text of a body, as an events file has it.
pub(super) fn json(body: &Body) -> String {
    serde_json::to_string(body).expect("keys are texts, and no number is unwritable")
}

const URL: u32 = 1 << 31;

fn known_fields(event: &Event) -> u32 {
    let url = if event.url.is_some() { URL } else { 0 };
    url | match &event.body {
        Body::Commit(body) => body.known_fields(),
        Body::PullRequest(body) => body.known_fields(),
        Body::Build(body) => body.known_fields(),
        Body::Deployment(body) => body.known_fields(),
        Body::Incident(body) => body.known_fields(),
        Body::Release(body) => body.known_fields(),
        Body::Verdict(body) => body.known_fields(),
    }
}

fn fill(event: &mut Event, other: &Event) {
    if event.url.is_none() {
        event.url.clone_from(&other.url);
    }
    match (&mut event.body, &other.body) {
        (Body::Commit(body), Body::Commit(other)) => body.fill(other),
        (Body::PullRequest(body), Body::PullRequest(other)) => body.fill(other),
        (Body::Build(body), Body::Build(other)) => body.fill(other),
        (Body::Deployment(body), Body::Deployment(other)) => body.fill(other),
        (Body::Incident(body), Body::Incident(other)) => body.fill(other),
        (Body::Release(body), Body::Release(other)) => body.fill(other),
        (Body::Verdict(body), Body::Verdict(other)) => body.fill(other),
        // Kinds are part of an event's identity, so two kinds never meet here.
        (
            Body::Commit(_)
            | Body::PullRequest(_)
            | Body::Build(_)
            | Body::Deployment(_)
            | Body::Incident(_)
            | Body::Release(_)
            | Body::Verdict(_),
            _,
        ) => {}
    }
}

/// A field that may say nothing.
trait Field {
    fn says_nothing(&self) -> bool;
}

impl<T> Field for Option<T> {
    fn says_nothing(&self) -> bool {
        self.is_none()
    }
}

impl<T> Field for Vec<T> {
    fn says_nothing(&self) -> bool {
        self.is_empty()
    }
}

impl<A: smallvec::Array> Field for SmallVec<A> {
    fn says_nothing(&self) -> bool {
        self.is_empty()
    }
}

impl Field for bool {
    fn says_nothing(&self) -> bool {
        !self
    }
}

impl Field for Labels {
    fn says_nothing(&self) -> bool {
        self.is_empty()
    }
}

trait Mergeable {
    /// One bit a field that says something.
    fn known_fields(&self) -> u32;
    /// Takes over what it lacks.
    fn fill(&mut self, other: &Self);
}

/// Names every field, so that a new one cannot be forgotten here.
macro_rules! mergeable {
    ($($body:ident { $($required:ident),* ; $($optional:ident),* })*) => {$(
        impl Mergeable for $body {
            fn known_fields(&self) -> u32 {
                let Self { $($required: _,)* $($optional),* } = self;
                let mut known = 0;
                $(known = known << 1 | u32::from(!$optional.says_nothing());)*
                known
            }

            fn fill(&mut self, other: &Self) {
                $(if self.$optional.says_nothing() {
                    self.$optional = other.$optional.clone();
                })*
            }
        }
    )*};
}

mergeable! {
    Commit {
        repository, hash, committed_at;
        parents, authored_at, author, branch, default_branch, message, reverts, picked_from, pull_request, paths
    }
    PullRequest {
        repository, number;
        head, head_branch, base, merge_commit, squash_commit, commits, opened_at, first_commit_at, first_review_at,
        approved_at, merged_at, closed_at, author, labels, title, bot, reverts
    }
    Build {
        repository, commit, outcome;
        pipeline, started_at, finished_at, images, tags
    }
    Deployment {
        outcome;
        application, environment, cluster, namespace, workload, repository, started_at, finished_at, commit, images,
        version, revision, labels, rollback, fixes
    }
    Incident {
        opened_at;
        application, environment, repository, project, components, resolved_at, updated_at, severity, user_facing,
        title, labels, duplicate_of, deployment, commit
    }
    Release {
        repository, tag, commit;
        tagged_at, published_at, prerelease
    }
    Verdict {
        target, statement, at;
        cause, author, reason
    }
}
