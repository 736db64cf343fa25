//! *Save & test* of a history: whether it answers, and what the last day holds.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::prometheus::Prometheus;
use super::{selector, upstream};
use crate::model::TimeRange;
use crate::providers::{CheckReport, FetchError};
use crate::series::{FAMILY, SOURCE};

/// Clocks that differ by more are told of.
const SKEW: TimeDelta = TimeDelta::minutes(1);

impl Prometheus {
    /// Asks what the last day holds, at little cost.
    pub(super) async fn proved(&self, now: DateTime<Utc>) -> Result<CheckReport, FetchError> {
        let range = TimeRange::new(now - TimeDelta::days(1), now);
        let (query, time) = if self.is_upstream {
            upstream::selected("deploy_timestamp", &self.matchers, range)
        } else {
            selector::query(&self.matchers, range, None)
        };
        let query = format!("count by (type) (count_over_time({query}))");
        let mut call = self
            .api
            .get(&["api", "v1", "query"])
            .query("query", query)
            .query("time", time);
        if let Some((name, value)) = &self.tenant {
            call = call.named_header(name.clone(), value.clone());
        }
        let answer = call.send().await?;
        let skew = answer.served_at().map(|served_at| (served_at - now).abs());
        let skew = skew.filter(|skew| *skew > SKEW).map(|skew| {
            let seconds = skew.num_seconds();
            format!("The server's clock and this machine's differ by {seconds} s: set both by NTP.")
        });
        let counted: Counted = answer.json()?;
        let versions: u64 = counted.data.result.iter().map(Count::versions).sum();
        let message = match versions {
            0 if self.is_upstream => {
                "Answers; no series deploy_timestamp has a sample of the last day.".to_owned()
            }
            versions if self.is_upstream => {
                format!("Answers; holds {versions} series deploy_timestamp of the last day.")
            }
            0 => format!("Answers; no series of {FAMILY} has a sample of the last day."),
            versions => format!("Answers; holds {versions} event versions of the last day."),
        };
        let empty = (versions == 0 && !self.is_upstream).then(|| {
            "Check that `pelorus export` writes there, that `tenant` and `selector` fit, and that the store keeps what it is sent.".to_owned()
        });
        Ok(CheckReport {
            message,
            advice: match (empty, skew) {
                (Some(empty), Some(skew)) => Some(format!("{empty} {skew}")),
                (empty, skew) => empty.or(skew),
            },
        })
    }
}

#[derive(Deserialize)]
struct Counted {
    data: CountedData,
}

#[derive(Deserialize)]
struct CountedData {
    result: Vec<Count>,
}

/// A kind of events and how many versions there are.
#[derive(Deserialize)]
struct Count {
    metric: BTreeMap<String, String>,
    value: (f64, String),
}

impl Count {
    fn versions(&self) -> u64 {
        if self.metric.get("type").is_some_and(|kind| kind == SOURCE) {
            return 0;
        }
        // A count is a number; what is none counts nothing.
        self.value.1.parse().unwrap_or(0)
    }
}
