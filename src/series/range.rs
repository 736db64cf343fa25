//! How the samples of a range are asked for.

use super::FAMILY;
use crate::model::TimeRange;

/// An instant query for the event versions of a range that have these labels, and the time that it is asked for, in seconds.
///
/// A range selector takes what is younger than its start in Prometheus 3, and the start itself before: asked for up to the
/// last millisecond, it has the whole range in both, and at most a millisecond more.
pub fn range_query(matchers: &str, range: TimeRange) -> (String, String) {
    selector_query(FAMILY, matchers, range)
}

/// The same for the series of any family.
pub fn selector_query(family: &str, matchers: &str, range: TimeRange) -> (String, String) {
    let length = range.length().num_milliseconds().max(1);
    let last = range.end.timestamp_millis() - 1;
    (
        format!("{family}{{{matchers}}}[{length}ms]"),
        format!("{}.{:03}", last.div_euclid(1_000), last.rem_euclid(1_000)),
    )
}
