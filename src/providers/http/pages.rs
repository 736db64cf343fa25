//! Keeps a walk through pages from going round in circles.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::{Answer, HttpError};

/// No list of one thing has more pages than this; a server that sends more sends them for ever.
const MOST_PAGES: usize = 20_000;

/// More pages than this that say nothing new in a few bytes say nothing for ever.
const MOST_EMPTY_PAGES: usize = 100;
/// What an empty page of any vendor fits into.
const EMPTY_BYTES: usize = 64;

/// Watches one list being paged through: refuses pages that come again and lists without end.
#[derive(Debug, Default)]
pub struct PageWalk {
    places: HashSet<[u8; 32]>,
    pages: HashSet<[u8; 32]>,
    empty: usize,
}

impl PageWalk {
    /// Takes a page in, by where it was found and what it says.
    ///
    /// # Errors
    /// `Malformed` when the page was here before, under its own or another address, and when there are too many. An
    /// empty page may come again under another address, but not for ever.
    pub fn admit(&mut self, answer: &Answer) -> Result<(), HttpError> {
        let is_new_place = self.places.insert(answer.place);
        let is_new_page = self.pages.insert(Sha256::digest(answer.body()).into());
        let is_empty = answer.body().len() < EMPTY_BYTES;
        self.empty += usize::from(is_empty && !is_new_page);
        let fault = if self.places.len() > MOST_PAGES {
            "its list has no end"
        } else if self.empty > MOST_EMPTY_PAGES {
            "its list goes on over empty pages"
        } else if !is_new_place || !is_new_page && !is_empty {
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
