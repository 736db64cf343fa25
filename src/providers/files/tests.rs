//! Readings of files, from the outside.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use futures::StreamExt;
use futures::executor::block_on;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::KIND;
use super::shape::fields_of;
use crate::config::{FieldValue, SettingsError, SourceSettings};
use crate::model::{Body, Cursor, Event, EventKind, Outcome, TimeRange};
use crate::providers::http::{Network, Priority};
use crate::providers::{FetchError, PageRequest, Provider};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/events");
const HASH: &str = "1111111111111111111111111111111111111111";

/// What one reading said.
#[derive(Default)]
struct Reading {
    events: Vec<Event>,
    notices: Vec<String>,
    cursors: Vec<Cursor>,
    covered: Option<TimeRange>,
    error: Option<FetchError>,
}

impl Reading {
    fn ids(&self) -> Vec<&str> {
        self.events.iter().map(|event| event.id.as_str()).collect()
    }

    fn cursor(&self) -> Option<Cursor> {
        self.cursors.last().cloned()
    }
}

fn settings(paths: &[&str], environment: Option<&str>) -> SourceSettings {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    SourceSettings {
        name: "file".into(),
        kind: "events",
        environment: environment.map(Into::into),
        cluster: None,
        fields: BTreeMap::from([("path", FieldValue::TextList(paths))]),
        secrets: BTreeMap::new(),
    }
}

fn connect(paths: &[&str]) -> Result<Box<dyn Provider>, SettingsError> {
    (KIND.connect)(&settings(paths, None), &Network::unused())
}

fn read_with(provider: &dyn Provider, resume_from: Option<Cursor>) -> Reading {
    let request = PageRequest {
        range: TimeRange::always(),
        resume_from,
        unfinished: Vec::new(),
        wanted: Vec::new(),
        priority: Priority::Background,
    };
    let mut reading = Reading::default();
    for page in block_on(provider.pages(request).collect::<Vec<_>>()) {
        match page {
            Ok(page) => {
                reading.events.extend(page.events);
                reading
                    .notices
                    .extend(page.notices.into_iter().map(|notice| notice.text));
                reading.cursors.extend(page.checkpoint);
                reading.covered = page.covered.or(reading.covered);
            }
            Err(error) => reading.error = Some(error),
        }
    }
    reading
}

fn read(paths: &[&str], resume_from: Option<Cursor>) -> Reading {
    read_with(&*connect(paths).unwrap(), resume_from)
}

/// A folder with files of events.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }

    fn append(&self, name: &str, text: &str) {
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(self.path(name))
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
}

/// Reads one file of these lines.
fn read_lines(lines: &str) -> Reading {
    let folder = Folder::new();
    let path = folder.write("events.jsonl", lines);
    let mut reading = read(&[&path], None);
    let folder = format!("{}/", folder.0.path().display());
    reading
        .notices
        .iter_mut()
        .for_each(|notice| *notice = notice.replace(&folder, ""));
    reading
}

fn incident(id: &str) -> String {
    format!("{{\"type\":\"incident\",\"id\":\"{id}\",\"opened_at\":\"2026-11-01T10:00:00Z\"}}\n")
}

fn at(time: &str) -> DateTime<Utc> {
    time.parse().unwrap()
}

#[test]
fn every_type_has_its_line() {
    let reading = read(&[&format!("{FIXTURES}/every-type.jsonl")], None);
    assert_eq!(reading.notices, [""; 0]);
    let kinds: Vec<_> = reading
        .events
        .iter()
        .map(|event| event.body.kind())
        .collect();
    assert_eq!(kinds, EventKind::ALL);
    let ids = reading.ids();
    assert_eq!(ids[0], format!("commit:github.com/acme/shop@{HASH}"));
    assert_eq!(ids[1], "pull_request:github.com/acme/shop#7");
    assert!(ids[2].starts_with("line:"), "{}", ids[2]);
    assert_eq!(
        ids[3],
        format!("deployment:shop/-/production/-/-/-@{HASH}@2026-11-01T10:00:00.000Z")
    );
    assert_eq!(ids[4], "OPS-1");
    assert_eq!(ids[5], "release:github.com/acme/shop@v1");
    let urls: Vec<_> = reading
        .events
        .iter()
        .filter_map(|event| event.url.as_deref())
        .collect();
    assert_eq!(
        urls,
        [
            "https://ci.acme.example/7",
            "https://tickets.acme.example/OPS-1"
        ]
    );

    let Body::Commit(commit) = &reading.events[0].body else {
        panic!()
    };
    assert_eq!(commit.committed_at, at("2026-11-01T08:00:00.123Z"));
    assert_eq!(
        (commit.authored_at, commit.message.as_deref()),
        (None, Some("Start"))
    );
    let Body::PullRequest(request) = &reading.events[1].body else {
        panic!()
    };
    assert_eq!(
        request.labels.value("hotfix").map(|value| &**value),
        Some("true")
    );
    let Body::Deployment(deployment) = &reading.events[3].body else {
        panic!()
    };
    assert_eq!(deployment.outcome, Outcome::Succeeded);
    assert_eq!(
        deployment.labels.value("size").map(|value| &**value),
        Some("3")
    );
    let covered = TimeRange::new(at("2026-11-01T08:00:00.123Z"), DateTime::<Utc>::MAX_UTC);
    assert_eq!(reading.covered, Some(covered));
}

