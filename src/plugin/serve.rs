//! The plugin's process: Grafana starts it, and speaks gRPC with it until it stops it.

use std::os::unix::process::parent_id;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use grafana_plugin_sdk::backend;
use tokio::runtime::Builder;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic_health::ServingStatus;

use super::administration::Administration;
use super::instances::Instances;
use super::services::{Controller, Data, Diagnostics, Resource};
use super::{Plugin, log, stop};
use crate::error::chain;

/// What Grafana sets to tell a plugin that it is one.
const COOKIE: (&str, &str) = ("grafana_plugin_type", "datasource");
/// How long requests may go on when the process is to stop; go-plugin kills after two seconds.
const DRAINING: Duration = Duration::from_millis(400);
/// How long data sources may take to stop.
const STOPPING: Duration = Duration::from_millis(400);
/// How often idle data sources are looked after.
const UPKEEP: Duration = Duration::from_secs(60);

/// Why Grafana cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Somebody started the plugin by hand.
    #[error(
        "this is a plugin, which Grafana starts by itself; for questions see `pelorus query --help`"
    )]
    NotStartedByGrafana,
    /// The process has no threads, no port or no signals.
    #[error("cannot serve Grafana")]
    Transport(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Serves Grafana until it stops us. Must not run inside a tokio runtime: it owns one, so that nothing under way keeps
/// the process from ending.
///
/// # Errors
/// See `ServeError`; logged already, as Grafana reads logs.
pub fn serve() -> Result<(), ServeError> {
    let (name, value) = COOKIE;
    if std::env::var(name).as_deref() != Ok(value) {
        return Err(ServeError::NotStartedByGrafana);
    }
    log::install();
    let served = Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Into::into)
        .and_then(|runtime| {
            let served = runtime.block_on(run());
            // Readings under way end with the process; what they stored is stored.
            runtime.shutdown_background();
            served
        });
    served.map_err(|source| {
        tracing::error!(error = chain(source.as_ref()), "Cannot serve Grafana");
        ServeError::Transport(source)
    })
}

async fn run() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // Before the handshake, after which Grafana may go at any time.
    let parent = parent_id();
    let administration = Administration::read(|name| std::env::var_os(name));
    let plugin = Arc::new(Plugin::new(administration));
    let controller = Arc::new(Notify::new());
    let (mut health, health_service) = tonic_health::server::health_reporter();
    // The name under which go-plugin asks.
    health
        .set_service_status("plugin", ServingStatus::Serving)
        .await;
    let router = Server::builder()
        .add_service(health_service)
        .add_service(Controller(Arc::clone(&controller)))
        .add_service(Data(Arc::clone(&plugin)))
        .add_service(Diagnostics(Arc::clone(&plugin)))
        .add_service(Resource(Arc::clone(&plugin)));
    let keeping_up = tokio::spawn(keep_up(plugin.instances.clone()));

    // Everything is ready: now Grafana may know the address, which this prints.
    let listener = backend::initialize().await?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "Serving Grafana");
    let incoming = TcpListenerStream::new(listener).map(|connection| {
        let connection = connection?;
        // Answers are small; waiting to fill a packet would cost 40 ms each.
        connection.set_nodelay(true)?;
        Ok::<_, std::io::Error>(connection)
    });
    let draining = Arc::new(Notify::new());
    let begin = Arc::clone(&draining);
    let mut serving = tokio::spawn(
        router.serve_with_incoming_shutdown(incoming, async move { begin.notified().await }),
    );
    tokio::select! {
        served = &mut serving => served??,
        stopped = stop::stopped(controller, parent) => {
            stopped?;
            draining.notify_one();
            // Clients that stay connected do not keep us.
            if let Ok(served) = timeout(DRAINING, serving).await {
                served??;
            }
        }
    }
    keeping_up.abort();
    plugin.instances.stop(STOPPING).await;
    Ok(())
}

async fn keep_up(instances: Instances) {
    let mut ticks = interval(UPKEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        instances.keep_up(Instant::now()).await;
    }
}
