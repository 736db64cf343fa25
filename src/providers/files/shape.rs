//! What each type of line must and may have, and the event it becomes.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::fields::{Line, LineFault, NAMES};
use super::values::{LabelList, Name, Reverts, Time, Value, Words};
use crate::model::{
    Body, Build, Commit, CommitHash, Deployment, EventKind, Incident, PullRequest, Release,
    Repository, Text, Verdict,
};
use crate::providers::repository_name;

/// Names beyond this many are no longer shared.
const MOST_SHARED_NAMES: usize = 100_000;

/// Fields that every type has.
const COMMON: &[&str] = &["type", "id", "source", "url", "source_url"];

/// A deployment must have one of these: rules find its application by them.
const PLACES: &str = "given, or one of repository, cluster, namespace, workload, images, labels and commit, by which a rule finds the application";

/// The fields a type has beside the common ones.
pub(super) fn fields_of(kind: EventKind) -> &'static [&'static str] {
    match kind {
        EventKind::Commit => &[
            "repository",
            "hash",
            "parents",
            "authored_at",
            "committed_at",
            "author",
            "branch",
            "default_branch",
            "message",
            "reverts",
            "picked_from",
            "pull_request",
            "paths",
        ],
        EventKind::PullRequest => &[
            "repository",
            "number",
            "head",
            "head_branch",
            "base",
            "merge_commit",
            "squash_commit",
            "commits",
            "opened_at",
            "first_commit_at",
            "first_review_at",
            "approved_at",
            "merged_at",
            "closed_at",
            "author",
            "labels",
            "title",
            "bot",
            "reverts",
        ],
        EventKind::Build => &[
            "repository",
            "commit",
            "pipeline",
            "started_at",
            "finished_at",
            "outcome",
            "images",
            "tags",
        ],
        EventKind::Deployment => &[
            "application",
            "environment",
            "cluster",
            "namespace",
            "workload",
            "repository",
            "started_at",
            "finished_at",
            "outcome",
            "commit",
            "images",
            "version",
            "revision",
            "labels",
            "rollback",
            "fixes",
        ],
        EventKind::Incident => &[
            "application",
            "environment",
            "repository",
            "project",
            "components",
            "opened_at",
            "resolved_at",
            "updated_at",
            "severity",
            "user_facing",
            "title",
            "labels",
            "duplicate_of",
            "deployment",
            "commit",
        ],
        EventKind::Release => &[
            "repository",
            "tag",
            "commit",
            "tagged_at",
            "published_at",
            "prerelease",
        ],
        EventKind::Verdict => &["target", "statement", "cause", "author", "at", "reason"],
    }
}

/// For each type the bits of the fields it has.
static ALLOWED: LazyLock<[u128; 7]> = LazyLock::new(|| {
    EventKind::ALL.map(|kind| {
        let has = |name: &&str| COMMON.contains(name) || fields_of(kind).contains(name);
        let bits = NAMES.iter().enumerate().filter(|(_, name)| has(name));
        bits.fold(0, |all, (bit, _)| all | 1 << bit)
    })
});

