//! Reads commits out of the object database and says what they say.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use gix::ObjectId;
use gix::objs::{CommitRef, Find as _, Kind};
use smallvec::SmallVec;

use super::graph::{Links, ReadLinks};
use super::local::GitSettings;
use super::message::{self, NamedPullRequest};
use super::repository::Opened;
use super::touched;
use super::walk::ReadCommit;
use crate::model::{Commit, CommitHash, Notice, Repository, SourceName, Text};

/// The last second of the year 9999: RFC 3339 knows no later one.
const LATEST_SECONDS: i64 = 253_402_300_799;

/// More paths than this of one commit are cut off.
const MOST_PATHS: usize = 2_000;

/// Faults beyond this many are only counted.
const MOST_NOTICES: usize = 20;

/// Memory for objects that are read again and again, when paths are read.
const TREE_CACHE_BYTES: usize = 64 << 20;

/// The commits of a repository.
pub(super) struct Commits {
    pub(super) repository: gix::Repository,
    pub(super) name: Repository,
    pub(super) source: SourceName,
    /// Branch that commits are told of.
    pub(super) branch: Option<Text>,
    /// Whether that is the default branch.
    pub(super) on_default_branch: bool,
    /// Commits that could not be read since this was last emptied.
    pub(super) unreadable: BTreeSet<ObjectId>,
    links: Option<gix::commitgraph::Graph>,
    boundary: BTreeSet<ObjectId>,
    reads_paths: bool,
    authors: HashMap<Vec<u8>, Text>,
    requests: HashMap<CommitHash, SaidRequest>,
    buffer: Vec<u8>,
    notices: Vec<Notice>,
    faults: usize,
    paths_cut: usize,
}

/// What a commit's message says of the pull request it brings in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SaidRequest {
    pub(super) head_branch: Option<Text>,
    pub(super) base: Option<Text>,
    pub(super) title: Option<Text>,
}

impl Commits {
    pub(super) fn new(settings: &GitSettings, opened: Opened) -> Self {
        let mut repository = opened.repository;
        if settings.reads_paths {
            repository.object_cache_size(TREE_CACHE_BYTES);
        }
        let mut notices = opened.notices;
        let links = repository
            .commit_graph_if_enabled()
            .unwrap_or_else(|error| {
                notices.push(Notice::info(format!(
                    "The commit-graph file of {} is not used: {error}.",
                    opened.name
                )));
                None
            });
        Self {
            repository,
            name: opened.name,
            source: settings.source.clone(),
            branch: None,
            on_default_branch: false,
            unreadable: BTreeSet::new(),
            links,
            boundary: opened.boundary,
            reads_paths: settings.reads_paths,
            authors: HashMap::new(),
            requests: HashMap::new(),
            buffer: Vec::new(),
            notices,
            faults: 0,
            paths_cut: 0,
        }
    }

    /// When a commit was made; `None` where it cannot be read.
    pub(super) fn newest(&mut self, id: ObjectId) -> Option<DateTime<Utc>> {
        self.links(id).and_then(|links| instant(links.seconds))
    }

    /// Whether the database holds a commit of that name.
    pub(super) fn holds(&self, id: ObjectId) -> bool {
        self.repository
            .find_header(id)
            .is_ok_and(|header| header.kind() == Kind::Commit)
    }

    /// What the message of a commit said of its pull request, once.
    pub(super) fn take_request(&mut self, hash: &CommitHash) -> Option<SaidRequest> {
        self.requests.remove(hash)
    }

    /// Adds a notice, the first of many in full.
    pub(super) fn fault(&mut self, text: impl FnOnce() -> String) {
        self.faults += 1;
        if self.faults <= MOST_NOTICES {
            self.notices.push(Notice::warning(text()));
        }
    }

