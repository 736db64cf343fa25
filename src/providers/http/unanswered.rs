//! Why a request got no answer, in words that say what to do about it.

use std::error::Error;
use std::io;

use rustls::{CertificateError, InvalidMessage};

use super::addresses::RefusedAddress;

/// What rustls says when the other side refuses our certificate, or that we have none (RFC 8446, section 6.2).
const CLIENT_ALERTS: &[&str] = &[
    "received fatal alert: CertificateRequired",
    "received fatal alert: CertificateUnknown",
    "received fatal alert: CertificateExpired",
    "received fatal alert: CertificateRevoked",
    "received fatal alert: UnsupportedCertificate",
    "received fatal alert: BadCertificate",
    "received fatal alert: UnknownCA",
    "received fatal alert: AccessDenied",
    "received fatal alert: DecryptError",
];

/// Why there is no answer.
pub(super) enum Unanswered {
    /// It never left: it cannot be sent, or may not go there.
    NotSent(String),
    /// Another try would end alike.
    ForGood(anyhow::Error),
    /// It may pass.
    ForNow(anyhow::Error),
}

impl From<reqwest::Error> for Unanswered {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if error.is_builder() {
            return Self::NotSent("it cannot be asked like this".to_owned());
        }
        if let Some(refused) = find::<RefusedAddress>(&error) {
            return Self::NotSent(refused.to_string());
        }
        if let Some(reason) = find::<rustls::Error>(&error).and_then(tls_reason) {
            return Self::ForGood(anyhow::anyhow!(reason));
        }
        // These two come without a type of their own that we could look at.
        let says = |texts: &[&str]| {
            causes(&error).any(|cause| {
                let text = cause.to_string();
                texts.iter().any(|said| text.contains(said))
            })
        };
        if says(CLIENT_ALERTS) {
            return Self::ForGood(anyhow::anyhow!(
                "it takes a client certificate, and not the one it got, if any: see `certificateFile`"
            ));
        }
        // A wrong password that is sent again and again may lock its user out.
        if says(&["proxy authorization required"]) {
            return Self::ForGood(proxy_refusal());
        }
        Self::ForNow(error.into())
    }
}

/// What 407 means.
pub(super) fn proxy_refusal() -> anyhow::Error {
    anyhow::anyhow!("the proxy refuses us: it takes `proxyUser` and `proxyPassword`")
}

/// The error and its causes; an `io::Error` hides what it wraps from `source`.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause| next_cause(*cause))
}

fn next_cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// What is wrong with the two sides' TLS; `None`: it may pass.
fn tls_reason(error: &rustls::Error) -> Option<String> {
    use rustls::Error as Tls;
    let reason = match error {
        Tls::InvalidCertificate(fault) => return Some(certificate_reason(fault)),
        Tls::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "it does not speak TLS there: is its address one with http://?"
        }
        Tls::PeerIncompatible(_) => "it speaks no TLS that we speak (1.2 or 1.3)",
        _ => return None,
    };
    Some(reason.to_owned())
}

fn certificate_reason(fault: &CertificateError) -> String {
    let reason = match fault {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet: do both clocks go right?"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another host"
        }
        CertificateError::UnknownIssuer => {
            "is signed by nobody whom this machine trusts: name its authority in `caFile`"
        }
        CertificateError::Revoked => "is revoked",
        _ => "cannot be trusted: name its authority in `caFile`",
    };
    format!("its certificate {reason}")
}
