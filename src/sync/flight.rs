//! Single flight: any number of waiting questions share one reading of each source.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;

use super::backoff::Retry;
use super::need::Policy;
use super::people::Names;
use super::source::{Failure, Source, Standing, State};
use super::{memory, reading, schedule, selection};
use crate::ledger::{Batch, Ledger, LedgerError, Stored};
use crate::model::{CommitHash, Coverage, Event, EventKind, Notice, SourceName, TimeRange};
use crate::providers::http::Clock;

/// Readings at the same time.
const CONCURRENT_READINGS: usize = 4;
/// How long a stop waits for readings to come to a page's end.
const STOP_SECONDS: u64 = 4;

/// Who is told what was stored.
pub trait Listener: Send + Sync + 'static {
    /// A page was stored.
    fn stored(&self, stored: &Stored);

    /// Events were forgotten: everything may have changed.
    fn forgotten(&self);

    /// Commits that deployments name and the ledger lacks. May block on the ledger.
    fn wanted(&self) -> Vec<CommitHash>;
}

/// Reads the sources: on demand, in the background, and what they push. Cheap to clone.
#[derive(Clone)]
pub struct Syncing(pub(super) Arc<Inner>);

pub(super) struct Slot {
    pub(super) source: Source,
    pub(super) state: Mutex<State>,
}

pub(super) struct Inner {
    pub(super) ledger: Arc<Ledger>,
    pub(super) clock: Clock,
    pub(super) policy: Policy,
    pub(super) names: Arc<Names>,
    pub(super) slots: Vec<Slot>,
    pub(super) listener: Box<dyn Listener>,
    pub(super) turns: Semaphore,
    /// Wakes the schedule when a question comes or a reading ends.
    pub(super) woken: Notify,
    pub(super) is_stopped: watch::Sender<bool>,
    asked_at: Mutex<Option<DateTime<Utc>>>,
    changes: watch::Sender<u64>,
    tasks: Mutex<JoinSet<()>>,
    runtime: Handle,
}

/// A lock whose data stays sound when a thread panics while holding it: every change is one assignment.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs work on the ledger where blocking is allowed.
pub(super) async fn blocking<T: Send + 'static>(
    inner: &Arc<Inner>,
    index: usize,
    work: impl FnOnce(&Inner, &SourceName) -> Result<T, LedgerError> + Send + 'static,
) -> Result<T, Failure> {
    let inner = Arc::clone(inner);
    let working =
        tokio::task::spawn_blocking(move || work(&inner, &inner.slots[index].source.name));
    // A blocking task ends without a result when it panics, or when the runtime goes down, where nobody waits.
    working
        .await
        .map_err(|_| Failure::Defect)?
        .map_err(Failure::Ledger)
}

impl Syncing {
    /// Takes the sources over and starts the schedule; reads nothing until somebody asks.
    ///
    /// Must run inside a tokio runtime. Blocks on the ledger.
    ///
    /// # Errors
    /// The ledger's.
    pub fn start(
        ledger: Arc<Ledger>,
        sources: Vec<Source>,
        policy: Policy,
        names: Arc<Names>,
        clock: Clock,
        listener: Box<dyn Listener>,
    ) -> Result<Self, LedgerError> {
        let mut slots = Vec::with_capacity(sources.len());
        for source in sources {
            if !ledger.is_read_only() && selection::keep(&ledger, &source.name, &source.selection)?
            {
                tracing::info!(source = %source.name, "The selection of {} changed: it is read anew", source.name);
            }
            let state = State {
                coverage: ledger.coverage(&source.name)?,
                notices: memory::notices(&ledger, &source.name)?,
                ..State::default()
            };
            slots.push(Slot {
                source,
                state: Mutex::new(state),
            });
        }
        let syncing = Self(Arc::new(Inner {
            ledger,
            clock,
            policy,
            names,
            slots,
            listener,
            turns: Semaphore::new(CONCURRENT_READINGS),
            woken: Notify::new(),
            is_stopped: watch::Sender::new(false),
            asked_at: Mutex::new(None),
            changes: watch::Sender::new(0),
            tasks: Mutex::new(JoinSet::new()),
            runtime: Handle::current(),
        }));
        if !syncing.0.ledger.is_read_only() {
            syncing
                .0
                .spawn(schedule::keep_reading(Arc::clone(&syncing.0)));
        }
        Ok(syncing)
    }

