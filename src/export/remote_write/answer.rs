//! What a receiver's answer means for a batch.

use std::time::Duration;

use http::StatusCode;

use crate::config::RemoteWrite;
use crate::providers::http::Said;

/// The longest wait that a receiver may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// What of an answer is worth keeping.
const LONGEST_REASON: usize = 300;
/// Says how many samples of a 2.0 body were written.
const WRITTEN: &str = "x-prometheus-remote-write-samples-written";

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// All of it was taken.
    Taken,
    /// Something in it is refused for good: which one, smaller batches tell.
    Refused { reason: String, is_too_old: bool },
    /// It is larger than the receiver takes.
    TooLarge { reason: String },
    /// The receiver does not speak this version.
    OtherVersion,
    /// It failed; a single parcel that always fails may be the cause.
    Failed { reason: String },
    /// Nothing is taken now, whatever it is.
    Closed {
        reason: String,
        retry_after: Option<Duration>,
    },
}

/// Texts by which Prometheus 2.x says 500 to what it will never take (prometheus issue 13334).
const FOR_EVER: &[&str] = &[
    "too old sample",
    "out of bounds",
    "out of order sample",
    "duplicate sample for timestamp",
    "is not unique",
    "invalid sample",
    "invalid labels",
];

const TOO_OLD: &[&str] = &["too old sample", "out of bounds", "out of order sample"];

/// What the receiver said to that many samples.
pub(super) fn of(said: &Said, protocol: RemoteWrite, samples: usize) -> Answer {
    let status = said.status;
    let text = said.text.to_lowercase();
    let says = |texts: &[&str]| texts.iter().any(|known| text.contains(known));
    let reason = reason(said);
    match status {
        _ if status.is_success() => {
            if protocol == RemoteWrite::One {
                return Answer::Taken;
            }
            match said
                .headers
                .get(WRITTEN)
                .map(|count| count.to_str().ok()?.parse::<usize>().ok())
            {
                None => Answer::OtherVersion,
                Some(Some(count)) if count >= samples => Answer::Taken,
                Some(_) => Answer::Refused {
                    reason: format!(
                        "{reason}, and does not say that it wrote all of {samples} samples"
                    ),
                    is_too_old: false,
                },
            }
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE if protocol == RemoteWrite::Two => Answer::OtherVersion,
        StatusCode::PAYLOAD_TOO_LARGE => Answer::TooLarge { reason },
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Answer::Closed {
            reason,
            retry_after: said.retry_after.map(|wait| wait.min(LONGEST_WAIT)),
        },
        StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::NOT_FOUND
        | StatusCode::METHOD_NOT_ALLOWED
        | StatusCode::PROXY_AUTHENTICATION_REQUIRED
        | StatusCode::REQUEST_TIMEOUT
        | StatusCode::UNSUPPORTED_MEDIA_TYPE => Answer::Closed {
            reason,
            retry_after: None,
        },
        _ if status.is_client_error() || says(FOR_EVER) => Answer::Refused {
            reason,
            is_too_old: says(TOO_OLD),
        },
        _ if status.is_server_error() => Answer::Failed { reason },
        // A redirect would lead a credential elsewhere, and turns a POST into a GET.
        _ => Answer::Closed {
            reason,
            retry_after: None,
        },
    }
}

/// The status with the first words of the answer, of pages only that it is one.
fn reason(said: &Said) -> String {
    let status = said.status;
    let text = said.text.trim();
    if status.is_redirection() {
        return format!("it redirects with status {status}: name the address that it leads to");
    }
    if text.is_empty() {
        return format!("it answers with status {status}");
    }
    if text.starts_with('<') {
        return format!(
            "it answers with status {status} and a web page: is this the address that takes samples?"
        );
    }
    let words: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take(LONGEST_REASON)
        .collect();
    format!("it answers with status {status}: {words}")
}
