//! Tells destinations of the sources behind events: whoever reads them back ranks and completes them as it is done here.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::pump::Pump;
use super::remote_write::{Parcel, Verdict};
use crate::model::Origin;
use crate::series::sample_of_origin;

/// How often sources are told of that have not changed: whoever reads only the last days learns of them too.
const EVERY: TimeDelta = TimeDelta::hours(24);

/// What a destination was told of sources.
pub struct Told {
    /// The sources as they are now.
    sources: Box<dyn Fn() -> Vec<Origin> + Send + Sync>,
    last: Mutex<Option<(Vec<Origin>, DateTime<Utc>)>>,
}

impl Told {
    /// Nothing was told yet.
    pub fn of(sources: impl Fn() -> Vec<Origin> + Send + Sync + 'static) -> Self {
        Self {
            sources: Box::new(sources),
            last: Mutex::default(),
        }
    }

    /// Tells what has changed, or was told a day ago.
    pub(super) async fn tell(
        &self,
        pump: &Pump,
        now: DateTime<Utc>,
    ) -> Result<(), (String, Option<Duration>)> {
        let sources = (self.sources)();
        let is_known = self
            .last()
            .as_ref()
            .is_some_and(|(last, at)| *last == sources && now < *at + EVERY);
        if is_known || sources.is_empty() {
            return Ok(());
        }
        let parcels = sources.iter().map(|origin| {
            let mut sample = sample_of_origin(origin, now);
            sample.add_labels(&pump.external_labels);
            Parcel {
                samples: vec![sample],
            }
        });
        for verdict in pump.courier.deliver(parcels.collect(), now).await {
            match verdict {
                Verdict::Accepted => {}
                Verdict::Unsent {
                    reason,
                    retry_after,
                } => return Err((reason, retry_after)),
                Verdict::Refused { reason } => {
                    tracing::warn!(destination = %pump.name, reason, "{} is not told of a source: {reason}", pump.name);
                }
                // A sample of now is too old only where another writer is far ahead.
                Verdict::TooOld => {
                    let reason =
                        "it takes no sample of now: has another writer sent one of the future?";
                    return Err((reason.to_owned(), None));
                }
            }
        }
        *self.last() = Some((sources, now));
        Ok(())
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<(Vec<Origin>, DateTime<Utc>)>> {
        // Every change is one assignment, so that a panic elsewhere leaves it sound.
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
