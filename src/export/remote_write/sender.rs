//! One destination's connection: what it is sent, in which version, in requests of what size.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, HeaderName, HeaderValue, USER_AGENT};
use url::Url;

use super::answer::{self, Answer};
use super::delivery::Delivery;
use super::{Parcel, Verdict, wire};
use crate::config::{Destination, Fault, RemoteWrite, SettingsError};
use crate::export::Courier;
use crate::providers::http::{Api, Credential, Limits, Network, Profile, secret, tenant, text};
use crate::series::Sample;

/// How long a receiver that does not speak 2.0 is spoken to in 1.0, and failures at a parcel count.
const REMEMBERED: TimeDelta = TimeDelta::hours(1);
/// How often a single parcel may meet a failing receiver that takes others before it is the cause.
pub(super) const MOST_FAILURES: u32 = 5;
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
    /// The header that names the tenant.
    pub(super) tenant: Option<(HeaderName, HeaderValue)>,
    headers: HeaderMap,
    batch: AtomicUsize,
    /// Until when 1.0 is spoken to a receiver that does not speak 2.0.
    fallen_back_until: Mutex<Option<DateTime<Utc>>>,
    /// How often single parcels met a failing receiver, by a hash of their series.
    failures: Mutex<HashMap<u64, Failed>>,
}

/// Failures at one parcel.
#[derive(Clone, Copy)]
struct Failed {
    count: u32,
    /// When the last one was.
    at: DateTime<Utc>,
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
        let tenant = tenant(source)?;
        let written = text(source, "url").unwrap_or_default();
        let shown = destination
            .read_url
            .as_deref()
            .map(|written| connect(url("readUrl", written)?))
            .transpose()?;
        Ok(Self {
            api: connect(url("url", &written)?)?,
            shown,
            headers: headers(tenant.as_ref())?,
            tenant,
            external_labels,
            batch: AtomicUsize::new(destination.batch.max(1)),
            destination: destination.clone(),
            fallen_back_until: Mutex::default(),
            failures: Mutex::default(),
        })
    }

    /// Batches in order, none larger than the receiver takes.
    pub(super) fn batches(&self, parcels: &[Parcel], shard: &[usize]) -> Vec<Vec<usize>> {
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
            Ok(said) => answer::of(&said, protocol, samples.len()),
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

    /// Makes requests smaller from now on: half of what was too large.
    pub(super) fn shrink(&self, too_large: usize) {
        self.batch
            .fetch_min(too_large.div_ceil(2).max(1), Ordering::Relaxed);
    }

    /// Counts a failure at a parcel, and says whether it is one too many.
    pub(super) fn is_poison(&self, parcel: &Parcel, now: DateTime<Utc>) -> bool {
        let mut failures = lock(&self.failures);
        failures.retain(|_, failed| now < failed.at + REMEMBERED);
        let failed = failures
            .entry(series_of(parcel))
            .or_insert(Failed { count: 0, at: now });
        *failed = Failed {
            count: failed.count + 1,
            at: now,
        };
        failed.count >= MOST_FAILURES
    }

    /// Forgets the failures at a parcel that has its verdict.
    pub(super) fn forget_failures(&self, parcel: &Parcel) {
        let mut failures = lock(&self.failures);
        if !failures.is_empty() {
            failures.remove(&series_of(parcel));
        }
    }
}

impl Courier for Sender {
    fn deliver(&self, parcels: Vec<Parcel>, now: DateTime<Utc>) -> BoxFuture<'_, Vec<Verdict>> {
        Box::pin(async move { Delivery::of(self, &parcels, now).verdicts().await })
    }
}

/// A lock whose data stays sound when a thread panics while holding it: every change is one assignment.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number that parcels of the same series share.
pub(super) fn series_of(parcel: &Parcel) -> u64 {
    let mut hasher = DefaultHasher::new();
    if let Some(sample) = parcel.samples.first() {
        sample.labels.hash(&mut hasher);
    }
    hasher.finish()
}

fn size_of(parcel: &Parcel) -> usize {
    const OVERHEAD: usize = 8;
    const SAMPLE: usize = 24;
    let of_labels = |sample: &Sample| -> usize {
        let labels = sample.labels.iter();
        labels
            .map(|(name, value)| name.len() + value.len() + OVERHEAD)
            .sum()
    };
    let samples = parcel.samples.iter();
    samples.map(|sample| of_labels(sample) + SAMPLE).sum()
}

fn headers(tenant: Option<&(HeaderName, HeaderValue)>) -> Result<HeaderMap, SettingsError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("snappy"));
    let agent = concat!("pelorus/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    if let Some((name, value)) = tenant {
        let is_ours = [
            CONTENT_ENCODING,
            USER_AGENT,
            http::header::CONTENT_TYPE,
            http::header::AUTHORIZATION,
        ]
        .contains(name)
            || name.as_str().starts_with("x-prometheus-");
        if is_ours {
            return Err(fault("tenantHeader", "is a header of the protocol itself"));
        }
        headers.insert(name.clone(), value.clone());
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
