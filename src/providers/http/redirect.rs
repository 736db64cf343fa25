//! Where a redirect may lead.

use http::{HeaderMap, Method, StatusCode};
use url::Url;

use super::Addresses;

/// Hops that are followed.
pub(super) const MOST_HOPS: usize = 5;

/// Where an answer sends us on to; `None`: it is no redirect.
///
/// # Errors
/// A sentence part, when following would be wrong.
pub(super) fn target(
    status: StatusCode,
    headers: &HeaderMap,
    method: &Method,
    asked: &Url,
    addresses: Addresses,
) -> Result<Option<Url>, String> {
    let keeps_method = match status {
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER => false,
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
        _ => return Ok(None),
    };
    if *method != Method::GET && !keeps_method {
        return Err("it redirects a request that must not become another: is the address complete, with https://?".to_owned());
    }
    let location = headers
        .get(http::header::LOCATION)
        .and_then(|location| location.to_str().ok());
    let Some(mut target) = location.and_then(|location| asked.join(location).ok()) else {
        return Err("it redirects nowhere".to_owned());
    };
    if asked.scheme() == "https" && target.scheme() == "http" {
        return Err("it redirects from https:// to http://".to_owned());
    }
    // Credentials stay behind; what a body says (a client's secret, say) would not.
    if *method != Method::GET && !is_same_origin(asked, &target) {
        return Err("it redirects a request that is meant for itself to another host".to_owned());
    }
    target.set_fragment(None);
    addresses
        .admit(&target)
        .map_err(|why| format!("it redirects to an address that {why}"))?;
    Ok(Some(target))
}

/// Whether credentials for one address may be shown to the other.
pub(super) fn is_same_origin(one: &Url, other: &Url) -> bool {
    one.origin() == other.origin()
}
