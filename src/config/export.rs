//! The section `export`: where `pelorus export` sends events, and where it is scraped.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use chrono::TimeDelta;
use serde_json::{Map, Value};

use super::reading::{Reading, Values, join, span_of, text_of, texts_of};
use super::{Access, Field, FieldType, FieldValue, SourceSettings, sources};
use crate::providers::http::{CONNECTION_FIELDS, connection_fields};

/// What `pelorus export` does.
#[derive(Clone, Debug, Default)]
pub struct Export {
    /// Where it is scraped; `None`: nowhere.
    pub listen: Option<SocketAddr>,
    /// How often sources that push nothing are read.
    pub every: TimeDelta,
    /// Labels that are added to every sample, so that clusters can be told apart.
    pub external_labels: BTreeMap<String, String>,
    /// How often the last days are read back and compared.
    pub reconcile: TimeDelta,
    /// How many days are compared.
    pub reconcile_reach: TimeDelta,
    /// How old events are that `/metrics` shows with all they say; none where it is zero.
    pub show_events: TimeDelta,
    /// Where events are sent, in the settings' order; names are unique.
    pub destinations: Vec<Destination>,
}

/// Where events are sent.
#[derive(Clone, Debug)]
pub struct Destination {
    /// Its address, credentials and connection, as those of a source.
    pub connection: SourceSettings,
    /// The version of remote write that it is spoken to in.
    pub protocol: RemoteWrite,
    /// Where what was written can be read back; `None`: it cannot.
    pub read_url: Option<String>,
    /// How old a sample it takes live; `None`: it is asked at the start.
    pub window: Option<TimeDelta>,
    /// Events in a request, at most.
    pub batch: usize,
    /// Requests at the same time.
    pub shards: usize,
    /// Where blocks of older events go; `None`: they wait.
    pub backfill: Option<Backfill>,
}

/// Where blocks of older events go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backfill {
    /// Into the data folder of a Prometheus.
    DataFolder(String),
    /// Into the object store that this file of Thanos describes.
    ObjectStore(String),
}

/// A version of the remote write protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteWrite {
    /// 1.0, which every receiver speaks.
    One,
    /// 2.0.
    Two,
}

/// The settings of section `export` beside its destinations.
pub const EXPORT_FIELDS: &[Field] = &[
    Field {
        help: "Address and port of /metrics, /-/healthy and /-/ready; nothing listens without it.",
        placeholder: "0.0.0.0:9876",
        ..Field::named("listen", "Listen", FieldType::Text)
    },
    Field {
        default: Some("1m"),
        help: "How often sources that push nothing are read.",
        ..Field::named("every", "Every", FieldType::Duration)
    },
    Field {
        help: "Labels added to every sample (`cluster: dev`), so that what several export loops send can be told apart.",
        placeholder: "cluster=dev",
        ..Field::named("externalLabels", "External labels", FieldType::TextList)
    },
    Field {
        default: Some("1h"),
        help: "How often recent events are read back from destinations that have a `readUrl`, and those that are missing sent again.",
        ..Field::named("reconcile", "Reconcile every", FieldType::Duration)
    },
    Field {
        default: Some("3d"),
        help: "How far back events are compared.",
        ..Field::named("reconcileReach", "Reconcile", FieldType::Duration)
    },
    Field {
        default: Some("0s"),
        help: "How old events are that /metrics shows as series of the lossless family, for a Prometheus that scrapes and is not written to; none where it is 0s.",
        ..Field::named("showEvents", "Show events", FieldType::Duration)
    },
];

