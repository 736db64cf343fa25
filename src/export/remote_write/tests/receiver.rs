//! A receiver: a real server that decodes what it gets, says what it is told to, and keeps what it takes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use prost::Message;
use serde_json::json;

use crate::export::remote_write::wire::{Request, WriteRequest};

/// Labels of a series, in the order of the wire.
pub(super) type Labels = Vec<(String, String)>;

/// A sample as it came.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Came {
    pub labels: Labels,
    pub at: i64,
    pub value: f64,
}

impl Came {
    pub(super) fn id(&self) -> &str {
        let id = self.labels.iter().find(|(name, _)| name == "id");
        id.map_or("", |(_, value)| value)
    }
}

/// What a receiver says to a request: status, headers, text, and which samples it keeps.
pub(super) struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub text: String,
    pub keeps: Vec<Came>,
}

impl Reply {
    pub(super) fn takes(keeps: &[Came]) -> Self {
        Self {
            status: 204,
            headers: Vec::new(),
            text: String::new(),
            keeps: keeps.to_vec(),
        }
    }

    pub(super) fn says(status: u16, text: &str) -> Self {
        Self {
            status,
            headers: Vec::new(),
            text: text.to_owned(),
            keeps: Vec::new(),
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

type Script = Box<dyn FnMut(&HeaderMap, &[Came]) -> Reply + Send>;

#[derive(Clone)]
pub(super) struct Receiver {
    pub url: String,
    kept: Arc<Mutex<BTreeMap<(Labels, i64), f64>>>,
    requests: Arc<Mutex<Vec<(HeaderMap, usize)>>>,
    script: Arc<Mutex<Script>>,
    /// Headers of the questions so far.
    pub questions: Arc<Mutex<Vec<HeaderMap>>>,
    /// Laid over the labels of what is shown.
    pub overlay: Arc<Mutex<Labels>>,
}

impl Receiver {
    /// Starts a receiver that does what the script says.
    pub(super) async fn start(
        script: impl FnMut(&HeaderMap, &[Came]) -> Reply + Send + 'static,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            kept: Arc::default(),
            requests: Arc::default(),
            script: Arc::new(Mutex::new(Box::new(script))),
            questions: Arc::default(),
            overlay: Arc::default(),
        };
        let router = Router::new()
            .route("/write", post(write))
            .route("/api/v1/query", get(query))
            .with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    /// A receiver that takes everything.
    pub(super) async fn that_takes_all() -> Self {
        Self::start(|_, samples| Reply::takes(samples)).await
    }

    pub(super) fn write_url(&self) -> String {
        format!("{}/write", self.url)
    }

    /// Ids of what it has but for proofs that it takes anything, sorted.
    pub(super) fn ids(&self) -> Vec<String> {
        let kept = self.kept.lock().unwrap();
        let ids = kept.keys().map(|(labels, _)| {
            let id = labels.iter().find(|(name, _)| name == "id");
            id.map(|(_, value)| value.clone()).unwrap_or_default()
        });
        let mut ids: Vec<String> = ids.filter(|id| id != "proof").collect();
        ids.sort();
        ids
    }

    /// Headers and numbers of samples of the requests so far.
    pub(super) fn requests(&self) -> Vec<(HeaderMap, usize)> {
        self.requests.lock().unwrap().clone()
    }
}

async fn write(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    let bytes = snap::raw::Decoder::new().decompress_vec(&body).unwrap();
    let kind = headers["content-type"].to_str().unwrap();
    let samples = if kind.contains("v2.Request") {
        decode_two(&bytes)
    } else {
        decode_one(&bytes)
    };
    receiver
        .requests
        .lock()
        .unwrap()
        .push((headers.clone(), samples.len()));
    let reply = (receiver.script.lock().unwrap())(&headers, &samples);
    let mut kept = receiver.kept.lock().unwrap();
    for came in reply.keeps {
        kept.insert((came.labels, came.at), came.value);
    }
    drop(kept);
    let mut response = (StatusCode::from_u16(reply.status).unwrap(), reply.text).into_response();
    for (name, value) in reply.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

fn decode_one(bytes: &[u8]) -> Vec<Came> {
    let request = WriteRequest::decode(bytes).unwrap();
    let series = request.timeseries.into_iter().flat_map(|series| {
        let labels: Labels = series
            .labels
            .into_iter()
            .map(|label| (label.name, label.value))
            .collect();
        series.samples.into_iter().map(move |sample| Came {
            labels: labels.clone(),
            at: sample.timestamp,
            value: sample.value,
        })
    });
    series.collect()
}

fn decode_two(bytes: &[u8]) -> Vec<Came> {
    let Request {
        symbols,
        timeseries,
    } = Request::decode(bytes).unwrap();
    assert_eq!(symbols[0], "");
    let series = timeseries.into_iter().flat_map(|series| {
        let text = |at: &u32| symbols[*at as usize].clone();
        let (pairs, rest) = series.labels_refs.as_chunks::<2>();
        assert!(rest.is_empty());
        let labels: Labels = pairs
            .iter()
            .map(|[name, value]| (text(name), text(value)))
            .collect();
        series.samples.into_iter().map(move |sample| Came {
            labels: labels.clone(),
            at: sample.timestamp,
            value: sample.value,
        })
    });
    series.collect()
}

/// Shows everything it has, whatever is asked.
async fn query(
    State(receiver): State<Receiver>,
    headers: HeaderMap,
    RawQuery(_): RawQuery,
) -> Response {
    receiver.questions.lock().unwrap().push(headers);
    let overlay: BTreeMap<String, String> =
        receiver.overlay.lock().unwrap().iter().cloned().collect();
    let kept = receiver.kept.lock().unwrap();
    let result: Vec<_> = kept
        .iter()
        .map(|((labels, at), value)| {
            let mut metric: BTreeMap<String, String> = labels.iter().cloned().collect();
            metric.extend(overlay.clone());
            json!({ "metric": metric, "values": [[*at as f64 / 1_000.0, value.to_string()]] })
        })
        .collect();
    axum::Json(json!({ "status": "success", "data": { "resultType": "matrix", "result": result } }))
        .into_response()
}
