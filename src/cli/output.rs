//! Writes an answer in the form that was asked for. The only place of the command line that knows frames.

use super::arguments::Format;
use super::table::{self, Looks};
use crate::app::Answered;
use crate::frames;

/// What Grafana would call the query.
const REF_ID: &str = "A";

/// The answer as bytes for stdout.
pub(super) fn write(answered: &Answered, format: Format, looks: Looks) -> Vec<u8> {
    let frames = || frames::frames(answered, REF_ID);
    match format {
        Format::Table => table::draw(answered, looks).into_bytes(),
        Format::Json => {
            let frames: Vec<_> = frames().iter().map(frames::Frame::to_json).collect();
            format!("{}\n", serde_json::Value::Array(frames)).into_bytes()
        }
        Format::Csv => frames::csv(&frames()).into_bytes(),
        Format::Arrow => frames()
            .iter()
            .flat_map(frames::Frame::to_ipc_stream)
            .collect(),
    }
}
