//! Answers of the reference, translated.

use super::events::{self, Joined};
use super::json::{self, Values};
use super::pieces::Repo;
use crate::model::{Body, PullRequest};
use crate::providers::git::joins::Join;

fn request() -> json::PullRequest {
    let text = include_str!("../../../../tests/fixtures/bitbucket_server/pull-request.json");
    serde_json::from_str(text).unwrap()
}

fn activities() -> Vec<json::Activity> {
    let text = include_str!("../../../../tests/fixtures/bitbucket_server/activities.json");
    serde_json::from_str::<Values<_>>(text).unwrap().values
}

fn event(request: &json::PullRequest, activities: &[json::Activity]) -> PullRequest {
    let repo = Repo {
        id: 1,
        project: "SHOP".to_owned(),
        slug: "api".to_owned(),
        repository: "bitbucket.acme.example/shop/api".into(),
    };
    let found = request.merge().map(|merge| Join::Merge {
        merge: merge.to_owned(),
        head: "2".repeat(40),
    });
    let joined = Joined::of(request, found);
    let event = events::pull_request(&"code".into(), &repo, request, activities, &joined).unwrap();
    match event.body {
        Body::PullRequest(request) => request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_pull_request_has_the_times_of_its_activities() {
    let told = event(&request(), &activities());
    let seconds = |at: Option<chrono::DateTime<chrono::Utc>>| at.map(|at| at.timestamp_millis());
    assert_eq!(seconds(told.opened_at), Some(1_777_881_600_123));
    // The author's own remark is no review.
    assert_eq!(seconds(told.first_review_at), Some(1_777_885_200_000));
    // Cleo took hers back.
    assert_eq!(seconds(told.approved_at), Some(1_777_892_400_000));
    assert_eq!(seconds(told.merged_at), Some(1_777_896_000_000));
    assert_eq!(seconds(told.closed_at), Some(1_777_896_000_000));
    assert_eq!(told.merge_commit.unwrap().to_string(), "3".repeat(40));
    assert_eq!(
        (told.head_branch.as_deref(), told.base.as_deref()),
        (Some("feature/tea"), Some("main"))
    );
}

#[test]
fn one_that_nobody_looked_at_needs_no_activities() {
    let mut request = request();
    assert!(!request.is_unreviewed());
    request.reviewers = None;
    request.properties.as_mut().unwrap().comment_count = None;
    assert!(request.is_unreviewed());
    // The list alone tells when it was merged.
    let told = event(&request, &[]);
    assert_eq!(
        told.merged_at.map(|at| at.timestamp_millis()),
        Some(1_777_896_000_500)
    );
    request.properties = None;
    assert!(
        !request.is_unreviewed(),
        "a server that tells nothing is asked"
    );
}
