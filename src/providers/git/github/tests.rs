//! What GitHub's answers become, and the documents that are sent.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::documents::{self, ListKind, PROBE, Part};
use super::json::{CompareJson, ListsJson, OwnerJson, RepositoryJson};
use super::{commits, pull_requests, releases};
use crate::model::{Body, Event, PullRequest, Repository, SourceName};
use crate::providers::git::hosted::Origin;

fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/github")
        .join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn read<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

fn source() -> SourceName {
    "host".into()
}

fn shop() -> Repository {
    "github.com/acme/shop".into()
}

fn origin() -> Origin {
    Origin {
        source: source(),
        repository: shop(),
        branch: Some("main".into()),
        is_default_branch: true,
    }
}

fn list(number: usize) -> ListsJson {
    read(&fixture("lists.json")["data"][format!("list{number}")])
}

fn shown(events: impl IntoIterator<Item = Event>) -> Vec<Value> {
    let shown = events.into_iter().map(|event| {
        let mut shown = serde_json::to_value(&event.body).unwrap();
        shown["id"] = event.id.as_str().into();
        shown
    });
    shown.collect()
}

#[test]
fn a_commit_is_told_with_what_its_message_says() {
    let history = list(0).object.unwrap().history.unwrap();
    let events = shown(
        history
            .seen()
            .filter_map(|told| commits::event(&origin(), told)),
    );
    assert_eq!(
        events,
        [
            serde_json::json!({
                "type": "commit", "repository": "github.com/acme/shop", "hash": "1111111111111111111111111111111111111111",
                "parents": ["2222222222222222222222222222222222222222", "3333333333333333333333333333333333333333"],
                "authored_at": "2026-11-01T09:00:00Z", "committed_at": "2026-11-01T09:30:00Z", "author": "Ann", "branch": "main",
                "default_branch": true, "message": "Revert \"Faster cart\"", "reverts": ["3333333333333333333333333333333333333333"],
                "id": "commit:github.com/acme/shop@1111111111111111111111111111111111111111",
            }),
            serde_json::json!({
                "type": "commit", "repository": "github.com/acme/shop", "hash": "2222222222222222222222222222222222222222",
                "committed_at": "2026-11-01T06:00:00Z", "branch": "main", "default_branch": true, "message": "Faster cart (#7)",
                "pull_request": 7, "id": "commit:github.com/acme/shop@2222222222222222222222222222222222222222",
            }),
        ]
    );
    assert_eq!(
        history.next(),
        Some("1111111111111111111111111111111111111111 1")
    );
}

fn requests() -> Vec<PullRequest> {
    let page = list(1).pull_requests.unwrap();
    let events = page
        .seen()
        .filter_map(|told| pull_requests::event(&source(), &shop(), told));
    let requests = events.map(|event| match event.body {
        Body::PullRequest(request) => request,
        other => panic!("{other:?}"),
    });
    requests.collect()
}

#[test]
fn a_squashed_pull_request_has_every_time() {
    let request = serde_json::to_value(&requests()[0]).unwrap();
    assert_eq!(
        request,
        serde_json::json!({
            "repository": "github.com/acme/shop", "number": 7, "head": "5555555555555555555555555555555555555555", "head_branch": "faster-cart",
            "base": "main", "squash_commit": "2222222222222222222222222222222222222222",
            "commits": ["4444444444444444444444444444444444444444", "5555555555555555555555555555555555555555"],
            "opened_at": "2026-10-31T08:00:00Z", "first_commit_at": "2026-10-31T07:00:00Z",
            // Neither the author's own remark nor a robot's word is a review; a deleted account's is.
            "first_review_at": "2026-10-31T10:00:00Z", "approved_at": "2026-10-31T12:00:00Z",
            "merged_at": "2026-11-01T06:00:00Z", "closed_at": "2026-11-01T06:00:00Z", "author": "ann",
            "labels": {"hotfix": "true"}, "title": "Faster cart",
        })
    );
}

#[test]
fn an_open_pull_request_has_no_result_and_names_what_it_reverts() {
    let request = &requests()[1];
    assert_eq!(
        (
            request.merge_commit,
            request.squash_commit,
            request.merged_at
        ),
        (None, None, None)
    );
    assert_eq!((request.reverts, request.author.clone()), (Some(7), None));
    assert!(request.commits.is_empty() && request.first_commit_at.is_none());
}

#[test]
fn a_rebase_is_known_by_its_authors_time_and_a_robot_by_its_type() {
    let request = &requests()[2];
    assert!(request.merge_commit.is_some() && request.squash_commit.is_none());
    assert!(request.bot);
}

