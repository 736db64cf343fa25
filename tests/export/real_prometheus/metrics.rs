//! `/metrics`: what promtool says of it, and what the original's rules and dashboards make of it in a real Prometheus.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Prometheus, get, until};
use crate::work::{Work, ago, event};

fn rules(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy/rules")
        .join(name);
    path.display().to_string()
}

fn promtool(arguments: &[&str], input: &str) -> String {
    let mut child = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is installed: tests/setup.sh does that");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(input.as_bytes())
        .expect("promtool reads");
    let output = child.wait_with_output().expect("it ends");
    let told = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    // 3: it can be read, and names could be better; the original's are what they are.
    assert!(matches!(output.status.code(), Some(0 | 3)), "{told}");
    told
}

#[test]
fn the_rules_files_hold_rules_and_alerts_that_fire_when_they_should() {
    for name in ["upstream.yaml", "pelorus.yaml", "thanos-ruler.yaml"] {
        promtool(&["check", "rules", &rules(name)], "");
    }
    for name in ["tests/upstream.yaml", "tests/pelorus.yaml"] {
        promtool(&["test", "rules", &rules(name)], "");
    }
}

const FIRST: &str = "00000000000000000000000000000000000000a0";
const SHOP: &str = "00000000000000000000000000000000000000a1";
const CART: &str = "00000000000000000000000000000000000000b2";

/// Two applications: one was delivered an hour after its commit and failed for a minute, one half an hour after.
fn lines() -> Vec<Value> {
    let at = |seconds| ago(TimeDelta::seconds(seconds));
    let digest = format!("sha256:{}", "1".repeat(64));
    vec![
        // The first deployment that is known delivers nothing that is known: it is the baseline.
        json!({"type": "commit", "id": "c0", "repository": "git.example/shop", "hash": FIRST, "committed_at": at(100_000)}),
        json!({"type": "deployment", "id": "d0", "application": "acme/shop", "environment": "production", "finished_at": at(90_000), "commit": FIRST}),
        json!({"type": "commit", "id": "c1", "repository": "git.example/shop", "hash": SHOP, "parents": [FIRST], "committed_at": at(120 + 3_600), "url": "https://git.example/shop/a1"}),
        json!({"type": "commit", "id": "c2", "repository": "git.example/cart", "hash": CART, "committed_at": at(100 + 1_800)}),
        json!({"type": "deployment", "id": "d1", "application": "acme/shop", "environment": "production", "namespace": "shop \"prod\"",
            "finished_at": at(120), "commit": SHOP, "images": [format!("quay.example/shop@{digest}")]}),
        json!({"type": "deployment", "id": "d2", "application": "cart", "environment": "production", "finished_at": at(100), "commit": CART}),
        json!({"type": "deployment", "id": "old", "application": "cart", "environment": "production", "finished_at": at(86_400)}),
        json!({"type": "deployment", "id": "staging", "application": "cart", "environment": "staging", "finished_at": at(50)}),
        json!({"type": "incident", "id": "OPS-1", "application": "acme/shop", "opened_at": at(90), "resolved_at": at(30)}),
    ]
}

fn scraped(work: &Work) -> String {
    until("all applications in /metrics", || {
        let (status, text) = get(&work.address(), "/metrics")?;
        (status == 200 && text.contains("failure_creation_timestamp{")).then_some(text)
    })
}

