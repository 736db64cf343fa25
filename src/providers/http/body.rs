//! Reads a body with bounds: on its size after decoding, on its time, and on its speed.

use std::time::Duration;

use futures::StreamExt;
use reqwest::Response;
use tokio::time::Instant;

/// Largest body, decoded.
pub(super) const LARGEST_BYTES: usize = 32 << 20;
/// What a server must send on average, once the grace is over.
const SLOWEST_BYTES_PER_SECOND: u64 = 1_000;

/// Why a body was not read to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("its answer is larger than {} MiB", LARGEST_BYTES >> 20)]
    TooLarge,
    #[error("its answer comes slower than {SLOWEST_BYTES_PER_SECOND} bytes a second")]
    TooSlow,
    #[error("its answer takes too long")]
    TooLong,
    #[error("its answer broke off")]
    Transport(#[source] reqwest::Error),
}

/// Reads the body to its end.
pub(super) async fn read(
    response: Response,
    grace: Duration,
    deadline: Instant,
) -> Result<Vec<u8>, Broken> {
    // The length that a server names is the packed one, or a lie; too large is too large all the same.
    if response
        .content_length()
        .is_some_and(|length| length > LARGEST_BYTES as u64)
    {
        return Err(Broken::TooLarge);
    }
    let began = Instant::now();
    let hint = response.content_length().unwrap_or(0).min(1 << 20) as usize;
    let mut body = Vec::with_capacity(hint);
    let mut chunks = response.bytes_stream();
    loop {
        let allowed = grace + Duration::from_secs(body.len() as u64 / SLOWEST_BYTES_PER_SECOND);
        let due = deadline.min(began + allowed);
        match tokio::time::timeout_at(due, chunks.next()).await {
            Ok(Some(Ok(chunk))) if body.len() + chunk.len() > LARGEST_BYTES => {
                return Err(Broken::TooLarge);
            }
            Ok(Some(Ok(chunk))) => body.extend_from_slice(&chunk),
            Ok(Some(Err(error))) => return Err(Broken::Transport(error.without_url())),
            Ok(None) => return Ok(body),
            Err(_) if due == deadline => return Err(Broken::TooLong),
            Err(_) => return Err(Broken::TooSlow),
        }
    }
}