    /// Says that a question needs this range: starts readings of what is missing, and keeps syncing from now on.
    pub fn want(&self, need: TimeRange) {
        let now = self.0.clock.now();
        *lock(&self.0.asked_at) = Some(now);
        if self.0.ledger.is_read_only() || *self.0.is_stopped.borrow() {
            return;
        }
        for index in 0..self.0.slots.len() {
            let slot = &self.0.slots[index];
            let mut state = lock(&slot.state);
            if !state
                .missing(slot.source.reach(), need, self.0.fresh_from(now))
                .is_empty()
            {
                state.wanted.insert(need);
                if state.retry.allows(now) {
                    self.0.take_off(index, &mut state);
                }
            }
        }
        self.0.woken.notify_one();
    }

    /// Waits until every source has answered for the range or has stopped reading. Dropping the wait stops nothing.
    pub async fn settle(&self, need: TimeRange) {
        self.settle_when(|slot| {
            let fresh_from = self.0.fresh_from(self.0.clock.now());
            let state = lock(&slot.state);
            !state.is_reading
                || state
                    .missing(slot.source.reach(), need, fresh_from)
                    .is_empty()
        })
        .await;
    }

    async fn settle_when(&self, is_settled: impl Fn(&Slot) -> bool) {
        let mut changes = self.0.changes.subscribe();
        loop {
            changes.borrow_and_update();
            // The sender lives in `self`, so the channel cannot close before this returns.
            if self.0.slots.iter().all(&is_settled) || changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// How every source does, and what it misses of the range.
    pub fn standings(&self, need: TimeRange) -> Vec<Standing> {
        let fresh_from = self.0.fresh_from(self.0.clock.now());
        self.0
            .slots
            .iter()
            .map(|slot| {
                let state = lock(&slot.state);
                let missing = state.missing(slot.source.reach(), need, fresh_from);
                state.standing(&slot.source, missing)
            })
            .collect()
    }

    /// The connected sources, in the order of the settings.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.0.slots.iter().map(|slot| &slot.source)
    }

    /// What each source answered for.
    pub fn coverages(&self) -> Vec<Coverage> {
        let slots = self.0.slots.iter();
        slots
            .map(|slot| lock(&slot.state).coverage.clone())
            .collect()
    }

    /// Reads coverage again, of a ledger that another process writes.
    ///
    /// # Errors
    /// The ledger's.
    pub fn reload_coverage(&self) -> Result<(), LedgerError> {
        for slot in &self.0.slots {
            let coverage = self.0.ledger.coverage(&slot.source.name)?;
            lock(&slot.state).coverage = coverage;
        }
        Ok(())
    }

    /// The clock of readings.
    pub fn now(&self) -> DateTime<Utc> {
        self.0.clock.now()
    }

    /// What questions need.
    pub fn policy(&self) -> &Policy {
        &self.0.policy
    }

    /// A number that changes whenever something was stored, or a reading began or ended.
    pub fn version(&self) -> u64 {
        *self.0.changes.borrow()
    }

    /// Follows `version`.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Starts reading now, whatever failed before; returns the names of the sources that read.
    pub fn sync_now(&self, wanted: Option<&SourceName>) -> Vec<SourceName> {
        if self.0.ledger.is_read_only() || *self.0.is_stopped.borrow() {
            return Vec::new();
        }
        let now = self.0.clock.now();
        let mut started = Vec::new();
        for (index, slot) in self.0.slots.iter().enumerate() {
            if wanted.is_some_and(|name| *name != slot.source.name) {
                continue;
            }
            let mut state = lock(&slot.state);
            state.retry = Retry::Free;
            state.is_forced = true;
            state.wanted.insert(self.0.policy.usual(now));
            self.0.take_off(index, &mut state);
            started.push(slot.source.name.clone());
        }
        started
    }

    /// Reads the sources that yield commits, because deployments name commits that nobody asked them for yet.
    pub fn read_commits(&self) {
        if self.0.ledger.is_read_only() {
            return;
        }
        let now = self.0.clock.now();
        for (index, slot) in self.0.slots.iter().enumerate() {
            let mut state = lock(&slot.state);
            if slot.source.yields.contains(EventKind::Commit) && state.retry.allows(now) {
                state.is_forced = true;
                self.0.take_off(index, &mut state);
            }
        }
    }

    /// Waits until no source that yields commits is being read.
    pub async fn settle_commits(&self) {
        self.settle_when(|slot| {
            !slot.source.yields.contains(EventKind::Commit) || !lock(&slot.state).is_reading
        })
        .await;
    }

    /// Stores events that were pushed to us. Blocks on the ledger.
    ///
    /// # Errors
    /// The ledger's.
    pub fn accept(&self, source: &SourceName, mut events: Vec<Event>) -> Result<(), LedgerError> {
        for event in &mut events {
            self.0.names.treat(event);
        }
        let stored = self.0.ledger.store(&Batch {
            source: source.clone(),
            events,
            checkpoint: None,
            covered: None,
            at: self.0.clock.now(),
        })?;
        self.0.listener.stored(&stored);
        self.0.announce();
        Ok(())
    }

    /// Tells all tasks to stop at their next page, without waiting.
    pub fn give_up(&self) {
        self.0.is_stopped.send_replace(true);
    }

    /// Stops all tasks at their next page, and those that do not come to one within four seconds at once.
    pub async fn stop(&self) {
        self.give_up();
        let mut tasks = std::mem::take(&mut *lock(&self.0.tasks));
        let all_ended = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(Duration::from_secs(STOP_SECONDS), all_ended)
            .await
            .is_err()
        {
            tasks.shutdown().await;
        }
        self.0.announce();
    }
}

impl Inner {
    /// Starts the reading of a source unless one is under way, which then reads what else is wanted too.
    pub(super) fn take_off(self: &Arc<Self>, index: usize, state: &mut State) {
        if state.is_reading || *self.is_stopped.borrow() {
            return;
        }
        state.is_reading = true;
        state.progress = None;
        self.spawn(reading::fly(Arc::clone(self), index));
    }

    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn_on(task, &self.runtime);
    }

