//! Keeps a walk through pages from going round in circles.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::{Answer, HttpError};

/// No list of one thing has more pages than this; a server that sends more sends them for ever.
const MOST_PAGES: usize = 20_000;

/// Watches one list being paged through: refuses pages that come again and lists without end.
#[derive(Debug, Default)]
pub struct PageWalk {
    seen: HashSet<[u8; 32]>,
}

impl PageWalk {
    /// Takes a page in, by where it was found and what it says.
    ///
    /// # Errors
    /// `Malformed` when the page was here before, under its own or another address, and when there are too many. An
    /// empty page may come again.
    pub fn admit(&mut self, answer: &Answer) -> Result<(), HttpError> {
        let mut digest = Sha256::new();
        digest.update(answer.body());
        let is_new = self.seen.insert(digest.finalize().into());
        let is_small = answer.body().len() < 64;
        let fault = if self.seen.len() > MOST_PAGES {
            "its list has no end"
        } else if !is_new && !is_small {
            "its list repeats a page"
        } else {
            return Ok(());
        };
        Err(HttpError::Malformed {
            what: answer.what().to_owned(),
            source: anyhow::anyhow!(fault),
        })
    }
}
