//! Changes on their way into columns, one after another in the order of their deployments.

use super::NONE;
use super::columns::{Changes, Durations, EarlyParts};
use crate::model::EventKey;

/// One change, its spans in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) key: EventKey,
    pub(super) landed: Option<i64>,
    pub(super) committed: Option<i64>,
    pub(super) authored: Option<i64>,
    pub(super) opened: Option<i64>,
    pub(super) merged: Option<i64>,
    pub(super) parts: [Option<i64>; 6],
    pub(super) early_parts: Option<[Option<i64>; 6]>,
    pub(super) author: u32,
    pub(super) is_repeated_in_tier: bool,
    pub(super) is_revert: bool,
    pub(super) is_in_pull_request: bool,
}

/// Columns under work.
pub(super) struct Rows {
    changes: Changes,
    committed: Durations,
    authored: Durations,
    opened: Durations,
    merged: Durations,
    parts: [Durations; 6],
    early_parts: EarlyParts,
}

impl Rows {
    pub(super) fn with_capacity(deployments: usize, changes: usize) -> Self {
        let mut rows = Self {
            changes: Changes::default(),
            committed: Durations::default(),
            authored: Durations::default(),
            opened: Durations::default(),
            merged: Durations::default(),
            parts: Default::default(),
            early_parts: EarlyParts::default(),
        };
        rows.changes.offset.reserve_exact(deployments + 1);
        rows.changes.offset.push(0);
        rows.changes.key.reserve(changes);
        rows.changes.landed.seconds.reserve(changes);
        rows
    }

    pub(super) fn push(&mut self, change: Change) {
        let changes = &mut self.changes;
        if let Some(parts) = change.early_parts {
            self.early_parts.change.push(changes.len() as u32);
            for (part, span) in self.early_parts.parts.iter_mut().zip(parts) {
                part.push(span);
            }
        }
        changes.key.push(change.key);
        changes.landed.push(change.landed);
        self.committed.push(change.committed);
        self.authored.push(change.authored);
        self.opened.push(change.opened);
        self.merged.push(change.merged);
        for (part, span) in self.parts.iter_mut().zip(change.parts) {
            part.push(span);
        }
        changes.author.push(change.author);
        changes.repeated_in_tier.push(change.is_repeated_in_tier);
        changes.revert.push(change.is_revert);
        changes.in_pull_request.push(change.is_in_pull_request);
    }

    pub(super) fn end_deployment(&mut self) {
        let end = self.changes.key.len() as u32;
        self.changes.offset.push(end);
    }

    /// Drops the columns that say nothing.
    pub(super) fn finish(self) -> Changes {
        let mut changes = self.changes;
        let count = changes.key.len();
        let known = |spans: Durations| (spans.missing as usize != count).then_some(spans);
        let differs = |spans: Durations| (spans != changes.landed).then_some(spans);
        changes.committed = differs(self.committed);
        changes.authored = differs(self.authored);
        changes.opened = known(self.opened);
        changes.merged = known(self.merged);
        let is_parted = self.parts[..5]
            .iter()
            .any(|part| part.missing as usize != count);
        let is_early = !self.early_parts.change.is_empty();
        changes.early_parts = is_early.then(|| Box::new(self.early_parts));
        changes.parts = is_parted.then(|| Box::new(self.parts));
        if changes.author.iter().all(|author| *author == NONE) {
            changes.author = Vec::new();
        }
        for flags in [
            &mut changes.repeated_in_tier,
            &mut changes.revert,
            &mut changes.in_pull_request,
        ] {
            if !flags.contains(&true) {
                *flags = Vec::new();
            }
        }
        changes.key.shrink_to_fit();
        changes.landed.seconds.shrink_to_fit();
        changes
    }
}
