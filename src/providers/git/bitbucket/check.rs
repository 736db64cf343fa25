//! Proves that repositories of Bitbucket Cloud can be read.

use chrono::{DateTime, Utc};

use super::json;
use crate::providers::bitbucket_cloud::Cloud;
use crate::providers::{CheckReport, FetchError};

/// Reads a page of repositories, and one pull request of the first: a token may lack the right to those.
pub(super) async fn check(cloud: &Cloud, now: DateTime<Utc>) -> Result<CheckReport, FetchError> {
    let seen = cloud.sees(now).await?;
    let mut advice = seen.advice;
    if let Some(name) = &seen.first {
        let (workspace, short) = name.split_once('/').unwrap_or((name, ""));
        let asked = cloud
            .api
            .get(&["repositories", workspace, short, "pullrequests"])
            .query("pagelen", 1)
            .query("fields", "values.id")
            .send()
            .await;
        match asked {
            Ok(answer) => {
                let _: crate::providers::bitbucket_cloud::Values<json::Numbered> = answer.json()?;
            }
            Err(error) if error.concerns_one_thing() => advice.push(format!(
                "Pull requests of {name} cannot be read: the token needs `read:pullrequest:bitbucket` (an access token: Pull requests, Read)."
            )),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(CheckReport {
        message: seen.message,
        advice: (!advice.is_empty()).then(|| advice.join(" ")),
    })
}
