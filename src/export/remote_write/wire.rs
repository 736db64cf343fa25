//! The messages of remote write, and how samples become bytes.

use std::collections::HashMap;

use prost::Message;

use crate::config::RemoteWrite;
use crate::series::Sample;

/// `prometheus.WriteRequest` of 1.0.
#[derive(Clone, PartialEq, Message)]
pub(super) struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    pub(super) timeseries: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    pub(super) labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    pub(super) samples: Vec<WireSample>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Label {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) value: String,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct WireSample {
    #[prost(double, tag = "1")]
    pub(super) value: f64,
    #[prost(int64, tag = "2")]
    pub(super) timestamp: i64,
}

/// `io.prometheus.write.v2.Request`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Request {
    /// The first is empty.
    #[prost(string, repeated, tag = "4")]
    pub(super) symbols: Vec<String>,
    #[prost(message, repeated, tag = "5")]
    pub(super) timeseries: Vec<SymbolSeries>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SymbolSeries {
    /// Names and values in turn, by their places among the symbols.
    #[prost(uint32, repeated, tag = "1")]
    pub(super) labels_refs: Vec<u32>,
    #[prost(message, repeated, tag = "2")]
    pub(super) samples: Vec<WireSample>,
    #[prost(message, optional, tag = "5")]
    pub(super) metadata: Option<Metadata>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Metadata {
    /// 2: a gauge.
    #[prost(int32, tag = "1")]
    pub(super) kind: i32,
}

const GAUGE: i32 = 2;

/// The headers that a version wants beside snappy's.
pub(super) fn headers(protocol: RemoteWrite) -> [(&'static str, &'static str); 2] {
    match protocol {
        RemoteWrite::One => [
            ("content-type", "application/x-protobuf"),
            ("x-prometheus-remote-write-version", "0.1.0"),
        ],
        RemoteWrite::Two => [
            (
                "content-type",
                "application/x-protobuf;proto=io.prometheus.write.v2.Request",
            ),
            ("x-prometheus-remote-write-version", "2.0.0"),
        ],
    }
}

/// The samples as the body of a request: protobuf in one block of snappy. Samples of one series stand together.
pub(super) fn body(samples: &[&Sample], protocol: RemoteWrite) -> Vec<u8> {
    let message = match protocol {
        RemoteWrite::One => one(samples).encode_to_vec(),
        RemoteWrite::Two => two(samples).encode_to_vec(),
    };
    snap::raw::Encoder::new()
        .compress_vec(&message)
        .expect("a batch is far below the 4 GiB of a block")
}

fn wired(sample: &Sample) -> WireSample {
    WireSample {
        value: sample.value,
        timestamp: sample.at,
    }
}

fn one(samples: &[&Sample]) -> WriteRequest {
    let mut timeseries: Vec<TimeSeries> = Vec::with_capacity(samples.len());
    let mut last: Option<&Sample> = None;
    for sample in samples {
        match (last, timeseries.last_mut()) {
            (Some(before), Some(series)) if before.labels == sample.labels => {
                series.samples.push(wired(sample));
            }
            _ => timeseries.push(TimeSeries {
                labels: sample
                    .labels
                    .iter()
                    .map(|(name, value)| Label {
                        name: name.clone().into_owned(),
                        value: value.clone(),
                    })
                    .collect(),
                samples: vec![wired(sample)],
            }),
        }
        last = Some(sample);
    }
    WriteRequest { timeseries }
}

fn two(samples: &[&Sample]) -> Request {
    let mut symbols = vec![String::new()];
    let mut places: HashMap<&str, u32> = HashMap::from([("", 0)]);
    let mut timeseries: Vec<SymbolSeries> = Vec::with_capacity(samples.len());
    let mut last: Option<&Sample> = None;
    for sample in samples.iter().copied() {
        match (last, timeseries.last_mut()) {
            (Some(before), Some(series)) if before.labels == sample.labels => {
                series.samples.push(wired(sample));
            }
            _ => {
                let mut labels_refs = Vec::with_capacity(2 * sample.labels.len());
                for (name, value) in &sample.labels {
                    for text in [name.as_ref(), value.as_str()] {
                        let place = *places.entry(text).or_insert_with(|| {
                            symbols.push(text.to_owned());
                            symbols.len() as u32 - 1
                        });
                        labels_refs.push(place);
                    }
                }
                timeseries.push(SymbolSeries {
                    labels_refs,
                    samples: vec![wired(sample)],
                    metadata: Some(Metadata { kind: GAUGE }),
                });
            }
        }
        last = Some(sample);
    }
    Request {
        symbols,
        timeseries,
    }
}