#[test]
fn a_table_says_the_same_as_lines() {
    let reading = read(&[&format!("{FIXTURES}/deployments.csv")], None);
    assert_eq!(reading.notices, [""; 0]);
    assert_eq!(reading.ids(), ["d1", "d2"]);
    let Body::Deployment(first) = &reading.events[0].body else {
        panic!()
    };
    assert_eq!(first.images.len(), 2);
    assert_eq!(
        first.labels.value("team").map(|value| &**value),
        Some("pay")
    );
    assert_eq!(
        first.labels.value("urgent").map(|value| &**value),
        Some("true")
    );
    let Body::Deployment(second) = &reading.events[1].body else {
        panic!()
    };
    assert_eq!(
        second.application.as_ref().unwrap().as_str(),
        "shop, the other"
    );
    assert_eq!((second.outcome, second.rollback), (Outcome::Running, true));
    assert_eq!((second.finished_at, second.commit), (None, None));
}

#[test]
fn tables_with_semicolons_and_without_ending_are_known() {
    let folder = Folder::new();
    let text = "\u{feff}type;id;opened_at\r\nincident;1;2026-11-01T10:00:00Z\r\n";
    let path = folder.write("export", text);
    let reading = read(&[&path], None);
    assert_eq!((reading.ids(), reading.notices.len()), (vec!["1"], 0));
}

#[test]
fn a_bad_line_is_told_by_line_and_field_and_the_others_count() {
    let lines = [
        &incident("1"),
        "{\"type\":\"incident\",\"id\":\"2\",\"opened_at\":\"yesterday\"}\n",
        "{\"type\":\"incident\",\"opened_at\":\"2026-11-01T10:00:00Z\"}\n",
        "{\"type\":\"incident\",\n",
        "\n",
        "[1]\n",
        "{\"type\":\"party\"}\n",
        "{}\n",
        "{\"type\":\"deployment\",\"application\":\"shop\",\"environment\":\"production\"}\n",
        "{\"type\":\"deployment\",\"environment\":\"p\",\"finished_at\":\"2026-11-01T10:00:00Z\"}\n",
        "{\"type\":\"deployment\",\"application\":\"\",\"commit\":\"12\"}\n",
        &incident("3"),
    ];
    let reading = read_lines(&lines.concat());
    assert_eq!(reading.ids(), ["1", "3"]);
    let starts = [
        "events.jsonl line 2: `opened_at` must be a time as in RFC 3339",
        "events.jsonl line 3: `id` must be a text or a whole number.",
        "events.jsonl line 4: a line must be one JSON object: ",
        "events.jsonl line 6: a line must be one JSON object.",
        "events.jsonl line 7: `type` must be one of commit, ",
        "events.jsonl line 8: `type` must be one of commit, ",
        "events.jsonl line 9: `finished_at` must be a time as in RFC 3339; only what",
        "events.jsonl line 10: `application` must be given, or one of repository, ",
        "events.jsonl line 11: `commit` must be a commit hash of 40 or 64 hexadecimal digits.",
    ];
    assert_eq!(
        reading.notices.len(),
        starts.len(),
        "{:#?}",
        reading.notices
    );
    for (notice, start) in reading.notices.iter().zip(starts) {
        assert!(notice.starts_with(start), "{notice}");
    }
}

#[test]
fn bad_lines_beyond_a_hundred_are_counted() {
    let reading = read_lines(&"{}\n".repeat(150));
    assert_eq!(reading.notices.len(), 101);
    assert_eq!(reading.notices[100], "50 more bad lines.");
}

