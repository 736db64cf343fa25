//! Speed and memory of an estate (design, section 11): import, start, questions over the plugin's gRPC, the engine
//! beside polars and DuckDB, one new event. Prints tables; asserts nothing but that the answers are equal.
//!
//! usage: `benches/run.sh S|M|L [shuffled]`. The binary calls itself for the steps whose memory is measured apart.
//! By hand, with its path, `dissect FOLDER LEDGER [question…]` says what questions cost on a machine that others use.

#![allow(
    clippy::print_stdout,
    missing_docs,
    reason = "a bench prints its tables"
)]

mod compare;
mod dissect;
mod generate;
mod history;
mod plugin;
mod process;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pelorus::app::{App, Asker, Patience, Request};
use pelorus::config::{Access, Settings};
use pelorus::ledger::Location;
use pelorus::model::{SourceName, TimeRange};

use generate::{Order, SIZES, Size};

/// Runs of each question, after three to warm up.
pub const RUNS: usize = 30;
/// Days of the range that the questions ask for.
pub const DAYS: i64 = 365;

/// The questions of the table in `reference`, by the names that the peers use.
pub const QUESTIONS: [(&str, &str); 6] = [
    (
        "deployments_per_day",
        r#"{"kind":"metric","metric":"deployments","bucket":"day"}"#,
    ),
    (
        "median_lead_time",
        r#"{"kind":"metric","metric":"change_lead_time","bucket":"none"}"#,
    ),
    (
        "median_lead_time_per_application",
        r#"{"kind":"metric","metric":"change_lead_time","bucket":"none","groupBy":["application"],"limit":10000}"#,
    ),
    (
        "median_lead_time_per_day",
        r#"{"kind":"metric","metric":"change_lead_time","bucket":"day"}"#,
    ),
    (
        "change_fail_rate",
        r#"{"kind":"metric","metric":"change_fail_rate","bucket":"none"}"#,
    ),
    (
        "median_time_to_restore",
        r#"{"kind":"metric","metric":"time_to_restore","bucket":"none"}"#,
    ),
];

/// The table by application of four metrics: four queries of one request, as a panel sends them.
pub const TABLE: [&str; 4] = [
    r#"{"kind":"metric","metric":"change_lead_time","bucket":"none","groupBy":["application"],"limit":10000}"#,
    r#"{"kind":"metric","metric":"deployments","bucket":"none","groupBy":["application"],"limit":10000}"#,
    r#"{"kind":"metric","metric":"change_fail_rate","bucket":"none","groupBy":["application"],"limit":10000}"#,
    r#"{"kind":"metric","metric":"time_to_restore","bucket":"none","groupBy":["application"],"limit":10000}"#,
];

pub fn instant(seconds: i64) -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_timestamp(seconds, 0).expect("a time of the estate")
}

pub fn question(json: &str) -> pelorus::model::Question {
    let json: serde_json::Value = serde_json::from_str(json).expect("a question of ours");
    pelorus::config::parse_question(&json).expect("a question of ours")
}

/// The settings of a data source over the estate, as Grafana's jsonData.
pub fn json_data(folder: &Path, ledger: &Path) -> serde_json::Value {
    serde_json::json!({
        "ledger": ledger,
        "lookback": "40d",
        "sources": [{ "name": "estate", "kind": "events", "path": folder.join("events.jsonl") }],
    })
}

fn start(folder: &Path, ledger: &Path) -> App {
    let settings = Settings::from_json(
        &json_data(folder, ledger),
        &Default::default(),
        &Access::Everything,
    )
    .expect("settings of ours");
    App::start(
        Arc::new(settings),
        &Location::File(ledger.to_owned()),
        pelorus::providers::http::Addresses::All,
    )
    .expect("the app starts")
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Reads the events file into the ledger, and nothing else; prints the seconds.
fn import(folder: &Path, ledger: &Path) {
    runtime().block_on(async {
        let app = start(folder, ledger);
        let before = Instant::now();
        app.sync_now(None);
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let source = app.sources().into_iter().next().expect("one source");
            if !source.is_syncing {
                assert!(source.failure.is_none(), "{:?}", source.failure);
                break;
            }
        }
        println!("{:.3}", before.elapsed().as_secs_f64());
        app.stop().await;
    });
}

