//! Samples as OpenMetrics text, for `promtool tsdb create-blocks-from openmetrics`.

use std::fmt::Write as _;

use super::{FAMILY, NAME, Sample};

/// What stands before the samples of the lossless family.
pub const HEADER: &str = "# HELP pelorus_event_timestamp_seconds Events of software delivery, one series an event version.\n# TYPE pelorus_event_timestamp_seconds gauge\n# UNIT pelorus_event_timestamp_seconds seconds\n";

/// What stands at the end of an OpenMetrics text.
pub const TRAILER: &str = "# EOF\n";

/// Appends one sample as a line: labels, value, time in seconds.
pub fn line(sample: &Sample, text: &mut String) {
    let name = match sample.label(NAME) {
        "" => FAMILY,
        name => name,
    };
    text.push_str(name);
    text.push('{');
    let labels = sample.labels.iter().filter(|(name, _)| name != NAME);
    for (at, (name, value)) in labels.enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push_str(name);
        text.push_str("=\"");
        for letter in value.chars() {
            match letter {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                letter => text.push(letter),
            }
        }
        text.push('"');
    }
    let (seconds, rest) = (sample.at.div_euclid(1_000), sample.at.rem_euclid(1_000));
    // A negative time with a fraction counts down from zero: -0.5 is 500 ms before.
    let (sign, seconds, rest) = match (seconds, rest) {
        (seconds @ ..0, 1..) => ("-", -(seconds + 1), 1_000 - rest),
        (seconds, rest) => ("", seconds, rest),
    };
    writeln!(text, "}} {} {sign}{seconds}.{rest:03}", sample.value).expect("a text takes all");
}
