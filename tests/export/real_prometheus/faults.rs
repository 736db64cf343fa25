//! Disks that are full or read only, ledgers that were copied, ends that come at once.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{Prometheus, get, until};
use crate::work::{Work, deployment, event};

fn destination(prometheus: &Prometheus) -> Value {
    json!({ "name": "prometheus", "url": format!("http://{}/api/v1/write", prometheus.address()), "window": "30d",
        "batch": 20, "dataFolder": prometheus.data() })
}

/// Runs a command of Pelorus on a disk where no file grows beyond that many blocks of 512 bytes.
fn on_a_full_disk(work: &Work, command: &[&str], blocks: u32) -> (Option<i32>, String) {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let output = Command::new("sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_pelorus")])
        .args(command)
        .arg("--config")
        .arg(work.settings())
        .output()
        .expect("a shell");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), told)
}

/// Everything that stands in a Prometheus, as events sorted by id; each stands there once.
fn shown(prometheus: &Prometheus) -> Vec<pelorus::model::Event> {
    let versions = prometheus.versions("500d").into_iter();
    versions.map(|version| version.event).collect()
}

fn wanted(lines: &[Value]) -> Vec<pelorus::model::Event> {
    let mut wanted: Vec<_> = lines.iter().map(event).collect();
    wanted.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
    wanted
}

#[test]
fn a_disk_that_is_full_at_any_write_of_the_loop_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let prometheus = Prometheus::start(&folder.path().join("prometheus"));
    let work = Work::new(&folder.path().join("work"), &[destination(&prometheus)]);
    let lines: Vec<Value> = (0..400).map(|number| deployment(number, 600)).collect();
    work.append(&lines);
    // From no room for the ledger's first page to room for all of it but the last.
    let mut failed = 0;
    for blocks in [0, 8, 64, 128, 256, 320, 400, 480, 560, 640, 800, 1_000] {
        let (status, told) = on_a_full_disk(&work, &["export", "--once"], blocks);
        assert!(!told.contains("panicked"), "{told}");
        if status != Some(0) {
            failed += 1;
            assert!(told.len() > 10, "status {status:?} without a word");
        }
        if work.folder.join("ledger.db").exists() {
            let here = shown(&prometheus).len();
            assert!(here <= lines.len());
        }
    }
    assert!(failed >= 4, "the disk was never full");
    let output = work.once();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert_eq!(work.counts(), (400, 0, 0));
    assert_eq!(shown(&prometheus), wanted(&lines));
}

#[test]
fn a_disk_that_is_full_at_any_write_of_a_backfill_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut prometheus = Prometheus::start(&folder.path().join("prometheus"));
    let work = Work::new(&folder.path().join("work"), &[destination(&prometheus)]);
    let lines: Vec<Value> = (0..300)
        .map(|number| deployment(number, 60 * 24 * (40 + number as i64 / 2)))
        .collect();
    work.append(&lines);
    // What is old waits for the backfill, with all the room that the ledger needs.
    assert_eq!(work.once().status.code(), Some(0));
    assert_eq!(work.counts(), (300, 300, 0));
    let ledger = std::fs::metadata(work.folder.join("ledger.db"))
        .expect("a ledger")
        .len()
        / 512;
    let mut failed = 0;
    for blocks in [8, 24, 40, 60, 100, 200] {
        // The ledger stands there already; blocks and their text have less room, and its log some.
        let (status, told) = on_a_full_disk(
            &work,
            &["backfill", "--quiet"],
            blocks + u32::try_from(ledger).expect("small") / 4,
        );
        assert!(!told.contains("panicked"), "{told}");
        failed += u32::from(status != Some(0));
        let (events, waiting, refused) = work.counts();
        assert_eq!((events, refused), (300, 0), "{told}");
        assert!(waiting <= 300);
    }
    assert!(failed >= 1, "the disk was never full");
    let (status, told) = on_a_full_disk(&work, &["backfill", "--quiet"], 1 << 22);
    assert_eq!(status, Some(0), "{told}");
    assert_eq!(work.counts(), (300, 0, 0));
    prometheus.kill();
    prometheus.go_on();
    assert_eq!(shown(&prometheus), wanted(&lines));
}

