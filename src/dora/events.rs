//! The rows behind the numbers, newest first.

use std::cmp::Reverse;

use smallvec::SmallVec;

use crate::correlate::{Block, Flags, Lane, NONE};
use crate::model::{
    ChangeUnit, EventKey, EventKind, EventTable, LeadTimeFrom, Notice, Question, Text, Unit,
};

use super::answer::{Answer, Cell, EventRow};
use super::calendar::instant;
use super::deployments::rollout_facts;
use super::groups::{Facts, value};
use super::incidents::{IncidentKind, environment_of, incident_facts, is_selected};
use super::lead_time::ChangeSpan;
use super::pass::{bare_facts, change_facts, changes_of};
use super::repeats::Repeats;
use super::select::{RowTests, Selection};
use super::state::pull_request_facts;
use super::{Context, notices};

/// Where a row stands in the columns: enough to sort by, made into an `EventRow` only if it is shown.
#[derive(Clone, Copy)]
struct Place<'a> {
    at: i64,
    key: EventKey,
    block: &'a Block,
    /// Number of the lane; `None` for what belongs to no environment.
    lane: Option<usize>,
    row: Row,
}

#[derive(Clone, Copy)]
enum Row {
    Deployment(usize),
    /// Deployment, which of the lane's columns of changes, and the change.
    Change(usize, usize, usize),
    Incident(usize),
    PullRequest(usize),
}

/// The instants that rows may lie in.
type Extent = std::ops::Range<i64>;

/// The rows of a table, the newest `limit` of them.
///
/// Shape, cells by table:
/// * `changes`: time of the delivery; `lead_time` (seconds, null where it has none), `counts_in_lead_time`, the parts
///   `coding pickup review merge build deploy` (seconds), `author`, `reverts`, `merge`. The rows of a range are those
///   that `change_lead_time` counts, and the delivered ones without a lead time. With `changeUnit: pull_request` the
///   events are pull requests.
/// * `deployments`: `started_at`, `completed_at`, `outcome`, `linked`, `baseline`, `failed`, `rollback`, `hotfix`,
///   `rework`, `changes` (null for a baseline or unlinked), `recovery_time` (seconds), `repository`, `clusters`.
///   Rollouts that never went live are among them, with outcome `failed` or `cancelled`.
/// * `incidents`: `resolved_at`, `time_to_restore` (seconds), `severity`, `user_facing`, `defect`, `link` (the rule).
/// * `pull_requests`: `closed_at`, `open`, `age` (seconds, to its close or now), `author`, `repository`; those that
///   were open at some time of the range.
pub(super) fn rows(context: &Context<'_>, question: &Question, blocks: &[&Block]) -> Answer {
    let mut places = Newest::new(question.limit);
    let extent = extent(context);
    for block in blocks {
        let selection = Selection::new(question);
        let tests = selection.row_tests(block);
        match question.table {
            EventTable::Changes => changes(&selection, &tests, block, &extent, &mut places),
            EventTable::Deployments => deployments(&selection, &tests, block, &extent, &mut places),
            EventTable::Incidents => incidents(&selection, &tests, block, &extent, &mut places),
            EventTable::PullRequests => pull_requests(&tests, block, &extent, &mut places),
        }
    }
    settled(context, question, blocks, places, row_of)
}

/// Deployments and incidents as marks on panels.
///
/// Shape: time of the finish or opening; cells `timeEnd` (the resolution; null while open and for deployments),
/// `title`, `tags` (words apart by commas).
pub(super) fn annotations(context: &Context<'_>, question: &Question, blocks: &[&Block]) -> Answer {
    let mut places = Newest::new(question.limit);
    let extent = extent(context);
    for block in blocks {
        let selection = Selection::new(question);
        let tests = selection.row_tests(block);
        deployments(&selection, &tests, block, &extent, &mut places);
        incidents(&selection, &tests, block, &extent, &mut places);
    }
    settled(context, question, blocks, places, mark_of)
}

fn extent(context: &Context<'_>) -> Extent {
    let now = context.now.timestamp_millis().saturating_add(1);
    context.range.start.timestamp_millis()..context.range.end.timestamp_millis().min(now)
}

/// The newest rows while they are gathered: millions are offered where a thousand are shown.
struct Newest<'a> {
    limit: usize,
    places: Vec<Place<'a>>,
    /// Rows older than this are not shown.
    oldest: i64,
    /// How many were offered.
    all: usize,
}

impl<'a> Newest<'a> {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            places: Vec::new(),
            oldest: i64::MIN,
            all: 0,
        }
    }

    fn push(&mut self, place: Place<'a>) {
        self.all += 1;
        if place.at < self.oldest {
            return;
        }
        self.places.push(place);
        if self.places.len() > 4 * self.limit + 1_000 {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.limit == 0 {
            self.places.clear();
        } else if self.places.len() > self.limit {
            let (_, last, _) = self
                .places
                .select_nth_unstable_by_key(self.limit - 1, Place::order);
            self.oldest = last.at;
            self.places.truncate(self.limit);
        }
    }
}

impl Place<'_> {
    fn order(&self) -> (Reverse<i64>, EventKey, Option<usize>) {
        (Reverse(self.at), self.key, self.lane)
    }
}

fn settled<'a>(
    context: &Context<'_>,
    question: &Question,
    blocks: &[&'a Block],
    mut newest: Newest<'a>,
    row: impl Fn(&Context<'_>, &Question, &Place<'a>) -> Option<EventRow>,
) -> Answer {
    newest.cut();
    let mut places = newest.places;
    places.sort_by_key(Place::order);
    let mut said = notices::of_applications(blocks);
    if places.len() < newest.all {
        said.push(Notice::info(format!(
            "The newest {} of {} rows are shown.",
            places.len(),
            newest.all
        )));
    }
    Answer::Events {
        rows: places
            .iter()
            .filter_map(|place| row(context, question, place))
            .collect(),
        notices: notices::settled(said),
    }
}

