//! One row behind the numbers, with what correlation knows of its event.

use crate::correlate::Flags;
use crate::model::{ChangeUnit, EventKind, Question, Text, Unit};

use super::Context;
use super::answer::{Cell, EventRow};
use super::calendar::instant;
use super::deployments::rollout_facts;
use super::events::{Place, Row};
use super::groups::value;
use super::incidents::environment_of;
use super::lead_time::ChangeSpan;
use super::pass::{bare_facts, changes_of};
use super::select::Selection;
use super::state::pull_request_facts;

fn seconds(milliseconds: Option<i64>) -> Cell {
    Cell::Number(
        milliseconds.map(|span| span as f64 / 1000.0),
        Some(Unit::Seconds),
    )
}

fn time(milliseconds: i64) -> Cell {
    Cell::Time((milliseconds != i64::MAX).then(|| instant(milliseconds)))
}

pub(super) fn row_of(
    context: &Context<'_>,
    question: &Question,
    place: &Place<'_>,
) -> Option<EventRow> {
    match place.row {
        Row::Deployment(at) => deployment_row(question, place, at),
        Row::Change(deployment, which, at) => change_row(question, place, deployment, which, at),
        Row::Incident(at) => Some(incident_row(place, at)),
        Row::PullRequest(at) => Some(pull_request_row(context, place, at)),
    }
}

fn event_row(place: &Place<'_>, kind: EventKind) -> EventRow {
    let lane = place.lane.and_then(|lane| place.block.lanes.get(lane));
    EventRow {
        application: place.block.application.clone(),
        environment: lane.map(|lane| lane.environment.clone()),
        event: (kind, place.key),
        at: instant(place.at),
        deployment: None,
        rules: Vec::new(),
        evidence: Vec::new(),
        cells: Vec::new(),
    }
}

fn change_row(
    question: &Question,
    place: &Place<'_>,
    deployment: usize,
    which: usize,
    at: usize,
) -> Option<EventRow> {
    const PARTS: [&str; 6] = ["coding", "pickup", "review", "merge", "build", "deploy"];
    let lane = place.block.lanes.get(place.lane?)?;
    let changes = changes_of(&Selection::new(question), lane)
        .get(which)
        .copied()?;
    let kind = match question.change_unit {
        ChangeUnit::Commit => EventKind::Commit,
        ChangeUnit::PullRequest => EventKind::PullRequest,
    };
    let from = question.lead_time_from;
    let lead_time = ChangeSpan::LeadTime(from).milliseconds_at(changes, at);
    let author = changes
        .author
        .get(at)
        .and_then(|author| value(&place.block.authors, *author));
    let mut row = event_row(place, kind);
    row.deployment = Some((
        lane.deployments.kind[deployment],
        lane.deployments.key[deployment],
    ));
    row.cells = vec![
        ("lead_time", seconds(lead_time)),
        ("counts_in_lead_time", Cell::Flag(lead_time.is_some())),
    ];
    for (part, name) in PARTS.into_iter().enumerate() {
        let part = ChangeSpan::Part(part, from).milliseconds_at(changes, at);
        row.cells
            .push((name, seconds(part.filter(|_| lead_time.is_some()))));
    }
    row.cells.push(("author", Cell::Text(author.cloned())));
    row.cells.push((
        "reverts",
        Cell::Flag(changes.revert.get(at).copied().unwrap_or(false)),
    ));
    row.cells.push((
        "merge_commit",
        Cell::Flag(std::ptr::eq(changes, &lane.merges)),
    ));
    Some(row)
}

fn deployment_row(question: &Question, place: &Place<'_>, at: usize) -> Option<EventRow> {
    let block = place.block;
    let lane = block.lanes.get(place.lane?)?;
    let deployments = &lane.deployments;
    let rollout = at.checked_sub(deployments.finished_at.len());
    let facts = match rollout {
        None => bare_facts(lane, at),
        Some(rollout) => rollout_facts(lane, rollout),
    };
    let flags = deployments.flags.get(at).copied().unwrap_or_default();
    let mut row = event_row(
        place,
        deployments
            .kind
            .get(at)
            .copied()
            .unwrap_or(EventKind::Deployment),
    );
    if rollout.is_none() {
        let reasons = lane
            .reasons
            .iter()
            .filter(|reason| reason.deployment as usize == at);
        row.rules = facts.rules.iter().collect();
        row.evidence = reasons.map(|reason| reason.evidence).collect();
    }
    let changes = rollout.is_none() && flags.has(Flags::LINKED) && !flags.has(Flags::BASELINE);
    let size = || {
        changes_of(&Selection::new(question), lane)
            .iter()
            .map(|changes| changes.of(at).len())
            .sum::<usize>()
    };
    let recovery = lane
        .recoveries
        .iter()
        .find(|recovery| recovery.deployment as usize == at);
    let recovery = recovery
        .filter(|_| rollout.is_none())
        .map(|recovery| recovery.milliseconds);
    let clusters: Vec<&str> = facts
        .clusters
        .iter()
        .filter_map(|at| value(&block.clusters, *at))
        .map(|name| name.as_str())
        .collect();
    let start_and_end = |column: &[i64]| Cell::Time(column.get(at).map(|time| instant(*time)));
    row.cells = vec![
        ("started_at", start_and_end(&deployments.started_at)),
        ("completed_at", start_and_end(&deployments.completed_at)),
        ("outcome", Cell::Text(facts.outcome.map(Text::from))),
        ("linked", Cell::Flag(flags.has(Flags::LINKED))),
        ("baseline", Cell::Flag(flags.has(Flags::BASELINE))),
        ("failed", Cell::Flag(flags.has(Flags::FAILED))),
        ("rollback", Cell::Flag(flags.has(Flags::ROLLBACK))),
        ("hotfix", Cell::Flag(flags.has(Flags::HOTFIX))),
        ("rework", Cell::Flag(flags.has(Flags::REWORK))),
        (
            "changes",
            Cell::Number(changes.then(|| size() as f64), Some(Unit::Count)),
        ),
        ("recovery_time", seconds(recovery)),
        (
            "repository",
            Cell::Text(
                value(&block.repositories, facts.repository).map(|name| name.text().clone()),
            ),
        ),
        (
            "clusters",
            Cell::Text((!clusters.is_empty()).then(|| clusters.join(", ").into())),
        ),
    ];
    Some(row)
}