#[test]
fn a_ledger_on_a_disk_that_only_reads_is_told_by_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let work = Work::new(folder.path(), &[]);
    let text = std::fs::read_to_string(work.settings()).expect("settings");
    let mut settings: Value = serde_json::from_str(&text).expect("JSON");
    // Nobody, not even root, makes files there.
    settings["ledger"] = json!("/proc/pelorus.db");
    std::fs::write(work.settings(), settings.to_string()).expect("a writable folder");
    let output = work.once();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("/proc/pelorus.db"), "{told}");
}

/// Copies a ledger as `cp` does, file by file, while it is written.
fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a writable folder");
    for name in ["ledger.db", "ledger.db-wal", "pelorus.yaml"] {
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).expect("a copy");
        }
    }
}

#[test]
fn a_ledger_that_was_copied_while_it_was_written_goes_on_or_is_refused_by_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let work = Work::new(&folder.path().join("work"), &[]);
    let mut lines: Vec<Value> = Vec::new();
    let child = work.start();
    let mut copies = Vec::new();
    for copy in 0..12 {
        let first = lines.len();
        lines.extend((first..first + 500).map(|number| deployment(number, 600)));
        work.append(&lines[first..]);
        std::thread::sleep(std::time::Duration::from_millis(150 + copy * 90 % 400));
        let to = folder.path().join(format!("copy-{copy}"));
        copied(&work.folder, &to);
        copies.push(to);
    }
    assert_eq!(child.stop(), Some(0));
    let mut went_on = 0;
    for to in copies {
        // The events file is read again from where the copy's cursor stands.
        std::fs::copy(work.folder.join("events.jsonl"), to.join("events.jsonl")).expect("a copy");
        let copy = Work {
            folder: to,
            listen: work.listen,
        };
        let output = copy.once();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!told.contains("panicked"), "{told}");
        if output.status.code() == Some(0) {
            went_on += 1;
            assert_eq!(copy.counts().0, lines.len() as i64, "{told}");
        } else {
            assert!(told.contains("ledger.db"), "{told}");
        }
    }
    assert!(went_on > 0, "no copy was of any use");
}

#[test]
fn a_loop_that_is_told_to_stop_sends_what_it_has_and_ends_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let prometheus = Prometheus::start(&folder.path().join("prometheus"));
    let work = Work::new(&folder.path().join("work"), &[destination(&prometheus)]);
    let child = work.start();
    let lines: Vec<Value> = (0..5_000).map(|number| deployment(number, 600)).collect();
    work.append(&lines);
    until("the first events in the ledger", || {
        let (_, text) = get(&work.address(), "/metrics")?;
        text.contains("pelorus_source_events{").then_some(())
    });
    assert_eq!(child.stop(), Some(0));
    let (collected, waiting, refused) = work.counts();
    assert!(collected > 0);
    assert_eq!((waiting, refused), (0, 0));
    assert_eq!(shown(&prometheus).len() as i64, collected);
}

#[test]
fn a_destination_whose_disk_is_full_refuses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut prometheus = Prometheus::start(&folder.path().join("prometheus"));
    let work = Work::new(&folder.path().join("work"), &[destination(&prometheus)]);
    let lines: Vec<Value> = (0..300).map(|number| deployment(number, 30)).collect();
    work.append(&lines);
    // Its log of changes can no longer grow.
    prometheus.limit_files(1);
    let output = work.once();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let (collected, waiting, refused) = work.counts();
    assert_eq!((collected, refused), (300, 0), "{told}");
    assert!(waiting > 0, "its disk was never full: {told}");
    prometheus.kill();
    prometheus.go_on();
    assert_eq!(work.once().status.code(), Some(0));
    assert_eq!(work.counts(), (300, 0, 0));
    assert_eq!(shown(&prometheus), wanted(&lines));
}
