//! The rows behind the numbers, newest first.

use std::cmp::Reverse;

use smallvec::SmallVec;

use crate::correlate::{Block, Flags, Lane, NONE};
use crate::model::{EventKey, EventTable, Notice, Question};

use super::answer::{Answer, EventRow};
use super::deployments::rollout_facts;
use super::event_rows::{mark_of, row_of};
use super::groups::Facts;
use super::incidents::{IncidentKind, incident_facts, is_selected};
use super::pass::{bare_facts, change_facts, changes_of};
use super::repeats::Repeats;
use super::select::{RowTests, Selection};
use super::state::pull_request_facts;
use super::{Context, notices};

/// Where a row stands in the columns: enough to sort by, made into an `EventRow` only if it is shown.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub at: i64,
    pub key: EventKey,
    pub block: &'a Block,
    /// Number of the lane; `None` for what belongs to no environment.
    pub lane: Option<usize>,
    pub row: Row,
}

/// Which row of the block it is.
#[derive(Clone, Copy)]
pub(super) enum Row {
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
///   `coding pickup review merge build deploy` (seconds), `author`, `reverts`, `merge_commit`. The rows of a range are
///   those that `change_lead_time` counts, and the delivered ones without a lead time. With `changeUnit: pull_request` the
///   events are pull requests.
/// * `deployments`: `started_at`, `completed_at`, `outcome`, `linked`, `baseline`, `failed`, `rollback`, `hotfix`,
///   `rework`, `changes` (null for a baseline or unlinked), `recovery_time` (seconds), `repository`, `clusters`.
///   Rollouts that never went live are among them, with outcome `failed` or `cancelled`.
/// * `incidents`: `resolved_at`, `time_to_restore` (seconds), `severity`, `user_facing`, `defect`, `link` (the rule);
///   those opened in the range, as `incidents` counts them.
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
