//! One reading of one source: drives its provider and stores page by page.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use futures::stream::{BoxStream, StreamExt};

use super::flight::{Inner, blocking, lock};
use super::local::pages_of_blocking;
use super::memory;
use super::need::Windows;
use super::origins;
use super::source::{Failure, State};
use crate::ledger::{Batch, LedgerError};
use crate::model::{CommitHash, Coverage, Cursor, EventId, EventKind, TimeRange};
use crate::providers::http::Priority;
use crate::providers::{FetchError, Page, PageRequest, Reach};

/// How long after a question its reading counts as waited for: as long as panels wait.
const SOMEBODY_WAITS: TimeDelta = TimeDelta::seconds(30);

/// What is read at once.
#[derive(Clone, Copy, Debug)]
enum Job {
    /// Everything that is new.
    Whole,
    /// A window of time.
    Window(TimeRange),
    /// A window whose reading was interrupted, from where it stopped.
    Rest(TimeRange),
}

/// Events that are asked for by name, wherever they lie.
#[derive(Clone, Debug, Default)]
struct Named {
    unfinished: Vec<EventId>,
    wanted: Vec<CommitHash>,
}

impl Named {
    fn of(inner: &Inner, index: usize) -> Result<Self, LedgerError> {
        let source = &inner.slots[index].source;
        Ok(Self {
            unfinished: inner.ledger.unfinished(&source.name)?,
            wanted: if source.yields.contains(EventKind::Commit) {
                inner.listener.wanted()
            } else {
                Vec::new()
            },
        })
    }
}

/// How a reading ended, if it did not fail.
enum End {
    /// Everything was said, in so many pages.
    Complete { pages: u64 },
    /// Pelorus stops.
    Stopped,
}

/// Reads a source until nothing that is wanted is missing, it fails, or Pelorus stops.
pub(super) async fn fly(inner: Arc<Inner>, index: usize) {
    let slot = &inner.slots[index];
    let name = &slot.source.name;
    let turn = tokio::select! {
        turn = inner.turns.acquire() => turn.ok(), // Nobody closes the semaphore.
        () = inner.stopped() => None,
    };
    let result = match turn {
        Some(_) => AssertUnwindSafe(read_all(&inner, index))
            .catch_unwind()
            .await
            .unwrap_or(Err(Failure::Defect)),
        None => Ok(End::Stopped),
    };
    match result {
        // The state is settled already, and the next reading may have begun.
        Ok(End::Complete { .. }) => {}
        Ok(End::Stopped) => lock(&slot.state).is_reading = false,
        Err(failure) => {
            let mut state = lock(&slot.state);
            state.is_reading = false;
            let text = state.fail(&failure, inner.clock.now());
            tracing::warn!(source = %name, failures = state.failures, "Cannot read {name}: {text}");
        }
    }
    inner.announce();
    inner.woken.notify_one();
}

async fn read_all(inner: &Arc<Inner>, index: usize) -> Result<End, Failure> {
    let slot = &inner.slots[index];
    let mut windows = Windows::of(slot.source.reach());
    let mut interrupted = match slot.source.reach() {
        Reach::Whole => None,
        Reach::Windows | Reach::Walk => {
            blocking(inner, index, |inner, source| {
                memory::interrupted_window(&inner.ledger, source)
            })
            .await?
        }
    };
    let mut is_first = true;
    let mut all_pages = 0;
    loop {
        let began = inner.clock.now();
        let job = {
            let mut state = lock(&slot.state);
            let rest = interrupted.take().map(Job::Rest);
            let job = rest.or_else(|| next_job(inner, index, &mut state, windows, began, is_first));
            if job.is_none() {
                // Under the lock by which questions widen what is wanted, so that none comes too late.
                state.wanted = Coverage::default();
                state.is_reading = false;
            }
            job
        };
        let Some(job) = job else {
            return Ok(End::Complete { pages: all_pages });
        };
        match read(inner, index, job, began).await {
            Ok(End::Stopped) => return Ok(End::Stopped),
            Ok(End::Complete { pages }) => {
                all_pages += pages;
                if matches!(job, Job::Window(_)) {
                    windows.read(pages);
                }
                let mut state = lock(&slot.state);
                state.read_at = Some(began);
                state.succeed();
            }
            Err(Failure::Fetch(failure @ FetchError::RangeTooLarge { .. })) => {
                let window = match job {
                    Job::Window(window) | Job::Rest(window) => window,
                    Job::Whole => return Err(Failure::Fetch(failure)),
                };
                if !windows.halve(window) {
                    return Err(Failure::Fetch(failure));
                }
            }
            Err(failure) => return Err(failure),
        }
        is_first = false;
        inner.announce();
    }
}

