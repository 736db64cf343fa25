//! GitLab CI/CD: what Pelorus makes of its pipelines, environments and deployments.

use chrono::TimeDelta;
use pelorus::ledger::Location;
use serde_json::{Value, json};

use crate::efficiency::{Counted, Row, counted};
use crate::estate::{Deployment, Estate, Size, YEAR_OF_12, YEAR_OF_200};
use crate::gitlab_server::{GitLab, PAGE};
use crate::program::{SIZE, Stand};
use crate::reading::{Pelorus, at, ledger};

const NOW: &str = "2026-10-01T00:00:00Z";
const SMALL: Size = Size {
    repositories: 3,
    pull_requests: 10,
};

fn source(gitlab: &GitLab) -> Value {
    json!({"name": "ci", "kind": "gitlab_ci", "url": gitlab.server.url, "groups": ["acme"]})
}

fn start(sources: Value, ledger: &Location, minutes: i64) -> Pelorus {
    Pelorus::start(
        &json!({"sources": sources}),
        &["ci__token", "code__token"],
        ledger,
        at(NOW) + TimeDelta::minutes(minutes),
    )
}

fn estate(size: Size) -> Estate {
    Estate::of("acme", size, at(NOW))
}

fn number(keys: &Value, metric: &str) -> f64 {
    keys[metric][0][1][0].as_f64().unwrap()
}

