//! `kill -9` in the middle of a reading: after the restart nothing is missing and nothing double.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

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

/// Events in a ledger, counted by SQLite itself.
fn events(ledger: &Path) -> i64 {
    let connection =
        rusqlite::Connection::open_with_flags(ledger, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)
            .expect("the ledger opens");
    connection
        .query_row("SELECT count(*) FROM event", [], |row| row.get(0))
        .expect("a table of events")
}

#[test]
fn a_reading_that_is_killed_loses_nothing_and_stores_nothing_twice() {
    let kills: u64 = if std::env::var_os("PELORUS_SOAK").is_some() {
        1_000
    } else {
        25
    };
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
    let wanted = answer(&undisturbed);
    let wanted_events = events(&folder.path().join("undisturbed.db"));
    assert!(
        wanted_events > 1_000,
        "the demo is large enough to be cut: {wanted_events} events"
    );

    let cut = settings(folder.path(), "cut.db");
    let mut cut_short = 0;
    for kill in 0..kills {
        // Always a little later than the time before, so that the cut falls on every stage of the reading; then anew.
        let after = Duration::from_millis(20 + (kill * 37) % 900);
        let mut child = ask(&cut)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs");
        std::thread::sleep(after);
        if child.try_wait().expect("a child of ours").is_none() {
            cut_short += 1;
        }
        child.kill().expect("a child of ours");
        child.wait().expect("a child of ours");
        if kill % 8 == 7 {
            for ending in ["", "-wal", "-shm", ".lock"] {
                // A file that is not there need not go.
                drop(std::fs::remove_file(
                    folder.path().join(format!("cut.db{ending}")),
                ));
            }
        }
    }
    assert!(cut_short > 0, "no reading was cut short");
    assert_eq!(answer(&cut), wanted);
    assert_eq!(events(&folder.path().join("cut.db")), wanted_events);
}