fn incident_row(place: &Place<'_>, at: usize) -> EventRow {
    let (block, incidents) = (place.block, &place.block.incidents);
    let mut row = event_row(place, EventKind::Incident);
    row.environment = environment_of(block, at).map(|name| name.clone().into());
    row.deployment = incidents.deployment[at].and_then(|(lane, deployment)| {
        let deployments = &block.lanes.get(lane as usize)?.deployments;
        let at = deployment as usize;
        Some((*deployments.kind.get(at)?, *deployments.key.get(at)?))
    });
    let link = incidents.link[at];
    row.rules = link.into_iter().collect();
    row.cells = vec![
        ("resolved_at", time(incidents.resolved_at[at])),
        (
            "time_to_restore",
            seconds(incidents.time_to_restore.milliseconds_at(at)),
        ),
        (
            "severity",
            Cell::Text(value(&block.severities, incidents.severity[at]).cloned()),
        ),
        ("user_facing", Cell::Flag(incidents.user_facing[at])),
        ("defect", Cell::Flag(incidents.defect[at])),
        ("link", Cell::Text(link.map(|rule| rule.as_str().into()))),
    ];
    row
}

fn pull_request_row(context: &Context<'_>, place: &Place<'_>, at: usize) -> EventRow {
    let (block, requests) = (place.block, &place.block.pull_requests);
    let closed_at = requests.closed_at[at];
    let age = closed_at.min(context.now.timestamp_millis()) - requests.opened_at[at];
    let facts = pull_request_facts(block, at);
    let author = facts
        .authors
        .first()
        .and_then(|author| value(&block.authors, *author));
    let repository = value(&block.repositories, facts.repository);
    let mut row = event_row(place, EventKind::PullRequest);
    row.cells = vec![
        ("closed_at", time(closed_at)),
        ("open", Cell::Flag(closed_at == i64::MAX)),
        ("age", seconds(Some(age).filter(|age| *age >= 0))),
        ("author", Cell::Text(author.cloned())),
        (
            "repository",
            Cell::Text(repository.map(|name| name.text().clone())),
        ),
    ];
    row
}

pub(super) fn mark_of(_: &Context<'_>, question: &Question, place: &Place<'_>) -> Option<EventRow> {
    let application = place.block.application.as_str();
    let (mut row, end, mut tags) = match place.row {
        Row::Incident(at) => {
            let row = incident_row(place, at);
            let severity =
                value(&place.block.severities, place.block.incidents.severity[at]).cloned();
            let tags: Vec<Text> = [Some("incident".into()), severity]
                .into_iter()
                .flatten()
                .collect();
            (row, time(place.block.incidents.resolved_at[at]), tags)
        }
        Row::Deployment(at) => {
            let row = deployment_row(question, place, at)?;
            let outcome = row.cells.iter().find_map(|(name, cell)| match cell {
                Cell::Text(Some(outcome)) if *name == "outcome" && &**outcome != "succeeded" => {
                    Some(outcome.clone())
                }
                _ => None,
            });
            let rules = row.rules.iter().map(|rule| Text::from(rule.as_str()));
            let failed = (!row.rules.is_empty()).then(|| Text::from("failed"));
            let tags = [Some("deployment".into()), outcome, failed]
                .into_iter()
                .flatten()
                .chain(rules);
            let tags = tags.collect();
            (row, Cell::Time(None), tags)
        }
        Row::Change(..) | Row::PullRequest(_) => return None,
    };
    tags.push(application.into());
    let environment = row.environment.as_ref();
    tags.extend(environment.map(|name| name.text().clone()));
    let what = if matches!(place.row, Row::Incident(_)) {
        "Incident of"
    } else {
        "Deployment of"
    };
    let place = environment.map_or(String::new(), |name| format!(" in {name}"));
    row.cells = vec![
        ("timeEnd", end),
        (
            "title",
            Cell::Text(Some(format!("{what} {application}{place}").into())),
        ),
        ("tags", Cell::Text(Some(tags.join(",").into()))),
    ];
    Some(row)
}
