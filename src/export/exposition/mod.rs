//! `/metrics`: the original's four series, the computed keys at fixed cardinality, and how the process does.

mod events;
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
use crate::ledger::LedgerError;
use crate::model::{Question, TimeRange};
use crate::series::Families;

/// What was computed of the ledger, as text; events with all they say, where they are that young.
///
/// # Errors
/// See `QueryError`.
pub async fn computed(
    app: &App,
    show_events: TimeDelta,
    now: DateTime<Utc>,
) -> Result<String, QueryError> {
    let mut families = Families::default();
    upstream::write(app, now, &mut families).await?;
    keys::write(app, now, &mut families).await?;
    if !show_events.is_zero() {
        events::write(app, TimeRange::new(now - show_events, now), &mut families).await?;
    }
    Ok(families.into_text())
}

/// How the process does, as text.
pub fn health(health: &Health) -> String {
    let mut families = Families::default();
    health::write(health, &mut families);
    families.into_text()
}

/// Reads the ledger where blocking is allowed.
async fn read<T: Send + 'static>(
    app: &App,
    read: impl FnOnce(&App) -> Result<T, LedgerError> + Send + 'static,
) -> Result<T, QueryError> {
    let app = app.clone();
    match tokio::task::spawn_blocking(move || read(&app)).await {
        Ok(found) => Ok(found?),
        // A panic in there, or a runtime that goes down, where nobody waits.
        Err(_) => Err(QueryError::Defect),
    }
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
