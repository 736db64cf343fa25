//! One pass over the blocks for all metrics of an answer.

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use crate::correlate::{Block, Flags};
use crate::model::{ChangeUnit, Metric, Question, Statistic};

use super::Context;
use super::buckets::Buckets;
use super::coverage::{Classes, Needs};
use super::delivered::{ChangeCount, batch_sizes, counts, part_sums};
use super::deployments::{failed_rollouts, recoveries};
use super::evaluate::{Collected, Form};
use super::groups::GroupValues;
use super::incidents::{IncidentKind, openings, outages, restores};
use super::lead_time::{ChangeSpan, spans};
use super::pass::{LaneRows, Pass, lanes_of};
use super::select::Selection;
use super::sheet::Sheet;
use super::state::{defect_ages, open_incidents, pull_request_ages, undeployed};

/// Rows below which a second thread costs more than it saves.
const ROWS_FOR_TWO_THREADS: usize = 20_000;
/// Pieces that the blocks are split into, so that two threads end at about the same time.
const PIECES: usize = 8;

/// Runs on at most two threads: a question must not take the whole machine.
pub(super) fn on_two_threads<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    static POOL: OnceLock<Option<rayon::ThreadPool>> = OnceLock::new();
    // A process that cannot start two threads still answers, on the caller's.
    let pool = POOL.get_or_init(|| rayon::ThreadPoolBuilder::new().num_threads(2).build().ok());
    match pool {
        Some(pool) => pool.install(work),
        None => work(),
    }
}

/// A question, what it is asked of, and what several metrics of its answer share.
pub(super) struct Scope<'a, 'q> {
    pub context: &'q Context<'a>,
    pub question: &'q Question,
    /// The blocks that the application filters leave.
    pub blocks: Vec<&'a Block>,
    /// Numbers of the blocks, split for the threads.
    pieces: Vec<Vec<usize>>,
    /// Coverage classes by the kinds of events they rest on.
    classes: RefCell<Vec<(Needs, Arc<Classes>)>>,
}

impl<'a, 'q> Scope<'a, 'q> {
    pub fn new(context: &'q Context<'a>, question: &'q Question) -> Self {
        let selection = Selection::new(question);
        let blocks = context.blocks.iter().map(Arc::as_ref);
        let blocks: Vec<&Block> = blocks
            .filter(|block| selection.accepts_application(block))
            .collect();
        Self {
            context,
            question,
            pieces: pieces(&blocks),
            blocks,
            classes: RefCell::default(),
        }
    }

    fn classes(&self, needs: Needs) -> Arc<Classes> {
        let mut known = self.classes.borrow_mut();
        if let Some((_, classes)) = known.iter().find(|(of, _)| *of == needs) {
            return classes.clone();
        }
        let blocks = self.blocks.iter().copied();
        let classes = Arc::new(Classes::new(self.context.coverages, &needs, blocks));
        known.push((needs, classes.clone()));
        classes
    }
}

/// Whether the linked share of all deployments is counted too.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    Count,
    Skip,
}

/// What one metric of an answer asks for.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    pub metric: Metric,
    pub statistic: Statistic,
    pub links: Links,
}

/// Gathers metrics from the selected blocks in one pass: a block's times are split among the cells once for all.
pub(super) fn collect<'a>(
    scope: &Scope<'a, '_>,
    asked: &[Asked],
    buckets: &Buckets,
) -> Vec<Collected<'a>> {
    let question = scope.question;
    let mut of_commits = question.clone();
    of_commits.change_unit = ChangeUnit::Commit;
    let questions: Vec<&Question> = asked
        .iter()
        .map(|asked| {
            if asked.metric == Metric::Commits {
                &of_commits
            } else {
                question
            }
        })
        .collect();
    let selections: Vec<Selection<'_>> = questions
        .iter()
        .map(|question| Selection::new(question))
        .collect();
    let needs = asked
        .iter()
        .zip(&questions)
        .map(|(asked, question)| Needs::of(asked.metric, question));
    let classes: Vec<Arc<Classes>> = needs.map(|needs| scope.classes(needs)).collect();
    let is_one_group = question.group_by.is_empty();
    let cells = is_one_group.then(|| buckets.cells().max(buckets.points.len()));
    let blocks = &scope.blocks;
    let gather_from = |numbers: &Vec<usize>| {
        let mut sheets: Vec<Sheet<'a>> = asked.iter().map(|_| Sheet::new(cells)).collect();
        if is_one_group {
            for sheet in &mut sheets {
                sheet.registry.number(GroupValues::new());
            }
        }
        for number in numbers {
            let block = blocks[*number];
            let mut lanes = match selections.first() {
                Some(selection) => lanes_of(selection, buckets, block),
                None => continue,
            };
            for (at, sheet) in sheets.iter_mut().enumerate() {
                let class = classes[at].of_block[*number];
                let mut pass = Pass::new(&selections[at], buckets, block, class, sheet);
                pass.number_groups(&mut lanes);
                gather(&mut pass, &lanes, asked[at]);
            }
        }
        sheets
    };
    let numbers = &scope.pieces;
    let pieces: Vec<Vec<Sheet<'a>>> = if numbers.len() == 1 {
        numbers.iter().map(gather_from).collect()
    } else {
        on_two_threads(|| numbers.par_iter().map(gather_from).collect())
    };
    let mut by_metric: Vec<Vec<Sheet<'a>>> = asked.iter().map(|_| Vec::new()).collect();
    for piece in pieces {
        for (sheets, sheet) in by_metric.iter_mut().zip(piece) {
            sheets.push(sheet);
        }
    }
    let joined = by_metric.into_iter().map(Sheet::joined);
    joined
        .zip(classes)
        .zip(asked)
        .map(|((mut sheet, classes), asked)| {
            if is_one_group {
                // The one group speaks of every selected application, also of those without a row.
                for class in 0..classes.len() as u32 {
                    sheet.belongs(0, class);
                }
            }
            Collected::new(
                sheet,
                asked.metric,
                asked.statistic,
                classes,
                buckets.clone(),
            )
        })
        .collect()
}

