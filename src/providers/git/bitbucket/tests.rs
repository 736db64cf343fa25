//! Answers of the reference, translated.

use serde::de::DeserializeOwned;

use super::events::{self, Joined};
use super::json;
use super::log::{Fact, What};
use super::pieces::Repo;
use crate::model::{Body, PullRequest, SourceName};
use crate::providers::bitbucket_cloud::Values;
use crate::providers::git::joins::{Graph, Join};

fn told<T: DeserializeOwned>(text: &str) -> Vec<T> {
    serde_json::from_str::<Values<T>>(text).unwrap().values
}

fn commits() -> Vec<json::Commit> {
    told(include_str!(
        "../../../../tests/fixtures/bitbucket/commits.json"
    ))
}

fn requests() -> Vec<json::PullRequest> {
    told(include_str!(
        "../../../../tests/fixtures/bitbucket/pull-requests.json"
    ))
}

fn facts() -> Vec<Fact> {
    let told: Vec<json::Activity> = told(include_str!(
        "../../../../tests/fixtures/bitbucket/activity.json"
    ));
    told.iter()
        .filter_map(|told| Fact::of(told, told.pull_request.as_ref().unwrap().id))
        .collect()
}

fn shop() -> Repo {
    Repo {
        uuid: "{1}".to_owned(),
        name: "acme/shop".to_owned(),
        repository: "bitbucket.org/acme/shop".into(),
        branch: "main".to_owned(),
    }
}

fn event(number: usize) -> PullRequest {
    let (source, request) = (SourceName::from("code"), &requests()[number]);
    let mut graph = Graph::default();
    for commit in commits() {
        graph.take_in(commit.join());
    }
    let found = request.merge().and_then(|digits| graph.find(digits));
    let head = request.head().and_then(|digits| graph.find(digits));
    let joined = Joined::of(request, found, head);
    let event = events::pull_request(&source, &shop(), request, &facts(), &joined).unwrap();
    match event.body {
        Body::PullRequest(request) => request,
        other => panic!("{other:?}"),
    }
}

fn text(at: Option<chrono::DateTime<chrono::Utc>>) -> String {
    at.map_or("-".to_owned(), |at| {
        at.format("%d %H:%M:%S%.3f").to_string()
    })
}

#[test]
fn a_merged_pull_request_has_all_its_times_and_its_full_hashes() {
    let told = event(0);
    assert_eq!(text(told.opened_at), "04 08:00:00.123");
    // Not the author's own remarks, nor those of nobody.
    assert_eq!(text(told.first_review_at), "04 09:00:00.039");
    assert_eq!(text(told.approved_at), "04 11:00:00.000");
    // The log's time, not that of a remark afterwards.
    assert_eq!(text(told.merged_at), "04 12:00:00.565");
    assert_eq!(text(told.closed_at), "04 12:00:00.565");
    assert_eq!(
        told.merge_commit.unwrap().to_string(),
        "3333333333cc3333333333333333333333333333"
    );
    assert_eq!(
        told.head.unwrap().to_string(),
        "2222222222bb2222222222222222222222222222"
    );
    assert_eq!((told.squash_commit, told.commits.len()), (None, 0));
    assert_eq!(told.author.as_deref(), Some("ann"));
    assert_eq!(
        (told.head_branch.as_deref(), told.base.as_deref()),
        (Some("feature/tea"), Some("main"))
    );
    assert!(!told.bot);
}

#[test]
fn one_that_is_open_has_no_end_and_one_that_was_declined_no_merge() {
    let open = event(1);
    assert_eq!(
        (open.merged_at, open.closed_at, open.author),
        (None, None, None)
    );
    let declined = event(2);
    assert_eq!(
        (declined.merged_at, text(declined.closed_at).as_str()),
        (None, "06 09:00:00.000")
    );
    assert!(declined.bot);
}

#[test]
fn commits_keep_the_committers_time_and_one_without_is_left_out() {
    let (source, commits) = (SourceName::from("code"), commits());
    let made: Vec<_> = commits
        .iter()
        .map(|told| events::commit(&source, &shop(), told, true))
        .collect();
    assert!(made[3].is_none());
    let Body::Commit(third) = &made[2].as_ref().unwrap().body else {
        panic!("a commit");
    };
    assert_eq!(text(Some(third.committed_at)), "02 08:00:00.000");
    assert_eq!(
        (third.message.as_deref(), third.author.as_deref()),
        (None, None)
    );
    let Body::Commit(first) = &made[0].as_ref().unwrap().body else {
        panic!("a commit");
    };
    assert_eq!((first.pull_request, first.parents.len()), (Some(7), 2));
    assert_eq!(first.author.as_deref(), Some("Ben"));
    assert_eq!(
        made[0].as_ref().unwrap().url.as_deref(),
        Some("https://bitbucket.org/acme/shop/commits/3333333333cc")
    );
}

#[test]
fn own_commits_tell_a_squash_from_a_rebase() {
    let request = &requests()[0];
    let commit = "9".repeat(40);
    let join = |names_it| Join::Other {
        commit: commit.clone(),
        names_it,
    };
    let own = || vec![commits()[1].clone(), commits()[2].clone()];
    let mut squash = Joined::of(request, Some(join(true)), None);
    squash.take(request, own());
    let told = events::pull_request(&"code".into(), &shop(), request, &[], &squash).unwrap();
    let Body::PullRequest(told) = told.body else {
        panic!("a pull request");
    };
    assert_eq!(
        told.squash_commit.map(|hash| hash.to_string()),
        Some(commit.clone())
    );
    assert_eq!(text(told.first_commit_at), "02 08:00:00.000");
    assert_eq!((told.merge_commit, told.commits.len()), (None, 2));
    // Without a log the last the host says is taken.
    assert_eq!(text(told.merged_at), "04 12:00:00.500");
    let mut rebase = Joined::of(request, Some(join(false)), None);
    rebase.take(request, own());
    let told = events::pull_request(&"code".into(), &shop(), request, &[], &rebase).unwrap();
    let Body::PullRequest(told) = told.body else {
        panic!("a pull request");
    };
    assert_eq!(
        (
            told.merge_commit.map(|hash| hash.to_string()),
            told.squash_commit
        ),
        (Some(commit), None)
    );
}

#[test]
fn changes_that_are_asked_for_are_a_review() {
    let cleo = facts()
        .into_iter()
        .find(|fact| fact.by.as_deref() == Some("{cleo}"));
    assert_eq!(cleo.map(|fact| fact.what), Some(What::Reviewed));
}
