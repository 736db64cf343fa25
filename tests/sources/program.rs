//! The program itself over every kind: `pelorus query` gives the answer that it gives of the same events in a file, and
//! `pelorus check` says what the source sees.

use std::any::Any;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::estate::{Estate, Size};
use crate::reading::CANARY;
use crate::server::Server;
use crate::{
    azure_pipelines, azure_repos, bitbucket, bitbucket_pipelines, bitbucket_server, circleci,
    gitea, github, gitlab, gitlab_ci, jenkins,
};

/// What a stand's organisation holds.
pub const SIZE: Size = Size {
    repositories: 2,
    pull_requests: 30,
};

/// A source of a kind with its server, and what the same events in a file are.
pub struct Stand {
    pub kind: &'static str,
    /// Its settings, without the token.
    pub source: Value,
    /// How the host is called in the names of repositories.
    pub host: &'static str,
    /// What the source tells; what else the keys need comes from a file.
    pub tells: &'static [&'static str],
    /// What makes deployments.
    pub deployments: Value,
    pub estate: Estate,
    pub now: &'static str,
    pub server: Server,
    /// What lives as long as the server.
    #[allow(dead_code, reason = "it is dropped with the stand")]
    pub held: Box<dyn Any + Send>,
}

/// Every kind that is reached by HTTP.
async fn stands() -> Vec<Stand> {
    vec![
        github::tests::stand().await,
        gitlab::stand().await,
        gitea::stand().await,
        bitbucket::stand().await,
        bitbucket_server::stand().await,
        azure_repos::stand().await,
        github::actions::stand().await,
        gitlab_ci::stand().await,
        jenkins::stand().await,
        azure_pipelines::stand().await,
        circleci::stand().await,
        bitbucket_pipelines::stand().await,
    ]
}

const CODE: &[&str] = &["commit", "pull_request"];

/// A file of events of these types as a source.
fn file(folder: &Path, name: &str, stand: &Stand, types: &[&str]) -> Value {
    let path = folder.join(format!("{name}.jsonl"));
    std::fs::write(&path, stand.estate.events(stand.host, types)).unwrap();
    json!({"name": name, "kind": "events", "path": [path]})
}

/// Runs the program with these sources; the token comes from the environment.
async fn run(folder: &Path, stand: &Stand, sources: Value, arguments: &[&str]) -> Output {
    let settings = folder.join("pelorus.yaml");
    // JSON is YAML.
    let text = json!({"sources": sources, "deployments": stand.deployments}).to_string();
    std::fs::write(&settings, text).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pelorus"));
    command.arg(arguments[0]).arg("--config").arg(&settings);
    command.args(&arguments[1..]).env("SOURCE_TOKEN", CANARY);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    for said in [&output.stdout, &output.stderr] {
        assert!(!String::from_utf8_lossy(said).contains(CANARY));
    }
    output
}

/// The columns of an answer, without what names the sources and without the period before: a file is covered from its first
/// event on, a host from ever.
fn values(output: &Output) -> Value {
    let frames: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    });
    let columns = |frame: &Value| {
        let fields = frame["schema"]["fields"].as_array().unwrap().iter();
        let columns = fields.zip(frame["data"]["values"].as_array().unwrap());
        let now =
            columns.filter(|(field, _)| !field["name"].as_str().unwrap().contains("previous"));
        now.map(|(field, values)| json!([field["name"], values]))
            .collect::<Value>()
    };
    frames.as_array().unwrap().iter().map(columns).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_answers_over_every_kind_as_over_the_same_events() {
    for stand in stands().await {
        let folder = tempfile::tempdir().unwrap();
        let mut source = stand.source.clone();
        source["token"] = json!("${SOURCE_TOKEN}");
        let question = r#"{"kind":"scorecard","groupBy":["application"]}"#;
        let query = |format| {
            let (now, from) = (stand.now, "now-300d");
            [
                "query", "--quiet", "--now", now, "--from", from, "--format", format, question,
            ]
        };
        let mut sources = vec![source.clone()];
        let mut types = stand.tells.to_vec();
        if !stand.tells.contains(&"commit") {
            sources.push(file(folder.path(), "code", &stand, CODE));
            types.extend(CODE);
        }
        let answered = run(folder.path(), &stand, json!(sources), &query("json")).await;
        let said = String::from_utf8_lossy(&answered.stderr).into_owned();
        assert_eq!(answered.status.code(), Some(0), "{}: {said}", stand.kind);
        let all = file(folder.path(), "all", &stand, &types);
        let expected = run(folder.path(), &stand, json!([all]), &query("json")).await;
        let (found, expected) = (values(&answered), values(&expected));
        assert_eq!(found, expected, "{}", stand.kind);
        let applications = found[0][0][1].as_array().unwrap();
        assert_eq!(applications.len(), 2, "{}: {found}", stand.kind);

        let checked = run(folder.path(), &stand, json!(sources), &["check"]).await;
        let said = String::from_utf8_lossy(&checked.stdout).into_owned();
        assert_eq!(checked.status.code(), Some(0), "{}: {said}", stand.kind);
        assert!(said.contains("Sees"), "{}: {said}", stand.kind);
        // `cargo test -- --nocapture program` shows what a person would see.
        let shown = run(folder.path(), &stand, json!(sources), &query("table")).await;
        println!(
            "{} ({} requests)\n{said}{}",
            stand.kind,
            stand.server.requests(),
            String::from_utf8_lossy(&shown.stdout)
        );
    }
}