/// What is to be read next; `None` when nothing that is wanted is missing.
fn next_job(
    inner: &Inner,
    index: usize,
    state: &mut State,
    windows: Windows,
    now: DateTime<Utc>,
    is_first: bool,
) -> Option<Job> {
    let is_forced = std::mem::take(&mut state.is_forced);
    match inner.slots[index].source.reach() {
        Reach::Whole => {
            let fresh_from = inner.fresh_from(now);
            let is_missing =
                |range: &TimeRange| !state.missing(Reach::Whole, *range, fresh_from).is_empty();
            let is_due = is_first || is_forced || state.wanted.ranges().iter().any(is_missing);
            is_due.then_some(Job::Whole)
        }
        Reach::Windows | Reach::Walk => {
            if is_forced {
                let usual = inner.policy.usual(now);
                let known_until = state.coverage.ranges().last().map(|range| range.end);
                let start = known_until.map_or(usual.start, |until| until.min(now));
                state.wanted.insert(TimeRange::new(start, now));
            }
            let window = windows.next(&state.wanted, &state.coverage, now);
            let window = window.or_else(|| is_forced.then(|| Windows::latest(now)));
            window.map(Job::Window)
        }
    }
}

/// Does one job; starts it anew, once, where its cursor has expired.
async fn read(
    inner: &Arc<Inner>,
    index: usize,
    job: Job,
    began: DateTime<Utc>,
) -> Result<End, Failure> {
    let mut resume_from = match job {
        Job::Whole | Job::Rest(_) => {
            blocking(inner, index, |inner, source| {
                memory::cursor(&inner.ledger, source)
            })
            .await?
        }
        Job::Window(window) => {
            let keeps_cursor = inner.slots[index].source.reach() == Reach::Walk;
            blocking(inner, index, move |inner, source| {
                if !keeps_cursor {
                    // An older window's cursor means nothing to this one.
                    memory::drop_cursor(&inner.ledger, source, inner.clock.now())?;
                }
                memory::begin_window(&inner.ledger, source, window)?;
                memory::cursor(&inner.ledger, source)
            })
            .await?
        }
    };
    // The youngest reading tells how unfinished events went on, and of commits that are missing.
    let is_youngest = match job {
        Job::Whole => true,
        Job::Window(window) | Job::Rest(window) => {
            let state = lock(&inner.slots[index].state);
            let known = state.coverage.ranges().last();
            known.is_none_or(|known| known.end <= window.end)
        }
    };
    let named = if is_youngest {
        blocking(inner, index, move |inner, _| Named::of(inner, index)).await?
    } else {
        Named::default()
    };
    loop {
        let is_resumed = resume_from.is_some();
        let result = read_from(inner, index, job, began, resume_from, named.clone()).await;
        match result {
            Err(Failure::Fetch(FetchError::CursorExpired { .. })) if is_resumed => {
                blocking(inner, index, |inner, source| {
                    memory::void_cursor(&inner.ledger, source, inner.clock.now())
                })
                .await?;
                resume_from = None;
            }
            result => return result,
        }
    }
}

