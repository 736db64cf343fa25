//! What one pass over the blocks finds: values and counts by group and cell, not yet made into statistics.

use std::borrow::Cow;
use std::ops::Range;

use smallvec::SmallVec;

use super::buckets::{Buckets, first_not_before};
use super::groups::Registry;
use super::tallies::{Counts, Singles, Tallies};

/// Values of one group from one lane, in order of their cells.
pub(super) struct Column<'a, V: Clone> {
    pub group: u32,
    /// Borrowed from the block wherever a stretch of it can be taken as it is.
    pub values: Cow<'a, [V]>,
    pub runs: Runs<'a>,
}

/// Which cells the values of a column lie in.
#[derive(Clone)]
pub(super) enum Runs<'a> {
    /// Cells that have values, in order, each with the index one past its last value.
    Listed(SmallVec<[(u32, u32); 1]>),
    /// As a block has them: when deployments finished, and the first value of each and one past the last, the first
    /// one's first being the column's. Nothing is split up before it is known what for.
    Timed { times: &'a [i64], offset: &'a [u32] },
}

impl Runs<'_> {
    /// The values of a range of cells, as a range of indices.
    pub fn of(&self, cells: &Range<usize>, buckets: &Buckets) -> Range<usize> {
        match self {
            Self::Listed(runs) => {
                let end_before = |bound: usize| {
                    let run = runs.partition_point(|(cell, _)| (*cell as usize) < bound);
                    run.checked_sub(1).map_or(0, |run| runs[run].1 as usize)
                };
                end_before(cells.start)..end_before(cells.end)
            }
            Self::Timed { times, offset } => {
                let first_from =
                    |bound| (offset[first_not_before(times, bound)] - offset[0]) as usize;
                first_from(buckets.bounds[cells.start])..first_from(buckets.bounds[cells.end])
            }
        }
    }

    /// Calls `each` with stretches of values that lie in one cell: the cell, and a range of indices.
    #[inline]
    pub fn each(&self, buckets: &Buckets, mut each: impl FnMut(usize, Range<usize>)) {
        match self {
            Self::Listed(runs) => {
                let mut start = 0;
                for (cell, end) in runs {
                    each(*cell as usize, start..*end as usize);
                    start = *end as usize;
                }
            }
            Self::Timed { times, offset } => {
                let first = offset[0];
                buckets.each(times, 0..times.len(), |cell, at| {
                    each(
                        cell,
                        (offset[at] - first) as usize..(offset[at + 1] - first) as usize,
                    );
                });
            }
        }
    }
}

impl<V: Clone> Column<'_, V> {
    /// Adds a value to a listed column; cells must not go back.
    pub fn push(&mut self, cell: usize, value: V) {
        let values = self.values.to_mut();
        values.push(value);
        let end = values.len() as u32;
        if let Runs::Listed(runs) = &mut self.runs {
            match runs.last_mut() {
                Some((last, past)) if *last == cell as u32 => *past = end,
                _ => runs.push((cell as u32, end)),
            }
        }
    }
}

impl<V: Clone> Column<'static, V> {
    /// A listed column without values, with room for some.
    pub fn new(group: u32, room: usize) -> Self {
        Self {
            group,
            values: Cow::Owned(Vec::with_capacity(room)),
            runs: Runs::Listed(SmallVec::new()),
        }
    }
}

/// Columns of several groups while they grow; rows come in order of their cells.
pub(super) struct Columns<V: Clone + 'static>(pub Vec<Column<'static, V>>, usize);

impl<V: Clone> Default for Columns<V> {
    fn default() -> Self {
        Self::with_room(0)
    }
}

impl<V: Clone> Columns<V> {
    /// No columns yet; the first one gets room for this many values.
    pub fn with_room(room: usize) -> Self {
        Self(Vec::new(), room)
    }
}

impl<V: Copy> Columns<V> {
    /// Adds a value to each of the groups.
    pub fn push(&mut self, groups: &[u32], cell: usize, value: V) {
        for group in groups {
            let known = self.0.iter().position(|column| column.group == *group);
            let at = known.unwrap_or_else(|| {
                let room = if self.0.is_empty() { self.1 } else { 0 };
                self.0.push(Column::new(*group, room));
                self.0.len() - 1
            });
            self.0[at].push(cell, value);
        }
    }
}