    /// Data younger than this may be missing.
    pub(super) fn fresh_from(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - self.policy.freshness
    }

    /// Wakes everybody who waits for a source.
    pub(super) fn announce(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// When the last question came.
    pub(super) fn asked_at(&self) -> Option<DateTime<Utc>> {
        *lock(&self.asked_at)
    }

    /// Ends once `stop` was called.
    pub(super) async fn stopped(&self) {
        let mut is_stopped = self.is_stopped.subscribe();
        // The sender lives in `self`; an error would mean that everything is gone, which is a stop too.
        let _ = is_stopped.wait_for(|stopped| *stopped).await;
    }

    /// Treats names, stores a page in one transaction, and tells who listens.
    pub(super) async fn store(
        self: &Arc<Self>,
        index: usize,
        mut batch: Batch,
        notices: Vec<Notice>,
    ) -> Result<(), Failure> {
        blocking(self, index, move |inner, source| {
            for event in &mut batch.events {
                inner.names.treat(event);
            }
            let stored = inner.ledger.store(&batch)?;
            let coverage = match batch.covered {
                Some(_) => Some(inner.ledger.coverage(source)?),
                None => None,
            };
            inner.listener.stored(&stored);
            let mut state = lock(&inner.slots[index].state);
            if let Some(coverage) = coverage {
                state.coverage = coverage;
                // It answers again; how often it failed is forgotten only when the reading is complete.
                state.failure = None;
            }
            state.note(notices);
            Ok(())
        })
        .await?;
        self.announce();
        Ok(())
    }
}
