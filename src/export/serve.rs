//! What is scraped and asked of an export loop: `/metrics`, `/-/healthy`, `/-/ready`, `/-/reload`.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use futures::future::BoxFuture;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

/// What the loop shows, as it is now.
pub trait Shown: Send + Sync + 'static {
    /// The text of `/metrics`.
    fn metrics(&self) -> BoxFuture<'_, Result<String, String>>;

    /// Why it is not ready; `None` when it is.
    fn unready(&self) -> Option<String>;
}

/// Who is shown; replaced when the settings are read anew.
pub type Stage = watch::Receiver<Option<Arc<dyn Shown>>>;

#[derive(Clone)]
struct Served {
    stage: Stage,
    reload: mpsc::Sender<()>,
}

const PAGE: &str = "<!doctype html><title>Pelorus export</title><h1>Pelorus export</h1><p><a href=\"/metrics\">Metrics</a>, \
    <a href=\"/-/healthy\">healthy</a>, <a href=\"/-/ready\">ready</a></p>";

/// Listens.
///
/// # Errors
/// A sentence that names the address.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| {
        format!("cannot listen on {address} ({error}): choose another `export.listen`, or stop who listens there")
    })
}

/// Serves until `stop` ends.
pub async fn serve(
    listener: TcpListener,
    stage: Stage,
    reload: mpsc::Sender<()>,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let router = Router::new()
        .route("/", get(|| async { Html(PAGE) }))
        .route("/metrics", get(metrics))
        .route("/-/healthy", get(|| async { "Pelorus is healthy.\n" }))
        .route("/-/ready", get(ready))
        .route("/-/reload", post(reload_settings))
        .with_state(Served { stage, reload });
    let serving = axum::serve(listener, router).with_graceful_shutdown(stop);
    if let Err(error) = serving.await {
        tracing::error!("Nothing can be scraped any more: {error}");
    }
}

async fn metrics(State(served): State<Served>) -> Response {
    let shown = served.stage.borrow().clone();
    let Some(shown) = shown else {
        return (StatusCode::SERVICE_UNAVAILABLE, "Pelorus starts.\n").into_response();
    };
    match shown.metrics().await {
        Ok(text) => {
            let kind = "text/plain; version=0.0.4; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(reason) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{reason}\n")).into_response(),
    }
}

async fn ready(State(served): State<Served>) -> Response {
    let shown = served.stage.borrow().clone();
    let unready = match shown {
        None => Some("Pelorus starts.".to_owned()),
        Some(shown) => shown.unready(),
    };
    match unready {
        None => "Pelorus is ready.\n".into_response(),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

async fn reload_settings(State(served): State<Served>) -> Response {
    match served.reload.try_send(()) {
        // One that waits already reads the same file.
        Ok(()) | Err(mpsc::error::TrySendError::Full(())) => {
            (StatusCode::ACCEPTED, "The settings are read anew.\n").into_response()
        }
        Err(mpsc::error::TrySendError::Closed(())) => {
            (StatusCode::SERVICE_UNAVAILABLE, "Pelorus stops.\n").into_response()
        }
    }
}
