//! The values that fields of a line may have, as JSON and as the text of a CSV cell.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};

use crate::model::{CommitHash, Labels, Outcome, Statement, Text};

/// A value of a line.
pub(super) trait Value<'a>: Deserialize<'a> {
    /// What a line must have there, for the notice about one that has not.
    const EXPECTED: &'static str;

    /// Reads the text of a CSV cell.
    fn of_text(text: &'a str) -> Option<Self>;

    /// Whether it says nothing, as an empty text does.
    fn is_blank(&self) -> bool {
        false
    }
}

/// A text, borrowed from the line where it has no escapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words<'a>(pub(super) Cow<'a, str>);

/// A text that may be written as a whole number, as ids often are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name<'a>(pub(super) Cow<'a, str>);

/// An instant, cut to whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time(pub(super) DateTime<Utc>);

/// Commits a commit reverts, or the number of the pull request that one reverts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reverts {
    Commits(Vec<CommitHash>),
    PullRequest(u64),
}

/// Labels of a line; the model's own form of them is an object only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LabelList(pub(super) Labels);

impl Words<'_> {
    pub(super) fn text(&self) -> Text {
        self.0.as_ref().into()
    }
}

impl<'a> Value<'a> for Words<'a> {
    const EXPECTED: &'static str = "a text";

    fn of_text(text: &'a str) -> Option<Self> {
        Some(Self(Cow::Borrowed(text)))
    }

    fn is_blank(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> Value<'a> for Name<'a> {
    const EXPECTED: &'static str = "a text or a whole number";

    fn of_text(text: &'a str) -> Option<Self> {
        Some(Self(Cow::Borrowed(text)))
    }

    fn is_blank(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> Value<'a> for Time {
    const EXPECTED: &'static str = "a time as in RFC 3339, such as 2026-11-01T10:00:00Z";

    fn of_text(text: &'a str) -> Option<Self> {
        // What is no time is told with `EXPECTED`; the parser's own words add nothing.
        let read = DateTime::parse_from_rfc3339(text).ok()?;
        DateTime::from_timestamp_millis(read.timestamp_millis()).map(Self)
    }
}

impl<'a> Value<'a> for CommitHash {
    const EXPECTED: &'static str = "a commit hash of 40 or 64 hexadecimal digits";

    fn of_text(text: &'a str) -> Option<Self> {
        // Told with `EXPECTED`.
        text.parse().ok()
    }
}

impl<'a> Value<'a> for u64 {
    const EXPECTED: &'static str = "a whole number";

    fn of_text(text: &'a str) -> Option<Self> {
        // Told with `EXPECTED`.
        text.parse().ok()
    }
}

impl<'a> Value<'a> for bool {
    const EXPECTED: &'static str = "true or false";

    fn of_text(text: &'a str) -> Option<Self> {
        match text {
            "true" | "True" | "TRUE" | "1" | "yes" => Some(true),
            "false" | "False" | "FALSE" | "0" | "no" => Some(false),
            _ => None,
        }
    }
}

impl<'a> Value<'a> for Outcome {
    const EXPECTED: &'static str = "one of succeeded, failed, running, cancelled";

    fn of_text(text: &'a str) -> Option<Self> {
        [
            Self::Succeeded,
            Self::Failed,
            Self::Running,
            Self::Cancelled,
        ]
        .into_iter()
        .find(|outcome| outcome.as_str() == text)
    }
}

impl<'a> Value<'a> for Statement {
    const EXPECTED: &'static str =
        "one of failed, not_failed, caused_by, hotfix, not_an_incident, unlink";

    fn of_text(text: &'a str) -> Option<Self> {
        let text = serde::de::value::BorrowedStrDeserializer::<serde::de::value::Error>::new(text);
        // Told with `EXPECTED`.
        Self::deserialize(text).ok()
    }
}

impl<'a> Value<'a> for Vec<CommitHash> {
    const EXPECTED: &'static str = "a list of commit hashes of 40 or 64 hexadecimal digits";

    fn of_text(text: &'a str) -> Option<Self> {
        items(text).map(CommitHash::of_text).collect()
    }
}

impl<'a> Value<'a> for Vec<Text> {
    const EXPECTED: &'static str = "a list of texts";

    fn of_text(text: &'a str) -> Option<Self> {
        Some(items(text).map(Text::from).collect())
    }
}

impl<'a> Value<'a> for Reverts {
    const EXPECTED: &'static str =
        "a list of commit hashes (of a commit), or a number (of a pull request)";

    fn of_text(text: &'a str) -> Option<Self> {
        match u64::of_text(text) {
            Some(number) => Some(Self::PullRequest(number)),
            None => Vec::of_text(text).map(Self::Commits),
        }
    }
}

impl<'a> Value<'a> for LabelList {
    const EXPECTED: &'static str = "an object of texts, or a list of names";

    /// `key=value;name`, a bare name standing for `name=true`.
    fn of_text(text: &'a str) -> Option<Self> {
        let pairs = text
            .split(';')
            .map(str::trim)
            .filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "true")));
        let pairs = pairs.map(|(key, value)| (key.trim().into(), value.trim().into()));
        Some(Self(Labels(pairs.collect())))
    }
}

