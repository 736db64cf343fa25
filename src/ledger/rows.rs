//! An event as a row of the table `event`, and back.
//!
//! What the subject says is not stored again. Commits and deployments, of which there are millions, have columns of their
//! own; the rest of them and the other kinds are JSON with the fields of an events file. Texts that only people read
//! (`title`, `url`) stand apart, so that correlation does not read them.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use rusqlite::Row;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::Depth;
use super::error::corrupt;
use crate::model::{
    Body, Commit, CommitHash, Deployment, Event, EventId, EventKind, Outcome, Repository, Subject,
    Text,
};

/// The columns that correlation needs, in the order of `RowView`.
pub(super) const COLUMNS: &str =
    "subject, time, began, ended, commit_hash, parents, natural_id, body";

/// All columns that make an event, in the order of `RowView`.
pub(super) const WHOLE: &str =
    "subject, time, began, ended, commit_hash, parents, natural_id, body, title, url";

/// What a row of `event` says of the event. Kind, key and source follow from it, so reading leaves them out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct RowView<'a> {
    pub(super) subject: i64,
    pub(super) time: i64,
    pub(super) began: Option<i64>,
    pub(super) ended: Option<i64>,
    pub(super) commit: Option<&'a [u8]>,
    pub(super) parents: Option<&'a [u8]>,
    pub(super) natural_id: Option<&'a str>,
    pub(super) body: Option<&'a str>,
    pub(super) title: Option<&'a str>,
    pub(super) url: Option<&'a str>,
}

impl<'a> RowView<'a> {
    /// Reads the row at a cursor whose first columns are `COLUMNS` or `WHOLE`.
    pub(super) fn read(row: &'a Row<'_>, depth: Depth) -> rusqlite::Result<Self> {
        let text =
            |at| -> rusqlite::Result<Option<&'a str>> { Ok(row.get_ref(at)?.as_str_or_null()?) };
        let blob =
            |at| -> rusqlite::Result<Option<&'a [u8]>> { Ok(row.get_ref(at)?.as_blob_or_null()?) };
        let (title, url) = match depth {
            Depth::Columns => (None, None),
            Depth::Whole => (text(8)?, text(9)?),
        };
        Ok(Self {
            subject: row.get(0)?,
            time: row.get(1)?,
            began: row.get(2)?,
            ended: row.get(3)?,
            commit: blob(4)?,
            parents: blob(5)?,
            natural_id: text(6)?,
            body: text(7)?,
            title,
            url,
        })
    }
}

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

/// What of a commit has no column.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct CommitRest {
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    branch: Option<Text>,
    #[serde(skip_serializing_if = "is_false")]
    default_branch: bool,
    #[serde(skip_serializing_if = "SmallVec::is_empty")]
    reverts: SmallVec<[CommitHash; 0]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    picked_from: Option<CommitHash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pull_request: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    paths: Vec<Text>,
    /// Only where they are not as long as the commit's own hash.
    #[serde(skip_serializing_if = "SmallVec::is_empty")]
    parents: SmallVec<[CommitHash; 1]>,
}

/// What of a deployment has neither a column nor a place in the subject.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct DeploymentRest {
    #[serde(skip_serializing_if = "is_succeeded")]
    outcome: Outcome,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Text>,
    #[serde(skip_serializing_if = "is_false")]
    rollback: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    fixes: Option<Text>,
}

fn is_false(value: &bool) -> bool {
    !*value
}

fn is_succeeded(outcome: &Outcome) -> bool {
    *outcome == Outcome::Succeeded
}

fn milliseconds(instant: DateTime<Utc>) -> i64 {
    instant.timestamp_millis()
}

/// The instant of a stored number.
///
/// # Errors
/// A number beyond all dates is damage.
pub(super) fn instant(milliseconds: i64) -> rusqlite::Result<DateTime<Utc>> {
    DateTime::from_timestamp_millis(milliseconds)
        .ok_or_else(|| corrupt("an instant lies beyond all dates"))
}

/// JSON, or nothing where it would be `{}`.
fn json<T: Serialize>(value: &T) -> Option<String> {
    let text = serde_json::to_string(value).expect("keys are texts, and no number is unwritable");
    (text != "{}").then_some(text)
}

fn parsed<'a, T: Deserialize<'a> + Default>(body: Option<&'a str>) -> rusqlite::Result<T> {
    match body {
        None => Ok(T::default()),
        Some(_) => required(body),
    }
}

fn required<'a, T: Deserialize<'a>>(body: Option<&'a str>) -> rusqlite::Result<T> {
    // What the body says may be personal, so only the place of the fault is told.
    serde_json::from_str(body.unwrap_or("")).map_err(|fault| {
        corrupt(&format!(
            "the body of an event is unreadable at column {}",
            fault.column()
        ))
    })
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

const COMMIT_ID: &str = "commit:";

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

fn digits_of<'b>(hash: &CommitHash, buffer: &'b mut [u8; 64]) -> &'b str {
    let digits = &mut buffer[..2 * hash.as_bytes().len()];
    hex::encode_to_slice(hash.as_bytes(), digits).expect("two digits a byte fit");
    std::str::from_utf8(digits).expect("hexadecimal digits are ASCII")
}

/// Makes events of rows; repeated texts are shared.
#[derive(Default)]
pub(super) struct Decoder {
    texts: HashSet<Text>,
    id: String,
}

