//! Proves that Azure Pipelines can be read.

use chrono::{DateTime, Utc};

use super::json;
use super::lists::{BUILD, ENVIRONMENT, Lists, PROJECT, RELEASE};
use crate::providers::azure_devops::{self, PREVIEW, VERSION, advice};
use crate::providers::http::{Call, HttpError};
use crate::providers::scope::Standing;
use crate::providers::{CheckReport, FetchError};

impl Lists {
    /// Reads the projects, and of the first one run, one environment and one deployment: a token may lack the right to some.
    pub(super) async fn check(&self, now: DateTime<Utc>) -> Result<CheckReport, FetchError> {
        let (answer, told) = match self.projects.first() {
            None => {
                let call = self.api.get(&["_apis", "projects"]).query("$top", 1_000);
                let answer = azure_devops::send(call, PROJECT).await?;
                let told: json::List<json::Project> = answer.json()?;
                (answer, told.value)
            }
            Some(name) => {
                let call = self.api.get(&["_apis", "projects", name]);
                let answer = azure_devops::send(call, PROJECT).await?;
                let told: json::Project = answer.json()?;
                (answer, vec![told])
            }
        };
        let is_named = !self.projects.is_empty();
        let read: Vec<&json::Project> = told
            .iter()
            .filter(|told| is_named || self.scope.reads(&told.name, Standing::default()))
            .collect();
        let mut matters = Vec::new();
        match read.first() {
            None => matters.push(format!(
                "The token needs {PROJECT} and its user a place in the projects; `include` and `exclude` may leave all out."
            )),
            Some(first) => {
                let id = first.id.as_str();
                let runs = self.api.get(&[id, "_apis", "build", "builds"]);
                let places = self
                    .api
                    .get(&[id, "_apis", "distributedtask", "environments"]);
                let releases = self.releases.get(&[id, "_apis", "release", "deployments"]);
                for (call, version, what, needs) in [
                    (runs, VERSION, "Runs", BUILD),
                    (places, PREVIEW, "Environments", ENVIRONMENT),
                    (releases, VERSION, "Classic releases", RELEASE),
                ] {
                    matters.extend(missing(call, version, what, needs, &first.name).await?);
                }
            }
        }
        let names: Vec<&str> = read.iter().take(3).map(|told| told.name.as_str()).collect();
        let more = if read.len() > 3 { ", …" } else { "" };
        let matter = (!matters.is_empty()).then(|| matters.join(" "));
        Ok(CheckReport {
            message: format!("Sees {} projects ({}{more}).", read.len(), names.join(", ")),
            advice: advice(&self.api, &answer, now, matter),
        })
    }
}

/// What cannot be read for want of a right; any other failure is the source's.
async fn missing(
    call: Call<'_>,
    version: &str,
    what: &str,
    needs: &str,
    project: &str,
) -> Result<Option<String>, HttpError> {
    match azure_devops::send_as(call.query("$top", 1), version, needs).await {
        Ok(answer) => {
            answer.json::<json::List<serde::de::IgnoredAny>>()?;
            Ok(None)
        }
        Err(error) if error.concerns_one_thing() => Ok(Some(format!(
            "{what} of {project} cannot be read: the token needs {needs}."
        ))),
        Err(error) => Err(error),
    }
}
