//! Pelorus over some settings: read to the end, asked, restarted later on the same ledger.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use chrono::{DateTime, Utc};
use pelorus::app::{Addresses, Answered, App, Asker, Patience, Request};
use pelorus::config::{Access, Settings, parse_question};
use pelorus::frames;
use pelorus::ledger::{Ledger, Location};
use pelorus::model::TimeRange;
use pelorus::providers::http::Clock;
use secrecy::SecretString;
use serde_json::{Value, json};

/// The secret of every test's credentials: it must turn up nowhere.
pub const CANARY: &str = "canary-5f3a9d";

/// Pelorus over one ledger, started at a moment.
pub struct Pelorus {
    pub app: App,
    pub now: DateTime<Utc>,
}

/// An instant of RFC 3339.
pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

/// A child holds every lock of this process for a moment, between its fork and its exec: who starts one writes here, and
/// who opens a ledger reads.
pub static FORKING: RwLock<()> = RwLock::new(());

fn is_free(ledger: &Location) -> bool {
    Ledger::open(ledger).is_ok_and(|(ledger, _)| !ledger.is_read_only())
}

/// The ledger's file in a test's folder.
pub fn ledger(folder: &Path) -> Location {
    Location::File(PathBuf::from(folder).join("pelorus.db"))
}

impl Pelorus {
    /// Starts with these settings; the secrets are named `<source>__<field>` and all hold the canary.
    pub fn start(
        settings: &Value,
        secrets: &[&str],
        ledger: &Location,
        now: DateTime<Utc>,
    ) -> Self {
        let secrets: HashMap<String, SecretString> = secrets
            .iter()
            .map(|key| ((*key).to_owned(), SecretString::from(CANARY)))
            .collect();
        let settings =
            Settings::from_json(settings, &secrets, &Access::Everything).expect("settings");
        let _no_forks = FORKING.read();
        // The one before may still be giving its ledger back: an answer's last task ends after it.
        while !is_free(ledger) {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let app = App::start_at(
            Arc::new(settings),
            ledger,
            Addresses::All,
            Clock::starting_at(now),
        )
        .expect("it starts");
        Self { app, now }
    }

    /// The answer over the time before now, waited for to the end.
    pub async fn answer(&self, question: Value, days: i64) -> Answered {
        let question = parse_question(&question).expect("a question");
        let request = Request {
            question,
            range: TimeRange::new(self.now - chrono::TimeDelta::days(days), self.now),
            now: self.now,
            patience: Patience::Forever,
            asker: Asker::Person,
        };
        self.app.answer(request).await.expect("an answer")
    }

    /// The answer as Grafana's JSON frames, without what names sources and times of reading.
    pub async fn frames(&self, question: Value, days: i64) -> Value {
        let answered = self.answer(question, days).await;
        frames::frames(&answered, "A")
            .iter()
            .map(frames::Frame::to_json)
            .collect()
    }

    /// The five keys of every application over 300 days, as one value that can be compared; `from` is the query's
    /// `leadTimeFrom` (`landed` where pull requests are not known to all).
    pub async fn five_keys(&self, from: &str) -> Value {
        let mut keys = serde_json::Map::new();
        for metric in [
            "change_lead_time",
            "deployment_frequency",
            "change_fail_rate",
            "failed_deployment_recovery_time",
            "deployment_rework_rate",
            "commits",
            "deployments",
        ] {
            let question = json!({"kind": "metric", "metric": metric, "groupBy": ["application"], "bucket": "none", "leadTimeFrom": from});
            keys.insert(
                metric.to_owned(),
                values_of(&self.frames(question, 300).await),
            );
        }
        Value::Object(keys)
    }

    /// The parts of lead time over 300 days.
    pub async fn parts(&self) -> Value {
        values_of(&self.frames(json!({"kind": "breakdown"}), 300).await)
    }

    /// What the last answer's readers are told.
    pub async fn notices(&self) -> Vec<String> {
        let answered = self
            .answer(
                json!({"kind": "metric", "metric": "deployments", "bucket": "none"}),
                300,
            )
            .await;
        answered
            .notices
            .into_iter()
            .map(|notice| notice.text)
            .collect()
    }

    pub async fn stop(self) {
        self.app.stop().await;
    }
}

fn values_of(frames: &Value) -> Value {
    let frames = frames.as_array().expect("frames");
    frames
        .iter()
        .map(|frame| frame["data"]["values"].clone())
        .collect()
}
