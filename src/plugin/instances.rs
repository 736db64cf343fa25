//! The data sources that are being served: one instance each, made anew when its settings change.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, join_all};
use tokio::time::{Instant, timeout};

use super::administration::Administration;
use super::caller::{DataSource, DataSourceKey};
use super::failure::Failure;
use super::fingerprint::Fingerprint;
use super::instance::{Instance, Lease, Upkeep};
use super::ledger_file;
use crate::app::App;
use crate::config::Settings;
use crate::ledger::Location;

/// How long new settings wait for the requests under the old ones, where both use a file: it has one owner at a time.
const REPLACEMENT: Duration = Duration::from_secs(5);

type Starting = Shared<BoxFuture<'static, Result<Arc<Instance>, Failure>>>;

/// All instances of this process, of all tenants.
#[derive(Clone)]
pub(super) struct Instances(Arc<State>);

struct State {
    administration: Administration,
    entries: Mutex<HashMap<DataSourceKey, Entry>>,
    /// Whose each ledger's file is.
    claims: Mutex<HashMap<PathBuf, DataSourceKey>>,
}

#[derive(Clone)]
struct Entry {
    fingerprint: Fingerprint,
    starting: Starting,
}

impl Instances {
    /// None yet.
    pub(super) fn new(administration: Administration) -> Self {
        Self(Arc::new(State {
            administration,
            entries: Mutex::default(),
            claims: Mutex::default(),
        }))
    }

    /// Holds the instance of a data source for a request; starts it, or replaces one with other settings.
    ///
    /// # Errors
    /// Settings that cannot work, and a ledger that cannot be used. The next request tries again.
    pub(super) async fn lease(&self, data_source: &DataSource) -> Result<Lease, Failure> {
        let fingerprint = Fingerprint::of(data_source);
        loop {
            let starting = self.starting(data_source, fingerprint);
            match starting.clone().await {
                Ok(instance) => {
                    // A change of settings may have retired it between the two steps.
                    if let Some(lease) = instance.lease() {
                        return Ok(lease);
                    }
                    self.forget(&data_source.key, &starting);
                }
                Err(failure) => {
                    self.forget(&data_source.key, &starting);
                    return Err(failure);
                }
            }
        }
    }

    /// The instances that run.
    pub(super) fn running(&self) -> Vec<Arc<Instance>> {
        let mut running: Vec<_> = self
            .0
            .entries()
            .values()
            .filter_map(|entry| entry.starting.peek()?.as_ref().ok().cloned())
            .collect();
        running.sort_by(|a, b| a.key.cmp(&b.key));
        running
    }

    /// Drops the caches of idle instances, and stops those that idle for longer than they sync.
    pub(super) async fn keep_up(&self, now: Instant) {
        for instance in self.running() {
            match instance.upkeep(now) {
                Upkeep::Nothing => {}
                Upkeep::DropCaches => instance.app.drop_caches(),
                Upkeep::Stop => {
                    let is_this = |entry: &Entry| matches!(entry.starting.peek(), Some(Ok(known)) if Arc::ptr_eq(known, &instance));
                    self.0
                        .entries()
                        .retain(|key, entry| *key != instance.key || !is_this(entry));
                    self.0.retire(&instance, Duration::ZERO).await;
                }
            }
        }
    }

    /// Stops all instances, and waits for it at most that long.
    pub(super) async fn stop(&self, patience: Duration) {
        let running = self.running();
        self.0.entries().clear();
        let stopping = running
            .iter()
            .map(|instance| instance.retire(Duration::ZERO));
        if timeout(patience, join_all(stopping)).await.is_err() {
            // The ledger survives a kill, so leaving now loses nothing that was stored.
            tracing::debug!("Left before all data sources had stopped");
        }
    }

