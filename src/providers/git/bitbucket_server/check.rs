//! Proves that a Bitbucket Data Center can be read.

use chrono::{DateTime, TimeDelta, Utc};

use super::json::{self, Values};
use super::lists::Lists;
use crate::providers::http::HttpError;
use crate::providers::{CheckReport, FetchError};

/// Clocks that differ less are alike.
const SKEW: TimeDelta = TimeDelta::minutes(1);

impl Lists {
    /// Reads a page of repositories of the first project, or the first repository that is named.
    pub(super) async fn check(&self, now: DateTime<Utc>) -> Result<CheckReport, FetchError> {
        let needs = |error| match error {
            HttpError::Unauthorized { what } | HttpError::Forbidden { what, .. } => {
                FetchError::Unauthorized {
                    what,
                    needs: Some("*Project read* and *Repository read*".to_owned()),
                }
            }
            other => other.into(),
        };
        let (message, answer) = match (self.projects.first(), self.repositories.first()) {
            (Some(project), _) => {
                let call = self.api.get(&["projects", project, "repos"]);
                let answer = call.query("limit", 1000).send().await.map_err(needs)?;
                let told: Values<json::Repository> = answer.json()?;
                let name = |told: &json::Repository| format!("{}/{}", told.project.key, told.slug);
                let names: Vec<String> = told.values.iter().take(3).map(name).collect();
                let more = if told.values.len() > 3 { ", …" } else { "" };
                let least = if told.next().is_some() {
                    "at least "
                } else {
                    ""
                };
                let count = told.values.len();
                let shown = names.join(", ");
                let message =
                    format!("Sees {least}{count} repositories of {project} ({shown}{more}).");
                (message, answer)
            }
            (None, Some(name)) => {
                let (project, slug) = name.split_once('/').unwrap_or((name, ""));
                let call = self.api.get(&["projects", project, "repos", slug]);
                let answer = call.send().await.map_err(needs)?;
                let told: json::Repository = answer.json()?;
                (format!("Sees {}/{}.", told.project.key, told.slug), answer)
            }
            (None, None) => unreachable!("connecting demands one of the two"),
        };
        let mut advice = Vec::new();
        advice.extend(self.api.limit_left("core").map(|left| format!("{left}.")));
        if let Some(skew) = answer.served_at().map(|served_at| served_at - now)
            && skew.abs() > SKEW
        {
            let seconds = skew.num_seconds();
            let way = if seconds > 0 { "ahead of" } else { "behind" };
            advice.push(format!("The server's clock is {} s {way} this machine's: set both by NTP, or lead times are off by that.", seconds.abs()));
        }
        Ok(CheckReport {
            message,
            advice: (!advice.is_empty()).then(|| advice.join(" ")),
        })
    }
}
