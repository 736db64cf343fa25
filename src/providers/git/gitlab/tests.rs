use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;

use super::events;
use super::json;
use super::pieces::Repo;
use super::server::Connection;
use crate::model::{Body, Event, SourceName};

fn repo() -> Repo {
    Repo {
        id: 7,
        path: "Acme/payments/Shop".to_owned(),
        repository: "gitlab.acme.example/acme/payments/shop".into(),
        branch: "trunk".to_owned(),
        active_at: None,
    }
}

fn fixture<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap()
}

fn at(text: &str) -> Option<DateTime<Utc>> {
    Some(text.parse().unwrap())
}

fn letters(letter: char) -> String {
    letter.to_string().repeat(40)
}

#[derive(serde::Deserialize)]
struct Answer {
    data: json::Listed<json::MergeRequests>,
}

fn requests() -> Vec<json::MergeRequest> {
    let answer: Answer = fixture(include_str!(
        "../../../../tests/fixtures/gitlab/graphql.json"
    ));
    let page = answer.data.list.unwrap().merge_requests.unwrap();
    assert_eq!(page.next().as_deref(), Some("eyJpZCI6IjEifQ"));
    page.into_items()
}

fn event(mut request: json::MergeRequest, landed: Option<&json::Landed>) -> Event {
    let notes = request.notes.take().map(Connection::into_items);
    let own = request.commits.take().map(Connection::into_items);
    let (notes, own) = (notes.unwrap_or_default(), own.unwrap_or_default());
    let source = SourceName::from("code");
    events::merge_request(&source, &repo(), &request, &notes, &own, landed).unwrap()
}

#[test]
fn a_squashed_merge_request_has_every_time_and_its_commits() {
    let landed: Vec<json::Landed> = fixture(include_str!(
        "../../../../tests/fixtures/gitlab/merge-requests.json"
    ));
    let event = event(requests().remove(0), landed.first());
    assert_eq!(
        event.id.as_str(),
        "pull_request:gitlab.acme.example/acme/payments/shop#12"
    );
    let Body::PullRequest(request) = event.body else {
        panic!("a pull request");
    };
    assert_eq!(request.opened_at, at("2026-05-04T08:00:00Z"));
    assert_eq!(request.first_commit_at, at("2026-05-04T07:00:00Z"));
    // Neither the author's words nor GitLab's remark on a label: the approval that was reset later is the first word.
    assert_eq!(request.first_review_at, at("2026-05-04T09:00:00Z"));
    // That of `cleo` does not stand any more, the first of `ben` was taken back.
    assert_eq!(request.approved_at, at("2026-05-04T11:00:00Z"));
    assert_eq!(request.merged_at, at("2026-05-04T12:00:00Z"));
    assert_eq!(request.closed_at, at("2026-05-04T12:00:00Z"));
    let hash = |hash: Option<crate::model::CommitHash>| hash.map(|hash| hash.to_string());
    assert_eq!(hash(request.head), Some(letters('b')));
    assert_eq!(hash(request.merge_commit), Some(letters('c')));
    assert_eq!(hash(request.squash_commit), Some(letters('d')));
    let commits: Vec<String> = request.commits.iter().map(ToString::to_string).collect();
    assert_eq!(commits, [letters('e'), letters('b')], "oldest first");
    assert_eq!(request.author.as_deref(), Some("ann"));
    assert!(request.labels.value("hotfix").is_some() && !request.bot);
}

#[test]
fn a_closed_merge_request_of_which_little_is_known_names_no_merge() {
    let event = event(requests().remove(1), None);
    assert_eq!(event.url, None);
    let Body::PullRequest(request) = event.body else {
        panic!("a pull request");
    };
    assert_eq!(request.number, 13);
    assert_eq!(request.merge_commit, None, "a trial merge is no merge");
    assert_eq!(request.closed_at, at("2026-05-05T09:00:00Z"));
    assert_eq!((request.merged_at, request.first_review_at), (None, None));
}

#[test]
fn a_commit_says_which_merge_request_it_merged() {
    let told: json::Commit = fixture(include_str!(
        "../../../../tests/fixtures/gitlab/commit.json"
    ));
    let event = events::commit(&SourceName::from("code"), &repo(), &told).unwrap();
    let Body::Commit(commit) = event.body else {
        panic!("a commit");
    };
    assert_eq!(Some(commit.committed_at), at("2026-05-04T10:00:00Z"));
    assert_eq!(commit.parents.len(), 2);
    assert_eq!(commit.pull_request, Some(12));
    assert!(commit.default_branch);
}

#[test]
fn a_light_tag_is_as_old_as_its_commit_and_published_with_its_release() {
    let told: json::Tag = fixture(include_str!("../../../../tests/fixtures/gitlab/tag.json"));
    let published = at("2026-05-06T00:00:00Z");
    let event = events::release(&SourceName::from("code"), &repo(), &told, published).unwrap();
    let Body::Release(release) = event.body else {
        panic!("a release");
    };
    assert_eq!(release.commit.to_string(), letters('c'));
    assert_eq!(release.tagged_at, at("2026-05-04T10:00:00Z"));
    assert_eq!(release.published_at, published);
}

#[test]
fn a_project_is_told_with_its_branch_and_activity() {
    let told: json::Project = fixture(include_str!(
        "../../../../tests/fixtures/gitlab/project.json"
    ));
    assert_eq!(told.default_branch.as_deref(), Some("trunk"));
    assert_eq!(told.last_activity_at, at("2026-05-04T12:00:00.123Z"));
    assert!(told.forked_from_project.is_none() && !told.archived && !told.empty_repo);
}

#[test]
fn an_approval_whose_note_is_still_to_be_read_is_missed() {
    let page: Vec<json::Note> = vec![];
    let review = events::review(Some("ann"), &page, &["ann", "ben"]);
    assert!(review.lacks_approval && review.approved_at.is_none());
    assert!(!events::review(Some("ann"), &page, &["ann"]).lacks_approval);
}