impl Decoder {
    /// The event of a row.
    ///
    /// # Errors
    /// A row that `encode` never writes is damage.
    pub(super) fn decode(
        &mut self,
        row: &RowView<'_>,
        subject: &Subject,
    ) -> rusqlite::Result<Event> {
        let body = match subject.kind {
            EventKind::Commit => Body::Commit(self.commit(row, subject)?),
            EventKind::Deployment => Body::Deployment(self.deployment(row, subject)?),
            EventKind::PullRequest => {
                let mut request: crate::model::PullRequest = required(row.body)?;
                request.repository = repository(subject)?.clone();
                request.title = row.title.map(Text::from);
                self.share_all([&mut request.author, &mut request.base]);
                Body::PullRequest(request)
            }
            EventKind::Build => {
                let mut build: crate::model::Build = required(row.body)?;
                build.repository = repository(subject)?.clone();
                self.share_all([&mut build.pipeline]);
                Body::Build(build)
            }
            EventKind::Release => {
                let mut release: crate::model::Release = required(row.body)?;
                release.repository = repository(subject)?.clone();
                Body::Release(release)
            }
            EventKind::Incident => {
                let mut incident: crate::model::Incident = required(row.body)?;
                incident.title = row.title.map(Text::from);
                incident.application.clone_from(&subject.application);
                incident.environment.clone_from(&subject.environment);
                incident.repository.clone_from(&subject.repository);
                incident.project.clone_from(&subject.project);
                incident.components.clone_from(&subject.components);
                incident.labels.clone_from(&subject.labels);
                self.share_all([&mut incident.severity]);
                Body::Incident(incident)
            }
            EventKind::Verdict => {
                let mut verdict: crate::model::Verdict = required(row.body)?;
                verdict.reason = row.title.map(Text::from);
                self.share_all([&mut verdict.author]);
                Body::Verdict(verdict)
            }
        };
        Ok(Event {
            id: self.id(row, subject)?,
            source: subject.source.clone(),
            url: row.url.map(Text::from),
            body,
        })
    }

    /// The id of a row's event.
    ///
    /// # Errors
    /// As `decode`.
    pub(super) fn id(&mut self, row: &RowView<'_>, subject: &Subject) -> rusqlite::Result<EventId> {
        if let Some(id) = row.natural_id {
            return Ok(id.into());
        }
        let hash = hash(row.commit)?;
        self.id.clear();
        self.id.push_str(COMMIT_ID);
        self.id.push_str(repository(subject)?.as_str());
        self.id.push('@');
        self.id.push_str(digits_of(&hash, &mut [0; 64]));
        Ok(self.id.as_str().into())
    }

    fn commit(&mut self, row: &RowView<'_>, subject: &Subject) -> rusqlite::Result<Commit> {
        let hash = hash(row.commit)?;
        let mut rest: CommitRest = parsed(row.body)?;
        self.share_all([&mut rest.author, &mut rest.branch]);
        self.share(&mut rest.paths);
        let mut parents = rest.parents;
        for parent in row.parents.unwrap_or(&[]).chunks(hash.as_bytes().len()) {
            parents.push(self::hash(Some(parent))?);
        }
        Ok(Commit {
            repository: repository(subject)?.clone(),
            hash,
            parents,
            authored_at: row.began.map(instant).transpose()?,
            committed_at: instant(row.time)?,
            author: rest.author,
            branch: rest.branch,
            default_branch: rest.default_branch,
            message: row.title.map(Text::from),
            reverts: rest.reverts,
            picked_from: rest.picked_from,
            pull_request: rest.pull_request,
            paths: rest.paths,
        })
    }

    fn deployment(&mut self, row: &RowView<'_>, subject: &Subject) -> rusqlite::Result<Deployment> {
        let rest: DeploymentRest = parsed(row.body)?;
        Ok(Deployment {
            application: subject.application.clone(),
            environment: subject.environment.clone(),
            cluster: subject.cluster.clone(),
            namespace: subject.namespace.clone(),
            workload: subject.workload.clone(),
            repository: subject.repository.clone(),
            labels: subject.labels.clone(),
            started_at: row.began.map(instant).transpose()?,
            finished_at: row.ended.map(instant).transpose()?,
            outcome: rest.outcome,
            commit: row.commit.map(|bytes| hash(Some(bytes))).transpose()?,
            images: rest.images,
            version: rest.version,
            revision: rest.revision,
            rollback: rest.rollback,
            fixes: rest.fixes,
        })
    }

    fn share_all<const N: usize>(&mut self, texts: [&mut Option<Text>; N]) {
        for text in texts.into_iter().flatten() {
            self.share(std::slice::from_mut(text));
        }
    }

    fn share(&mut self, texts: &mut [Text]) {
        for text in texts {
            if let Some(known) = self.texts.get(text) {
                text.clone_from(known);
            } else {
                self.texts.insert(text.clone());
            }
        }
    }
}

fn hash(bytes: Option<&[u8]>) -> rusqlite::Result<CommitHash> {
    bytes
        .and_then(|bytes| CommitHash::from_bytes(bytes).ok())
        .ok_or_else(|| corrupt("a commit hash has neither 20 nor 32 bytes"))
}

fn repository(subject: &Subject) -> rusqlite::Result<&Repository> {
    subject
        .repository
        .as_ref()
        .ok_or_else(|| corrupt("a subject lacks its repository"))
}
