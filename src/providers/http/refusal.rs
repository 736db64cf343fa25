//! What a refusal means: too many requests, or too few rights.

use http::{HeaderMap, StatusCode};

/// Whether a refusal means that there were too many requests: 429, and GitHub's 403 of either limit.
pub(super) fn is_limit(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> bool {
    let is_used_up = || {
        headers
            .get("x-ratelimit-remaining")
            .is_some_and(|left| left == "0")
    };
    let says_so = || {
        let start = String::from_utf8_lossy(&body[..body.len().min(2_000)]).to_ascii_lowercase();
        start.contains("rate limit") || start.contains("abuse detection")
    };
    status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::FORBIDDEN
            && (headers.contains_key(http::header::RETRY_AFTER) || is_used_up() || says_so())
}

/// The permissions that a refusal names: GitHub's headers for fine-grained and classic tokens, Jenkins' for users.
pub(super) fn needed(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| {
        headers
            .get(name)?
            .to_str()
            .ok()
            .filter(|text| !text.is_empty() && text.len() < 200)
    };
    if let Some(permissions) = text("x-accepted-github-permissions") {
        return Some(format!("the permission {permissions}"));
    }
    if let Some(permission) = text("x-required-permission") {
        return Some(format!("the permission {permission}"));
    }
    text("x-accepted-oauth-scopes").map(|scopes| format!("one of the scopes {scopes}"))
}
