//! `/metrics`: the original's four series, the computed keys at fixed cardinality, and how the process does.

mod health;
mod keys;
#[cfg(test)]
mod tests;
mod upstream;

pub use health::{Health, SinkHealth};

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::{App, Asker, Patience, QueryError, Request};
use crate::dora::Answer;
use crate::model::{Question, TimeRange};
use crate::series::Families;

/// What was computed of the ledger, as text.
///
/// # Errors
/// See `QueryError`.
pub async fn computed(app: &App, now: DateTime<Utc>) -> Result<String, QueryError> {
    let mut families = Families::default();
    upstream::write(app, now, &mut families).await?;
    keys::write(app, now, &mut families).await?;
    Ok(families.into_text())
}

/// How the process does, as text.
pub fn health(health: &Health) -> String {
    let mut families = Families::default();
    health::write(health, &mut families);
    families.into_text()
}

/// What is known now, over the time before now: a scrape waits for no source.
async fn answer(
    app: &App,
    question: Question,
    span: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Answer, QueryError> {
    let request = Request {
        question,
        range: TimeRange::new(now - span, now),
        now,
        patience: Patience::Until(Duration::ZERO),
        asker: Asker::Person,
    };
    Ok(app.answer(request).await?.answer)
}
