//! The original Pelorus' series → events, as far as they tell.
//!
//! Source: dora-metrics/pelorus, `exporters/` and `docs/`: `deploy_timestamp` and the two failure series have samples at the times
//! that are their values; `commit_timestamp` has one at each scrape, as long as the build or the pod is there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta, Utc};
use regex::Regex;
use serde_json::json;

use super::answer::Told;
use super::cursor::Piece;
use super::prometheus::Prometheus;
use crate::model::{
    Body, Commit, CommitHash, Deployment, Event, EventId, Incident, Notice, Repository, SourceName,
    TimeRange,
};
use crate::providers::PageRequest;
use crate::providers::http::HttpError;
use crate::series::{Answered, AnsweredSeries, selector_query};

/// A commit is shown around the time at which it is deployed: a build before, and a scrape after.
const AROUND: TimeDelta = TimeDelta::days(1);

/// What these series never held.
const UNTOLD: &str = "the original's series know no parents of commits, pull requests, authors, failed rollouts, severities and links of failures to deployments: a deployment has the one commit that its image was built of, and what was not scraped within thirty minutes is not there";

/// `https://host/owner/name/commit/hash`, GitLab's `/-/commit/` and Bitbucket's `/commits/`.
static LINK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^https?://([^/@\s]+/\S+?)(?:/-)?/commits?/[0-9a-f]+/?$")
        .expect("a constant expression compiles")
});

/// What was told so far.
struct Originals {
    /// The history that tells it.
    source: SourceName,
    events: Vec<Event>,
    notices: Vec<Notice>,
}

/// The times that a series' values are, each once.
fn times(of: &AnsweredSeries) -> BTreeSet<DateTime<Utc>> {
    of.samples()
        .filter(|(_, seconds)| seconds.is_finite())
        .filter_map(|(_, seconds)| {
            DateTime::from_timestamp_millis((seconds * 1_000.0).round() as i64)
        })
        .collect()
}

fn application(of: &AnsweredSeries) -> String {
    named(of.label(&["app"]))
}

/// A selector of that family over the range, and the time to ask at.
pub(super) fn selected(family: &str, matchers: &str, range: TimeRange) -> (String, String) {
    selector_query(family, matchers, range)
}

/// `/team/app/` → `team/app`; several stand apart by commas.
fn named(app: &str) -> String {
    let names = app.split(',').map(|name| name.trim_matches('/'));
    names
        .filter(|name| !name.is_empty())
        .collect::<Vec<_>>()
        .join(",")
}

fn repository_of(link: &str, application: &str) -> Repository {
    let found = LINK.captures(link).map(|found| found[1].to_owned());
    found
        .unwrap_or_else(|| format!("upstream/{application}"))
        .as_str()
        .into()
}

impl Prometheus {
    /// What the original's series tell of a window, and what the server warns of.
    pub(super) async fn originals(
        &self,
        window: TimeRange,
        piece: &Piece,
        request: &PageRequest,
    ) -> Result<(Told, Vec<String>), HttpError> {
        let around = TimeRange::new(
            window
                .start
                .checked_sub_signed(AROUND)
                .unwrap_or(window.start),
            window.end.checked_add_signed(AROUND).unwrap_or(window.end),
        );
        let deployed = self
            .family("deploy_timestamp", None, window, request)
            .await?;
        let by_commit =
            Some("max by (app, commit, commit_hash, commit_link, image_sha) (last_over_time");
        let built = if deployed.series().is_empty() {
            None
        } else {
            Some(
                self.family("commit_timestamp", by_commit, around, request)
                    .await?,
            )
        };
        // An incident is told by its opening or its resolution, and then as a whole.
        let by_issue = Some("max by (app, issue_number, failure_id) (max_over_time");
        let before = TimeRange::new(piece.range.start.min(request.range.start), window.end);
        let after = TimeRange::new(window.start, piece.range.end);
        let opened = self
            .family("failure_creation_timestamp", by_issue, before, request)
            .await?;
        let resolved = self
            .family("failure_resolution_timestamp", by_issue, after, request)
            .await?;
        let mut told = Originals {
            source: self.source(),
            events: Vec::new(),
            notices: Vec::new(),
        };
        let series = deployed.series().len() + opened.series().len();
        let commits = built.as_ref().map_or(&[][..], Answered::series);
        let hashes = tell_commits(commits, &mut told);
        tell_deployments(deployed.series(), &hashes, window, &mut told);
        tell_incidents(opened.series(), resolved.series(), window, &mut told);
        if !told.events.is_empty() {
            told.notices.push(Notice::info(UNTOLD));
        }
        let answers = [Some(deployed), built, Some(opened), Some(resolved)];
        let warnings = answers.iter().flatten().flat_map(Answered::warnings);
        let told = Told {
            events: told.events,
            notices: told.notices,
            series,
            ..Told::default()
        };
        Ok((told, warnings.cloned().collect()))
    }

