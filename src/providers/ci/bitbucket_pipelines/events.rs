//! Runs and deployments of Bitbucket Pipelines → events.

use chrono::{DateTime, SubsecRound, Utc};

use super::json;
use crate::model::{
    Body, Build, CommitHash, Deployment, Environment, Event, Outcome, Repository, SourceName, Text,
};

fn cut(at: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    at.map(|at| at.trunc_subsecs(3))
}

fn hash(text: Option<&json::Hash>) -> Option<CommitHash> {
    // An abbreviated or odd hash is none.
    text?.hash.as_deref()?.parse().ok()
}

/// The beginning of the ids of everything of a repository.
pub(super) fn beginning(repository: &Repository) -> String {
    format!("bitbucket_pipelines:{repository}/")
}

fn bare(uuid: &str) -> &str {
    uuid.trim_matches(['{', '}'])
}

/// A run; `None` without a commit.
pub(super) fn build(
    source: &SourceName,
    repository: &Repository,
    told: &json::Run,
) -> Option<Event> {
    let state = told.state.as_ref();
    let is_over = state.and_then(|state| state.name.as_deref()) == Some("COMPLETED");
    let result = state.and_then(|state| state.result.as_ref()?.name.as_deref());
    let outcome = match (is_over, result) {
        (false, _) => Outcome::Running,
        (true, Some("SUCCESSFUL")) => Outcome::Succeeded,
        (true, Some("STOPPED")) => Outcome::Cancelled,
        (true, _) => Outcome::Failed,
    };
    let target = told.target.as_ref()?;
    let body = Body::Build(Build {
        repository: repository.clone(),
        commit: hash(target.commit.as_ref())?,
        pipeline: target.selector.as_ref().and_then(pipeline),
        started_at: cut(told.created_on),
        finished_at: cut(told.completed_on).filter(|_| is_over),
        outcome,
        images: Vec::new(),
        tags: Vec::new(),
    });
    let number = told.build_number.map(|number| {
        Text::from(format!("https://{repository}/pipelines/results/{number}").as_str())
    });
    Some(Event {
        id: format!("{}run/{}", beginning(repository), bare(&told.uuid)).into(),
        source: source.clone(),
        url: number,
        body,
    })
}

/// Which part of the file ran: `branches: main`, `custom: nightly`, `default`.
fn pipeline(selector: &json::Selector) -> Option<Text> {
    let kind = selector.kind.as_deref()?;
    Some(match selector.pattern.as_deref() {
        Some(pattern) if !pattern.is_empty() => format!("{kind}: {pattern}").as_str().into(),
        _ => kind.into(),
    })
}

/// A deployment; `None` where nothing was put live yet.
pub(super) fn deployment(
    source: &SourceName,
    repository: &Repository,
    told: &json::Deployment,
) -> Option<Event> {
    let state = told.state.as_ref()?;
    let status = state
        .status
        .as_ref()
        .and_then(|status| status.name.as_deref());
    let outcome = match (state.name.as_deref()?, status) {
        ("IN_PROGRESS", _) => Outcome::Running,
        ("COMPLETED", Some("SUCCESSFUL")) => Outcome::Succeeded,
        ("COMPLETED", Some("STOPPED")) => Outcome::Cancelled,
        ("COMPLETED", _) => Outcome::Failed,
        // `UNDEPLOYED`: it may be put live one day.
        _ => return None,
    };
    let release = told.release.as_ref();
    let body = Body::Deployment(Deployment {
        repository: Some(repository.clone()),
        environment: told.environment.as_ref().and_then(environment),
        started_at: cut(state.start_date),
        finished_at: cut(state.completion_date).filter(|_| !outcome.is_running()),
        outcome,
        commit: release.and_then(|release| hash(release.commit.as_ref())),
        version: release
            .and_then(|release| release.name.as_deref())
            .map(Text::from),
        ..Deployment::default()
    });
    Some(Event {
        id: format!("{}deployment/{}", beginning(repository), bare(&told.uuid)).into(),
        source: source.clone(),
        url: state
            .url
            .as_deref()
            .filter(|url| url.starts_with("http"))
            .map(Text::from),
        body,
    })
}

/// Words by which a name tells its type, as tiers are guessed (definitions, section 1).
const TOLD_BY_NAME: [(&str, &[&str]); 3] = [
    ("Test", &["test", "tst", "int", "acc", "qa", "uat"]),
    ("Staging", &["stag", "stg", "model", "pre", "demo"]),
    ("Production", &["prod", "live"]),
];

/// The environment's name, behind its type where the name alone does not tell it: `production/eu-west`.
fn environment(told: &json::Environment) -> Option<Environment> {
    let name = told.name.as_deref().filter(|name| !name.is_empty())?;
    let kind = told
        .environment_type
        .as_ref()
        .and_then(|kind| kind.name.as_deref());
    let lower = name.to_lowercase();
    let unsaid = kind.filter(|kind| {
        TOLD_BY_NAME
            .iter()
            .find(|(known, _)| known == kind)
            .is_some_and(|(_, words)| !words.iter().any(|word| lower.contains(word)))
    });
    Some(match unsaid {
        Some(kind) => format!("{}/{name}", kind.to_lowercase()).as_str().into(),
        None => name.into(),
    })
}
