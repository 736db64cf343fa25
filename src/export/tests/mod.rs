//! Queues between a ledger and a destination that does anything.

mod away;
mod model;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;

use super::remote_write::{Parcel, Verdict};
use super::{Courier, Pass, Pump, Tally};
use crate::ledger::{Batch, Ledger, LedgerError, Location};
use crate::model::{Cursor, Event};

const DESTINATION: &str = "sink";

fn start() -> DateTime<Utc> {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

/// What a destination does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Takes,
    /// 5xx, or nobody there.
    Away,
    /// It stores everything, and its answer never comes: whoever waits is killed.
    Silent,
}

/// A destination: what it has, and what it refuses.
#[derive(Debug)]
struct Sink {
    mood: Mood,
    /// Ids that it refuses for good.
    refused: BTreeSet<String>,
    /// Versions that it has, with how often each was taken.
    has: BTreeMap<(String, i64), u64>,
}

#[derive(Clone)]
struct Fake(Arc<Mutex<Sink>>);

impl Fake {
    fn new(refused: BTreeSet<String>) -> Self {
        Self(Arc::new(Mutex::new(Sink {
            mood: Mood::Takes,
            refused,
            has: BTreeMap::new(),
        })))
    }

    fn feels(&self, mood: Mood) {
        self.0.lock().unwrap().mood = mood;
    }

    fn has(&self, id: &str, revision: i64) -> bool {
        let sink = self.0.lock().unwrap();
        sink.has.contains_key(&(id.to_owned(), revision))
    }

    fn versions(&self) -> usize {
        self.0.lock().unwrap().has.len()
    }
}

impl Courier for Fake {
    fn deliver(&self, parcels: Vec<Parcel>, _: DateTime<Utc>) -> BoxFuture<'_, Vec<Verdict>> {
        let mut sink = self.0.lock().unwrap();
        let mood = sink.mood;
        let verdicts = parcels.iter().map(|parcel| {
            let sample = &parcel.samples[0];
            let id = sample.label("id").to_owned();
            if mood == Mood::Away {
                return Verdict::Unsent {
                    reason: "away".to_owned(),
                    retry_after: None,
                };
            }
            if sink.refused.contains(&id) {
                return Verdict::Refused {
                    reason: "odd".to_owned(),
                };
            }
            let revision = sample.label("revision").parse().unwrap();
            *sink.has.entry((id, revision)).or_default() += 1;
            Verdict::Accepted
        });
        let verdicts: Vec<Verdict> = verdicts.collect();
        if mood == Mood::Silent {
            return futures::future::pending().boxed();
        }
        futures::future::ready(verdicts).boxed()
    }
}

/// A ledger's file with its queue, until it is killed.
struct Loop {
    ledger: Arc<Ledger>,
    pump: Pump,
}

impl Loop {
    fn open(file: &Path, sink: &Fake, page: usize) -> Self {
        // Another test's child holds every lock of this process for a moment, between its fork and its exec.
        let ledger = loop {
            let (ledger, _) = Ledger::open(&Location::File(file.to_owned())).unwrap();
            if !ledger.is_read_only() {
                break Arc::new(ledger);
            }
            std::thread::yield_now();
        };
        ledger
            .register(&BTreeSet::from([DESTINATION.to_owned()]), &BTreeSet::new())
            .unwrap();
        Self {
            pump: Pump {
                name: DESTINATION.to_owned(),
                ledger: Arc::clone(&ledger),
                courier: Arc::new(sink.clone()),
                external_labels: BTreeMap::new(),
                page,
                tally: Arc::new(Tally::default()),
            },
            ledger,
        }
    }

    fn collect(&self, events: Vec<Event>, now: DateTime<Utc>) {
        self.try_collect(events, None, now).unwrap();
    }

    /// Stores events and the cursor behind them.
    fn try_collect(
        &self,
        events: Vec<Event>,
        checkpoint: Option<Cursor>,
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        let batch = Batch {
            source: "tickets".into(),
            events,
            checkpoint,
            covered: None,
            at: now,
        };
        self.ledger.store(&batch).map(drop)
    }
}

fn incident(id: usize, opened: DateTime<Utc>, resolved: Option<DateTime<Utc>>) -> Event {
    let body = json!({"type": "incident", "opened_at": opened, "resolved_at": resolved, "updated_at": resolved});
    Event {
        id: id.to_string().into(),
        source: "tickets".into(),
        url: None,
        body: serde_json::from_value(body).unwrap(),
    }
}

const WINDOW: TimeDelta = TimeDelta::days(30);
