//! The columns of all applications: built when first asked for, then kept up application by application.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use chrono::{DateTime, Utc};

use super::heard;
use super::wishes::Wishes;
use crate::config::Settings;
use crate::correlate::{
    Assignment, Block, History, Input, References, SourceFacts, Sources, assign, correlate,
};
use crate::ledger::{Ledger, LedgerError, Stored, SubjectId};
use crate::model::{Application, CommitHash, Coverage, EventId, EventKind, SourceName, Subject};
use crate::sync::{Listener, Names, Source, origins};

/// Threads that build columns.
const BUILDERS: usize = 2;

/// What all applications were at a moment.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// Differs between any two snapshots.
    pub(super) generation: u64,
    /// One an application, in order of their names.
    pub(super) blocks: Vec<Arc<Block>>,
    /// Subjects whose events belong to no application.
    pub(super) unassigned: Arc<[Subject]>,
    /// Where each source's coverage began.
    starts: Vec<Option<DateTime<Utc>>>,
}

/// What changed since the last snapshot.
#[derive(Debug, Default)]
pub(super) struct Dirty {
    everything: bool,
    assignment: bool,
    pub(super) subjects: BTreeSet<SubjectId>,
    named: BTreeSet<EventId>,
}

impl Dirty {
    fn is_nothing(&self) -> bool {
        !self.everything && !self.assignment && self.subjects.is_empty() && self.named.is_empty()
    }
}

/// What the next snapshot is built on.
#[derive(Default)]
pub(super) struct Foundation {
    /// Whether it fits the current snapshot; `false` before the first one and after a failure.
    is_sound: bool,
    pub(super) assignment: Assignment,
    pub(super) references: References,
    /// The applications of each subject, by their index in the snapshot.
    pub(super) owners: HashMap<SubjectId, Vec<usize>>,
    /// Whether several sources may report an application's deployments: their coverage decides which one counts.
    has_rivals: Vec<bool>,
    unassigned: Arc<[Subject]>,
    generation: u64,
}

/// Columns over a ledger.
pub(super) struct Columns {
    pub(super) ledger: Arc<Ledger>,
    settings: Arc<Settings>,
    /// The sources, their coverage left out.
    sources: Vec<SourceFacts>,
    names: Arc<Names>,
    current: RwLock<Option<Arc<Snapshot>>>,
    dirty: Mutex<Dirty>,
    pub(super) wishes: Wishes,
    /// Held while a snapshot is built.
    pub(super) foundation: Mutex<Foundation>,
}

