//! The sender against receivers that are real servers.

mod batches;
mod closed;
mod model;
mod proof;
mod receiver;
mod versions;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{Parcel, Sender, Verdict};
use crate::config::{Destination, Settings, Surroundings};
use crate::export::Courier;
use crate::providers::http::{Addresses, Clock, Forgetful, Network};
use crate::series::{NAME, Sample};

const NOW: i64 = 1_790_000_000_000;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(NOW).unwrap()
}

struct NoSurroundings;

impl Surroundings for NoSurroundings {
    fn variable(&self, _: &str) -> Option<String> {
        None
    }
    fn file(&self, _: &std::path::Path) -> std::io::Result<String> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

/// A destination at that address, with these settings beside it.
fn destination(url: &str, more: serde_json::Value) -> Destination {
    let mut written = json!({ "name": "sink", "url": url });
    let more = more.as_object().unwrap().clone();
    written.as_object_mut().unwrap().extend(more);
    let text = json!({ "sources": [], "export": { "destinations": [written] } }).to_string();
    let settings = Settings::from_yaml(&text, &NoSurroundings, std::path::Path::new("/")).unwrap();
    settings.export.unwrap().destinations.remove(0)
}

fn network() -> Network {
    Network::new(
        Addresses::All,
        Clock::starting_at(now()),
        Arc::new(Forgetful),
    )
}

fn sender(url: &str, more: serde_json::Value) -> Sender {
    Sender::connect(&network(), &destination(url, more), BTreeMap::new()).unwrap()
}

/// A parcel of one sample, `age` seconds old.
fn parcel(id: &str, age: i64) -> Parcel {
    let at = NOW - age * 1_000;
    Parcel {
        samples: vec![Sample {
            labels: vec![
                (NAME.into(), "pelorus_event_timestamp_seconds".to_owned()),
                ("id".into(), id.to_owned()),
            ],
            at,
            value: at as f64 / 1_000.0,
        }],
    }
}

fn parcels(ids: std::ops::Range<usize>) -> Vec<Parcel> {
    ids.map(|id| parcel(&id.to_string(), 60)).collect()
}

fn refused(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Refused { reason } => reason,
        other => panic!("{other:?} is no refusal"),
    }
}

fn unsent(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Unsent { reason, .. } => reason,
        other => panic!("{other:?} was said"),
    }
}
