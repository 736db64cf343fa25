//! Keys of the latest events, held in memory until there are enough of them for the index tables.
//!
//! Keys are hashes, so each goes to another page of `event_key`. Sorting many of them first and writing them together
//! makes an import several times faster and writes far less. The tail is not stored: it is made again from the events
//! after `meta.indexed`, so a crash loses nothing.

use std::collections::HashMap;

use crate::model::{Body, Event, EventKey, EventKind, Text, image_digest};

/// How many keys are held before they are written.
pub(super) const LIMIT: usize = 500_000;

/// What a key stands for. Kinds of events have their own number as space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Space(pub(super) u8);

impl Space {
    /// Deployments whose subject names no repository, by the key of their commit.
    pub(super) const DEPLOYED_COMMIT: Self = Self(7);
    /// The same without a commit, by the digests of their images.
    pub(super) const DEPLOYED_IMAGE: Self = Self(8);
    /// Builds, by the digests of their images.
    pub(super) const BUILT_IMAGE: Self = Self(9);
    /// Commits whose id is not the natural one, by that id.
    pub(super) const NAMED_COMMIT: Self = Self(10);

    /// The space of a kind's own keys.
    pub(super) fn of(kind: EventKind) -> Self {
        Self(kind as u8)
    }
}

/// A key as SQLite stores it.
pub(super) fn stored_key(key: u64) -> i64 {
    key.cast_signed()
}

/// The key of an image's digest.
pub(super) fn digest_key(digest: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(digest.as_bytes())
}

fn digests(images: &[Text]) -> impl Iterator<Item = u64> + '_ {
    images
        .iter()
        .filter_map(|image| image_digest(image))
        .map(digest_key)
}

/// Every key by which an event is found.
pub(super) fn keys_of(event: &Event, has_own_id: bool) -> Vec<(Space, u64)> {
    let mut keys = vec![(Space::of(event.body.kind()), event.key().0)];
    match &event.body {
        Body::Commit(_) if has_own_id => {
            keys.push((Space::NAMED_COMMIT, EventKey::of_id(&event.id).0));
        }
        Body::Deployment(deployment) if deployment.repository.is_none() => {
            match &deployment.commit {
                Some(commit) => keys.push((Space::DEPLOYED_COMMIT, commit.key())),
                None => {
                    keys.extend(digests(&deployment.images).map(|key| (Space::DEPLOYED_IMAGE, key)))
                }
            }
        }
        Body::Build(build) => {
            keys.extend(digests(&build.images).map(|key| (Space::BUILT_IMAGE, key)));
        }
        Body::Commit(_)
        | Body::PullRequest(_)
        | Body::Deployment(_)
        | Body::Incident(_)
        | Body::Release(_)
        | Body::Verdict(_) => {}
    }
    keys
}

const NO_MORE: u32 = u32::MAX;

/// A key and the event it finds; `previous` is an older entry of the same slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) space: Space,
    pub(super) key: u64,
    pub(super) event: i64,
    previous: u32,
}

/// Events of one subject that stand together; `previous` is an older run of the same subject.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) subject: i64,
    pub(super) first: i64,
    pub(super) last: i64,
    previous: u32,
}

/// The keys and runs of events after `from`.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// The last event that is in the index tables.
    pub(super) from: i64,
    /// The last event that is here.
    pub(super) upto: i64,
    slots: HashMap<u64, u32>,
    entries: Vec<Entry>,
    subjects: HashMap<i64, u32>,
    runs: Vec<Run>,
}

impl Tail {
    /// An empty tail after that event.
    pub(super) fn after(from: i64) -> Self {
        Self {
            from,
            upto: from,
            ..Self::default()
        }
    }

    /// How many keys it holds.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds a key of an event.
    pub(super) fn add_key(&mut self, space: Space, key: u64, event: i64) {
        let at = self.entries.len() as u32;
        let previous = self.slots.insert(slot(space, key), at).unwrap_or(NO_MORE);
        self.entries.push(Entry {
            space,
            key,
            event,
            previous,
        });
    }

    /// Adds an event to its subject; events come in order.
    pub(super) fn add_event(&mut self, subject: i64, event: i64) {
        self.add_run(subject, event, event);
    }

    fn add_run(&mut self, subject: i64, first: i64, last: i64) {
        self.upto = self.upto.max(last);
        if let Some(run) = self.runs.last_mut()
            && run.subject == subject
            && run.last + 1 == first
        {
            run.last = last;
            return;
        }
        let at = self.runs.len() as u32;
        let previous = self.subjects.insert(subject, at).unwrap_or(NO_MORE);
        self.runs.push(Run {
            subject,
            first,
            last,
            previous,
        });
    }

    /// Takes over what a committed transaction added.
    pub(super) fn extend(&mut self, added: &Self) {
        for entry in &added.entries {
            self.add_key(entry.space, entry.key, entry.event);
        }
        for run in &added.runs {
            self.add_run(run.subject, run.first, run.last);
        }
    }

    /// Adds the events that a key may stand for.
    pub(super) fn find(&self, space: Space, key: u64, found: &mut Vec<i64>) {
        let mut at = self
            .slots
            .get(&slot(space, key))
            .copied()
            .unwrap_or(NO_MORE);
        while let Some(entry) = self.entries.get(at as usize) {
            if entry.space == space && entry.key == key {
                found.push(entry.event);
            }
            at = entry.previous;
        }
    }

    /// Adds the runs of a subject.
    pub(super) fn runs_of(&self, subject: i64, found: &mut Vec<(i64, i64)>) {
        let mut at = self.subjects.get(&subject).copied().unwrap_or(NO_MORE);
        while let Some(run) = self.runs.get(at as usize) {
            found.push((run.first, run.last));
            at = run.previous;
        }
    }

    /// All entries in the order of the index table.
    pub(super) fn sorted_entries(&self) -> Vec<Entry> {
        let mut entries = self.entries.clone();
        // SQLite compares keys as signed numbers.
        entries.sort_unstable_by_key(|entry| (entry.space, stored_key(entry.key), entry.event));
        entries
    }

    /// All runs in the order of the index table.
    pub(super) fn sorted_runs(&self) -> Vec<Run> {
        let mut runs = self.runs.clone();
        runs.sort_unstable_by_key(|run| (run.subject, run.first));
        runs
    }
}

fn slot(space: Space, key: u64) -> u64 {
    key ^ u64::from(space.0).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_finds_every_event_that_has_it_and_no_other() {
        let mut tail = Tail::after(10);
        tail.add_key(Space(0), 5, 11);
        tail.add_key(Space(0), 6, 12);
        tail.add_key(Space(0), 5, 13);
        tail.add_key(Space(1), 5, 14);
        let mut found = Vec::new();
        tail.find(Space(0), 5, &mut found);
        assert_eq!(found, [13, 11]);
    }

    #[test]
    fn neighbours_of_one_subject_are_one_run() {
        let mut tail = Tail::after(10);
        for (subject, event) in [(1, 11), (1, 12), (2, 13), (1, 14)] {
            tail.add_event(subject, event);
        }
        let mut runs = Vec::new();
        tail.runs_of(1, &mut runs);
        assert_eq!(runs, [(14, 14), (11, 12)]);
        assert_eq!(tail.upto, 14);
    }
}
