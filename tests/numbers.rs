//! Numbers worked out by hand after the definitions, asked of the binary as a user would.
//!
//! `tests/numbers/*.yaml` are lists of cases: events, questions, and what must come out. Short forms keep them readable:
//!
//! * an event is `{ c: 2, p: [1], at: "2 10:00" }` (commit), `{ d: d1, c: 2, at: … }` (deployment), `{ i: i1, at: …,
//!   until: … }` (incident), `{ pr: 7, … }`, `{ b: 2, at: … }` (build), `{ tag: v1, c: 2, at: … }` or
//!   `{ v: d1, says: failed, at: … }` (verdict); other keys are the schema's, null takes one away. Commits are numbers.
//!   Without more it is application `shop`, environment `production`, repository `github.com/acme/shop`.
//! * a time is `2 10:00` (January 2026), `03-29 10:00` or `2025-12-31 10:00`, in UTC.
//! * a question is a metric `m` without buckets unless it says otherwise; `from`, `to`, `now` and `want` stand beside it.
//! * `want` is what the metric's own column holds, or a table of columns; `2h` is 7200.

use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value, json};

const REPOSITORY: &str = "github.com/acme/shop";

#[test]
fn delivery_counts_as_defined() {
    check("delivery");
}

#[test]
fn failure_and_recovery_count_as_defined() {
    check("failure");
}

#[test]
fn evidence_of_every_kind_counts_as_defined() {
    check("evidence");
}

#[test]
fn groups_filters_and_state_count_as_defined() {
    check("groups");
}

#[test]
fn applications_and_environments_are_found_as_defined() {
    check("assign");
}

#[test]
fn spans_and_windows_count_as_defined() {
    check("spans");
}

#[test]
fn time_and_coverage_count_as_defined() {
    check("time");
}

fn check(name: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/numbers/{name}.yaml"));
    let text = std::fs::read_to_string(&file).expect("the cases");
    let cases: Vec<Map<String, Value>> = serde_saphyr::from_str(&text).expect("a list of cases");
    let faults: Vec<String> = cases.iter().flat_map(faults_of).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn faults_of(case: &Map<String, Value>) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut settings = match case.get("settings") {
        Some(Value::Object(settings)) => settings.clone(),
        _ => Map::new(),
    };
    let events = case["events"].as_array().expect("events");
    let lines: Vec<String> = events.iter().map(|event| line(event).to_string()).collect();
    std::fs::write(folder.path().join("events.jsonl"), lines.join("\n")).expect("a writable file");
    let source = json!([{ "name": "events", "kind": "events", "path": "events.jsonl" }]);
    settings.insert("sources".to_owned(), source);
    let config = folder.path().join("pelorus.yaml");
    std::fs::write(&config, Value::Object(settings).to_string()).expect("a writable file");
    let mut faults = Vec::new();
    for question in case["ask"].as_array().expect("questions") {
        let mut question = question.as_object().expect("a question").clone();
        let want = question.remove("want").expect("what must come out");
        let columns = answer(&config, case, &mut question);
        let is_right = match &want {
            Value::Object(table) => table
                .iter()
                .all(|(name, want)| columns.get(name).is_some_and(|got| equals(want, got))),
            want => equals(want, &own_column(&columns, &question)),
        };
        if !is_right {
            let question = Value::Object(question);
            let got = Value::Object(columns);
            faults.push(format!(
                "{}\n  {question}\n  wants {want}\n  got {got}",
                case["case"]
            ));
        }
    }
    faults
}

/// Asks; the columns of all frames by name and labels, and what stands under `custom`.
fn answer(
    config: &Path,
    case: &Map<String, Value>,
    question: &mut Map<String, Value>,
) -> Map<String, Value> {
    let mut time = |key: &str, default: &str| {
        let said = question.remove(key).or_else(|| case.get(key).cloned());
        when(said.as_ref().and_then(Value::as_str).unwrap_or(default))
    };
    let (from, to, now) = (
        time("from", "1 00:00"),
        time("to", "02-01 00:00"),
        time("now", "03-01 00:00"),
    );
    if let Some(metric) = question.remove("m") {
        question.insert("metric".to_owned(), metric);
    }
    if !question.contains_key("kind") {
        question.insert("kind".to_owned(), json!("metric"));
        question.entry("bucket").or_insert(json!("none"));
    }
    let output = Command::new(env!("CARGO_BIN_EXE_pelorus"))
        .args(["query", "--quiet", "--format", "json", "--config"])
        .arg(config)
        .args(["--from", &from, "--to", &to, "--now", &now])
        .arg(Value::Object(question.clone()).to_string())
        .output()
        .expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stderr);
    let is_unread = said.contains("events.jsonl line");
    assert!(!is_unread, "{}: {said}", case["case"]);
    let frames: Vec<Value> = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}: {said}", case["case"]));
    let mut columns = Map::new();
    for frame in &frames {
        let custom = frame["schema"]["meta"]["custom"].as_object();
        for (key, value) in custom.into_iter().flatten() {
            push(&mut columns, format!("custom.{key}"), value.clone());
        }
        let fields = frame["schema"]["fields"].as_array().expect("fields");
        let values = frame["data"]["values"].as_array().expect("values");
        for (field, values) in fields.iter().zip(values) {
            let name = field["name"].as_str().expect("a name");
            let labels = field["labels"].as_object();
            let labels: Vec<&str> = labels
                .into_iter()
                .flat_map(|labels| labels.values().filter_map(Value::as_str))
                .collect();
            let name = match labels.is_empty() {
                true => name.to_owned(),
                false => format!("{name}{{{}}}", labels.join(",")),
            };
            columns.insert(name, values.clone());
        }
    }
    columns
}