    /// The notices since the last call.
    pub(super) fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// The notices that count what was not told one by one.
    pub(super) fn closing_notices(&mut self) -> Vec<Notice> {
        let mut notices = self.take_notices();
        if self.faults > MOST_NOTICES {
            let more = self.faults - MOST_NOTICES;
            notices.push(Notice::warning(format!(
                "{more} more faults of this kind in {}.",
                self.name
            )));
        }
        if self.paths_cut > 0 {
            notices.push(Notice::warning(format!(
                "{} commits of {} touch more than {MOST_PATHS} paths; the rest of those paths is left out.",
                self.paths_cut, self.name
            )));
        }
        notices
    }

    fn describe(&mut self, id: ObjectId, parsed: &CommitRef<'_>) -> Option<Box<Commit>> {
        let hash = CommitHash::from_bytes(id.as_slice()).ok()?;
        // A signature that cannot be parsed has no time, and is told below.
        let author = parsed.author().ok();
        let authored = author.and_then(|author| instant(author.time().ok()?.seconds));
        let committed = parsed
            .committer()
            .ok()
            .and_then(|by| instant(by.time().ok()?.seconds));
        let Some(committed_at) = committed.or(authored) else {
            let name = self.name.clone();
            self.fault(|| format!("Commit {hash} of {name} has no usable time and is left out."));
            return None;
        };
        if committed.is_none() {
            let name = self.name.clone();
            self.fault(|| {
                format!("Commit {hash} of {name} has no usable committer's time; its author's stands in.")
            });
        }
        let message = text_of(parsed);
        let said = message::read(&message);
        let pull_request = said.pull_request.map(|named| {
            self.requests.insert(hash, SaidRequest::of(&named));
            named.number
        });
        let reverts = said
            .reverts
            .iter()
            .filter_map(|digits| self.resolve(digits))
            .collect();
        let picked_from = said.picked_from.and_then(|digits| self.resolve(digits));
        Some(Box::new(Commit {
            repository: self.name.clone(),
            hash,
            parents: parsed
                .parents()
                .filter_map(|parent| CommitHash::from_bytes(parent.as_slice()).ok())
                .collect(),
            authored_at: authored.filter(|at| *at != committed_at),
            committed_at,
            author: author.and_then(|author| self.author(author.name)),
            branch: self.branch.clone(),
            default_branch: self.on_default_branch,
            message: (!said.subject.is_empty()).then(|| said.subject.into()),
            reverts,
            picked_from,
            pull_request,
            paths: if self.reads_paths {
                self.paths(id, parsed)
            } else {
                Vec::new()
            },
        }))
    }

    fn author(&mut self, name: &[u8]) -> Option<Text> {
        if name.is_empty() {
            return None;
        }
        if let Some(known) = self.authors.get(name) {
            return Some(known.clone());
        }
        let text: Text = String::from_utf8_lossy(name).into();
        self.authors.insert(name.to_owned(), text.clone());
        Some(text)
    }

    /// A full hash as it stands; an abbreviation where the repository has one commit of it.
    fn resolve(&self, digits: &str) -> Option<CommitHash> {
        if let Ok(hash) = digits.to_ascii_lowercase().parse() {
            return Some(hash);
        }
        // What names no commit, or several, says nothing.
        let prefix = gix::hash::Prefix::from_hex(digits).ok()?;
        let id = self
            .repository
            .objects
            .lookup_prefix(prefix, None)
            .ok()??
            .ok()?;
        self.holds(id)
            .then(|| CommitHash::from_bytes(id.as_slice()).ok())?
    }

    /// The paths that differ from the first parent's.
    fn paths(&mut self, id: ObjectId, parsed: &CommitRef<'_>) -> Vec<Text> {
        if self.boundary.contains(&id) {
            // The parent is cut off: everything would seem new.
            return Vec::new();
        }
        let compared = touched::paths(&self.repository, parsed);
        let mut paths = compared.unwrap_or_else(|error| {
            let name = self.name.clone();
            self.fault(|| format!("The paths of commit {id} of {name} cannot be read: {error}."));
            Vec::new()
        });
        paths.sort();
        paths.dedup();
        if paths.len() > MOST_PATHS {
            paths.truncate(MOST_PATHS);
            self.paths_cut += 1;
        }
        paths
    }