/// The names of fields that the line has and its type has not.
pub(super) fn foreign_fields(line: &Line<'_>, kind: EventKind) -> Vec<&'static str> {
    let foreign = line.present & !ALLOWED[kind as usize];
    if foreign == 0 {
        return Vec::new();
    }
    let names = NAMES.iter().enumerate();
    names
        .filter(|(bit, _)| foreign & (1 << bit) != 0)
        .map(|(_, name)| *name)
        .collect()
}

/// Turns lines into events; shares the names that repeat.
#[derive(Default)]
pub(super) struct Shaper {
    /// Whether a deployment may do without an environment, because the source has one.
    has_environment: bool,
    names: HashMap<Box<str>, Text>,
    repositories: HashMap<Box<str>, Repository>,
}

impl Shaper {
    pub(super) fn new(has_environment: bool) -> Self {
        Self {
            has_environment,
            ..Self::default()
        }
    }

    /// The event that a line tells.
    ///
    /// # Errors
    /// The first field that is missing, or of another type of event.
    pub(super) fn body(&mut self, line: Line<'_>, kind: EventKind) -> Result<Body, LineFault> {
        Ok(match kind {
            EventKind::Commit => Body::Commit(self.commit(line)?),
            EventKind::PullRequest => Body::PullRequest(self.pull_request(line)?),
            EventKind::Build => Body::Build(self.build(line)?),
            EventKind::Deployment => Body::Deployment(self.deployment(line)?),
            EventKind::Incident => Body::Incident(self.incident(line)?),
            EventKind::Release => Body::Release(self.release(line)?),
            EventKind::Verdict => Body::Verdict(self.verdict(line)?),
        })
    }

    fn commit(&mut self, line: Line<'_>) -> Result<Commit, LineFault> {
        let committed_at = required(line.committed_at, "committed_at")?.0;
        let authored_at = instant(line.authored_at).filter(|at| *at != committed_at);
        Ok(Commit {
            repository: self.required_repository(line.repository)?,
            hash: required(line.hash, "hash")?,
            parents: line.parents.unwrap_or_default().into(),
            authored_at,
            committed_at,
            author: self.shared(line.author),
            branch: self.shared(line.branch),
            default_branch: line.default_branch.unwrap_or(false),
            message: line
                .message
                .and_then(|message| message.0.lines().next().map(Text::from)),
            reverts: match line.reverts {
                None => Vec::new(),
                Some(Reverts::Commits(commits)) => commits,
                Some(Reverts::PullRequest(_)) => {
                    return Err(LineFault::of_field("reverts", Vec::<CommitHash>::EXPECTED));
                }
            }
            .into(),
            picked_from: line.picked_from,
            pull_request: line.pull_request,
            paths: line.paths.unwrap_or_default(),
        })
    }

    fn pull_request(&mut self, line: Line<'_>) -> Result<PullRequest, LineFault> {
        Ok(PullRequest {
            repository: self.required_repository(line.repository)?,
            number: required(line.number, "number")?,
            head: line.head,
            head_branch: self.shared(line.head_branch),
            base: self.shared(line.base),
            merge_commit: line.merge_commit,
            squash_commit: line.squash_commit,
            commits: line.commits.unwrap_or_default(),
            opened_at: instant(line.opened_at),
            first_commit_at: instant(line.first_commit_at),
            first_review_at: instant(line.first_review_at),
            approved_at: instant(line.approved_at),
            merged_at: instant(line.merged_at),
            closed_at: instant(line.closed_at),
            author: self.shared(line.author),
            labels: labels(line.labels),
            title: text(line.title),
            bot: line.bot.unwrap_or(false),
            reverts: match line.reverts {
                None => None,
                Some(Reverts::PullRequest(number)) => Some(number),
                Some(Reverts::Commits(_)) => {
                    return Err(LineFault::of_field("reverts", u64::EXPECTED));
                }
            },
        })
    }

    fn build(&mut self, line: Line<'_>) -> Result<Build, LineFault> {
        let outcome = line.outcome.unwrap_or_default();
        let finished_at = instant(line.finished_at);
        if finished_at.is_none() && !(outcome.is_running() && line.started_at.is_some()) {
            return Err(LineFault::of_field("finished_at", FINISHED));
        }
        Ok(Build {
            repository: self.required_repository(line.repository)?,
            commit: required(line.commit, "commit")?,
            pipeline: self.shared(line.pipeline),
            started_at: instant(line.started_at),
            finished_at,
            outcome,
            images: line.images.unwrap_or_default(),
            tags: line.tags.unwrap_or_default(),
        })
    }

    fn deployment(&mut self, line: Line<'_>) -> Result<Deployment, LineFault> {
        let deployment = Deployment {
            application: self.shared(line.application).map(Into::into),
            environment: self.shared(line.environment).map(Into::into),
            cluster: self.shared(line.cluster).map(Into::into),
            namespace: self.shared(line.namespace),
            workload: self.shared(line.workload),
            repository: line
                .repository
                .map(|repository| self.repository(&repository.0)),
            started_at: instant(line.started_at),
            finished_at: instant(line.finished_at),
            outcome: line.outcome.unwrap_or_default(),
            commit: line.commit,
            images: line.images.unwrap_or_default(),
            version: name(line.version),
            revision: name(line.revision),
            labels: labels(line.labels),
            rollback: line.rollback.unwrap_or(false),
            fixes: name(line.fixes),
        };
        if deployment.environment.is_none() && !self.has_environment {
            return Err(LineFault::of_field("environment", "a text"));
        }
        let is_running = deployment.outcome.is_running() && deployment.started_at.is_some();
        if deployment.finished_at.is_none() && !is_running {
            return Err(LineFault::of_field("finished_at", FINISHED));
        }
        let is_placed = deployment.application.is_some()
            || deployment.repository.is_some()
            || deployment.cluster.is_some()
            || deployment.namespace.is_some()
            || deployment.workload.is_some()
            || !deployment.images.is_empty()
            || !deployment.labels.is_empty()
            || deployment.commit.is_some();
        if is_placed {
            Ok(deployment)
        } else {
            Err(LineFault::of_field("application", PLACES))
        }
    }

    fn incident(&mut self, line: Line<'_>) -> Result<Incident, LineFault> {
        if line.id.is_none() {
            return Err(LineFault::of_field("id", Name::EXPECTED));
        }
        Ok(Incident {
            application: self.shared(line.application).map(Into::into),
            environment: self.shared(line.environment).map(Into::into),
            repository: line
                .repository
                .map(|repository| self.repository(&repository.0)),
            project: self.shared(line.project),
            components: line.components.unwrap_or_default(),
            opened_at: required(line.opened_at, "opened_at")?.0,
            resolved_at: instant(line.resolved_at),
            updated_at: instant(line.updated_at),
            severity: self.shared(line.severity),
            user_facing: line.user_facing.unwrap_or(false),
            title: text(line.title),
            labels: labels(line.labels),
            duplicate_of: name(line.duplicate_of).map(Into::into),
            deployment: name(line.deployment),
            commit: line.commit,
        })
    }

    fn release(&mut self, line: Line<'_>) -> Result<Release, LineFault> {
        Ok(Release {
            repository: self.required_repository(line.repository)?,
            tag: required(line.tag, "tag")?.text(),
            commit: required(line.commit, "commit")?,
            tagged_at: instant(line.tagged_at),
            published_at: instant(line.published_at),
            prerelease: line.prerelease.unwrap_or(false),
        })
    }

    fn verdict(&mut self, line: Line<'_>) -> Result<Verdict, LineFault> {
        Ok(Verdict {
            target: required(line.target, "target")?.0.as_ref().into(),
            statement: required(line.statement, "statement")?,
            cause: name(line.cause).map(Into::into),
            author: self.shared(line.author),
            at: required(line.at, "at")?.0,
            reason: text(line.reason),
        })
    }

    fn required_repository(&mut self, words: Option<Words<'_>>) -> Result<Repository, LineFault> {
        let words = required(words, "repository")?;
        Ok(self.repository(&words.0))
    }

    fn repository(&mut self, written: &str) -> Repository {
        if let Some(known) = self.repositories.get(written) {
            return known.clone();
        }
        let repository = repository_name::of_text(written);
        if self.repositories.len() < MOST_SHARED_NAMES {
            self.repositories.insert(written.into(), repository.clone());
        }
        repository
    }

    /// A name that many lines have: they share one text.
    fn shared(&mut self, words: Option<Words<'_>>) -> Option<Text> {
        let words = words?.0;
        if let Some(known) = self.names.get(words.as_ref()) {
            return Some(known.clone());
        }
        let text: Text = words.as_ref().into();
        if self.names.len() < MOST_SHARED_NAMES {
            self.names.insert(words.into_owned().into(), text.clone());
        }
        Some(text)
    }
}

const FINISHED: &str =
    "a time as in RFC 3339; only what has the outcome running and a `started_at` goes without";

fn required<'a, T: Value<'a>>(value: Option<T>, field: &'static str) -> Result<T, LineFault> {
    value.ok_or(LineFault::of_field(field, T::EXPECTED))
}

fn instant(time: Option<Time>) -> Option<chrono::DateTime<chrono::Utc>> {
    time.map(|time| time.0)
}

fn text(words: Option<Words<'_>>) -> Option<Text> {
    words.map(|words| words.text())
}

fn name(name: Option<Name<'_>>) -> Option<Text> {
    name.map(|name| name.0.as_ref().into())
}

fn labels(labels: Option<LabelList>) -> crate::model::Labels {
    labels.map(|labels| labels.0).unwrap_or_default()
}
