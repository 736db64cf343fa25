//! Answers that are kept with their ETag, so that an unchanged thing is not sent again.

use http::header::{ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Memory;

/// Larger answers are not kept.
const LARGEST_KEPT_BYTES: usize = 4 << 20;

/// What is kept of an answer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    etag: Option<String>,
    last_modified: Option<String>,
    /// The `Link` headers: pages go on from a kept page too.
    links: Vec<String>,
    #[serde(skip)]
    body: Vec<u8>,
}

/// The key of a kept answer: whoever asks with other rights, or for another form, gets another one.
pub(super) fn key(identity: &str, url: &str, accept: &str) -> String {
    let mut digest = Sha256::new();
    for part in [identity, url, accept] {
        digest.update(part);
        digest.update([0]);
    }
    format!("etag/{}", hex::encode(digest.finalize()))
}

/// What was kept under the key.
pub(super) fn recall(memory: &dyn Memory, key: &str) -> Option<Kept> {
    let bytes = memory.recall(key)?;
    // What another version kept, or what is damaged, is asked for anew.
    let plain = zstd::stream::decode_all(bytes.as_slice()).ok()?;
    let line = plain.iter().position(|byte| *byte == b'\n')?;
    let mut kept: Kept = serde_json::from_slice(&plain[..line]).ok()?;
    kept.body = plain[line + 1..].to_vec();
    Some(kept)
}

/// Keeps an answer where it can be asked for conditionally.
pub(super) fn remember(memory: &dyn Memory, key: &str, headers: &HeaderMap, body: &[u8]) {
    let text = |name: HeaderName| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let (etag, last_modified) = (text(ETAG), text(LAST_MODIFIED));
    if (etag.is_none() && last_modified.is_none()) || body.len() > LARGEST_KEPT_BYTES {
        return;
    }
    let links = headers.get_all(http::header::LINK).into_iter();
    let kept = Kept {
        etag,
        last_modified,
        links: links
            .filter_map(|value| value.to_str().ok())
            .map(str::to_owned)
            .collect(),
        body: Vec::new(),
    };
    // The body follows the line of what is known of it.
    let mut plain = serde_json::to_vec(&kept).expect("texts have a JSON form");
    plain.push(b'\n');
    plain.extend_from_slice(body);
    // Compressing bytes in memory fails for want of memory only; then nothing is kept.
    if let Ok(bytes) = zstd::stream::encode_all(plain.as_slice(), 3) {
        memory.remember(key, &bytes);
    }
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

    /// The kept answer's headers and body.
    pub(super) fn restore(self, mut headers: HeaderMap) -> (HeaderMap, Vec<u8>) {
        headers.remove(http::header::LINK);
        for link in &self.links {
            if let Ok(value) = HeaderValue::from_str(link) {
                headers.append(http::header::LINK, value);
            }
        }
        (headers, self.body)
    }
}