/// Gathers one metric.
pub(super) fn collect_one<'a>(
    scope: &Scope<'a, '_>,
    asked: Asked,
    buckets: &Buckets,
) -> Collected<'a> {
    let mut collected = collect(scope, &[asked], buckets);
    collected
        .pop()
        .expect("one metric asked for is one collected")
}

/// Numbers of the blocks, split into pieces of about the same number of rows; one piece where there are few rows.
fn pieces(blocks: &[&Block]) -> Vec<Vec<usize>> {
    let weight = |block: &Block| {
        let lanes = block.lanes.iter();
        let rows = lanes.map(|lane| lane.deployments.finished_at.len() + lane.commits.len());
        rows.sum::<usize>() + block.incidents.opened_at.len() + 16
    };
    let weights: Vec<usize> = blocks.iter().map(|block| weight(block)).collect();
    let total: usize = weights.iter().sum();
    if total < ROWS_FOR_TWO_THREADS {
        return vec![(0..blocks.len()).collect()];
    }
    let mut pieces = vec![Vec::new()];
    let mut filled = 0;
    for (number, weight) in weights.into_iter().enumerate() {
        if filled >= total.div_ceil(PIECES) {
            pieces.push(Vec::new());
            filled = 0;
        }
        filled += weight;
        if let Some(piece) = pieces.last_mut() {
            piece.push(number);
        }
    }
    pieces
}

/// Gathers a metric from one block.
fn gather<'a>(pass: &mut Pass<'_, '_, 'a>, lanes: &[LaneRows<'a>], asked: Asked) {
    let metric = asked.metric;
    let tallied = match metric {
        // Of these only the whole is read.
        Metric::DeploymentFrequency | Metric::Deployments => Some(Flags::LINKED),
        Metric::ChangeFailRate => Some(Flags::FAILED),
        Metric::DeploymentReworkRate => Some(Flags::REWORK),
        _ => None,
    };
    pass.count(lanes, tallied, asked.links == Links::Count);
    match metric {
        // Counted above.
        Metric::DeploymentFrequency
        | Metric::Deployments
        | Metric::ChangeFailRate
        | Metric::DeploymentReworkRate => {}
        Metric::FailedDeploymentRecoveryTime => recoveries(pass, lanes),
        Metric::FailedRollouts => failed_rollouts(pass, lanes),
        Metric::Commits => counts(pass, lanes, ChangeCount::All),
        Metric::RevertRate => counts(pass, lanes, ChangeCount::Reverts),
        Metric::ReworkShare => counts(pass, lanes, ChangeCount::Rework),
        Metric::BatchSize => batch_sizes(pass, lanes),
        Metric::UndeployedCommits => undeployed(pass, lanes),
        Metric::PullRequestAge => pull_request_ages(pass),
        Metric::TimeToRestore => restores(pass),
        Metric::Incidents => openings(pass, IncidentKind::Any),
        Metric::DefectsOpened => openings(pass, IncidentKind::Defects),
        Metric::OpenIncidents => open_incidents(pass),
        Metric::DefectAge => defect_ages(pass),
        Metric::Availability => outages(pass),
        Metric::ChangeLeadTime
        | Metric::LeadTimeCoding
        | Metric::LeadTimePickup
        | Metric::LeadTimeReview
        | Metric::LeadTimeMerge
        | Metric::LeadTimeBuild
        | Metric::LeadTimeDeploy => {
            let Some(span) = ChangeSpan::of(metric, pass.selection.question) else {
                return;
            };
            match span {
                ChangeSpan::Part(..) if Form::of(metric, asked.statistic) == Form::PartMean => {
                    part_sums(pass, lanes, span)
                }
                ChangeSpan::LeadTime(_) | ChangeSpan::Part(..) => spans(pass, lanes, span),
            }
        }
    }
}
