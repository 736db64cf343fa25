//! Which applications, environments and rows a question is about.

use crate::correlate::{Block, Lane, NONE};
use crate::model::{Filter, FilterKey, GroupKey, Operator, Question, Tier};

use super::groups::Facts;

/// The question's filters, sorted by what they look at.
pub(super) struct Selection<'q> {
    pub question: &'q Question,
    applications: Vec<&'q Filter>,
    places: Vec<&'q Filter>,
    rows: Vec<&'q Filter>,
    grouped_by_row: bool,
}

impl<'q> Selection<'q> {
    pub fn new(question: &'q Question) -> Self {
        let (mut applications, mut places, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        for filter in &question.filters {
            match &filter.key {
                FilterKey::Group(GroupKey::Application | GroupKey::Team) => {
                    applications.push(filter)
                }
                FilterKey::Group(GroupKey::Environment) | FilterKey::Tier => places.push(filter),
                FilterKey::Group(
                    GroupKey::Repository
                    | GroupKey::Cluster
                    | GroupKey::Author
                    | GroupKey::Label(_),
                )
                | FilterKey::Severity
                | FilterKey::Outcome
                | FilterKey::Rule => rows.push(filter),
            }
        }
        let grouped_by_row = question.group_by.iter().any(|key| match key {
            GroupKey::Application | GroupKey::Team | GroupKey::Environment => false,
            GroupKey::Repository | GroupKey::Cluster | GroupKey::Author | GroupKey::Label(_) => {
                true
            }
        });
        Self {
            question,
            applications,
            places,
            rows,
            grouped_by_row,
        }
    }

    /// Whether whole lanes pass or fail, and belong to one group each: no row has to be looked at.
    pub fn takes_whole_lanes(&self) -> bool {
        self.rows.is_empty() && !self.grouped_by_row
    }

    /// Whether a filter or a group looks at environments or tiers.
    pub fn looks_at_places(&self) -> bool {
        let grouped = &self.question.group_by;
        !self.places.is_empty() || grouped.contains(&GroupKey::Environment)
    }

    /// Whether a filter looks at rows.
    pub fn filters_rows(&self) -> bool {
        !self.rows.is_empty()
    }

    /// The keys of filters and groups that look at rows.
    pub fn row_keys(&self) -> Vec<String> {
        let grouped = self.question.group_by.iter().filter(|key| {
            !matches!(
                key,
                GroupKey::Application | GroupKey::Team | GroupKey::Environment
            )
        });
        let mut keys: Vec<String> = grouped.map(GroupKey::word).collect();
        keys.extend(self.rows.iter().map(|filter| filter.key.word()));
        keys.sort();
        keys.dedup();
        keys
    }

    /// Whether a filter names environments.
    pub fn filters_environments(&self) -> bool {
        self.places
            .iter()
            .any(|filter| filter.key == FilterKey::Group(GroupKey::Environment))
    }

    /// Whether the answer tells apart environments (or clusters), so that a change counts in each.
    pub fn tells_environments_apart(&self) -> bool {
        self.question
            .group_by
            .iter()
            .any(|key| matches!(key, GroupKey::Environment | GroupKey::Cluster))
    }

    pub fn accepts_application(&self, block: &Block) -> bool {
        self.applications.iter().all(|filter| match filter.key {
            FilterKey::Group(GroupKey::Team) => filter.accepts(block.application.team()),
            _ => filter.accepts(Some(block.application.as_str())),
        })
    }

    /// Whether a place passes: production unless a filter names tiers or environments.
    pub fn accepts_place(&self, environment: Option<&str>, tier: Tier) -> bool {
        if self.places.is_empty() {
            return tier == Tier::Production;
        }
        self.accepts_named_place(environment, tier)
    }

    /// Whether a place passes the filters; every tier passes where none is asked for.
    pub fn accepts_named_place(&self, environment: Option<&str>, tier: Tier) -> bool {
        self.places.iter().all(|filter| match filter.key {
            FilterKey::Tier => filter.accepts(Some(tier.as_str())),
            _ => filter.accepts(environment),
        })
    }

    /// The lanes of a block that pass, with their numbers.
    pub fn lanes<'a>(&self, block: &'a Block) -> impl Iterator<Item = (usize, &'a Lane)> {
        block
            .lanes
            .iter()
            .enumerate()
            .filter(|(_, lane)| self.accepts_place(Some(lane.environment.as_str()), lane.tier))
    }