    fn starting(&self, data_source: &DataSource, fingerprint: Fingerprint) -> Starting {
        let mut entries = self.0.entries();
        let known = entries.get(&data_source.key);
        if let Some(entry) = known.filter(|entry| entry.fingerprint == fingerprint) {
            return entry.starting.clone();
        }
        let replaced = known.map(|entry| entry.starting.clone());
        let state = Arc::clone(&self.0);
        let data_source = data_source.clone();
        let key = data_source.key.clone();
        // A task of its own: the viewer whose request started it may leave.
        let task = tokio::spawn(async move {
            if let Some(Ok(replaced)) = match replaced {
                Some(replaced) => Some(replaced.await),
                None => None,
            } {
                state.replace(replaced).await;
            }
            state.start(data_source).await
        });
        let starting = async move { task.await.unwrap_or_else(|_| Err(Failure::panicked())) }
            .boxed()
            .shared();
        let entry = Entry {
            fingerprint,
            starting: starting.clone(),
        };
        entries.insert(key, entry);
        starting
    }

    fn forget(&self, key: &DataSourceKey, failed: &Starting) {
        let mut entries = self.0.entries();
        let is_same = |entry: &Entry| entry.starting.ptr_eq(failed);
        if entries.get(key).is_some_and(is_same) {
            entries.remove(key);
        }
    }
}

impl State {
    fn entries(&self) -> MutexGuard<'_, HashMap<DataSourceKey, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn claims(&self) -> MutexGuard<'_, HashMap<PathBuf, DataSourceKey>> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn start(self: Arc<Self>, data_source: DataSource) -> Result<Arc<Instance>, Failure> {
        let key = data_source.key.clone();
        // Opening a ledger reads files, and may migrate it.
        let started = tokio::task::spawn_blocking(move || self.open(&data_source)).await;
        let started = started.unwrap_or_else(|_| Err(Failure::panicked()));
        match &started {
            Ok(_) => tracing::info!(data_source = %key, "Started a data source"),
            Err(failure) => {
                tracing::warn!(data_source = %key, error = %failure, "Cannot start a data source");
            }
        }
        started.map(Arc::new)
    }

    fn open(&self, data_source: &DataSource) -> Result<Instance, Failure> {
        let key = &data_source.key;
        let json = match data_source.json_data.as_slice() {
            [] => serde_json::json!({}),
            bytes => serde_json::from_slice(bytes)
                .map_err(|_| Failure::unusable("the data source's settings are no JSON"))?,
        };
        let access = self.administration.access();
        let addresses = self.administration.addresses();
        let settings = Arc::new(Settings::from_json(&json, &data_source.secrets, &access)?);
        let place = ledger_file::place(&self.administration, key, settings.ledger.as_deref());
        let file = match &place.location {
            Location::File(file) => Some(file.clone()),
            Location::Memory => None,
        };
        if let Some(file) = &file {
            self.claim(file, key)?;
        }
        let started = match &file {
            Some(file) => ledger_file::own(file, key),
            None => Ok(()),
        }
        .and_then(|()| {
            Ok(App::start(
                Arc::clone(&settings),
                &place.location,
                addresses,
            )?)
        });
        match started {
            Ok(app) => Ok(Instance::new(
                key.clone(),
                app,
                settings,
                place.location,
                place.notice,
            )),
            Err(failure) => {
                if let Some(file) = &file {
                    self.release(file, key);
                }
                Err(failure)
            }
        }
    }

    fn claim(&self, file: &Path, key: &DataSourceKey) -> Result<(), Failure> {
        let mut claims = self.claims();
        match claims.get(file) {
            Some(owner) if owner != key => Err(ledger_file::belongs_to_another(file)),
            Some(_) | None => {
                claims.insert(file.to_owned(), key.clone());
                Ok(())
            }
        }
    }

    fn release(&self, file: &Path, key: &DataSourceKey) {
        let mut claims = self.claims();
        if claims.get(file) == Some(key) {
            claims.remove(file);
        }
    }

    /// Makes room for new settings: at once where no file is shared, else when the old ones are done.
    async fn replace(self: &Arc<Self>, replaced: Arc<Instance>) {
        tracing::info!(data_source = %replaced.key, "The settings of a data source changed");
        if replaced.ledger_file().is_some() {
            self.retire(&replaced, REPLACEMENT).await;
        } else {
            let state = Arc::clone(self);
            tokio::spawn(async move {
                let deadline = replaced.deadline;
                state.retire(&replaced, deadline).await;
            });
        }
    }

    async fn retire(&self, instance: &Instance, grace: Duration) {
        instance.retire(grace).await;
        if let Some(file) = instance.ledger_file() {
            self.release(file, &instance.key);
        }
    }
}

#[cfg(test)]
mod tests;
