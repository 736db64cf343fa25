//! Proves a destination: a canary that is written and read back, and how old a sample may be.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;

use super::answer::Answer;
use super::sender::Sender;
use crate::error::chain;
use crate::export::{Prover, Versions};
use crate::model::TimeRange;
use crate::providers::http::{Api, Call};
use crate::series::{Answered, Assembler, NAME, Sample, escaped, range_query};

const CANARY: &str = "pelorus_canary_timestamp_seconds";
const PROBE: &str = "pelorus_probe_timestamp_seconds";
/// How long a canary may take to show.
const PATIENCE: Duration = Duration::from_secs(20);
const INTERVAL: Duration = Duration::from_millis(250);

/// The ages that are tried, the oldest first. More than thirty days would make thousands of small blocks.
const AGES: [TimeDelta; 8] = [
    TimeDelta::days(30),
    TimeDelta::days(14),
    TimeDelta::days(7),
    TimeDelta::days(2),
    TimeDelta::days(1),
    TimeDelta::hours(12),
    TimeDelta::hours(2),
    TimeDelta::minutes(30),
];

impl Prover for Sender {
    fn prove(&self) -> BoxFuture<'_, Result<TimeDelta, String>> {
        Box::pin(async move {
            let now = self.api.clock().now();
            let canary = self.sample(CANARY, "canary", now);
            self.written(&canary, now).await?;
            if let Some(shown) = &self.shown {
                self.verify(shown, &canary).await?;
            }
            match self.destination.window {
                Some(window) => Ok(window),
                None => self.window(now).await,
            }
        })
    }

    fn shown(&self, range: TimeRange) -> BoxFuture<'_, Result<Option<Versions>, String>> {
        Box::pin(async move {
            match &self.shown {
                Some(shown) => self.versions(shown, range).await.map(Some),
                None => Ok(None),
            }
        })
    }
}

impl Sender {
    /// A sample with labels like an event's, so that what is laid over those is laid over these.
    fn sample(&self, name: &str, id: &str, at: DateTime<Utc>) -> Sample {
        let own = [
            (NAME, name.to_owned()),
            ("event_source", "pelorus".to_owned()),
            ("id", id.to_owned()),
            ("revision", at.timestamp_millis().to_string()),
            ("type", "canary".to_owned()),
        ];
        let labels = own.map(|(name, value)| (name.into(), value)).to_vec();
        let mut sample = Sample::of_time(labels, at.timestamp_millis());
        sample.add_labels(&self.external_labels);
        sample
    }

    /// Writes one sample, falling back to 1.0 where 2.0 is not spoken.
    async fn written(&self, sample: &Sample, now: DateTime<Utc>) -> Result<(), String> {
        match self.write_falling_back(sample, now).await {
            Answer::Taken => Ok(()),
            Answer::Refused { reason, .. }
            | Answer::TooLarge { reason }
            | Answer::Failed { reason }
            | Answer::Closed { reason, .. } => Err(reason),
            Answer::OtherVersion => {
                Err("it speaks no version of remote write that we speak".to_owned())
            }
        }
    }

    async fn write_falling_back(&self, sample: &Sample, now: DateTime<Utc>) -> Answer {
        match self.write(&[sample], now).await {
            Answer::OtherVersion => {
                self.fall_back(now);
                self.write(&[sample], now).await
            }
            answer => answer,
        }
    }

    /// Whether it takes a sample of now in a series of its own; an error says why it does not.
    pub(super) async fn takes_canary(&self, now: DateTime<Utc>) -> Result<(), String> {
        self.written(&self.sample(CANARY, "proof", now), now).await
    }

    /// A question to the store that shows what was written, as its tenant.
    fn ask<'a>(&self, shown: &'a Api, query: &str) -> Call<'a> {
        let call = shown.get(&["api", "v1", "query"]).query("query", query);
        match &self.tenant {
            Some((name, value)) => call.named_header(name.clone(), value.clone()),
            None => call,
        }
    }

    /// How old a sample the destination takes, of the ages that are tried.
    async fn window(&self, now: DateTime<Utc>) -> Result<TimeDelta, String> {
        for age in AGES {
            let id = format!("{}s", age.num_seconds());
            let probe = self.sample(PROBE, &id, now - age);
            match self.write_falling_back(&probe, now).await {
                Answer::Taken => return Ok(age),
                Answer::Refused { .. } | Answer::TooLarge { .. } => {}
                Answer::Failed { reason } | Answer::Closed { reason, .. } => return Err(reason),
                Answer::OtherVersion => {
                    return Err("it speaks no version of remote write that we speak".to_owned());
                }
            }
        }
        Ok(TimeDelta::zero())
    }

    /// Ids and revisions of the event versions that are shown; only those of which every part is.
    async fn versions(&self, shown: &Api, range: TimeRange) -> Result<Versions, String> {
        let matchers: Vec<String> = self
            .external_labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
            .collect();
        let (query, time) = range_query(&matchers.join(","), range);
        let call = self
            .ask(shown, &query)
            .query("time", time)
            .query("dedup", "true")
            .query("partial_response", "false");
        let answer = call.send().await.map_err(|error| chain(&error))?;
        let answered: Answered = answer.json().map_err(|error| chain(&error))?;
        if let Some(warning) = answered.warnings().first() {
            return Err(format!("it answers in part: {warning}"));
        }
        let mut assembler = Assembler::default();
        let mut versions = Vec::with_capacity(answered.series().len());
        for series in answered.series() {
            // What is unreadable is not shown, and sent again.
            if let Ok(Some(version)) = assembler.add(series.labels()) {
                versions.push((version.event.id, version.revision));
            }
        }
        Ok(versions)
    }

    /// Waits until the canary is shown as it was written.
    async fn verify(&self, shown: &Api, canary: &Sample) -> Result<(), String> {
        let id = canary.label("id");
        let revision = canary.label("revision");
        let query = format!("{CANARY}{{id=\"{id}\",revision=\"{revision}\"}}[1h]");
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut seen = "it shows nothing".to_owned();
        loop {
            match self.ask(shown, &query).send().await {
                Err(error) => seen = chain(&error),
                Ok(answer) => match answer.json::<Answered>() {
                    Err(error) => {
                        return Err(format!(
                            "`readUrl` does not answer as Prometheus does: {}",
                            chain(&error)
                        ));
                    }
                    Ok(answered) => match same(&answered, canary) {
                        Shown::AsWritten => return Ok(()),
                        Shown::Changed(label) => {
                            return Err(format!(
                                "it shows what was written with another label `{label}`: an external label lies over ours; rename that, so that events can be read back"
                            ));
                        }
                        Shown::Not => {}
                    },
                },
            }
            if tokio::time::Instant::now() >= deadline {
                return Err(format!(
                    "it said that it took a sample, and within {} s `readUrl` does not show it ({seen}): does something between answer for it, or is `readUrl` another store or tenant?",
                    PATIENCE.as_secs()
                ));
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }
}

enum Shown {
    AsWritten,
    Changed(String),
    Not,
}

/// Whether the answer holds the sample; labels beside its own may be anything.
fn same(answered: &Answered, canary: &Sample) -> Shown {
    let mut changed = None;
    for series in answered.series() {
        let other = canary
            .labels
            .iter()
            .find(|(name, value)| series.metric.get(name.as_ref()) != Some(value));
        match other {
            Some((name, _)) => changed = Some(name.to_string()),
            None if series.samples().any(|(at, _)| at == canary.at) => {
                return Shown::AsWritten;
            }
            None => {}
        }
    }
    changed.map_or(Shown::Not, Shown::Changed)
}
