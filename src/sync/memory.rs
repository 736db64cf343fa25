//! What sync keeps in the ledger beside events: cursors that may be void, windows under way, what was odd.

use chrono::{DateTime, Utc};

use crate::ledger::{Batch, Ledger, LedgerError};
use crate::model::{Cursor, Notice, SourceName, TimeRange};

/// The cursor of a source, if it has one that is not void.
pub(super) fn cursor(ledger: &Ledger, source: &SourceName) -> Result<Option<Cursor>, LedgerError> {
    Ok(ledger.cursor(source)?.filter(|cursor| !cursor.0.is_empty()))
}

/// Voids the cursor of a source: its next reading starts anew.
pub(super) fn void_cursor(
    ledger: &Ledger,
    source: &SourceName,
    at: DateTime<Utc>,
) -> Result<(), LedgerError> {
    ledger.store(&Batch {
        source: source.clone(),
        events: Vec::new(),
        checkpoint: Some(Cursor(String::new())),
        covered: None,
        at,
    })?;
    Ok(())
}

/// Voids the cursor of a source if it has one.
pub(super) fn drop_cursor(
    ledger: &Ledger,
    source: &SourceName,
    at: DateTime<Utc>,
) -> Result<(), LedgerError> {
    match cursor(ledger, source)? {
        Some(_) => void_cursor(ledger, source, at),
        None => Ok(()),
    }
}

/// Takes down that the reading of a window begins: the cursor belongs to it from now on.
pub(super) fn begin_window(
    ledger: &Ledger,
    source: &SourceName,
    window: TimeRange,
) -> Result<(), LedgerError> {
    remember(ledger, &window_key(source), &Some(window))
}

/// Takes down that the window was read to its end.
pub(super) fn end_window(ledger: &Ledger, source: &SourceName) -> Result<(), LedgerError> {
    let none: Option<TimeRange> = None;
    if window(ledger, source)?.is_some() {
        remember(ledger, &window_key(source), &none)?;
    }
    Ok(())
}

/// The window whose reading was interrupted and can go on from the cursor.
pub(super) fn interrupted_window(
    ledger: &Ledger,
    source: &SourceName,
) -> Result<Option<TimeRange>, LedgerError> {
    match window(ledger, source)? {
        Some(window) => Ok(cursor(ledger, source)?.map(|_| window)),
        None => Ok(None),
    }
}

fn window(ledger: &Ledger, source: &SourceName) -> Result<Option<TimeRange>, LedgerError> {
    let window: Option<Option<TimeRange>> = recall(ledger, &window_key(source))?;
    Ok(window.flatten())
}

/// Keeps what was odd in a source, for answers after a restart.
pub(super) fn keep_notices(
    ledger: &Ledger,
    source: &SourceName,
    notices: &[Notice],
) -> Result<(), LedgerError> {
    let known: Option<Vec<Notice>> = recall(ledger, &notices_key(source))?;
    if known.as_deref().unwrap_or_default() == notices {
        return Ok(());
    }
    remember(ledger, &notices_key(source), &notices)
}

/// What was odd in a source.
pub(super) fn notices(ledger: &Ledger, source: &SourceName) -> Result<Vec<Notice>, LedgerError> {
    Ok(recall(ledger, &notices_key(source))?.unwrap_or_default())
}

fn window_key(source: &SourceName) -> String {
    format!("window/{source}")
}

fn notices_key(source: &SourceName) -> String {
    format!("notices/{source}")
}

fn recall<T: serde::de::DeserializeOwned>(
    ledger: &Ledger,
    key: &str,
) -> Result<Option<T>, LedgerError> {
    let bytes = ledger.recall(key)?;
    // What an older version wrote differently is as good as nothing: it is read or said again.
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

fn remember<T: serde::Serialize>(ledger: &Ledger, key: &str, value: &T) -> Result<(), LedgerError> {
    let bytes = serde_json::to_vec(value).expect("ranges and notices have no keys but text");
    ledger.remember(key, &bytes)
}
