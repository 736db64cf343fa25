//! GitLab: what Pelorus makes of its commits, merge requests, releases and tags.

use axum::http::StatusCode;
use chrono::TimeDelta;
use pelorus::ledger::Location;
use serde_json::{Value, json};

use crate::efficiency::{Counted, Row, counted};
use crate::estate::{Estate, PullRequest, Size, YEAR_OF_12, YEAR_OF_200};
use crate::gitlab_server::{GitLab, PAGE};
use crate::program::{SIZE, Stand};
use crate::reading::{CANARY, Pelorus, at, ledger};
use crate::server::Fault;

const NOW: &str = "2026-10-01T00:00:00Z";
const SMALL: Size = Size {
    repositories: 3,
    pull_requests: 10,
};

impl GitLab {
    fn source(&self) -> Value {
        json!({"name": "code", "kind": "gitlab", "url": self.server.url, "groups": ["acme"]})
    }

    fn start(&self, ledger: &Location, minutes: i64) -> Pelorus {
        start(self.source(), ledger, minutes)
    }
}

fn start(source: Value, ledger: &Location, minutes: i64) -> Pelorus {
    let settings = json!({"sources": [source], "deployments": tags_are_deployments()});
    Pelorus::start(
        &settings,
        &["code__token"],
        ledger,
        at(NOW) + TimeDelta::minutes(minutes),
    )
}

fn estate(size: Size) -> Estate {
    Estate::of("acme", size, at(NOW))
}

fn tags_are_deployments() -> Value {
    json!([{"from": "tag", "match": "^v1", "environment": "production"}])
}

fn pages(items: usize) -> usize {
    items.div_ceil(PAGE).max(1)
}

/// The fewest requests of a first reading: projects, all merge requests of the group with their notes and commits, once
/// more by REST for pages that hold squashes, the releases of 100 projects at a time, commits and tags of each project.
fn least_cold(estate: &Estate, size: Size) -> usize {
    let mut requests: Vec<&PullRequest> = estate
        .repositories
        .iter()
        .flat_map(|repository| &repository.pull_requests)
        .collect();
    requests.sort_by_key(|request| std::cmp::Reverse((request.updated_at, request.id)));
    let squashed = requests
        .chunks(PAGE)
        .filter(|page| page.iter().any(|request| request.is_squashed));
    let of_one = pages(size.pull_requests * 5) + pages(size.pull_requests / 5);
    2 * pages(size.repositories)
        + pages(requests.len())
        + squashed.count()
        + size.repositories * of_one
}

fn soaked(small: Size) -> Size {
    if std::env::var_os("PELORUS_SOAK").is_some() {
        YEAR_OF_200
    } else {
        small
    }
}

fn number(keys: &Value, metric: &str) -> f64 {
    keys[metric][0][1][0].as_f64().unwrap()
}

async fn notices(source: Value) -> Vec<String> {
    let pelorus = start(source, &Location::Memory, 0);
    let notices = pelorus.notices().await;
    pelorus.stop().await;
    notices
}

/// A first reading and a refresh of which nothing came, counted.
pub async fn efficiency(size: Size) -> Row {
    let folder = tempfile::tempdir().unwrap();
    let gitlab = GitLab::of(estate(size)).await;
    let least = gitlab.change(|held| least_cold(&held.estate, size));
    let start = |minutes| gitlab.start(&ledger(folder.path()), minutes);
    let [cold, warm] = counted(&gitlab.server, start).await;
    Row {
        kind: "gitlab",
        page: "100",
        batched: "merge requests of a group with their notes and commits; releases of 100 projects",
        least: "2⌈K/100⌉ + ⌈Kp/100⌉ + pages with squashes + K · (⌈n/100⌉ + ⌈r/100⌉); refresh 2",
        cold: Counted::of(least, cold),
        warm: Counted::of(2, warm),
    }
}