/// The items of a list in a CSV cell.
fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', ';']).filter(|item| !item.is_empty())
}

struct WordsVisitor;

impl<'a> Visitor<'a> for WordsVisitor {
    type Value = Cow<'a, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// What may stand in a text's place, and is read as one.
#[derive(Clone, Copy)]
enum Instead {
    WholeNumber,
    NumberOrTruth,
}

struct ScalarVisitor(Instead);

impl<'a> Visitor<'a> for ScalarVisitor {
    type Value = Cow<'a, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.0 {
            Instead::WholeNumber => Name::EXPECTED,
            Instead::NumberOrTruth => "a text, a number, true or false",
        })
    }

    fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(number.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        match self.0 {
            Instead::WholeNumber => Err(E::invalid_type(Unexpected::Float(number), &self)),
            Instead::NumberOrTruth => Ok(Cow::Owned(number.to_string())),
        }
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Self::Value, E> {
        match self.0 {
            Instead::WholeNumber => Err(E::invalid_type(Unexpected::Bool(truth), &self)),
            Instead::NumberOrTruth => Ok(Cow::Borrowed(if truth { "true" } else { "false" })),
        }
    }
}

struct TimeVisitor;

impl Visitor<'_> for TimeVisitor {
    type Value = Time;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(Time::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Time, E> {
        Time::of_text(text).ok_or_else(|| E::custom(Time::EXPECTED))
    }
}

struct RevertsVisitor;

impl<'a> Visitor<'a> for RevertsVisitor {
    type Value = Reverts;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(Reverts::EXPECTED)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Reverts, E> {
        Ok(Reverts::PullRequest(number))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<Reverts, A::Error> {
        let mut commits = Vec::new();
        while let Some(hash) = list.next_element()? {
            commits.push(hash);
        }
        Ok(Reverts::Commits(commits))
    }
}

struct LabelsVisitor;

impl<'a> Visitor<'a> for LabelsVisitor {
    type Value = LabelList;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(LabelList::EXPECTED)
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<LabelList, A::Error> {
        let mut labels = Labels::default();
        while let Some((key, value)) = map.next_entry::<Words<'_>, LabelValue<'_>>()? {
            labels.0.insert(key.text(), value.0.as_ref().into());
        }
        Ok(LabelList(labels))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<LabelList, A::Error> {
        let mut labels = Labels::default();
        while let Some(name) = list.next_element::<Words<'_>>()? {
            labels.0.insert(name.text(), "true".into());
        }
        Ok(LabelList(labels))
    }
}

/// The value of a label: a text, or a number or truth that is written as one.
struct LabelValue<'a>(Cow<'a, str>);

macro_rules! deserialize {
    ($type:ty, $method:ident, $visitor:expr, $wrap:expr) => {
        impl<'a> Deserialize<'a> for $type {
            fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.$method($visitor).map($wrap)
            }
        }
    };
}

deserialize!(Words<'a>, deserialize_str, WordsVisitor, Self);
deserialize!(
    Name<'a>,
    deserialize_any,
    ScalarVisitor(Instead::WholeNumber),
    Self
);
deserialize!(
    LabelValue<'a>,
    deserialize_any,
    ScalarVisitor(Instead::NumberOrTruth),
    Self
);
deserialize!(Time, deserialize_str, TimeVisitor, |time| time);
deserialize!(Reverts, deserialize_any, RevertsVisitor, |reverts| reverts);
deserialize!(LabelList, deserialize_any, LabelsVisitor, |labels| labels);
