//! How long correlation takes. Nothing here gates: `cargo test --lib correlate::tests::speed -- --ignored --nocapture`.

use std::time::Instant;

use super::*;
use crate::model::{Body, Commit, CommitHash, Deployment, Event, PullRequest};

/// One application: every fourth commit of a chain is deployed, every hundredth deployment is rolled back, every
/// tenth commit comes by a squashed pull request.
fn estate(commits: usize) -> Timeline {
    let mut timeline = Timeline::default();
    let at = |minutes: usize| timeline::midnight() + chrono::TimeDelta::minutes(minutes as i64);
    let hash = |commit: usize| timeline::hash(&format!("c{commit}"));
    let mut push = |id: String, body: Body| {
        timeline.events.push(Event {
            id: id.as_str().into(),
            source: "story".into(),
            url: None,
            body,
        });
    };
    let repository: crate::model::Repository = "host/acme/shop".into();
    for commit in 0..commits {
        let parents: Vec<CommitHash> = commit.checked_sub(1).map(hash).into_iter().collect();
        let body = Body::Commit(Commit {
            repository: repository.clone(),
            hash: hash(commit),
            parents: parents.into_iter().collect(),
            authored_at: None,
            committed_at: at(commit * 10),
            author: Some("ann".into()),
            branch: None,
            default_branch: true,
            message: None,
            reverts: Default::default(),
            picked_from: None,
            pull_request: None,
            paths: Vec::new(),
        });
        push(body.natural_id().unwrap().to_string(), body);
        if commit % 10 == 9 {
            let request = serde_json::json!({
                "repository": "host/acme/shop", "number": commit,
                "squash_commit": hash(commit).to_string(),
                "opened_at": at(commit * 10 - 5), "merged_at": at(commit * 10),
            });
            let request: PullRequest = serde_json::from_value(request).unwrap();
            push(format!("!{commit}"), Body::PullRequest(request));
        }
        let mut deploy = |of: usize, minute: usize| {
            let deployment = Deployment {
                environment: Some("production".into()),
                finished_at: Some(at(minute)),
                commit: Some(hash(of)),
                ..Deployment::default()
            };
            push(format!("D{minute}"), Body::Deployment(deployment));
        };
        if commit % 4 == 3 {
            deploy(commit, commit * 10 + 5);
        }
        if commit % 400 == 399 {
            deploy(commit - 4, commit * 10 + 7);
        }
    }
    timeline
}

#[test]
#[ignore = "measures, asserts nothing about time"]
fn an_application_is_correlated_in_a_few_milliseconds() {
    for commits in [3_700, 37_000, 370_000] {
        let timeline = estate(commits);
        let references = References::collect(&timeline.events, &Assignment::default());
        let mut best = f64::MAX;
        for _ in 0..1_000_000 / commits {
            let start = Instant::now();
            let block = correlate(&Input {
                application: &"shop".into(),
                events: &timeline.events,
                references: &references,
                rules: &Rules::default(),
                sources: &Sources::default(),
            });
            best = best.min(start.elapsed().as_secs_f64() * 1000.0);
            assert_eq!(block.lanes[0].commits.len(), commits / 4 * 4 - 4);
        }
        println!("{} events: {best:.2} ms", timeline.events.len());
    }
}
