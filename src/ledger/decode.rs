//! Makes events of rows.

use std::collections::HashSet;

use serde::Deserialize;
use smallvec::SmallVec;

use super::error::corrupt;
use super::rows::{COMMIT_ID, CommitRest, DeploymentRest, RowView, digits_of, instant};
use crate::model::{
    Body, Build, Collect, Commit, CommitHash, CommitView, Deployment, Event, EventId, EventKind,
    Incident, PullRequest, Release, Repository, Subject, Text, Verdict,
};

/// Makes events of rows; repeated texts are shared.
#[derive(Default)]
pub(super) struct Decoder {
    texts: HashSet<Text>,
    id: String,
}

impl Decoder {
    /// Gives the event of a row away; of a commit makes no event.
    ///
    /// # Errors
    /// As `decode`.
    pub(super) fn collect(
        &mut self,
        row: &RowView<'_>,
        subject: &Subject,
        into: &mut impl Collect,
    ) -> rusqlite::Result<()> {
        if subject.kind != EventKind::Commit {
            into.event(self.decode(row, subject)?);
            return Ok(());
        }
        let hash = hash(row.commit)?;
        let mut rest: CommitRest = parsed(row.body)?;
        add_parents(&mut rest.parents, row, &hash)?;
        into.commit(CommitView {
            source: &subject.source,
            repository: repository(subject)?,
            own_id: row.natural_id,
            hash,
            parents: &rest.parents,
            authored_at: row.began.map(instant).transpose()?,
            committed_at: instant(row.time)?,
            author: rest.author.as_ref(),
            default_branch: rest.default_branch,
            reverts: &rest.reverts,
            pull_request: rest.pull_request,
            paths: &rest.paths,
        });
        Ok(())
    }

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
                let mut request: PullRequest = required(row.body)?;
                request.repository = repository(subject)?.clone();
                request.title = row.title.map(Text::from);
                self.share_all([&mut request.author, &mut request.base]);
                Body::PullRequest(request)
            }
            EventKind::Build => {
                let mut build: Build = required(row.body)?;
                build.repository = repository(subject)?.clone();
                self.share_all([&mut build.pipeline]);
                Body::Build(build)
            }
            EventKind::Release => {
                let mut release: Release = required(row.body)?;
                release.repository = repository(subject)?.clone();
                Body::Release(release)
            }
            EventKind::Incident => {
                let mut incident: Incident = required(row.body)?;
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
                let mut verdict: Verdict = required(row.body)?;
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
        add_parents(&mut parents, row, &hash)?;
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

/// Adds the parents that stand one after another, each as long as the commit's own hash.
fn add_parents(
    parents: &mut SmallVec<[CommitHash; 1]>,
    row: &RowView<'_>,
    own: &CommitHash,
) -> rusqlite::Result<()> {
    for parent in row.parents.unwrap_or(&[]).chunks(own.as_bytes().len()) {
        parents.push(hash(Some(parent))?);
    }
    Ok(())
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
