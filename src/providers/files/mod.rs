//! Files as sources: `events` reads our own schema as JSON Lines and CSV (`docs/events.schema.json`).

mod events;
mod fields;
mod lines;
mod opened;
mod places;
mod reading;
mod shape;
mod table;
mod values;

#[cfg(test)]
mod tests;

pub use events::KIND;
