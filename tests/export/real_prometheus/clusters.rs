//! Two clusters with a loop each, one real Prometheus, and readers that have nothing but that.

use std::path::Path;
use std::process::Command;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Prometheus;
use crate::work::{Work, ago};

/// Twenty days of three applications: a commit each day, delivered an hour or more later, and an incident now and then.
fn story() -> (Vec<Value>, Vec<Value>) {
    let at = |minutes: i64| ago(TimeDelta::minutes(minutes));
    let hash = |app: i64, day: i64| format!("{:040x}", app * 1_000 + day + 1);
    let (mut development, mut production) = (Vec::new(), Vec::new());
    for app in 0..3 {
        for day in 0..20 {
            let when = (21 - day) * 24 * 60;
            let repository = format!("git.example/acme/app-{app}");
            let parents: Vec<String> = (day > 0).then(|| hash(app, day - 1)).into_iter().collect();
            development.push(json!({"type": "commit", "id": format!("commit {app} {day}"), "repository": repository, "hash": hash(app, day),
                "parents": parents, "committed_at": at(when)}));
            production.push(json!({"type": "deployment", "id": format!("deployment {app} {day}"), "application": format!("acme/app-{app}"),
                "finished_at": at(when - 60 - app * 17 - day), "commit": hash(app, day)}));
            if day % 6 == app {
                development.push(json!({"type": "incident", "id": format!("incident {app} {day}"), "application": format!("acme/app-{app}"),
                    "opened_at": at(when - 200), "resolved_at": at(when - 290)}));
            }
        }
    }
    (development, production)
}

fn cluster(
    folder: &Path,
    name: &str,
    prometheus: &Prometheus,
    lines: &[Value],
    source: Value,
) -> Work {
    let address = prometheus.address();
    let destination = json!({
        "name": "central",
        "url": format!("http://{address}/api/v1/write"),
        "readUrl": format!("http://{address}"),
    });
    let work = Work::new(&folder.join(name), &[]);
    work.settle_source(
        &[destination],
        json!({ "externalLabels": { "cluster": name } }),
        source,
    );
    work.append(lines);
    work
}

/// The scorecard and the lead time by day, as `pelorus query` answers over these settings.
pub fn answers(
    folder: &Path,
    name: &str,
    sources: &Value,
    (from, now): (&str, &str),
) -> Vec<Value> {
    let settings = folder.join(format!("{name}.yaml"));
    let ledger = format!("{name}.db");
    let text = json!({ "ledger": ledger, "people": "shown", "sources": sources }).to_string();
    std::fs::write(&settings, text).expect("a writable folder");
    let questions = [
        r#"{"kind":"scorecard","groupBy":["application","environment"]}"#,
        r#"{"kind":"metric","metric":"change_lead_time","statistic":"mean","groupBy":["application"],"bucket":"day"}"#,
        r#"{"kind":"events","table":"deployments"}"#,
    ];
    let asked = questions.map(|question| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pelorus"));
        command.args([
            "query", "--quiet", "--format", "json", "--now", now, "--from", from,
        ]);
        let output = command
            .arg("--config")
            .arg(&settings)
            .arg(question)
            .output()
            .expect("the binary runs");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{name}: {told}");
        let frames: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {told}"));
        let frames = frames.as_array().expect("frames").iter();
        frames
            .map(|frame| frame["data"]["values"].clone())
            .collect()
    });
    asked.to_vec()
}

/// Where two answers differ first, with what stands there.
pub fn difference(found: &Value, wanted: &Value) -> Option<String> {
    match (found, wanted) {
        (Value::Array(found), Value::Array(wanted)) if found.len() == wanted.len() => {
            let mut pairs = found.iter().zip(wanted).enumerate();
            pairs.find_map(|(at, (found, wanted))| {
                difference(found, wanted).map(|inside| format!("[{at}]{inside}"))
            })
        }
        _ if found == wanted => None,
        _ => {
            let shown = |value: &Value| value.to_string().chars().take(300).collect::<String>();
            Some(format!(": {} instead of {}", shown(found), shown(wanted)))
        }
    }
}

/// Demands that answers are equal to the last digit.
pub fn assert_same(found: &[Value], wanted: &[Value]) {
    assert_eq!(difference(&json!(found), &json!(wanted)), None);
}

#[test]
fn commits_of_one_cluster_join_deployments_of_another_where_they_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let prometheus = Prometheus::start(&folder.path().join("prometheus"));
    let (development, production) = story();
    // Where a rollout went stands in the settings of the loop that saw it.
    let rollouts = json!({ "name": "rollouts", "environment": "production", "cluster": "eu-1" });
    let dev = cluster(
        folder.path(),
        "dev",
        &prometheus,
        &development,
        json!({ "name": "code" }),
    );
    let prod = cluster(
        folder.path(),
        "prod",
        &prometheus,
        &production,
        rollouts.clone(),
    );
    for work in [&dev, &prod] {
        let output = work.once();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{told}");
    }
    let now = ago(TimeDelta::zero());
    let span = ("now-25d", now.as_str());
    let file = |work: &Work| work.folder.join("events.jsonl");
    let mut together = rollouts;
    let more = json!({ "kind": "events", "path": file(&prod) });
    together
        .as_object_mut()
        .expect("an object")
        .extend(more.as_object().expect("an object").clone());
    let all = json!([{ "name": "code", "kind": "events", "path": file(&dev) }, together]);
    let history = json!([{ "name": "history", "kind": "prometheus", "url": format!("http://{}", prometheus.address()) }]);
    let wanted = answers(folder.path(), "together", &all, span);
    let deployments = wanted[2][0][0].as_array().map(Vec::len);
    assert_eq!(deployments, Some(60));
    assert_same(&answers(folder.path(), "reader", &history, span), &wanted);
    // Another replica reads for itself, and says the same.
    assert_same(&answers(folder.path(), "replica", &history, span), &wanted);
    // A cluster alone has no lead time.
    let selected = json!([{ "name": "history", "kind": "prometheus", "selector": "cluster=\"prod\"", "url": format!("http://{}", prometheus.address()) }]);
    assert_ne!(
        answers(folder.path(), "half", &selected, span)[1],
        wanted[1]
    );
}

#[test]
fn two_loops_of_one_cluster_that_tell_of_the_same_events_are_one_where_they_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let prometheus = Prometheus::start(&folder.path().join("prometheus"));
    let (mut lines, production) = story();
    lines.extend(production);
    let source = json!({ "name": "deliveries", "environment": "production", "cluster": "eu-1" });
    let loops = ["one", "other"].map(|name| {
        let work = cluster(folder.path(), name, &prometheus, &lines, source.clone());
        let destination = json!({ "name": "central", "url": format!("http://{}/api/v1/write", prometheus.address()) });
        let labels = json!({ "externalLabels": { "cluster": "dev" } });
        work.settle_source(&[destination], labels, source.clone());
        work
    });
    for work in [&loops[0], &loops[1], &loops[0]] {
        let output = work.once();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{told}");
    }
    let now = ago(TimeDelta::zero());
    let span = ("now-25d", now.as_str());
    let mut file = source;
    file["kind"] = json!("events");
    file["path"] = json!(loops[0].folder.join("events.jsonl"));
    let history = json!([{ "name": "history", "kind": "prometheus", "url": format!("http://{}", prometheus.address()) }]);
    let wanted = answers(folder.path(), "together", &json!([file]), span);
    assert_eq!(wanted[2][0][0].as_array().map(Vec::len), Some(60));
    assert_same(&answers(folder.path(), "reader", &history, span), &wanted);
}
