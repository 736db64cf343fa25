//! What seldom happens at GitHub and must lose nothing.

use chrono::TimeDelta;
use pelorus::ledger::Location;
use serde_json::json;

use super::lock;
use super::tests::{SECRETS, SMALL, acme, commits, github, holds, now, read, source};
use crate::estate::{Commit, Size, rfc3339};
use crate::reading::{CANARY, Pelorus, ledger};

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_was_deployed_from_no_branch_is_looked_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let (github, server) = github(SMALL).await;
    // A hotfix that somebody deployed from a tag of their own and never merged.
    let hotfix = "f".repeat(40);
    let deployed_at = now() - TimeDelta::days(2);
    let released = {
        let mut estate = github.estate();
        let repository = &mut estate.repositories[1];
        let released = repository.releases[0].commit.clone();
        let commit = Commit {
            hash: hotfix.clone(),
            parents: vec![released.clone()],
            message: "Mend it".to_owned(),
            is_on_main: false,
            committed_at: deployed_at - TimeDelta::hours(3),
            ..repository.commit_of(&released).clone()
        };
        repository.commits.push(commit);
        released
    };
    let path = folder.path().join("deployments.jsonl");
    let line = |commit: &str, at| {
        let (repository, at) = ("github.com/acme/service-002", rfc3339(at));
        let line = json!({"type": "deployment", "repository": repository, "environment": "production", "finished_at": at, "commit": commit});
        format!("{line}\n")
    };
    let lines = line(&released, deployed_at - TimeDelta::days(1)) + &line(&hotfix, deployed_at);
    std::fs::write(&path, lines).expect("a file");
    let mut settings = acme(&server);
    let deploys = json!({"name": "deploys", "kind": "events", "path": path});
    settings["sources"]
        .as_array_mut()
        .expect("sources")
        .push(deploys);
    settings["deployments"] = json!([]);
    let mut counts = Vec::new();
    for minutes in [0, 60, 120] {
        let at = now() + TimeDelta::minutes(minutes);
        let pelorus = Pelorus::start(&settings, SECRETS, &ledger(folder.path()), at);
        assert_eq!(pelorus.notices().await, Vec::<String>::new());
        counts.push(pelorus.events_of("commit").await);
        let lead_time = json!({"kind": "metric", "metric": "change_lead_time", "statistic": "min", "bucket": "none", "leadTimeFrom": "committed"});
        let lead_time = pelorus.number(lead_time).await;
        pelorus.stop().await;
        if minutes > 0 {
            // Three hours from the hotfix to its deployment.
            assert_eq!(lead_time, Some(10_800.0));
        }
    }
    // All that is known of it is read once.
    assert_eq!(counts[1], counts[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_whose_old_head_is_gone_is_read_anew_and_what_was_there_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let (github, server) = github(SMALL).await;
    let settings = acme(&server);
    let (_, before) = read(&settings, &ledger(folder.path()), now()).await;
    // Somebody rewrites the last commit, and GitHub collects the one it replaces.
    {
        let mut estate = github.estate();
        let repository = &mut estate.repositories[0];
        let head = repository.head.clone().expect("a head");
        let at = repository
            .commits
            .iter()
            .position(|commit| commit.hash == head);
        let old = repository.commits.remove(at.expect("the head"));
        let request = repository.pull_requests.last_mut().expect("a pull request");
        request.merge_commit = Some("d".repeat(40));
        repository.head = Some("d".repeat(40));
        repository.commits.push(Commit {
            hash: "d".repeat(40),
            // No merge, so that it counts as a change.
            parents: old.parents[..1].to_vec(),
            committed_at: old.committed_at + TimeDelta::minutes(1),
            message: "Rewritten".to_owned(),
            ..old
        });
    }
    server.forget();
    let later = now() + TimeDelta::hours(1);
    let (notices, after) = read(&settings, &ledger(folder.path()), later).await;
    assert_eq!(notices, Vec::<String>::new(), "{}", server.bill());
    assert_eq!(
        after,
        before + 1,
        "the rewritten one came, and nothing went"
    );
    // The next reading starts from the new head.
    server.forget();
    read(
        &settings,
        &ledger(folder.path()),
        later + TimeDelta::hours(1),
    )
    .await;
    assert_eq!(server.requests(), 1, "{}", server.bill());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_ten_thousand_repositories_the_first_are_read_and_a_filter_is_proposed() {
    let (_github, server) = github(Size {
        repositories: 10_000,
        pull_requests: 0,
    })
    .await;
    let (notices, _) = read(&acme(&server), &Location::Memory, now()).await;
    let words = [
        "Sees 10000 repositories and reads the first 2000",
        "`include` (such as `acme/service-*`)",
    ];
    assert!(holds(&notices, &words), "{notices:?}");
    // Twenty pages of a hundred: nobody walks through what is not read.
    assert_eq!(server.requests(), 20, "{}", server.bill());

    server.forget();
    let some = json!({"organizations": ["acme"], "include": ["acme/service-77*"]});
    let (notices, _) = read(&source(&server, some), &Location::Memory, now()).await;
    assert!(!holds(&notices, &["Sees"]), "{notices:?}");
    assert_eq!(server.requests(), 100, "{}", server.bill());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_token_that_runs_out_under_way_is_had_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let (github, server) = github(SMALL).await;
    let (_, expected) = read(&acme(&server), &Location::Memory, now()).await;
    let app = source(
        &server,
        json!({"organizations": ["acme"], "appId": 7, "installationId": 8}),
    );
    let key = include_str!("../../fixtures/github/app-key.pem");
    // Each token has run out, as Pelorus counts, when the next question is asked; GitHub takes the older ones back.
    {
        let mut ways = github.ways();
        ways.tokens.clear();
        ways.token_life = TimeDelta::minutes(5);
        ways.newest_tokens = 4;
    }
    server.forget();
    let location = ledger(folder.path());
    let pelorus = Pelorus::start_with(&app, &[("host__privateKey", key)], &location, now());
    let notices = pelorus.notices().await;
    assert_eq!(notices, Vec::<String>::new());
    assert_eq!(commits(&pelorus).await, expected);
    let told = pelorus.told().await;
    pelorus.stop().await;
    assert!(*lock(&github.made) > 1, "{}", server.bill());
    assert!(!told.contains(CANARY));
}
