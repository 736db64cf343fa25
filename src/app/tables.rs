//! The columns of the tables behind the numbers.

use chrono::{DateTime, TimeDelta, Utc};

use super::naming::{commit_of, name_of, repository_of, title_of, version_of};
use crate::dora::{Cell, EventRow};
use crate::model::{Body, Event, EventKind, EventTable, Kind, PullRequest, Question, Text, Unit};

/// A row with its events; those that were forgotten meanwhile are missing.
pub(super) struct Found<'a> {
    pub(super) row: &'a EventRow,
    pub(super) event: Option<&'a Event>,
    pub(super) deployment: Option<&'a Event>,
    pub(super) evidence: Vec<&'a Event>,
}

/// What a column holds.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Text,
    Number(Unit),
    Time,
    Flag,
}

/// Where a column's values come from.
pub(super) enum Origin {
    /// The row's cell of the same name, which only the columns of correlation know.
    Cell,
    /// The row and its events.
    Events(fn(&Found<'_>) -> Cell),
}

/// A column: its name, what it holds, where that comes from.
pub(super) type Spec = (&'static str, Form, Origin);

const SECONDS: Form = Form::Number(Unit::Seconds);

const CHANGES: &[Spec] = &[
    ("time", Form::Time, Origin::Events(at)),
    ("application", Form::Text, Origin::Events(application)),
    ("environment", Form::Text, Origin::Events(environment)),
    ("repository", Form::Text, Origin::Events(repository)),
    ("commit", Form::Text, Origin::Events(commit)),
    ("message", Form::Text, Origin::Events(title)),
    ("author", Form::Text, Origin::Cell),
    ("pull_request", Form::Text, Origin::Events(pull_request)),
    ("committed_at", Form::Time, Origin::Events(committed_at)),
    ("lead_time", SECONDS, Origin::Cell),
    ("coding", SECONDS, Origin::Cell),
    ("pickup", SECONDS, Origin::Cell),
    ("review", SECONDS, Origin::Cell),
    ("merge", SECONDS, Origin::Cell),
    ("build", SECONDS, Origin::Cell),
    ("deploy", SECONDS, Origin::Cell),
    ("deployment", Form::Text, Origin::Events(deployment)),
    ("deployment_url", Form::Text, Origin::Events(deployment_url)),
    ("counts_in_lead_time", Form::Flag, Origin::Cell),
    ("reverts", Form::Flag, Origin::Cell),
    ("merge_commit", Form::Flag, Origin::Cell),
    ("source", Form::Text, Origin::Events(source)),
    ("url", Form::Text, Origin::Events(url)),
    ("id", Form::Text, Origin::Events(id)),
];

const DEPLOYMENTS: &[Spec] = &[
    ("time", Form::Time, Origin::Events(at)),
    ("application", Form::Text, Origin::Events(application)),
    ("environment", Form::Text, Origin::Events(environment)),
    ("clusters", Form::Text, Origin::Cell),
    ("version", Form::Text, Origin::Events(version)),
    ("commit", Form::Text, Origin::Events(commit)),
    ("repository", Form::Text, Origin::Cell),
    ("outcome", Form::Text, Origin::Cell),
    ("changes", Form::Number(Unit::Count), Origin::Cell),
    ("failed", Form::Flag, Origin::Cell),
    ("reasons", Form::Text, Origin::Events(reasons)),
    ("recovered_at", Form::Time, Origin::Events(recovered_at)),
    ("recovery_time", SECONDS, Origin::Cell),
    ("started_at", Form::Time, Origin::Cell),
    ("completed_at", Form::Time, Origin::Cell),
    ("linked", Form::Flag, Origin::Cell),
    ("baseline", Form::Flag, Origin::Cell),
    ("rollback", Form::Flag, Origin::Cell),
    ("hotfix", Form::Flag, Origin::Cell),
    ("rework", Form::Flag, Origin::Cell),
    ("source", Form::Text, Origin::Events(source)),
    ("url", Form::Text, Origin::Events(url)),
    ("id", Form::Text, Origin::Events(id)),
];

const INCIDENTS: &[Spec] = &[
    ("time", Form::Time, Origin::Events(at)),
    ("resolved_at", Form::Time, Origin::Cell),
    ("application", Form::Text, Origin::Events(application)),
    ("environment", Form::Text, Origin::Events(environment)),
    ("severity", Form::Text, Origin::Cell),
    ("title", Form::Text, Origin::Events(title)),
    ("time_to_restore", SECONDS, Origin::Cell),
    ("deployment", Form::Text, Origin::Events(deployment)),
    ("deployment_url", Form::Text, Origin::Events(deployment_url)),
    ("link", Form::Text, Origin::Cell),
    ("user_facing", Form::Flag, Origin::Cell),
    ("defect", Form::Flag, Origin::Cell),
    ("source", Form::Text, Origin::Events(source)),
    ("url", Form::Text, Origin::Events(url)),
    ("id", Form::Text, Origin::Events(id)),
];

const PULL_REQUESTS: &[Spec] = &[
    ("time", Form::Time, Origin::Events(at)),
    ("application", Form::Text, Origin::Events(application)),
    ("repository", Form::Text, Origin::Cell),
    ("pull_request", Form::Text, Origin::Events(pull_request)),
    ("title", Form::Text, Origin::Events(title)),
    ("author", Form::Text, Origin::Cell),
    (
        "first_commit_at",
        Form::Time,
        Origin::Events(first_commit_at),
    ),
    (
        "first_review_at",
        Form::Time,
        Origin::Events(first_review_at),
    ),
    ("approved_at", Form::Time, Origin::Events(approved_at)),
    ("merged_at", Form::Time, Origin::Events(merged_at)),
    ("closed_at", Form::Time, Origin::Cell),
    ("open", Form::Flag, Origin::Cell),
    ("age", SECONDS, Origin::Cell),
    ("source", Form::Text, Origin::Events(source)),
    ("url", Form::Text, Origin::Events(url)),
    ("id", Form::Text, Origin::Events(id)),
];

const ANNOTATIONS: &[Spec] = &[
    ("time", Form::Time, Origin::Events(at)),
    ("timeEnd", Form::Time, Origin::Cell),
    ("title", Form::Text, Origin::Cell),
    ("text", Form::Text, Origin::Events(text)),
    ("tags", Form::Text, Origin::Cell),
    ("id", Form::Text, Origin::Events(id)),
];

/// The columns of the rows that a question asks for.
pub(super) fn specs(question: &Question) -> &'static [Spec] {
    match (question.kind, question.table) {
        (Kind::Annotations, _) => ANNOTATIONS,
        (_, EventTable::Changes) => CHANGES,
        (_, EventTable::Deployments) => DEPLOYMENTS,
        (_, EventTable::Incidents) => INCIDENTS,
        (_, EventTable::PullRequests) => PULL_REQUESTS,
    }
}

fn at(found: &Found<'_>) -> Cell {
    Cell::Time(Some(found.row.at))
}

fn application(found: &Found<'_>) -> Cell {
    Cell::Text(Some(found.row.application.text().clone()))
}

fn environment(found: &Found<'_>) -> Cell {
    let name = found.row.environment.as_ref();
    Cell::Text(name.map(|name| name.text().clone()))
}

fn repository(found: &Found<'_>) -> Cell {
    let repository = found.event.and_then(repository_of);
    Cell::Text(repository.map(|name| name.text().clone()))
}

fn commit(found: &Found<'_>) -> Cell {
    let hash = found.event.and_then(commit_of);
    Cell::Text(hash.map(|hash| hash.to_string().into()))
}

fn title(found: &Found<'_>) -> Cell {
    Cell::Text(found.event.and_then(title_of))
}

fn version(found: &Found<'_>) -> Cell {
    Cell::Text(found.event.and_then(version_of))
}

fn pull_request(found: &Found<'_>) -> Cell {
    let number = found.event.and_then(|event| match &event.body {
        Body::PullRequest(request) => Some(request.number),
        Body::Commit(commit) => commit.pull_request,
        _ => None,
    });
    Cell::Text(number.map(|number| format!("#{number}").into()))
}

fn committed_at(found: &Found<'_>) -> Cell {
    Cell::Time(found.event.and_then(|event| match &event.body {
        Body::Commit(commit) => Some(commit.committed_at),
        Body::PullRequest(request) => request.first_commit_at,
        _ => None,
    }))
}

fn request_time(found: &Found<'_>, time: fn(&PullRequest) -> Option<DateTime<Utc>>) -> Cell {
    Cell::Time(found.event.and_then(|event| match &event.body {
        Body::PullRequest(request) => time(request),
        _ => None,
    }))
}

fn first_commit_at(found: &Found<'_>) -> Cell {
    request_time(found, |request| request.first_commit_at)
}

fn first_review_at(found: &Found<'_>) -> Cell {
    request_time(found, |request| request.first_review_at)
}

fn approved_at(found: &Found<'_>) -> Cell {
    request_time(found, |request| request.approved_at)
}

fn merged_at(found: &Found<'_>) -> Cell {
    request_time(found, |request| request.merged_at)
}

fn deployment(found: &Found<'_>) -> Cell {
    Cell::Text(found.deployment.map(name_of))
}

fn deployment_url(found: &Found<'_>) -> Cell {
    Cell::Text(found.deployment.and_then(|event| event.url.clone()))
}

fn source(found: &Found<'_>) -> Cell {
    Cell::Text(found.event.map(|event| event.source.text().clone()))
}

fn url(found: &Found<'_>) -> Cell {
    Cell::Text(found.event.and_then(|event| event.url.clone()))
}

fn id(found: &Found<'_>) -> Cell {
    Cell::Text(found.event.map(|event| event.id.text().clone()))
}

/// The rules that say a deployment failed, and the events they rest on.
fn reasons(found: &Found<'_>) -> Cell {
    Cell::Text(reasons_of(found).map(Text::from))
}

fn recovered_at(found: &Found<'_>) -> Cell {
    let mut cells = found.row.cells.iter();
    let seconds = cells.find_map(|(name, cell)| match cell {
        Cell::Number(seconds, _) if *name == "recovery_time" => *seconds,
        _ => None,
    });
    let after = seconds.map(|seconds| TimeDelta::milliseconds((seconds * 1000.0).round() as i64));
    Cell::Time(after.and_then(|after| found.row.at.checked_add_signed(after)))
}

/// What an annotation says beneath its title.
fn text(found: &Found<'_>) -> Cell {
    let what = found.event.map(name_of).map(|name| name.to_string());
    let why = reasons_of(found).map(|reasons| format!("failed by {reasons}"));
    let is_incident = found.row.event.0 == EventKind::Incident;
    let why = if is_incident {
        found
            .deployment
            .map(|event| format!("after the deployment of {}", name_of(event)))
    } else {
        why
    };
    let lines: Vec<String> = [what, why].into_iter().flatten().collect();
    Cell::Text((!lines.is_empty()).then(|| lines.join("\n").into()))
}

fn reasons_of(found: &Found<'_>) -> Option<String> {
    if found.row.rules.is_empty() {
        return None;
    }
    let rules: Vec<&str> = found.row.rules.iter().map(|rule| rule.as_str()).collect();
    let evidence: Vec<String> = found
        .evidence
        .iter()
        .map(|event| name_of(event).to_string())
        .collect();
    let rules = rules.join(", ");
    Some(match evidence.is_empty() {
        true => rules,
        false => format!("{rules}: {}", evidence.join("; ")),
    })
}
