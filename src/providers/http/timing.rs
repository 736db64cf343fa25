//! How long things may take: one set for all sources, which only tests shorten.

use std::time::Duration;

/// The patience of requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// How long one attempt may take, its body included.
    pub(super) attempt: Duration,
    /// How long a call may take with all its attempts and waits; a longer wait is the caller's to plan.
    pub(super) call: Duration,
    /// How long a server that limits without saying how long is left alone.
    pub(super) unsaid_wait: Duration,
    /// How long a server that limits is left alone at least, whatever it says.
    pub(super) least_wait: Duration,
    /// How long a body may come slowly.
    pub(super) grace: Duration,
    /// The most that is waited before a first retry; it doubles with each.
    pub(super) first_retry: Duration,
}

impl Timing {
    pub(super) const USUAL: Self = Self {
        attempt: Duration::from_secs(30),
        call: Duration::from_secs(90),
        // GitHub asks for a minute where it names no time.
        unsaid_wait: Duration::from_secs(60),
        least_wait: Duration::from_secs(1),
        grace: Duration::from_secs(5),
        first_retry: Duration::from_millis(500),
    };
}
