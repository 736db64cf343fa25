//! The export loop (design, section 11): how fast it catches up beside a bare sender, what a long queue takes in memory and
//! at a restart, and how long a history takes to be read back. Against a real Prometheus, with the real binary.
//!
//! usage: `benches/run.sh export [EVENTS]`. Prints a table; asserts that everything arrived, and came back as it was.

#![allow(
    clippy::print_stdout,
    missing_docs,
    reason = "a bench prints its tables"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "Prometheus tells what is too old by the system's clock"
)]

mod bare;
#[allow(dead_code, reason = "the other bench calls itself")]
#[path = "../estate/process.rs"]
mod process;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use pelorus::ledger::{Batch, Depth, Ledger, Location, Route};
use pelorus::model::Event;
use serde_json::json;

const DESTINATION: &str = "prometheus";
const APPLICATIONS: usize = 500;
/// The time over which events lie that are sent live: within what a Prometheus takes out of order.
const LIVE_DAYS: i64 = 29;
/// The time of a history that is read back.
const YEAR_DAYS: i64 = 365;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let events = arguments
        .first()
        .and_then(|count| count.parse().ok())
        .unwrap_or(200_000);
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/bench/export");
    // What an earlier run left.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a writable folder");
    println!("{events} events of {APPLICATIONS} applications");
    catch_up(&folder, events);
    read_back(&folder, events);
    restart(&folder, events);
}

/// Two of three events are commits, the third is the deployment of the second.
fn event(number: usize, days: i64, now: DateTime<Utc>) -> Event {
    let at = now - TimeDelta::seconds(14_400 + (number as i64 * 7_919) % (days * 86_400));
    let application = number % APPLICATIONS;
    let body = if number % 3 == 2 {
        json!({"type": "deployment", "application": format!("team-{}/app-{application}", application % 20), "environment": "production",
            "cluster": "eu-1", "namespace": format!("app-{application}"), "finished_at": at, "commit": format!("{:040x}", number - 1),
            "images": [format!("quay.example/acme/app-{application}@sha256:{number:064x}")]})
    } else {
        json!({"type": "commit", "repository": format!("git.example/acme/app-{application}"), "hash": format!("{number:040x}"),
            "parents": [format!("{:040x}", number.saturating_sub(APPLICATIONS))], "committed_at": at, "author": format!("person {}", number % 997),
            "branch": "main", "default_branch": true, "message": format!("Change number {number} of this application")})
    };
    let id = format!("{}:{number}", body["type"].as_str().expect("a kind"));
    Event {
        id: id.into(),
        source: "deliveries".into(),
        url: Some(format!("https://git.example/acme/app-{application}/{number}").into()),
        body: serde_json::from_value(body).expect("an event"),
    }
}

/// A ledger in which all of them wait.
fn fill(file: &Path, count: usize, days: i64) {
    let now = Utc::now();
    let (ledger, _) = Ledger::open(&Location::File(file.to_owned())).expect("a ledger");
    ledger
        .register(&BTreeSet::from([DESTINATION.to_owned()]), &BTreeSet::new())
        .expect("a ledger");
    for first in (0..count).step_by(5_000) {
        let events = (first..count.min(first + 5_000)).map(|number| event(number, days, now));
        ledger
            .store(&Batch {
                source: "deliveries".into(),
                events: events.collect(),
                checkpoint: None,
                covered: None,
                at: now,
            })
            .expect("room for events");
    }
}

/// A Prometheus on a folder of its own, until it is dropped.
struct Prometheus {
    address: String,
    child: Child,
}