/// The indices of a sorted column that lie in the extent.
fn inside(times: &[i64], extent: &Extent) -> std::ops::Range<usize> {
    let first = times.partition_point(|at| *at < extent.start);
    let past = times.partition_point(|at| *at < extent.end);
    first..past.max(first)
}

fn changes<'a>(
    selection: &Selection<'_>,
    tests: &RowTests<'_>,
    block: &'a Block,
    extent: &Extent,
    places: &mut Newest<'a>,
) {
    for (number, lane) in selection.lanes(block) {
        let times = &lane.deployments.finished_at;
        let repeats = Repeats::new(selection, tests, block, lane.tier);
        for (which, changes) in changes_of(selection, lane).into_iter().enumerate() {
            for deployment in inside(times, extent) {
                if lane.deployments.flags[deployment].has(Flags::BASELINE) {
                    continue;
                }
                for at in changes.of(deployment) {
                    let counts = repeats.counts(changes, at, times[deployment], number)
                        && tests.accept(&change_facts(lane, changes, deployment, at));
                    if counts {
                        places.push(Place {
                            at: times[deployment],
                            key: changes.key[at],
                            block,
                            lane: Some(number),
                            row: Row::Change(deployment, which, at),
                        });
                    }
                }
            }
        }
    }
}

fn deployments<'a>(
    selection: &Selection<'_>,
    tests: &RowTests<'_>,
    block: &'a Block,
    extent: &Extent,
    places: &mut Newest<'a>,
) {
    for (number, lane) in selection.lanes(block) {
        let times = &lane.deployments.finished_at;
        for deployment in inside(times, extent) {
            let authors = authors_of(selection, lane, deployment);
            let facts = Facts {
                authors: &authors,
                ..bare_facts(lane, deployment)
            };
            if tests.accept(&facts) {
                places.push(Place {
                    at: times[deployment],
                    key: lane.deployments.key[deployment],
                    block,
                    lane: Some(number),
                    row: Row::Deployment(deployment),
                });
            }
        }
        let failed = &lane.failed_rollouts;
        for rollout in inside(&failed.ended_at, extent) {
            let facts = rollout_facts(lane, rollout);
            if tests.accept(&facts) {
                places.push(Place {
                    at: failed.ended_at[rollout],
                    key: failed.key[rollout],
                    block,
                    lane: Some(number),
                    // Numbers past the deployments are rollouts that never went live.
                    row: Row::Deployment(times.len() + rollout),
                });
            }
        }
    }
}

fn authors_of(selection: &Selection<'_>, lane: &Lane, deployment: usize) -> SmallVec<[u32; 4]> {
    if !selection.filters_rows() {
        return SmallVec::new();
    }
    let mut authors = SmallVec::new();
    for changes in changes_of(selection, lane) {
        if !changes.author.is_empty() {
            authors.extend(
                changes.author[changes.of(deployment)]
                    .iter()
                    .copied()
                    .filter(|author| *author != NONE),
            );
        }
    }
    authors
}

fn incidents<'a>(
    selection: &Selection<'_>,
    tests: &RowTests<'_>,
    block: &'a Block,
    extent: &Extent,
    places: &mut Newest<'a>,
) {
    for at in inside(&block.incidents.opened_at, extent) {
        if is_selected(selection, block, at, IncidentKind::Any)
            && tests.accept(&incident_facts(block, at))
        {
            places.push(Place {
                at: block.incidents.opened_at[at],
                key: block.incidents.key[at],
                block,
                lane: None,
                row: Row::Incident(at),
            });
        }
    }
}

fn pull_requests<'a>(
    tests: &RowTests<'_>,
    block: &'a Block,
    extent: &Extent,
    places: &mut Newest<'a>,
) {
    let requests = &block.pull_requests;
    let opened = requests.opened_at.partition_point(|at| *at < extent.end);
    for at in 0..opened {
        if requests.closed_at[at] >= extent.start && tests.accept(&pull_request_facts(block, at)) {
            places.push(Place {
                at: requests.opened_at[at],
                key: requests.key[at],
                block,
                lane: None,
                row: Row::PullRequest(at),
            });
        }
    }
}

fn seconds(milliseconds: Option<i64>) -> Cell {
    Cell::Number(
        milliseconds.map(|span| span as f64 / 1000.0),
        Some(Unit::Seconds),
    )
}

fn time(milliseconds: i64) -> Cell {
    Cell::Time((milliseconds != i64::MAX).then(|| instant(milliseconds)))
}

fn row_of(context: &Context<'_>, question: &Question, place: &Place<'_>) -> Option<EventRow> {
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
    let span = |of: ChangeSpan| {
        of.durations(changes)
            .and_then(|spans| spans.milliseconds_at(at))
    };
    let lead_time = span(ChangeSpan::LeadTime(question.lead_time_from));
    let dated = span(ChangeSpan::LeadTime(LeadTimeFrom::Committed)).is_some();
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
        let part = span(ChangeSpan::Part(part)).filter(|_| dated);
        row.cells.push((name, seconds(part)));
    }
    row.cells.push(("author", Cell::Text(author.cloned())));
    row.cells.push((
        "reverts",
        Cell::Flag(changes.revert.get(at).copied().unwrap_or(false)),
    ));
    row.cells
        .push(("merge", Cell::Flag(std::ptr::eq(changes, &lane.merges))));
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

fn mark_of(_: &Context<'_>, question: &Question, place: &Place<'_>) -> Option<EventRow> {
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
