//! The past of an original Pelorus: its series as they lie in a real Prometheus, and the answers worked out by hand.

use std::fmt::Write as _;
use std::process::Command;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::Prometheus;

fn seconds(at: &str) -> i64 {
    let at: DateTime<Utc> = at.parse().expect("a time");
    at.timestamp()
}

fn hash(letter: char) -> String {
    String::from(letter).repeat(40)
}

fn image(letter: char) -> String {
    format!("sha256:{}", String::from(letter).repeat(64))
}

/// What was scraped in March 2025, as OpenMetrics text: two replicas of one Prometheus, and pods that came and went.
fn scraped() -> String {
    let mut text = String::from("# TYPE commit_timestamp gauge\n");
    let deployed = [
        ('a', "2025-03-03T08:00:00Z", "2025-03-03T10:00:00Z"),
        ('b', "2025-03-05T09:00:00Z", "2025-03-05T12:00:00Z"),
        ('c', "2025-03-10T06:00:00Z", "2025-03-10T13:00:00Z"),
    ];
    for (letter, committed, live) in deployed {
        for replica in [0, 1] {
            // A sample at each scrape, as long as the build is there.
            for scrape in 0..20 {
                let at = seconds(live) - 600 + scrape * 60;
                writeln!(
                    text,
                    "commit_timestamp{{app=\"/acme/shop/\",commit=\"{}\",commit_link=\"https://gitlab.example/acme/shop/-/commit/{}\",image_sha=\"{}\",namespace=\"pelorus\",exported_namespace=\"builds\",prometheus_replica=\"{replica}\"}} {} {at}",
                    hash(letter), hash(letter), image(letter), seconds(committed)
                )
                .expect("a text takes all");
            }
        }
    }
    text += "# TYPE deploy_timestamp gauge\n";
    for (letter, _, live) in deployed {
        for pod in ["x", "y"] {
            let at = seconds(live);
            writeln!(
                text,
                "deploy_timestamp{{app=\"/acme/shop/\",image_sha=\"{}\",namespace=\"pelorus\",exported_namespace=\"shop\",pod=\"{pod}\"}} {at} {at}",
                image(letter)
            )
            .expect("a text takes all");
        }
    }
    for (family, app, issue, at) in [
        (
            "failure_creation_timestamp",
            "/acme/shop/",
            "OPS-1",
            "2025-03-05T13:00:00Z",
        ),
        (
            "failure_creation_timestamp",
            "unknown",
            "OPS-2",
            "2025-03-06T13:00:00Z",
        ),
        (
            "failure_resolution_timestamp",
            "/acme/shop/",
            "OPS-1",
            "2025-03-05T14:30:00Z",
        ),
    ] {
        if issue == "OPS-1" {
            writeln!(text, "# TYPE {family} gauge").expect("a text takes all");
        }
        let at = seconds(at);
        writeln!(
            text,
            "{family}{{app=\"{app}\",issue_number=\"{issue}\"}} {at} {at}"
        )
        .expect("a text takes all");
    }
    text + "# EOF\n"
}

/// The columns of the first frame of an answer, by name, and all notices.
fn answer(settings: &std::path::Path, question: &Value) -> (Value, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pelorus"));
    command
        .args([
            "query",
            "--quiet",
            "--format",
            "json",
            "--now",
            "2025-04-01T00:00:00Z",
        ])
        .args(["--from", "2025-03-01T00:00:00Z", "--config"])
        .arg(settings)
        .arg(question.to_string());
    let output = command.output().expect("the binary runs");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let frames: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {told}"));
    let fields = frames[0]["schema"]["fields"].as_array().expect("fields");
    let columns = fields
        .iter()
        .zip(frames[0]["data"]["values"].as_array().expect("columns"));
    let named: serde_json::Map<String, Value> = columns
        .map(|(field, values)| {
            (
                field["name"].as_str().expect("a name").to_owned(),
                values.clone(),
            )
        })
        .collect();
    (Value::Object(named), frames.to_string())
}

#[test]
fn the_originals_series_of_past_years_are_read_back_and_it_is_said_what_they_cannot_tell() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut prometheus = Prometheus::start(&folder.path().join("prometheus"));
    prometheus.kill();
    let text = folder.path().join("scraped.om");
    std::fs::write(&text, scraped()).expect("a writable folder");
    let made = Command::new("promtool")
        .args(["tsdb", "create-blocks-from", "openmetrics", "--quiet"])
        .arg(&text)
        .arg(prometheus.data())
        .output()
        .expect("promtool is installed");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    prometheus.go_on();
    let settings = folder.path().join("pelorus.yaml");
    let source = json!({ "name": "old", "kind": "prometheus", "upstream": true, "environment": "production",
        "url": format!("http://{}", prometheus.address()) });
    std::fs::write(
        &settings,
        json!({ "ledger": "l.db", "sources": [source] }).to_string(),
    )
    .expect("a writable folder");

    let (deployments, told) = answer(
        &settings,
        &json!({"kind": "events", "table": "deployments"}),
    );
    // One deployment, however many pods and replicas told of it; the newest first.
    let times: Vec<i64> = [
        "2025-03-10T13:00:00Z",
        "2025-03-05T12:00:00Z",
        "2025-03-03T10:00:00Z",
    ]
    .map(|at| seconds(at) * 1_000)
    .to_vec();
    assert_eq!(deployments["time"], json!(times));
    assert_eq!(
        deployments["application"],
        json!(["acme/shop", "acme/shop", "acme/shop"])
    );
    assert_eq!(
        deployments["commit"],
        json!([hash('c'), hash('b'), hash('a')])
    );
    assert!(
        told.contains("know no parents of commits, pull requests, authors"),
        "{told}"
    );

    let of_shop = |metric: &str, statistic: &str| {
        let question = json!({"kind": "metric", "metric": metric, "statistic": statistic, "bucket": "none", "groupBy": ["application"]});
        let (columns, _) = answer(&settings, &question);
        columns[format!("{metric}_{statistic}")][0].as_f64()
    };
    // Three and seven hours; the first deployment that is known has nothing before it.
    assert_eq!(of_shop("change_lead_time", "mean"), Some(18_000.0));
    // One of three failed, for two and a half hours.
    assert_eq!(of_shop("change_fail_rate", "value"), Some(1.0 / 3.0));
    assert_eq!(
        of_shop("failed_deployment_recovery_time", "mean"),
        Some(9_000.0)
    );
    let (incidents, _) = answer(&settings, &json!({"kind": "events", "table": "incidents"}));
    // What the original calls unknown is of no application.
    assert_eq!(incidents["title"], json!(["OPS-1"]));
}
