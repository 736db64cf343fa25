//! One destination from start to stop: proves it, then empties its queue whenever something waits.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures::future::BoxFuture;
use tokio::sync::watch;
use tracing::{info, warn};

use super::pump::{Pass, Pump};
use super::told::Told;
use crate::error::chain;
use crate::model::{EventId, TimeRange};
use crate::providers::http::{Clock, jittered, random};

/// How long a queue is left alone that was empty: what waits because it lies in the future is looked at again then.
const IDLE: Duration = Duration::from_secs(5);
/// The most that is waited after a first failure; it doubles with each, up to a minute.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// How long a stop waits for what is still to be sent.
const FLUSH: Duration = Duration::from_secs(10);

/// Ids of events, each with a revision.
pub type Versions = Vec<(EventId, i64)>;

/// Proves a destination: that what it takes is there afterwards, and how old it may be.
pub trait Prover: Send + Sync {
    /// How old a sample the destination takes; an error says in one sentence why it is not to be trusted.
    fn prove(&self) -> BoxFuture<'_, Result<TimeDelta, String>>;

    /// The event versions that the destination shows whose main time lies in the range, ids with revisions; `None` where
    /// nothing can be read back.
    fn shown(&self, range: TimeRange) -> BoxFuture<'_, Result<Option<Versions>, String>>;
}

/// One destination, its queue and its proof.
pub struct Lane {
    /// Its queue.
    pub pump: Pump,
    /// Its proof.
    pub prover: Arc<dyn Prover>,
    /// What it is told of sources.
    pub told: Told,
    /// The clock of deliveries.
    pub clock: Clock,
}

impl Lane {
    /// Sends until `stop` says so, and then what is left for at most ten seconds. `changes` tells that something was stored.
    pub async fn keep_sending(
        &self,
        mut changes: watch::Receiver<u64>,
        mut stop: watch::Receiver<bool>,
    ) {
        let name = &self.pump.name;
        let mut failures = 0;
        let mut window = None;
        let mut told = None;
        while !*stop.borrow() {
            changes.borrow_and_update();
            let wait = match self.step(&mut window).await {
                Ok(()) => {
                    if told.take().is_some() {
                        info!(destination = %name, "{name} takes events again");
                    }
                    failures = 0;
                    tokio::select! {
                        _ = changes.changed() => continue,
                        _ = stop.wait_for(|stop| *stop) => break,
                        () = tokio::time::sleep(IDLE) => continue,
                    }
                }
                Err((reason, retry_after)) => {
                    if told.as_ref() != Some(&reason) {
                        warn!(destination = %name, reason, "{name} takes no events, which wait: {reason}");
                        told = Some(reason);
                    }
                    failures += 1;
                    retry_after
                        .unwrap_or_default()
                        .max(jittered(FIRST_WAIT, failures, random()))
                }
            };
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                () = tokio::time::sleep(wait) => {}
            }
        }
        if let Some(window) = window {
            let flushing = self.pump.pass(window, self.clock.now());
            match tokio::time::timeout(FLUSH, flushing).await {
                Ok(Ok(Pass::Done { .. })) => info!(destination = %name, "{name} has everything"),
                Ok(Ok(Pass::Stuck { .. }) | Err(_)) | Err(_) => {
                    info!(destination = %name, "What is left for {name} waits for the next start");
                }
            }
        }
    }

    /// Proves the destination where that is still to be done, and goes over its queue once.
    pub(super) async fn step(
        &self,
        window: &mut Option<TimeDelta>,
    ) -> Result<(), (String, Option<Duration>)> {
        let proved = match *window {
            Some(window) => window,
            None => {
                let proved = self.prover.prove().await.map_err(|reason| {
                    self.pump.tally.failed(&reason);
                    (reason, None)
                })?;
                let name = &self.pump.name;
                info!(destination = %name, window_seconds = proved.num_seconds(), "{name} takes samples of the last {}", in_words(proved));
                self.pump.tally.proved(self.clock.now());
                *window.insert(proved)
            }
        };
        let now = self.clock.now();
        self.told.tell(&self.pump, now).await?;
        match self.pump.pass(proved, now).await {
            Ok(Pass::Done { .. }) => Ok(()),
            Ok(Pass::Stuck {
                reason,
                retry_after,
            }) => Err((reason, retry_after)),
            Err(error) => Err((chain(&error), None)),
        }
    }
}

fn in_words(span: TimeDelta) -> String {
    match (span.num_days(), span.num_hours()) {
        (0, 0) => format!("{} minutes", span.num_minutes()),
        (0, hours) => format!("{hours} hours"),
        (days, _) => format!("{days} days"),
    }
}
