//! What is odd about the events of one application: rows for `quality`, and one notice a kind with its count.

use super::{QualityKind, QualityRow};
use crate::model::{Application, Event, EventKey, EventKind, Notice, SourceName};

/// Oddities that have no row of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Oddity {
    /// A rollout that ended before it started: its start counts as unknown.
    EndsBeforeStart,
    /// A rollout that says neither when it started nor when it ended.
    NoTime,
    /// A rollout of which nothing says the environment.
    NoEnvironment,
    /// A delivered commit of a monorepo whose paths nobody read.
    NoPaths,
}

/// Collects what is odd; order of arrival does not matter.
#[derive(Default)]
pub(super) struct Findings {
    rows: Vec<QualityRow>,
    counts: [usize; 4],
}

impl Findings {
    /// Adds a row about an event.
    pub(super) fn row(&mut self, kind: QualityKind, event: &Event, at: i64, text: String) {
        let about = (event.body.kind(), event.key());
        self.row_about(kind, about, &event.source, at, text);
    }

    /// Adds a row about what a deployment was made of.
    pub(super) fn row_about(
        &mut self,
        kind: QualityKind,
        event: (EventKind, EventKey),
        source: &SourceName,
        at: i64,
        text: String,
    ) {
        self.rows.push(QualityRow {
            kind,
            event,
            source: source.clone(),
            at,
            text,
        });
    }

    /// Counts an oddity.
    pub(super) fn count(&mut self, oddity: Oddity) {
        self.counts[oddity as usize] += 1;
    }

    /// The rows in order, and the notices.
    pub(super) fn finish(mut self, application: &Application) -> (Vec<QualityRow>, Vec<Notice>) {
        self.rows.sort_by(|one, other| {
            let order = |row: &QualityRow| (row.kind, row.at, row.event);
            order(one)
                .cmp(&order(other))
                .then_with(|| one.text.cmp(&other.text))
        });
        self.rows.dedup();
        let rows_of = |kind| self.rows.iter().filter(|row| row.kind == kind).count();
        let oddities = [
            (
                rows_of(QualityKind::NegativeLeadTime),
                "changes would have been deployed before they were committed: their lead time is unknown",
            ),
            (
                rows_of(QualityKind::NegativeRestore),
                "incidents were resolved before they were opened, or before the deployment they are linked to \
                 finished: that resolution counts for nothing",
            ),
            (
                self.counts[Oddity::EndsBeforeStart as usize],
                "rollouts ended before they started: their start counts as unknown",
            ),
            (
                self.counts[Oddity::NoTime as usize],
                "rollouts say neither when they started nor when they ended: they are left out",
            ),
            (
                self.counts[Oddity::NoEnvironment as usize],
                "rollouts name no environment, nor do their source and the rules: they stand under `unknown`",
            ),
            (
                self.counts[Oddity::NoPaths as usize],
                "commits of a monorepo have no known paths: they are changes of nobody",
            ),
        ];
        let notices = oddities
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| Notice::warning(format!("{application}: {count} {what}")))
            .collect();
        (self.rows, notices)
    }
}
