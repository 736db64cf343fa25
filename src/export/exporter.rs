//! A running export loop: sources into the ledger, the ledger to its destinations.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::backfill;
use super::exposition::{self, Health, SinkHealth};
use super::lane::Lane;
use super::pump::{Pump, blocking};
use super::remote_write::Sender;
use super::serve::Shown;
use super::tally::Tally;
use super::told::Told;
use crate::app::{Addresses, App, StartError};
use crate::config::{Export, Settings, SettingsError};
use crate::error::chain;
use crate::ledger::{LedgerError, Location};
use crate::model::SourceName;
use crate::providers::is_history;

/// Sources are read for as long as the loop runs.
const FOR_EVER: TimeDelta = TimeDelta::days(36_500);

/// When old events first become blocks after a start, and how often from then on.
const FIRST_BACKFILL: Duration = Duration::from_secs(60);
const BACKFILL_EVERY: Duration = Duration::from_secs(3_600);

/// Why an export loop cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The settings have no section `export`.
    #[error(
        "the settings have no section `export`: say there where events are sent (docs/export.md)"
    )]
    NotSetUp,
    /// The settings name no ledger.
    #[error("the settings name no `ledger`: what is still to be sent must outlive this process")]
    NoLedger,
    /// Another process owns the ledger.
    #[error(
        "another process owns the ledger: one export loop a ledger; stop the other, or name another `ledger`"
    )]
    Owned,
    /// The ledger fails.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A source or a destination cannot be connected.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

impl From<StartError> for ExportError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Ledger(error) => Self::Ledger(error),
            StartError::Settings(error) => Self::Settings(error),
        }
    }
}

/// A running export loop.
pub struct Exporter {
    app: App,
    export: Export,
    /// The ledger's file.
    ledger: PathBuf,
    lanes: Vec<Arc<Lane>>,
    is_stopped: watch::Sender<bool>,
    /// What was last computed for who scrapes, and when.
    computed: Mutex<Option<(DateTime<Utc>, String)>>,
}

impl Exporter {
    /// Opens the ledger, connects sources and destinations; reads and sends nothing yet. Blocks on the ledger.
    ///
    /// # Errors
    /// See `ExportError`.
    pub fn start(mut settings: Settings) -> Result<Self, ExportError> {
        let export = settings.export.clone().ok_or(ExportError::NotSetUp)?;
        let ledger = settings.ledger.clone().ok_or(ExportError::NoLedger)?;
        settings.keep_syncing = FOR_EVER;
        settings.freshness = settings.freshness.min(export.every);
        let history: BTreeSet<SourceName> = settings
            .sources
            .iter()
            .filter(|source| is_history(source.kind))
            .map(|source| source.name.clone())
            .collect();
        let app = App::start(
            Arc::new(settings),
            &Location::File(ledger.clone()),
            Addresses::All,
        )?;
        if !app.reads_sources() {
            return Err(ExportError::Owned);
        }
        let names = export.destinations.iter();
        let names = names.map(|destination| destination.connection.name.to_string());
        app.ledger().register(&names.collect(), &history)?;
        let lanes = export
            .destinations
            .iter()
            .map(|destination| {
                let sender = Arc::new(Sender::connect(
                    app.network(),
                    destination,
                    export.external_labels.clone(),
                )?);
                Ok(Arc::new(Lane {
                    pump: Pump {
                        name: destination.connection.name.to_string(),
                        ledger: Arc::clone(app.ledger()),
                        courier: Arc::clone(&sender) as _,
                        page: destination.batch * destination.shards,
                        external_labels: export.external_labels.clone(),
                        tally: Arc::new(Tally::default()),
                    },
                    prover: sender,
                    told: Told::of({
                        let app = app.clone();
                        move || app.origins()
                    }),
                    clock: app.clock(),
                }))
            })
            .collect::<Result<_, SettingsError>>()?;
        Ok(Self {
            app,
            export,
            ledger,
            lanes,
            is_stopped: watch::Sender::new(false),
            computed: Mutex::default(),
        })
    }

    /// What the settings say of it.
    pub fn settings(&self) -> &Export {
        &self.export
    }

    /// The sources and their ledger.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// The destinations.
    pub fn lanes(&self) -> &[Arc<Lane>] {
        &self.lanes
    }

    /// Reads and sends until `stop` is called and what can be sent within ten seconds is sent.
    pub async fn run(&self) {
        self.app.keep_reading();
        let mut tasks = JoinSet::new();
        for lane in &self.lanes {
            let changes = self.app.changes();
            let stop = self.is_stopped.subscribe();
            let sending = Arc::clone(lane);
            tasks.spawn(async move { sending.keep_sending(changes, stop).await });
            if let Some(plan) = self.plan(&lane.pump.name) {
                let stop = self.is_stopped.subscribe();
                tasks.spawn(keep_backfilling(Arc::clone(lane), plan, stop));
            }
            let (lane, stop) = (Arc::clone(lane), self.is_stopped.subscribe());
            let reach = self.export.reconcile_reach;
            // Spans of the settings are never negative.
            let every = self.export.reconcile.to_std().unwrap_or_default();
            tasks.spawn(async move { lane.keep_reconciling(every, reach, stop).await });
        }
        let mut stop = self.is_stopped.subscribe();
        // The sender lives in `self`; an error would mean that everything is gone, which is a stop too.
        let _ = stop.wait_for(|stop| *stop).await;
        while tasks.join_next().await.is_some() {}
        info!("The export loop has stopped");
    }

