//! Rules over several clusters: a Thanos Ruler over a Query over the Prometheus of each.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Thanos, object_store};
use crate::real_prometheus::{Prometheus, free_port, query_at, until};
use crate::work::{Work, ago};

/// A Prometheus that scrapes that loop, with a sidecar beside it.
fn scraped(
    folder: &std::path::Path,
    cluster: &str,
    work: &Work,
    store: &std::path::Path,
) -> (Prometheus, Thanos) {
    let settings = format!(
        "global: {{ scrape_interval: 1s, external_labels: {{ cluster: {cluster} }} }}\nscrape_configs: [{{ job_name: pelorus, honor_labels: true, static_configs: [{{ targets: ['{}'] }}] }}]\n",
        work.address()
    );
    let prometheus = Prometheus::current(
        &folder.join(format!("prometheus-{cluster}")),
        &settings,
        &[
            "--storage.tsdb.min-block-duration=2h",
            "--storage.tsdb.max-block-duration=2h",
        ],
    );
    let sidecar = Thanos::start(
        &folder.join(format!("sidecar-{cluster}")),
        "sidecar",
        &[
            format!("--tsdb.path={}", prometheus.data().display()),
            format!("--prometheus.url=http://{}", prometheus.address()),
            format!("--objstore.config-file={}", store.display()),
        ],
    );
    (prometheus, sidecar)
}

#[test]
fn lead_time_of_commits_in_one_cluster_and_deployments_in_another_is_recorded_by_the_ruler() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |seconds| ago(TimeDelta::seconds(seconds));
    let commit = "00000000000000000000000000000000000000c1";
    let image = format!("quay.example/acme/shop@sha256:{}", "5".repeat(64));
    let rules: Value = json!([{ "name": "acme/shop", "repositories": ["git.example/acme/shop"] }]);
    let work = |name: &str, source: Value, lines: &[Value]| {
        let work = Work::new(&folder.path().join(name), &[]);
        work.settle_source(&[], json!({}), source);
        let text = std::fs::read_to_string(work.settings()).expect("settings");
        let mut settings: Value = serde_json::from_str(&text).expect("JSON");
        settings["applications"] = rules.clone();
        std::fs::write(work.settings(), settings.to_string()).expect("a writable folder");
        work.append(lines);
        work
    };
    let dev = work(
        "dev",
        json!({ "name": "code" }),
        &[
            json!({"type": "commit", "id": "c", "repository": "git.example/acme/shop", "hash": commit, "committed_at": at(7_200), "url": "https://git.example/c1"}),
            json!({"type": "build", "id": "b", "repository": "git.example/acme/shop", "commit": commit, "finished_at": at(5_000), "images": [image]}),
        ],
    );
    let prod = work(
        "prod",
        json!({ "name": "rollouts", "environment": "production" }),
        &[
            json!({"type": "deployment", "id": "d", "application": "acme/shop", "namespace": "shop", "finished_at": at(60), "images": [image]}),
        ],
    );
    let loops = [dev.start(), prod.start()];
    let store = object_store(folder.path());
    let clusters = [
        scraped(folder.path(), "dev", &dev, &store),
        scraped(folder.path(), "prod", &prod, &store),
    ];
    // The ruler asks a query that knows the ruler itself: a rule rests on what another one recorded.
    let port = free_port();
    let mut endpoints = clusters
        .each_ref()
        .map(|(_, sidecar)| sidecar.endpoint())
        .to_vec();
    endpoints.push(format!("--endpoint=127.0.0.1:{port}"));
    let query = Thanos::start(&folder.path().join("query"), "query", &endpoints);
    let rules =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/rules/thanos-ruler.yaml");
    let _ruler = Thanos::start_on(
        port,
        &folder.path().join("rule"),
        "rule",
        &[
            format!("--data-dir={}", folder.path().join("rule/data").display()),
            format!("--rule-file={}", rules.display()),
            format!("--query=http://{}", query.address()),
            "--eval-interval=1s".to_owned(),
            "--label=ruler=\"central\"".to_owned(),
            format!("--objstore.config-file={}", store.display()),
        ],
    );
    let recorded = until("the recorded lead time", || {
        let result = query_at(
            &query.address(),
            "sdp:lead_time:by_app:global{app=\"/acme/shop/\"}",
        );
        result[0]["value"][1].as_str()?.parse::<f64>().ok()
    });
    // Committed two hours ago, live a minute ago; neither Prometheus holds both.
    assert!((recorded - 7_140.0).abs() < 1.0, "{recorded}");
    for (prometheus, _) in &clusters {
        let alone = prometheus.query("count(deploy_timestamp) and count(commit_timestamp)");
        assert_eq!(alone.as_array().map(Vec::len), Some(0), "{alone}");
    }
    for work in loops {
        assert_eq!(work.stop(), Some(0));
    }
}
