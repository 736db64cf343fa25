//! One request done properly, for all providers: they say what they want, this says how it is had.
//!
//! A `Network` is what the sources of a Pelorus share (clients, memory, counters); an `Api` is one source's view of it,
//! and a `Call` one request. Waiting, retrying, limits, redirects and redaction live here and nowhere else.

mod addresses;
mod api;
mod body;
mod budget;
mod call;
mod clients;
mod clock;
mod conditional;
mod counters;
mod error;
mod headers;
mod memory;
mod network;
mod pace;
mod pages;
mod push;
mod redirect;
mod refusal;
mod request;
mod retry;
mod send;
mod settings;
mod timing;
mod turn;
mod unanswered;

#[cfg(test)]
mod tests;

pub use addresses::Addresses;
pub use api::{Api, Credential, Limits, Profile, Renew};
pub use call::{Answer, Call};
pub use clock::Clock;
pub use counters::{LimitLeft, Outcome, RequestCount};
pub use error::{HttpError, ServerFault, Silence};
pub use headers::next_link;
pub use memory::{Forgetful, Memory};
pub use network::Network;
pub use pages::PageWalk;
pub use push::Said;
pub use retry::{jittered, random};
pub use settings::{CONNECTION_FIELDS, connection_fields, secret, tenant, text, text_list};

/// Who a request is for: people who wait, or the schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Nobody waits: it leaves the reserve of a rate limit to those who do.
    #[default]
    Background,
    /// A question waits for it.
    Query,
}