    /// Series of a family over the range: as they are, or one of each by what `over` keeps.
    async fn family(
        &self,
        family: &str,
        over: Option<&str>,
        range: TimeRange,
        request: &PageRequest,
    ) -> Result<Answered, HttpError> {
        let (selected, time) = selected(family, &self.matchers, range);
        let query = match over {
            Some(over) => format!("{over}({selected}))"),
            None => selected,
        };
        self.instant(&query, &time, request).await?.json()
    }
}

/// Commits as events; their hashes by application and image.
fn tell_commits(
    series: &[AnsweredSeries],
    told: &mut Originals,
) -> BTreeMap<(String, String), CommitHash> {
    let mut hashes = BTreeMap::new();
    let mut unreadable = 0;
    for of in series {
        let application = application(of);
        let hash = of.label(&["commit", "commit_hash"]).parse::<CommitHash>();
        let (Ok(hash), Some(at)) = (hash, times(of).first().copied()) else {
            unreadable += 1;
            continue;
        };
        let link = of.label(&["commit_link"]);
        let repository = repository_of(link, &application);
        let id = EventId::of_commit(&repository, &hash);
        hashes.insert((application, of.label(&["image_sha"]).to_owned()), hash);
        let body: Commit =
            from(json!({ "repository": repository, "hash": hash, "committed_at": at }));
        push(
            told,
            id,
            (!link.is_empty()).then_some(link),
            Body::Commit(body),
        );
    }
    if unreadable > 0 {
        told.notices.push(Notice::warning(format!(
            "{unreadable} series commit_timestamp without a whole hash are left out"
        )));
    }
    hashes
}

fn tell_deployments(
    series: &[AnsweredSeries],
    hashes: &BTreeMap<(String, String), CommitHash>,
    window: TimeRange,
    told: &mut Originals,
) {
    for of in series {
        let application = application(of);
        let image = of.label(&["image_sha"]);
        // Without `honorLabels`, Prometheus moved the exporter's label aside.
        let namespace = of.label(&["exported_namespace", "namespace"]);
        // Where no image was known, the original's successor writes the commit there.
        let commit = hashes
            .get(&(application.clone(), image.to_owned()))
            .copied()
            .or_else(|| of.label(&["commit_id"]).parse().ok())
            .or_else(|| image.parse().ok());
        for at in times(of).into_iter().filter(|at| window.contains(*at)) {
            let id = format!("upstream:{application}@{image}@{}", at.timestamp_millis());
            let body: Deployment = from(json!({
                "application": application,
                "namespace": (!namespace.is_empty()).then_some(namespace),
                "finished_at": at,
                "commit": commit,
                "images": [image],
            }));
            push(told, id.into(), None, Body::Deployment(body));
        }
    }
}

fn tell_incidents(
    opened: &[AnsweredSeries],
    resolved: &[AnsweredSeries],
    window: TimeRange,
    told: &mut Originals,
) {
    const ISSUE: [&str; 2] = ["issue_number", "failure_id"];
    let key = |of: &AnsweredSeries| (application(of), of.label(&ISSUE).to_owned());
    let last = |of: &AnsweredSeries| Some((key(of), times(of).last().copied()?));
    let resolved: BTreeMap<_, _> = resolved.iter().filter_map(last).collect();
    for ((application, issue), opened_at) in opened.iter().filter_map(last) {
        let resolved_at = resolved
            .get(&(application.clone(), issue.clone()))
            .copied()
            .filter(|at| *at >= opened_at);
        let is_here =
            window.contains(opened_at) || resolved_at.is_some_and(|at| window.contains(at));
        if !is_here {
            continue;
        }
        let is_named = application != "unknown" && !application.is_empty();
        let body: Incident = from(json!({
            "application": is_named.then_some(&application),
            "opened_at": opened_at,
            "resolved_at": resolved_at,
            "updated_at": resolved_at.unwrap_or(opened_at),
            "title": issue,
        }));
        let id = format!("upstream:{application}#{issue}");
        push(told, id.into(), None, Body::Incident(body));
    }
}

fn push(told: &mut Originals, id: EventId, url: Option<&str>, body: Body) {
    told.events.push(Event {
        id,
        source: told.source.clone(),
        url: url.map(Into::into),
        body,
    });
}

/// A record of these fields.
fn from<T: serde::de::DeserializeOwned>(fields: serde_json::Value) -> T {
    serde_json::from_value(fields).expect("fields of the record itself")
}
