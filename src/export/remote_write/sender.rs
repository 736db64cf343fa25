//! Delivers parcels: batches, halves what is refused until the one that is refused stands alone.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use futures::future::BoxFuture;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, HeaderName, HeaderValue, USER_AGENT};
use url::Url;

use super::answer::{self, Answer};
use super::{Parcel, Verdict, labels, wire};
use crate::config::{Destination, Fault, RemoteWrite, SettingsError};
use crate::export::Courier;
use crate::providers::http::{Api, Credential, Limits, Network, Profile, secret, tenant, text};
use crate::series::Sample;

/// How long a receiver that does not speak 2.0 is spoken to in 1.0.
const REMEMBERED: TimeDelta = TimeDelta::hours(1);
/// How often a single parcel may meet a failing receiver that takes others before it is the cause.
const MOST_FAILURES: u32 = 5;
/// A request is not larger, before it is compressed.
const LARGEST_BYTES: usize = 1 << 20;

static PROFILE: Profile = Profile {
    accept: "*/*",
    headers: &[],
    limits: Limits {
        concurrency: 64,
        per_minute: None,
        per_hour: None,
    },
};

/// Delivers to one destination.
pub struct Sender {
    pub(super) destination: Destination,
    pub(super) api: Api,
    /// Where what was written is read back.
    pub(super) shown: Option<Api>,
    pub(super) external_labels: BTreeMap<String, String>,
    headers: HeaderMap,
    batch: AtomicUsize,
    /// Until when 1.0 is spoken to a receiver that does not speak 2.0.
    fallen_back_until: Mutex<Option<DateTime<Utc>>>,
    /// How often single parcels met a failing receiver, by a hash of their series.
    failures: Mutex<HashMap<u64, u32>>,
}

impl Sender {
    /// Puts it together; does no I/O.
    ///
    /// # Errors
    /// What the destination's settings lack, by key.
    pub fn connect(
        network: &Network,
        destination: &Destination,
        external_labels: BTreeMap<String, String>,
    ) -> Result<Self, SettingsError> {
        let source = &destination.connection;
        let url = |key: &str, written: &str| {
            Url::parse(written).map_err(|_| fault(key, "takes an address with http:// or https://"))
        };
        let credential = || match (secret(source, "token"), text(source, "user")) {
            (Some(token), _) => Credential::Token {
                scheme: "Bearer",
                token,
            },
            (None, Some(user)) => Credential::Basic {
                user,
                password: secret(source, "password").unwrap_or_default(),
            },
            (None, None) => Credential::None,
        };
        let connect = |base| Api::connect(network, source, base, PROFILE, credential());
        let written = text(source, "url").unwrap_or_default();
        let shown = destination
            .read_url
            .as_deref()
            .map(|written| connect(url("readUrl", written)?))
            .transpose()?;
        Ok(Self {
            api: connect(url("url", &written)?)?,
            shown,
            headers: headers(destination)?,
            external_labels,
            batch: AtomicUsize::new(destination.batch.max(1)),
            destination: destination.clone(),
            fallen_back_until: Mutex::default(),
            failures: Mutex::default(),
        })
    }