#[test]
fn a_line_that_is_no_utf_8_is_told() {
    let folder = Folder::new();
    let bytes = [
        incident("1").as_bytes(),
        b"{\"type\":\"\xff\"}\n",
        incident("2").as_bytes(),
    ]
    .concat();
    let reading = read(&[&folder.write("events.jsonl", bytes)], None);
    assert_eq!(reading.ids(), ["1", "2"]);
    assert!(
        reading.notices[0].ends_with("line 2: a line must be UTF-8."),
        "{:?}",
        reading.notices
    );
}

#[test]
fn unknown_fields_are_told_once_and_those_of_other_types_too() {
    let line = "{\"type\":\"incident\",\"id\":\"1\",\"opened_at\":\"2026-11-01T10:00:00Z\",\"colour\":{\"a\":[1]},\"tag\":\"v1\",\"head\":null}\n";
    let reading = read_lines(&line.repeat(2));
    assert_eq!(reading.events.len(), 2);
    assert_eq!(
        reading.notices,
        [
            "The field colour is unknown and ignored.",
            "The field tag of incident is unknown and ignored."
        ]
    );
}

#[test]
fn a_deployment_needs_no_environment_where_its_source_has_one() {
    let folder = Folder::new();
    let line = "{\"type\":\"deployment\",\"application\":\"shop\",\"finished_at\":\"2026-11-01T10:00:00Z\"}\n";
    let path = folder.write("events.jsonl", line);
    let without = read(&[&path], None);
    assert!(
        without.notices[0].ends_with("`environment` must be a text."),
        "{:?}",
        without.notices
    );
    let provider =
        (KIND.connect)(&settings(&[&path], Some("production")), &Network::unused()).unwrap();
    let reading = read_with(&*provider, without.cursor());
    let Body::Deployment(deployment) = &reading.events[0].body else {
        panic!()
    };
    assert_eq!(deployment.environment, None);
}

#[test]
fn a_file_that_grows_is_read_on() {
    let folder = Folder::new();
    let path = folder.write("events.jsonl", incident("1"));
    let first = read(&[&path], None);
    assert_eq!(read(&[&path], first.cursor()).ids(), [""; 0]);
    folder.append("events.jsonl", &(incident("2") + "{}\n"));
    let second = read(&[&path], first.cursor());
    assert_eq!(second.ids(), ["2"]);
    assert!(
        second.notices[0].contains("line 3: "),
        "{:?}",
        second.notices
    );
    assert_eq!(second.covered, first.covered);
}

#[test]
fn a_table_that_grows_is_read_on_by_its_header() {
    let folder = Folder::new();
    let record = |id: &str| format!("incident,{id},2026-11-01T10:00:00Z\n");
    let path = folder.write("events.csv", format!("type,id,opened_at\n{}", record("1")));
    let first = read(&[&path], None);
    folder.append("events.csv", &format!("{}incident,3,never\n", record("2")));
    let second = read(&[&path], first.cursor());
    assert_eq!(second.ids(), ["2"]);
    assert!(
        second.notices[0].contains("line 4: `opened_at`"),
        "{:?}",
        second.notices
    );
}

#[test]
fn a_last_line_that_was_cut_waits_for_the_rest() {
    let folder = Folder::new();
    let (start, rest) = (
        incident("2")[..30].to_owned(),
        incident("2")[30..].to_owned(),
    );
    let path = folder.write("events.jsonl", incident("1") + &start);
    let first = read(&[&path], None);
    assert_eq!(first.ids(), ["1"]);
    assert!(first.notices[0].ends_with("line 2: incomplete, waiting for the rest of it."));
    let still = read(&[&path], first.cursor());
    assert!(
        still.notices[0].contains("has not grown"),
        "{:?}",
        still.notices
    );
    folder.append("events.jsonl", &rest);
    let second = read(&[&path], still.cursor());
    assert_eq!((second.ids(), second.notices.len()), (vec!["2"], 0));
}

#[test]
fn a_last_line_that_is_complete_counts_without_its_end() {
    let folder = Folder::new();
    let path = folder.write("events.jsonl", incident("1").trim_end());
    let first = read(&[&path], None);
    assert_eq!(first.ids(), ["1"]);
    folder.append("events.jsonl", &("\n".to_owned() + &incident("2")));
    assert_eq!(read(&[&path], first.cursor()).ids(), ["2"]);
}

#[test]
fn the_last_record_of_a_table_is_read_again_when_it_goes_on() {
    let folder = Folder::new();
    let path = folder.write(
        "events.csv",
        "type,opened_at,id\nincident,2026-11-01T10:00:00Z,OPS",
    );
    let first = read(&[&path], None);
    assert_eq!(first.ids(), ["OPS"]);
    folder.append("events.csv", "-1\n");
    assert_eq!(read(&[&path], first.cursor()).ids(), ["OPS-1"]);
}

