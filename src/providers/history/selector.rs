//! Label matchers that a user adds, and the queries that are made with them.

use std::sync::LazyLock;

use regex::Regex;

use super::revisions::at_least;
use crate::model::TimeRange;
use crate::series::range_query;

/// Matchers as PromQL writes them, separated by commas: nothing else gets into a query.
static MATCHERS: LazyLock<Regex> = LazyLock::new(|| {
    let matcher = r#"[a-zA-Z_][a-zA-Z0-9_]*\s*(?:=~|!~|!=|=)\s*"(?:[^"\\\n]|\\.)*""#;
    Regex::new(&format!(r"^\s*(?:{matcher}\s*(?:,\s*{matcher}\s*)*)?$"))
        .expect("a constant expression compiles")
});

/// Whether the text is a list of label matchers.
pub(super) fn is_matchers(written: &str) -> bool {
    MATCHERS.is_match(written)
}

/// A query for the versions of a range, and its time; with `since` only for those that were stored from then on.
pub(super) fn query(matchers: &str, range: TimeRange, since: Option<i64>) -> (String, String) {
    let mut all = matchers.trim().to_owned();
    if let Some(since) = since {
        if !all.is_empty() {
            all.push(',');
        }
        all += &format!("revision=~\"{}\"", at_least(since));
    }
    range_query(&all, range)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;

    fn at(milliseconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(milliseconds).unwrap()
    }

    #[test]
    fn a_query_has_the_range_to_the_millisecond() {
        let range = TimeRange::new(at(1_000), at(61_000));
        let (text, time) = query("", range, None);
        assert_eq!(text, "pelorus_event_timestamp_seconds{}[60000ms]");
        assert_eq!(time, "60.999");
        let (text, _) = query(" cluster=\"eu\" ", range, Some(98));
        assert_eq!(
            text,
            "pelorus_event_timestamp_seconds{cluster=\"eu\",revision=~\"98|99|[1-9][0-9]{2,}\"}[60000ms]"
        );
    }

    #[test]
    fn only_matchers_are_matchers() {
        for good in [
            "",
            "  ",
            "a=\"b\"",
            "a = \"b\" , c_1!~\"d|\\\"e\"",
            "a=\"}[1d]\"",
        ] {
            assert!(is_matchers(good), "{good}");
        }
        for bad in [
            "a",
            "a=b",
            "a=\"b",
            "a=\"b\"} or vector(1)",
            "a=\"b\",",
            "a=\"b\" c=\"d\"",
            "1a=\"b\"",
            "a=\"b\n\"",
        ] {
            assert!(!is_matchers(bad), "{bad}");
        }
    }
}