    /// How a destination's old events become blocks; `None` where its settings name no target.
    pub fn plan(&self, destination: &str) -> Option<backfill::Plan> {
        let mut destinations = self.export.destinations.iter();
        let destination =
            destinations.find(|known| known.connection.name.as_str() == destination)?;
        backfill::Plan::of(destination, &self.export, &self.ledger, self.app.origins())
    }

    /// Reads every source once and sends what waits once; says for each destination that did not take everything why.
    pub async fn once(&self) -> Vec<(String, String)> {
        self.app.keep_reading();
        self.app.settle().await;
        let mut stuck = Vec::new();
        for lane in &self.lanes {
            if let Err((reason, _)) = lane.step(&mut None).await {
                stuck.push((lane.pump.name.clone(), reason));
            }
        }
        self.stop().await;
        stuck
    }

    async fn health(&self) -> Result<Health, LedgerError> {
        let app = self.app.clone();
        let lanes: Vec<_> = self
            .lanes
            .iter()
            .map(|lane| (lane.pump.name.clone(), lane.pump.tally.counts()))
            .collect();
        let file = self.ledger.clone();
        blocking(move || {
            let sinks = lanes.into_iter().map(|(name, counts)| {
                Ok(SinkHealth {
                    queue: app.ledger().queue(&name)?,
                    name,
                    counts,
                })
            });
            Ok(Health {
                sinks: sinks.collect::<Result<_, LedgerError>>()?,
                sources: app.sources(),
                requests: app.requests(),
                limits: app.limits_left(),
                ledger_bytes: size_of(&file),
            })
        })
        .await
    }

    /// Stops collecting, then sending; returns once nothing is collected any more.
    pub async fn stop(&self) {
        self.app.stop().await;
        self.is_stopped.send_replace(true);
    }
}

impl Shown for Exporter {
    fn metrics(&self) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let now = self.app.clock().now();
            let mut computed = self.computed.lock().await;
            let is_fresh = computed
                .as_ref()
                .is_some_and(|(at, _)| now - *at < self.export.every);
            if !is_fresh {
                let text = exposition::computed(&self.app, self.export.show_events, now).await;
                *computed = Some((now, text.map_err(|error| chain(&error))?));
            }
            let health = self.health().await.map_err(|error| chain(&error))?;
            let computed = computed.as_ref().map_or("", |(_, text)| text);
            Ok(format!("{computed}{}", exposition::health(&health)))
        })
    }

    fn unready(&self) -> Option<String> {
        self.is_stopped
            .borrow()
            .then(|| "Pelorus stops.".to_owned())
    }
}

/// Bytes of the ledger's file and its log; a file that is not there has none.
fn size_of(file: &Path) -> u64 {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    [file, Path::new(&log)]
        .iter()
        .filter_map(|file| std::fs::metadata(file).ok())
        .map(|known| known.len())
        .sum()
}

/// Makes blocks of what waits for a backfill, every so often, until `stop` says so.
async fn keep_backfilling(lane: Arc<Lane>, plan: backfill::Plan, mut stop: watch::Receiver<bool>) {
    let mut wait = FIRST_BACKFILL;
    loop {
        tokio::select! {
            // An error would mean that everything is gone, which is a stop too.
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = BACKFILL_EVERY;
        let (ledger, plan, now) = (
            Arc::clone(&lane.pump.ledger),
            plan.clone(),
            lane.clock.now(),
        );
        let name = &lane.pump.name;
        let patience = plan.patience();
        let working = tokio::task::spawn_blocking(move || {
            if ledger.queue(&plan.destination)?.backfill == 0 {
                return Ok(backfill::Report::default());
            }
            backfill::run(&ledger, &plan, now, &mut |_, _, _| {})
        });
        match working.await {
            Ok(Ok(report)) if report.events > 0 => {
                let events = report.events;
                info!(destination = %name, events, blocks = report.blocks, "{name} got {events} old events in blocks");
                tokio::select! {
                    _ = stop.wait_for(|stop| *stop) => return,
                    shown = lane.verify(&report.ranges, patience) => match shown {
                        Ok(None) => {}
                        Ok(Some(shown)) => info!(destination = %name, shown, "{name} shows what it got in blocks"),
                        Err(reason) => warn!(destination = %name, reason, "{name} got old events in blocks, and {reason}"),
                    }
                }
            }
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                let error = chain(&error);
                warn!(destination = %name, error, "Old events go on waiting for a backfill: {error}");
            }
            Err(failure) => tracing::error!("A backfill stopped by a defect: {failure}"),
        }
    }
}
