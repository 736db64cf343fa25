//! Statistics over the values of columns, one a point.

use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;

use crate::model::Statistic;

use super::buckets::Buckets;
use super::quantile::{Value, quantile, quantile_of_slices, sum};
use super::scatter::{Scattered, VALUES_FOR_TWO_THREADS, scattered};
use super::scope::on_two_threads;
use super::sheet::Column;

/// More columns than this are first scattered over the cells.
const COLUMNS_READ_IN_PLACE: usize = 8;

/// The statistic and the number of values of each slot (a range of cells).
///
/// Values in seconds are widened where others are in milliseconds.
pub(super) fn statistic_of(
    statistic: Statistic,
    narrow: &[&Column<'_, u32>],
    wide: &[&Column<'_, u64>],
    slots: &[Range<usize>],
    buckets: &Buckets,
) -> Vec<(Option<f64>, u64)> {
    if wide.is_empty() {
        return by_slot(statistic, narrow, slots, buckets);
    }
    let widened: Vec<Column<'_, u64>> = narrow
        .iter()
        .map(|column| Column {
            group: column.group,
            values: Cow::Owned(
                column
                    .values
                    .iter()
                    .map(|value| u64::from(*value) * 1000)
                    .collect(),
            ),
            runs: column.runs.clone(),
        })
        .collect();
    let all: Vec<&Column<'_, u64>> = wide.iter().copied().chain(&widened).collect();
    by_slot(statistic, &all, slots, buckets)
}

fn by_slot<V: Value>(
    statistic: Statistic,
    columns: &[&Column<'_, V>],
    slots: &[Range<usize>],
    buckets: &Buckets,
) -> Vec<(Option<f64>, u64)> {
    let mut scratch = Vec::new();
    if columns.len() <= COLUMNS_READ_IN_PLACE || slots.len() == 1 {
        let one = |cells: &Range<usize>| {
            let slices: Vec<&[V]> = columns
                .iter()
                .map(|column| &column.values[column.runs.of(cells, buckets)])
                .filter(|slice| !slice.is_empty())
                .collect();
            let count = slices.iter().map(|slice| slice.len() as u64).sum();
            (of_slices(statistic, &slices, &mut scratch), count)
        };
        return slots.iter().map(one).collect();
    }
    let total: usize = columns.iter().map(|column| column.values.len()).sum();
    let cells = slots.iter().map(|slot| slot.end).max().unwrap_or(0);
    let cells = cells.max(buckets.cells());
    scattered(columns, cells, buckets, |scattered| {
        if total < VALUES_FOR_TWO_THREADS {
            let slots = slots.iter();
            return slots
                .map(|slot| of_cells(statistic, scattered, slot, &mut scratch))
                .collect();
        }
        on_two_threads(|| {
            slots
                .par_iter()
                .map_init(Vec::new, |scratch, slot| {
                    of_cells(statistic, scattered, slot, scratch)
                })
                .collect()
        })
    })
}

fn of_cells<V: Value>(
    statistic: Statistic,
    scattered: &Scattered<'_, V>,
    cells: &Range<usize>,
    scratch: &mut Vec<V>,
) -> (Option<f64>, u64) {
    let slices = scattered.of(cells);
    let count = slices.iter().map(|slice| slice.len() as u64).sum();
    (of_slices(statistic, &slices, scratch), count)
}

/// The statistic over values that lie in several slices; `None` without a value, but for their count.
fn of_slices<V: Value>(statistic: Statistic, slices: &[&[V]], scratch: &mut Vec<V>) -> Option<f64> {
    if let Some(rank) = statistic.quantile() {
        return if slices.len() == 1 && slices[0].len() < 1_000 {
            scratch.clear();
            scratch.extend_from_slice(slices[0]);
            quantile(scratch, rank)
        } else {
            quantile_of_slices(slices, rank, scratch)
        };
    }
    let values = || slices.iter().flat_map(|slice| slice.iter().copied());
    match statistic {
        Statistic::Count => Some(sum(slices).1 as f64),
        Statistic::Min => values().min().map(Value::number),
        Statistic::Max => values().max().map(Value::number),
        Statistic::Sum => Some(sum(slices))
            .filter(|(_, count)| *count > 0)
            .map(|(sum, _)| V::total(sum)),
        Statistic::Mean | Statistic::Value => Some(sum(slices))
            .filter(|(_, count)| *count > 0)
            .map(|(sum, count)| V::total(sum) / count as f64),
        Statistic::P50 | Statistic::P75 | Statistic::P90 | Statistic::P95 => None,
    }
}

/// Availability of each point: 1 − the union of outages ÷ the time that every class covers; and the number of outages.
pub(super) fn downtime(
    mut outages: Vec<(i64, i64)>,
    covered: &[&[(i64, i64)]],
    buckets: &Buckets,
) -> Vec<(Option<f64>, u64)> {
    let Some((first, others)) = covered.split_first() else {
        return vec![(None, 0); buckets.points.len()];
    };
    let mut known = first.to_vec();
    for other in others {
        known = shared(&known, other);
    }
    outages.sort_unstable();
    let mut down: Vec<(i64, i64)> = Vec::new();
    for (start, end) in &outages {
        match down.last_mut() {
            Some(last) if *start <= last.1 => last.1 = last.1.max(*end),
            _ => down.push((*start, *end)),
        }
    }
    let down = shared(&down, &known);
    let length = |ranges: &[(i64, i64)], asked: &Range<i64>| -> i64 {
        let first = ranges.partition_point(|(_, end)| *end <= asked.start);
        let inside = ranges[first..]
            .iter()
            .take_while(|(start, _)| *start < asked.end);
        inside
            .map(|(start, end)| (*end).min(asked.end) - (*start).max(asked.start))
            .sum()
    };
    let points = buckets.points.iter();
    points
        .map(|span| {
            let covered = length(&known, &span.asked);
            let touching =
                |(start, end): &&(i64, i64)| *start < span.asked.end && *end > span.asked.start;
            let count = outages.iter().filter(touching).count() as u64;
            let up = covered - length(&down, &span.asked);
            ((covered > 0).then(|| up as f64 / covered as f64), count)
        })
        .collect()
}

/// What two lists of ranges share; both sorted and apart.
fn shared(ours: &[(i64, i64)], theirs: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let (mut at, mut shared) = (0, Vec::new());
    for (start, end) in ours {
        while at < theirs.len() && theirs[at].1 <= *start {
            at += 1;
        }
        for range in theirs[at..].iter().take_while(|range| range.0 < *end) {
            shared.push(((*start).max(range.0), (*end).min(range.1)));
        }
    }
    shared
}
