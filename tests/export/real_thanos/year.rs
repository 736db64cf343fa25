//! Two clusters and a tracker, a year of events, and an object store that outlives them all.

use std::path::Path;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Thanos, blocks, object_store, thanos};
use crate::real_prometheus::clusters::{answers, assert_same};
use crate::real_prometheus::{Prometheus, free_port, until, versions_at};
use crate::work::{Work, ago};

const DAYS: i64 = 364;

/// A year of three applications: a commit every other day, delivered an hour or more later, and incidents.
struct Story {
    development: Vec<Value>,
    production: Vec<Value>,
    tracker: Vec<Value>,
}

fn story() -> Story {
    let at = |minutes: i64| ago(TimeDelta::minutes(minutes));
    let hash = |app: i64, day: i64| format!("{:040x}", app * 10_000 + day + 1);
    let mut story = Story {
        development: Vec::new(),
        production: Vec::new(),
        tracker: Vec::new(),
    };
    for app in 0..3 {
        for day in (0..DAYS).step_by(2) {
            // The last of them six hours ago.
            let when = (DAYS - day) * 24 * 60 - 24 * 60 - 1_080 + 24 * 60;
            let parents: Vec<String> = (day > 0).then(|| hash(app, day - 2)).into_iter().collect();
            story.development.push(json!({"type": "commit", "id": format!("commit {app} {day}"), "repository": format!("git.example/acme/app-{app}"),
                "hash": hash(app, day), "parents": parents, "committed_at": at(when + 200)}));
            story.production.push(json!({"type": "deployment", "id": format!("deployment {app} {day}"), "application": format!("acme/app-{app}"),
                "finished_at": at(when + 100 - app * 17 - day % 7), "commit": hash(app, day)}));
            if day % 12 == 2 * app {
                story.tracker.push(json!({"type": "incident", "id": format!("incident {app} {day}"), "application": format!("acme/app-{app}"),
                    "title": format!("it's \"down\"\n{day}"), "opened_at": at(when + 20), "resolved_at": at(when + 10 - app)}));
            }
        }
    }
    // What is younger than an hour, Receive takes in order, and so uploads it when it stops.
    for (app, minutes) in [(0, 50), (1, 40), (2, 30)] {
        story.tracker.push(json!({"type": "incident", "id": format!("fresh {app}"), "application": format!("acme/app-{app}"),
            "opened_at": at(minutes), "resolved_at": at(minutes - 5)}));
    }
    story
}

/// Settings of a Prometheus beside a sidecar: it compacts nothing, and its labels tell its blocks apart.
fn beside_a_sidecar(folder: &Path, cluster: &str) -> Prometheus {
    Prometheus::current(
        folder,
        &format!("global: {{ external_labels: {{ cluster: {cluster} }} }}\n"),
        &[
            "--storage.tsdb.min-block-duration=2h",
            "--storage.tsdb.max-block-duration=2h",
        ],
    )
}

fn sidecar(folder: &Path, prometheus: &Prometheus, store: &Path) -> Thanos {
    Thanos::start(
        folder,
        "sidecar",
        &[
            format!("--tsdb.path={}", prometheus.data().display()),
            format!("--prometheus.url=http://{}", prometheus.address()),
            format!("--objstore.config-file={}", store.display()),
        ],
    )
}

fn query(folder: &Path, endpoints: &[&Thanos]) -> Thanos {
    let mut arguments: Vec<String> = endpoints.iter().map(|of| of.endpoint()).collect();
    arguments.push("--query.replica-label=pelorus_source".to_owned());
    arguments.push("--query.replica-label=receive_replica".to_owned());
    Thanos::start(folder, "query", &arguments)
}

/// A loop of a cluster that hands everything older than three hours over in blocks, and has done so.
fn delivered(
    folder: &Path,
    cluster: &str,
    source: &Value,
    lines: &[Value],
    destination: Value,
) -> Work {
    let work = Work::new(&folder.join(cluster), &[]);
    let labels = json!({ "externalLabels": { "cluster": cluster } });
    work.settle_source(&[destination], labels, source.clone());
    work.append(lines);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pelorus"));
    command.arg("backfill").arg("--config").arg(work.settings());
    command.env("PELORUS_THANOS", crate::real_prometheus::tool("thanos"));
    command.env("PELORUS_PROMTOOL", crate::real_prometheus::tool("promtool"));
    let output = command.output().expect("the binary runs");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    let output = work.once();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert_eq!(work.counts(), (lines.len() as i64, 0, 0));
    work
}

