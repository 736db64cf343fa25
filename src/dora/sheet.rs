//! What one pass over the blocks finds: values and counts by group and cell, not yet made into statistics.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::groups::Registry;

/// Values of one group from one lane, in order of their cells.
pub(super) struct Column<'a, V: Clone> {
    pub group: u32,
    /// Borrowed from the block wherever a stretch of it can be taken as it is.
    pub values: Cow<'a, [V]>,
    /// Cells that have values, in order, each with the index one past its last value.
    pub runs: SmallVec<[(u32, u32); 1]>,
}

impl<V: Clone> Column<'_, V> {
    pub fn new(group: u32) -> Self {
        Self {
            group,
            values: Cow::Owned(Vec::new()),
            runs: SmallVec::new(),
        }
    }

    /// Adds a value; cells must not go back.
    pub fn push(&mut self, cell: usize, value: V) {
        let values = self.values.to_mut();
        values.push(value);
        let end = values.len() as u32;
        match self.runs.last_mut() {
            Some((last, past)) if *last == cell as u32 => *past = end,
            _ => self.runs.push((cell as u32, end)),
        }
    }
}

/// Columns of several groups while they grow; rows come in order of their cells.
pub(super) struct Columns<V: Clone + 'static>(pub Vec<Column<'static, V>>);

impl<V: Clone> Default for Columns<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V: Copy> Columns<V> {
    /// Adds a value to each of the groups.
    pub fn push(&mut self, groups: &[u32], cell: usize, value: V) {
        for group in groups {
            let known = self.0.iter().position(|column| column.group == *group);
            let at = known.unwrap_or_else(|| {
                self.0.push(Column::new(*group));
                self.0.len() - 1
            });
            self.0[at].push(cell, value);
        }
    }
}

/// A count of one group in one cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub group: u32,
    /// The coverage class of the application it came from.
    pub class: u32,
    pub cell: u32,
    pub counts: Counts,
}

/// What is counted: a part of a whole, and how many of the whole have a value at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub part: u64,
    pub whole: u64,
    pub known: u64,
}

impl Counts {
    pub fn of(part: u64, whole: u64) -> Self {
        Self {
            part,
            whole,
            known: whole,
        }
    }

    pub fn add(&mut self, other: Self) {
        self.part += other.part;
        self.whole += other.whole;
        self.known += other.known;
    }
}

/// Counts by group, class and cell.
///
/// With one group they are summed as they come, else kept as a list: a dense table of ten thousand groups by ten
/// thousand cells would not fit, and most of it would be empty.
#[derive(Default)]
pub(super) struct Tallies {
    /// By class, then cell; only where there is one group.
    dense: Vec<Vec<Counts>>,
    cells: usize,
    pub list: Vec<Tally>,
}

impl Tallies {
    /// Tallies of a question with one group over this many cells, or with many groups (`None`).
    pub fn new(cells_of_one_group: Option<usize>) -> Self {
        Self {
            dense: Vec::new(),
            cells: cells_of_one_group.unwrap_or(0),
            list: Vec::new(),
        }
    }

    pub fn add(&mut self, group: u32, class: u32, cell: usize, counts: Counts) {
        self.row(group, class).add(cell, counts);
    }

    /// Where the counts of one group and class go: looked up once for many.
    pub fn row(&mut self, group: u32, class: u32) -> TallyRow<'_> {
        if self.cells == 0 {
            return TallyRow::Listed {
                list: &mut self.list,
                group,
                class,
            };
        }
        let class = class as usize;
        if self.dense.len() <= class {
            self.dense.resize_with(class + 1, Vec::new);
        }
        let dense = &mut self.dense[class];
        if dense.is_empty() {
            dense.resize(self.cells, Counts::default());
        }
        TallyRow::Dense(dense)
    }

    /// All counts as a list, the groups renumbered.
    fn into_list(self, renumbered: &[u32]) -> impl Iterator<Item = Tally> {
        let dense = self
            .dense
            .into_iter()
            .enumerate()
            .flat_map(|(class, cells)| {
                cells
                    .into_iter()
                    .enumerate()
                    .filter(|(_, counts)| *counts != Counts::default())
                    .map(move |(cell, counts)| Tally {
                        group: 0,
                        class: class as u32,
                        cell: cell as u32,
                        counts,
                    })
            });
        dense.chain(self.list).map(|mut tally| {
            tally.group = renumbered[tally.group as usize];
            tally
        })
    }
}

/// The tallies of one group and class.
pub(super) enum TallyRow<'t> {
    Dense(&'t mut [Counts]),
    Listed {
        list: &'t mut Vec<Tally>,
        group: u32,
        class: u32,
    },
}

impl TallyRow<'_> {
    #[inline]
    pub fn add(&mut self, cell: usize, counts: Counts) {
        match self {
            Self::Dense(row) => row[cell].add(counts),
            Self::Listed { list, group, class } => list.push(Tally {
                group: *group,
                class: *class,
                cell: cell as u32,
                counts,
            }),
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
        for sheet in sheets {
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