/// A lock whose data stays sound when a thread panics while holding it: `Foundation::is_sound` tells.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Columns {
    pub(super) fn new(
        ledger: Arc<Ledger>,
        settings: Arc<Settings>,
        sources: &[Source],
        names: Arc<Names>,
    ) -> Self {
        let sources = sources.iter().map(|source| SourceFacts {
            name: source.name.clone(),
            rank: source.rank,
            environment: source.environment.clone(),
            cluster: source.cluster.clone(),
            coverage: Coverage::default(),
        });
        Self {
            ledger,
            settings,
            sources: sources.collect(),
            names,
            current: RwLock::new(None),
            dirty: Mutex::new(Dirty::default()),
            wishes: Wishes::default(),
            foundation: Mutex::new(Foundation::default()),
        }
    }

    /// The columns as the ledger has them now. Blocks, for seconds where much is new.
    ///
    /// # Errors
    /// The ledger's.
    pub(super) fn snapshot(&self, coverages: &[Coverage]) -> Result<Arc<Snapshot>, LedgerError> {
        let starts: Vec<_> = coverages.iter().map(Coverage::start).collect();
        let still_holds = |snapshot: &Arc<Snapshot>| snapshot.starts == starts;
        if lock(&self.dirty).is_nothing()
            && let Some(snapshot) = self.current().filter(still_holds)
        {
            return Ok(snapshot);
        }
        let mut foundation = lock(&self.foundation);
        let before = self.current();
        // Taken before the ledger is read: what is stored meanwhile is dirty again.
        let mut dirty = std::mem::take(&mut *lock(&self.dirty));
        dirty.everything |= !foundation.is_sound || before.is_none();
        if dirty.is_nothing()
            && let Some(snapshot) = before.clone().filter(still_holds)
        {
            return Ok(snapshot);
        }
        foundation.is_sound = false;
        let snapshot = self.build(&mut foundation, &dirty, before, coverages, starts)?;
        let snapshot = Arc::new(snapshot);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&snapshot));
        foundation.is_sound = true;
        Ok(snapshot)
    }

    /// Says that the ledger may have changed in every way.
    pub(super) fn distrust(&self) {
        lock(&self.dirty).everything = true;
    }

    /// Drops the columns; the next question builds them again.
    pub(super) fn clear(&self) {
        let mut foundation = lock(&self.foundation);
        *foundation = Foundation {
            generation: foundation.generation,
            ..Foundation::default()
        };
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = None;
        *lock(&self.dirty) = Dirty::default();
    }

    fn current(&self) -> Option<Arc<Snapshot>> {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn build(
        &self,
        foundation: &mut Foundation,
        dirty: &Dirty,
        before: Option<Arc<Snapshot>>,
        coverages: &[Coverage],
        starts: Vec<Option<DateTime<Utc>>>,
    ) -> Result<Snapshot, LedgerError> {
        let before = before.filter(|_| !dirty.everything);
        let mut known: HashMap<&Application, (&Arc<Block>, &Vec<i64>)> = HashMap::new();
        let old_assignment;
        let is_assigned_anew = before.is_none() || dirty.assignment;
        if is_assigned_anew {
            old_assignment = self.assign(foundation)?;
            if let Some(before) = &before {
                let keys = old_assignment.applications.values();
                let blocks = before.blocks.iter().zip(keys);
                known = blocks
                    .map(|(block, keys)| (&block.application, (block, keys)))
                    .collect();
            }
        }
        let changed_heard = self.changed_heard(foundation, dirty)?;
        if is_assigned_anew || !dirty.named.is_empty() || !changed_heard.is_empty() {
            let heard = foundation.references.heard().clone();
            let events = heard::references(&self.ledger)?;
            foundation.references = References::collect(&events, &foundation.assignment);
            foundation.references.hear(heard);
        }
        let mut is_stale = vec![before.is_none(); foundation.assignment.applications.len()];
        let mut named = Vec::new();
        for id in dirty.named.iter().filter(|_| before.is_some()) {
            named.extend(self.ledger.subjects_of(id)?);
        }
        for subject in dirty.subjects.iter().chain(&named) {
            for owner in foundation.owners.get(subject).into_iter().flatten() {
                is_stale[*owner] = true;
            }
        }
        if let Some(before) = &before {
            let is_moved = before.starts != starts;
            for (stale, has_rivals) in is_stale.iter_mut().zip(&foundation.has_rivals) {
                *stale |= is_moved && *has_rivals;
            }
        }
        let sources = self.sources_with(coverages)?;
        let hears_anew =
            |block: &Block| block.heard.iter().any(|(id, _)| changed_heard.contains(id));
        let keep = |at: usize, application: &Application, keys: &Vec<i64>| {
            if is_stale[at] {
                return None;
            }
            if is_assigned_anew {
                let (block, known_keys) = known.get(application)?;
                let is_same = *known_keys == keys && !hears_anew(block);
                return is_same.then(|| Arc::clone(*block));
            }
            let block = &before.as_ref()?.blocks[at];
            (!hears_anew(block)).then(|| Arc::clone(block))
        };
        let applications = foundation.assignment.applications.iter().enumerate();
        let mut blocks: Vec<Option<Arc<Block>>> = applications
            .map(|(at, (application, keys))| keep(at, application, keys))
            .collect();
        let jobs: Vec<(usize, &Application, &Vec<i64>)> = foundation
            .assignment
            .applications
            .iter()
            .enumerate()
            .filter(|(at, _)| blocks[*at].is_none())
            .map(|(at, (application, keys))| (at, application, keys))
            .collect();
        for (at, block) in self.correlate(&jobs, &foundation.references, &sources)? {
            blocks[at] = Some(Arc::new(block));
        }
        self.tell_each_other(foundation, &mut blocks, &sources)?;
        foundation.generation += 1;
        Ok(Snapshot {
            generation: foundation.generation,
            blocks: blocks.into_iter().flatten().collect(),
            unassigned: Arc::clone(&foundation.unassigned),
            starts,
        })
    }

    /// Assigns all subjects anew; returns the assignment before.
    fn assign(&self, foundation: &mut Foundation) -> Result<Assignment, LedgerError> {
        let subjects = self.ledger.subjects()?;
        let claims: Vec<_> = self.ledger.claims()?;
        let claims: Vec<_> = claims
            .into_iter()
            .map(|(subject, repository)| (subject.0, repository))
            .collect();
        let by_key: Vec<(i64, &Subject)> = subjects
            .iter()
            .map(|(id, subject)| (id.0, subject))
            .collect();
        let assignment = assign(&by_key, &claims, &self.settings.rules);
        let subject_of: HashMap<i64, &Subject> = by_key.into_iter().collect();
        foundation.owners.clear();
        foundation.has_rivals.clear();
        for (at, keys) in assignment.applications.values().enumerate() {
            let mut reporters = BTreeSet::<&SourceName>::new();
            for key in keys {
                let owners = foundation.owners.entry(SubjectId(*key)).or_default();
                owners.push(at);
                let subject = subject_of.get(key);
                reporters.extend(
                    subject
                        .filter(|subject| self.reports(subject))
                        .map(|subject| &subject.source),
                );
            }
            foundation.has_rivals.push(reporters.len() > 1);
        }
        let unassigned = assignment.unassigned.iter();
        foundation.unassigned = unassigned
            .filter_map(|key| subject_of.get(key).map(|subject| (*subject).clone()))
            .collect();
        Ok(std::mem::replace(&mut foundation.assignment, assignment))
    }

    /// Whether events of the subject are deployments, or may become some by a rule.
    fn reports(&self, subject: &Subject) -> bool {
        subject.kind == EventKind::Deployment
            || (!self.settings.rules.deployments.is_empty()
                && matches!(
                    subject.kind,
                    EventKind::Build | EventKind::PullRequest | EventKind::Release
                ))
    }

    /// Facts of the sources of the settings, and of those that others read whose events are read back.
    fn sources_with(&self, coverages: &[Coverage]) -> Result<Sources, LedgerError> {
        let own = self.sources.iter().zip(coverages);
        let own = own.map(|(facts, coverage)| SourceFacts {
            coverage: coverage.clone(),
            ..facts.clone()
        });
        let foreign = origins(&self.ledger)?;
        // What is said later wins: a source of the settings over one of the same name elsewhere.
        Ok(foreign
            .into_iter()
            .map(SourceFacts::from)
            .chain(own)
            .collect())
    }

    /// Builds blocks, two at a time, so that only the raw events of two applications are held.
    pub(super) fn correlate(
        &self,
        jobs: &[(usize, &Application, &Vec<i64>)],
        references: &References,
        sources: &Sources,
    ) -> Result<Vec<(usize, Block)>, LedgerError> {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut built = Vec::new();
            while let Some((at, application, keys)) = jobs.get(next.fetch_add(1, Ordering::Relaxed))
            {
                let subjects: Vec<_> = keys.iter().copied().map(SubjectId).collect();
                let mut history = History::default();
                self.ledger.collect(&subjects, &mut history)?;
                // The ledger may hold names from a time when the settings showed them.
                history.treat_authors(|author| self.names.treated(author));
                let block = correlate(&Input {
                    application,
                    history: &history,
                    references,
                    rules: &self.settings.rules,
                    sources,
                });
                built.push((*at, block));
            }
            Ok(built)
        };
        let builders = BUILDERS.min(jobs.len());
        if builders < 2 {
            return work();
        }
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..builders).map(|_| scope.spawn(work)).collect();
            let mut built = Vec::with_capacity(jobs.len());
            for thread in threads {
                match thread.join() {
                    Ok(blocks) => built.extend(blocks?),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            Ok(built)
        })
    }
}