/// The kind as the program meets it.
pub async fn stand() -> Stand {
    let estate = estate(SIZE);
    let gitlab = GitLab::of(estate.clone()).await;
    Stand {
        kind: "gitlab",
        source: gitlab.source(),
        host: "127.0.0.1",
        tells: &["commit", "pull_request", "release"],
        deployments: tags_are_deployments(),
        estate,
        now: NOW,
        server: gitlab.server.clone(),
        held: Box::new(gitlab),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_five_keys_are_those_of_the_same_events_and_of_git() {
    let folder = tempfile::tempdir().unwrap();
    let size = Size {
        repositories: 1,
        pull_requests: 30,
    };
    let mut estate = estate(size);
    let bare = folder.path().join("service.git");
    estate.repositories[0].materialise(&bare);
    let file = folder.path().join("events.jsonl");
    let types = ["commit", "pull_request", "release"];
    std::fs::write(&file, estate.events("127.0.0.1", &types)).unwrap();
    let gitlab = GitLab::of(estate).await;
    let answers = async |source: Value| {
        let pelorus = start(source, &Location::Memory, 0);
        let answers = [
            pelorus.five_keys("committed").await,
            pelorus.parts().await,
            pelorus.five_keys("landed").await,
        ];
        pelorus.stop().await;
        answers
    };
    let of_gitlab = answers(gitlab.source()).await;
    let of_events = answers(json!({"name": "file", "kind": "events", "path": [file]})).await;
    assert_eq!(of_gitlab, of_events);
    assert!(number(&of_gitlab[0], "commits") > 50.0, "{}", of_gitlab[0]);
    let repository = "127.0.0.1/acme/service-001";
    // Git knows neither labels nor the branch of what was squashed, so it cannot tell every hotfix.
    let without_rework = |keys: &Value| {
        let mut keys = keys.clone();
        keys.as_object_mut()
            .unwrap()
            .remove("deployment_rework_rate");
        keys
    };
    let of_git =
        answers(json!({"name": "clone", "kind": "git", "path": bare, "repository": repository}))
            .await;
    assert_eq!(without_rework(&of_gitlab[2]), without_rework(&of_git[2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_reading_takes_the_fewest_requests_and_the_next_only_asks_what_changed() {
    let size = soaked(YEAR_OF_12);
    let folder = tempfile::tempdir().unwrap();
    let gitlab = GitLab::of(estate(size)).await;
    let pelorus = gitlab.start(&ledger(folder.path()), 0);
    let before = pelorus.five_keys("committed").await;
    assert_eq!(pelorus.notices().await, Vec::<String>::new());
    pelorus.stop().await;
    let least = gitlab.change(|held| least_cold(&held.estate, size));
    let cold = gitlab.server.requests();
    println!(
        "gitlab cold: R_min {least}, R {cold}\n{}",
        gitlab.server.bill()
    );
    assert!(
        least as f64 / cold as f64 >= 0.9,
        "{least} / {cold}\n{}",
        gitlab.server.bill()
    );

    // What the documentation says of the 250 that GitLab allows.
    let complexity = gitlab.change(|held| held.complexity.clone());
    assert_eq!(complexity["mergeRequests"], 129.0);

    gitlab.server.forget();
    let pelorus = gitlab.start(&ledger(folder.path()), 60);
    pelorus.five_keys("committed").await;
    pelorus.stop().await;
    assert_eq!(
        gitlab.server.requests(),
        2,
        "one page of projects, one of merge requests:\n{}",
        gitlab.server.bill()
    );

    // A pull request that was worked on long before is merged now: its commits are old.
    gitlab.server.forget();
    gitlab.change(|held| {
        let number = size.pull_requests as u64 + 5;
        let repository = &mut held.estate.repositories[0];
        repository.add_pull_request(number, at(NOW) - TimeDelta::minutes(30));
        for commit in repository.commits.iter_mut().rev().skip(1).take(4) {
            commit.committed_at -= TimeDelta::days(20);
        }
    });
    let pelorus = gitlab.start(&ledger(folder.path()), 180);
    let after = pelorus.five_keys("committed").await;
    pelorus.stop().await;
    // Projects, merge requests, a comparison, releases, tags.
    assert_eq!(gitlab.server.requests(), 5, "{}", gitlab.server.bill());
    assert_eq!(
        number(&after, "deployments"),
        number(&before, "deployments") + 1.0
    );
    assert_eq!(
        number(&after, "commits"),
        number(&before, "commits") + 4.0,
        "old commits that were merged late"
    );
    assert_eq!(gitlab.server.answered_with(429), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_within_the_hour_that_gitlab_writes_no_activity_down_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let gitlab = GitLab::of(estate(SMALL)).await;
    let read = async |minutes: i64| {
        let pelorus = gitlab.start(&ledger(folder.path()), minutes);
        let keys = pelorus.five_keys("landed").await;
        pelorus.stop().await;
        number(&keys, "deployments")
    };
    gitlab.change(|held| held.estate.repositories[0].updated_at = at(NOW) - TimeDelta::minutes(5));
    let before = read(0).await;
    gitlab.change(|held| {
        let repository = &mut held.estate.repositories[0];
        let written_down = repository.updated_at;
        repository.add_pull_request(15, at(NOW) - TimeDelta::minutes(115));
        // It is merged five minutes past, released at twenty-five past, and GitLab still tells the old time.
        repository.updated_at = written_down;
    });
    assert_eq!(read(30).await, before + 1.0);
    // An hour later nothing can hide any more: one look, and then none.
    read(90).await;
    gitlab.server.forget();
    read(120).await;
    assert_eq!(gitlab.server.requests(), 2, "{}", gitlab.server.bill());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_was_cut_off_goes_on_where_it_was() {
    let whole = {
        let gitlab = GitLab::of(estate(SMALL)).await;
        let pelorus = gitlab.start(&Location::Memory, 0);
        let keys = pelorus.five_keys("committed").await;
        pelorus.stop().await;
        (keys, gitlab.server.requests())
    };
    for most in 1..whole.1 {
        let folder = tempfile::tempdir().unwrap();
        let gitlab = GitLab::of(estate(SMALL)).await;
        gitlab.change(|held| held.revoked_after = Some(most));
        let pelorus = gitlab.start(&ledger(folder.path()), 0);
        let notices = pelorus.notices().await;
        pelorus.stop().await;
        assert!(
            notices
                .iter()
                .any(|text| text.contains("refused the credentials")),
            "{most}: {notices:?}"
        );
        gitlab.change(|held| held.revoked_after = None);
        let pelorus = gitlab.start(&ledger(folder.path()), 0);
        let keys = pelorus.five_keys("committed").await;
        let told = pelorus.notices().await;
        pelorus.stop().await;
        assert_eq!(
            keys,
            whole.0,
            "cut after {most}: {told:?}\n{}",
            gitlab.server.bill()
        );
        let answered = gitlab.server.answered_with(200);
        // Up to four pages are open when it is cut off; one of them may be releases with the tags of three projects.
        assert!(
            answered <= whole.1 + 7,
            "cut after {most}: {}",
            gitlab.server.bill()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_merge_request_is_read_again_until_it_settles() {
    let folder = tempfile::tempdir().unwrap();
    let mut held = estate(SMALL);
    let repository = &mut held.repositories[0];
    repository.pull_requests.push(PullRequest {
        number: 99,
        id: 199_999,
        title: "Slow".to_owned(),
        merged_at: None,
        merge_commit: None,
        approved_at: None,
        first_review_at: None,
        opened_at: at(NOW) - TimeDelta::days(2),
        updated_at: at(NOW) - TimeDelta::days(2),
        ..repository.pull_requests[0].clone()
    });
    let gitlab = GitLab::of(held).await;
    let age = async |minutes: i64| {
        let pelorus = gitlab.start(&ledger(folder.path()), minutes);
        let question = json!({"kind": "metric", "metric": "pull_request_age", "bucket": "none"});
        let frames = pelorus.frames(question, 300).await;
        pelorus.stop().await;
        frames[0]["data"]["values"].clone()
    };
    let open = age(0).await;
    assert_eq!(open, json!([[2.0 * 86_400.0]]));
    gitlab.change(|held| {
        let request = held.estate.repositories[0]
            .pull_requests
            .last_mut()
            .unwrap();
        request.merged_at = Some(at(NOW) + TimeDelta::minutes(30));
        request.updated_at = at(NOW) + TimeDelta::minutes(30);
    });
    let settled = age(60).await;
    assert_eq!(settled, json!([[null]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn reviews_behind_the_first_page_of_notes_are_found_and_slow_pages_are_halved() {
    let folder = tempfile::tempdir().unwrap();
    let mut held = estate(SMALL);
    for request in &mut held.repositories[0].pull_requests {
        request.title = format!("Talk of {}", request.title);
    }
    let file = folder.path().join("events.jsonl");
    let types = ["commit", "pull_request", "release"];
    std::fs::write(&file, held.events("127.0.0.1", &types)).unwrap();
    let gitlab = GitLab::of(held).await;
    gitlab.change(|held| held.most_in_time = 30);
    let parts = async |source: Value| {
        let pelorus = start(source, &Location::Memory, 0);
        let parts = pelorus.parts().await;
        pelorus.stop().await;
        parts
    };
    let of_gitlab = parts(gitlab.source()).await;
    assert_eq!(
        of_gitlab,
        parts(json!({"name": "file", "kind": "events", "path": [file]})).await
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_that_are_empty_hidden_or_without_their_branch_are_named_and_the_rest_is_read() {
    let mut held = estate(SMALL);
    held.repositories[0].head = None;
    let gitlab = GitLab::of(held).await;
    let forbidden = (
        StatusCode::FORBIDDEN,
        vec![],
        json!({"message": "403 Forbidden"}).to_string(),
    );
    for part in ["commits", "tags"] {
        let path_holds = if part == "commits" {
            "/projects/2/repository/commits"
        } else {
            "/projects/2/repository/tags"
        };
        gitlab.server.fail(Fault {
            path_holds,
            times: 9,
            answer: forbidden.clone(),
        });
    }
    let told = notices(gitlab.source()).await;
    assert!(
        told.iter()
            .any(|text| text.contains("acme/service-001 is empty")),
        "{told:?}"
    );
    assert!(
        told.iter()
            .any(|text| text.contains("Leaves out acme/service-002: ")
                && text.contains("refused access")),
        "{told:?}"
    );
    let pelorus = gitlab.start(&Location::Memory, 0);
    // Two releases of the third project; those of the others are hidden, or empty.
    assert_eq!(
        number(&pelorus.five_keys("landed").await, "deployments"),
        2.0
    );
    pelorus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_project_keeps_its_name_and_one_that_vanished_what_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let gitlab = GitLab::of(estate(SMALL)).await;
    let pelorus = gitlab.start(&ledger(folder.path()), 0);
    let before = pelorus.five_keys("landed").await;
    pelorus.stop().await;
    gitlab.change(|held| {
        held.estate.repositories[0].name = "shop".to_owned();
        held.estate.repositories[0].updated_at = at(NOW) + TimeDelta::minutes(10);
        held.estate.repositories.remove(2);
    });
    let pelorus = gitlab.start(&ledger(folder.path()), 60);
    let told = pelorus.notices().await;
    let after = pelorus.five_keys("landed").await;
    pelorus.stop().await;
    for key in ["change_lead_time", "commits", "deployments"] {
        assert_eq!(after[key], before[key], "{key}");
    }
    assert!(
        told.iter().any(|text| text.contains(
            "acme/service-001 is called acme/shop now; its events keep the name 127.0.0.1/acme/service-001"
        )),
        "{told:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_force_push_is_read_from_the_new_head() {
    let folder = tempfile::tempdir().unwrap();
    let gitlab = GitLab::of(estate(SMALL)).await;
    let pelorus = gitlab.start(&ledger(folder.path()), 0);
    let before = pelorus.five_keys("landed").await;
    pelorus.stop().await;
    gitlab.change(|held| {
        // The last merge is undone, and another one made: the commit that was known is gone.
        let repository = &mut held.estate.repositories[0];
        let gone = repository.head.clone().unwrap();
        let parent = repository.commit_of(&gone).parents[0].clone();
        repository.commits.retain(|commit| commit.hash != gone);
        repository.pull_requests.pop();
        repository.releases.pop();
        repository.head = Some(parent);
        repository.add_pull_request(15, at(NOW) - TimeDelta::minutes(150));
    });
    let pelorus = gitlab.start(&ledger(folder.path()), 60);
    let after = pelorus.five_keys("landed").await;
    pelorus.stop().await;
    assert_eq!(
        number(&after, "deployments"),
        number(&before, "deployments") + 1.0,
        "what was deployed stays"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_may_not_be_listed_is_named_and_its_named_projects_are_read() {
    let gitlab = GitLab::below("/gitlab", estate(SMALL)).await;
    let url = format!("{}/gitlab", gitlab.server.url);
    let mut source = json!({"name": "code", "kind": "gitlab", "url": url, "groups": ["secret"], "projects": ["acme/service-002", "acme/gone"]});
    let pelorus = start(source.clone(), &Location::Memory, 0);
    let told = pelorus.notices().await;
    let keys = pelorus.five_keys("committed").await;
    pelorus.stop().await;
    assert!(
        told.iter()
            .any(|text| text.starts_with("code: Leaves out secret")
                || text.contains("Leaves out secret: ")),
        "{told:?}"
    );
    assert!(
        told.iter()
            .any(|text| text.contains("Leaves out acme/gone: ")),
        "{told:?}"
    );
    assert_eq!(number(&keys, "deployments"), 2.0);
    source["include"] = json!(["acme/*-003"]);
    source["projects"] = json!([]);
    source["groups"] = json!(["acme"]);
    let pelorus = start(source, &Location::Memory, 0);
    assert_eq!(
        number(&pelorus.five_keys("landed").await, "deployments"),
        2.0
    );
    pelorus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_told_in_gitlabs_words_and_no_secret_leaks() {
    let folder = tempfile::tempdir().unwrap();
    let gitlab = GitLab::of(estate(SMALL)).await;
    let refuse = |status: StatusCode, body: &str, times: usize| {
        gitlab.server.fail(Fault {
            path_holds: "/groups/",
            times,
            answer: (status, vec![], body.to_owned()),
        });
    };
    let scope = json!({"error": "insufficient_scope", "error_description": "The request requires higher privileges than provided by the access token.", "scope": "api read_api"});
    refuse(StatusCode::FORBIDDEN, &scope.to_string(), 2);
    let pelorus = gitlab.start(&ledger(folder.path()), 0);
    let told = pelorus.notices().await;
    assert!(
        told.iter()
            .any(|text| text.contains("one of the scopes api read_api")),
        "{told:?}"
    );
    let patience = std::time::Duration::from_secs(10);
    let check = async || {
        pelorus
            .app
            .check(None, pelorus.now, patience)
            .await
            .remove(0)
    };
    let refused = format!("{:?}", check().await.result);
    assert!(
        refused.contains("one of the scopes api read_api"),
        "{refused}"
    );
    let seen = check().await.result.unwrap();
    assert!(
        seen.starts_with(
            "Sees 3 projects of acme (acme/service-003, acme/service-002, acme/service-001). "
        ),
        "{seen}"
    );
    assert!(seen.contains(" of 2000 requests left until "), "{seen}");
    pelorus.stop().await;

    refuse(StatusCode::OK, "<!doctype html><title>Sign in</title>", 1);
    let web_page = notices(gitlab.source()).await;
    assert!(
        web_page.iter().any(|text| text.contains("web page")),
        "{web_page:?}"
    );

    refuse(
        StatusCode::UNAUTHORIZED,
        &json!({"message": "401 Unauthorized"}).to_string(),
        1,
    );
    let pelorus = gitlab.start(&ledger(folder.path()), 60);
    let unknown = pelorus.notices().await;
    pelorus.stop().await;
    assert!(
        unknown
            .iter()
            .any(|text| text.contains("refused the credentials")),
        "{unknown:?}"
    );

    let credentials: Vec<_> = gitlab
        .server
        .seen()
        .into_iter()
        .filter_map(|seen| seen.credential)
        .collect();
    assert!(credentials.iter().all(|credential| credential == CANARY) && !credentials.is_empty());
    let told = format!("{told:?}{refused}{seen}{web_page:?}{unknown:?}");
    assert!(!told.contains(CANARY), "{told}");
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let leaks = bytes
            .windows(CANARY.len())
            .any(|part| part == CANARY.as_bytes());
        assert!(!leaks, "the ledger holds the secret");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_turns_up_later_is_read_as_far_back_as_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let gitlab = GitLab::of(estate(SMALL)).await;
    let late = gitlab.change(|held| held.estate.repositories.remove(1));
    let read = async |location: &Location, minutes: i64| {
        let pelorus = gitlab.start(location, minutes);
        let answers = (pelorus.five_keys("committed").await, pelorus.parts().await);
        pelorus.stop().await;
        answers
    };
    read(&ledger(folder.path()), 0).await;
    gitlab.change(|held| held.estate.repositories.push(late));
    let after = read(&ledger(folder.path()), 60).await;
    assert_eq!(after, read(&Location::Memory, 60).await);
}
