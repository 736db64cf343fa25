//! Proves sources for *Save & test* and `pelorus check`.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::StreamExt;

use super::notices::progress_in_words;
use super::{App, SourceCheck};
use crate::error;
use crate::model::SourceName;
use crate::providers::{CheckReport, FetchError, Reach};
use crate::sync::{Source, Standing};

/// Sources that are proved at the same time.
const CONCURRENT_CHECKS: usize = 4;

impl App {
    /// Proves sources (all, or one); the reading of each takes at most `patience`.
    pub async fn check(
        &self,
        source: Option<&SourceName>,
        now: DateTime<Utc>,
        patience: Duration,
    ) -> Vec<SourceCheck> {
        let sources: Vec<Source> = self
            .inner
            .syncing
            .sources()
            .filter(|known| source.is_none_or(|name| *name == known.name))
            .cloned()
            .collect();
        let mut checks: Vec<SourceCheck> = futures::stream::iter(sources)
            .map(|source| check(source, now, patience))
            .buffered(CONCURRENT_CHECKS)
            .collect()
            .await;
        let syncing = &self.inner.syncing;
        let standings = syncing.standings(syncing.policy().usual(now));
        for check in &mut checks {
            let standing = standings.iter().find(|known| known.name == check.name);
            check.reading = standing.map(reading);
        }
        checks
    }
}

async fn check(source: Source, now: DateTime<Utc>, patience: Duration) -> SourceCheck {
    let provider = Arc::clone(&source.provider);
    let runtime = tokio::runtime::Handle::current();
    // Local sources block while they are polled.
    let checking: futures::future::BoxFuture<'_, _> = if provider.reach() == Reach::Whole {
        Box::pin(tokio::task::spawn_blocking(move || {
            runtime.block_on(provider.check(now))
        }))
    } else {
        Box::pin(tokio::spawn(async move { provider.check(now).await }))
    };
    let (result, advice) = match tokio::time::timeout(patience, checking).await {
        Ok(Ok(Ok(CheckReport { message, advice }))) => (Ok(message), advice),
        Ok(Ok(Err(failure))) => (
            Err(error::chain(&failure)),
            Some(advice(&failure).to_owned()),
        ),
        Ok(Err(_)) => (
            Err("the check stopped by a defect of Pelorus: please report it".to_owned()),
            None,
        ),
        Err(_) => (
            Err(format!("no answer within {} s", patience.as_secs())),
            Some("Check the address, and whether this machine reaches it.".to_owned()),
        ),
    };
    SourceCheck {
        name: source.name,
        kind: source.kind,
        result,
        advice,
        reading: None,
    }
}

/// How far a source has been read, in one sentence.
fn reading(standing: &Standing) -> String {
    let day = |at: DateTime<Utc>| at.format("%Y-%m-%d");
    let ranges = standing.coverage.ranges();
    let known = match (ranges.first(), ranges.last()) {
        (Some(first), Some(last)) => {
            format!("read from {} to {}", day(first.start), day(last.end))
        }
        _ => "not read yet".to_owned(),
    };
    match (standing.is_reading, standing.progress) {
        (true, Some(progress)) => {
            format!("Being read ({}); {known}.", progress_in_words(progress))
        }
        (true, None) => format!("Being read; {known}."),
        (false, _) => format!("{}{}.", known[..1].to_uppercase(), &known[1..]),
    }
}

/// What a person can do about a failure.
fn advice(failure: &FetchError) -> &'static str {
    match failure {
        FetchError::Unauthorized { .. } => {
            "Check the user and the token, and that it may read what the source names."
        }
        FetchError::RateLimited { .. } => "Nothing to do: it is read later by itself.",
        FetchError::Unavailable { .. } => {
            "Check the address or path, and whether this machine reaches it."
        }
        FetchError::CursorExpired { .. } => "Nothing to do: it is read anew by itself.",
        FetchError::RangeTooLarge { .. } => "Nothing to do: it is read in smaller parts.",
        FetchError::Malformed { .. } => {
            "Check that the address belongs to a system of this kind and that its files are whole."
        }
    }
}
