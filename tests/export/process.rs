//! How the loop behaves as a process.

use serde_json::Value;

use crate::real_prometheus::{get, request};
use crate::work::Work;

#[test]
fn a_second_loop_on_the_same_ledger_says_so_and_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let work = Work::new(folder.path(), &[]);
    let child = work.start();
    let output = work.once();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("one export loop a ledger"), "{told}");
    assert_eq!(child.stop(), Some(0));
}

#[test]
fn settings_that_cannot_run_a_loop_say_what_they_lack() {
    let folder = tempfile::tempdir().expect("a folder");
    let work = Work::new(folder.path(), &[]);
    let mut settings: Value =
        serde_json::from_str(&std::fs::read_to_string(work.settings()).expect("settings"))
            .expect("JSON");
    let export = settings["export"].take();
    settings
        .as_object_mut()
        .expect("an object")
        .shift_remove("export");
    std::fs::write(work.settings(), settings.to_string()).expect("a writable folder");
    let told = |output: std::process::Output| {
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(told(work.once()).contains("have no section `export`"));
    settings["export"] = export;
    settings
        .as_object_mut()
        .expect("an object")
        .shift_remove("ledger");
    std::fs::write(work.settings(), settings.to_string()).expect("a writable folder");
    assert!(told(work.once()).contains("name no `ledger`"));
}

#[test]
fn health_and_metrics_are_served() {
    let folder = tempfile::tempdir().expect("a folder");
    let work = Work::new(folder.path(), &[]);
    let child = work.start();
    for (path, status) in [
        ("/", 200),
        ("/-/healthy", 200),
        ("/-/ready", 200),
        ("/metrics", 200),
        ("/nothing", 404),
    ] {
        assert_eq!(
            get(&work.address(), path).map(|(status, _)| status),
            Some(status),
            "{path}"
        );
    }
    assert_eq!(
        request(&work.address(), "GET", "/-/reload").map(|(status, _)| status),
        Some(405)
    );
    assert_eq!(child.stop(), Some(0));
    assert_eq!(get(&work.address(), "/-/healthy"), None);
}
