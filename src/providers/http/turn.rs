//! A request's turn: only so many at the same time, within every limit, questions before the schedule.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use super::call::Call;
use super::network::{Lane, LaneLimits};
use super::{HttpError, Priority};

/// Clocks differ; a little longer is kinder than a little too short.
const MARGIN: Duration = Duration::from_millis(50);

/// Leave to send one request: it counts as under way until this is dropped.
pub(super) struct Turn<'a> {
    lane: &'a Lane,
    _places: Places<'a>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut limits = self.lane.limits();
        limits.paces.iter_mut().for_each(|pace| pace.finish(now));
    }
}

struct Places<'a> {
    _under_way: SemaphorePermit<'a>,
    _scheduled: Option<SemaphorePermit<'a>>,
}

/// Waits for a call's turn; a wait beyond the deadline goes back to the caller.
pub(super) async fn take<'a>(call: &Call<'a>, deadline: Instant) -> Result<Turn<'a>, HttpError> {
    let api = call.api;
    let lane: &Lane = &api.lane;
    loop {
        let Ok(places) = timeout_at(deadline, lane.places(api.priority)).await else {
            return Err(HttpError::Unavailable {
                what: call.what(),
                source: anyhow::anyhow!("too many requests to it go before this one"),
            });
        };
        let (now, instant) = (api.network.now(), Instant::now());
        // Only who may send at once is admitted: what is admitted and waits would come on top of the next window.
        let admitted = lane
            .limits()
            .admit((call.resource, call.cost), api.priority, now, instant);
        let Err(wait) = admitted else {
            return Ok(Turn {
                lane,
                _places: places,
            });
        };
        drop(places);
        if instant + wait >= deadline {
            let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::days(1));
            return Err(HttpError::RateLimited {
                what: call.what(),
                until: now + wait,
            });
        }
        tokio::time::sleep(wait).await;
    }
}

impl Lane {
    /// Both queues are first come, first served. All of the schedule but those whose turn it is queue in a line of their
    /// own, so that a question finds nobody waiting before it.
    async fn places(&self, priority: Priority) -> Places<'_> {
        let scheduled = match priority {
            Priority::Background => Some(acquire(&self.scheduled).await),
            Priority::Query => None,
        };
        Places {
            _under_way: acquire(&self.turns).await,
            _scheduled: scheduled,
        }
    }
}

async fn acquire(line: &Semaphore) -> SemaphorePermit<'_> {
    line.acquire().await.expect("nobody closes it")
}

impl LaneLimits {
    /// Lets a request go now, and takes it off all limits.
    ///
    /// # Errors
    /// How long it has to wait.
    fn admit(
        &mut self,
        (resource, cost): (&str, u64),
        priority: Priority,
        now: DateTime<Utc>,
        instant: Instant,
    ) -> Result<(), Duration> {
        let waits = self.paces.iter_mut().map(|pace| pace.wait(instant));
        let paced = waits.max().unwrap_or_default();
        if !paced.is_zero() {
            return Err(paced);
        }
        if let Some(until) = self.budget.admit(resource, cost, priority, now) {
            // What is over already waits for the margin alone.
            return Err((until - now).to_std().unwrap_or_default() + MARGIN);
        }
        self.paces.iter_mut().for_each(|pace| pace.begin());
        Ok(())
    }
}
