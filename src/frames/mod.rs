//! Answers → data frames: Arrow IPC bytes with Grafana's metadata (data plane contract, `typeVersion [0,1]`).
//!
//! Pure: no I/O, no clock. The frame types of `grafana-plugin-sdk` lose labels and know no frame types,
//! so these are our own; what they look like on the wire is what `grafana-plugin-sdk-go` reads.

mod build;
mod config;
mod csv;
mod definition;
mod frame;
mod ipc;
mod json;
mod links;
mod numbers;
mod series;
mod table;

pub use build::frames;
pub use config::{Config, DataLink, Mapping};
pub use csv::csv;
pub use frame::{Custom, Field, FieldValues, Frame, FrameType, Meta, Rests, Visualisation};
pub use ipc::encode;

#[cfg(test)]
mod tests;
