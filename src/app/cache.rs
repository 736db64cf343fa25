//! Answers given lately: one dashboard asks the same question from many panels and viewers.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use moka::sync::Cache;

use crate::dora::{Answer, Values};
use crate::model::{Notice, Question, TimeRange};

const LARGEST_BYTES: u64 = 8 << 20;
const KEPT_SECONDS: u64 = 600;
/// Ages in an answer may be this old.
const NOW_SECONDS: i64 = 30;

/// What an answer depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// The question with the zone and bucket that were used, as `Debug` prints it.
    question: String,
    range: TimeRange,
    /// Of the columns.
    generation: u64,
    /// Of what the sources answered for.
    version: u64,
    now: i64,
}

impl Key {
    pub(super) fn of(
        question: &Question,
        range: TimeRange,
        generation: u64,
        version: u64,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            question: format!("{question:?}"),
            range,
            generation,
            version,
            now: now.timestamp().div_euclid(NOW_SECONDS),
        }
    }
}

/// An answer without what is to be said of the sources.
#[derive(Debug)]
pub(super) struct Calculated {
    pub(super) answer: Answer,
    pub(super) notices: Vec<Notice>,
}

/// A small cache of answers.
pub(super) type AnswerCache = Cache<Key, Arc<Calculated>>;

pub(super) fn answer_cache() -> AnswerCache {
    Cache::builder()
        .max_capacity(LARGEST_BYTES)
        .weigher(|key: &Key, value: &Arc<Calculated>| {
            let bytes = key.question.len() + size_bytes(&value.answer);
            u32::try_from(bytes).unwrap_or(u32::MAX)
        })
        .time_to_live(Duration::from_secs(KEPT_SECONDS))
        .build()
}

/// About how much memory an answer takes.
fn size_bytes(answer: &Answer) -> usize {
    const NUMBER: usize = 16;
    const POINT: usize = 72;
    const TEXT: usize = 48;
    match answer {
        Answer::Series { series, .. } => series
            .iter()
            .map(|series| TEXT + series.points.len() * POINT)
            .sum(),
        Answer::Numbers(numbers) => {
            numbers.groups.len()
                * (POINT + numbers.columns.len() * NUMBER + numbers.keys.len() * TEXT)
        }
        Answer::Table(table) | Answer::Quality { table, .. } => table
            .columns
            .iter()
            .map(|column| match &column.values {
                Values::Text(values) => values.len() * TEXT,
                Values::Number(values) => values.len() * NUMBER,
                Values::Time(values) => values.len() * NUMBER,
                Values::Flag(values) => values.len(),
            })
            .sum(),
        Answer::Events { rows, .. } => rows.len() * 16 * TEXT,
    }
}
