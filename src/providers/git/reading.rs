//! One reading of a repository: the default branch, its pull requests, the tags, and commits somebody asked for.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use gix::ObjectId;

use super::commits::Commits;
use super::graph::Graph;
use super::heads::{Heads, ObjectName};
use super::local::GitSettings;
use super::pull_requests::Found;
use super::releases;
use super::repository::{Head, NoRelease, Opened, Peeled, Tag, what};
use super::walk::{Reached, Walk};
use crate::model::{Body, CommitHash, Event, Text, TimeRange};
use crate::providers::{FetchError, Page, PageRequest};

/// Events a page holds before it is handed over.
const PAGE_EVENTS: usize = 5_000;

/// Commits that could not be read and are tried again next time; beyond, the reading keeps no checkpoint.
const MOST_UNREAD: usize = 1_000;

/// A reading under way.
pub(super) struct Reading {
    settings: GitSettings,
    commits: Commits,
    graph: Graph,
    stage: Stage,
    default: Option<Head>,
    tags: Vec<Tag>,
    wanted: Vec<CommitHash>,
    /// Tags that cannot be read now, and are tried again next time.
    unread_tags: BTreeSet<Text>,
    /// What an earlier reading read, and what this one has.
    before: Heads,
    after: Heads,
    read: u64,
}

enum Stage {
    DefaultBranch {
        walk: Walk,
        found: Found,
        read: u64,
    },
    PullRequests {
        found: Found,
    },
    StartTags,
    Tags {
        walk: Walk,
        peeled: Vec<(Text, Peeled)>,
    },
    Releases {
        peeled: Vec<(Text, Peeled)>,
    },
    StartWanted,
    Wanted {
        walk: Walk,
    },
    Over,
}

impl Reading {
    /// Opens the repository and stands before its first page.
    pub(super) fn start(settings: GitSettings, request: PageRequest) -> Result<Self, FetchError> {
        let opened = Opened::open(&settings)?;
        let mut after = Heads::none(&opened, settings.reads_paths);
        let before = match &request.resume_from {
            None => after.clone(),
            Some(cursor) => {
                let before = Heads::parse(cursor).ok_or_else(|| FetchError::CursorExpired {
                    what: what(&settings.path),
                })?;
                // Settings that changed, or a shallow clone that was deepened: everything is read anew.
                if after.goes_on_from(&before) {
                    before
                } else {
                    after.clone()
                }
            }
        };
        after.earliest_ms = before.earliest_ms;
        after.tags = before.tags.clone();
        let default = opened.default.clone();
        let tags = opened.tags.clone();
        let mut reading = Self {
            commits: Commits::new(&settings, opened),
            settings,
            graph: Graph::default(),
            stage: Stage::StartTags,
            default,
            tags,
            wanted: request.wanted,
            unread_tags: BTreeSet::new(),
            before,
            after,
            read: 0,
        };
        if let Some(head) = reading.default.clone() {
            reading.stage = reading.start_default_branch(&head);
        } else if reading.tags.is_empty() {
            let name = reading.commits.name.clone();
            reading
                .commits
                .fault(|| format!("{name} is empty: it has no branch and no tag yet."));
        }
        Ok(reading)
    }

    /// Whether the last page was made.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// Makes the next page.
    pub(super) fn page(&mut self) -> Result<Page, FetchError> {
        let mut page = Page::default();
        while page.events.len() < PAGE_EVENTS && !self.is_over() {
            self.step(&mut page)?;
        }
        self.read += page.events.len() as u64;
        page.progress = Some((self.read, None));
        page.notices.extend(self.commits.take_notices());
        if self.is_over() {
            page.notices.extend(self.commits.closing_notices());
            page.covered = self.covered();
        }
        Ok(page)
    }

