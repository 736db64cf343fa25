//! How pull requests came to be on the default branch, as its commits tell: so that a host need not be asked of each.

use serde::{Deserialize, Serialize};

use super::message;

/// What the commits of the default branch tell of how pull requests came there.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Graph {
    /// Merges with the last commit of what they merged.
    pub(super) merges: Vec<(String, String)>,
    /// Other commits, the newest ones, and whether their message names a pull request.
    pub(super) others: Vec<(String, bool)>,
}

/// More commits are not carried from page to page; a pull request that needs an older one asks for it.
const MOST_OTHERS: usize = 2_000;

/// How a pull request came to be where it was merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Join {
    /// By a merge of a commit.
    Merge { merge: String, head: String },
    /// By a commit of one parent: its own last one, a squash, or the last of a rebase.
    Other { commit: String, names_it: bool },
}

impl Join {
    /// The commit itself.
    pub(super) fn commit(&self) -> &str {
        match self {
            Self::Merge { merge, .. } => merge,
            Self::Other { commit, .. } => commit,
        }
    }
}

/// Where a commit of these parents and this message stands in the graph.
pub(super) fn join(hash: &str, parents: &[&str], message: &str) -> Join {
    match parents {
        [_, head, ..] => Join::Merge {
            merge: hash.to_owned(),
            head: (*head).to_owned(),
        },
        _ => Join::Other {
            commit: hash.to_owned(),
            names_it: message::read(message).pull_request.is_some(),
        },
    }
}

impl Graph {
    pub(super) fn take_in(&mut self, join: Join) {
        match join {
            Join::Merge { merge, head } => self.merges.push((merge, head)),
            Join::Other { commit, names_it } if self.others.len() < MOST_OTHERS => {
                self.others.push((commit, names_it));
            }
            Join::Other { .. } => {}
        }
    }

    /// The commit that begins with these digits.
    pub(super) fn find(&self, digits: &str) -> Option<Join> {
        let merge = self
            .merges
            .iter()
            .find(|(merge, _)| merge.starts_with(digits));
        if let Some((merge, head)) = merge {
            return Some(Join::Merge {
                merge: merge.clone(),
                head: head.clone(),
            });
        }
        let other = self
            .others
            .iter()
            .find(|(commit, _)| commit.starts_with(digits));
        other.map(|(commit, names_it)| Join::Other {
            commit: commit.clone(),
            names_it: *names_it,
        })
    }
}
