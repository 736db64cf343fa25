//! One destination's queue: takes what waits out of the ledger, has it delivered, and stores what became of it.
//!
//! Nothing leaves the queue before the destination has said what became of it, and everything about that is in the ledger:
//! whenever this stops, the next start goes on where it was.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;

use super::remote_write::{Parcel, Verdict};
use super::tally::Tally;
use crate::ledger::{Ledger, LedgerError, Queued, Route, Settled};
use crate::series::samples_of;

/// Events further ahead of the clock wait: one sample far in the future locks others out of a Prometheus.
const FUTURE: TimeDelta = TimeDelta::minutes(10);

/// What becomes too old while it is under way is refused, so what is nearly too old is not sent.
const MARGIN: TimeDelta = TimeDelta::minutes(5);

/// Delivers samples to a destination.
pub trait Courier: Send + Sync {
    /// One verdict a parcel, in their order. Never waits longer than its deadlines.
    fn deliver(&self, parcels: Vec<Parcel>, now: DateTime<Utc>) -> BoxFuture<'_, Vec<Verdict>>;
}

/// One destination's queue and who empties it.
pub struct Pump {
    /// The destination's name.
    pub name: String,
    /// Where the queue is.
    pub ledger: Arc<Ledger>,
    /// Who delivers.
    pub courier: Arc<dyn Courier>,
    /// Labels that are added to every sample.
    pub external_labels: BTreeMap<String, String>,
    /// Events in one transaction.
    pub page: usize,
    /// What is counted.
    pub tally: Arc<Tally>,
}

/// How a pass over the queue ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pass {
    /// All that may be sent now was sent.
    Done {
        /// Whether anything was.
        was_any: bool,
    },
    /// The destination takes nothing now.
    Stuck {
        /// Why, without secrets.
        reason: String,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
}

/// A page of the queue before it is delivered.
struct Sorted {
    /// What needs no delivery.
    settled: Vec<(i64, i64, Settled)>,
    parcels: Vec<Parcel>,
    /// Whose parcels those are: number and revision.
    sent: Vec<(i64, i64)>,
}

impl Pump {
    /// Goes over the queue once. `window` is how old a sample the destination takes live.
    ///
    /// # Errors
    /// The ledger's; what was delivered and not stored is delivered again, which changes nothing.
    pub async fn pass(&self, window: TimeDelta, now: DateTime<Utc>) -> Result<Pass, LedgerError> {
        let oldest = (now - window).checked_add_signed(MARGIN).unwrap_or(now);
        let mut after = 0;
        let mut was_any = false;
        loop {
            let queued = self.queued(after, now + FUTURE).await?;
            let Some(last) = queued.last() else {
                return Ok(Pass::Done { was_any });
            };
            after = last.number;
            was_any = true;
            let Sorted {
                mut settled,
                parcels,
                sent,
            } = self.sort(queued, oldest);
            let verdicts = if parcels.is_empty() {
                Vec::new()
            } else {
                self.courier.deliver(parcels, now).await
            };
            let stuck = settle_by(&sent, verdicts, &mut settled);
            self.tally.settled(&settled, now, stuck.is_some());
            self.settle(settled, now).await?;
            if let Some((reason, retry_after)) = stuck {
                self.tally.failed(&reason);
                return Ok(Pass::Stuck {
                    reason,
                    retry_after,
                });
            }
        }
    }

    /// Tells what needs no delivery from what is delivered.
    fn sort(&self, queued: Vec<Queued>, oldest: DateTime<Utc>) -> Sorted {
        let mut settled = Vec::new();
        let mut parcels = Vec::with_capacity(queued.len());
        let mut sent = Vec::with_capacity(queued.len());
        for Queued {
            number,
            revision,
            event,
        } in queued
        {
            if event.body.time() < oldest {
                settled.push((number, revision, Settled::Moved(Route::Backfill)));
                continue;
            }
            match samples_of(&event, revision) {
                Ok(mut samples) => {
                    for sample in &mut samples {
                        sample.add_labels(&self.external_labels);
                    }
                    parcels.push(Parcel { samples });
                    sent.push((number, revision));
                }
                Err(unwritable) => {
                    let reason = unwritable.to_string();
                    settled.push((number, revision, Settled::Quarantined { reason }));
                }
            }
        }
        Sorted {
            settled,
            parcels,
            sent,
        }
    }

    async fn queued(&self, after: i64, until: DateTime<Utc>) -> Result<Vec<Queued>, LedgerError> {
        let (ledger, name, page) = (Arc::clone(&self.ledger), self.name.clone(), self.page);
        blocking(move || ledger.queued(&name, Route::Live, after, until, page)).await
    }

    async fn settle(
        &self,
        settled: Vec<(i64, i64, Settled)>,
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        if settled.is_empty() {
            return Ok(());
        }
        let (ledger, name) = (Arc::clone(&self.ledger), self.name.clone());
        blocking(move || ledger.settle(&name, &settled, now)).await
    }
}

/// Adds what verdicts say to what is settled; the reason of the first parcel that was not sent.
fn settle_by(
    sent: &[(i64, i64)],
    verdicts: Vec<Verdict>,
    settled: &mut Vec<(i64, i64, Settled)>,
) -> Option<(String, Option<Duration>)> {
    let mut stuck = None;
    for ((number, revision), verdict) in sent.iter().zip(verdicts) {
        let outcome = match verdict {
            Verdict::Accepted => Settled::Acknowledged,
            Verdict::Refused { reason } => Settled::Quarantined { reason },
            Verdict::TooOld => Settled::Moved(Route::Backfill),
            Verdict::Unsent {
                reason,
                retry_after,
            } => {
                stuck.get_or_insert((reason, retry_after));
                continue;
            }
        };
        settled.push((*number, *revision, outcome));
    }
    stuck
}

/// Runs work on the ledger where blocking is allowed.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LedgerError> + Send + 'static,
) -> Result<T, LedgerError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(failure) if failure.is_panic() => std::panic::resume_unwind(failure.into_panic()),
        // Only a runtime that goes down cancels blocking tasks; the next start goes on.
        Err(_) => Err(LedgerError::ReadOnly {
            path: "of this process".to_owned(),
            reason: "Pelorus stops".to_owned(),
        }),
    }
}