#[test]
fn the_text_is_what_prometheus_reads_and_its_numbers_are_those_of_the_events() {
    let folder = tempfile::tempdir().expect("a folder");
    let work = Work::new(folder.path(), &[]);
    work.append(&lines());
    let child = work.start();
    let text = scraped(&work);
    promtool(&["check", "metrics"], &text);
    let families = text.lines().filter(|line| line.starts_with("# TYPE"));
    let names: Vec<&str> = families.filter_map(|line| line.split(' ').nth(2)).collect();
    let mut distinct = names.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), names.len(), "a family stands there twice");
    let count = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
    // Of the last half hour; staging is not production.
    assert_eq!(count("deploy_timestamp{"), 2);
    assert_eq!(count("commit_timestamp{"), 3);
    let digest = format!("sha256:{}", "1".repeat(64));
    let start = format!(
        "commit_timestamp{{app=\"/acme/shop/\",commit=\"{SHOP}\",commit_link=\"https://git.example/shop/a1\",image_sha=\"{digest}\",namespace=\"shop \\\"prod\\\"\"}} 1."
    );
    assert_eq!(count(&start), 1, "{text}");
    let value = |start: &str| {
        let line = text.lines().find(|line| line.starts_with(start));
        let value = line.and_then(|line| line.split(' ').next_back()?.parse::<f64>().ok());
        value.unwrap_or_else(|| panic!("{start} is missing in\n{text}"))
    };
    let shop = "{application=\"acme/shop\",environment=\"production\",window=\"7d\"}";
    assert_eq!(
        value(&format!("pelorus_change_lead_time_seconds{shop}")),
        3_600.0
    );
    assert_eq!(value(&format!("pelorus_change_lead_time_n{shop}")), 1.0);
    assert_eq!(value(&format!("pelorus_change_fail_rate_ratio{shop}")), 0.5);
    assert_eq!(
        value(&format!(
            "pelorus_failed_deployment_recovery_time_seconds{shop}"
        )),
        90.0
    );
    let cart = "{application=\"cart\",environment=\"production\",window=\"7d\"}";
    assert_eq!(value(&format!("pelorus_change_fail_rate_ratio{cart}")), 0.0);
    assert_eq!(value(&format!("pelorus_change_fail_rate_n{cart}")), 2.0);
    // Nothing of cart failed, so nothing is known of its recovery.
    assert_eq!(
        count(&format!(
            "pelorus_failed_deployment_recovery_time_seconds{cart}"
        )),
        0
    );
    assert_eq!(
        value("pelorus_source_events{source=\"deliveries\",type=\"deployment\"}"),
        5.0
    );
    assert!(value("pelorus_ledger_size_bytes") > 0.0);
    assert_eq!(child.stop(), Some(0));
}

#[test]
fn events_that_are_scraped_come_back_as_they_were() {
    let folder = tempfile::tempdir().expect("a folder");
    let work = Work::new(&folder.path().join("work"), &[]);
    work.settle(&[], json!({ "showEvents": "30h" }));
    let lines = lines();
    work.append(&lines);
    let child = work.start();
    promtool(&["check", "metrics"], &scraped(&work));
    let settings = format!(
        "global: {{ scrape_interval: 1s }}\nscrape_configs: [{{ job_name: pelorus, honor_labels: true, static_configs: [{{ targets: ['{}'] }}] }}]\n",
        work.address()
    );
    let prometheus = Prometheus::start_with(&folder.path().join("prometheus"), &settings);
    let mut wanted: Vec<_> = lines.iter().map(event).collect();
    wanted.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
    until("all events", || {
        (prometheus.versions("2d").len() == wanted.len()).then_some(())
    });
    // However often they are scraped.
    std::thread::sleep(std::time::Duration::from_secs(3));
    let shown: Vec<_> = prometheus
        .versions("2d")
        .into_iter()
        .map(|version| version.event)
        .collect();
    assert_eq!(shown.len(), wanted.len());
    for (shown, wanted) in shown.iter().zip(&wanted) {
        assert_eq!(shown, wanted);
    }
    assert_eq!(child.stop(), Some(0));
}

