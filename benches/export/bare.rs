//! A sender that does nothing but send: samples that are encoded beforehand, four requests at a time, no queue on a disk.

use std::time::{Duration, Instant};

use futures::StreamExt;
use pelorus::series::Sample;
use prost::Message;

/// `prometheus.WriteRequest`.
#[derive(Clone, PartialEq, Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, Message)]
struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Wired>,
}

#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Wired {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

/// Sends all of them; how long that took, encoding left out.
pub fn send(url: &str, samples: &[Sample]) -> Duration {
    let bodies: Vec<Vec<u8>> = samples.chunks(500).map(body).collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    // Without one, not even a client for plain HTTP can be built; whether another was there before does not matter.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::new();
    let began = Instant::now();
    runtime.block_on(async {
        let sending = futures::stream::iter(bodies).map(|body| {
            let request = client
                .post(url)
                .header("content-encoding", "snappy")
                .header("content-type", "application/x-protobuf")
                .header("x-prometheus-remote-write-version", "0.1.0")
                .body(body);
            async move {
                let status = request.send().await.expect("Prometheus answers").status();
                assert!(status.is_success(), "{status}");
            }
        });
        sending.buffer_unordered(4).collect::<Vec<()>>().await;
    });
    began.elapsed()
}

fn body(samples: &[Sample]) -> Vec<u8> {
    let timeseries = samples.iter().map(|sample| TimeSeries {
        labels: sample
            .labels
            .iter()
            .map(|(name, value)| Label {
                name: name.clone().into_owned(),
                value: value.clone(),
            })
            .collect(),
        samples: vec![Wired {
            value: sample.value,
            timestamp: sample.at,
        }],
    });
    let message = WriteRequest {
        timeseries: timeseries.collect(),
    };
    snap::raw::Encoder::new()
        .compress_vec(&message.encode_to_vec())
        .expect("a small body")
}