/// What a pass over some blocks found.
pub(super) struct Sheet<'a> {
    pub registry: Registry,
    /// The coverage classes of each group's applications, by group.
    pub classes: Vec<SmallVec<[u32; 1]>>,
    pub tallies: Tallies,
    /// Linked of all deployments.
    pub linked: Tallies,
    /// Both of them, as long as they are counted one by one.
    pub singles: Singles,
    /// Values in whole seconds, or counts.
    pub narrow: Vec<Column<'a, u32>>,
    /// Values in milliseconds.
    pub wide: Vec<Column<'a, u64>>,
    /// Spans of user-facing incidents by group, milliseconds.
    pub outages: Vec<(u32, i64, i64)>,
    /// Changes whose pull request is known, of all that have a lead time.
    pub in_pull_requests: Counts,
    /// Values that are missing because they would be negative.
    pub negative: u64,
    /// Failed deployments that have not recovered, and when the oldest of them finished.
    pub unrecovered: (u64, i64),
    /// The answer is less exact than the question (a sentence).
    pub caveats: Vec<String>,
}

impl Sheet<'_> {
    /// An empty sheet of a question with one group over this many cells, or with many groups (`None`).
    pub fn new(cells_of_one_group: Option<usize>) -> Self {
        Self {
            registry: Registry::default(),
            classes: Vec::new(),
            tallies: Tallies::new(cells_of_one_group),
            linked: Tallies::new(cells_of_one_group),
            singles: Singles::default(),
            narrow: Vec::new(),
            wide: Vec::new(),
            outages: Vec::new(),
            in_pull_requests: Counts::default(),
            negative: 0,
            unrecovered: (0, i64::MAX),
            caveats: Vec::new(),
        }
    }

    /// Says that an application of that class belongs to the group.
    pub fn belongs(&mut self, group: u32, class: u32) {
        let at = group as usize;
        if self.classes.len() <= at {
            self.classes.resize_with(at + 1, SmallVec::new);
        }
        if !self.classes[at].contains(&class) {
            self.classes[at].push(class);
        }
    }
}

impl<'a> Sheet<'a> {
    /// Joins what several passes over different blocks found.
    pub fn joined(sheets: Vec<Self>) -> Self {
        let mut all = Sheet::new(None);
        let groups = sheets.iter().map(|sheet| sheet.registry.values.len());
        all.registry.reserve(groups.sum());
        for mut sheet in sheets {
            let singles = std::mem::take(&mut sheet.singles);
            singles.settle(0, &mut sheet.tallies, &mut sheet.linked);
            let renumbered: Vec<u32> = sheet
                .registry
                .values
                .into_iter()
                .map(|values| all.registry.number(values))
                .collect();
            for (group, classes) in sheet.classes.into_iter().enumerate() {
                for class in classes {
                    all.belongs(renumbered[group], class);
                }
            }
            all.tallies
                .list
                .extend(sheet.tallies.into_list(&renumbered));
            all.linked.list.extend(sheet.linked.into_list(&renumbered));
            let number = |group: u32| renumbered[group as usize];
            all.narrow
                .extend(sheet.narrow.into_iter().map(|column| Column {
                    group: number(column.group),
                    ..column
                }));
            all.wide.extend(sheet.wide.into_iter().map(|column| Column {
                group: number(column.group),
                ..column
            }));
            all.outages.extend(
                sheet
                    .outages
                    .into_iter()
                    .map(|(group, start, end)| (number(group), start, end)),
            );
            all.in_pull_requests.add(sheet.in_pull_requests);
            all.negative += sheet.negative;
            all.unrecovered.0 += sheet.unrecovered.0;
            all.unrecovered.1 = all.unrecovered.1.min(sheet.unrecovered.1);
            all.caveats.extend(sheet.caveats);
        }
        all.classes
            .resize_with(all.registry.values.len(), SmallVec::new);
        all.caveats.sort();
        all.caveats.dedup();
        all
    }
}
