//! Values of many columns in order of their cells: reading a few from each of thousands of columns, for every point
//! anew, would wait for memory.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::buckets::Buckets;
use super::quantile::Value;
use super::scope::on_two_threads;
use super::sheet::Column;

/// Values from which a second thread is worth it.
pub(super) const VALUES_FOR_TWO_THREADS: usize = 50_000;
/// Values of a part, where there are many: what is read and written twice stays in the processor's cache.
const VALUES_OF_A_PART: usize = 1 << 17;
/// Values that are moved at once: most deployments have fewer, and moving as many as there are would be a branch that
/// nobody can foresee.
const MOVED_AT_ONCE: usize = 8;
/// Values of the largest room that is kept (32 or 64 MiB).
const LARGEST_KEPT: usize = 1 << 23;

/// Room of an earlier answer: fresh memory of this size is made by the system page by page, which takes longer than
/// filling it.
pub(super) type Spare<V> = Mutex<Vec<V>>;

/// Some columns' values by cell.
struct Part<'r, V> {
    values: &'r [V],
    /// The values of each cell, as a range of indices; behind it lies some room that holds nothing.
    cells: Vec<Range<usize>>,
}

/// The values of all columns by cell, in several parts.
pub(super) struct Scattered<'r, V>(Vec<Part<'r, V>>);

impl<'r, V> Scattered<'r, V> {
    /// The values of a range of cells.
    pub fn of(&self, cells: &Range<usize>) -> Vec<&'r [V]> {
        let parts = self.0.iter();
        parts
            .flat_map(|part| {
                let cells = part.cells[cells.clone()].iter();
                cells.map(|cell| &part.values[cell.clone()])
            })
            .collect()
    }
}

/// Puts the columns' values in order of their cells, and has `read` read them.
pub(super) fn scattered<V: Value, T>(
    columns: &[&Column<'_, V>],
    cells: usize,
    buckets: &Buckets,
    read: impl FnOnce(&Scattered<'_, V>) -> T,
) -> T {
    let total: usize = columns.iter().map(|column| column.values.len()).sum();
    let parts = parts(columns, total);
    let mut room = {
        let mut spare = V::spare().lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *spare)
    };
    let needed = total + parts.len() * cells * MOVED_AT_ONCE;
    if room.len() < needed {
        room.resize(needed, V::LEAST);
    }
    let mut rest = &mut room[..];
    let mut jobs = Vec::with_capacity(parts.len());
    for columns in parts {
        let values: usize = columns.iter().map(|column| column.values.len()).sum();
        let (room, after) = rest.split_at_mut(values + cells * MOVED_AT_ONCE);
        jobs.push((columns, room));
        rest = after;
    }
    let scatter = |(columns, room)| scatter(columns, cells, buckets, room);
    let scattered = if total < VALUES_FOR_TWO_THREADS {
        jobs.into_iter().map(scatter).collect()
    } else {
        on_two_threads(|| jobs.into_par_iter().map(scatter).collect())
    };
    let result = read(&Scattered(scattered));
    if room.len() <= LARGEST_KEPT {
        *V::spare().lock().unwrap_or_else(PoisonError::into_inner) = room;
    }
    result
}

/// The columns in parts of about the same number of values, two at least where there are many.
fn parts<'c, 'a, V: Value>(
    mut columns: &'c [&'c Column<'a, V>],
    total: usize,
) -> Vec<&'c [&'c Column<'a, V>]> {
    let least = if total < VALUES_FOR_TWO_THREADS { 1 } else { 2 };
    let size = total.div_ceil(total.div_ceil(VALUES_OF_A_PART).max(least));
    let mut parts = Vec::new();
    while !columns.is_empty() {
        let mut values = 0;
        let is_full = |column: &&Column<'_, V>| {
            values += column.values.len();
            values >= size.max(1)
        };
        let full = columns.iter().position(is_full);
        let (part, rest) = columns.split_at(full.map_or(columns.len(), |at| at + 1));
        parts.push(part);
        columns = rest;
    }
    parts
}

/// Scatters one part: counts first, so that each value moves once.
fn scatter<'r, V: Value>(
    columns: &[&Column<'_, V>],
    cells: usize,
    buckets: &Buckets,
    values: &'r mut [V],
) -> Part<'r, V> {
    let mut counts = vec![0_usize; cells];
    for column in columns {
        let count = |cell: usize, stretch: Range<usize>| counts[cell] += stretch.len();
        column.runs.each(buckets, count);
    }
    let mut start = 0;
    let mut cells = Vec::with_capacity(cells);
    for count in counts {
        cells.push(start..start);
        // What is moved too much ends before the next cell.
        start += count + MOVED_AT_ONCE;
    }
    for column in columns {
        let source = &*column.values;
        column.runs.each(buckets, |cell, stretch| {
            let at = cells[cell].end;
            let end = at + stretch.len();
            cells[cell].end = end;
            let from = source[stretch.start..].first_chunk::<MOVED_AT_ONCE>();
            match (from, values[at..].first_chunk_mut()) {
                (Some(from), Some(to)) if stretch.len() <= MOVED_AT_ONCE => *to = *from,
                _ => values[at..end].copy_from_slice(&source[stretch]),
            }
        });
    }
    Part { values, cells }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;
    use crate::dora::sheet::Runs;
    use crate::model::{Bucket, TimeRange, WeekStart};

    /// Ten days of 1970 in UTC.
    fn ten_days() -> Buckets {
        let range = TimeRange::new(
            DateTime::UNIX_EPOCH,
            DateTime::from_timestamp(10 * 86_400, 0).unwrap(),
        );
        Buckets::new(
            Bucket::Day,
            WeekStart::Monday,
            range,
            i64::MAX - 1,
            chrono_tz::UTC,
        )
    }

    proptest! {
        #[test]
        fn every_value_lands_in_its_cell_and_nothing_else_does(
            lanes in proptest::collection::vec(
                proptest::collection::vec((0..864_000_000_i64, 0..12_usize), 0..30), 1..20
            ),
        ) {
            let buckets = ten_days();
            let mut expected: Vec<Vec<u32>> = vec![Vec::new(); 10];
            let (mut times, mut offsets, mut values) = (Vec::new(), Vec::new(), Vec::new());
            let mut next = 0;
            for mut lane in lanes {
                lane.sort_unstable();
                let (mut offset, mut of_lane) = (vec![7_u32], Vec::new());
                for (time, count) in &lane {
                    for _ in 0..*count {
                        expected[(time / 86_400_000) as usize].push(next);
                        of_lane.push(next);
                        next += 1;
                    }
                    offset.push(7 + of_lane.len() as u32);
                }
                times.push(lane.iter().map(|(time, _)| *time).collect::<Vec<_>>());
                offsets.push(offset);
                values.push(of_lane);
            }
            let columns: Vec<Column<'_, u32>> = times.iter().zip(&offsets).zip(&values)
                .map(|((times, offset), values)| Column {
                    group: 0,
                    values: Cow::Borrowed(values),
                    runs: Runs::Timed { times, offset },
                })
                .collect();
            let columns: Vec<&Column<'_, u32>> = columns.iter().collect();
            scattered(&columns, 10, &buckets, |scattered| {
                for (day, expected) in expected.iter().enumerate() {
                    let mut found = scattered.of(&(day..day + 1)).concat();
                    found.sort_unstable();
                    prop_assert_eq!(&found, expected);
                }
                Ok(())
            })?;
        }
    }
}
