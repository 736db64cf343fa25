//! Sources of other Peloruses whose events are read back: kept in the ledger, for correlation.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::flight::{Inner, blocking};
use super::source::Failure;
use crate::ledger::{Ledger, LedgerError};
use crate::model::{Origin, SourceName};

const KEY: &str = "origins";

/// What is known of sources that others read.
///
/// # Errors
/// The ledger's.
pub fn origins(ledger: &Ledger) -> Result<Vec<Origin>, LedgerError> {
    Ok(known(ledger)?.into_values().collect())
}

fn known(ledger: &Ledger) -> Result<BTreeMap<SourceName, Origin>, LedgerError> {
    let bytes = ledger.recall(KEY)?;
    // What another version wrote differently is as good as nothing: it is told again every day.
    let origins: Vec<Origin> = bytes
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    Ok(origins
        .into_iter()
        .map(|origin| (origin.source.clone(), origin))
        .collect())
}

/// Keeps what a page tells of sources; what changed may change everything that is known of their events.
pub(super) async fn keep(
    inner: &Arc<Inner>,
    index: usize,
    told: Vec<Origin>,
) -> Result<(), Failure> {
    if told.is_empty() {
        return Ok(());
    }
    blocking(inner, index, move |inner, _| {
        let mut origins = known(&inner.ledger)?;
        let mut is_changed = false;
        for mut origin in told {
            let before = origins.get(&origin.source);
            // Pages come newest first, and a source is covered further back as time goes.
            if let Some(before) = before {
                origin.since = match (origin.since, before.since) {
                    (Some(since), Some(known)) => Some(since.min(known)),
                    (since, known) => since.or(known),
                };
            }
            if before != Some(&origin) {
                origins.insert(origin.source.clone(), origin);
                is_changed = true;
            }
        }
        if is_changed {
            let origins: Vec<_> = origins.into_values().collect();
            let bytes = serde_json::to_vec(&origins).expect("origins have no keys but text");
            inner.ledger.remember(KEY, &bytes)?;
            inner.listener.forgotten();
        }
        Ok(())
    })
    .await
}