#[test]
fn a_file_that_shrank_or_became_another_is_read_anew() {
    let folder = Folder::new();
    let path = folder.write("events.jsonl", incident("1") + &incident("2"));
    let first = read(&[&path], None);
    folder.write("events.jsonl", incident("3"));
    let shrunk = read(&[&path], first.cursor());
    assert_eq!(shrunk.ids(), ["3"]);
    assert!(shrunk.notices[0].contains("is not the file it was"));
    folder.write("events.jsonl", incident("4") + &incident("5"));
    assert_eq!(read(&[&path], shrunk.cursor()).ids(), ["4", "5"]);
}

#[test]
fn packed_files_are_read_again_only_when_they_change() {
    let folder = Folder::new();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(incident("1").as_bytes()).unwrap();
    let gzip = folder.write("a.jsonl.gz", gzip.finish().unwrap());
    let packed = zstd::encode_all(incident("2").as_bytes(), 1).unwrap();
    let zstd = folder.write("b.jsonl.zst", packed);
    let first = read(&[&gzip, &zstd], None);
    assert_eq!(first.ids(), ["1", "2"]);
    assert_eq!(read(&[&gzip, &zstd], first.cursor()).ids(), [""; 0]);
    folder.write(
        "b.jsonl.zst",
        zstd::encode_all((incident("3") + &incident("4")).as_bytes(), 1).unwrap(),
    );
    assert_eq!(read(&[&gzip, &zstd], first.cursor()).ids(), ["3", "4"]);
}

#[test]
fn a_packed_file_that_was_cut_says_so_each_time_and_its_good_part_counts() {
    let folder = Folder::new();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    gzip.write_all((incident("1") + &incident("2")).as_bytes())
        .unwrap();
    let bytes = gzip.finish().unwrap();
    let path = folder.write("a.jsonl.gz", &bytes[..bytes.len() - 40]);
    let first = read(&[&path], None);
    assert_eq!(first.ids(), ["1"]);
    assert!(
        first
            .notices
            .iter()
            .any(|notice| notice.contains("ends early")),
        "{:?}",
        first.notices
    );
    let second = read(&[&path], first.cursor());
    assert_eq!((second.ids(), second.notices.len()), (vec![], 1));
}

#[test]
fn a_glob_names_many_files_each_once() {
    let folder = Folder::new();
    folder.write("a.jsonl", incident("1"));
    let second = folder.write("b.jsonl", incident("2"));
    folder.write("c.txt", "not read");
    let glob = folder.path("*.jsonl").display().to_string();
    let reading = read(&[&glob, &second], None);
    assert_eq!(reading.ids(), ["1", "2"]);
    folder.write("d.jsonl", incident("3"));
    assert_eq!(read(&[&glob], reading.cursor()).ids(), ["3"]);
    let nothing = read(&[&folder.path("*.csv").display().to_string()], None);
    assert!(nothing.notices[0].starts_with("No file matches"));
    assert_eq!(nothing.covered, None);
}

