//! Makes rows of events.

use chrono::{DateTime, Utc};
use serde::Serialize;
use smallvec::SmallVec;

use super::rows::{COMMIT_ID, CommitRest, DeploymentRest, RowView, digits_of};
use crate::model::{Body, Commit, CommitHash, Deployment, Event, EventId, EventKind, Repository};

/// An event ready to be stored.
#[derive(Clone, Debug)]
pub(super) struct Encoded<'e> {
    pub(super) kind: EventKind,
    pub(super) key: u64,
    pub(super) settled: bool,
    time: i64,
    began: Option<i64>,
    ended: Option<i64>,
    commit: Option<CommitHash>,
    parents: SmallVec<[u8; 40]>,
    natural_id: Option<&'e str>,
    body: Option<String>,
    title: Option<&'e str>,
    url: Option<&'e str>,
}

impl Encoded<'_> {
    /// What the row says, once the subject has a number.
    pub(super) fn view(&self, subject: i64) -> RowView<'_> {
        RowView {
            subject,
            time: self.time,
            began: self.began,
            ended: self.ended,
            commit: self.commit.as_ref().map(CommitHash::as_bytes),
            parents: (!self.parents.is_empty()).then_some(&*self.parents),
            natural_id: self.natural_id,
            body: self.body.as_deref(),
            title: self.title,
            url: self.url,
        }
    }
}

/// Makes a row of an event. Parts of a millisecond are cut.
pub(super) fn encode(event: &Event) -> Encoded<'_> {
    let mut row = Encoded {
        kind: event.body.kind(),
        key: event.key().0,
        settled: event.body.is_settled(),
        time: milliseconds(event.body.time()),
        began: None,
        ended: None,
        commit: None,
        parents: SmallVec::new(),
        natural_id: Some(event.id.as_str()),
        body: None,
        title: None,
        url: event.url.as_deref(),
    };
    match &event.body {
        Body::Commit(commit) => {
            if is_natural(&event.id, &commit.repository, &commit.hash) {
                row.natural_id = None;
            }
            encode_commit(commit, &mut row);
        }
        Body::Deployment(deployment) => encode_deployment(deployment, &mut row),
        Body::PullRequest(request) => {
            row.title = request.title.as_deref();
            let mut request = request.clone();
            request.title = None;
            row.body = json(&request);
        }
        Body::Build(build) => row.body = json(build),
        Body::Release(release) => row.body = json(release),
        Body::Incident(incident) => {
            row.title = incident.title.as_deref();
            let mut incident = incident.clone();
            incident.title = None;
            incident.application = None;
            incident.environment = None;
            incident.repository = None;
            incident.project = None;
            incident.components.clear();
            incident.labels.0.clear();
            row.body = json(&incident);
        }
        Body::Verdict(verdict) => {
            row.title = verdict.reason.as_deref();
            let mut verdict = verdict.clone();
            verdict.reason = None;
            row.body = json(&verdict);
        }
    }
    row
}

fn encode_commit<'e>(commit: &'e Commit, row: &mut Encoded<'e>) {
    // Every field is named, so that a new one cannot be forgotten.
    let Commit {
        repository: _,
        hash,
        parents,
        authored_at,
        committed_at: _,
        author,
        branch,
        default_branch,
        message,
        reverts,
        picked_from,
        pull_request,
        paths,
    } = commit;
    row.commit = Some(*hash);
    row.began = authored_at.map(milliseconds);
    row.title = message.as_deref();
    let mut rest = CommitRest {
        author: author.clone(),
        branch: branch.clone(),
        default_branch: *default_branch,
        reverts: reverts.clone(),
        picked_from: *picked_from,
        pull_request: *pull_request,
        paths: paths.clone(),
        parents: SmallVec::new(),
    };
    let width = hash.as_bytes().len();
    if parents
        .iter()
        .all(|parent| parent.as_bytes().len() == width)
    {
        for parent in parents {
            row.parents.extend_from_slice(parent.as_bytes());
        }
    } else {
        rest.parents.clone_from(parents);
    }
    row.body = json(&rest);
}

fn encode_deployment<'e>(deployment: &'e Deployment, row: &mut Encoded<'e>) {
    let Deployment {
        application: _,
        environment: _,
        cluster: _,
        namespace: _,
        workload: _,
        repository: _,
        labels: _,
        started_at,
        finished_at,
        outcome,
        commit,
        images,
        version,
        revision,
        rollback,
        fixes,
    } = deployment;
    row.began = started_at.map(milliseconds);
    row.ended = finished_at.map(milliseconds);
    row.commit = *commit;
    row.body = json(&DeploymentRest {
        outcome: *outcome,
        images: images.clone(),
        version: version.clone(),
        revision: revision.clone(),
        rollback: *rollback,
        fixes: fixes.clone(),
    });
}

fn is_natural(id: &EventId, repository: &Repository, hash: &CommitHash) -> bool {
    let Some(rest) = id.as_str().strip_prefix(COMMIT_ID) else {
        return false;
    };
    let Some(digits) = rest
        .strip_prefix(repository.as_str())
        .and_then(|rest| rest.strip_prefix('@'))
    else {
        return false;
    };
    let mut buffer = [0; 64];
    digits == digits_of(hash, &mut buffer)
}

fn milliseconds(instant: DateTime<Utc>) -> i64 {
    instant.timestamp_millis()
}

/// JSON, or nothing where it would be `{}`.
fn json<T: Serialize>(value: &T) -> Option<String> {
    let text = serde_json::to_string(value).expect("keys are texts, and no number is unwritable");
    (text != "{}").then_some(text)
}