async fn read_from(
    inner: &Arc<Inner>,
    index: usize,
    job: Job,
    began: DateTime<Utc>,
    resume_from: Option<Cursor>,
    named: Named,
) -> Result<End, Failure> {
    let slot = &inner.slots[index];
    let name = &slot.source.name;
    let started = tokio::time::Instant::now();
    if resume_from.is_none() && matches!(job, Job::Whole) {
        // Everything is said anew, what was odd too.
        lock(&slot.state).forget_notices();
    }
    let range = match job {
        Job::Window(window) | Job::Rest(window) => window,
        Job::Whole => TimeRange::new(inner.policy.usual(began).start, began),
    };
    let request = PageRequest {
        range,
        resume_from,
        unfinished: named.unfinished,
        wanted: named.wanted,
        priority: priority(inner, began),
    };
    let provider = Arc::clone(&slot.source.provider);
    let (end, events) = match slot.source.reach() {
        Reach::Windows | Reach::Walk => {
            store_pages(inner, index, provider.pages(request), began).await?
        }
        Reach::Whole => {
            let (pages, driver) = pages_of_blocking(provider, request);
            let result = store_pages(inner, index, pages, began).await;
            // The driver ends with the stream; when it was dropped early, at the end of the page it is in.
            if matches!(result, Ok((End::Complete { .. }, _))) && driver.await.is_err() {
                return Err(Failure::Defect);
            }
            result?
        }
    };
    if let End::Complete { pages } = end {
        finish(inner, index, job, began).await?;
        let duration_ms = started.elapsed().as_millis() as u64;
        if events > 0 {
            tracing::info!(source = %name, events, pages, duration_ms, "Stored {events} events from {name}");
        } else {
            tracing::debug!(source = %name, pages, duration_ms, "Nothing new from {name}");
        }
    }
    Ok(end)
}

/// Stores every page of a stream; tells how it ended and how many events came.
async fn store_pages(
    inner: &Arc<Inner>,
    index: usize,
    mut pages: BoxStream<'_, Result<Page, FetchError>>,
    began: DateTime<Utc>,
) -> Result<(End, u64), Failure> {
    let slot = &inner.slots[index];
    let mut count = 0;
    let mut events = 0;
    let stopped = inner.stopped();
    tokio::pin!(stopped);
    loop {
        let page = tokio::select! {
            biased;
            () = &mut stopped => return Ok((End::Stopped, events)),
            page = pages.next() => page,
        };
        let Some(page) = page else {
            return Ok((End::Complete { pages: count }, events));
        };
        let page = page.map_err(Failure::Fetch)?;
        count += 1;
        events += page.events.len() as u64;
        if page.progress.is_some() {
            lock(&slot.state).progress = page.progress;
        }
        origins::keep(inner, index, page.origins).await?;
        let batch = Batch {
            source: slot.source.name.clone(),
            events: page.events,
            checkpoint: page.checkpoint,
            covered: page.covered.and_then(|range| until(range, began)),
            at: inner.clock.now(),
        };
        inner.store(index, batch, page.notices).await?;
    }
}

/// Takes down that the job was done, and what is covered by that.
async fn finish(
    inner: &Arc<Inner>,
    index: usize,
    job: Job,
    began: DateTime<Utc>,
) -> Result<(), Failure> {
    let slot = &inner.slots[index];
    let covered = match job {
        Job::Window(window) | Job::Rest(window) => until(window, began),
        Job::Whole => {
            let known = lock(&slot.state).coverage.ranges().last().copied();
            let start = match known {
                Some(range) => Some(range.start),
                // The provider did not say where its source begins: with its earliest event.
                None => blocking(inner, index, |inner, source| inner.ledger.stats(source))
                    .await?
                    .times
                    .map(|(earliest, _)| earliest),
            };
            start.and_then(|start| until(TimeRange::new(start, began), began))
        }
    };
    let batch = Batch {
        source: slot.source.name.clone(),
        events: Vec::new(),
        checkpoint: None,
        covered,
        at: began,
    };
    inner.store(index, batch, Vec::new()).await?;
    let notices = lock(&slot.state).notices.clone();
    blocking(inner, index, move |inner, source| {
        memory::end_window(&inner.ledger, source)?;
        memory::keep_notices(&inner.ledger, source, &notices)
    })
    .await?;
    Ok(())
}

/// Who waits for a reading that begins now.
fn priority(inner: &Inner, began: DateTime<Utc>) -> Priority {
    match inner.asked_at() {
        Some(asked) if began <= asked + SOMEBODY_WAITS => Priority::Query,
        Some(_) | None => Priority::Background,
    }
}

/// The part of a range before the moment when the reading began, in whole milliseconds.
fn until(range: TimeRange, began: DateTime<Utc>) -> Option<TimeRange> {
    let cut = TimeRange::new(range.start, range.end.min(began));
    (!cut.is_empty()).then_some(cut)
}