#[test]
fn releases_are_published_and_tags_are_tagged() {
    let page = list(2).releases.unwrap();
    let events = shown(
        page.seen()
            .filter_map(|told| releases::of_release(&source(), &shop(), told)),
    );
    let id = "release:github.com/acme/shop@v1.2.0";
    assert_eq!(
        events,
        [serde_json::json!({
            "type": "release", "repository": "github.com/acme/shop", "tag": "v1.2.0", "commit": "2222222222222222222222222222222222222222",
            "published_at": "2026-11-01T09:10:00Z", "prerelease": true, "id": id,
        })]
    );
    let page = list(3).refs.unwrap();
    let events = shown(
        page.seen()
            .filter_map(|told| releases::of_tag(&source(), &shop(), told)),
    );
    assert_eq!(
        events,
        [
            serde_json::json!({
                "type": "release", "repository": "github.com/acme/shop", "tag": "v1.2.0", "commit": "2222222222222222222222222222222222222222",
                "tagged_at": "2026-11-01T08:05:00Z", "id": id,
            }),
            serde_json::json!({
                "type": "release", "repository": "github.com/acme/shop", "tag": "light", "commit": "1111111111111111111111111111111111111111",
                "tagged_at": "2026-11-01T09:30:00Z", "id": "release:github.com/acme/shop@light",
            }),
        ]
    );
}

#[test]
fn a_compared_commit_is_the_same_commit_and_one_without_time_is_left_out() {
    let told: CompareJson = read(&fixture("compare.json"));
    let events = shown(
        told.commits
            .iter()
            .filter_map(|told| commits::compared(&origin(), told)),
    );
    assert_eq!(events.len(), 1);
    assert_eq!(
        events[0]["id"],
        "commit:github.com/acme/shop@1111111111111111111111111111111111111111"
    );
    assert_eq!(events[0]["authored_at"], "2026-11-01T09:00:00Z");
    assert_eq!(events[0]["pull_request"], 7);
}

#[test]
fn a_page_of_repositories_may_hold_nulls() {
    let owner: OwnerJson<RepositoryJson> = read(&fixture("owner.json")["data"]["owner"]);
    let names: Vec<&str> = owner
        .repositories
        .seen()
        .map(|told| told.name_with_owner.as_str())
        .collect();
    assert_eq!(names, ["Acme/Shop", "Acme/empty"]);
    assert_eq!(owner.repositories.next(), None);
}

/// The documents as they are sent, by name; with PELORUS_WRITE_DOCUMENTS set they are written for the check.
#[test]
fn documents_are_those_that_the_schema_check_reads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/graphql/documents");
    let part = |kind, oid| Part {
        kind,
        repository: "R_1",
        oid,
        after: None,
    };
    let lists = [
        part(
            ListKind::History,
            Some("1111111111111111111111111111111111111111"),
        ),
        part(
            ListKind::History,
            Some("2222222222222222222222222222222222222222"),
        ),
        part(ListKind::PullRequests, None),
        part(ListKind::Releases, None),
        part(ListKind::Tags, None),
        part(ListKind::Deployments, None),
    ];
    let ids = ["R_1".to_owned()];
    let names = [("acme".to_owned(), "shop".to_owned())];
    let documents = [
        (
            "owner-activity",
            documents::owner(documents::ACTIVITY, "acme", None, false, false),
        ),
        ("unfinished", documents::unfinished(&ids)),
        ("owner", documents::owner(PROBE, "acme", None, false, false)),
        ("repositories", documents::by_ids(PROBE, &ids)),
        ("named", documents::by_names(PROBE, &names)),
        ("lists", documents::batch(&lists)),
        ("one-list", documents::batch(&lists[2..3])),
        (
            "holders",
            documents::holders(&ids, &["1".repeat(40), "2".repeat(40)]),
        ),
        (
            "check",
            documents::owner(super::check::BRIEF, "acme", None, false, false),
        ),
    ];
    for (name, asked) in documents {
        let path = folder.join(format!("github-{name}.graphql"));
        if std::env::var_os("PELORUS_WRITE_DOCUMENTS").is_some() {
            std::fs::write(&path, &asked.document).unwrap();
        }
        let checked = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            asked.document,
            checked,
            "run this with PELORUS_WRITE_DOCUMENTS=1 and look at {}",
            path.display()
        );
    }
}

#[test]
fn a_question_costs_what_github_says_it_does() {
    let part = |kind| Part {
        kind,
        repository: "R_1",
        oid: Some("1"),
        after: None,
    };
    // A page of commits and the parents of a hundred: 101 connections, a point.
    assert_eq!(documents::batch(&[part(ListKind::History)]).points, 1);
    // Four hundred pull requests with labels, reviews, commits and merge commit: 4 × 401, 16 points.
    assert_eq!(
        documents::batch(&[part(ListKind::PullRequests); 4]).points,
        16
    );
    assert_eq!(documents::batch(&[part(ListKind::Tags)]).points, 1);
}
