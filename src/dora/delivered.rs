//! How many changes were delivered, and sums over them.

use std::ops::Range;

use smallvec::SmallVec;

use crate::correlate::{Durations, Flags, NONE};

use super::lead_time::{ChangeSpan, Picked};
use super::parts::lead_time;
use super::pass::{LaneRows, Pass, single};
use super::sheet::Columns;
use super::tallies::Counts;

/// What is counted of changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ChangeCount {
    /// All.
    All,
    /// Those that revert an earlier one.
    Reverts,
    /// Those of rework deployments.
    Rework,
}

/// Counts the changes that were delivered in each cell.
pub(super) fn counts<'a>(
    pass: &mut Pass<'_, '_, 'a>,
    lanes: &[LaneRows<'a>],
    counted: ChangeCount,
) {
    for at in lanes {
        let repeats = pass.repeats(at.lane.tier);
        for changes in pass.changes(at.lane) {
            let picked = Picked {
                at,
                changes,
                repeats: &repeats,
                counts_links: false,
            };
            let whole = picked
                .whole_group()
                .filter(|_| counted == ChangeCount::All && repeats.counts_all(changes));
            if let Some(group) = whole {
                for (cell, deployments) in at.rows(pass.buckets) {
                    let count = changes.offset[deployments.end] - changes.offset[deployments.start];
                    let counts = Counts::of(count.into(), count.into());
                    pass.sheet.tallies.add(group, pass.class, *cell, counts);
                }
                continue;
            }
            let mut sums = Sums::default();
            picked.each(pass, |_, cell, deployment, at, groups| {
                let flags = picked.at.lane.deployments.flags[deployment];
                let part = match counted {
                    ChangeCount::All => true,
                    ChangeCount::Reverts => changes.revert.get(at).copied().unwrap_or(false),
                    ChangeCount::Rework => flags.has(Flags::REWORK),
                };
                sums.add(groups, cell, Counts::of(part.into(), 1));
            });
            sums.settle(pass);
        }
    }
}

/// Sums a part of the lead time in each cell, over all changes that have a lead time.
///
/// A part that a change does not have took no time: so the means of the parts add up to the mean lead time.
pub(super) fn part_sums<'a>(pass: &mut Pass<'_, '_, 'a>, lanes: &[LaneRows<'a>], span: ChangeSpan) {
    let ChangeSpan::Part(_, from) = span else {
        return;
    };
    for at in lanes {
        let repeats = pass.repeats(at.lane.tier);
        for changes in pass.changes(at.lane) {
            let total = lead_time(changes, from);
            let Some(total) = total else {
                continue;
            };
            let part = span.durations(changes);
            let part = part.as_deref();
            let picked = Picked {
                at,
                changes,
                repeats: &repeats,
                counts_links: false,
            };
            if let Some(group) = picked.whole_group().filter(|_| repeats.counts_all(changes)) {
                for (cell, deployments) in at.rows(pass.buckets) {
                    let start = changes.offset[deployments.start] as usize;
                    let end = changes.offset[deployments.end] as usize;
                    let counts = sum_part(total, part, start..end);
                    pass.sheet.tallies.add(group, pass.class, *cell, counts);
                }
                continue;
            }
            let mut sums = Sums::default();
            picked.each(pass, |_, cell, _, at, groups| {
                sums.add(groups, cell, sum_part(total, part, at..at + 1));
            });
            sums.settle(pass);
        }
    }
}

/// Milliseconds of a part over the changes that have a lead time, how many those are, and how many have the part.
fn sum_part(total: &Durations, part: Option<&Durations>, changes: Range<usize>) -> Counts {
    let totals = &total.seconds[changes.clone()];
    let whole = totals.iter().filter(|total| **total != NONE).count() as u64;
    let mut counts = Counts {
        whole,
        ..Counts::default()
    };
    let Some(part) = part else {
        return counts;
    };
    for (total, part) in totals.iter().zip(&part.seconds[changes.clone()]) {
        let known = *total != NONE && *part != NONE;
        counts.known += u64::from(known);
        counts.part += if known { u64::from(*part) * 1000 } else { 0 };
    }
    if let Some(rest) = part.milliseconds.get(changes.clone()) {
        // Missing spans have no milliseconds.
        let rest = rest.iter().zip(totals).filter(|(_, total)| **total != NONE);
        counts.part += rest.map(|(rest, _)| u64::from(*rest)).sum::<u64>();
    }
    counts
}

/// Sums of a lane by group and cell, so that a table gets one entry for many rows.
#[derive(Default)]
struct Sums(Vec<(u32, usize, Counts)>);

impl Sums {
    fn add(&mut self, groups: &[u32], cell: usize, counts: Counts) {
        for group in groups {
            // Rows come in order of time: what is summed up is among the last entries.
            let recent = self.0.iter_mut().rev().take(8);
            match recent
                .into_iter()
                .find(|(of, at, _)| of == group && *at == cell)
            {
                Some((_, _, sum)) => sum.add(counts),
                None => self.0.push((*group, cell, counts)),
            }
        }
    }

    fn settle(self, pass: &mut Pass<'_, '_, '_>) {
        for (group, cell, counts) in self.0 {
            pass.sheet.tallies.add(group, pass.class, cell, counts);
        }
    }
}

/// Gathers how many changes each deployment delivered; of a baseline and of an unlinked one nobody knows.
pub(super) fn batch_sizes<'a>(pass: &mut Pass<'_, '_, 'a>, lanes: &[LaneRows<'a>]) {
    for of in lanes {
        let LaneRows { lane, group, .. } = of;
        let all = pass.changes(lane);
        let mut columns = Columns::default();
        let mut authors = SmallVec::new();
        for (cell, at) in single(of.rows(pass.buckets)) {
            let flags = lane.deployments.flags[at];
            if flags.has(Flags::BASELINE) || !flags.has(Flags::LINKED) {
                continue;
            }
            let size: u32 = all.iter().map(|changes| changes.of(at).len() as u32).sum();
            if let Some(group) = group {
                columns.push(&[*group], cell, size);
                continue;
            }
            let facts = pass.deployment_facts(lane, at, &mut authors);
            let groups = pass.row_groups(Some(lane.environment.text()), &facts);
            columns.push(&groups, cell, size);
        }
        pass.sheet.narrow.extend(columns.0);
    }
}
