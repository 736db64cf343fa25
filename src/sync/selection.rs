//! What a source selects, as a fingerprint: when it changes, what the source answered for no longer holds.

use sha2::{Digest, Sha256};

use crate::config::{People, SourceSettings};
use crate::ledger::{Ledger, LedgerError};
use crate::model::SourceName;

/// The fingerprint of a source's settings, secrets left out.
///
/// What `people` says is part of it: names that were hidden before the ledger come only with a new reading.
pub fn fingerprint(settings: &SourceSettings, people: People) -> String {
    let mut digest = Sha256::new();
    digest.update(format!("{}\n{people:?}\n", settings.kind));
    for (key, value) in &settings.fields {
        digest.update(format!("{key}={value:?}\n"));
    }
    hex::encode(digest.finalize())
}

/// Voids the coverage of a source whose selection changed since the ledger last saw it; tells whether it did.
///
/// # Errors
/// The ledger's.
pub fn keep(ledger: &Ledger, source: &SourceName, selection: &str) -> Result<bool, LedgerError> {
    let key = format!("selection/{source}");
    let known = ledger.recall(&key)?;
    if known.as_deref() == Some(selection.as_bytes()) {
        return Ok(false);
    }
    if known.is_some() {
        ledger.void_coverage(source)?;
    }
    ledger.remember(&key, selection.as_bytes())?;
    Ok(known.is_some())
}
