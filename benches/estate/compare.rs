//! The engine before encoding beside polars and DuckDB: equal answers first, then the ratio of times.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::generate::END;
use crate::{DAYS, QUESTIONS, RUNS, path, process};

/// Prints the table of times and ratios; fails where an answer differs.
pub fn measure(folder: &Path, ledger: &Path) {
    let ours = process::own(&["engine", path(folder), path(ledger)]);
    let ours: Value = serde_json::from_str(&ours.output).expect("JSON of ours");
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let peers = Command::new(python)
        .arg("benches/estate/peers.py")
        .arg(folder)
        .args([
            (END - DAYS * 86_400).to_string(),
            END.to_string(),
            RUNS.to_string(),
        ])
        .output()
        .expect("Python runs");
    assert!(
        peers.status.success(),
        "{}",
        String::from_utf8_lossy(&peers.stderr)
    );
    let peers: Value = serde_json::from_slice(&peers.stdout).expect("JSON of the peers");
    println!(
        "\n| question, {DAYS} days, in process | ours ms | polars {} ms | DuckDB {} ms | polars ÷ ours | DuckDB ÷ ours |\n|---|---|---|---|---|---|",
        peers["versions"]["polars"].as_str().unwrap_or("?"),
        peers["versions"]["duckdb"].as_str().unwrap_or("?")
    );
    for name in QUESTIONS
        .iter()
        .map(|(name, _)| *name)
        .chain(["table_by_application"])
    {
        let answer = rows(name, &ours[name]["frames"]);
        for peer in ["polars", "duckdb"] {
            equal(
                name,
                peer,
                &answer,
                &theirs(name, &peers[peer][name]["answer"]),
            );
        }
        let (a, b, c) = (
            ms(&ours[name]),
            ms(&peers["polars"][name]),
            ms(&peers["duckdb"][name]),
        );
        println!(
            "| {name} | {a:.2} | {b:.2} | {c:.2} | {:.1} | {:.1} |",
            b / a,
            c / a
        );
    }
    println!(
        "\none new event → in the answer   {:>8.1} ms",
        ms(&ours["new_event"])
    );
}

fn ms(report: &Value) -> f64 {
    report["ms"].as_f64().unwrap_or(f64::NAN)
}

/// Rows of numbers, a name or a day first where there is one.
type Rows = Vec<(String, Vec<Option<f64>>)>;

fn values<'a>(frame: &'a Value, field: &str) -> &'a Vec<Value> {
    let fields = frame["schema"]["fields"].as_array().expect("fields");
    let at = fields
        .iter()
        .position(|candidate| candidate["name"] == field)
        .unwrap_or_else(|| panic!("no field {field}"));
    frame["data"]["values"][at].as_array().expect("values")
}

fn rows(name: &str, frames: &Value) -> Rows {
    let frame = &frames[0];
    let column = |field: &str| {
        values(frame, field)
            .iter()
            .map(Value::as_f64)
            .collect::<Vec<_>>()
    };
    let days = || -> Vec<String> {
        let first = END - DAYS * 86_400;
        values(frame, "time")
            .iter()
            .map(|time| ((time.as_i64().expect("a time") / 1000 - first) / 86_400).to_string())
            .collect()
    };
    let applications = || -> Vec<String> {
        values(frame, "application")
            .iter()
            .map(|name| name.as_str().unwrap_or("").replace("app-", ""))
            .collect()
    };
    let (keys, columns) = match name {
        "deployments_per_day" => (days(), vec![column("deployments_count")]),
        "median_lead_time_per_day" => (days(), vec![column("change_lead_time_p50")]),
        "median_lead_time" => (vec![String::new()], vec![column("change_lead_time_p50")]),
        "median_lead_time_per_application" => {
            (applications(), vec![column("change_lead_time_p50")])
        }
        "change_fail_rate" => (vec![String::new()], vec![column("change_fail_rate_value")]),
        "median_time_to_restore" => (vec![String::new()], vec![column("time_to_restore_p50")]),
        _ => return table(frames),
    };
    let mut rows: Rows = keys
        .into_iter()
        .enumerate()
        .map(|(at, key)| {
            (
                key,
                columns.iter().map(|column| column[at]).collect::<Vec<_>>(),
            )
        })
        // Peers have no row where nothing happened: neither a zero count nor a null says anything else.
        .filter(|(_, cells)| {
            cells
                .iter()
                .any(|cell| cell.is_some_and(|value| value != 0.0))
        })
        .map(|(key, cells)| (key.trim_start_matches('0').to_owned(), cells))
        .collect();
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    rows
}

/// The four frames of the table, joined by application.
fn table(frames: &Value) -> Rows {
    let fields = [
        "change_lead_time_p50",
        "deployments_count",
        "change_fail_rate_value",
        "time_to_restore_p50",
    ];
    let mut joined: std::collections::BTreeMap<String, Vec<Option<f64>>> =
        std::collections::BTreeMap::new();
    for (at, field) in fields.iter().enumerate() {
        let names = values(&frames[at], "application");
        for (name, value) in names.iter().zip(values(&frames[at], field)) {
            let key = name.as_str().unwrap_or("").replace("app-", "");
            let key = key.trim_start_matches('0').to_owned();
            joined
                .entry(key)
                .or_insert_with(|| vec![None; fields.len()])[at] = value.as_f64();
        }
    }
    joined.into_iter().collect()
}

fn theirs(name: &str, answer: &Value) -> Rows {
    let keyed = !matches!(
        name,
        "median_lead_time" | "change_fail_rate" | "median_time_to_restore"
    );
    let mut rows: Rows = answer
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| {
            let cells: Vec<_> = row
                .as_array()
                .expect("cells")
                .iter()
                .map(Value::as_f64)
                .collect();
            let key = if keyed {
                cells[0].expect("a key").to_string()
            } else {
                String::new()
            };
            let cells = if name == "table_by_application" {
                cells[1..5].to_vec()
            } else {
                cells[usize::from(keyed)..].to_vec()
            };
            (key.trim_start_matches('0').to_owned(), cells)
        })
        .filter(|(_, cells)| {
            cells
                .iter()
                .any(|cell| cell.is_some_and(|value| value != 0.0))
        })
        .collect();
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    rows
}

fn equal(name: &str, peer: &str, ours: &Rows, theirs: &Rows) {
    assert_eq!(
        ours.len(),
        theirs.len(),
        "{name}: {peer} has another number of rows"
    );
    for ((our_key, our_cells), (their_key, their_cells)) in ours.iter().zip(theirs) {
        assert_eq!(our_key, their_key, "{name}: {peer} has other rows");
        for (ours, theirs) in our_cells.iter().zip(their_cells) {
            let same = match (ours, theirs) {
                (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
                (a, b) => a.is_none() == b.is_none(),
            };
            assert!(
                same,
                "{name} at {our_key}: we say {ours:?}, {peer} says {theirs:?}"
            );
        }
    }
}