/// One engine run in process: questions before encoding, then one new event after another.
fn engine(folder: &Path, ledger: &Path) {
    runtime().block_on(async {
        let app = start(folder, ledger);
        let mut report = serde_json::Map::new();
        let ask = |json: &str, shift: i64| Request {
            question: question(json),
            range: TimeRange::new(
                instant(generate::END - DAYS * 86_400 - shift),
                instant(generate::END - shift),
            ),
            now: instant(generate::END),
            patience: Patience::Forever,
            asker: Asker::Person,
        };
        for (name, json) in QUESTIONS {
            let answered = app.answer(ask(json, 0)).await.expect("an answer");
            let frames: Vec<_> = pelorus::frames::frames(&answered, "A")
                .iter()
                .map(|frame| frame.to_json())
                .collect();
            let mut times = Vec::new();
            for run in 0..RUNS + 3 {
                // A range of its own for each run: an answer cache has nothing to give.
                let request = ask(json, 1 + run as i64);
                let before = Instant::now();
                let answered = app.answer(request).await.expect("an answer");
                times.push(before.elapsed().as_secs_f64() * 1000.0);
                drop(answered);
            }
            report.insert(
                name.to_owned(),
                serde_json::json!({ "ms": median(times.split_off(3)), "frames": frames }),
            );
        }
        let mut frames = Vec::new();
        for json in TABLE {
            let answered = app.answer(ask(json, 0)).await.expect("an answer");
            frames.push(pelorus::frames::frames(&answered, "A")[0].to_json());
        }
        let mut times = Vec::new();
        for run in 0..RUNS + 3 {
            let before = Instant::now();
            for json in TABLE {
                drop(
                    app.answer(ask(json, 1 + run as i64))
                        .await
                        .expect("an answer"),
                );
            }
            times.push(before.elapsed().as_secs_f64() * 1000.0);
        }
        report.insert(
            "table_by_application".to_owned(),
            serde_json::json!({ "ms": median(times.split_off(3)), "frames": frames }),
        );
        let mut times = Vec::new();
        for number in 0..RUNS {
            let event = new_deployment(number);
            let before = Instant::now();
            app.accept(&SourceName::from("estate"), vec![event])
                .await
                .expect("stored");
            app.answer(ask(QUESTIONS[0].1, 100 + number as i64))
                .await
                .expect("an answer");
            times.push(before.elapsed().as_secs_f64() * 1000.0);
        }
        report.insert(
            "new_event".to_owned(),
            serde_json::json!({ "ms": median(times) }),
        );
        println!("{}", serde_json::Value::Object(report));
        app.stop().await;
    });
}

fn new_deployment(number: usize) -> pelorus::model::Event {
    let body: pelorus::model::Body = serde_json::from_value(serde_json::json!({
        "type": "deployment", "application": format!("app-{:04}", number % 40), "environment": "production",
        "finished_at": "2026-10-31T23:59:00Z", "version": format!("new-{number}"),
    }))
    .expect("a deployment");
    pelorus::model::Event {
        id: format!("new-{number}").into(),
        source: SourceName::from("estate"),
        url: None,
        body,
    }
}

pub fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn size(word: &str) -> Option<Size> {
    SIZES.into_iter().find(|size| size.name == word)
}

fn main() {
    // `cargo bench` adds `--bench`; it says nothing here.
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["import", folder, ledger] => import(Path::new(folder), Path::new(ledger)),
        ["engine", folder, ledger] => engine(Path::new(folder), Path::new(ledger)),
        ["dissect", folder, ledger, ref names @ ..] => {
            dissect::measure(Path::new(folder), Path::new(ledger), names);
        }
        ["history", ..] => history::measure(),
        [word, order] if size(word).is_some() => {
            let order = if order == "shuffled" {
                Order::Shuffled
            } else {
                Order::Time
            };
            measure(size(word).expect("checked above"), order);
        }
        _ => eprintln!("usage: benches/run.sh S|M|L [shuffled] | history"),
    }
}

fn measure(size: Size, order: Order) {
    let folder =
        PathBuf::from("target/bench").join(format!("{}-{order:?}", size.name).to_lowercase());
    let events = made(size, order, &folder);
    // One spelling of the path everywhere: another one is another selection, which is read anew.
    let folder = folder.canonicalize().expect("the folder just made");
    let ledger = folder.join("pelorus.db");
    println!(
        "\nSize {}: {} applications, {} days, {events} events, {order:?} order\n",
        size.name, size.applications, size.days
    );

    for ending in ["", "-wal", "-shm", ".lock"] {
        // What is not there need not go.
        drop(std::fs::remove_file(format!(
            "{}{ending}",
            ledger.display()
        )));
    }
    let imported = process::own(&["import", path(&folder), path(&ledger)]);
    let seconds: f64 = imported.output.trim().parse().expect("seconds");
    println!(
        "import               {:>10.0} events/s   {seconds:.1} s   peak {:.0} MiB resident   ledger {:.0} MiB",
        events as f64 / seconds,
        imported.peak_mib,
        std::fs::metadata(&ledger).map_or(0.0, |file| file.len() as f64 / 1_048_576.0)
    );
    plugin::measure(&folder, &ledger);
    // The engine adds events: it works on a ledger of its own.
    let copy = folder.join("engine.db");
    std::fs::copy(&ledger, &copy).expect("a copy of the ledger");
    compare::measure(&folder, &copy);
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path of ours")
}

/// The estate's files, made once; returns the number of events.
fn made(size: Size, order: Order, folder: &Path) -> u64 {
    let count = folder.join("count");
    if let Ok(text) = std::fs::read_to_string(&count) {
        return text.trim().parse().expect("a number of ours");
    }
    println!("Making the estate…");
    std::fs::create_dir_all(folder).expect("a folder for the estate");
    let estate = generate::estate(size, 42);
    let events =
        generate::write_events(&estate, &folder.join("events.jsonl"), order).expect("events");
    generate::write_tables(&estate, folder).expect("tables");
    std::fs::write(count, events.to_string()).expect("a count");
    events
}