impl Prometheus {
    fn start(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("a writable folder");
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|port| port.local_addr())
            .expect("a free port")
            .port();
        let settings = folder.join("prometheus.yml");
        std::fs::write(
            &settings,
            "storage: { tsdb: { out_of_order_time_window: 30d } }\n",
        )
        .expect("a writable folder");
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", settings.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.join("data").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .args([
                "--web.enable-remote-write-receiver",
                "--storage.tsdb.retention.time=10y",
            ])
            .stderr(Stdio::null())
            .spawn()
            .expect("tests/setup.sh installs Prometheus");
        let address = format!("127.0.0.1:{port}");
        let began = Instant::now();
        while !is_ready(&address) {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "Prometheus is not ready"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { address, child }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_ready(address: &str) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = TcpStream::connect(address) else {
        return false;
    };
    let mut answer = String::new();
    write!(stream, "GET /-/ready HTTP/1.0\r\n\r\n").is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.split(' ').nth(1) == Some("200")
}

fn binary() -> PathBuf {
    std::env::var_os("PELORUS_BINARY")
        .expect("benches/run.sh names the binary")
        .into()
}

fn settings(
    folder: &Path,
    ledger: &Path,
    destination: &serde_json::Value,
    listen: Option<u16>,
) -> PathBuf {
    let mut destination = destination.clone();
    destination["name"] = json!(DESTINATION);
    let events = folder.join("none.jsonl");
    std::fs::write(&events, "").expect("a writable folder");
    let mut export = json!({ "destinations": [destination] });
    if let Some(port) = listen {
        export["listen"] = json!(format!("127.0.0.1:{port}"));
    }
    let file = folder.join("pelorus.yaml");
    let text = json!({ "ledger": ledger, "people": "shown", "sources": [{ "name": "deliveries", "kind": "events", "path": events }], "export": export });
    std::fs::write(&file, text.to_string()).expect("a writable folder");
    file
}

/// The loop, then a bare sender of the same samples, each to a Prometheus of its own.
fn catch_up(folder: &Path, count: usize) {
    let ledger = folder.join("live.db");
    fill(&ledger, count, LIVE_DAYS);
    let samples = samples(&ledger);
    let parts = samples.len() as f64;
    let bare_to = Prometheus::start(&folder.join("bare"));
    let bare = bare::send(
        &format!("http://{}/api/v1/write", bare_to.address),
        &samples,
    );
    drop(bare_to);
    drop(samples);
    let prometheus = Prometheus::start(&folder.join("live"));
    let url = format!("http://{}/api/v1/write", prometheus.address);
    let file = settings(
        folder,
        &ledger,
        &json!({ "url": url, "window": "30d" }),
        None,
    );
    let began = Instant::now();
    let sending = process::measured(
        Command::new(binary())
            .args(["export", "--once", "--config"])
            .arg(&file),
    );
    let sent = began.elapsed();
    assert_eq!(waiting(&ledger), 0, "events wait");
    println!(
        "catch-up: {:.0} samples/s in {:.1} s, {:.0} MiB at most; a bare sender {:.0} samples/s; ratio {:.2}",
        parts / sent.as_secs_f64(),
        sent.as_secs_f64(),
        sending.peak_mib,
        parts / bare.as_secs_f64(),
        bare.as_secs_f64() / sent.as_secs_f64()
    );
}

fn waiting(ledger: &Path) -> usize {
    let (ledger, _) = Ledger::open(&Location::File(ledger.to_owned())).expect("a ledger");
    let queue = ledger.queue(DESTINATION).expect("a ledger");
    (queue.live + queue.backfill + queue.quarantined) as usize
}

fn samples(ledger: &Path) -> Vec<pelorus::series::Sample> {
    let (ledger, _) = Ledger::open(&Location::File(ledger.to_owned())).expect("a ledger");
    let mut samples = Vec::new();
    let mut after = 0;
    loop {
        let page = ledger
            .queued(
                DESTINATION,
                Route::Live,
                after,
                DateTime::<Utc>::MAX_UTC,
                5_000,
            )
            .expect("a ledger");
        let Some(last) = page.last() else {
            return samples;
        };
        after = last.number;
        for queued in &page {
            samples.extend(
                pelorus::series::samples_of(&queued.event, queued.revision).expect("a sample"),
            );
        }
    }
}