fn push(columns: &mut Map<String, Value>, name: String, value: Value) {
    if let Some(values) = columns.entry(name).or_insert(json!([])).as_array_mut() {
        values.push(value);
    }
}

/// The values of the columns that are named after the metric.
fn own_column(columns: &Map<String, Value>, question: &Map<String, Value>) -> Value {
    let metric = question
        .get("metric")
        .and_then(Value::as_str)
        .unwrap_or("?");
    let own = columns.iter().filter(|(name, _)| {
        name.strip_prefix(metric)
            .is_some_and(|rest| rest.starts_with('_'))
    });
    own.flat_map(|(_, values)| values.as_array().cloned().unwrap_or_default())
        .collect()
}

/// Whether a value is as wanted; a single one stands for a list of one.
fn equals(want: &Value, got: &Value) -> bool {
    match (want, got) {
        (Value::Array(want), Value::Array(got)) => {
            want.len() == got.len() && want.iter().zip(got).all(|(want, got)| equals(want, got))
        }
        (want, Value::Array(got)) => got.len() == 1 && equals(want, &got[0]),
        (Value::String(text), Value::Number(_)) => {
            seconds(text).is_some_and(|seconds| equals(&json!(seconds), got))
        }
        (Value::Number(want), Value::Number(got)) => {
            let (want, got) = (want.as_f64(), got.as_f64());
            want.zip(got)
                .is_some_and(|(want, got)| (want - got).abs() <= 1e-6 * want.abs().max(1.0))
        }
        _ => want == got,
    }
}

fn seconds(text: &str) -> Option<f64> {
    let unit = match text.chars().last()? {
        's' => 1.0,
        'm' => 60.0,
        'h' => 3600.0,
        'd' => 86_400.0,
        _ => return None,
    };
    Some(text[..text.len() - 1].parse::<f64>().ok()? * unit)
}

/// One line of the events file.
fn line(short: &Value) -> Value {
    let mut event = short.as_object().expect("an event").clone();
    let at = event.remove("at").unwrap_or(Value::Null);
    let until = event.remove("until");
    let shapes = [
        ("d", "deployment", "id", "finished_at"),
        ("i", "incident", "id", "opened_at"),
        ("pr", "pull_request", "number", "created_at"),
        ("b", "build", "commit", "finished_at"),
        ("v", "verdict", "target", "at"),
        ("tag", "release", "tag", "tagged_at"),
        ("c", "commit", "hash", "committed_at"),
    ];
    let shape = shapes.iter().find(|(short, ..)| event.contains_key(*short));
    let (short, kind, name, time) = *shape.expect("a known kind of event");
    let named = event.remove(short).expect("its name");
    event.insert(name.to_owned(), named);
    for (short, long) in [("c", "commit"), ("p", "parents"), ("says", "statement")] {
        if let Some(value) = event.remove(short) {
            event.insert(long.to_owned(), value);
        }
    }
    event.insert("type".to_owned(), json!(kind));
    if !at.is_null() {
        event.insert(time.to_owned(), at);
    }
    if let Some(until) = until {
        event.insert("resolved_at".to_owned(), until);
    }
    let defaults: &[(&str, &str)] = match kind {
        "deployment" => &[("application", "shop"), ("environment", "production")],
        "incident" => &[("application", "shop")],
        "verdict" => &[],
        _ => &[("repository", REPOSITORY)],
    };
    for (key, value) in defaults {
        event.entry(*key).or_insert(json!(value));
    }
    event.retain(|_, value| !value.is_null());
    for (key, value) in &mut event {
        match key.as_str() {
            "hash" | "commit" | "squash_commit" | "merge_commit" | "head" | "picked_from" => {
                *value = hash(value);
            }
            "parents" | "commits" | "reverts" => {
                if let Value::Array(hashes) = value {
                    hashes.iter_mut().for_each(|value| *value = hash(value));
                }
            }
            key if key == "at" || key.ends_with("_at") => {
                *value = json!(when(value.as_str().expect("a time")));
            }
            _ => {}
        }
    }
    Value::Object(event)
}

/// The hash of a number: one that differs from the others only at its end, as people write them.
fn hash(value: &Value) -> Value {
    json!(format!("{value:0>40}", value = value.to_string()))
}

fn when(text: &str) -> String {
    let Some((date, time)) = text.split_once(' ') else {
        return text.to_owned();
    };
    let parts: Vec<&str> = date.split('-').collect();
    let (year, month, day) = match parts[..] {
        [day] => ("2026", "01", day),
        [month, day] => ("2026", month, day),
        [year, month, day] => (year, month, day),
        _ => panic!("{text} is no time"),
    };
    let seconds = if time.len() == 5 { ":00" } else { "" };
    format!("{year}-{month}-{day:0>2}T{time}{seconds}Z")
}
