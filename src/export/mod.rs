//! The export loop: keeps what the ledger holds in Prometheus or Thanos too, and shows it to who scrapes.
//!
//! The only writer of outbox and quarantine. `pump` empties a queue, `lane` proves a destination and goes on for ever,
//! `exporter` wires sources and lanes, `serve` answers scrapes.

pub mod backfill;
mod exporter;
pub mod exposition;
mod lane;
mod pump;
mod reconcile;
pub mod remote_write;
mod serve;
mod tally;
#[cfg(test)]
mod tests;
mod told;

pub use exporter::{ExportError, Exporter};
pub use lane::{Lane, Prover, Versions};
pub use pump::{Courier, Pass, Pump};
pub use reconcile::{Difference, compare};
pub use serve::{Shown, Stage, listen, serve};
pub use tally::{Counts, Tally};
pub use told::Told;
