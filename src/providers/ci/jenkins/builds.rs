//! Jenkins' builds → events.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::json;
use crate::model::{Body, Build, CommitHash, Event, Glob, Outcome, Repository, SourceName};
use crate::providers::repository_name;

/// The time of a build's start.
pub(super) fn started_at(build: &json::Build) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(build.timestamp)
}

/// The time of its end; `None` while it runs.
pub(super) fn finished_at(build: &json::Build) -> Option<DateTime<Utc>> {
    if build.building {
        return None;
    }
    started_at(build)?.checked_add_signed(TimeDelta::try_milliseconds(build.duration.max(0))?)
}

/// The id of a build's event; of a build of several repositories each has its own.
pub(super) fn id(host: &str, job: &str, number: u64, repository: Option<&Repository>) -> String {
    let of = repository
        .map(|repository| format!("@{repository}"))
        .unwrap_or_default();
    format!("build:{host}/{job}#{number}{of}")
}

/// The job and number of an event's id.
pub(super) fn of_id<'a>(id: &'a str, host: &str) -> Option<(&'a str, u64)> {
    let rest = id
        .strip_prefix("build:")?
        .strip_prefix(host)?
        .strip_prefix('/')?;
    let rest = rest.rsplit_once('@').map_or(rest, |(rest, _)| rest);
    let (job, number) = rest.rsplit_once('#')?;
    Some((job, number.parse().ok()?))
}

/// A build as events, one for each repository it built; none where it names no commit.
pub(super) fn events(
    source: &SourceName,
    host: &str,
    job: &str,
    build: &json::Build,
    libraries: &[Glob],
) -> Vec<Event> {
    let built = built(build, libraries);
    let is_single = built.len() == 1;
    let outcome = match build.result.as_deref() {
        _ if build.building => Outcome::Running,
        Some("SUCCESS") => Outcome::Succeeded,
        Some("ABORTED" | "NOT_BUILT") => Outcome::Cancelled,
        // An unstable build ran to its end and its tests did not pass.
        Some(_) | None => Outcome::Failed,
    };
    let event = |(repository, commit): (Repository, CommitHash)| Event {
        id: id(host, job, build.number, (!is_single).then_some(&repository)).into(),
        source: source.clone(),
        url: build
            .url
            .as_deref()
            .filter(|url| url.starts_with("http"))
            .map(Into::into),
        body: Body::Build(Build {
            repository,
            commit,
            pipeline: Some(job.into()),
            started_at: started_at(build),
            finished_at: finished_at(build),
            outcome,
            images: Vec::new(),
            tags: Vec::new(),
        }),
    };
    built.into_iter().map(event).collect()
}

/// The repositories a build built, each at its last commit, libraries left out.
fn built(build: &json::Build, libraries: &[Glob]) -> BTreeMap<Repository, CommitHash> {
    let actions = build.actions.iter().flatten();
    let pairs = actions.filter_map(|action| {
        let commit: CommitHash = action
            .last_built_revision
            .as_ref()?
            .hash
            .as_deref()?
            .parse()
            .ok()?;
        let repository = action
            .remote_urls
            .iter()
            .flatten()
            .find_map(|url| repository_name::of_url(url))?;
        (!libraries
            .iter()
            .any(|glob| glob.matches(repository.as_str())))
        .then_some((repository, commit))
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture() -> Vec<json::Build> {
        let text = include_str!("../../../../tests/fixtures/jenkins/builds.json");
        let job: json::Job = serde_json::from_str(text).unwrap();
        job.builds.unwrap()
    }

    fn told(libraries: &[&str]) -> Vec<String> {
        let libraries: Vec<Glob> = libraries
            .iter()
            .map(|glob| Glob::new(glob).unwrap())
            .collect();
        let builds = fixture();
        let events = builds.iter().flat_map(|build| {
            events(
                &"ci".into(),
                "jenkins.acme.example",
                "acme/shop/main",
                build,
                &libraries,
            )
        });
        events
            .map(|event| {
                let Body::Build(build) = event.body else {
                    panic!()
                };
                let finished = build
                    .finished_at
                    .map(|at| at.to_rfc3339())
                    .unwrap_or("-".to_owned());
                format!(
                    "{} {} {:?} {finished}",
                    event.id,
                    &build.commit.to_string()[..4],
                    build.outcome
                )
            })
            .collect()
    }

    #[test]
    fn every_result_has_an_outcome_and_a_build_without_commit_is_none() {
        let host = "build:jenkins.acme.example/acme/shop/main";
        assert_eq!(
            told(&["*/pipeline-library"]),
            [
                format!("{host}#7 aaaa Running -"),
                format!("{host}#6 bbbb Succeeded 2026-05-04T10:01:01+00:00"),
                format!("{host}#5 bbbb Failed 2026-05-04T09:00:30+00:00"),
                format!("{host}#4 cccc Cancelled 2026-05-04T08:00:01+00:00"),
            ]
        );
    }

    #[test]
    fn a_build_of_two_repositories_is_one_of_each() {
        let both = told(&[]);
        assert_eq!(both.len(), 5);
        assert!(
            both[1].starts_with(
                "build:jenkins.acme.example/acme/shop/main#6@github.com/acme/pipeline-library eeee"
            ),
            "{both:?}"
        );
        assert!(
            both[2].starts_with(
                "build:jenkins.acme.example/acme/shop/main#6@github.com/acme/shop bbbb"
            ),
            "{both:?}"
        );
    }

    #[test]
    fn an_id_tells_its_build() {
        let repository = "github.com/acme/shop".into();
        for repository in [None, Some(&repository)] {
            let id = id(
                "jenkins.acme.example",
                "acme/shop/release%2F1",
                12,
                repository,
            );
            assert_eq!(
                of_id(&id, "jenkins.acme.example"),
                Some(("acme/shop/release%2F1", 12))
            );
        }
        assert_eq!(of_id("build:other/acme#1", "jenkins.acme.example"), None);
    }
}
