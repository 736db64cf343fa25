//! What is kept for ever between requests: ETags with their answers, a digest's commit, a compare's result.

/// Keeps results of look-ups, across restarts where there is a ledger.
///
/// Keys belong to whoever writes them and begin with a word and `/`. Losing an entry costs a request, nothing else:
/// neither call can fail.
pub trait Memory: Send + Sync {
    /// What was kept under the key.
    fn recall(&self, key: &str) -> Option<Vec<u8>>;

    /// Keeps a value under the key, in place of what was there.
    fn remember(&self, key: &str, value: &[u8]);
}

/// Keeps nothing: for checks and where there is no ledger.
#[derive(Clone, Copy, Debug)]
pub struct Forgetful;

impl Memory for Forgetful {
    fn recall(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    fn remember(&self, _: &str, _: &[u8]) {}
}
