//! On-demand and background fetching: single flight, schedule, back-off. The only writer of events, coverage and cursors.
//!
//! A question says what it needs (`Syncing::want`), waits as long as it likes (`settle`) and looks how the sources
//! stand (`standings`). Readings belong to `Syncing`, never to the question that started them.

mod backoff;
#[cfg(test)]
pub(crate) mod fakes;
mod flight;
mod local;
mod memory;
mod need;
mod origins;
mod people;
mod reading;
mod schedule;
mod selection;
mod source;
#[cfg(test)]
mod tests;
mod watching;

pub use crate::providers::http::Clock;
pub use flight::{Listener, Syncing};
pub use need::Policy;
pub use origins::origins;
pub use people::Names;
pub use source::{Source, Standing};
