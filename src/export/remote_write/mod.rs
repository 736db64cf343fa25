//! Remote write: samples to Prometheus, Thanos Receive or Mimir, each with one verdict.
//!
//! Source: Prometheus Remote-Write specification 1.0 and 2.0.

mod answer;
mod delivery;
mod labels;
mod prove;
mod sender;
#[cfg(test)]
mod tests;
mod wire;

pub use sender::Sender;

use std::time::Duration;

use crate::series::Sample;

/// All samples of one event version: they are taken or refused together.
#[derive(Clone, Debug, PartialEq)]
pub struct Parcel {
    /// One sample a part.
    pub samples: Vec<Sample>,
}

/// What a destination said to a parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has it.
    Accepted,
    /// It will never take it.
    Refused {
        /// Why, in the destination's words.
        reason: String,
    },
    /// It is older than what the destination takes live.
    TooOld,
    /// Nothing is known: later.
    Unsent {
        /// Why; no secret.
        reason: String,
        /// How long the destination asks to be left alone.
        retry_after: Option<Duration>,
    },
}
