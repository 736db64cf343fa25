//! A real history (18,785 commits, 545 tags) measured by us and, independently, by git alone.
//!
//! `tests/bundle/independent.py` knows nothing of Pelorus: `git for-each-ref` and `git rev-list` are all it asks.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const YEARS: [i32; 3] = [2024, 2025, 2026];

struct Bundle {
    folder: tempfile::TempDir,
}

impl Bundle {
    /// A bare clone of the bundle and a ledger beside it, read once.
    fn cloned() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let bundle =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/prometheus-history.bundle");
        run(Command::new("git")
            .args(["clone", "--quiet", "--bare"])
            .arg(bundle)
            .arg(folder.path().join("history.git")));
        let settings = r#"
ledger: ledger.db
sources:
  - { name: history, kind: git, path: history.git, repository: github.com/prometheus/prometheus }
deployments:
  - { from: tag, match: "^v[23]\\.\\d+\\.\\d+$", environment: production }
"#;
        std::fs::write(folder.path().join("pelorus.yaml"), settings).expect("a writable folder");
        Self { folder }
    }

    fn repository(&self) -> PathBuf {
        self.folder.path().join("history.git")
    }

    /// The frames that the command line answers for a calendar year.
    fn ask(&self, year: i32, question: &str) -> Vec<Value> {
        let output = Command::new(env!("CARGO_BIN_EXE_pelorus"))
            .args([
                "query",
                "--format",
                "json",
                "--now",
                "2026-11-23T00:00:00Z",
                "--config",
            ])
            .arg(self.folder.path().join("pelorus.yaml"))
            .args([
                "--from",
                &format!("{year}-01-01T00:00:00Z"),
                "--to",
                &format!("{}-01-01T00:00:00Z", year + 1),
            ])
            .arg(question)
            .output()
            .expect("the binary runs");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "{question}: {told}"
        );
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{question}: {error}: {told}"))
    }

    /// The one number of an ungrouped question.
    fn number(&self, year: i32, metric: &str, statistic: &str) -> f64 {
        let frames = self.ask(
            year,
            &format!(r#"{{"kind":"metric","metric":"{metric}","statistic":"{statistic}","bucket":"none"}}"#),
        );
        column(&frames[0], &format!("{metric}_{statistic}"))[0]
            .as_f64()
            .expect("a number")
    }
}

/// The values of a named field.
fn column(frame: &Value, name: &str) -> Vec<Value> {
    let fields = frame["schema"]["fields"].as_array().expect("fields");
    let at = fields
        .iter()
        .position(|field| field["name"] == name)
        .unwrap_or_else(|| panic!("no field {name} in {fields:?}"));
    frame["data"]["values"][at]
        .as_array()
        .expect("values")
        .clone()
}

fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().expect("the program is installed");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

fn independent(repository: &Path) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bundle/independent.py");
    let years = YEARS.map(|year| year.to_string());
    serde_json::from_slice(&run(Command::new("python3")
        .arg(script)
        .arg(repository)
        .args(years)))
    .expect("JSON")
}

#[test]
fn deployments_change_sets_and_lead_times_of_a_real_history_are_those_of_git() {
    let bundle = Bundle::cloned();
    let expected = independent(&bundle.repository());
    for year in YEARS {
        let expected = &expected[year.to_string()];
        assert_eq!(
            bundle.number(year, "deployments", "count"),
            expected["deployments"].as_f64().unwrap(),
            "{year}"
        );
        assert_eq!(
            bundle.number(year, "commits", "count"),
            expected["commits"].as_f64().unwrap(),
            "{year}"
        );
        assert_eq!(
            bundle.number(year, "change_lead_time", "count"),
            expected["n"].as_f64().unwrap(),
            "{year}"
        );
        for statistic in ["p50", "p75", "p90", "p95", "mean", "max"] {
            let (ours, theirs) = (
                bundle.number(year, "change_lead_time", statistic),
                expected[statistic].as_f64().unwrap(),
            );
            assert!(
                (ours - theirs).abs() <= 1e-9 * theirs.abs(),
                "{year} {statistic}: {ours} and git says {theirs}"
            );
        }
        let frames = bundle.ask(
            year,
            r#"{"kind":"events","table":"deployments","limit":10000}"#,
        );
        let versions = column(&frames[0], "version");
        let changes = column(&frames[0], "changes");
        let sets: std::collections::BTreeMap<_, _> = versions
            .iter()
            .map(|version| version.as_str().unwrap())
            .zip(changes.iter().map(|n| n.as_f64().unwrap()))
            .collect();
        let wanted: std::collections::BTreeMap<_, _> = expected["change_sets"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(tag, n)| (tag.as_str(), n.as_f64().unwrap()))
            .collect();
        assert_eq!(sets, wanted, "{year}");
    }
}

#[test]
fn merges_counted_on_request_are_those_of_git() {
    let bundle = Bundle::cloned();
    let expected = independent(&bundle.repository());
    let frames = bundle.ask(
        2025,
        r#"{"kind":"metric","metric":"commits","bucket":"none","includeMerges":true}"#,
    );
    let with_merges = column(&frames[0], "commits_count")[0].as_f64().unwrap();
    let facts = &expected["2025"];
    assert_eq!(
        with_merges,
        facts["commits"].as_f64().unwrap() + facts["merges"].as_f64().unwrap()
    );
}