/// The kind as the program meets it.
pub async fn stand() -> Stand {
    let estate = estate(SIZE);
    let gitlab = GitLab::of(estate.clone()).await;
    Stand {
        kind: "gitlab_ci",
        source: source(&gitlab),
        host: "127.0.0.1",
        tells: &["build", "deployment"],
        deployments: json!([]),
        estate,
        now: NOW,
        server: gitlab.server.clone(),
        held: Box::new(gitlab),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_five_keys_are_those_of_the_same_events() {
    let folder = tempfile::tempdir().unwrap();
    let size = Size {
        repositories: 2,
        pull_requests: 30,
    };
    let file = folder.path().join("events.jsonl");
    let estate = estate(size);
    let types = ["commit", "pull_request", "build", "deployment"];
    std::fs::write(&file, estate.events("127.0.0.1", &types)).unwrap();
    let gitlab = GitLab::of(estate).await;
    let answers = async |sources: Value| {
        let pelorus = start(sources, &Location::Memory, 0);
        let answers = (pelorus.five_keys("committed").await, pelorus.parts().await);
        pelorus.stop().await;
        answers
    };
    let code =
        json!({"name": "code", "kind": "gitlab", "url": gitlab.server.url, "groups": ["acme"]});
    let of_gitlab = answers(json!([code, source(&gitlab)])).await;
    let of_events = answers(json!([{"name": "file", "kind": "events", "path": [file]}])).await;
    assert_eq!(of_gitlab, of_events);
    assert!(number(&of_gitlab.0, "commits") > 50.0, "{}", of_gitlab.0);
    assert!(number(&of_gitlab.0, "deployments") > 3.0, "{}", of_gitlab.0);
}

/// The fewest requests of a first reading: all projects with their newest pipelines and their environments, 100 a page; more
/// pipelines and all deployments, 100 a page each.
fn least_cold(size: Size) -> usize {
    let pages = |items: usize| items.div_ceil(PAGE);
    let of_one = pages(size.pull_requests) - 1 + pages(size.pull_requests / 5);
    pages(size.repositories) + size.repositories * of_one
}

/// A first reading and a refresh of which nothing came, counted.
pub async fn efficiency(size: Size) -> Row {
    let folder = tempfile::tempdir().unwrap();
    let gitlab = GitLab::of(estate(size)).await;
    let start = |minutes| start(json!([source(&gitlab)]), &ledger(folder.path()), minutes);
    let [cold, warm] = counted(&gitlab.server, start).await;
    Row {
        kind: "gitlab_ci",
        page: "100",
        batched: "100 projects with their newest pipelines and their environments",
        least: "⌈K/100⌉ + K · (⌈b/100⌉ − 1 + ⌈d/100⌉); refresh ⌈K/100⌉",
        cold: Counted::of(least_cold(size), cold),
        warm: Counted::of(size.repositories.div_ceil(PAGE), warm),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_reading_takes_the_fewest_requests_and_the_next_only_asks_what_changed() {
    let is_soak = std::env::var_os("PELORUS_SOAK").is_some();
    let size = if is_soak { YEAR_OF_200 } else { YEAR_OF_12 };
    let folder = tempfile::tempdir().unwrap();
    let gitlab = GitLab::of(estate(size)).await;
    let read = async |minutes: i64| {
        let pelorus = start(json!([source(&gitlab)]), &ledger(folder.path()), minutes);
        let keys = pelorus.five_keys("committed").await;
        assert_eq!(pelorus.notices().await, Vec::<String>::new());
        pelorus.stop().await;
        keys
    };
    let before = read(0).await;
    let (least, cold) = (least_cold(size), gitlab.server.requests());
    println!(
        "gitlab_ci cold: R_min {least}, R {cold}\n{}",
        gitlab.server.bill()
    );
    assert!(
        least as f64 / cold as f64 >= 0.9,
        "{least} / {cold}\n{}",
        gitlab.server.bill()
    );

    gitlab.server.forget();
    read(60).await;
    let probes = size.repositories.div_ceil(PAGE);
    assert_eq!(gitlab.server.requests(), probes, "{}", gitlab.server.bill());

    // What the documentation says of the 250 that GitLab allows.
    let complexity = gitlab.change(|held| held.complexity["projects"]);
    assert_eq!(complexity, 173.0);

    // Something is built and deployed.
    gitlab.server.forget();
    gitlab.change(|held| {
        let number = size.pull_requests as u64 + 5;
        held.estate.repositories[0].add_pull_request(number, at(NOW) - TimeDelta::minutes(30));
    });
    let after = read(180).await;
    assert_eq!(
        gitlab.server.requests(),
        probes + 1,
        "{}",
        gitlab.server.bill()
    );
    assert_eq!(
        number(&after, "deployments"),
        number(&before, "deployments") + 1.0
    );
    assert_eq!(gitlab.server.answered_with(429), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_runs_is_read_again_until_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let gitlab = GitLab::of(estate(SMALL)).await;
    gitlab.change(|held| {
        let repository = &mut held.estate.repositories[0];
        let commit = repository.head.clone().unwrap();
        repository.deployments.push(Deployment {
            id: 199_999,
            environment: "production".to_owned(),
            commit,
            started_at: at(NOW) - TimeDelta::minutes(50),
            // It ends an hour from now; GitLab tells until then that it runs.
            finished_at: at(NOW) + TimeDelta::minutes(60),
            is_successful: true,
        });
        held.now = Some(at(NOW));
    });
    let read = async |minutes: i64| {
        gitlab.change(|held| held.now = Some(at(NOW) + TimeDelta::minutes(minutes)));
        let pelorus = start(json!([source(&gitlab)]), &ledger(folder.path()), minutes);
        let keys = pelorus.five_keys("landed").await;
        pelorus.stop().await;
        number(&keys, "deployments")
    };
    assert_eq!(read(0).await, 2.0);
    assert_eq!(read(30).await, 2.0);
    assert_eq!(read(90).await, 3.0);
    gitlab.server.forget();
    read(150).await;
    assert_eq!(gitlab.server.requests(), 1, "{}", gitlab.server.bill());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_was_cut_off_goes_on_and_late_projects_are_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let gitlab = GitLab::of(estate(SMALL)).await;
    let late = gitlab.change(|held| {
        held.revoked_after = Some(2);
        held.estate.repositories.remove(1)
    });
    let pelorus = start(json!([source(&gitlab)]), &ledger(folder.path()), 0);
    let told = pelorus.notices().await;
    pelorus.stop().await;
    assert!(
        told.iter()
            .any(|text| text.contains("refused the credentials")),
        "{told:?}"
    );
    gitlab.change(|held| held.revoked_after = None);
    let keys = async |location: &Location, minutes: i64| {
        let pelorus = start(json!([source(&gitlab)]), location, minutes);
        let keys = pelorus.five_keys("landed").await;
        pelorus.stop().await;
        keys
    };
    let resumed = keys(&ledger(folder.path()), 15).await;
    assert_eq!(resumed, keys(&Location::Memory, 15).await);
    gitlab.change(|held| held.estate.repositories.push(late));
    let later = keys(&ledger(folder.path()), 60).await;
    assert_eq!(later, keys(&Location::Memory, 60).await);
    assert_eq!(later["deployments"][0][0].as_array().map(Vec::len), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_branches_and_causes_that_are_named_count() {
    let gitlab = GitLab::of(estate(SMALL)).await;
    let builds = async |refs: Value, started_by: Value| {
        let mut source = source(&gitlab);
        source["refs"] = refs;
        source["startedBy"] = started_by;
        let settings = json!({
            "sources": [source], "deployments": [{"from": "build", "environment": "production"}],
        });
        let pelorus = Pelorus::start(&settings, &["ci__token"], &Location::Memory, at(NOW));
        let keys = pelorus.five_keys("landed").await;
        let told = pelorus.notices().await;
        pelorus.stop().await;
        (keys["deployments"][0][1][0].as_f64(), told)
    };
    let all = builds(json!([]), json!([])).await;
    assert!(all.0 > Some(5.0), "{all:?}");
    assert_eq!(builds(json!(["main"]), json!(["push"])).await.0, all.0);
    let other = builds(json!(["release/*"]), json!([])).await.0;
    assert!(other < all.0, "{other:?}");
    assert_eq!(builds(json!([]), json!(["schedule"])).await.0, other);
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_are_named_one_by_one_and_a_group_that_is_hidden_is_told() {
    let gitlab = GitLab::below("/gitlab", estate(SMALL)).await;
    let url = format!("{}/gitlab", gitlab.server.url);
    let source = json!({"name": "ci", "kind": "gitlab_ci", "url": url, "groups": ["secret"], "projects": ["acme/service-002"]});
    let pelorus = start(json!([source]), &Location::Memory, 0);
    let told = pelorus.notices().await;
    let keys = pelorus.five_keys("landed").await;
    pelorus.stop().await;
    assert!(
        told.iter().any(|text| text.contains("Leaves out secret: ")),
        "{told:?}"
    );
    assert_eq!(number(&keys, "deployments"), 2.0);
    assert_eq!(keys["deployments"][0][0], json!(["service-002"]));
}
