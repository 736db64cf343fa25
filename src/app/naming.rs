//! What people call an event, whatever its kind.

use crate::model::{Body, CommitHash, Event, Repository, Text};

const SHORT_HASH: usize = 8;

/// The repository that an event names.
pub(super) fn repository_of(event: &Event) -> Option<&Repository> {
    match &event.body {
        Body::Commit(commit) => Some(&commit.repository),
        Body::PullRequest(request) => Some(&request.repository),
        Body::Build(build) => Some(&build.repository),
        Body::Release(release) => Some(&release.repository),
        Body::Deployment(deployment) => deployment.repository.as_ref(),
        Body::Incident(incident) => incident.repository.as_ref(),
        Body::Verdict(_) => None,
    }
}

/// The commit that an event is, or speaks of.
pub(super) fn commit_of(event: &Event) -> Option<CommitHash> {
    match &event.body {
        Body::Commit(commit) => Some(commit.hash),
        Body::PullRequest(request) => request.squash_commit.or(request.merge_commit),
        Body::Build(build) => Some(build.commit),
        Body::Release(release) => Some(release.commit),
        Body::Deployment(deployment) => deployment.commit,
        Body::Incident(incident) => incident.commit,
        Body::Verdict(_) => None,
    }
}

/// What people wrote over an event.
pub(super) fn title_of(event: &Event) -> Option<Text> {
    match &event.body {
        Body::Commit(commit) => commit.message.clone(),
        Body::PullRequest(request) => request.title.clone(),
        Body::Build(build) => build.pipeline.clone(),
        Body::Release(release) => Some(release.tag.clone()),
        Body::Deployment(deployment) => deployment.version.clone(),
        Body::Incident(incident) => incident.title.clone(),
        Body::Verdict(verdict) => verdict.reason.clone(),
    }
}

/// What a deployment put live, as people call it.
pub(super) fn version_of(event: &Event) -> Option<Text> {
    match &event.body {
        Body::Deployment(deployment) => deployment
            .version
            .clone()
            .or_else(|| deployment.images.first().cloned()),
        Body::Release(release) => Some(release.tag.clone()),
        Body::PullRequest(request) => Some(format!("#{}", request.number).into()),
        Body::Build(build) => build.tags.first().cloned(),
        Body::Commit(_) | Body::Incident(_) | Body::Verdict(_) => None,
    }
}

/// The name of an event in a sentence: its title or version, else its commit, else its id.
pub(super) fn name_of(event: &Event) -> Text {
    let title = match &event.body {
        Body::Deployment(_) | Body::Release(_) | Body::Build(_) => version_of(event),
        Body::PullRequest(request) => Some(match &request.title {
            Some(title) => format!("#{} {title}", request.number).into(),
            None => format!("#{}", request.number).into(),
        }),
        Body::Commit(_) | Body::Incident(_) | Body::Verdict(_) => title_of(event),
    };
    let hash = || {
        let hash = commit_of(event)?.to_string();
        Some(Text::from(&hash[..SHORT_HASH]))
    };
    title
        .filter(|title| !title.is_empty())
        .or_else(hash)
        .unwrap_or_else(|| event.id.text().clone())
}