    /// One verdict a parcel, in their order. Parcels of one series go one after another, others in shards at the same time.
    pub async fn deliver(&self, parcels: Vec<Parcel>, now: DateTime<Utc>) -> Vec<Verdict> {
        let mut verdicts: Vec<Option<Verdict>> = vec![None; parcels.len()];
        let shards = self.destination.shards.max(1);
        let mut by_shard: Vec<Vec<usize>> = vec![Vec::new(); shards];
        for (at, parcel) in parcels.iter().enumerate() {
            match parcel.samples.iter().find_map(labels::fault) {
                Some(reason) => verdicts[at] = Some(Verdict::Refused { reason }),
                None if parcel.samples.is_empty() => verdicts[at] = Some(Verdict::Accepted),
                None => by_shard[(series_of(parcel) % shards as u64) as usize].push(at),
            }
        }
        let delivered: Vec<Vec<(usize, Verdict)>> = futures::stream::iter(by_shard)
            .map(|shard| self.deliver_shard(&parcels, shard, now))
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

    async fn deliver_shard(
        &self,
        parcels: &[Parcel],
        mut shard: Vec<usize>,
        now: DateTime<Utc>,
    ) -> Vec<(usize, Verdict)> {
        // Samples of one series must come in the order of their times.
        shard.sort_by_key(|at| parcels[*at].samples.first().map(|sample| sample.at));
        let mut verdicts = Vec::with_capacity(shard.len());
        // Batches that are still to be delivered, the next one last.
        let mut open: Vec<Vec<usize>> = self.batches(parcels, &shard);
        open.reverse();
        while let Some(batch) = open.pop() {
            let answer = self.send(parcels, &batch, now).await;
            match (answer, batch.as_slice()) {
                (Answer::Taken, _) => {
                    verdicts.extend(batch.iter().map(|at| (*at, Verdict::Accepted)));
                }
                (
                    Answer::Closed {
                        reason,
                        retry_after,
                    },
                    _,
                ) => {
                    let left = batch.into_iter().chain(open.drain(..).rev().flatten());
                    let unsent = Verdict::Unsent {
                        reason,
                        retry_after,
                    };
                    verdicts.extend(left.map(|at| (at, unsent.clone())));
                }
                (
                    Answer::Refused {
                        is_too_old: true, ..
                    },
                    [at],
                ) => verdicts.push((*at, Verdict::TooOld)),
                (Answer::Refused { reason, .. } | Answer::TooLarge { reason }, [at]) => {
                    verdicts.push((*at, Verdict::Refused { reason }));
                }
                (Answer::Failed { reason }, [at]) => {
                    verdicts.push((*at, self.failed(&parcels[*at], reason, now).await));
                }
                (answer @ (Answer::Refused { .. } | Answer::TooLarge { .. }), _) => {
                    if matches!(answer, Answer::TooLarge { .. }) {
                        self.batch
                            .fetch_min(batch.len().div_ceil(2), Ordering::Relaxed);
                    }
                    let (first, second) = batch.split_at(batch.len() / 2);
                    open.extend([second.to_vec(), first.to_vec()]);
                }
                (Answer::Failed { reason }, _) => {
                    // One of them may be the cause, unless the receiver takes nothing at all.
                    if self.takes_nothing(now).await {
                        let left = batch.into_iter().chain(open.drain(..).rev().flatten());
                        let unsent = Verdict::Unsent {
                            reason,
                            retry_after: None,
                        };
                        verdicts.extend(left.map(|at| (at, unsent.clone())));
                    } else {
                        let (first, second) = batch.split_at(batch.len() / 2);
                        open.extend([second.to_vec(), first.to_vec()]);
                    }
                }
                (Answer::OtherVersion, _) => {
                    self.fall_back(now);
                    open.push(batch);
                }
            }
        }
        verdicts
    }

    /// Batches in order, none larger than the receiver takes.
    fn batches(&self, parcels: &[Parcel], shard: &[usize]) -> Vec<Vec<usize>> {
        let most = self.batch.load(Ordering::Relaxed).max(1);
        let mut batches: Vec<Vec<usize>> = Vec::new();
        let mut bytes = 0;
        for at in shard {
            let size = size_of(&parcels[*at]);
            match batches.last_mut() {
                Some(batch) if batch.len() < most && bytes + size <= LARGEST_BYTES => {
                    batch.push(*at);
                    bytes += size;
                }
                _ => {
                    batches.push(vec![*at]);
                    bytes = size;
                }
            }
        }
        batches
    }

    async fn send(&self, parcels: &[Parcel], batch: &[usize], now: DateTime<Utc>) -> Answer {
        let samples: Vec<&Sample> = batch.iter().flat_map(|at| &parcels[*at].samples).collect();
        self.write(&samples, now).await
    }

    /// Sends samples in one request.
    pub(super) async fn write(&self, samples: &[&Sample], now: DateTime<Utc>) -> Answer {
        let protocol = self.protocol(now);
        let mut headers = self.headers.clone();
        for (name, value) in wire::headers(protocol) {
            headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        match self.api.push(headers, wire::body(samples, protocol)).await {
            Ok(said) => answer::of(&said, protocol),
            Err(reason) => Answer::Closed {
                reason,
                retry_after: None,
            },
        }
    }

    /// Speaks 1.0 for a while.
    pub(super) fn fall_back(&self, now: DateTime<Utc>) {
        *lock(&self.fallen_back_until) = Some(now + REMEMBERED);
    }

    fn protocol(&self, now: DateTime<Utc>) -> RemoteWrite {
        match *lock(&self.fallen_back_until) {
            Some(until) if now < until => RemoteWrite::One,
            _ => self.destination.protocol,
        }
    }

    /// What becomes of a single parcel at which the receiver failed.
    async fn failed(&self, parcel: &Parcel, reason: String, now: DateTime<Utc>) -> Verdict {
        if self.takes_nothing(now).await {
            return Verdict::Unsent {
                reason,
                retry_after: None,
            };
        }
        let key = series_of(parcel);
        let mut failures = lock(&self.failures);
        let count = failures.entry(key).or_default();
        *count += 1;
        if *count < MOST_FAILURES {
            return Verdict::Unsent {
                reason,
                retry_after: Some(Duration::from_secs(1)),
            };
        }
        failures.remove(&key);
        Verdict::Refused {
            reason: format!("{reason} ({MOST_FAILURES} times, while it takes others)"),
        }
    }

    /// Whether the receiver fails at a request without samples, too.
    async fn takes_nothing(&self, now: DateTime<Utc>) -> bool {
        match self.write(&[], now).await {
            Answer::Taken | Answer::OtherVersion => false,
            Answer::Refused { .. }
            | Answer::TooLarge { .. }
            | Answer::Failed { .. }
            | Answer::Closed { .. } => true,
        }
    }
}

impl Courier for Sender {
    fn deliver(&self, parcels: Vec<Parcel>, now: DateTime<Utc>) -> BoxFuture<'_, Vec<Verdict>> {
        Box::pin(self.deliver(parcels, now))
    }
}

/// A lock whose data stays sound when a thread panics while holding it: every change is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number that parcels of the same series share.
fn series_of(parcel: &Parcel) -> u64 {
    let mut hasher = DefaultHasher::new();
    if let Some(sample) = parcel.samples.first() {
        sample.labels.hash(&mut hasher);
    }
    hasher.finish()
}

fn size_of(parcel: &Parcel) -> usize {
    const OVERHEAD: usize = 8;
    let labels = parcel.samples.iter().flat_map(|sample| &sample.labels);
    labels
        .map(|(name, value)| name.len() + value.len() + OVERHEAD)
        .sum()
}

fn headers(destination: &Destination) -> Result<HeaderMap, SettingsError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("snappy"));
    let agent = concat!("pelorus/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    if let Some((name, value)) = tenant(&destination.connection)? {
        let is_ours = [
            CONTENT_ENCODING,
            USER_AGENT,
            http::header::CONTENT_TYPE,
            http::header::AUTHORIZATION,
        ]
        .contains(&name)
            || name.as_str().starts_with("x-prometheus-");
        if is_ours {
            return Err(fault("tenantHeader", "is a header of the protocol itself"));
        }
        headers.insert(name, value);
    }
    Ok(headers)
}

/// One fault of the destination's settings.
pub(super) fn fault(key: &str, message: &str) -> SettingsError {
    SettingsError {
        faults: vec![Fault {
            key: key.to_owned(),
            message: message.to_owned(),
        }],
    }
}
