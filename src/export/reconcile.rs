//! Compares what a destination shows with what the ledger thinks it has: a 2xx is no proof that a sample reached a disk.

use std::collections::{HashMap, HashSet};

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;
use tracing::{info, warn};

use super::lane::Lane;
use super::pump::blocking;
use crate::error::chain;
use crate::ledger::Sent;
use crate::model::{EventId, TimeRange};

/// Events this young may not be shown yet.
const SETTLING: TimeDelta = TimeDelta::minutes(5);
/// A comparison reads so much at once.
const STEP: TimeDelta = TimeDelta::days(1);

/// How long after a look at handed over blocks the next one is.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Where the two disagree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Events that the destination acknowledged and does not show in their newest version, sorted.
    pub missing: Vec<EventId>,
    /// Events that the destination shows and the ledger has not, sorted: of another export loop, or of a ledger that is gone.
    pub unknown: Vec<EventId>,
}

/// Compares ids with their highest revisions as the store shows them with the ledger's.
pub fn compare(shown: impl Iterator<Item = (EventId, i64)>, ledger: &[Sent]) -> Difference {
    let mut newest: HashMap<EventId, HashSet<i64>> = HashMap::new();
    for (id, revision) in shown {
        newest.entry(id).or_default().insert(revision);
    }
    let known: HashSet<&EventId> = ledger.iter().map(|sent| &sent.id).collect();
    let mut missing: Vec<EventId> = ledger
        .iter()
        .filter(|sent| {
            let is_shown = newest
                .get(&sent.id)
                .is_some_and(|revisions| revisions.contains(&sent.revision));
            sent.is_acknowledged && !is_shown
        })
        .map(|sent| sent.id.clone())
        .collect();
    let mut unknown: Vec<EventId> = newest
        .keys()
        .filter(|id| !known.contains(id))
        .cloned()
        .collect();
    missing.sort_unstable();
    unknown.sort_unstable();
    Difference { missing, unknown }
}

impl Lane {
    /// Compares the time before `now`, and lets wait again what the destination lost; `None` where nothing can be read back.
    ///
    /// # Errors
    /// A sentence that says what could not be read.
    pub async fn reconcile(
        &self,
        reach: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Option<Difference>, String> {
        let end = now - SETTLING;
        let mut start = end - reach;
        let mut all = Difference::default();
        while start < end {
            let range = TimeRange::new(start, end.min(start + STEP));
            start = range.end;
            let Some((_, difference)) = self.difference(range).await? else {
                return Ok(None);
            };
            if !difference.missing.is_empty() {
                let (ledger, name) = (Arc::clone(&self.pump.ledger), self.pump.name.clone());
                let missing = difference.missing.clone();
                blocking(move || ledger.requeue(&name, &missing))
                    .await
                    .map_err(|error| chain(&error))?;
            }
            all.missing.extend(difference.missing);
            all.unknown.extend(difference.unknown);
        }
        let counts = (all.missing.len() as u64, all.unknown.len() as u64);
        self.pump.tally.compared(counts.0, counts.1);
        Ok(Some(all))
    }

    /// What the destination shows of a range, compared with the ledger, and how many events of it it has acknowledged; `None`
    /// where nothing can be read back.
    async fn difference(&self, range: TimeRange) -> Result<Option<(usize, Difference)>, String> {
        let (ledger, name) = (Arc::clone(&self.pump.ledger), self.pump.name.clone());
        // Read first: what is acknowledged meanwhile is not expected to be shown.
        let sent = blocking(move || ledger.sent(&name, range))
            .await
            .map_err(|error| chain(&error))?;
        let Some(shown) = self.prover.shown(range).await? else {
            return Ok(None);
        };
        let acknowledged = sent.iter().filter(|sent| sent.is_acknowledged).count();
        Ok(Some((acknowledged, compare(shown.into_iter(), &sent))))
    }

    /// Waits until the destination shows what was handed over in blocks of these ranges; `None` where nothing can be read back.
    ///
    /// # Errors
    /// A sentence that says what is not shown by then, or what could not be read.
    pub async fn verify(
        &self,
        ranges: &[TimeRange],
        patience: Duration,
    ) -> Result<Option<usize>, String> {
        let deadline = tokio::time::Instant::now() + patience;
        let mut all = 0;
        for range in ranges {
            loop {
                let unshown = match self.difference(*range).await {
                    Ok(None) => return Ok(None),
                    Ok(Some((acknowledged, difference))) if difference.missing.is_empty() => {
                        all += acknowledged;
                        break;
                    }
                    Ok(Some((acknowledged, difference))) => format!(
                        "it does not show {} of {acknowledged} events from {} on: does it keep blocks so old (retention), and has it found them?",
                        difference.missing.len(),
                        range.start.format("%Y-%m-%d")
                    ),
                    Err(reason) => reason,
                };
                if tokio::time::Instant::now() >= deadline {
                    return Err(format!("after {} s {unshown}", patience.as_secs()));
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
        Ok(Some(all))
    }

    /// Compares every so often until `stop` says so.
    pub async fn keep_reconciling(
        &self,
        every: Duration,
        reach: TimeDelta,
        mut stop: watch::Receiver<bool>,
    ) {
        let name = &self.pump.name;
        loop {
            tokio::select! {
                // An error would mean that everything is gone, which is a stop too.
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(every) => {}
            }
            match self.reconcile(reach, self.clock.now()).await {
                Ok(None) => return,
                Ok(Some(difference)) if difference.missing.is_empty() => {
                    info!(destination = %name, unknown = difference.unknown.len(), "{name} shows everything that it took");
                }
                Ok(Some(difference)) => {
                    let missing = difference.missing.len();
                    warn!(destination = %name, missing, "{name} does not show {missing} events that it took: they are sent again");
                }
                Err(reason) => {
                    warn!(destination = %name, reason, "{name} cannot be compared with the ledger: {reason}");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(id: &str, revision: i64, is_acknowledged: bool) -> Sent {
        Sent {
            id: id.into(),
            revision,
            is_acknowledged,
        }
    }

    #[test]
    fn what_was_acknowledged_and_is_not_shown_is_missing_and_what_waits_is_not() {
        let ledger = [
            sent("there", 1, true),
            sent("lost", 1, true),
            sent("older-version-there", 2, true),
            sent("waits", 1, false),
        ];
        let shown = [("there", 1), ("older-version-there", 1), ("stranger", 9)];
        let shown = shown
            .into_iter()
            .map(|(id, revision)| (id.into(), revision));
        let difference = compare(shown, &ledger);
        assert_eq!(
            difference.missing,
            ["lost".into(), "older-version-there".into()]
        );
        assert_eq!(difference.unknown, ["stranger".into()]);
    }
}
