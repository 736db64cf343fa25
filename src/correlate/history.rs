//! The events of one application as they come, commits and pull requests already columns.
//!
//! An application may have a million commits, and a whole event takes several hundred bytes: so of those kinds only
//! what correlation looks at is kept, and names that repeat are numbers.

use std::collections::BTreeSet;

use super::commits::Commits;
use super::dictionary::Register;
use super::pull_requests::PullRequests;
use crate::model::{Body, Collect, CommitView, Event, EventKind, Repository, SourceName, Text};

/// All events of an application's subjects, in the order in which they came; duplicates are harmless.
#[derive(Debug, Default)]
pub struct History {
    pub(super) commits: Commits,
    pub(super) pull_requests: PullRequests,
    /// All other kinds but verdicts, which come by `References`, for they may speak of any application.
    pub(super) others: Vec<Event>,
    /// Every repository that an event names.
    pub(super) repositories: Register<Repository>,
    pub(super) sources: Register<SourceName>,
    /// The sources of the events, each once a kind.
    pub(super) reported: BTreeSet<(EventKind, u32)>,
    authors: Register<Text>,
    /// What to call each author; empty: by the name that came.
    called: Vec<Option<Text>>,
    last_reported: Option<(EventKind, u32)>,
}

impl History {
    /// Calls authors what `treat` says, `None` nothing: the ledger may hold names that the settings no longer show.
    pub fn treat_authors(&mut self, treat: impl Fn(&Text) -> Option<Text>) {
        self.called = self.authors.values().iter().map(treat).collect();
    }

    /// What an author is called; `None` of nobody.
    pub(super) fn author(&self, number: u32) -> Option<&Text> {
        match self.called.is_empty() {
            true => self.authors.values().get(number as usize),
            false => self.called.get(number as usize)?.as_ref(),
        }
    }

    fn source(&mut self, kind: EventKind, source: &SourceName) -> u32 {
        let number = self.sources.number(source);
        if self.last_reported != Some((kind, number)) {
            self.last_reported = Some((kind, number));
            self.reported.insert((kind, number));
        }
        number
    }
}

impl Collect for History {
    fn commit(&mut self, commit: CommitView<'_>) {
        let source = self.source(EventKind::Commit, commit.source);
        let repository = self.repositories.number(commit.repository);
        let author = self.authors.number_if_any(commit.author);
        self.commits.push(&commit, source, repository, author);
    }

    fn event(&mut self, event: Event) {
        let repository = match &event.body {
            Body::Commit(commit) => return self.commit(CommitView::of(&event, commit)),
            Body::PullRequest(request) => {
                let source = self.source(EventKind::PullRequest, &event.source);
                let repository = self.repositories.number(&request.repository);
                let author = self.authors.number_if_any(request.author.as_ref());
                let requests = &mut self.pull_requests;
                return requests.push(request, &event.id, source, repository, author);
            }
            Body::Verdict(_) => return,
            Body::Build(build) => Some(&build.repository),
            Body::Release(release) => Some(&release.repository),
            Body::Deployment(deployment) => deployment.repository.as_ref(),
            Body::Incident(incident) => incident.repository.as_ref(),
        };
        self.repositories.number_if_any(repository);
        self.source(event.body.kind(), &event.source);
        self.others.push(event);
    }
}

impl FromIterator<Event> for History {
    fn from_iter<I: IntoIterator<Item = Event>>(events: I) -> Self {
        let mut history = Self::default();
        for event in events {
            history.event(event);
        }
        history
    }
}
