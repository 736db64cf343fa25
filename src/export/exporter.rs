//! A running export loop: sources into the ledger, the ledger to its destinations.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;
use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::info;

use super::lane::{Lane, keep_sending};
use super::pump::Pump;
use super::remote_write::Sender;
use super::serve::Shown;
use super::tally::Tally;
use super::told::Told;
use crate::app::{Addresses, App, StartError};
use crate::config::{Export, Settings, SettingsError};
use crate::ledger::{LedgerError, Location};
use crate::model::SourceName;

/// Sources are read for as long as the loop runs.
const FOR_EVER: TimeDelta = TimeDelta::days(36_500);

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
    lanes: Vec<Arc<Lane>>,
    is_stopped: watch::Sender<bool>,
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
            .filter(|source| source.is_history())
            .map(|source| source.name.clone())
            .collect();
        let app = App::start(Arc::new(settings), &Location::File(ledger), Addresses::All)?;
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
                    prover: Box::new(Arc::clone(&sender)),
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
            lanes,
            is_stopped: watch::Sender::new(false),
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
            tasks.spawn(keep_sending(Arc::clone(lane), changes, stop));
        }
        let mut stop = self.is_stopped.subscribe();
        // The sender lives in `self`; an error would mean that everything is gone, which is a stop too.
        let _ = stop.wait_for(|stop| *stop).await;
        while tasks.join_next().await.is_some() {}
        info!("The export loop has stopped");
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

    /// Stops collecting, then sending; returns once nothing is collected any more.
    pub async fn stop(&self) {
        self.app.stop().await;
        self.is_stopped.send_replace(true);
    }
}

impl Shown for Exporter {
    fn metrics(&self) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async { Ok(String::new()) })
    }

    fn unready(&self) -> Option<String> {
        self.is_stopped
            .borrow()
            .then(|| "Pelorus stops.".to_owned())
    }
}
