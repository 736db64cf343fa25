//! The history is believable, and the same for the same seed.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Datelike, TimeDelta, Utc, Weekday};

use super::{Told, files, history};
use crate::model::{Body, Commit, Deployment, EventKind, Outcome};

fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-23T10:00:00Z")
        .unwrap()
        .to_utc()
}

fn deployments(history: &[Told], application: &str) -> Vec<Deployment> {
    let all = history.iter().filter_map(|(_, body)| match body {
        Body::Deployment(deployment) => Some(deployment.clone()),
        _ => None,
    });
    all.filter(|deployment| {
        deployment
            .application
            .as_ref()
            .is_some_and(|name| name.as_str() == application)
            && deployment
                .cluster
                .as_ref()
                .is_some_and(|cluster| cluster.as_str() == "prod-eu")
            && deployment.outcome == Outcome::Succeeded
    })
    .collect()
}

#[test]
fn the_same_seed_tells_the_same_history_and_another_one_another() {
    assert_eq!(history(now(), 1), history(now(), 1));
    assert_ne!(history(now(), 1), history(now(), 2));
}

#[test]
fn a_year_has_twenty_to_thirty_thousand_events_of_every_kind_that_sources_tell() {
    let history = history(now(), 1);
    let mut counts: HashMap<EventKind, usize> = HashMap::new();
    for (_, body) in &history {
        *counts.entry(body.kind()).or_default() += 1;
    }
    assert!((20_000..30_000).contains(&history.len()), "{counts:?}");
    for kind in [
        EventKind::Commit,
        EventKind::PullRequest,
        EventKind::Build,
        EventKind::Deployment,
    ] {
        assert!(counts[&kind] > 1_500, "{counts:?}");
    }
    assert!(
        (150..800).contains(&counts[&EventKind::Incident]),
        "{counts:?}"
    );
    assert!(history.iter().all(|(_, body)| body.time() < now()));
}

#[test]
fn every_line_is_read_back_as_the_event_that_was_written() {
    for told in history(now(), 1) {
        let mut line = files::line(&told).unwrap();
        line.as_object_mut().unwrap().remove("id");
        let read: Body = serde_json::from_value(line).unwrap();
        assert_eq!(read, told.1);
    }
}

#[test]
fn every_deployed_commit_and_every_parent_is_told() {
    let history = history(now(), 1);
    let commits: HashMap<_, &Commit> = history
        .iter()
        .filter_map(|(_, body)| match body {
            Body::Commit(commit) => Some((commit.hash, commit)),
            _ => None,
        })
        .collect();
    for commit in commits.values() {
        for parent in &commit.parents {
            let parent = commits[parent];
            assert!(
                parent.committed_at <= commit.committed_at,
                "{} before its parent",
                commit.hash
            );
        }
        assert!(
            commit
                .reverts
                .iter()
                .all(|reverted| commits.contains_key(reverted))
        );
    }
    let deployed: HashSet<_> = history
        .iter()
        .filter_map(|(_, body)| match body {
            Body::Deployment(deployment) => deployment.commit,
            _ => None,
        })
        .collect();
    assert!(deployed.iter().all(|commit| commits.contains_key(commit)));
}

#[test]
fn ids_are_told_once() {
    let history = history(now(), 1);
    let mut seen = HashSet::new();
    for (id, body) in &history {
        let id = id.clone().or_else(|| body.natural_id()).unwrap();
        assert!(seen.insert(id.clone()), "{id} twice");
    }
}

#[test]
fn weekends_are_quiet() {
    let history = history(now(), 1);
    let (mut weekend, mut all) = (0, 0);
    for (_, body) in &history {
        if let Body::Deployment(deployment) = body
            && let Some(at) = deployment.started_at
        {
            all += 1;
            weekend += u32::from(matches!(at.weekday(), Weekday::Sat | Weekday::Sun));
        }
    }
    assert!(weekend > 0 && weekend * 20 < all, "{weekend} of {all}");
}

#[test]
fn checkout_gets_better_and_orders_worse() {
    let history = history(now(), 1);
    let in_quarter = |application: &str, quarter: i32| {
        let start = now() - TimeDelta::days(365) + TimeDelta::days(91) * quarter;
        deployments(&history, application)
            .iter()
            .filter(|deployment| {
                deployment
                    .started_at
                    .is_some_and(|at| at >= start && at < start + TimeDelta::days(91))
            })
            .count()
    };
    assert!(in_quarter("payments/checkout", 3) > 3 * in_quarter("payments/checkout", 0));
    assert!(in_quarter("logistics/orders", 0) > 3 * in_quarter("logistics/orders", 3));
}

#[test]
fn failures_leave_every_kind_of_evidence() {
    let history = history(now(), 1);
    let mut found: HashMap<&str, usize> = HashMap::new();
    for (_, body) in &history {
        let what = match body {
            Body::PullRequest(request) if request.labels.value("hotfix").is_some() => "hotfix",
            Body::PullRequest(request) if request.reverts.is_some() => "revert",
            Body::Incident(incident) if incident.commit.is_some() => "reference",
            Body::Incident(incident) if incident.resolved_at.is_none() => "open incident",
            Body::Incident(incident) if incident.user_facing => "user-facing",
            Body::PullRequest(request) if request.closed_at.is_none() => "open pull request",
            Body::Deployment(deployment) if deployment.outcome == Outcome::Failed => {
                "failed rollout"
            }
            _ => continue,
        };
        *found.entry(what).or_default() += 1;
    }
    for what in [
        "hotfix",
        "revert",
        "reference",
        "open incident",
        "user-facing",
        "open pull request",
        "failed rollout",
    ] {
        assert!(
            found.get(what).is_some_and(|count| *count >= 3),
            "{what}: {found:?}"
        );
    }
    // A commit that is live again after another one was a rollback.
    let live: Vec<_> = deployments(&history, "payments/checkout")
        .iter()
        .map(|deployment| deployment.commit)
        .collect();
    let distinct: HashSet<_> = live.iter().collect();
    assert!(live.len() > distinct.len());
}

#[test]
fn what_customers_feel_is_mended_within_days() {
    for seed in 1..=3 {
        let history = history(now(), seed);
        for (_, body) in &history {
            if let Body::Incident(incident) = body
                && incident.user_facing
                && incident.resolved_at.is_none()
            {
                assert!(
                    now() - incident.opened_at < TimeDelta::days(10),
                    "{incident:?}"
                );
            }
        }
    }
}

#[test]
fn the_settings_of_the_demo_are_read() {
    use crate::config::{Process, Settings};
    let result = Settings::from_yaml(&files::settings(), &Process, std::path::Path::new("/demo"));
    if let Err(error) = result {
        // Only a build without the kind `events` may complain, and only about it.
        assert!(crate::providers::kind("events").is_none(), "{error}");
        assert!(
            error
                .faults
                .iter()
                .all(|fault| fault.key == "sources[0].kind"),
            "{error}"
        );
    }
}