#[test]
fn a_missing_file_is_an_error_after_the_others_were_read() {
    let folder = Folder::new();
    let good = folder.write("good.jsonl", incident("1"));
    let missing = folder.path("missing.jsonl").display().to_string();
    let reading = read(&[&missing, &good], None);
    assert_eq!((reading.ids(), reading.covered), (vec!["1"], None));
    let error = reading.error.unwrap();
    assert!(
        matches!(&error, FetchError::Unavailable { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("missing.jsonl"));
    let folder_error = read(&[&folder.0.path().display().to_string()], None)
        .error
        .unwrap();
    assert!(matches!(folder_error, FetchError::Malformed { .. }));
}

#[test]
fn a_reading_that_was_cut_off_goes_on_where_its_last_page_ended() {
    let folder = Folder::new();
    let lines: String = (0..12_000).map(|at| incident(&at.to_string())).collect();
    let path = folder.write("events.jsonl", lines);
    let whole = read(&[&path], None);
    // Pages of 5,000 and, since they double, of 7,000.
    assert_eq!((whole.events.len(), whole.cursors.len()), (12_000, 2));
    let rest = read(&[&path], Some(whole.cursors[0].clone()));
    assert_eq!((rest.events.len(), rest.ids()[0]), (7_000, "5000"));
}

#[test]
fn a_cursor_of_something_else_starts_anew() {
    let folder = Folder::new();
    let path = folder.write("events.jsonl", incident("1"));
    let error = read(&[&path], Some(Cursor("12".into()))).error.unwrap();
    assert!(
        matches!(error, FetchError::CursorExpired { .. }),
        "{error:?}"
    );
}

#[test]
fn a_check_says_what_it_sees_and_what_is_bad() {
    let folder = Folder::new();
    let path = folder.write("events.jsonl", incident("1") + "{}\n");
    let report = block_on(
        connect(&[&path])
            .unwrap()
            .check(DateTime::<Utc>::UNIX_EPOCH),
    )
    .unwrap();
    assert_eq!(
        report.message,
        "Sees 1 file of 67 bytes; the first page holds 1 event and 1 bad line."
    );
    assert!(report.advice.unwrap().contains("line 2: `type`"));
    let missing = folder.path("missing.jsonl").display().to_string();
    let check = block_on(
        connect(&[&missing])
            .unwrap()
            .check(DateTime::<Utc>::UNIX_EPOCH),
    );
    assert!(check.is_err());
}

#[test]
fn settings_without_a_usable_path_are_refused() {
    assert_eq!(connect(&[""]).err().unwrap().faults[0].key, "path");
    assert!(
        connect(&["/srv/[a"])
            .err()
            .unwrap()
            .to_string()
            .contains("no usable glob at place 1")
    );
}

/// A value that the schema allows.
fn example(property: &Value) -> Value {
    if let Some(reference) = property["$ref"].as_str() {
        return match reference {
            "#/$defs/hash" => json!(HASH),
            "#/$defs/time" => json!("2026-11-01T10:00:00Z"),
            "#/$defs/labels" => json!({"team": "pay", "size": 3, "urgent": true}),
            other => panic!("no example of {other}"),
        };
    }
    if let Some(word) = property.get("const").or_else(|| property["enum"].get(0)) {
        return word.clone();
    }
    let kinds = match &property["type"] {
        Value::Array(kinds) => kinds[0].clone(),
        kind => kind.clone(),
    };
    match kinds.as_str().unwrap() {
        "string" => json!("text"),
        "integer" => json!(7),
        "boolean" => json!(true),
        "array" => json!([example(&property["items"])]),
        other => panic!("no example of {other}"),
    }
}

#[test]
fn the_schema_and_the_reader_agree() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/events.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let types: Vec<_> = schema["oneOf"].as_array().unwrap().iter().collect();
    assert_eq!(types.len(), EventKind::ALL.len());
    for kind in EventKind::ALL {
        let shape = &schema["$defs"][kind.as_str()];
        let properties = shape["properties"].as_object().unwrap();
        let mut told: Vec<_> = properties.keys().map(String::as_str).collect();
        let mut known = [
            &["type", "id", "source", "url", "source_url"],
            fields_of(kind),
        ]
        .concat();
        told.sort_unstable();
        known.sort_unstable();
        assert_eq!(told, known, "{kind:?}");

        let line = |fields: &[&str]| {
            let fields = fields
                .iter()
                .map(|field| ((*field).to_owned(), example(&properties[*field])));
            Value::Object(fields.collect()).to_string() + "\n"
        };
        let whole = read_lines(&line(&told));
        assert_eq!(
            (whole.events.len(), &*whole.notices),
            (1, &[] as &[String]),
            "{kind:?}"
        );

        // Each field's own form is demanded, each required field is missed, and nothing else is.
        let mut required: Vec<_> = shape["required"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        for rule in shape["allOf"].as_array().into_iter().flatten() {
            let rule = if rule.get("$ref").is_some() {
                &schema["$defs"]["finished"]
            } else {
                rule
            };
            required.push(rule["anyOf"][0]["required"][0].as_str().unwrap());
        }
        let minimal = read_lines(&line(&required));
        assert_eq!(
            (minimal.events.len(), &*minimal.notices),
            (1, &[] as &[String]),
            "{kind:?}"
        );
        for missing in &required {
            let rest: Vec<_> = required
                .iter()
                .copied()
                .filter(|field| field != missing)
                .collect();
            let reading = read_lines(&line(&rest));
            assert_eq!(reading.events.len(), 0, "{kind:?} without {missing}");
            assert!(
                reading.notices[0].contains(&format!("`{missing}`")),
                "{:?}",
                reading.notices
            );
        }
        for field in &told {
            let mut bad: Value = serde_json::from_str(&line(&told)).unwrap();
            bad[*field] = json!({"a": {"b": [1]}});
            let reading = read_lines(&(bad.to_string() + "\n"));
            assert_eq!(reading.events.len(), 0, "{kind:?} with a bad {field}");
            assert!(
                reading.notices[0].contains(&format!("`{field}`")),
                "{:?}",
                reading.notices
            );
        }
    }
}
