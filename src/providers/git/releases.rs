//! Tags as releases.

use super::commits::{Commits, instant};
use super::graph::Graph;
use super::repository::{NoRelease, Peeled, Tag};
use crate::model::{CommitHash, Release, Text};

/// The release that a tag is: at its tagger's time, or its commit's where it has no tagger.
pub(super) fn release(
    name: Text,
    tag: Peeled,
    graph: &mut Graph,
    commits: &mut Commits,
) -> Option<Release> {
    let commit = CommitHash::from_bytes(tag.commit.as_slice()).ok()?;
    let own = tag.tagged_at_seconds.and_then(instant);
    let tagged_at = own.or_else(|| {
        let place = graph.place(tag.commit);
        let is_known = graph.ensure_linked(place, commits);
        is_known.then(|| instant(graph.seconds(place)))?
    });
    if tagged_at.is_none() {
        let repository = commits.name.clone();
        commits.fault(|| format!("Tag {name} of {repository} has no usable time."));
    }
    Some(Release {
        repository: commits.name.clone(),
        tag: name,
        commit,
        tagged_at,
        published_at: None,
        prerelease: false,
    })
}

/// Tells why a tag is no release.
pub(super) fn refuse(commits: &mut Commits, tag: &Tag, reason: NoRelease) {
    let repository = commits.name.clone();
    let name = &tag.name;
    commits.fault(|| match reason {
        NoRelease::NoCommit(kind) => {
            format!("Tag {name} of {repository} marks a {kind}, not a commit, and is left out.")
        }
        NoRelease::Unreadable(error) => {
            format!("Tag {name} of {repository} cannot be read and is left out: {error}.")
        }
    });
}
