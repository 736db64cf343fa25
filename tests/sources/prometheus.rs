//! History: a server that evaluates instant queries with range selectors, and what Pelorus makes of it.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, TimeDelta, Utc};
use pelorus::ledger::{Ledger, Location, Route};
use pelorus::series::{Sample, sample_of_origin, samples_of};
use regex::Regex;
use serde_json::{Value, json};

use crate::reading::{CANARY, Pelorus, at, ledger};
use crate::server::{Allowed, Fault, Server};

const NOW: &str = "2026-11-01T00:00:00Z";

/// What the server holds, and how it answers.
#[derive(Default)]
struct Held {
    samples: Vec<Sample>,
    /// More series than that are refused.
    most: Option<usize>,
    /// More series than that take it too long.
    most_in_time: Option<usize>,
    warnings: Vec<String>,
    tenant: Option<&'static str>,
    /// How long an answer takes.
    pause: std::time::Duration,
}

type Shared = Arc<Mutex<Held>>;

static QUERY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:count by \(type\) \(count_over_time\()?(\w+)\{(.*)\}\[(\d+)ms\]\)*$").unwrap()
});
static MATCHER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(\w+)(=~|!~|!=|=)"((?:[^"\\]|\\.)*)""#).unwrap());

async fn query(
    State(held): State<Shared>,
    headers: HeaderMap,
    Query(asked): Query<HashMap<String, String>>,
) -> Response {
    let pause = held.lock().unwrap().pause;
    tokio::time::sleep(pause).await;
    let held = held.lock().unwrap();
    if let Some(tenant) = held.tenant
        && headers
            .get("thanos-tenant")
            .is_none_or(|named| named != tenant)
    {
        return (StatusCode::FORBIDDEN, "no such tenant").into_response();
    }
    for (key, value) in [
        ("dedup", "true"),
        ("partial_response", "false"),
        ("max_source_resolution", "0s"),
    ] {
        assert!(asked["query"].starts_with("count") || asked[key] == value);
    }
    let text = &asked["query"];
    let parts = QUERY.captures(text).unwrap_or_else(|| panic!("{text}"));
    let end = (asked["time"].parse::<f64>().unwrap() * 1_000.0).round() as i64;
    let start = end - parts[3].parse::<i64>().unwrap();
    let matchers: Vec<(String, String, Regex, String)> = MATCHER
        .captures_iter(&parts[2])
        .map(|matcher| {
            let value = matcher[3].replace("\\\"", "\"").replace("\\\\", "\\");
            let expression = Regex::new(&format!("^(?:{value})$")).unwrap();
            (
                matcher[1].to_owned(),
                matcher[2].to_owned(),
                expression,
                value,
            )
        })
        .collect();
    let fits = |sample: &&Sample| {
        sample.label("__name__") == &parts[1]
            && sample.at > start
            && sample.at <= end
            && matchers.iter().all(|(name, operator, expression, value)| {
                let label = sample.label(name);
                match operator.as_str() {
                    "=" => label == value,
                    "!=" => label != value,
                    "=~" => expression.is_match(label),
                    _ => !expression.is_match(label),
                }
            })
    };
    let found: Vec<&Sample> = held.samples.iter().filter(fits).collect();
    if held.most.is_some_and(|most| found.len() > most) {
        let error = json!({"status": "error", "errorType": "execution", "error": "query processing would load too many samples into memory in query execution"});
        return (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).into_response();
    }
    if held.most_in_time.is_some_and(|most| found.len() > most) {
        let error = json!({"status": "error", "errorType": "timeout", "error": "query timed out in expression evaluation"});
        return (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response();
    }
    let result: Vec<Value> = if text.starts_with("count") {
        let mut counts: HashMap<&str, u64> = HashMap::new();
        for sample in found {
            *counts.entry(sample.label("type")).or_default() += 1;
        }
        let counts = counts.into_iter();
        counts.map(|(kind, count)| json!({"metric": {"type": kind}, "value": [end as f64 / 1_000.0, count.to_string()]})).collect()
    } else {
        found.into_iter().map(series).collect()
    };
    let mut answer =
        json!({"status": "success", "data": {"resultType": "matrix", "result": result}});
    if !held.warnings.is_empty() {
        answer["warnings"] = json!(held.warnings);
    }
    axum::Json(answer).into_response()
}

fn series(sample: &Sample) -> Value {
    let labels: serde_json::Map<String, Value> = sample
        .labels
        .iter()
        .map(|(name, value)| (name.to_string(), json!(value)))
        .chain([("cluster".to_owned(), json!("laid over it"))])
        .collect();
    json!({"metric": labels, "values": [[sample.at as f64 / 1_000.0, sample.value.to_string()]]})
}

struct Store {
    server: Server,
    held: Shared,
}

impl Store {
    async fn with(samples: Vec<Sample>) -> Self {
        let held: Shared = Arc::new(Mutex::new(Held {
            samples,
            ..Held::default()
        }));
        let routes = Router::new()
            .route("/api/v1/query", get(query))
            .with_state(Arc::clone(&held));
        Self {
            server: Server::start(routes, Allowed::default()).await,
            held,
        }
    }

    fn settings(&self, more: Value) -> Value {
        let mut source = json!({"name": "history", "kind": "prometheus", "url": self.server.url});
        source
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({"people": "shown", "sources": [source]})
    }

    fn start(&self, more: Value, ledger: &Location, minutes: i64) -> Pelorus {
        let now = at(NOW) + TimeDelta::minutes(minutes);
        Pelorus::start(&self.settings(more), &["history__token"], ledger, now)
    }
}

/// A year of eight applications as an events file.
fn demo(folder: &Path) -> std::path::PathBuf {
    let output = Command::new(env!("CARGO_BIN_EXE_pelorus"))
        .args(["demo", "--now", NOW, "--out"])
        .arg(folder)
        .output()
        .unwrap();
    assert!(output.status.success());
    folder.join("events.jsonl")
}

/// The origin: Pelorus over an events file, its five keys, and what an export loop would write of its ledger.
async fn origin(folder: &Path, source: Value) -> (Value, Vec<Sample>) {
    let file = demo(&folder.join("demo"));
    let mut settings = json!({"name": "deliveries", "kind": "events", "path": file});
    settings
        .as_object_mut()
        .unwrap()
        .extend(source.as_object().unwrap().clone());
    let settings = json!({"people": "shown", "sources": [settings]});
    let location = Location::File(folder.join("origin.db"));
    let pelorus = Pelorus::start(&settings, &[], &location, at(NOW));
    let keys = every_answer(&pelorus).await;
    let origins = pelorus.app.origins();
    pelorus.stop().await;
    let mut samples = exported(&location);
    samples.extend(
        origins
            .iter()
            .map(|origin| sample_of_origin(origin, at(NOW))),
    );
    (keys, samples)
}

/// The five keys of every application, over all and by month, and what the lead time is made of.
async fn every_answer(pelorus: &Pelorus) -> Value {
    let by_month = json!({"kind": "scorecard", "groupBy": ["application", "environment"], "compare": "previous_period"});
    let lead_time = json!({"kind": "metric", "metric": "change_lead_time", "statistic": "p90", "groupBy": ["application"], "bucket": "month"});
    let mut frames = pelorus.frames(lead_time, 300).await;
    for frame in frames.as_array_mut().unwrap() {
        frame["schema"]["meta"]
            .as_object_mut()
            .unwrap()
            .remove("executedQueryString");
    }
    json!([
        pelorus.five_keys("committed").await,
        pelorus.parts().await,
        pelorus.frames(by_month, 150).await[0]["data"],
        frames,
    ])
}

fn exported(location: &Location) -> Vec<Sample> {
    let (ledger, _) = Ledger::open(location).unwrap();
    ledger
        .register(&BTreeSet::from(["store".to_owned()]), &BTreeSet::new())
        .unwrap();
    let far = DateTime::<Utc>::MAX_UTC;
    let queued = ledger
        .queued("store", Route::Live, 0, far, usize::MAX)
        .unwrap();
    assert!(queued.len() > 5_000);
    queued
        .iter()
        .flat_map(|queued| samples_of(&queued.event, queued.revision).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pelorus_with_nothing_but_history_answers_as_the_origin_does_to_the_last_digit() {
    let folder = tempfile::tempdir().unwrap();
    let (wanted, samples) = origin(folder.path(), json!({})).await;
    let store = Store::with(samples).await;
    let pelorus = store.start(json!({}), &ledger(folder.path()), 0);
    assert_eq!(every_answer(&pelorus).await, wanted);
    assert_eq!(pelorus.notices().await, Vec::<String>::new());
    pelorus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_source_names_the_environment_its_events_have_it_when_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let (_, mut samples) = origin(
        folder.path(),
        json!({"environment": "production", "cluster": "eu"}),
    )
    .await;
    // As a source that names none would have told them.
    for sample in &mut samples {
        if sample.label("type") == "deployment" {
            sample
                .labels
                .retain(|(name, _)| name != "event_environment" && name != "event_cluster");
        }
    }
    let count = |pelorus: Pelorus| async move {
        let question = json!({"kind": "metric", "metric": "deployments", "bucket": "none", "filters": [{"key": "cluster", "operator": "=", "value": "eu"}]});
        pelorus.number(question).await
    };
    let store = Store::with(samples.clone()).await;
    let with = count(store.start(json!({}), &Location::Memory, 0)).await;
    assert!(with.is_some_and(|count| count > 100.0), "{with:?}");
    samples.retain(|sample| sample.label("type") != "source");
    let store = Store::with(samples).await;
    let without = count(store.start(json!({}), &Location::Memory, 0)).await;
    assert!(without.is_none_or(|count| count == 0.0), "{without:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_of_nothing_costs_one_request_and_finds_a_late_version_of_an_old_event() {
    let folder = tempfile::tempdir().unwrap();
    let (_, mut samples) = origin(folder.path(), json!({})).await;
    // The ledger stored everything when the test ran; here it was stored long ago.
    for sample in &mut samples {
        for (name, value) in &mut sample.labels {
            if name == "revision" {
                *value = (at("2026-10-01T00:00:00Z").timestamp_millis()).to_string();
            }
        }
    }
    let store = Store::with(samples).await;
    let location = ledger(folder.path());
    let count = json!({"kind": "metric", "metric": "incidents", "bucket": "none"});
    let pelorus = store.start(json!({}), &location, 0);
    let before = pelorus.number(count.clone()).await.unwrap();
    pelorus.stop().await;
    let cold = store.server.requests();
    assert!(cold <= 13, "{cold} requests");

    store.server.forget();
    let pelorus = store.start(json!({}), &location, 60);
    assert_eq!(pelorus.number(count.clone()).await, Some(before));
    pelorus.stop().await;
    assert_eq!(store.server.requests(), 1);

    // It opened in spring, and only now its export loop could send it.
    let late = incident("2026-04-01T10:00:00Z");
    store.held.lock().unwrap().samples.extend(late);
    store.server.forget();
    let pelorus = store.start(json!({}), &location, 120);
    assert_eq!(pelorus.number(count).await, Some(before + 1.0));
    pelorus.stop().await;
    assert_eq!(store.server.requests(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_large_answers_is_asked_for_less_and_a_reading_goes_on_where_it_was_cut_off()
 {
    let folder = tempfile::tempdir().unwrap();
    let (wanted, samples) = origin(folder.path(), json!({})).await;
    let store = Store::with(samples).await;
    store.held.lock().unwrap().most = Some(300);
    let location = ledger(folder.path());
    store.held.lock().unwrap().pause = std::time::Duration::from_millis(20);
    let pelorus = store.start(json!({}), &location, 0);
    pelorus.begin(300).await;
    while store.server.requests() < 12 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    pelorus.stop().await;
    let first: BTreeSet<String> = answered(&store.server);
    store.held.lock().unwrap().pause = std::time::Duration::ZERO;
    store.server.forget();
    let pelorus = store.start(json!({}), &location, 0);
    assert_eq!(every_answer(&pelorus).await, wanted);
    pelorus.stop().await;
    let again: BTreeSet<String> = answered(&store.server);
    assert!(first.len() > 2, "{}", first.len());
    // The page under way when it was cut off may be asked for once more.
    let twice = first.intersection(&again).count();
    assert!(twice <= 1, "{twice} windows were read twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_large_questions_take_too_long_is_asked_for_less() {
    let folder = tempfile::tempdir().unwrap();
    let (wanted, samples) = origin(folder.path(), json!({})).await;
    let store = Store::with(samples).await;
    store.held.lock().unwrap().most_in_time = Some(300);
    let pelorus = store.start(json!({}), &ledger(folder.path()), 0);
    assert_eq!(every_answer(&pelorus).await, wanted);
    pelorus.stop().await;
    let seen = store.server.seen();
    assert!(
        seen.iter().any(|seen| seen.status == 503),
        "nothing took too long"
    );
}

/// The sample of an incident that was stored some hours before now.
fn incident(opened_at: &str) -> Vec<Sample> {
    let body = json!({"type": "incident", "application": "payments/api", "environment": "production", "opened_at": opened_at});
    let event = pelorus::model::Event {
        id: "late".into(),
        source: "tickets".into(),
        url: None,
        body: serde_json::from_value(body).unwrap(),
    };
    samples_of(&event, at("2026-10-31T20:00:00Z").timestamp_millis()).unwrap()
}

/// What was asked and answered.
fn answered(server: &Server) -> BTreeSet<String> {
    let seen = server.seen().into_iter().filter(|seen| seen.status == 200);
    seen.map(|seen| seen.target).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_part_is_told_and_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let (wanted, samples) = origin(folder.path(), json!({})).await;
    let store = Store::with(samples).await;
    store.held.lock().unwrap().warnings = vec!["store 10.0.0.7:10901 is away".to_owned()];
    let location = ledger(folder.path());
    let pelorus = store.start(json!({}), &location, 0);
    let told = pelorus.notices().await.join("\n");
    assert!(
        told.contains("it answers in part: store 10.0.0.7:10901 is away"),
        "{told}"
    );
    pelorus.stop().await;
    store.held.lock().unwrap().warnings.clear();
    let pelorus = store.start(json!({}), &location, 0);
    pelorus.app.sync_now(None);
    let keys = every_answer(&pelorus).await;
    assert_eq!(keys[0], wanted[0]);
    pelorus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_or_no_prometheus_is_told_without_secrets() {
    let store = Store::with(incident("2026-10-31T19:00:00Z")).await;
    store.held.lock().unwrap().tenant = Some("acme");
    let check = |more: Value| store.start(more, &Location::Memory, 0);
    let refused = check(json!({"tenant": "other"})).check().await;
    assert!(refused.contains("refused the credentials"), "{refused}");
    let seen = check(json!({"tenant": "acme"})).check().await;
    assert!(
        seen.starts_with("Answers; holds 1 event versions of the last day."),
        "{seen}"
    );
    let nothing = check(json!({"tenant": "acme", "selector": "cluster=\"none\""}))
        .check()
        .await;
    assert!(
        nothing
            .contains("no series of pelorus_event_timestamp_seconds has a sample of the last day"),
        "{nothing}"
    );
    assert!(
        nothing.contains("Check that `pelorus export` writes there"),
        "{nothing}"
    );
    store.server.fail(Fault::page("query"));
    let page = check(json!({"tenant": "acme"})).check().await;
    assert!(page.contains("web page"), "{page}");
    for told in [refused, seen, nothing, page] {
        assert!(!told.contains(CANARY), "{told}");
    }
}

#[test]
fn selectors_that_are_no_matchers_are_refused_by_key() {
    let settings = json!({"sources": [{"name": "history", "kind": "prometheus", "url": "http://127.0.0.1:1", "selector": "a=\"b\"} or vector(1)"}]});
    let settings = pelorus::config::Settings::from_json(
        &settings,
        &HashMap::new(),
        &pelorus::config::Access::Everything,
    )
    .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let _inside = runtime.enter();
    let started = pelorus::app::App::start(
        Arc::new(settings),
        &Location::Memory,
        pelorus::app::Addresses::All,
    );
    let error = started.err().expect("a refusal").to_string();
    assert!(error.contains("`selector` takes label matchers"), "{error}");
}
