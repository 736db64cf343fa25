//! Grafana's gRPC services, instances and resources.
//!
//! The messages and servers are our own, with the tags of `backend.proto`: those of `grafana-plugin-sdk` fail a whole
//! request for one bad query, log secrets and know no error source. Of that crate only the handshake and the log
//! format are used.

mod administration;
mod caller;
mod failure;
mod fingerprint;
mod guard;
mod health;
mod instance;
mod instances;
mod ledger_file;
mod log;
mod messages;
mod metrics;
mod query;
mod resources;
mod rights;
mod serve;
mod services;
mod stop;

pub use serve::{ServeError, serve};

use administration::Administration;
use instances::Instances;
use metrics::Metrics;

/// What all services share.
struct Plugin {
    instances: Instances,
    metrics: Metrics,
}

impl Plugin {
    fn new(administration: Administration) -> Self {
        Self {
            instances: Instances::new(administration),
            metrics: Metrics::default(),
        }
    }
}
