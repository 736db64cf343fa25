//! Pelorus over some settings: read to the end, asked, restarted later on the same ledger.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use pelorus::app::{Addresses, Answered, App, Asker, Patience, Request};
use pelorus::config::{Access, Settings, parse_question};
use pelorus::frames;
use pelorus::ledger::Location;
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
        let secrets: Vec<_> = secrets.iter().map(|key| (*key, CANARY)).collect();
        Self::start_with(settings, &secrets, ledger, now)
    }

    /// Starts with these settings and secrets of one's own.
    pub fn start_with(
        settings: &Value,
        secrets: &[(&str, &str)],
        ledger: &Location,
        now: DateTime<Utc>,
    ) -> Self {
        let secrets: HashMap<String, SecretString> = secrets
            .iter()
            .map(|(key, secret)| ((*key).to_owned(), SecretString::from(*secret)))
            .collect();
        let settings = Arc::new(
            Settings::from_json(settings, &secrets, &Access::Everything).expect("settings"),
        );
        // A program that a test starts beside this one holds the ledger's lock until it is running, and a question that was
        // given up a little longer than its asker.
        for _ in 0..500 {
            let clock = Clock::starting_at(now);
            let app = App::start_at(Arc::clone(&settings), ledger, Addresses::All, clock)
                .expect("it starts");
            if app.reads_sources() {
                return Self { app, now };
            }
            drop(app);
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("the ledger is still held");
    }

    /// The answer over the time before now, waited for to the end.
    pub async fn answer(&self, question: Value, days: i64) -> Answered {
        let request = self.request(question, days, Patience::Forever);
        self.app.answer(request).await.expect("an answer")
    }

    fn request(&self, question: Value, days: i64, patience: Patience) -> Request {
        Request {
            question: parse_question(&question).expect("a question"),
            range: TimeRange::new(self.now - chrono::TimeDelta::days(days), self.now),
            now: self.now,
            patience,
            asker: Asker::Person,
        }
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

    /// Everything that is told of the sources: in answers and in `quality`.
    pub async fn told(&self) -> String {
        let quality = self
            .frames(json!({"kind": "quality", "limit": 1000}), 300)
            .await;
        format!("{}\n{quality}", self.notices().await.join("\n"))
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

    /// Starts reading for a question over so many days, without waiting for it.
    pub async fn begin(&self, days: i64) {
        let question = json!({"kind": "metric", "metric": "deployments", "bucket": "none"});
        let request = self.request(
            question,
            days,
            Patience::Until(std::time::Duration::from_millis(1)),
        );
        self.app.answer(request).await.expect("an answer");
    }

    /// How many events of a type the first source has in the ledger, once all is read.
    pub async fn events_of(&self, kind: &str) -> u64 {
        self.notices().await;
        let sources = self.app.sources();
        let events = sources[0].stats.events.iter();
        events
            .filter(|(of, _)| format!("{of:?}").eq_ignore_ascii_case(kind))
            .map(|(_, count)| count)
            .sum()
    }

    /// The first number of an answer in one number.
    pub async fn number(&self, question: Value) -> Option<f64> {
        values_of(&self.frames(question, 300).await)[0][0][0].as_f64()
    }

    /// What `pelorus check` says of the first source.
    pub async fn check(&self) -> String {
        let checks = self
            .app
            .check(None, self.now, std::time::Duration::from_secs(30))
            .await;
        let check = checks.first().expect("a source");
        let text = match &check.result {
            Ok(text) | Err(text) => text,
        };
        format!("{text} {}", check.advice.as_deref().unwrap_or_default())
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