/// The settings of a destination.
pub static DESTINATION_FIELDS: [Field; 14 + CONNECTION_FIELDS.len()] = connection_fields([
    Field {
        required: true,
        help: "The destination's own name, unique: 1 to 40 of a-z, 0-9 and `-`, not starting with `-`. What waits for it goes by it.",
        placeholder: "thanos",
        ..Field::named("name", "Name", FieldType::Text)
    },
    Field {
        required: true,
        help: "Where samples are written: `/api/v1/write` of Prometheus, `/api/v1/receive` of Thanos Receive, `/api/v1/push` of Mimir.",
        placeholder: "http://thanos-receive:19291/api/v1/receive",
        ..Field::named("url", "Write address", FieldType::Text)
    },
    Field {
        help: "Base address of the Prometheus or Thanos Query that shows what was written: it is then proved to be there. Without it a 2xx is believed.",
        placeholder: "http://thanos-query:9090",
        ..Field::named("readUrl", "Read address", FieldType::Text)
    },
    Field {
        default: Some("1.0"),
        help: "Version of the remote write protocol. A receiver that does not speak 2.0 is spoken to in 1.0.",
        ..Field::named("protocol", "Protocol", FieldType::Choice(&["1.0", "2.0"]))
    },
    Field {
        help: "Bearer token.",
        ..Field::named("token", "Token", FieldType::Secret)
    },
    Field {
        help: "User, where the destination wants one with a password.",
        ..Field::named("user", "User", FieldType::Text)
    },
    Field {
        help: "The user's password.",
        ..Field::named("password", "Password", FieldType::Secret)
    },
    Field {
        help: "The tenant that is written for; no header is sent without it.",
        placeholder: "pelorus",
        ..Field::named("tenant", "Tenant", FieldType::Text)
    },
    Field {
        default: Some("THANOS-TENANT"),
        help: "The header that names the tenant: `THANOS-TENANT`, or `X-Scope-OrgID` for Mimir and Cortex.",
        ..Field::named("tenantHeader", "Tenant header", FieldType::Text)
    },
    Field {
        help: "How old a sample the destination takes; older events go by backfill. It is found out at the start without it.",
        placeholder: "30d",
        ..Field::named("window", "Out-of-order window", FieldType::Duration)
    },
    Field {
        default: Some("500"),
        help: "Events in one request, at most.",
        ..Field::named("batch", "Batch", FieldType::Integer)
    },
    Field {
        default: Some("4"),
        help: "Requests at the same time.",
        ..Field::named("shards", "Shards", FieldType::Integer)
    },
    Field {
        help: "Data folder of the Prometheus behind it, on this machine: blocks of older events are put there.",
        placeholder: "/var/lib/prometheus/metrics2",
        ..Field::named("dataFolder", "Data folder", FieldType::Path)
    },
    Field {
        help: "Thanos' object store file: blocks of older events are uploaded there.",
        placeholder: "/etc/thanos/objstore.yml",
        ..Field::named("objectStore", "Object store", FieldType::Path)
    },
]);

/// Labels that samples have of their own.
const OWN_LABELS: &[&str] = &["id", "type", "revision", "part", "parts"];

/// Reads the section; `None` where there is none.
pub(super) fn read(reading: &mut Reading<'_>, value: Option<&Value>) -> Option<Export> {
    let map = reading.object(value, "export")?;
    if matches!(reading.access, Access::AllowedPaths(_)) {
        reading.fault(
            "export",
            "belongs into the settings file of `pelorus export`: a data source exports nothing",
        );
        return None;
    }
    let allowed: Vec<&str> = EXPORT_FIELDS
        .iter()
        .map(|field| field.key)
        .chain(["destinations"])
        .collect();
    reading.refuse_unknown(map, "export", &allowed);
    let mut values = reading.fields(map, "export", EXPORT_FIELDS);
    let listen = text_of(&mut values, "listen").and_then(|written| {
        let address = written.parse().ok();
        if address.is_none() {
            reading.fault(
                "export.listen",
                "takes an address and a port such as `0.0.0.0:9876`",
            );
        }
        address
    });
    let every = positive_span(reading, &mut values, "every");
    let reconcile = positive_span(reading, &mut values, "reconcile");
    let reconcile_reach = positive_span(reading, &mut values, "reconcileReach");
    let show_events = span_of(&mut values, "showEvents").unwrap_or_default();
    let external_labels = external_labels(reading, &mut values);
    let destinations = destinations(reading, map.get("destinations"));
    Some(Export {
        listen,
        every,
        external_labels,
        reconcile,
        reconcile_reach,
        show_events,
        destinations,
    })
}

fn positive_span(reading: &mut Reading<'_>, values: &mut Values, key: &str) -> TimeDelta {
    // Absent only beside a fault, which refuses the settings anyway.
    let span = span_of(values, key).unwrap_or(TimeDelta::days(1));
    if span.is_zero() {
        reading.fault(join("export", key), "must be longer than nothing");
    }
    span
}

