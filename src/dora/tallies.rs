//! Counts by group, coverage class and cell.

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
    pub fn into_list(self, renumbered: &[u32]) -> impl Iterator<Item = Tally> {
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

/// Deployments of the one group of a question, counted one by one: cheaper than finding those that share a cell.
#[derive(Default)]
pub(super) struct Singles {
    /// By class, then cell: those with the flag that is asked for, those that are linked, all.
    by_class: Vec<Vec<[u32; 4]>>,
    /// Whether the first are asked for.
    pub tallied: bool,
    /// Whether the second are.
    pub links: bool,
}

impl Singles {
    /// The counts of a class over this many cells.
    pub fn of(&mut self, class: u32, cells: usize) -> &mut [[u32; 4]] {
        let class = class as usize;
        if self.by_class.len() <= class {
            self.by_class.resize_with(class + 1, Vec::new);
        }
        let counts = &mut self.by_class[class];
        if counts.is_empty() {
            counts.resize(cells, [0; 4]);
        }
        counts
    }

    /// Adds the counts to the tallies that are asked for.
    pub fn settle(self, group: u32, tallies: &mut Tallies, linked: &mut Tallies) {
        for (class, counts) in self.by_class.into_iter().enumerate() {
            for (cell, [part, known, whole, _]) in counts.into_iter().enumerate() {
                if whole == 0 {
                    continue;
                }
                if self.tallied {
                    let counts = Counts::of(part.into(), whole.into());
                    tallies.add(group, class as u32, cell, counts);
                }
                if self.links {
                    let counts = Counts::of(known.into(), whole.into());
                    linked.add(group, class as u32, cell, counts);
                }
            }
        }
    }
}
