//! What providers keep between requests, over the ledger.

use std::sync::Arc;

use crate::error;
use crate::ledger::Ledger;
use crate::providers::http::Memory;

/// Keeps look-ups in the ledger; one that fails is a look-up made again.
pub(super) struct LedgerMemory(pub(super) Arc<Ledger>);

impl Memory for LedgerMemory {
    fn recall(&self, key: &str) -> Option<Vec<u8>> {
        match self.0.recall(key) {
            Ok(value) => value,
            Err(failure) => {
                tracing::debug!("Cannot recall a look-up: {}", error::chain(&failure));
                None
            }
        }
    }

    fn remember(&self, key: &str, value: &[u8]) {
        if self.0.is_read_only() {
            return;
        }
        if let Err(failure) = self.0.remember(key, value) {
            tracing::debug!("Cannot remember a look-up: {}", error::chain(&failure));
        }
    }
}