    fn step(&mut self, page: &mut Page) -> Result<(), FetchError> {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::DefaultBranch {
                mut walk,
                mut found,
                mut read,
            } => match walk.next(&mut self.graph, &mut self.commits) {
                Some(Reached { place, commit }) => {
                    read += 1;
                    if let Some(commit) = commit {
                        if let Some(said) = self.commits.take_request(&commit.hash) {
                            found.meet(place, &commit, said);
                        }
                        self.note_time(commit.committed_at);
                        page.events.extend(self.event(Body::Commit(*commit)));
                    }
                    Stage::DefaultBranch { walk, found, read }
                }
                None => {
                    self.finish_default_branch(&walk, read)?;
                    Stage::PullRequests { found }
                }
            },
            Stage::PullRequests { mut found } => {
                match found.next(&mut self.graph, &mut self.commits) {
                    Some(request) => {
                        page.events.extend(self.event(Body::PullRequest(request)));
                        Stage::PullRequests { found }
                    }
                    None => {
                        self.check_point(page);
                        Stage::StartTags
                    }
                }
            }
            Stage::StartTags => self.start_tags(),
            Stage::Tags { mut walk, peeled } => match self.walked(&mut walk, page) {
                true => Stage::Tags { walk, peeled },
                false => {
                    self.after.unread_of_tags = self.unread();
                    Stage::Releases { peeled }
                }
            },
            Stage::Releases { mut peeled } => match peeled.pop() {
                Some((name, tag)) => {
                    page.events.extend(
                        releases::release(name, tag, &mut self.graph, &mut self.commits)
                            .and_then(|release| self.event(Body::Release(release))),
                    );
                    Stage::Releases { peeled }
                }
                None => {
                    self.after.tags = named(&self.tags, &self.unread_tags);
                    self.check_point(page);
                    Stage::StartWanted
                }
            },
            Stage::StartWanted => self.start_wanted(),
            Stage::Wanted { mut walk } => match self.walked(&mut walk, page) {
                true => Stage::Wanted { walk },
                false => Stage::Over,
            },
            Stage::Over => Stage::Over,
        };
        Ok(())
    }

    fn start_default_branch(&mut self, head: &Head) -> Stage {
        self.commits.branch = head.branch.clone();
        self.commits.on_default_branch = true;
        let mut walk = Walk::of_default_branch();
        let again: Vec<_> = self
            .before
            .unread
            .iter()
            .map(|ObjectName(id)| *id)
            .collect();
        again.iter().for_each(|id| walk.spare(*id, &mut self.graph));
        if let Some(ObjectName(known)) = self.before.default {
            walk.hide(known, &mut self.graph, &mut self.commits);
        }
        for id in [head.commit].into_iter().chain(again) {
            walk.want(id, &mut self.graph, &mut self.commits);
        }
        Stage::DefaultBranch {
            walk,
            found: Found::default(),
            read: 0,
        }
    }

    fn finish_default_branch(&mut self, walk: &Walk, read: u64) -> Result<(), FetchError> {
        let Some(head) = &self.default else {
            return Ok(());
        };
        if read == 0 && self.commits.unreadable.contains(&head.commit) {
            return Err(FetchError::Malformed {
                what: what(&self.settings.path),
                source: anyhow::anyhow!("the newest commit {} cannot be read", head.commit),
            });
        }
        if let Some(ObjectName(known)) = self.before.default
            && known != head.commit
            && !walk.is_wanted(known, &mut self.graph)
        {
            let name = self.commits.name.clone();
            self.commits.fault(|| {
                format!("The default branch of {name} was rewritten: commits that left it stay in the ledger and still count as its own.")
            });
        }
        self.after.default = Some(ObjectName(head.commit));
        self.after.unread = self.unread();
        Ok(())
    }

    /// Walks from tags that are new or moved; what an earlier reading read is left out.
    fn start_tags(&mut self) -> Stage {
        let mut peeled = Vec::new();
        let mut walk = Walk::default();
        let changed: Vec<Tag> = self
            .tags
            .iter()
            .filter(|tag| self.before.tags.get(&*tag.name) != Some(&ObjectName(tag.object)))
            .cloned()
            .collect();
        let again: Vec<_> = self
            .before
            .unread_of_tags
            .iter()
            .map(|ObjectName(id)| *id)
            .collect();
        self.commits.branch = None;
        self.commits.on_default_branch = false;
        if changed.is_empty() && again.is_empty() {
            return Stage::Releases { peeled };
        }
        again.iter().for_each(|id| walk.spare(*id, &mut self.graph));
        self.hide_default_branch(&mut walk);
        let known: Vec<_> = self
            .before
            .tags
            .values()
            .map(|ObjectName(id)| *id)
            .collect();
        for object in known {
            // A tag that is gone, or marks no commit, hides nothing.
            if let Ok(tag) = Opened::peel(&self.commits.repository, object) {
                walk.hide(tag.commit, &mut self.graph, &mut self.commits);
            }
        }
        for tag in changed {
            match Opened::peel(&self.commits.repository, tag.object) {
                Ok(found) => peeled.push((tag.name, found)),
                Err(reason) => {
                    if matches!(reason, NoRelease::Unreadable(_)) {
                        self.unread_tags.insert(tag.name.clone());
                    }
                    releases::refuse(&mut self.commits, &tag, reason);
                }
            }
        }
        let heads = peeled.iter().map(|(_, tag)| tag.commit).chain(again);
        for head in heads {
            walk.want(head, &mut self.graph, &mut self.commits);
        }
        Stage::Tags { walk, peeled }
    }

    /// Walks from commits that deployments name, where neither the default branch nor a tag holds them.
    fn start_wanted(&mut self) -> Stage {
        let wanted: Vec<ObjectId> = std::mem::take(&mut self.wanted)
            .iter()
            // A hash of another kind belongs to another repository.
            .filter_map(|hash| ObjectId::try_from(hash.as_bytes()).ok())
            .filter(|id| id.kind() == self.commits.repository.object_hash())
            .filter(|id| self.commits.holds(*id))
            .collect();
        if wanted.is_empty() {
            return Stage::Over;
        }
        let mut walk = Walk::default();
        self.hide_default_branch(&mut walk);
        for tag in &self.tags {
            // Tags that mark no commit were told of when they were new.
            if let Ok(tag) = Opened::peel(&self.commits.repository, tag.object) {
                walk.hide(tag.commit, &mut self.graph, &mut self.commits);
            }
        }
        for id in wanted {
            walk.want(id, &mut self.graph, &mut self.commits);
        }
        Stage::Wanted { walk }
    }

    fn hide_default_branch(&mut self, walk: &mut Walk) {
        if let Some(head) = &self.default {
            walk.hide(head.commit, &mut self.graph, &mut self.commits);
        }
    }

    /// Takes one commit beside the default branch into the page; whether there was one.
    fn walked(&mut self, walk: &mut Walk, page: &mut Page) -> bool {
        let Some(reached) = walk.next(&mut self.graph, &mut self.commits) else {
            return false;
        };
        if let Some(commit) = reached.commit {
            // Beside the default branch a number may be another's, or be picked: nothing was merged there.
            self.commits.take_request(&commit.hash);
            self.note_time(commit.committed_at);
            page.events.extend(self.event(Body::Commit(*commit)));
        }
        true
    }

    /// All up to here is in the pages handed over, or in this one.
    fn check_point(&self, page: &mut Page) {
        if self.after.unread.len() + self.after.unread_of_tags.len() <= MOST_UNREAD {
            page.checkpoint = self.after.to_cursor();
        }
    }

    fn unread(&mut self) -> BTreeSet<ObjectName> {
        std::mem::take(&mut self.commits.unreadable)
            .into_iter()
            .map(ObjectName)
            .collect()
    }

    fn note_time(&mut self, at: DateTime<Utc>) {
        let at = at.timestamp_millis();
        self.after.earliest_ms = Some(self.after.earliest_ms.map_or(at, |known| known.min(at)));
    }

    /// A clone answers from its first commit on; `sync` ends the range at the moment the reading began.
    fn covered(&self) -> Option<TimeRange> {
        let start = DateTime::from_timestamp_millis(self.after.earliest_ms?)?;
        Some(TimeRange::new(start, DateTime::<Utc>::MAX_UTC))
    }

    /// The event of a body that has a natural key, as all of Git's have.
    fn event(&self, body: Body) -> Option<Event> {
        Some(Event {
            id: body.natural_id()?,
            source: self.commits.source.clone(),
            url: None,
            body,
        })
    }
}

fn named(tags: &[Tag], unread: &BTreeSet<Text>) -> BTreeMap<String, ObjectName> {
    tags.iter()
        .filter(|tag| !unread.contains(&tag.name))
        .map(|tag| (tag.name.to_string(), ObjectName(tag.object)))
        .collect()
}
