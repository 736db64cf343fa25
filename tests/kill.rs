//! `kill -9` in the middle of a reading: after the restart nothing is missing and nothing double.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

fn pelorus() -> Command {
    Command::new(env!("CARGO_BIN_EXE_pelorus"))
}

fn settings(folder: &Path, ledger: &str) -> std::path::PathBuf {
    let path = folder.join(format!("{ledger}.yaml"));
    let events = folder.join("demo/events.jsonl");
    let text = format!(
        "ledger: {}\nsources:\n  - {{ name: demo, kind: events, path: {} }}\n",
        folder.join(ledger).display(),
        events.display()
    );
    std::fs::write(&path, text).expect("a writable folder");
    path
}

fn ask(settings: &Path) -> Command {
    let mut command = pelorus();
    command.args([
        "query",
        "--format",
        "json",
        "--now",
        "2026-11-01T00:00:00Z",
        "--from",
        "2025-11-01T00:00:00Z",
    ]);
    command
        .args(["--to", "2026-11-01T00:00:00Z", "--config"])
        .arg(settings);
    command.arg(r#"{"kind":"scorecard","groupBy":["application"]}"#);
    command
}

fn answer(settings: &Path) -> Value {
    let output = ask(settings).output().expect("the binary runs");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{told}");
    serde_json::from_slice::<Value>(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {told}"))[0]["data"]
        .clone()
}

/// Events in a ledger, counted by SQLite itself in a copy: looking must not mend what a kill left. 0 without a ledger.
fn events(folder: &Path, ledger: &str) -> i64 {
    let copy = folder.join(format!("{ledger}.copy"));
    for ending in ["", "-wal"] {
        let to = format!("{}{ending}", copy.display());
        if std::fs::copy(folder.join(format!("{ledger}{ending}")), &to).is_err() {
            // Not written yet; what was copied before is of another moment.
            drop(std::fs::remove_file(&to));
        }
    }
    let connection = rusqlite::Connection::open(&copy).expect("the copy opens");
    let table = "SELECT count(*) FROM sqlite_schema WHERE name = 'event'";
    let number = |query| connection.query_row(query, [], |row| row.get::<_, i64>(0));
    match number(table).expect("a sound file") {
        0 => 0,
        _ => number("SELECT count(*) FROM event").expect("a sound table"),
    }
}

fn remove(folder: &Path, ledger: &str) {
    for ending in ["", "-wal", "-shm", ".lock", ".owner"] {
        // A file that is not there need not go.
        drop(std::fs::remove_file(
            folder.join(format!("{ledger}{ending}")),
        ));
    }
}

/// Kills readings, one after the other, until the kills are used up: each begins where the one before was cut, and a
/// ledger that is complete is looked at and begun anew. Returns how many kills left a part of the events.
fn kill_readings(folder: &Path, ledger: &str, kills: &AtomicU64, whole: &Whole) -> u64 {
    let settings = settings(folder, ledger);
    let mut parts = 0;
    loop {
        let kill = kills.fetch_add(1, Ordering::Relaxed);
        if kill >= whole.kills {
            break;
        }
        // Every hundredth of a whole reading, in no order, so that the cut falls on each of its stages.
        let after = whole.takes.mul_f64((kill * 37 % 100) as f64 / 100.0);
        let mut child = ask(&settings)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs");
        std::thread::sleep(after);
        child.kill().expect("a child of ours");
        child.wait().expect("a child of ours");
        let count = events(folder, ledger);
        assert!(
            count <= whole.events,
            "{count} of {} events after kill {kill}",
            whole.events
        );
        if count == whole.events {
            assert_eq!(answer(&settings), whole.answer, "after kill {kill}");
            remove(folder, ledger);
        } else if count > 0 {
            parts += 1;
        }
    }
    assert_eq!(answer(&settings), whole.answer);
    assert_eq!(events(folder, ledger), whole.events);
    parts
}

/// What a reading that nobody disturbs gives, and how long it takes.
struct Whole {
    answer: Value,
    events: i64,
    takes: Duration,
    kills: u64,
}

#[test]
fn a_reading_that_is_killed_loses_nothing_and_stores_nothing_twice() {
    let is_soak = std::env::var_os("PELORUS_SOAK").is_some();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let demo = pelorus()
        .args(["demo", "--now", "2026-11-01T00:00:00Z", "--out"])
        .arg(folder.path().join("demo"))
        .output()
        .expect("the binary runs");
    assert!(
        demo.status.success(),
        "{}",
        String::from_utf8_lossy(&demo.stderr)
    );

    let undisturbed = settings(folder.path(), "undisturbed.db");
    let begun = Instant::now();
    let answer = answer(&undisturbed);
    let whole = Whole {
        answer,
        takes: begun.elapsed(),
        events: events(folder.path(), "undisturbed.db"),
        kills: if is_soak { 1_000 } else { 25 },
    };
    assert!(
        whole.events > 1_000,
        "the demo is large enough to be cut: {} events",
        whole.events
    );

    let kills = AtomicU64::new(0);
    let parts: u64 = std::thread::scope(|scope| {
        let (folder, kills, whole) = (folder.path(), &kills, &whole);
        let killers = ["one.db", "two.db"]
            .map(|ledger| scope.spawn(move || kill_readings(folder, ledger, kills, whole)));
        killers
            .map(|killer| killer.join().expect("no killer fails"))
            .iter()
            .sum()
    });
    // Past the test harness, which would keep it to itself.
    writeln!(
        std::io::stderr(),
        "{} kills, {parts} of them left a part of the {} events",
        whole.kills,
        whole.events
    )
    .expect("somebody listens");
    assert!(parts > 0, "no reading was cut half-way");
}