    /// The filters over rows, prepared for one block's dictionaries.
    pub fn row_tests(&self, block: &Block) -> RowTests<'q> {
        RowTests(
            self.rows
                .iter()
                .map(|filter| Test::new(filter, block))
                .collect(),
        )
    }
}

/// Filters over rows.
pub(super) struct RowTests<'q>(Vec<Test<'q>>);

impl RowTests<'_> {
    /// Whether the row passes all of them.
    pub fn accept(&self, facts: &Facts<'_>) -> bool {
        self.0.iter().all(|test| test.accepts(facts))
    }

    /// Whether a filter looks at authors.
    pub fn look_at_authors(&self) -> bool {
        self.0.iter().any(|test| matches!(test, Test::Author(_)))
    }
}

enum Test<'q> {
    Repository(Table),
    Labels(Table),
    Severity(Table),
    Cluster(Table),
    Author(Table),
    Outcome(&'q Filter),
    Rule(&'q Filter),
    /// A filter over applications or places, which are selected before rows.
    Elsewhere,
}

impl<'q> Test<'q> {
    fn new(filter: &'q Filter, block: &Block) -> Self {
        match &filter.key {
            FilterKey::Group(GroupKey::Repository) => Self::Repository(Table::new(
                filter,
                block.repositories.iter().map(|name| Some(name.as_str())),
            )),
            FilterKey::Group(GroupKey::Cluster) => Self::Cluster(Table::new(
                filter,
                block.clusters.iter().map(|name| Some(name.as_str())),
            )),
            FilterKey::Group(GroupKey::Author) => Self::Author(Table::new(
                filter,
                block.authors.iter().map(|name| Some(&**name)),
            )),
            FilterKey::Group(GroupKey::Label(label)) => Self::Labels(Table::new(
                filter,
                block
                    .label_sets
                    .iter()
                    .map(|labels| labels.value(label).map(|value| &**value)),
            )),
            FilterKey::Severity => Self::Severity(Table::new(
                filter,
                block.severities.iter().map(|name| Some(&**name)),
            )),
            FilterKey::Outcome => Self::Outcome(filter),
            FilterKey::Rule => Self::Rule(filter),
            FilterKey::Group(GroupKey::Application | GroupKey::Team | GroupKey::Environment)
            | FilterKey::Tier => Self::Elsewhere,
        }
    }

    fn accepts(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::Repository(table) => table.accepts_one(facts.repository),
            Self::Labels(table) => table.accepts_one(facts.labels),
            Self::Severity(table) => table.accepts_one(facts.severity),
            Self::Cluster(table) => table.accepts_several(facts.clusters),
            Self::Author(table) => table.accepts_several(facts.authors),
            Self::Outcome(filter) => filter.accepts(facts.outcome),
            Self::Rule(filter) if facts.rules.is_empty() => filter.accepts(None),
            Self::Rule(filter) => {
                let mut rules = facts
                    .rules
                    .iter()
                    .map(|rule| filter.accepts(Some(rule.as_str())));
                if is_negative(filter.operator) {
                    rules.all(|accepted| accepted)
                } else {
                    rules.any(|accepted| accepted)
                }
            }
            Self::Elsewhere => true,
        }
    }
}

/// What a filter says of each entry of a dictionary, and of a thing without a value.
struct Table {
    accepted: Vec<bool>,
    without: bool,
    /// A negative filter must hold for every one of several values, a positive one for any.
    is_negative: bool,
}

impl Table {
    fn new<'v>(filter: &Filter, values: impl Iterator<Item = Option<&'v str>>) -> Self {
        Self {
            accepted: values.map(|value| filter.accepts(value)).collect(),
            without: filter.accepts(None),
            is_negative: is_negative(filter.operator),
        }
    }

    fn accepts_one(&self, number: u32) -> bool {
        if number == NONE {
            return self.without;
        }
        self.accepted
            .get(number as usize)
            .copied()
            .unwrap_or(self.without)
    }

    fn accepts_several(&self, numbers: &[u32]) -> bool {
        if numbers.is_empty() {
            return self.without;
        }
        let mut each = numbers.iter().map(|number| self.accepts_one(*number));
        if self.is_negative {
            each.all(|accepted| accepted)
        } else {
            each.any(|accepted| accepted)
        }
    }
}

fn is_negative(operator: Operator) -> bool {
    match operator {
        Operator::NotEqual | Operator::NotMatches | Operator::NoneOf => true,
        Operator::Equal | Operator::Matches | Operator::OneOf => false,
    }
}
