//! Walks history from some heads, newest first, and leaves out what other heads hold.

use std::collections::{BinaryHeap, HashMap, HashSet};

use gix::ObjectId;

use super::graph::{Graph, Links, Place, ReadLinks};
use crate::model::Commit;

const WANTED: u8 = 1;
const HIDDEN: u8 = 2;
const QUEUED: u8 = 4;

/// Reads a commit whole.
pub(super) trait ReadCommit: ReadLinks {
    /// Its links and what to tell of it; `None` where it cannot be read.
    fn commit(&mut self, id: ObjectId) -> Option<(Links, Option<Box<Commit>>)>;
}

/// A commit that was reached.
pub(super) struct Reached {
    pub(super) place: Place,
    /// What to tell; `None` for a commit that makes no sense but has parents.
    pub(super) commit: Option<Box<Commit>>,
}

/// A walk under way.
///
/// Each wanted commit is read once. Wrong clocks can make it tell a commit that a hidden head holds too, never
/// make it miss one.
#[derive(Default)]
pub(super) struct Walk {
    paint: Vec<u8>,
    queue: BinaryHeap<(i64, Place)>,
    pending: HashMap<Place, Option<Box<Commit>>>,
    /// Commits that no hidden head hides.
    spared: HashSet<Place>,
    is_for_default: bool,
}

impl Walk {
    /// A walk of the default branch: what it passes is marked so in the graph.
    pub(super) fn of_default_branch() -> Self {
        Self {
            is_for_default: true,
            ..Self::default()
        }
    }

    /// Lets no hidden head hide this commit: an earlier reading passed it by. Call before `hide`.
    pub(super) fn spare(&mut self, id: ObjectId, graph: &mut Graph) {
        self.spared.insert(graph.place(id));
    }

    /// Leaves out the head and all that it holds. Call before `want`.
    pub(super) fn hide(&mut self, id: ObjectId, graph: &mut Graph, reader: &mut impl ReadCommit) {
        let place = graph.place(id);
        self.mark_hidden(place, graph, reader);
    }

    /// Walks from this head too.
    pub(super) fn want(&mut self, id: ObjectId, graph: &mut Graph, reader: &mut impl ReadCommit) {
        let place = graph.place(id);
        self.mark_wanted(place, graph, reader);
    }

    /// Whether a wanted head holds the commit, as far as was walked.
    pub(super) fn is_wanted(&self, id: ObjectId, graph: &mut Graph) -> bool {
        self.painted(graph.place(id)) & WANTED != 0
    }

    /// The next commit, the newest of those that are left.
    pub(super) fn next(
        &mut self,
        graph: &mut Graph,
        reader: &mut impl ReadCommit,
    ) -> Option<Reached> {
        while !self.pending.is_empty() {
            let (_, place) = self.queue.pop()?;
            let paint = self.painted(place);
            self.set(place, paint & !QUEUED);
            if self.is_for_default {
                graph.mark_default(place);
            }
            let is_hidden = paint & HIDDEN != 0;
            for parent in graph.parents(place) {
                if is_hidden {
                    self.mark_hidden(parent, graph, reader);
                } else {
                    self.mark_wanted(parent, graph, reader);
                }
            }
            if !is_hidden && let Some(commit) = self.pending.remove(&place) {
                return Some(Reached { place, commit });
            }
        }
        None
    }

    fn mark_wanted(&mut self, place: Place, graph: &mut Graph, reader: &mut impl ReadCommit) {
        let paint = self.painted(place);
        if paint & WANTED != 0 {
            return;
        }
        self.set(place, paint | WANTED);
        if paint & HIDDEN != 0 {
            return;
        }
        if !self.is_for_default && graph.is_default(place) {
            self.mark_hidden(place, graph, reader);
            return;
        }
        let Some((links, commit)) = reader.commit(graph.id(place)) else {
            return;
        };
        graph.link(place, &links);
        self.pending.insert(place, commit);
        self.enqueue(place, graph);
    }

    fn mark_hidden(&mut self, place: Place, graph: &mut Graph, reader: &mut impl ReadCommit) {
        let paint = self.painted(place);
        if paint & HIDDEN != 0 || self.spared.contains(&place) {
            return;
        }
        self.set(place, paint | HIDDEN);
        self.pending.remove(&place);
        // An old head that is gone hides nothing.
        if paint & QUEUED == 0 && graph.ensure_linked(place, reader) {
            self.enqueue(place, graph);
        }
    }

    fn enqueue(&mut self, place: Place, graph: &Graph) {
        self.set(place, self.painted(place) | QUEUED);
        self.queue.push((graph.seconds(place), place));
    }

    fn painted(&self, place: Place) -> u8 {
        self.paint.get(place.0 as usize).copied().unwrap_or(0)
    }

    fn set(&mut self, place: Place, paint: u8) {
        let at = place.0 as usize;
        if at >= self.paint.len() {
            self.paint.resize(at + 1, 0);
        }
        self.paint[at] = paint;
    }
}
