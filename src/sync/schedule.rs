//! What goes on without a question: refreshing, trying again, watching, forgetting.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::backoff::Retry;
use super::flight::{Inner, Slot, lock};
use super::source::Watch;
use super::watching;
use crate::ledger::Forget;
use crate::model::TimeRange;

/// The longest sleep: a machine that slept, or whose clock was set, is noticed within it.
const LONGEST_SLEEP: TimeDelta = TimeDelta::minutes(5);
const FORGET_EVERY: TimeDelta = TimeDelta::hours(24);

/// Refreshes sources every `freshness` for `keep_syncing` after the last question, until Pelorus stops.
pub(super) async fn keep_reading(inner: Arc<Inner>) {
    let mut forget_at = inner.clock.now();
    loop {
        let now = inner.clock.now();
        if inner.policy.retention.is_some() && forget_at <= now {
            forget(&inner, now).await;
            forget_at = now + FORGET_EVERY;
        }
        let wake_at = start_due(&inner, now).min(now + LONGEST_SLEEP);
        let sleep = (wake_at - now).to_std().unwrap_or(Duration::ZERO);
        tokio::select! {
            () = inner.stopped() => return,
            () = inner.woken.notified() => {}
            () = tokio::time::sleep(sleep) => {}
        }
    }
}

/// Starts what is due, and tells when something is due next.
fn start_due(inner: &Arc<Inner>, now: DateTime<Utc>) -> DateTime<Utc> {
    let mut next = DateTime::<Utc>::MAX_UTC;
    if !is_active(inner, now) {
        return next;
    }
    for (index, slot) in inner.slots.iter().enumerate() {
        let mut state = lock(&slot.state);
        if state.is_reading {
            continue;
        }
        if state.watch == Watch::Idle && state.read_at.is_some() && state.retry == Retry::Free {
            state.watch = Watch::Held;
            inner.spawn(watching::hold(Arc::clone(inner), index));
        }
        drop(state);
        let Some(due) = due(inner, slot) else {
            continue;
        };
        if due > now {
            next = next.min(due);
            continue;
        }
        let mut state = lock(&slot.state);
        let until = state.coverage.ranges().last().map(|range| range.end);
        if let Some(until) = until {
            state.wanted.insert(TimeRange::new(until.min(now), now));
        }
        inner.take_off(index, &mut state);
    }
    next
}

/// Whether somebody asked lately.
pub(super) fn is_active(inner: &Inner, now: DateTime<Utc>) -> bool {
    inner
        .asked_at()
        .is_some_and(|asked| now <= asked + inner.policy.keep_syncing)
}

/// When a source that is not being read is due; `None`: when somebody asks.
fn due(inner: &Inner, slot: &Slot) -> Option<DateTime<Utc>> {
    let state = lock(&slot.state);
    match state.retry {
        Retry::WhenTold => None,
        Retry::After(instant) => Some(instant),
        Retry::Free => {
            let known_until = state.coverage.ranges().last().map(|range| range.end);
            Some(state.read_at.max(known_until)? + inner.policy.freshness)
        }
    }
}

async fn forget(inner: &Arc<Inner>, now: DateTime<Utc>) {
    let Some(kept) = inner
        .policy
        .retention
        .and_then(|retention| now.checked_sub_signed(retention))
    else {
        return;
    };
    let ledger = Arc::clone(&inner.ledger);
    let forgetting =
        tokio::task::spawn_blocking(move || ledger.forget(&Forget::Before(kept))).await;
    match forgetting {
        Ok(Ok(0)) => {}
        Ok(Ok(events)) => {
            tracing::info!(events, "Forgot {events} events older than retention allows");
            inner.listener.forgotten();
            inner.announce();
        }
        Ok(Err(failure)) => {
            tracing::warn!(
                "Cannot forget what retention no longer allows: {}",
                crate::error::chain(&failure)
            );
        }
        Err(failure) => tracing::error!("Forgetting stopped by a defect: {failure}"),
    }
}