/// Tells the columns what sync stored.
pub(super) struct Ear(pub(super) Arc<Columns>);

impl Listener for Ear {
    fn stored(&self, stored: &Stored) {
        // Before the first question there are no columns, and nothing to keep of a first reading's millions.
        // In this order: a build that begins after the first look reads what was stored before it.
        if !lock_is_held(&self.0.foundation) && self.0.current().is_none() {
            return;
        }
        let mut dirty = lock(&self.0.dirty);
        dirty.assignment |= stored.assignment_changed;
        dirty.subjects.extend(&stored.subjects);
        dirty.named.extend(stored.named.iter().cloned());
    }

    fn forgotten(&self) {
        self.0.distrust();
    }

    fn wanted(&self) -> Vec<CommitHash> {
        let Some(snapshot) = self.0.current() else {
            return Vec::new();
        };
        let commits = self.0.wishes.tell(&self.0.ledger, &snapshot);
        commits.unwrap_or_else(|failure| {
            let failure = crate::error::chain(&failure);
            tracing::warn!("Cannot tell which commits are missing: {failure}");
            Vec::new()
        })
    }
}

/// Whether somebody builds right now: what is stored meanwhile may or may not be in what they read.
fn lock_is_held<T>(mutex: &Mutex<T>) -> bool {
    matches!(mutex.try_lock(), Err(std::sync::TryLockError::WouldBlock))
}