#[test]
fn a_year_of_two_clusters_and_a_tracker_is_answered_from_the_object_store_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let store = object_store(folder.path());
    let Story {
        development,
        production,
        tracker,
    } = story();
    let mut dev = beside_a_sidecar(&at("prometheus-dev"), "dev");
    let mut prod = beside_a_sidecar(&at("prometheus-prod"), "prod");
    let sidecars = [
        sidecar(&at("sidecar-dev"), &dev, &store),
        sidecar(&at("sidecar-prod"), &prod, &store),
    ];
    let write = free_port();
    let receive = Thanos::start(
        &at("receive"),
        "receive",
        &[
            format!("--tsdb.path={}", at("receive/data").display()),
            format!("--remote-write.address=127.0.0.1:{write}"),
            format!("--objstore.config-file={}", store.display()),
            "--label=receive_replica=\"0\"".to_owned(),
            "--tsdb.out-of-order.time-window=30d".to_owned(),
            "--tsdb.too-far-in-future.time-window=5m".to_owned(),
        ],
    );
    let live = query(&at("query-live"), &[&sidecars[0], &sidecars[1], &receive]);
    let of_prometheus = |prometheus: &Prometheus| {
        json!({ "name": "prometheus", "url": format!("http://{}/api/v1/write", prometheus.address()), "window": "3h",
            "readUrl": format!("http://{}", live.address()), "dataFolder": prometheus.data() })
    };
    let of_receive = json!({ "name": "receive", "url": format!("http://127.0.0.1:{write}/api/v1/receive"), "tenant": "pelorus",
        "readUrl": format!("http://{}", live.address()), "window": "3h" });
    let sources = [
        json!({ "name": "code" }),
        json!({ "name": "rollouts", "environment": "production", "cluster": "eu-1" }),
        json!({ "name": "tickets" }),
    ];
    // At the same time: a Prometheus looks for new blocks once a minute.
    let works = std::thread::scope(|scope| {
        let of = [
            ("dev", &sources[0], &development, of_prometheus(&dev)),
            ("prod", &sources[1], &production, of_prometheus(&prod)),
        ];
        let root = folder.path();
        let running = of.map(|(cluster, source, lines, destination)| {
            scope.spawn(move || delivered(root, cluster, source, lines, destination))
        });
        running.map(|running| running.join().expect("it was delivered"))
    });
    // Old tickets are uploaded by Thanos' own tool; whether a store shows them is seen below, once there is one.
    let mut to_store = of_receive;
    to_store["objectStore"] = json!(store);
    to_store
        .as_object_mut()
        .expect("an object")
        .remove("readUrl");
    let tickets = delivered(folder.path(), "tracker", &sources[2], &tracker, to_store);

    let now = ago(TimeDelta::zero());
    let span = ("now-366d", now.as_str());
    let known: Vec<Value> = [&works[0], &works[1], &tickets]
        .iter()
        .zip(&sources)
        .map(|(work, source)| {
            let mut source = source.clone();
            source["kind"] = json!("events");
            source["path"] = json!(work.folder.join("events.jsonl"));
            source
        })
        .collect();
    let wanted = answers(folder.path(), "together", &json!(known), span);
    assert_eq!(wanted[2][0][0].as_array().map(Vec::len), Some(3 * 182));

    // Everything goes but the object store: sidecars upload what lies in the data folders, Receive its head when it stops.
    let bucket = at("bucket");
    let of_sidecars = [&dev, &prod].map(|prometheus| blocks(&prometheus.data()));
    assert!(
        of_sidecars.iter().all(|blocks| blocks.len() >= 12),
        "{of_sidecars:?}"
    );
    until("every block in the object store", || {
        let there = blocks(&bucket);
        of_sidecars
            .iter()
            .flatten()
            .all(|block| there.contains(block))
            .then_some(())
    });
    let before = blocks(&bucket).len();
    drop(live);
    assert_eq!(receive.stop(), Some(0));
    assert!(blocks(&bucket).len() > before, "Receive uploaded nothing");
    drop(sidecars);
    for prometheus in [&mut dev, &mut prod] {
        prometheus.kill();
        std::fs::remove_dir_all(prometheus.data()).expect("a folder of ours");
    }
    std::fs::remove_dir_all(at("receive")).expect("a folder of ours");

    let arguments = |name: &str| {
        vec![
            format!("--data-dir={}", at(name).display()),
            format!("--objstore.config-file={}", store.display()),
        ]
    };
    let stored = Thanos::start(&at("store"), "store", &arguments("store/data"));
    let alone = query(&at("query"), &[&stored]);
    let events = development.len() + production.len() + tracker.len();
    assert_eq!(
        versions_at(&alone.address(), "400d").len(),
        events,
        "lost or double"
    );
    let history = |query: &Thanos| json!([{ "name": "history", "kind": "prometheus", "url": format!("http://{}", query.address()) }]);
    assert_same(
        &answers(folder.path(), "reader", &history(&alone), span),
        &wanted,
    );
    drop(alone);
    drop(stored);

    // The compactor merges what overlaps, and changes no answer.
    let mut compact = vec!["compact".to_owned()];
    compact.extend(arguments("compact"));
    compact.extend(
        [
            "--compact.enable-vertical-compaction",
            "--retention.resolution-raw=0d",
            "--consistency-delay=0s",
            "--deduplication.replica-label=pelorus_source",
        ]
        .map(str::to_owned),
    );
    compact.push(format!("--http-address=127.0.0.1:{}", free_port()));
    let output = thanos(&compact);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !told.contains("halt"), "{told}");
    let stored = Thanos::start(&at("store-2"), "store", &arguments("store-2/data"));
    let compacted = query(&at("query-2"), &[&stored]);
    assert_same(
        &answers(folder.path(), "later", &history(&compacted), span),
        &wanted,
    );
}