fn external_labels(reading: &mut Reading<'_>, values: &mut Values) -> BTreeMap<String, String> {
    const KEY: &str = "export.externalLabels";
    let mut labels = BTreeMap::new();
    for pair in texts_of(values, "externalLabels") {
        let Some((name, value)) = pair.split_once('=').filter(|(_, value)| !value.is_empty())
        else {
            reading.fault(KEY, "takes names with values, such as `cluster: dev`");
            continue;
        };
        let is_name = !name.is_empty()
            && !name.starts_with("__")
            && !name.starts_with(|letter: char| letter.is_ascii_digit())
            && name
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if !is_name {
            reading.fault(
                join(KEY, name),
                "is no name of a label: letters, digits and `_`",
            );
        } else if OWN_LABELS.contains(&name) || name.starts_with("event_") {
            reading.fault(
                join(KEY, name),
                "is the name of a label that every event has: take another",
            );
        } else {
            labels.insert(name.to_owned(), value.to_owned());
        }
    }
    labels
}

fn destinations(reading: &mut Reading<'_>, value: Option<&Value>) -> Vec<Destination> {
    let mut found: Vec<Destination> = Vec::new();
    let mut names = BTreeSet::new();
    for (at, (_, map)) in reading
        .objects(value, "export.destinations")
        .into_iter()
        .enumerate()
    {
        let path = format!("export.destinations[{at}]");
        if let Some(destination) = destination(reading, &path, map) {
            if !names.insert(destination.connection.name.clone()) {
                reading.fault(
                    join(&path, "name"),
                    "is the name of an earlier destination too",
                );
            }
            found.push(destination);
        }
    }
    found
}

fn destination(
    reading: &mut Reading<'_>,
    path: &str,
    map: &Map<String, Value>,
) -> Option<Destination> {
    let allowed: Vec<&str> = DESTINATION_FIELDS.iter().map(|field| field.key).collect();
    reading.refuse_unknown(map, path, &allowed);
    let mut values = reading.fields(map, path, &DESTINATION_FIELDS);
    let name = sources::name(reading, path, &mut values);
    let secrets = sources::secrets_of(reading, path, map, &DESTINATION_FIELDS, name.as_deref());
    let read_url = text_of(&mut values, "readUrl");
    for (key, written) in [("url", url_of(&values)), ("readUrl", read_url.clone())] {
        let is_usable = written.as_deref().is_none_or(|written| {
            url::Url::parse(written).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
        });
        if !is_usable {
            reading.fault(
                join(path, key),
                "takes an address that begins with http:// or https://",
            );
        }
    }
    let protocol = match text_of(&mut values, "protocol").as_deref() {
        Some("2.0") => RemoteWrite::Two,
        _ => RemoteWrite::One,
    };
    let batch = count(reading, path, &mut values, "batch", 10_000);
    let shards = count(reading, path, &mut values, "shards", 64);
    let backfill = match (
        text_of(&mut values, "dataFolder"),
        text_of(&mut values, "objectStore"),
    ) {
        (Some(_), Some(_)) => {
            reading.fault(
                join(path, "objectStore"),
                "stands beside `dataFolder`: blocks go to one of them",
            );
            None
        }
        (Some(folder), None) => Some(Backfill::DataFolder(folder)),
        (None, Some(file)) => Some(Backfill::ObjectStore(file)),
        (None, None) => None,
    };
    Some(Destination {
        protocol,
        read_url,
        window: span_of(&mut values, "window"),
        batch,
        shards,
        backfill,
        connection: SourceSettings {
            name: name?.into(),
            kind: "remote_write",
            environment: None,
            cluster: None,
            fields: values,
            secrets,
        },
    })
}

fn url_of(values: &Values) -> Option<String> {
    match values.get("url") {
        Some(FieldValue::Text(url)) => Some(url.clone()),
        _ => None,
    }
}

fn count(
    reading: &mut Reading<'_>,
    path: &str,
    values: &mut Values,
    key: &'static str,
    most: usize,
) -> usize {
    let written = match values.remove(key) {
        Some(FieldValue::Integer(number)) => usize::try_from(number).ok(),
        _ => return 1,
    };
    let number = written.filter(|number| (1..=most).contains(number));
    number.unwrap_or_else(|| {
        reading.fault(join(path, key), format!("takes a number from 1 to {most}"));
        1
    })
}
