//! Commits as hosts tell them: what their messages say, in the same words as `git`'s.

use chrono::{DateTime, SubsecRound, Utc};

use super::message;
use crate::model::{Body, Commit, CommitHash, Event, Repository, SourceName, Text};

/// What a host says of a commit.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct HostedCommit<'a> {
    pub hash: &'a str,
    pub parents: Vec<&'a str>,
    pub authored_at: Option<DateTime<Utc>>,
    pub committed_at: DateTime<Utc>,
    pub author: Option<&'a str>,
    /// The whole message.
    pub message: &'a str,
    pub url: Option<&'a str>,
}

/// Where commits come from.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Origin {
    pub source: SourceName,
    pub repository: Repository,
    /// The branch that holds them; `None` where only a pull request or a tag does.
    pub branch: Option<Text>,
    pub is_default_branch: bool,
}

/// The event of a hosted commit; `None` where its hash is none.
pub fn commit(origin: &Origin, told: &HostedCommit<'_>) -> Option<Event> {
    // A host that sends no hash sends no commit.
    let hash: CommitHash = told.hash.parse().ok()?;
    let said = message::read(told.message);
    let full = |digits: &&str| digits.parse::<CommitHash>().ok();
    let committed_at = told.committed_at.trunc_subsecs(3);
    let body = Body::Commit(Commit {
        repository: origin.repository.clone(),
        hash,
        parents: told.parents.iter().filter_map(full).collect(),
        authored_at: told
            .authored_at
            .map(|at| at.trunc_subsecs(3))
            .filter(|at| *at != committed_at),
        committed_at,
        author: told
            .author
            .filter(|author| !author.is_empty())
            .map(Text::from),
        branch: origin.branch.clone(),
        default_branch: origin.is_default_branch,
        message: (!said.subject.is_empty()).then(|| said.subject.into()),
        // Only `git` can resolve abbreviations.
        reverts: said.reverts.iter().filter_map(full).collect(),
        picked_from: said.picked_from.as_ref().and_then(full),
        pull_request: said.pull_request.map(|named| named.number),
        paths: Vec::new(),
    });
    event(&origin.source, told.url, body)
}

/// An event with its natural key; `None` where it lacks what the key is made of.
pub fn event(source: &SourceName, url: Option<&str>, body: Body) -> Option<Event> {
    Some(Event {
        id: body.natural_id()?,
        source: source.clone(),
        url: url.filter(|url| url.starts_with("http")).map(Text::from),
        body,
    })
}
