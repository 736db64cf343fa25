//! Blocks of a backfill in object stores: uploaded once, again where an upload was lost, and into a store that speaks S3.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::{Thanos, blocks, object_store};
use crate::real_prometheus::{free_port, tool, until, versions_at};
use crate::running::Running;
use crate::work::{Work, deployment};

/// A loop with events of two old months and nowhere to send them live.
fn work(folder: &Path, store: &Path) -> Work {
    let work = Work::new(&folder.join("work"), &[]);
    settle(&work, store);
    work.append(&[
        deployment(1, 60 * 24 * 100),
        deployment(2, 60 * 24 * 60),
        deployment(3, 60 * 24 * 60 + 1),
    ]);
    work
}

fn settle(work: &Work, store: &Path) {
    let destination = json!({ "name": "thanos", "url": "http://127.0.0.1:1/api/v1/receive", "objectStore": store });
    // Labels as Go and Thanos quote them, and as JSON does.
    work.settle(
        &[destination],
        json!({ "externalLabels": { "cluster": "d\u{00e9}v \"1\" \\ \u{1}" } }),
    );
}

fn backfill(work: &Work, thanos: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pelorus"))
        .args(["backfill", "--quiet", "--config"])
        .arg(work.settings())
        .env("PELORUS_THANOS", thanos)
        .env("PELORUS_PROMTOOL", tool("promtool"))
        .output()
        .expect("the binary runs")
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Thanos that uploads, and then fails as if its answer were lost.
fn that_fails_afterwards(folder: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let script = folder.join("thanos-that-fails");
    let text = format!(
        "#!/bin/sh\n'{}' \"$@\" && exit 7\n",
        tool("thanos").display()
    );
    std::fs::write(&script, text).expect("a writable folder");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("our file");
    script
}

#[test]
fn an_upload_that_was_lost_is_made_again_though_thanos_notes_it_as_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = object_store(folder.path());
    let bucket = folder.path().join("bucket");
    let work = work(folder.path(), &store);
    let output = backfill(&work, &that_fails_afterwards(folder.path()));
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    assert_eq!(
        work.counts(),
        (3, 3, 0),
        "nothing is acknowledged: {}",
        told(&output)
    );
    assert_eq!(blocks(&bucket).len(), 1);
    // Somebody empties the bucket meanwhile.
    std::fs::remove_dir_all(&bucket).expect("a folder of ours");
    std::fs::create_dir(&bucket).expect("a writable folder");
    let output = backfill(&work, &tool("thanos"));
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert_eq!(work.counts(), (3, 0, 0));
    assert_eq!(blocks(&bucket).len(), 2, "a block a month");
    let meta = |block: &String| {
        let text = std::fs::read_to_string(bucket.join(block).join("meta.json")).expect("a file");
        serde_json::from_str::<Value>(&text).expect("JSON")["thanos"]["labels"].clone()
    };
    for block in &blocks(&bucket) {
        assert_eq!(
            meta(block),
            json!({ "cluster": "d\u{00e9}v \"1\" \\ \u{1}", "pelorus_source": "backfill" })
        );
    }
}

#[test]
fn blocks_that_went_to_one_store_go_to_another_that_is_named_meanwhile() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = object_store(folder.path());
    let work = work(folder.path(), &store);
    let output = backfill(&work, &that_fails_afterwards(folder.path()));
    assert_eq!(work.counts(), (3, 3, 0), "{}", told(&output));
    let other = folder.path().join("other");
    std::fs::create_dir(&other).expect("a writable folder");
    let other_store = object_store(&other);
    settle(&work, &other_store);
    let output = backfill(&work, &tool("thanos"));
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert_eq!(work.counts(), (3, 0, 0));
    let stored = Thanos::start(
        &folder.path().join("store"),
        "store",
        &[
            format!("--data-dir={}", folder.path().join("store/data").display()),
            format!("--objstore.config-file={}", other_store.display()),
        ],
    );
    let query = Thanos::start(&folder.path().join("query"), "query", &[stored.endpoint()]);
    assert_eq!(versions_at(&query.address(), "400d").len(), 3);
}

#[test]
fn a_store_that_speaks_s3_takes_blocks_and_shows_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let _s3 = Running::start(
        Command::new(tool("gofakes3")).args([
            "-backend=memory",
            "-initialbucket=pelorus",
            &format!("-host=127.0.0.1:{port}"),
        ]),
        &folder.path().join("s3.log"),
    );
    until("the S3 server", || {
        std::net::TcpStream::connect(("127.0.0.1", port)).ok()
    });
    let store = folder.path().join("objstore.yml");
    std::fs::write(
        &store,
        format!("type: S3\nconfig: {{ bucket: pelorus, endpoint: '127.0.0.1:{port}', insecure: true, access_key: key, secret_key: canary-7f3a }}\n"),
    )
    .expect("a writable folder");
    let work = work(folder.path(), &store);
    let output = backfill(&work, &tool("thanos"));
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(!told(&output).contains("canary-7f3a"));
    assert_eq!(work.counts(), (3, 0, 0));
    let stored = Thanos::start(
        &folder.path().join("store"),
        "store",
        &[
            format!("--data-dir={}", folder.path().join("store/data").display()),
            format!("--objstore.config-file={}", store.display()),
        ],
    );
    let query = Thanos::start(
        &folder.path().join("query"),
        "query",
        &[
            stored.endpoint(),
            "--query.replica-label=pelorus_source".to_owned(),
        ],
    );
    let mut ids: Vec<String> = versions_at(&query.address(), "400d")
        .into_iter()
        .map(|version| version.event.id.to_string())
        .collect();
    ids.sort();
    assert_eq!(ids, ["deployment 1", "deployment 2", "deployment 3"]);
}
