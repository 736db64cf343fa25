//! The fields of a line: one flat struct for all types, so that a line is read in one pass.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::values::{LabelList, Name, Reverts, Time, Value, Words};
use crate::model::{CommitHash, EventKind, Outcome, Statement, Text};

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LineFault {
    /// The field, where one is to blame.
    pub(super) field: Option<&'static str>,
    /// What was expected.
    pub(super) expected: Cow<'static, str>,
}

impl LineFault {
    pub(super) fn of_field(field: &'static str, expected: &'static str) -> Self {
        Self {
            field: Some(field),
            expected: Cow::Borrowed(expected),
        }
    }

    pub(super) fn of_line(expected: impl Into<Cow<'static, str>>) -> Self {
        Self {
            field: None,
            expected: expected.into(),
        }
    }
}

impl fmt::Display for LineFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field {
            Some(field) => write!(formatter, "`{field}` must be {}", self.expected),
            None => formatter.write_str(&self.expected),
        }
    }
}

/// Of a field that stands twice nobody knows which one is meant.
const ONLY_ONCE: &str = "there only once";

macro_rules! fields {
    ($($name:ident $key:literal: $type:ty,)*) => {
        /// The fields of a line, whatever its type.
        #[derive(Default)]
        pub(super) struct Line<'a> {
            $(pub(super) $name: Option<$type>,)*
            /// A bit for each field that says something.
            pub(super) present: u128,
        }

        #[allow(non_camel_case_types)]
        enum Bit { $($name,)* }

        /// Every field's name, in the order of their bits.
        pub(super) const NAMES: &[&str] = &[$($key,)*];

        impl<'a> Line<'a> {
            /// Takes the value of a field from JSON; the field's name where its value is bad, `None` for an unknown field.
            fn take_json<A: MapAccess<'a>>(
                &mut self,
                key: &str,
                map: &mut A,
                blamed: &mut Option<LineFault>,
            ) -> Result<bool, A::Error> {
                match key {
                    $($key => {
                        if self.has(Bit::$name as u32) {
                            *blamed = Some(LineFault::of_field($key, ONLY_ONCE));
                            return Err(serde::de::Error::custom(ONLY_ONCE));
                        }
                        let value = map.next_value::<Option<$type>>().inspect_err(|_| {
                            *blamed = Some(LineFault::of_field($key, <$type as Value>::EXPECTED));
                        })?;
                        self.$name = value.filter(|value| !value.is_blank());
                        self.mark(Bit::$name as u32, self.$name.is_some());
                    })*
                    _ => return Ok(false),
                }
                Ok(true)
            }

            /// Takes the value of a field from the text of a cell; an empty one says nothing.
            pub(super) fn take_text(&mut self, key: &str, text: &'a str) -> Result<(), LineFault> {
                match key {
                    $($key => {
                        if text.is_empty() {
                            return Ok(());
                        }
                        if self.has(Bit::$name as u32) {
                            return Err(LineFault::of_field($key, ONLY_ONCE));
                        }
                        let value = <$type as Value>::of_text(text)
                            .ok_or(LineFault::of_field($key, <$type as Value>::EXPECTED))?;
                        self.$name = Some(value);
                        self.mark(Bit::$name as u32, true);
                    })*
                    _ => {}
                }
                Ok(())
            }
        }
    };
}

