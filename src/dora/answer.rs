//! Answers before they become frames.

use chrono::{DateTime, Utc};

use crate::correlate::FailureRule;
use crate::model::{
    Application, Environment, EventKey, EventKind, GroupKey, Metric, Notice, SourceCoverage,
    SourceName, Statistic, Text, Unit,
};

/// What each source answered for; `dora` intersects what concerns an application.
#[derive(Clone, Debug, Default)]
pub struct Coverages {
    /// One a source.
    pub sources: Vec<SourceCoverage>,
}

/// The answer to one question.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A metric over time: one series a group (and period).
    Series {
        /// The metric.
        metric: Metric,
        /// The statistic over its values.
        statistic: Statistic,
        /// One a group and period.
        series: Vec<Series>,
        /// What the reader must know.
        notices: Vec<Notice>,
    },
    /// One row a group with number columns: a metric without buckets, a breakdown, a scorecard.
    Numbers(Numbers),
    /// Rows for people: a distribution, values.
    Table(Table),
    /// What is known of the data, its column `event` still to be filled with the ids that the ledger has.
    Quality {
        /// The rows.
        table: Table,
        /// One a row: the event that it is about.
        events: Vec<Option<Named>>,
    },
    /// The rows behind the numbers, still to be filled with what the ledger says of each event.
    Events {
        /// The rows, newest first.
        rows: Vec<EventRow>,
        /// What the reader must know.
        notices: Vec<Notice>,
    },
}

/// An event of which only the key is known here, and the source that reported it.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// Its kind and key.
    pub event: (EventKind, EventKey),
    /// The source; of a commit in several repositories its event is meant.
    pub source: SourceName,
}

/// Which period a series or number speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// The range asked for.
    Current,
    /// The equally long range before it, its times shifted onto the range asked for.
    Previous,
}

/// One group's values over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The group: one value a `groupBy` key, in its order; `None` where the thing has no such value.
    pub group: Vec<(GroupKey, Option<Text>)>,
    /// Which period.
    pub period: Period,
    /// One a bucket, in order of time.
    pub points: Vec<Point>,
}

/// A bucket's value.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The bucket's start in the reader's zone (for rolling buckets: the start of the last day).
    pub start: DateTime<Utc>,
    /// The value and what it rests on.
    pub measure: Measure,
    /// The bucket is cut by the range or by `now`.
    pub partial: bool,
    /// Evidence may still change it.
    pub provisional: bool,
}

/// A number and what it rests on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measure {
    /// The number in the metric's unit; `None` when nothing is known.
    pub value: Option<f64>,
    /// How many values, or for rates how many in the denominator.
    pub n: u64,
    /// Covered ÷ asked time of the sources concerned, 0 to 1.
    pub covered_ratio: f64,
    /// Linked ÷ all deployments, 0 to 1; `None` without a deployment.
    pub linked_ratio: Option<f64>,
}

/// Rows of numbers, one a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    /// The `groupBy` keys, one string column each.
    pub keys: Vec<GroupKey>,
    /// One row's values of those keys.
    pub groups: Vec<Vec<Option<Text>>>,
    /// The number columns.
    pub columns: Vec<NumberColumn>,
    /// A row's coverage, linked share and n of the first metric.
    pub measures: Vec<Measure>,
    /// What the reader must know.
    pub notices: Vec<Notice>,
}

/// A column of numbers, one a row.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberColumn {
    /// `<metric>_<statistic>`, `<key>`, `<key>_previous`, `<key>_n`, `<key>_band`.
    pub name: String,
    /// The metric it speaks of.
    pub metric: Metric,
    /// Its unit; bands and n are counts.
    pub unit: Unit,
    /// Whether the values are bands (0 low, 2 medium, 4 high, 6 elite, odd between; none is null), named by value mappings.
    pub is_band: bool,
    /// One a row.
    pub values: Vec<Option<f64>>,
}

/// Rows for people.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Columns of equal length.
    pub columns: Vec<Column>,
    /// What the reader must know.
    pub notices: Vec<Notice>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The field's name.
    pub name: String,
    /// The unit of its numbers.
    pub unit: Option<Unit>,
    /// The values, one a row.
    pub values: Values,
}

/// The values of a column.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Values {
    Text(Vec<Option<Text>>),
    Number(Vec<Option<f64>>),
    Time(Vec<Option<DateTime<Utc>>>),
    Flag(Vec<Option<bool>>),
}

/// One value of an event's row that only the columns know.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Cell {
    Text(Option<Text>),
    Number(Option<f64>, Option<Unit>),
    Time(Option<DateTime<Utc>>),
    Flag(bool),
}

/// A row behind the numbers: which event it is, and what correlation knows of it.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    /// Whose it is.
    pub application: Application,
    /// Where.
    pub environment: Option<Environment>,
    /// The event that the row is about: a commit, pull request, deployment (or what a rule made it of), incident.
    pub event: (EventKind, EventKey),
    /// The row's time: the delivery, the finish, the opening.
    pub at: DateTime<Utc>,
    /// The deployment that a change, pull request or incident belongs to.
    pub deployment: Option<(EventKind, EventKey)>,
    /// Why a deployment failed.
    pub rules: Vec<FailureRule>,
    /// Events that are the evidence.
    pub evidence: Vec<(EventKind, EventKey)>,
    /// Named values, in column order, the same names in every row of a table.
    pub cells: Vec<(&'static str, Cell)>,
}
