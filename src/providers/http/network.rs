//! What the sources of a Pelorus share: clients, memory, counters, the clock; and limits by host and credential, which
//! all of a process share.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;

use super::api::Limits;
use super::budget::{Budget, Left};
use super::clients::Clients;
use super::counters::Counters;
use super::pace::Pace;
use super::retry::RetryBudget;
use super::{Addresses, Clock, LimitLeft, Memory, RequestCount};

const MINUTE: Duration = Duration::from_secs(60);

/// The lanes in use: vendors count a credential's requests whichever data source of Grafana sends them.
static LANES: LazyLock<Mutex<HashMap<String, Weak<Lane>>>> = LazyLock::new(Mutex::default);

/// What the sources of one Pelorus share. Cheap to clone.
#[derive(Clone)]
pub struct Network(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) addresses: Addresses,
    pub(super) clock: Clock,
    pub(super) memory: Arc<dyn Memory>,
    pub(super) counters: Counters,
    pub(super) clients: Clients,
}

/// What requests to one host with one credential share, whichever source sends them.
pub(super) struct Lane {
    pub(super) turns: Semaphore,
    /// The schedule's share of those who have a turn or wait for one: questions overtake the rest.
    pub(super) scheduled: Semaphore,
    pub(super) retries: RetryBudget,
    pub(super) limits: Mutex<LaneLimits>,
}

pub(super) struct LaneLimits {
    pub(super) budget: Budget,
    pub(super) paces: Vec<Pace>,
}

impl Network {
    /// Nothing is connected yet.
    pub fn new(addresses: Addresses, clock: Clock, memory: Arc<dyn Memory>) -> Self {
        Self(Arc::new(Shared {
            addresses,
            clock,
            memory,
            counters: Counters::default(),
            clients: Clients::default(),
        }))
    }

    /// A network that nobody uses: for providers that read files.
    #[cfg(test)]
    pub(crate) fn unused() -> Self {
        Self::new(Addresses::All, Clock::System, Arc::new(super::Forgetful))
    }

    /// The clock of requests and readings.
    pub fn clock(&self) -> Clock {
        self.0.clock
    }

    /// What is kept between requests.
    pub fn memory(&self) -> &dyn Memory {
        self.0.memory.as_ref()
    }

    /// Requests by source and outcome since the start.
    pub fn requests(&self) -> Vec<RequestCount> {
        self.0.counters.all()
    }

    /// What is left of rate limits whose window is not over, by source, as answers last told.
    pub fn limits_left(&self) -> Vec<LimitLeft> {
        self.0.counters.limits_left(self.now())
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.0.clock.now()
    }
}

impl Lane {
    /// The lane of a host and credential; its limits are those of whoever came first.
    pub(super) fn of(key: &str, limits: Limits) -> Arc<Self> {
        let mut lanes = LANES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.get(key).and_then(Weak::upgrade) {
            return lane;
        }
        lanes.retain(|_, lane| lane.strong_count() > 0);
        let lane = Arc::new(Self::new(limits, MINUTE));
        lanes.insert(key.to_owned(), Arc::downgrade(&lane));
        lane
    }

    /// A lane with nothing under way; `minute` is what tests shorten.
    pub(super) fn new(limits: Limits, minute: Duration) -> Self {
        let pace = |most: Option<u32>, minutes| most.map(|most| Pace::new(most, minute * minutes));
        Self {
            turns: Semaphore::new(limits.concurrency.max(1)),
            scheduled: Semaphore::new(limits.concurrency.max(1)),
            retries: RetryBudget::default(),
            limits: Mutex::new(LaneLimits {
                budget: Budget::default(),
                paces: [pace(limits.per_minute, 1), pace(limits.per_hour, 60)]
                    .into_iter()
                    .flatten()
                    .collect(),
            }),
        }
    }

    pub(super) fn limits(&self) -> std::sync::MutexGuard<'_, LaneLimits> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn left(&self, resource: &str) -> Option<Left> {
        self.limits().budget.left(resource)
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Network")
            .field("addresses", &self.0.addresses)
            .finish_non_exhaustive()
    }
}
