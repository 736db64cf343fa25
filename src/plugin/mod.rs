//! Grafana's gRPC services, instances and resources.
//!
//! The messages and servers are our own, with the tags of `backend.proto`: those of `grafana-plugin-sdk` fail a whole
//! request for one bad query, log secrets and know no error source. Of that crate only the handshake and the log
//! format are used.

mod messages;
mod administration;
mod caller;
mod failure;
mod ledger_file;
mod fingerprint;
mod instance;
mod instances;
mod guard;
mod query;
mod health;
mod resources;
mod rights;
mod metrics;
mod services;
mod stop;
mod log;
mod serve;

pub use serve::serve;

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