/// A year goes into blocks; then a Pelorus with nothing but this history reads it cold, and again.
fn read_back(folder: &Path, count: usize) {
    let ledger = folder.join("year.db");
    fill(&ledger, count, YEAR_DAYS);
    let at = folder.join("year");
    drop(Prometheus::start(&at));
    let target = json!({ "url": "http://127.0.0.1:1/api/v1/write", "window": "3h", "dataFolder": at.join("data") });
    let file = settings(folder, &ledger, &target, None);
    let began = Instant::now();
    let filling = process::measured(
        Command::new(binary())
            .args(["backfill", "--quiet", "--config"])
            .arg(&file),
    );
    assert_eq!(waiting(&ledger), 0, "events wait");
    println!(
        "backfill: a year in blocks in {:.0} s, {:.0} MiB at most beside promtool",
        began.elapsed().as_secs_f64(),
        filling.peak_mib
    );
    let prometheus = Prometheus::start(&at);
    let reader = folder.join("reader.db");
    let file = folder.join("reader.yaml");
    let source = json!({ "name": "history", "kind": "prometheus", "url": format!("http://{}", prometheus.address) });
    std::fs::write(
        &file,
        json!({ "ledger": reader, "people": "shown", "sources": [source] }).to_string(),
    )
    .expect("a writable folder");
    let ask = || {
        let began = Instant::now();
        let question = r#"{"kind":"metric","metric":"deployments","bucket":"none"}"#;
        let asked = process::measured(
            Command::new(binary())
                .args([
                    "query", "--quiet", "--format", "json", "--from", "now-366d", "--config",
                ])
                .arg(&file)
                .arg(question),
        );
        (began.elapsed(), asked.peak_mib)
    };
    let (cold, peak) = ask();
    let (again, _) = ask();
    assert!(
        whole(&reader) == whole(&ledger),
        "the history is not what was written"
    );
    println!(
        "read back: {count} of {count} events exact, cold in {:.1} s with {peak:.0} MiB at most, then what is new in {:.2} s",
        cold.as_secs_f64(),
        again.as_secs_f64()
    );
}

/// Every event of a ledger: a hash of all it says, by id.
fn whole(ledger: &Path) -> BTreeMap<String, u64> {
    let (ledger, _) = Ledger::open(&Location::File(ledger.to_owned())).expect("a ledger");
    let subjects: Vec<_> = ledger
        .subjects()
        .expect("a ledger")
        .into_iter()
        .map(|(id, _)| id)
        .collect();
    let mut hashes = BTreeMap::new();
    for some in subjects.chunks(50) {
        for event in ledger.events_of(some, Depth::Whole).expect("a ledger") {
            let mut hasher = DefaultHasher::new();
            serde_json::to_string(&event.body)
                .expect("JSON")
                .hash(&mut hasher);
            (event.source.as_str(), event.url.as_deref()).hash(&mut hasher);
            hashes.insert(event.id.to_string(), hasher.finish());
        }
    }
    hashes
}

/// A loop whose destination is away, with everything in its queue.
fn restart(folder: &Path, count: usize) {
    let ledger = folder.join("waiting.db");
    fill(&ledger, count, LIVE_DAYS);
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|port| port.local_addr())
        .expect("a free port")
        .port();
    let away = json!({ "url": "http://127.0.0.1:1/api/v1/write", "window": "30d" });
    let file = settings(folder, &ledger, &away, Some(port));
    let address = format!("127.0.0.1:{port}");
    let began = Instant::now();
    let mut child = Command::new(binary())
        .args(["export", "--config"])
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    while !is_ready(&address) {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "the loop is not ready"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    let ready = began.elapsed();
    std::thread::sleep(Duration::from_secs(15));
    let resident = process::resident_mib(&child, "VmRSS").unwrap_or(0.0);
    let peak = process::resident_mib(&child, "VmHWM").unwrap_or(0.0);
    let _ = child.kill();
    let _ = child.wait();
    println!(
        "{count} events in the queue: ready {:.2} s after the start, {resident:.0} MiB resident after 15 s, {peak:.0} MiB at most",
        ready.as_secs_f64()
    );
}
