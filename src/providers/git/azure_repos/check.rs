//! Proves that Azure Repos can be read.

use chrono::{DateTime, Utc};

use super::json;
use super::lists::{Lists, SCOPE, full_name};
use crate::providers::azure_devops::{self, advice};
use crate::providers::{CheckReport, FetchError};

impl Lists {
    /// Reads the repositories of the organisation or of the first project, or the first repository that is named.
    pub(super) async fn check(&self, now: DateTime<Utc>) -> Result<CheckReport, FetchError> {
        let (answer, names, of) =
            match (self.places().into_iter().next(), self.repositories.first()) {
                (Some(place), _) => {
                    let path: Vec<&str> = place
                        .as_deref()
                        .into_iter()
                        .chain(["_apis", "git", "repositories"])
                        .collect();
                    let answer = azure_devops::send(self.api.get(&path), SCOPE).await?;
                    let told: json::List<json::Repository> = answer.json()?;
                    let names: Vec<String> = told.value.iter().map(full_name).collect();
                    (answer, names, place)
                }
                (None, Some((project, name))) => {
                    let path = [project.as_str(), "_apis", "git", "repositories", name];
                    let answer = azure_devops::send(self.api.get(&path), SCOPE).await?;
                    let told: json::Repository = answer.json()?;
                    (answer, vec![full_name(&told)], Some(project.clone()))
                }
                (None, None) => return Ok(CheckReport::default()),
            };
        let read: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|name| self.reads(name))
            .collect();
        let shown = read.iter().take(3).copied().collect::<Vec<_>>().join(", ");
        let more = if read.len() > 3 { ", …" } else { "" };
        let of = of.map(|of| format!(" of {of}")).unwrap_or_default();
        let nothing = read.is_empty().then(|| {
            format!("The token needs {SCOPE} and its user the permission Read on repositories; `include` and `exclude` may leave all out.")
        });
        Ok(CheckReport {
            message: format!("Sees {} repositories{of} ({shown}{more}).", read.len()),
            advice: advice(&self.api, &answer, now, nothing),
        })
    }
}
