//! The metrics over columns: buckets, statistics, groups, bands (definitions, sections 4 and 5).
//!
//! Pure and synchronous; takes the clock as `now`. Two threads at most work on one question.

mod answer;

pub use answer::{
    Answer, Cell, Column, Coverages, EventRow, Measure, NumberColumn, Numbers, Period, Point,
    Series, Table, Values,
};

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::correlate::Block;
use crate::model::{Evidence, Question, TimeRange};

/// What a question is asked of.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// All applications.
    pub blocks: &'a [Arc<Block>],
    /// What the sources answered for.
    pub coverages: &'a Coverages,
    /// The range asked for.
    pub range: TimeRange,
    /// The clock.
    pub now: DateTime<Utc>,
    /// The reader's zone: the question's, else the caller's.
    pub timezone: chrono_tz::Tz,
    /// Ages of the evidence: which buckets are provisional.
    pub evidence: &'a Evidence,
}
