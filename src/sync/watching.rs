//! Holds the watch of a source that pushes what happens.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt};

use super::flight::{Inner, blocking, lock};
use super::source::{Failure, Watch};
use super::{memory, schedule};
use crate::ledger::Batch;
use crate::providers::FetchError;

/// How often a watch looks whether anybody still asks.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Holds a watch until it breaks, nobody has asked for `keep_syncing`, or Pelorus stops.
///
/// A watch that breaks is followed by a reading, which finds what was missed, and that by a new watch.
pub(super) async fn hold(inner: Arc<Inner>, index: usize) {
    let result = AssertUnwindSafe(follow(&inner, index))
        .catch_unwind()
        .await
        .unwrap_or(Err(Failure::Defect));
    let slot = &inner.slots[index];
    let name = &slot.source.name;
    let mut state = lock(&slot.state);
    match result {
        Ok(outcome) => state.watch = outcome,
        Err(failure) => {
            state.watch = Watch::Idle;
            let text = state.fail(&failure, inner.clock.now());
            tracing::warn!(source = %name, "The watch of {name} broke: {text}");
        }
    }
    drop(state);
    inner.announce();
    inner.woken.notify_one();
}

/// Stores what the source pushes; tells what the watch is afterwards.
async fn follow(inner: &Arc<Inner>, index: usize) -> Result<Watch, Failure> {
    let source = &inner.slots[index].source;
    let cursor = blocking(inner, index, |inner, source| {
        memory::cursor(&inner.ledger, source)
    })
    .await?;
    let Some(mut pages) = source.provider.watch(cursor) else {
        return Ok(Watch::Impossible);
    };
    loop {
        let page = tokio::select! {
            biased;
            () = inner.stopped() => return Ok(Watch::Idle),
            page = pages.next() => page,
            () = tokio::time::sleep(LOOK_EVERY) => {
                if schedule::is_active(inner, inner.clock.now()) {
                    continue;
                }
                return Ok(Watch::Idle);
            }
        };
        let now = inner.clock.now();
        let page = match page {
            Some(Ok(page)) => page,
            // Servers end watches now and then: a reading finds what was missed.
            None => {
                let mut state = lock(&inner.slots[index].state);
                state.is_forced = true;
                inner.take_off(index, &mut state);
                return Ok(Watch::Idle);
            }
            Some(Err(FetchError::CursorExpired { .. })) => {
                blocking(inner, index, move |inner, source| {
                    memory::void_cursor(&inner.ledger, source, now)
                })
                .await?;
                let mut state = lock(&inner.slots[index].state);
                state.is_forced = true;
                inner.take_off(index, &mut state);
                return Ok(Watch::Idle);
            }
            Some(Err(failure)) => return Err(Failure::Fetch(failure)),
        };
        let batch = Batch {
            source: source.name.clone(),
            events: page.events,
            checkpoint: page.checkpoint,
            covered: page
                .covered
                .map(|range| crate::model::TimeRange::new(range.start, range.end.min(now)))
                .filter(|range| !range.is_empty()),
            at: now,
        };
        inner.store(index, batch, page.notices).await?;
    }
}
