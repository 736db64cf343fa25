//! The paths a commit touches.

use gix::diff::tree::recorder::Change;
use gix::diff::tree::{Recorder, State};
use gix::objs::{CommitRef, TreeRefIter};

use crate::model::Text;

/// The files that differ from the first parent's, in no order; of a first commit all it has.
///
/// # Errors
/// A tree, or the parent, that cannot be read.
pub(super) fn paths(
    repository: &gix::Repository,
    commit: &CommitRef<'_>,
) -> gix::Result<Vec<Text>> {
    let new = repository.find_tree(commit.tree())?;
    let old = match commit.parents().next() {
        Some(parent) => repository.find_commit(parent)?.tree()?,
        None => repository.empty_tree(),
    };
    let mut recorder = Recorder::default();
    gix::diff::tree(
        TreeRefIter::from_bytes(&old.data, old.id.kind()),
        TreeRefIter::from_bytes(&new.data, new.id.kind()),
        State::default(),
        &repository.objects,
        &mut recorder,
    )
    .map_err(gix::Error::from_error)?;
    let files = recorder
        .records
        .into_iter()
        .filter_map(|change| match change {
            Change::Addition {
                entry_mode, path, ..
            }
            | Change::Deletion {
                entry_mode, path, ..
            }
            | Change::Modification {
                entry_mode, path, ..
            } => (!entry_mode.is_tree()).then(|| String::from_utf8_lossy(&path).into()),
        });
    Ok(files.collect())
}
