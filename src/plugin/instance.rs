//! A running Pelorus for one data source with one set of settings.

use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::caller::DataSourceKey;
use crate::app::App;
use crate::config::Settings;
use crate::ledger::Location;

/// How long an instance may idle before it drops what it can compute again.
pub(super) const IDLE: Duration = Duration::from_secs(3600);
/// How long an instance takes to stop at most; `App::stop` promises as much.
const STOPPING: Duration = Duration::from_secs(5);

/// A data source that is being served.
pub(super) struct Instance {
    /// Whose it is.
    pub(super) key: DataSourceKey,
    /// What serves it.
    pub(super) app: App,
    /// Its settings.
    pub(super) settings: Arc<Settings>,
    /// How long its questions wait for sources.
    pub(super) deadline: Duration,
    /// What is to be said about its ledger.
    pub(super) ledger_notice: Option<String>,
    ledger: Location,
    keep_syncing: Duration,
    load: watch::Sender<Load>,
    idle: Mutex<Idle>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Load {
    requests: usize,
    is_retired: bool,
}

struct Idle {
    since: Instant,
    caches_dropped: bool,
}

/// What an idle instance is due for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upkeep {
    Nothing,
    /// To drop its caches; sync and watches go on.
    DropCaches,
    /// To stop.
    Stop,
}

impl Instance {
    /// Takes over a started app.
    pub(super) fn new(
        key: DataSourceKey,
        app: App,
        settings: Arc<Settings>,
        ledger: Location,
        ledger_notice: Option<String>,
    ) -> Self {
        Self {
            key,
            app,
            deadline: span(settings.deadline),
            ledger_notice,
            ledger,
            keep_syncing: span(settings.keep_syncing),
            settings,
            load: watch::Sender::new(Load::default()),
            idle: Mutex::new(Idle {
                since: Instant::now(),
                caches_dropped: false,
            }),
        }
    }

    /// The file of its ledger, if it has one.
    pub(super) fn ledger_file(&self) -> Option<&Path> {
        match &self.ledger {
            Location::File(path) => Some(path),
            Location::Memory => None,
        }
    }

    /// Holds it for a request; `None` once it is being stopped.
    pub(super) fn lease(self: &Arc<Self>) -> Option<Lease> {
        let is_taken = self.load.send_if_modified(|load| {
            load.requests += usize::from(!load.is_retired);
            !load.is_retired
        });
        if !is_taken {
            return None;
        }
        self.touch();
        Some(Lease(Arc::clone(self)))
    }

    /// Stops it once its requests have ended, or when they take longer than `grace`.
    pub(super) async fn retire(&self, grace: Duration) {
        self.load.send_modify(|load| load.is_retired = true);
        let mut load = self.load.subscribe();
        let ended = timeout(grace, load.wait_for(|load| load.requests == 0));
        if ended.await.is_err() {
            tracing::debug!(data_source = %self.key, "Stopping a data source before its requests ended");
        }
        if timeout(STOPPING, self.app.stop()).await.is_err() {
            tracing::warn!(data_source = %self.key, "A data source did not stop in time");
        }
    }

    /// What it is due for.
    pub(super) fn upkeep(&self, now: Instant) -> Upkeep {
        if self.load.borrow().requests > 0 {
            return Upkeep::Nothing;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = now.saturating_duration_since(idle.since);
        if elapsed >= self.keep_syncing.max(IDLE) {
            Upkeep::Stop
        } else if elapsed >= IDLE && !idle.caches_dropped {
            idle.caches_dropped = true;
            Upkeep::DropCaches
        } else {
            Upkeep::Nothing
        }
    }

    fn touch(&self) {
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Idle {
            since: Instant::now(),
            caches_dropped: false,
        };
    }
}

/// A request's hold on an instance.
pub(super) struct Lease(Arc<Instance>);

impl Deref for Lease {
    type Target = Instance;

    fn deref(&self) -> &Instance {
        &self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.touch();
        self.0.load.send_modify(|load| load.requests -= 1);
    }
}

/// A span of the settings as the time that a task waits; a negative one is none.
fn span(delta: TimeDelta) -> Duration {
    delta.to_std().unwrap_or(Duration::ZERO)
}