#[test]
fn an_image_has_one_commit_wherever_it_runs_and_what_never_went_live_is_not_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let work = Work::new(folder.path(), &[]);
    let at = |seconds| ago(TimeDelta::seconds(seconds));
    let digest = |letter: &str| format!("sha256:{}", letter.repeat(64));
    let deployed = |id: &str, namespace: &str, letter: &str, outcome: &str, seconds| {
        let image = format!("quay.example/shop@{}", digest(letter));
        json!({"type": "deployment", "id": id, "application": "shop", "environment": "production", "namespace": namespace,
            "images": [image], "outcome": outcome, "finished_at": at(seconds)})
    };
    // The deployments name no commit: the build of their image does.
    work.append(&[
        json!({"type": "commit", "id": "c1", "repository": "git.example/shop", "hash": SHOP, "committed_at": at(3_600)}),
        json!({"type": "build", "id": "b1", "repository": "git.example/shop", "commit": SHOP, "finished_at": at(600),
            "images": [format!("quay.example/shop@{}", digest("1"))]}),
        deployed("d1", "one", "1", "succeeded", 1_500),
        deployed("d2", "two", "3", "succeeded", 1_200),
        deployed("d1 again", "two", "1", "succeeded", 900),
        deployed("d2 again", "two", "3", "succeeded", 500),
        deployed("d3", "two", "1", "succeeded", 120),
        deployed("d4", "two", "2", "failed", 100),
        deployed("d5", "two", "2", "cancelled", 90),
    ]);
    let child = work.start();
    let text = until("the deployments in /metrics", || {
        let (status, text) = get(&work.address(), "/metrics")?;
        (status == 200 && text.contains("commit_timestamp{")).then_some(text)
    });
    promtool(&["check", "metrics"], &text);
    let lines = |start: &str| -> Vec<&str> {
        text.lines()
            .filter(|line| line.starts_with(start))
            .collect()
    };
    let commits = lines("commit_timestamp{");
    assert_eq!(commits.len(), 1, "{commits:?}");
    let (commit, image) = (
        format!("commit=\"{SHOP}\""),
        format!("image_sha=\"{}\"", digest("1")),
    );
    assert!(
        commits[0].contains(&commit) && commits[0].contains(&image),
        "{commits:?}"
    );
    let deploys = lines("deploy_timestamp{");
    assert_eq!(
        lines("deploy_timestamp{app=\"/shop/\",image_sha=\"sha256:2").len(),
        0,
        "{deploys:?}"
    );
    // Samples of one series stand in the order of their times.
    let times = |namespace: &str, image: &str| -> Vec<i64> {
        let of = format!("namespace=\"{namespace}\"");
        let lines = deploys
            .iter()
            .filter(|line| line.contains(&of) && line.contains(image));
        lines
            .map(|line| {
                line.rsplit(' ')
                    .next()
                    .expect("a time")
                    .parse()
                    .expect("milliseconds")
            })
            .collect()
    };
    let counts = [
        ("one", digest("1")),
        ("two", digest("1")),
        ("two", digest("3")),
    ]
    .map(|(namespace, image)| times(namespace, &image).len());
    assert_eq!(counts, [1, 1, 2], "{deploys:?}");
    assert!(times("two", &digest("3")).is_sorted(), "{deploys:?}");
    assert_eq!(
        lines("pelorus_exposition_cut{shown=\"deployments\"} 0").len(),
        1
    );
    for window in ["7d", "30d", "90d"] {
        let labels =
            format!("{{application=\"shop\",environment=\"production\",window=\"{window}\"}}");
        for key in [
            "change_lead_time",
            "deployment_frequency",
            "change_fail_rate",
            "failed_deployment_recovery_time",
            "deployment_rework_rate",
        ] {
            assert_eq!(
                lines(&format!("pelorus_{key}_coverage_ratio{labels}")).len(),
                1,
                "{key}"
            );
        }
    }
    assert_eq!(child.stop(), Some(0));
}

#[test]
fn the_originals_rules_and_panels_show_what_the_originals_exporters_would() {
    let folder = tempfile::tempdir().expect("a folder");
    let work = Work::new(&folder.path().join("work"), &[]);
    work.append(&lines());
    let child = work.start();
    scraped(&work);
    let settings = format!(
        "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: ['{}']\nscrape_configs: [{{ job_name: pelorus, static_configs: [{{ targets: ['{}'] }}] }}]\n",
        rules("upstream.yaml"),
        work.address()
    );
    let prometheus = Prometheus::start_with(&folder.path().join("prometheus"), &settings);
    let number = |query: &str| {
        let result = prometheus.query(query);
        result[0]["value"][1]
            .as_str()
            .and_then(|value| value.parse::<f64>().ok())
    };
    until("the last of the rules", || {
        number("sdp:change_failure_rate:global")
    });
    // An hour and half an hour; one failure of a minute; of two applications one failed.
    for (query, wanted) in [
        ("sdp:lead_time:by_app{app=\"/acme/shop/\"}", 3_600.0),
        ("sdp:lead_time:by_app{app=\"/cart/\"}", 1_800.0),
        ("sdp:lead_time:global", 2_700.0),
        ("sdp:time_to_restore:global", 60.0),
        ("sdp:change_failure_rate:by_app{app=\"/acme/shop/\"}", 1.0),
        ("sdp:change_failure_rate:by_app{app=\"/cart/\"}", 0.0),
        ("avg_over_time(sdp:change_failure_rate:global[5m])", 0.5),
        ("count(count_over_time(deploy_timestamp[1h]))", 2.0),
        (
            "count(count_over_time(deploy_timestamp{app=~\".*/shop/.*\"}[1h]))",
            1.0,
        ),
        ("avg(sdp:lead_time:by_app{app=~\".*/shop/.*\"})", 3_600.0),
        (
            "count(deploy_timestamp unless on (app, image_sha) commit_timestamp) or vector(0)",
            0.0,
        ),
        ("count(sdp:applications)", 2.0),
    ] {
        let found = number(query).unwrap_or_else(|| panic!("{query} has no value"));
        // Times are milliseconds, and floats of seconds.
        assert!(
            (found - wanted).abs() < 0.01,
            "{query}: {found}, not {wanted}"
        );
    }
    let at = prometheus.query("max by (app) (timestamp(deploy_timestamp) - deploy_timestamp)");
    assert!(
        at.as_array()
            .is_some_and(|rows| rows.iter().all(|row| row["value"][1] == "0")),
        "a sample's time is its value: {at}"
    );
    assert_eq!(child.stop(), Some(0));
}
