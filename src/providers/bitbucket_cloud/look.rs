//! A first look at Bitbucket Cloud: what a source sees of it.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::{Cloud, PAGE, Values};
use crate::providers::FetchError;
use crate::providers::http::HttpError;

/// What a first look saw.
pub(crate) struct Seen {
    /// One sentence.
    pub(crate) message: String,
    /// The full name of a repository that is there.
    pub(crate) first: Option<String>,
    pub(crate) advice: Vec<String>,
}

/// Clocks that differ less are alike.
const SKEW: TimeDelta = TimeDelta::minutes(1);

impl Cloud {
    /// Reads a page of repositories of the first workspace, or the first repository that is named.
    pub(crate) async fn sees(&self, now: DateTime<Utc>) -> Result<Seen, FetchError> {
        let answer = match (self.workspaces.first(), self.repositories.first()) {
            (Some(workspace), _) => {
                let call = self.api.get(&["repositories", workspace]);
                let call = call.query("sort", "-updated_on").query("pagelen", PAGE);
                call.query("fields", "values.full_name,size,next")
            }
            (None, Some(name)) => {
                let (workspace, short) = name.split_once('/').unwrap_or((name, ""));
                let call = self.api.get(&["repositories", workspace, short]);
                call.query("fields", "full_name")
            }
            (None, None) => unreachable!("connecting demands one of the two"),
        };
        let answer = answer.send().await.map_err(needs)?;
        let (message, first) = match self.workspaces.first() {
            Some(workspace) => {
                let found: Values<FullName> = answer.json()?;
                let names: Vec<String> = found
                    .values
                    .into_iter()
                    .map(|told| told.full_name)
                    .collect();
                let count = found.size.unwrap_or(names.len());
                let more = if names.len() > 3 { ", …" } else { "" };
                let shown = names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
                let message = format!("Sees {count} repositories of {workspace} ({shown}{more}).");
                (message, names.into_iter().next())
            }
            None => {
                let told: FullName = answer.json()?;
                (format!("Sees {}.", told.full_name), Some(told.full_name))
            }
        };
        let mut advice = Vec::new();
        if let Some(limit) = answer.header("x-ratelimit-limit") {
            advice.push(format!("Bitbucket allows this token {limit} requests an hour; `requestsPerHour` may say so."));
        }
        if let Some(skew) = answer.served_at().map(|served_at| served_at - now)
            && skew.abs() > SKEW
        {
            let seconds = skew.num_seconds();
            let way = if seconds > 0 { "ahead of" } else { "behind" };
            advice.push(format!("The server's clock is {} s {way} this machine's: set both by NTP, or lead times are off by that.", seconds.abs()));
        }
        Ok(Seen {
            message,
            first,
            advice,
        })
    }
}

#[derive(Deserialize)]
struct FullName {
    full_name: String,
}

/// Names the permission that listing repositories takes.
fn needs(error: HttpError) -> FetchError {
    match error {
        HttpError::Forbidden { what, .. } => FetchError::Unauthorized {
            what,
            needs: Some(
                "`read:repository:bitbucket` (an access token: Repositories, Read)".to_owned(),
            ),
        },
        other => other.into(),
    }
}