    fn lament(&mut self, id: ObjectId, reason: &str) {
        if self.unreadable.insert(id) {
            let name = self.name.clone();
            self.fault(|| {
                format!("Commit {id} of {name} cannot be read and is left out: {reason}.")
            });
        }
    }
}

impl ReadLinks for Commits {
    fn links(&mut self, id: ObjectId) -> Option<Links> {
        if let Some(known) = self.links.as_ref().and_then(|graph| graph.commit_by_id(id))
            && !self.boundary.contains(&id)
        {
            let mut parents = SmallVec::new();
            for parent in known.iter_parents() {
                // A damaged commit-graph file: the object itself says better.
                let Ok(position) = parent else { break };
                if let Some(graph) = &self.links {
                    parents.push(graph.id_at(position).to_owned());
                }
            }
            let seconds = i64::try_from(known.committer_timestamp()).unwrap_or(i64::MAX);
            return Some(Links { seconds, parents });
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        // Links are asked of hidden commits: one that is gone hides nothing, so its loss needs no words.
        let links = match self.repository.objects.try_find(&id, &mut buffer) {
            Ok(Some(data)) if data.kind == Kind::Commit => {
                CommitRef::from_bytes(data.data, id.kind())
                    .ok()
                    .map(|parsed| links_of(&parsed, self.boundary.contains(&id)))
            }
            Ok(_) | Err(_) => None,
        };
        self.buffer = buffer;
        links
    }
}

impl ReadCommit for Commits {
    fn commit(&mut self, id: ObjectId) -> Option<(Links, Option<Box<Commit>>)> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let commit = match self.repository.objects.try_find(&id, &mut buffer) {
            Ok(Some(data)) if data.kind == Kind::Commit => {
                match CommitRef::from_bytes(data.data, id.kind()) {
                    Ok(parsed) => {
                        let links = links_of(&parsed, self.boundary.contains(&id));
                        Ok((links, self.describe(id, &parsed)))
                    }
                    Err(error) => Err(error.to_string()),
                }
            }
            Ok(Some(data)) => Err(format!("it is a {}", data.kind)),
            Ok(None) => Err("it is missing".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        self.buffer = buffer;
        match commit {
            Ok(commit) => Some(commit),
            Err(reason) => {
                self.lament(id, &reason);
                None
            }
        }
    }
}

impl SaidRequest {
    fn of(named: &NamedPullRequest<'_>) -> Self {
        Self {
            head_branch: named.head_branch.map(Text::from),
            base: named.base.map(Text::from),
            title: named.title.map(Text::from),
        }
    }
}

fn links_of(parsed: &CommitRef<'_>, is_cut: bool) -> Links {
    Links {
        // Without a usable time a commit only comes late in the walk.
        seconds: parsed
            .committer()
            .ok()
            .and_then(|committer| committer.time().ok())
            .map_or(0, |time| time.seconds),
        parents: if is_cut {
            SmallVec::new()
        } else {
            parsed.parents().collect()
        },
    }
}

/// The instant, where it lies in the years 1970 to 9999.
pub(super) fn instant(seconds: i64) -> Option<DateTime<Utc>> {
    (0..=LATEST_SECONDS)
        .contains(&seconds)
        .then(|| DateTime::from_timestamp(seconds, 0))?
}

/// The message as text: UTF-8, else Latin-1 where the commit says so, else with marks for what is neither.
fn text_of<'a>(parsed: &CommitRef<'a>) -> Cow<'a, str> {
    let message: &'a [u8] = parsed.message;
    match std::str::from_utf8(message) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            let encoding = parsed
                .encoding
                .map(|name| name.to_string().to_ascii_lowercase());
            let is_latin = encoding.is_some_and(|name| {
                matches!(&*name, "iso-8859-1" | "iso8859-1" | "latin1" | "latin-1")
            });
            if is_latin {
                Cow::Owned(message.iter().map(|byte| char::from(*byte)).collect())
            } else {
                String::from_utf8_lossy(message)
            }
        }
    }
}
