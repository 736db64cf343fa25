//! One delivery of parcels: halves what is refused until the one that is refused stands alone.
//!
//! Nothing is refused for good before the receiver has taken a sample of now after it: a receiver whose disk is full, a wrong
//! address or a tenant at its limit refuses everything, and then nothing is known of any event.

use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::StreamExt;

use super::answer::Answer;
use super::sender::{MOST_FAILURES, Sender, lock, series_of};
use super::{Parcel, Verdict, labels};
use crate::series::Sample;

/// How long a receiver is left alone that failed at one parcel and takes others.
const AFTER_A_FAILURE: Duration = Duration::from_secs(1);

/// What is delivered now.
pub(super) struct Delivery<'a> {
    sender: &'a Sender,
    parcels: &'a [Parcel],
    now: DateTime<Utc>,
    /// Why nothing more is sent in this delivery, by any shard.
    closed: Mutex<Option<Closed>>,
}

#[derive(Clone)]
struct Closed {
    reason: String,
    retry_after: Option<Duration>,
}

impl<'a> Delivery<'a> {
    pub(super) fn of(sender: &'a Sender, parcels: &'a [Parcel], now: DateTime<Utc>) -> Self {
        Self {
            sender,
            parcels,
            now,
            closed: Mutex::default(),
        }
    }

    /// One verdict a parcel, in their order. Parcels of one series go one after another, others in shards at the same time.
    pub(super) async fn verdicts(&self) -> Vec<Verdict> {
        let mut verdicts: Vec<Option<Verdict>> = vec![None; self.parcels.len()];
        let shards = self.sender.destination.shards.max(1);
        let mut by_shard: Vec<Vec<usize>> = vec![Vec::new(); shards];
        for (at, parcel) in self.parcels.iter().enumerate() {
            match parcel.samples.iter().find_map(labels::fault) {
                Some(reason) => verdicts[at] = Some(Verdict::Refused { reason }),
                None if parcel.samples.is_empty() => verdicts[at] = Some(Verdict::Accepted),
                None => by_shard[(series_of(parcel) % shards as u64) as usize].push(at),
            }
        }
        let delivered: Vec<Vec<(usize, Verdict)>> = futures::stream::iter(by_shard)
            .map(|shard| self.shard(shard))
            .buffer_unordered(shards)
            .collect()
            .await;
        for (at, verdict) in delivered.into_iter().flatten() {
            verdicts[at] = Some(verdict);
        }
        verdicts
            .into_iter()
            .map(|verdict| {
                verdict.expect("every parcel is in one shard, and every shard is delivered")
            })
            .collect()
    }

    async fn shard(&self, mut shard: Vec<usize>) -> Vec<(usize, Verdict)> {
        // Samples of one series must come in the order of their times.
        shard.sort_by_key(|at| self.parcels[*at].samples.first().map(|sample| sample.at));
        let mut verdicts = Vec::with_capacity(shard.len());
        // Batches that are still to be delivered, the next one last.
        let mut open: Vec<Vec<usize>> = self.sender.batches(self.parcels, &shard);
        open.reverse();
        while let Some(batch) = open.pop() {
            let closed = lock(&self.closed).clone();
            if let Some(Closed {
                reason,
                retry_after,
            }) = closed
            {
                let unsent = Verdict::Unsent {
                    reason,
                    retry_after,
                };
                let left = batch.into_iter().chain(open.drain(..).rev().flatten());
                verdicts.extend(left.map(|at| (at, unsent.clone())));
                break;
            }
            match (self.send(&batch).await, batch.as_slice()) {
                (Answer::Taken, _) => verdicts.extend(batch.iter().map(|at| {
                    self.sender.forget_failures(&self.parcels[*at]);
                    (*at, Verdict::Accepted)
                })),
                (
                    Answer::Closed {
                        reason,
                        retry_after,
                    },
                    _,
                ) => {
                    self.close(reason, retry_after);
                    open.push(batch);
                }
                (Answer::OtherVersion, _) => {
                    self.sender.fall_back(self.now);
                    open.push(batch);
                }
                (
                    Answer::Refused {
                        is_too_old: true, ..
                    },
                    [at],
                ) => verdicts.push((*at, Verdict::TooOld)),
                (
                    answer @ (Answer::Refused { .. }
                    | Answer::TooLarge { .. }
                    | Answer::Failed { .. }),
                    [at],
                ) => match self.judged(*at, answer).await {
                    Some(verdict) => verdicts.push((*at, verdict)),
                    None => open.push(batch),
                },
                (answer, _) => {
                    // Where nothing is taken at all, no smaller batch is.
                    if let Answer::Failed { reason } = &answer
                        && !self.takes_samples(reason).await
                    {
                        open.push(batch);
                        continue;
                    }
                    if let Answer::TooLarge { .. } = answer {
                        self.sender.shrink(batch.len());
                    }
                    let (first, second) = batch.split_at(batch.len() / 2);
                    open.extend([second.to_vec(), first.to_vec()]);
                }
            }
        }
        verdicts
    }

    /// What becomes of a single parcel that was not taken; `None` where the receiver takes nothing now.
    async fn judged(&self, at: usize, answer: Answer) -> Option<Verdict> {
        let parcel = &self.parcels[at];
        let (reason, is_failure) = match answer {
            Answer::Failed { reason } => (reason, true),
            Answer::Refused { reason, .. } | Answer::TooLarge { reason } => (reason, false),
            Answer::Taken | Answer::OtherVersion | Answer::Closed { .. } => return None,
        };
        if !self.takes_samples(&reason).await {
            return None;
        }
        if is_failure && !self.sender.is_poison(parcel, self.now) {
            return Some(Verdict::Unsent {
                reason,
                retry_after: Some(AFTER_A_FAILURE),
            });
        }
        self.sender.forget_failures(parcel);
        let reason = if is_failure {
            format!("{reason} ({MOST_FAILURES} times, while it takes others)")
        } else {
            reason
        };
        Some(Verdict::Refused { reason })
    }

    /// Whether the receiver takes a sample of now; where it does not, nothing more is sent in this delivery.
    async fn takes_samples(&self, reason: &str) -> bool {
        match self.sender.takes_canary(self.now).await {
            Ok(()) => true,
            Err(why) => {
                self.close(
                    format!("{reason}; of a sample of now, in a series of its own: {why}"),
                    None,
                );
                false
            }
        }
    }

    fn close(&self, reason: String, retry_after: Option<Duration>) {
        lock(&self.closed).get_or_insert(Closed {
            reason,
            retry_after,
        });
    }

    async fn send(&self, batch: &[usize]) -> Answer {
        let samples: Vec<&Sample> = batch
            .iter()
            .flat_map(|at| &self.parcels[*at].samples)
            .collect();
        self.sender.write(&samples, self.now).await
    }
}
