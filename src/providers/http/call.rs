//! One request and its answer.

use std::fmt;

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use url::Url;

use super::api::Api;
use super::{HttpError, headers, request, send};

/// A request that is being put together.
#[must_use = "a call does nothing until it is sent"]
pub struct Call<'a> {
    pub(super) api: &'a Api,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Vec<u8>>,
    /// Whether the answer is kept and asked for conditionally.
    pub(super) is_conditional: bool,
    /// The limit it counts against, where the vendor has several.
    pub(super) resource: &'static str,
    /// What it takes of that limit.
    pub(super) cost: u64,
    /// Whether the server's 502 and 504 go back to the caller at once.
    pub(super) hands_back_timeouts: bool,
    /// Whether an attempt without an answer in time, the server's 503 and 504 go back to the caller at once.
    pub(super) hands_back_silence: bool,
}

impl<'a> Call<'a> {
    pub(super) fn new(api: &'a Api, method: Method, url: Url) -> Self {
        Self {
            api,
            method,
            url,
            headers: HeaderMap::new(),
            body: None,
            is_conditional: false,
            resource: "core",
            cost: 1,
            hands_back_timeouts: false,
            hands_back_silence: false,
        }
    }

    /// Adds a pair to the query.
    pub fn query(mut self, key: &str, value: impl ToString) -> Self {
        self.url
            .query_pairs_mut()
            .append_pair(key, &value.to_string());
        self
    }

    /// Adds a header that holds no secret.
    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers
            .insert(request::header_name(name), HeaderValue::from_static(value));
        self
    }

    /// Adds a header that the settings name, such as a tenant's.
    pub fn named_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sends this as JSON.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        let bytes =
            serde_json::to_vec(body).expect("bodies of requests are structs with text keys");
        self.headers.insert(
            http::header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        self.body = Some(bytes);
        self
    }

    /// Keeps the answer, and asks next time only for what changed since.
    pub fn conditional(mut self) -> Self {
        self.is_conditional = true;
        self
    }

    /// Names the vendor's limit that it counts against (GitHub: `core` unless said, `graphql`, `search`).
    pub fn counted_as(mut self, resource: &'static str) -> Self {
        self.resource = resource;
        self
    }

    /// Says what it takes of its limit, where that is not one (points of GraphQL).
    pub fn costing(mut self, cost: u32) -> Self {
        self.cost = u64::from(cost);
        self
    }

    /// Hands the server's 502 and 504 back at once: the caller asks for less rather than for the same again.
    pub fn hand_back_timeouts(mut self, hands_back: bool) -> Self {
        self.hands_back_timeouts = hands_back;
        self
    }

    /// Hands back at once that an attempt had no answer in time, or 503 or 504: the caller asks for less rather than for the
    /// same again.
    pub fn hand_back_silence(mut self) -> Self {
        self.hands_back_silence = true;
        self
    }

    /// Sends it, waits for its answer, and tries again where that may help.
    ///
    /// # Errors
    /// See `HttpError`; an answer with a status of 200 to 299 is none.
    pub async fn send(self) -> Result<Answer, HttpError> {
        send::send(self).await
    }

    /// The address without query: what errors and people are told.
    pub(super) fn what(&self) -> String {
        without_query(&self.url)
    }

    /// What was asked, as a fingerprint: the same request has the same place.
    pub(super) fn place(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        let body = self.body.as_deref().unwrap_or_default();
        for part in [
            self.method.as_str().as_bytes(),
            self.url.as_str().as_bytes(),
            body,
        ] {
            digest.update(part);
            digest.update([0]);
        }
        digest.finalize().into()
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Call")
            .field("method", &self.method)
            .field("what", &self.what())
            .finish_non_exhaustive()
    }
}

/// The address without user, query and fragment, and not longer than people read.
pub(super) fn without_query(url: &Url) -> String {
    const LONGEST: usize = 300;
    // What has no host, and so no user, has none to be removed.
    let host = url.host_str().map(|_| url.origin().ascii_serialization());
    let mut text = host.unwrap_or_default() + url.path();
    if text.len() > LONGEST {
        // A URL is ASCII.
        text.truncate(LONGEST);
        text.push('…');
    }
    text
}

/// An answer with a status of 200 to 299, read to its end.
pub struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) url: Url,
    pub(super) what: String,
    /// What was asked, as a fingerprint.
    pub(super) place: [u8; 32],
    pub(super) is_unchanged: bool,
}

impl Answer {
    /// Reads it as JSON.
    ///
    /// # Errors
    /// `Malformed`, with the place where it stopped making sense, never with what stands there.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let is_page = self.body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<');
            let source = if is_page {
                anyhow::anyhow!("it answered a web page: is the address the one of the API?")
            } else {
                // serde_json's text quotes what it read, which may be anything: only the kind and the place are told.
                let kind = match error.classify() {
                    serde_json::error::Category::Eof => "its JSON is cut off",
                    serde_json::error::Category::Syntax => "it is not JSON",
                    serde_json::error::Category::Data => "its JSON has another shape",
                    serde_json::error::Category::Io => "it cannot be read",
                };
                anyhow::anyhow!("{kind}, at line {} column {}", error.line(), error.column())
            };
            HttpError::Malformed {
                what: self.what.clone(),
                source,
            }
        })
    }

    /// The bytes of the body, decoded.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// A header that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The address of the next page, by `Link: …; rel="next"`.
    pub fn next(&self) -> Option<Url> {
        headers::next_link(&self.headers, &self.url)
    }

    /// The address that answered in the end, after redirects.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// What was asked, for people: the address without query.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Whether the server said that nothing changed since the answer that was kept (it is this one).
    ///
    /// That it was kept does not mean that what it says was stored: the reading may have been cut off in between.
    pub fn is_unchanged(&self) -> bool {
        self.is_unchanged
    }

    /// The status, 200 to 299 (200 for an answer that was kept).
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The server's clock when it answered.
    pub fn served_at(&self) -> Option<DateTime<Utc>> {
        headers::served_at(&self.headers)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers and bodies may hold cookies and tokens.
        formatter
            .debug_struct("Answer")
            .field("status", &self.status)
            .field("what", &self.what)
            .field("body_bytes", &self.body.len())
            .field("is_unchanged", &self.is_unchanged)
            .finish_non_exhaustive()
    }
}
