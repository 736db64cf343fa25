//! Groups of an answer: which values of the `groupBy` keys rows have, and which groups are kept.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};

use smallvec::SmallVec;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::correlate::{Block, FailureRules, NONE};
use crate::model::{GroupKey, Text};

/// One value a `groupBy` key, in their order; `None` where the thing has no such value.
pub(super) type GroupValues = SmallVec<[Option<Text>; 2]>;

/// Hashes names in one go: the standard hasher's protection against chosen keys costs more here than the rest of a
/// look-up, and names come from the user's own systems.
#[derive(Clone, Copy, Default)]
pub(super) struct NameHasher(u64);

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(value.into());
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(value.into());
    }

    fn write_u64(&mut self, value: u64) {
        // A multiplication by the golden ratio spreads small numbers over all bits.
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.write_u64(value as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

type ByName<K, V> = HashMap<K, V, BuildHasherDefault<NameHasher>>;

/// Numbers of groups by their values.
#[derive(Clone, Debug, Default)]
pub(super) struct Registry {
    numbers: ByName<GroupValues, u32>,
    /// The values of each group, by number.
    pub values: Vec<GroupValues>,
}

impl Registry {
    /// The number of the group with these values; new groups get the next one.
    pub fn number(&mut self, values: GroupValues) -> u32 {
        // Hashing reads names from all over memory: once is enough.
        match self.numbers.entry(values) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                let number = self.values.len() as u32;
                self.values.push(new.key().clone());
                *new.insert(number)
            }
        }
    }

    /// Makes room for more groups, so that known ones need not be put elsewhere again and again.
    pub fn reserve(&mut self, more: usize) {
        self.numbers.reserve(more);
        self.values.reserve(more);
    }

    /// The number of a group that is known.
    pub fn find(&self, values: &GroupValues) -> Option<u32> {
        self.numbers.get(values).copied()
    }
}

/// What filters and groups look at in a row: numbers into the block's dictionaries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub repository: u32,
    pub labels: u32,
    pub clusters: &'a [u32],
    pub authors: &'a [u32],
    pub severity: u32,
    pub outcome: Option<&'static str>,
    pub rules: FailureRules,
}

impl Facts<'_> {
    /// A row of which nothing is known.
    pub const NOTHING: Self = Self {
        repository: NONE,
        labels: NONE,
        clusters: &[],
        authors: &[],
        severity: NONE,
        outcome: None,
        rules: FailureRules(0),
    };
}

/// A row's place among the groups, as far as its block knows: rows alike are looked up once.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Alike {
    environment: Option<Text>,
    repository: u32,
    labels: u32,
    clusters: SmallVec<[u32; 2]>,
    authors: SmallVec<[u32; 2]>,
}

/// The groups of one block's rows.
pub(super) struct Grouping<'q, 'a> {
    keys: &'q [GroupKey],
    block: &'a Block,
    known: ByName<Alike, SmallVec<[u32; 2]>>,
    /// The row before: neighbours are mostly alike.
    last: Option<(Alike, SmallVec<[u32; 2]>)>,
}

impl<'q, 'a> Grouping<'q, 'a> {
    pub fn new(keys: &'q [GroupKey], block: &'a Block) -> Self {
        Self {
            keys,
            block,
            known: ByName::default(),
            last: None,
        }
    }

    /// Every group that the row belongs to: several where it has several clusters or authors.
    pub fn of(
        &mut self,
        environment: Option<&Text>,
        facts: &Facts<'_>,
        registry: &mut Registry,
    ) -> SmallVec<[u32; 2]> {
        let has = |wanted: &GroupKey| self.keys.contains(wanted);
        let by_label = self
            .keys
            .iter()
            .any(|key| matches!(key, GroupKey::Label(_)));
        let alike = Alike {
            environment: environment.filter(|_| has(&GroupKey::Environment)).cloned(),
            repository: if has(&GroupKey::Repository) {
                facts.repository
            } else {
                NONE
            },
            labels: if by_label { facts.labels } else { NONE },
            clusters: if has(&GroupKey::Cluster) {
                facts.clusters.into()
            } else {
                SmallVec::new()
            },
            authors: if has(&GroupKey::Author) {
                facts.authors.into()
            } else {
                SmallVec::new()
            },
        };
        if let Some((before, groups)) = &self.last
            && *before == alike
        {
            return groups.clone();
        }
        if let Some(groups) = self.known.get(&alike) {
            let groups = groups.clone();
            self.last = Some((alike, groups.clone()));
            return groups;
        }
        let mut combinations: Vec<GroupValues> = vec![GroupValues::new()];
        for key in self.keys {
            let values = self.values_of(key, environment, facts);
            combinations = combinations
                .into_iter()
                .flat_map(|group| {
                    values.iter().map(move |value| {
                        let mut longer = group.clone();
                        longer.push(value.clone());
                        longer
                    })
                })
                .collect();
        }
        let mut groups: SmallVec<[u32; 2]> = combinations
            .into_iter()
            .map(|values| registry.number(values))
            .collect();
        groups.sort_unstable();
        groups.dedup();
        self.known.insert(alike.clone(), groups.clone());
        self.last = Some((alike, groups.clone()));
        groups
    }

    /// The row's values of one key; `[None]` where it has none.
    fn values_of(
        &self,
        key: &GroupKey,
        environment: Option<&Text>,
        facts: &Facts<'_>,
    ) -> Vec<Option<Text>> {
        let block = self.block;
        match key {
            GroupKey::Application => vec![Some(block.application.text().clone())],
            GroupKey::Team => vec![block.application.team().map(Text::from)],
            GroupKey::Environment => vec![environment.cloned()],
            GroupKey::Repository => {
                vec![value(&block.repositories, facts.repository).map(|name| name.text().clone())]
            }
            GroupKey::Cluster => several(facts.clusters, |at| {
                value(&block.clusters, at).map(|name| name.text().clone())
            }),
            GroupKey::Author => several(facts.authors, |at| value(&block.authors, at).cloned()),
            GroupKey::Label(name) => vec![
                value(&block.label_sets, facts.labels)
                    .and_then(|labels| labels.value(name))
                    .cloned(),
            ],
        }
    }
}

/// The dictionary's entry; `None` for `NONE`.
pub(super) fn value<T>(dictionary: &[T], at: u32) -> Option<&T> {
    dictionary.get(at as usize)
}

fn several(numbers: &[u32], name: impl Fn(u32) -> Option<Text>) -> Vec<Option<Text>> {
    if numbers.is_empty() {
        return vec![None];
    }
    numbers.iter().map(|at| name(*at)).collect()
}

/// Which groups an answer keeps: those with the most values where there are too many, by name.
///
/// Shape: indices into `groups`, in order of the groups' values, those without a value last.
pub(super) fn kept(groups: &[GroupValues], volumes: &[u64], limit: usize) -> Vec<usize> {
    let by_name = |a: &usize, b: &usize| {
        let named = |at: usize| {
            groups[at]
                .iter()
                .map(|value| (value.is_none(), value.as_deref()))
        };
        named(*a).cmp(named(*b))
    };
    let mut order: Vec<usize> = (0..groups.len()).collect();
    if order.len() > limit {
        order.sort_by(|a, b| volumes[*b].cmp(&volumes[*a]).then_with(|| by_name(a, b)));
        order.truncate(limit);
    }
    order.sort_by(by_name);
    order
}