fields! {
    kind "type": Words<'a>,
    id "id": Name<'a>,
    source "source": Words<'a>,
    url "url": Words<'a>,
    source_url "source_url": Words<'a>,
    repository "repository": Words<'a>,
    hash "hash": CommitHash,
    parents "parents": Vec<CommitHash>,
    authored_at "authored_at": Time,
    committed_at "committed_at": Time,
    author "author": Words<'a>,
    branch "branch": Words<'a>,
    default_branch "default_branch": bool,
    message "message": Words<'a>,
    reverts "reverts": Reverts,
    picked_from "picked_from": CommitHash,
    pull_request "pull_request": u64,
    paths "paths": Vec<Text>,
    number "number": u64,
    head "head": CommitHash,
    head_branch "head_branch": Words<'a>,
    base "base": Words<'a>,
    merge_commit "merge_commit": CommitHash,
    squash_commit "squash_commit": CommitHash,
    commits "commits": Vec<CommitHash>,
    opened_at "opened_at": Time,
    first_commit_at "first_commit_at": Time,
    first_review_at "first_review_at": Time,
    approved_at "approved_at": Time,
    merged_at "merged_at": Time,
    closed_at "closed_at": Time,
    labels "labels": LabelList,
    title "title": Words<'a>,
    bot "bot": bool,
    commit "commit": CommitHash,
    pipeline "pipeline": Words<'a>,
    started_at "started_at": Time,
    finished_at "finished_at": Time,
    outcome "outcome": Outcome,
    images "images": Vec<Text>,
    tags "tags": Vec<Text>,
    application "application": Words<'a>,
    environment "environment": Words<'a>,
    cluster "cluster": Words<'a>,
    namespace "namespace": Words<'a>,
    workload "workload": Words<'a>,
    version "version": Name<'a>,
    revision "revision": Name<'a>,
    rollback "rollback": bool,
    fixes "fixes": Name<'a>,
    project "project": Words<'a>,
    components "components": Vec<Text>,
    resolved_at "resolved_at": Time,
    updated_at "updated_at": Time,
    severity "severity": Words<'a>,
    user_facing "user_facing": bool,
    duplicate_of "duplicate_of": Name<'a>,
    deployment "deployment": Name<'a>,
    tag "tag": Words<'a>,
    tagged_at "tagged_at": Time,
    published_at "published_at": Time,
    prerelease "prerelease": bool,
    target "target": Name<'a>,
    statement "statement": Statement,
    cause "cause": Name<'a>,
    at "at": Time,
    reason "reason": Words<'a>,
}

impl<'a> Line<'a> {
    fn has(&self, bit: u32) -> bool {
        self.present & (1 << bit) != 0
    }

    fn mark(&mut self, bit: u32, is_there: bool) {
        if is_there {
            self.present |= 1 << bit;
        } else {
            self.present &= !(1 << bit);
        }
    }

    /// Reads a line of JSON; names of unknown fields are added to `unknown`.
    pub(super) fn of_json(text: &'a str, unknown: &mut Vec<String>) -> Result<Self, LineFault> {
        let mut line = Self::default();
        let mut blamed = None;
        let mut json = serde_json::Deserializer::from_str(text);
        let seed = LineSeed {
            line: &mut line,
            blamed: &mut blamed,
            unknown,
        };
        let read = seed.deserialize(&mut json).and_then(|()| json.end());
        match read {
            Ok(()) => Ok(line),
            Err(error) if error.is_data() => {
                Err(blamed.unwrap_or_else(|| LineFault::of_line("a line must be one JSON object")))
            }
            // A syntax error quotes nothing of the line, and counts lines from this one.
            Err(error) => Err(LineFault::of_line(format!(
                "a line must be one JSON object: {}",
                error
                    .to_string()
                    .replace(" at line 1 column ", " at column ")
            ))),
        }
    }

    /// The line's type.
    pub(super) fn event_kind(&self) -> Result<EventKind, LineFault> {
        const EXPECTED: &str =
            "one of commit, pull_request, build, deployment, incident, release, verdict";
        let kind = self.kind.as_ref().map(|kind| kind.0.as_ref());
        EventKind::ALL
            .into_iter()
            .find(|known| Some(known.as_str()) == kind)
            .ok_or(LineFault::of_field("type", EXPECTED))
    }
}

/// Fills a line from a JSON object and remembers which field was bad.
struct LineSeed<'line, 'a> {
    line: &'line mut Line<'a>,
    blamed: &'line mut Option<LineFault>,
    unknown: &'line mut Vec<String>,
}

impl<'a> DeserializeSeed<'a> for LineSeed<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for LineSeed<'_, 'a> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Words<'a>>()? {
            if !self.line.take_json(&key.0, &mut map, self.blamed)? {
                map.next_value::<IgnoredAny>()?;
                self.unknown.push(key.0.into_owned());
            }
        }
        Ok(())
    }
}
