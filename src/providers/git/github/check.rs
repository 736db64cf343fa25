//! What *Save & test* and `pelorus check` tell of a GitHub: one question.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::connection::Named;
use super::documents;
use super::graphql::{GraphQl, Reply};
use super::json::{Connection, OwnerJson};
use crate::providers::http::Priority;
use crate::providers::{CheckReport, FetchError};

/// As little of a repository as tells that it is seen.
pub(super) const BRIEF: &str = "\
fragment Repository on Repository {
  nameWithOwner
}
";
/// So many names are told.
const FIRST_NAMES: usize = 3;
/// Clocks that differ by more are told of.
const SKEW: TimeDelta = TimeDelta::minutes(1);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Brief {
    name_with_owner: String,
}

/// Looks at the first owner, or at the repositories that are named.
pub(crate) async fn check(
    github: &GraphQl,
    named: &Named,
    now: DateTime<Utc>,
) -> Result<CheckReport, FetchError> {
    let (seen, mut advice, reply) = match named.owners.first() {
        Some(login) => owner(github, login).await?,
        None => repositories(github, named).await?,
    };
    let left = github.api.limit_left("graphql");
    let left = left
        .map(|left| format!("; {}", left.replace("requests", "points")))
        .unwrap_or_default();
    let answer = &reply.answer;
    if let Some(missing) = missing_scope(answer.header("x-oauth-scopes")) {
        advice.push(missing);
    }
    let skew = answer
        .served_at()
        .map(|served_at| now - served_at)
        .filter(|skew| skew.abs() > SKEW);
    if let Some(skew) = skew {
        let direction = if skew > TimeDelta::zero() {
            "ahead of"
        } else {
            "behind"
        };
        advice.push(format!(
            "This machine's clock is {} s {direction} GitHub's.",
            skew.num_seconds().abs()
        ));
    }
    if github.api.skips_verification() {
        advice.push("TLS certificates are not verified (`skipTlsVerify`).".to_owned());
    }
    Ok(CheckReport {
        message: format!("{seen}{left}."),
        advice: (!advice.is_empty()).then(|| advice.join(" ")),
    })
}

async fn owner(github: &GraphQl, login: &str) -> Result<(String, Vec<String>, Reply), FetchError> {
    let asked = documents::owner(BRIEF, login, None, false, false);
    let mut reply = github.ask(Priority::Query, &asked, false).await?;
    let mut advice: Vec<String> = reply
        .problems
        .iter()
        .map(|problem| problem.notice(login).text)
        .collect();
    let told: Option<OwnerJson<Brief>> = reply.take("owner")?;
    let Some(told) = told else {
        advice.push(format!(
            "{login} is not there, or hidden from these credentials: name its repositories in `repositories`, or give the token access to it."
        ));
        return Ok((format!("Sees no repository of {login}"), advice, reply));
    };
    Ok((sight(&told.repositories, login), advice, reply))
}

fn sight(repositories: &Connection<Brief>, login: &str) -> String {
    let names: Vec<&str> = repositories
        .seen()
        .take(FIRST_NAMES)
        .map(|told| told.name_with_owner.as_str())
        .collect();
    let count = repositories.total_count.unwrap_or(names.len() as u64);
    match names[..] {
        [] => format!("Sees no repository of {login}"),
        _ if count as usize > names.len() => format!(
            "Sees {count} repositories of {login}: {} …",
            names.join(", ")
        ),
        _ => format!("Sees {count} repositories of {login}: {}", names.join(", ")),
    }
}

async fn repositories(
    github: &GraphQl,
    named: &Named,
) -> Result<(String, Vec<String>, Reply), FetchError> {
    let names: Vec<_> = named
        .repositories
        .iter()
        .take(super::repositories::MOST_NAMED)
        .cloned()
        .collect();
    let asked = documents::by_names(BRIEF, &names);
    let mut reply = github.ask(Priority::Query, &asked, false).await?;
    let (mut seen, mut advice) = (Vec::new(), Vec::new());
    for (at, (owner, name)) in names.iter().enumerate() {
        match reply.take::<Brief>(&format!("named{at}"))? {
            Some(told) => seen.push(told.name_with_owner),
            None => advice.push(format!(
                "{owner}/{name} is not there, or hidden from these credentials."
            )),
        }
    }
    let first = seen
        .iter()
        .take(FIRST_NAMES)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    let dots = if seen.len() > FIRST_NAMES { " …" } else { "" };
    let sight = format!(
        "Sees {} of {} repositories: {first}{dots}",
        seen.len(),
        names.len()
    );
    Ok((sight, advice, reply))
}

/// Classic tokens tell their scopes; fine-grained ones and apps tell nothing.
fn missing_scope(scopes: Option<&str>) -> Option<String> {
    let scopes: Vec<&str> = scopes?.split(',').map(str::trim).collect();
    let sees_private = scopes.contains(&"repo");
    (!sees_private)
        .then(|| "The token lacks the scope `repo`: private repositories stay hidden.".to_owned())
}
