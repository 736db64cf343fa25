//! Proves that a GitLab can be read.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::server::Server;
use crate::providers::{CheckReport, FetchError};

/// Clocks that differ less are alike.
const SKEW: TimeDelta = TimeDelta::minutes(1);

#[derive(Deserialize)]
struct Project {
    path_with_namespace: String,
}

impl Server {
    /// Reads one page of projects of the first group, or the first project that is named.
    pub(in crate::providers) async fn check(
        &self,
        now: DateTime<Utc>,
    ) -> Result<CheckReport, FetchError> {
        let (message, served_at) = match (self.groups.first(), self.projects.first()) {
            (Some(group), _) => {
                let answer = self
                    .api
                    .get(&["v4", "groups", group, "projects"])
                    .query("include_subgroups", "true")
                    .query("with_shared", "false")
                    .query("per_page", 100)
                    .send()
                    .await?;
                let told: Vec<Project> = answer.json()?;
                let count = match answer.header("x-total") {
                    Some(count) => count.to_owned(),
                    // Beyond 10,000 GitLab does not count.
                    None if answer.next().is_some() => format!("more than {}", told.len()),
                    None => told.len().to_string(),
                };
                let names: Vec<&str> = told
                    .iter()
                    .take(3)
                    .map(|project| project.path_with_namespace.as_str())
                    .collect();
                let more = if told.len() > names.len() {
                    ", …"
                } else {
                    ""
                };
                let names = names.join(", ");
                (
                    format!("Sees {count} projects of {group} ({names}{more})."),
                    answer.served_at(),
                )
            }
            (None, Some(path)) => {
                let answer = self.api.get(&["v4", "projects", path]).send().await?;
                let told: Project = answer.json()?;
                (
                    format!("Sees {}.", told.path_with_namespace),
                    answer.served_at(),
                )
            }
            (None, None) => ("Nothing is to be read.".to_owned(), None),
        };
        let message = match self.api.limit_left("core") {
            Some(left) => format!("{message} {left}."),
            None => message,
        };
        let skew = served_at
            .map(|served_at| served_at - now)
            .filter(|skew| skew.abs() > SKEW);
        Ok(CheckReport {
            message,
            advice: skew.map(|skew| {
                let seconds = skew.num_seconds();
                let (way, seconds) = if seconds > 0 { ("ahead of", seconds) } else { ("behind", -seconds) };
                format!("The server's clock is {seconds} s {way} this machine's: set both by NTP, or lead times are off by that.")
            }),
        })
    }
}
