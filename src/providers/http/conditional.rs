//! Answers that are kept with their ETag, so that an unchanged thing is not sent again.

use std::io::Read;

use http::header::{ACCEPT, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LINK};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Answer, Memory};

/// Larger answers are not kept.
const LARGEST_KEPT_BYTES: usize = 4 << 20;
/// Parts of the names of headers by which vendors tell of further pages (`x-next-page`, `x-total-count`, `x-hasmore`,
/// `x-ms-continuationtoken`).
const PAGING: &[&str] = &["page", "total", "more", "continuation"];

/// What is kept of an answer.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    etag: Option<String>,
    last_modified: Option<String>,
    /// The headers that tell of further pages: a 304 has none of them, and pages go on from a kept page too.
    paging: Vec<(String, String)>,
    #[serde(skip)]
    body: Vec<u8>,
}

/// The key of a kept answer: whoever asks with other rights, or for another form, gets another one.
pub(super) fn key(identity: &str, url: &str, headers: &HeaderMap) -> String {
    let mut asked: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    asked.sort_unstable();
    let mut digest = Sha256::new();
    let parts = asked
        .iter()
        .flat_map(|(name, value)| [name.as_bytes(), value]);
    for part in [identity.as_bytes(), url.as_bytes()]
        .into_iter()
        .chain(parts)
    {
        digest.update(part);
        digest.update([0]);
    }
    format!("etag/{}", hex::encode(digest.finalize()))
}

/// What was kept under the key.
pub(super) fn recall(memory: &dyn Memory, key: &str) -> Option<Kept> {
    let bytes = memory.recall(key)?;
    // What another version kept, or what is damaged, is asked for anew.
    let unpacked = zstd::stream::read::Decoder::new(bytes.as_slice()).ok()?;
    let mut plain = Vec::new();
    let most = 2 * LARGEST_KEPT_BYTES as u64;
    unpacked.take(most).read_to_end(&mut plain).ok()?;
    if plain.len() as u64 == most {
        return None;
    }
    let line = plain.iter().position(|byte| *byte == b'\n')?;
    let mut kept: Kept = serde_json::from_slice(&plain[..line]).ok()?;
    kept.body = plain.split_off(line + 1);
    Some(kept)
}

/// Keeps an answer where it can be asked for conditionally.
pub(super) fn remember(memory: &dyn Memory, key: &str, answer: &Answer, asked: &HeaderMap) {
    let text = |name: HeaderName| answer.header(name.as_str()).map(str::to_owned);
    let (etag, last_modified) = (text(ETAG), text(LAST_MODIFIED));
    let has_tag = etag.is_some() || last_modified.is_some();
    if !has_tag || answer.body.len() > LARGEST_KEPT_BYTES || !is_whole(&answer.body, asked) {
        return;
    }
    let is_paging =
        |name: &HeaderName| *name == LINK || PAGING.iter().any(|part| name.as_str().contains(part));
    let paging = answer
        .headers
        .iter()
        .filter(|(name, _)| is_paging(name))
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
    let kept = Kept {
        etag,
        last_modified,
        paging: paging.collect(),
        body: Vec::new(),
    };
    // The body follows the line of what is known of it.
    let mut plain = serde_json::to_vec(&kept).expect("texts have a JSON form");
    plain.push(b'\n');
    plain.extend_from_slice(&answer.body);
    // Compressing bytes in memory fails for want of memory only; then nothing is kept.
    if let Ok(bytes) = zstd::stream::encode_all(plain.as_slice(), 3) {
        memory.remember(key, &bytes);
    }
}

/// Whether a body is what was asked for: half of one would come back from here for as long as its tag lives.
fn is_whole(body: &[u8], asked: &HeaderMap) -> bool {
    let asks_json = asked
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("json"));
    !asks_json || serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

impl Kept {
    /// Asks the server to answer only if something changed.
    pub(super) fn ask(&self, headers: &mut HeaderMap) {
        let mut insert = |name: HeaderName, value: &Option<String>| {
            if let Some(value) = value
                .as_deref()
                .and_then(|value| HeaderValue::from_str(value).ok())
            {
                headers.insert(name, value);
            }
        };
        insert(IF_NONE_MATCH, &self.etag);
        if self.etag.is_none() {
            insert(IF_MODIFIED_SINCE, &self.last_modified);
        }
    }

    /// The kept answer's headers and body, under the headers of the answer that it is still right.
    pub(super) fn restore(&self, mut headers: HeaderMap) -> (HeaderMap, Vec<u8>) {
        let kept = || {
            self.paging.iter().filter_map(|(name, value)| {
                // What was kept came from headers.
                let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
                Some((name, HeaderValue::from_str(value).ok()?))
            })
        };
        kept().for_each(|(name, _)| drop(headers.remove(name)));
        for (name, value) in kept() {
            headers.append(name, value);
        }
        (headers, self.body.clone())
    }
}
