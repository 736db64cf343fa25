//! `pelorus export`: collects events for ever, and keeps them in Prometheus or Thanos.

use std::path::Path;
use std::sync::Arc;

use anyhow::anyhow;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tracing::{error, info};

use super::arguments;
use super::exit::{Exit, Failure};
use super::{load, say};
use crate::app::{Addresses, App};
use crate::config::Settings;
use crate::error::chain;
use crate::export::{ExportError, Exporter, Shown, listen, serve};

/// Runs the loop until it is told to stop; with `--once`, until everything has been read and sent.
pub(super) async fn run(arguments: arguments::Export) -> Result<Exit, Failure> {
    let file = arguments.config.as_deref();
    let settings = load::from_file(file)?;
    if arguments.once || arguments.retry_quarantined {
        let exporter = start(settings).await?;
        if arguments.retry_quarantined {
            retry_quarantined(&exporter).await?;
        }
        if arguments.once {
            return once(&exporter).await;
        }
        exporter.stop().await;
        drop(exporter);
        return keep_running(file, load::from_file(file)?).await;
    }
    keep_running(file, settings).await
}

/// Starts an export loop on a thread that may block.
///
/// # Errors
/// Settings that cannot run one, and a ledger that is another's.
pub(super) async fn start(settings: Settings) -> Result<Arc<Exporter>, Failure> {
    let runtime = tokio::runtime::Handle::current();
    let starting = tokio::task::spawn_blocking(move || {
        let _inside = runtime.enter();
        Exporter::start(settings)
    });
    match starting.await {
        Ok(Ok(exporter)) => Ok(Arc::new(exporter)),
        Ok(Err(error)) => {
            let cause = anyhow!(chain(&error));
            Err(match error {
                ExportError::NotSetUp | ExportError::NoLedger | ExportError::Settings(_) => {
                    Failure::unusable(cause)
                }
                ExportError::Owned | ExportError::Ledger(_) => Failure::unreadable(cause),
            })
        }
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

async fn once(exporter: &Exporter) -> Result<Exit, Failure> {
    let stuck = exporter.once().await;
    for (destination, reason) in &stuck {
        say(format_args!(
            "warning: {destination} did not take everything: {reason}"
        ));
    }
    for lane in exporter.lanes() {
        let name = &lane.pump.name;
        let counts = lane.pump.tally.counts();
        let queue = exporter
            .app()
            .ledger()
            .queue(name)
            .map_err(Failure::unreadable)?;
        say(format_args!(
            "{name}: {} sent, {} wait, {} wait for a backfill, {} are in quarantine",
            counts.sent, queue.live, queue.backfill, queue.quarantined
        ));
    }
    Ok(if stuck.is_empty() {
        Exit::Answered
    } else {
        Exit::Partly
    })
}

async fn retry_quarantined(exporter: &Exporter) -> Result<(), Failure> {
    for lane in exporter.lanes() {
        let name = &lane.pump.name;
        let ledger = exporter.app().ledger();
        let count = ledger
            .retry_quarantined(name)
            .map_err(Failure::unreadable)?;
        say(format_args!("{name}: {count} events leave the quarantine"));
    }
    Ok(())
}

async fn keep_running(file: Option<&Path>, mut settings: Settings) -> Result<Exit, Failure> {
    let (reload, mut reloads) = mpsc::channel(1);
    let mut hangups = signal(SignalKind::hangup()).map_err(Failure::unreadable)?;
    let mut terminations = signal(SignalKind::terminate()).map_err(Failure::unreadable)?;
    let (stage, on_stage) = watch::channel(None::<Arc<dyn Shown>>);
    let (stop, stopped) = watch::channel(false);
    let mut served = None;
    loop {
        let address = settings.export.as_ref().and_then(|export| export.listen);
        if served.as_ref().map(|(address, _)| *address) != address {
            if let Some((_, serving)) = served.take() {
                stop_serving(serving, &stop).await;
            }
            if let Some(address) = address {
                let listener: TcpListener = listen(address)
                    .await
                    .map_err(|reason| Failure::unusable(anyhow!(reason)))?;
                info!("Listening on http://{address}");
                let mut stopped = stopped.clone();
                let serving = tokio::spawn(serve(
                    listener,
                    on_stage.clone(),
                    reload.clone(),
                    // An error would mean that everything is gone, which is a stop too.
                    async move { drop(stopped.wait_for(|stopped| *stopped).await) },
                ));
                served = Some((address, serving));
            }
        }
        let exporter = start(settings.clone()).await?;
        stage.send_replace(Some(Arc::clone(&exporter) as Arc<dyn Shown>));
        let running = tokio::spawn({
            let exporter = Arc::clone(&exporter);
            async move { exporter.run().await }
        });
        let next = loop {
            tokio::select! {
                _ = terminations.recv() => break None,
                _ = tokio::signal::ctrl_c() => break None,
                _ = hangups.recv() => {}
                _ = reloads.recv() => {}
            }
            match usable(file) {
                Ok(settings) => break Some(settings),
                Err(failure) => error!("The settings stay as they were: {:#}", failure.cause),
            }
        };
        info!(
            "{}",
            if next.is_some() {
                "Reading the settings anew"
            } else {
                "Stopping"
            }
        );
        exporter.stop().await;
        stage.send_replace(None);
        if let Err(failure) = running.await {
            error!("The export loop stopped by a defect: {failure}");
        }
        drop(exporter);
        match next {
            Some(next) => settings = next,
            None => {
                if let Some((_, serving)) = served.take() {
                    stop_serving(serving, &stop).await;
                }
                return Ok(Exit::Answered);
            }
        }
    }
}

/// New settings, if a loop could run with them.
fn usable(file: Option<&Path>) -> Result<Settings, Failure> {
    let settings = load::from_file(file)?;
    if settings.export.is_none() {
        return Err(Failure::unusable(ExportError::NotSetUp));
    }
    if settings.ledger.is_none() {
        return Err(Failure::unusable(ExportError::NoLedger));
    }
    // Connecting sources finds what reading settings cannot; in memory, since the ledger is in use.
    App::start(
        Arc::new(settings.clone()),
        &crate::ledger::Location::Memory,
        Addresses::All,
    )
    .map_err(super::query::not_started)?;
    Ok(settings)
}

async fn stop_serving(serving: tokio::task::JoinHandle<()>, stop: &watch::Sender<bool>) {
    stop.send_replace(true);
    // A scrape that hangs must not keep the process.
    if tokio::time::timeout(std::time::Duration::from_secs(2), serving)
        .await
        .is_err()
    {
        info!("Left before all scrapes were answered");
    }
    stop.send_replace(false);
}
