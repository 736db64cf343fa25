//! Files of events: JSON Lines and CSV, plain or compressed, one file or many.

use chrono::{DateTime, Utc};
use futures::future::{self, BoxFuture, FutureExt};
use futures::stream::{self, BoxStream, StreamExt};

use super::reading::Reading;
use crate::config::{Fault, Field, FieldType, FieldValue, SettingsError, SourceSettings};
use crate::model::{EventKind, EventKinds, Severity, SourceName};
use crate::providers::http::Network;
use crate::providers::{CheckReport, FetchError, Page, PageRequest, Provider, ProviderKind, Reach};

/// Files of events in our own schema (design, section 4).
pub static KIND: ProviderKind = ProviderKind {
    name: "events",
    group: "files",
    title: "Events file",
    help: "Reads events from JSON Lines or CSV files, plain or compressed.",
    fields: FIELDS,
    yields: EventKinds::of(&EventKind::ALL),
    rank: 1,
    connect,
};

const FIELDS: &[Field] = &[Field {
    key: "path",
    title: "Path",
    takes: FieldType::PathList,
    required: true,
    default: None,
    help: "The files: a path, a glob, or a list of both; `.gz` and `.zst` are unpacked.",
    placeholder: "/var/lib/pelorus/events/*.jsonl",
}];

/// What the settings of an `events` source say.
#[derive(Clone, Debug)]
pub(super) struct EventsSettings {
    /// The source's name.
    pub(super) source: SourceName,
    /// Paths and globs.
    pub(super) paths: Vec<String>,
    /// Whether the source itself has an environment for deployments that name none.
    pub(super) has_environment: bool,
}

struct EventsFiles {
    settings: EventsSettings,
}

fn connect(source: &SourceSettings, _: &Network) -> Result<Box<dyn Provider>, SettingsError> {
    let paths: Vec<_> = match source.fields.get("path") {
        Some(FieldValue::TextList(paths)) => paths.clone(),
        Some(FieldValue::Text(path)) => vec![path.clone()],
        Some(_) | None => Vec::new(),
    };
    let paths: Vec<_> = paths
        .into_iter()
        .filter(|path| !path.trim().is_empty())
        .collect();
    let fault = |message: String| SettingsError {
        faults: vec![Fault {
            key: "path".to_owned(),
            message,
        }],
    };
    if paths.is_empty() {
        return Err(fault(
            "is missing: give a file, a glob, or a list of them".to_owned(),
        ));
    }
    for (at, path) in paths.iter().enumerate() {
        if let Err(error) = glob::Pattern::new(path) {
            return Err(fault(format!(
                "has no usable glob at place {}: {}",
                at + 1,
                error.msg
            )));
        }
    }
    let has_environment = source.environment.is_some();
    let settings = EventsSettings {
        source: source.name.clone(),
        paths,
        has_environment,
    };
    Ok(Box::new(EventsFiles { settings }))
}

impl Provider for EventsFiles {
    fn pages(&self, request: PageRequest) -> BoxStream<'_, Result<Page, FetchError>> {
        stream::iter(Reading::new(&self.settings, request.resume_from)).boxed()
    }

    fn check(&self, _now: DateTime<Utc>) -> BoxFuture<'_, Result<CheckReport, FetchError>> {
        future::lazy(|_| check(&self.settings)).boxed()
    }

    fn reach(&self) -> Reach {
        Reach::Whole
    }
}

fn check(settings: &EventsSettings) -> Result<CheckReport, FetchError> {
    let mut reading = Reading::new(settings, None);
    let page = match reading.next() {
        Some(page) => page?,
        None => Page::default(),
    };
    if let Some(error) = reading.take_failure() {
        return Err(error);
    }
    let (files, bytes) = reading.extent();
    let faults = reading.faults();
    let events = counted(page.events.len() as u64, "event", "events");
    let bad = match faults {
        0 => String::new(),
        _ => format!(" and {}", counted(faults, "bad line", "bad lines")),
    };
    let files = counted(files as u64, "file", "files");
    Ok(CheckReport {
        message: format!("Sees {files} of {bytes} bytes; the first page holds {events}{bad}."),
        advice: page
            .notices
            .into_iter()
            .find(|notice| notice.severity != Severity::Info)
            .map(|notice| notice.text),
    })
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
