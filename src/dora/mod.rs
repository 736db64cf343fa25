//! The metrics over columns: buckets, statistics, groups, bands (definitions, sections 4 and 5).
//!
//! Pure and synchronous; takes the clock as `now`. Two threads at most work on one question.

mod answer;
mod bands;
mod breakdown;
mod buckets;
mod calendar;
mod coverage;
mod delivered;
mod deployments;
mod distribution;
mod evaluate;
mod event_rows;
mod events;
mod groups;
mod incidents;
mod lead_time;
mod notices;
mod parts;
mod pass;
mod quality;
mod quantile;
mod quarters;
mod repeats;
mod scatter;
mod scope;
mod scorecard;
mod select;
mod series;
mod sheet;
mod state;
mod statistics;
mod tallies;
mod values;

pub use answer::{
    Answer, Cell, Column, Coverages, EventRow, Measure, Named, NumberColumn, Numbers, Period,
    Point, Series, Table, Values,
};

pub use bands::{
    Band, Level, Published, Threshold, judge, quick_check_of, quick_check_score, thresholds,
};
pub use buckets::{LARGEST_POINTS, ResolvedBuckets, TooManyBuckets, bucket_word, fitting_bucket};
pub use notices::rules_without_source;
pub use quality::EVENT_COLUMN;

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::correlate::Block;
use crate::model::{Bucket, Evidence, Kind, Notice, Question, TimeRange};

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

/// Answers a question; never fails: what is odd or missing is null, with a notice.
///
/// Shape: by `question.kind` as design section 7 has it; each kind's function documents its columns. The caller has
/// refused ranges with too many buckets (`fitting_bucket`); here they get the bucket that fits, and a notice.
pub fn answer(question: &Question, context: &Context<'_>) -> Answer {
    let scope = scope::Scope::new(context, question);
    let blocks = &scope.blocks;
    match question.kind {
        Kind::Metric => match fitting_bucket(question, context.range, context.timezone) {
            Ok(ResolvedBuckets {
                bucket: Bucket::None,
                ..
            }) => series::as_numbers(&scope),
            Ok(resolved) => series::over_time(&scope, resolved.bucket),
            Err(too_many) => {
                let mut answer = series::over_time(&scope, too_many.fits);
                if let Answer::Series { notices, .. } = &mut answer {
                    notices.insert(0, Notice::warning(format!("Here {too_many}.")));
                }
                answer
            }
        },
        Kind::Breakdown => breakdown::answer(&scope),
        Kind::Distribution => distribution::answer(&scope),
        Kind::Scorecard => scorecard::answer(&scope),
        Kind::Events => events::rows(context, question, blocks),
        Kind::Annotations => events::annotations(context, question, blocks),
        Kind::Values => Answer::Table(values::answer(question, blocks)),
        Kind::Quality => quality::answer(context, question, blocks),
    }
}

#[cfg(test)]
mod tests;
