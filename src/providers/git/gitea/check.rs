//! Proves that a Gitea can be read.

use chrono::{DateTime, TimeDelta, Utc};

use super::json;
use super::lists::Lists;
use crate::providers::http::HttpError;
use crate::providers::{CheckReport, FetchError};

/// Clocks that differ less are alike.
const SKEW: TimeDelta = TimeDelta::minutes(1);

impl Lists {
    /// Reads one page of repositories of the first owner, or the first repository that is named.
    pub(super) async fn check(&self, now: DateTime<Utc>) -> Result<CheckReport, FetchError> {
        let (sees, served_at) = match (self.owners.first(), self.repositories.first()) {
            (Some(owner), _) => self.check_owner(owner).await?,
            (None, Some(name)) => {
                let (owner, short) = name.split_once('/').unwrap_or((name, ""));
                let answer = self.api.get(&["repos", owner, short]).send().await?;
                let told: json::Repository = answer.json()?;
                (format!("Sees {}.", told.full_name), answer.served_at())
            }
            (None, None) => ("Nothing is to be read.".to_owned(), None),
        };
        let skew = served_at
            .map(|served_at| served_at - now)
            .filter(|skew| skew.abs() > SKEW);
        Ok(CheckReport {
            message: sees,
            advice: skew.map(|skew| {
                let seconds = skew.num_seconds();
                let (way, seconds) = if seconds > 0 { ("ahead of", seconds) } else { ("behind", -seconds) };
                format!("The server's clock is {seconds} s {way} this machine's: set both by NTP, or lead times are off by that.")
            }),
        })
    }

    async fn check_owner(&self, owner: &str) -> Result<(String, Option<DateTime<Utc>>), HttpError> {
        let id: json::Owner = self.api.get(&["users", owner]).send().await?.json()?;
        let answer = self
            .api
            .get(&["repos", "search"])
            .query("uid", id.id)
            .query("exclusive", "true")
            .query("limit", 50)
            .send()
            .await?;
        let found: json::Found = answer.json()?;
        let count = answer
            .header("x-total-count")
            .map_or_else(|| found.data.len().to_string(), str::to_owned);
        let names: Vec<&str> = found
            .data
            .iter()
            .take(3)
            .map(|told| told.full_name.as_str())
            .collect();
        let more = if found.data.len() > names.len() {
            ", …"
        } else {
            ""
        };
        Ok((
            format!(
                "Sees {count} repositories of {owner} ({}{more}).",
                names.join(", ")
            ),
            answer.served_at(),
        ))
    }
}
