//! What a request carries.

use http::header::ACCEPT;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::{Instant, timeout_at};

use super::HttpError;
use super::api::Credential;
use super::call::Call;

/// The headers of a request but for its credential.
pub(super) fn plain_headers(call: &Call<'_>) -> HeaderMap {
    let profile = &call.api.profile;
    let mut headers = call.headers.clone();
    if !headers.contains_key(ACCEPT) {
        headers.insert(ACCEPT, HeaderValue::from_static(profile.accept));
    }
    for (name, value) in profile.headers {
        headers.insert(header_name(name), HeaderValue::from_static(value));
    }
    headers
}

/// The header that carries the credential; a token that runs out is had first.
pub(super) async fn credential(
    call: &Call<'_>,
    is_token_refused: bool,
    deadline: Instant,
) -> Result<Option<(HeaderName, HeaderValue)>, HttpError> {
    let renewed;
    let credential = match &call.api.credential {
        Credential::Renewed(source) => {
            let Ok(token) = timeout_at(deadline, source.token(is_token_refused)).await else {
                return Err(HttpError::Unavailable {
                    what: call.what(),
                    source: anyhow::anyhow!("its token does not come"),
                });
            };
            renewed = Credential::Token {
                scheme: "Bearer",
                token: token?,
            };
            &renewed
        }
        fixed => fixed,
    };
    credential
        .header_value()
        .map_err(|()| HttpError::Malformed {
            what: call.what(),
            source: anyhow::anyhow!("its token holds characters that no header can carry"),
        })
}

/// A header's name as vendors write it, capitals included.
pub(super) fn header_name(name: &'static str) -> HeaderName {
    HeaderName::from_bytes(name.as_bytes()).expect("names of headers are constants of ours")
}
