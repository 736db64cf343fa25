//! The four series of the original Pelorus, by its names, labels, times and forms, so that its rules and dashboards work.
//!
//! Source: dora-metrics/pelorus, `exporters/` (committime, deploytime, failure) and `prometheus-rules.yaml`.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use super::{answer, read};
use crate::app::{App, QueryError};
use crate::dora::{Answer, Table, Values};
use crate::model::{
    Body, CommitHash, Event, EventId, EventKey, EventKind, EventTable, Kind, Outcome, Question,
    Text, TimeRange, image_digest,
};
use crate::series::Families;

/// Deployments older than this are not shown, as in the original: a Prometheus without an out-of-order window drops them.
const SHOWN: TimeDelta = TimeDelta::minutes(30);
/// Commits and failures of deployments this long ago are shown: rules join them with what Prometheus remembers.
const REMEMBERED: TimeDelta = TimeDelta::days(90);
/// Series in a family, at most; the newest are shown.
const MOST: usize = 10_000;

/// A deployment or a build of an image, as the two families of lead time have it.
struct Deployed {
    at: DateTime<Utc>,
    app: String,
    namespace: String,
    image: String,
    commit: Option<CommitHash>,
}

/// Writes the four families, and whether one of them is cut.
pub(super) async fn write(
    app: &App,
    now: DateTime<Utc>,
    families: &mut Families,
) -> Result<(), QueryError> {
    let (deployed, are_deployments_cut) = deployments(app, now).await?;
    let (built, are_builds_cut) = builds(app, now).await?;
    write_commits(app, deployed.iter().chain(&built), families).await?;
    families.begin("deploy_timestamp", "gauge", "Deployment timestamp");
    // The oldest first: samples of one series come in the order of their times.
    for of in deployed.iter().rev().filter(|of| of.at > now - SHOWN) {
        let labels = [
            ("app", of.app.as_str()),
            ("image_sha", &of.image),
            ("namespace", &of.namespace),
        ];
        families.sample_at(&labels, &python(of.at), Some(of.at.timestamp_millis()));
    }
    let (failures, are_failures_cut) = table(app, EventTable::Incidents, now).await?;
    let (opened, resolved) = (times(&failures, "time"), times(&failures, "resolved_at"));
    let (apps, ids) = (texts(&failures, "application"), texts(&failures, "id"));
    for (name, help, at) in [
        (
            "failure_creation_timestamp",
            "Failure Creation Timestamp",
            opened,
        ),
        (
            "failure_resolution_timestamp",
            "Failure Resolution Timestamp",
            resolved,
        ),
    ] {
        families.begin(name, "gauge", help);
        for ((at, app), id) in at.iter().zip(apps).zip(ids) {
            let (Some(at), Some(id)) = (at, id) else {
                continue;
            };
            let app = formatted(app.as_deref().unwrap_or("unknown"));
            let labels = [("app", app.as_str()), ("issue_number", id)];
            families.sample_at(&labels, &python(*at), Some(at.timestamp_millis()));
        }
    }
    families.begin(
        "pelorus_exposition_cut",
        "gauge",
        "1 where only the newest of these are shown as the original's series: there are too many.",
    );
    for (name, is_cut) in [
        ("builds", are_builds_cut),
        ("deployments", are_deployments_cut),
        ("failures", are_failures_cut),
    ] {
        families.sample(&[("shown", name)], if is_cut { "1" } else { "0" });
    }
    Ok(())
}

/// Writes the commits of images that were built or deployed, each image of an application once.
async fn write_commits(
    app: &App,
    images: impl Iterator<Item = &Deployed> + Clone,
    families: &mut Families,
) -> Result<(), QueryError> {
    let commits = commits(app, images.clone()).await?;
    families.begin("commit_timestamp", "gauge", "Commit timestamp");
    let mut seen = BTreeSet::new();
    for of in images {
        let Some((hash, (at, link))) = of.commit.and_then(|hash| Some((hash, commits.get(&hash)?)))
        else {
            continue;
        };
        let hash = hash.to_string();
        // Rules join by these two labels: a second series of them would end the lead time of all applications.
        if !seen.insert((&of.app, &of.image)) {
            continue;
        }
        let labels = [
            ("app", of.app.as_str()),
            ("commit", &hash),
            ("commit_link", link),
            ("image_sha", &of.image),
            ("namespace", &of.namespace),
        ];
        families.sample(&labels, &python(*at));
    }
    Ok(())
}

/// Images that were built of late, newest first, wherever they will be deployed: where builds are one cluster's and
/// deployments another's, the two meet by them. And whether there are more.
async fn builds(app: &App, now: DateTime<Utc>) -> Result<(Vec<Deployed>, bool), QueryError> {
    let range = TimeRange::new(now - REMEMBERED, now);
    let builds = read(app, move |app| app.events_of(EventKind::Build, range, MOST)).await?;
    let is_cut = builds.len() >= MOST;
    let mut images = Vec::new();
    for (application, event) in &builds {
        let (at, Body::Build(build)) = (event.body.time(), &event.body) else {
            continue;
        };
        if build.outcome != Outcome::Succeeded {
            continue;
        }
        let digests = build.images.iter().filter_map(|image| image_digest(image));
        images.extend(digests.map(|digest| Deployed {
            at,
            app: formatted(application.as_str()),
            namespace: String::new(),
            image: digest.to_owned(),
            commit: Some(build.commit),
        }));
    }
    Ok((images, is_cut))
}

/// Production deployments of late that went live, newest first; and whether there are more.
async fn deployments(app: &App, now: DateTime<Utc>) -> Result<(Vec<Deployed>, bool), QueryError> {
    let (table, is_cut) = table(app, EventTable::Deployments, now).await?;
    let (times, ids) = (times(&table, "time"), texts(&table, "id"));
    let (apps, hashes) = (texts(&table, "application"), texts(&table, "commit"));
    let keys: Vec<_> = ids
        .iter()
        .flatten()
        .map(|id| {
            (
                EventKind::Deployment,
                EventKey::of_id(&EventId::from(id.clone())),
            )
        })
        .collect();
    let events = events(app, keys).await?;
    let by_id: HashMap<&str, &Event> = events
        .iter()
        .map(|event| (event.id.as_str(), event))
        .collect();
    let built = built(app, &events).await?;
    let rows = times.iter().zip(ids).zip(apps.iter().zip(hashes));
    let deployed = rows.filter_map(|((at, id), (app, hash))| {
        let event = id.as_deref().and_then(|id| by_id.get(id));
        let body = match event.map(|event| &event.body) {
            Some(Body::Deployment(body)) => Some(body),
            _ => None,
        };
        // What never went live is a row of its table too.
        if body.is_some_and(|body| body.outcome != Outcome::Succeeded) {
            return None;
        }
        let digest = body.and_then(|body| body.images.iter().find_map(|image| image_digest(image)));
        let commit = hash.as_deref().and_then(|hash| hash.parse().ok());
        let commit = commit.or_else(|| built.get(digest?).copied());
        // What has no image is joined with its commit by the commit itself.
        let image = digest
            .map(str::to_owned)
            .or_else(|| commit.map(|commit| commit.to_string()))
            .or_else(|| id.as_deref().map(str::to_owned))?;
        Some(Deployed {
            at: (*at)?,
            app: formatted(app.as_deref().unwrap_or("unknown")),
            namespace: body
                .and_then(|body| body.namespace.as_deref())
                .unwrap_or_default()
                .to_owned(),
            image,
            commit,
        })
    });
    Ok((deployed.collect(), is_cut))
}

/// The commits of which images were built that deployments without a commit name, by digest.
async fn built(
    app: &App,
    deployments: &[Event],
) -> Result<HashMap<String, CommitHash>, QueryError> {
    let digests = deployments.iter().flat_map(|event| match &event.body {
        Body::Deployment(body) if body.commit.is_none() => body.images.as_slice(),
        _ => &[],
    });
    let digests: BTreeSet<String> = digests
        .filter_map(|image| image_digest(image).map(str::to_owned))
        .collect();
    let digests: Vec<String> = digests.into_iter().collect();
    let builds = read(app, move |app| app.ledger().builds_of(&digests)).await?;
    let mut commits = HashMap::new();
    for build in &builds {
        let Body::Build(build) = &build.body else {
            continue;
        };
        for digest in build.images.iter().filter_map(|image| image_digest(image)) {
            commits.entry(digest.to_owned()).or_insert(build.commit);
        }
    }
    Ok(commits)
}

/// Time and page of the commits that were deployed.
async fn commits<'d>(
    app: &App,
    images: impl Iterator<Item = &'d Deployed>,
) -> Result<HashMap<CommitHash, (DateTime<Utc>, String)>, QueryError> {
    let keys: Vec<_> = images
        .filter_map(|of| of.commit)
        .map(|hash| (EventKind::Commit, EventKey::of_commit(&hash)))
        .collect();
    let events = events(app, keys).await?;
    let commits = events.into_iter().filter_map(|event| match event.body {
        Body::Commit(commit) => {
            let link = event.url.as_deref().unwrap_or_default().to_owned();
            Some((commit.hash, (commit.committed_at, link)))
        }
        _ => None,
    });
    Ok(commits.collect())
}

async fn events(app: &App, keys: Vec<(EventKind, EventKey)>) -> Result<Vec<Event>, QueryError> {
    read(app, move |app| app.ledger().events(&keys)).await
}

/// The newest rows of a table, and whether there are more.
async fn table(
    app: &App,
    table: EventTable,
    now: DateTime<Utc>,
) -> Result<(Table, bool), QueryError> {
    let question = Question {
        table,
        limit: MOST,
        ..Question::of(Kind::Events)
    };
    let table = match answer(app, question, REMEMBERED, now).await? {
        Answer::Table(table) => table,
        _ => Table::default(),
    };
    let is_cut = times(&table, "time").len() >= MOST;
    Ok((table, is_cut))
}

fn texts<'t>(table: &'t Table, name: &str) -> &'t [Option<Text>] {
    match table
        .columns
        .iter()
        .find(|column| column.name == name)
        .map(|column| &column.values)
    {
        Some(Values::Text(values)) => values,
        _ => &[],
    }
}

fn times<'t>(table: &'t Table, name: &str) -> &'t [Option<DateTime<Utc>>] {
    match table
        .columns
        .iter()
        .find(|column| column.name == name)
        .map(|column| &column.values)
    {
        Some(Values::Time(values)) => values,
        _ => &[],
    }
}

/// An application's name as the original's `format_app_name` has it: `a/b` → `/a/b/`, commas between slashes.
pub(super) fn formatted(name: &str) -> String {
    let mut formatted = name.replace(',', "/,/");
    if !formatted.starts_with('/') {
        formatted.insert(0, '/');
    }
    if !formatted.ends_with('/') {
        formatted.push('/');
    }
    formatted.replace("//", "/")
}

/// Seconds as Python's client writes them: `1.7e+09` for 1700000000.0.
pub(super) fn python(at: DateTime<Utc>) -> String {
    let (seconds, rest) = (at.timestamp(), at.timestamp_subsec_millis());
    let fraction = format!("{rest:03}");
    let fraction = fraction.trim_end_matches('0');
    let whole = seconds.to_string();
    if seconds < 1_000_000 {
        return format!(
            "{whole}.{}",
            if fraction.is_empty() { "0" } else { fraction }
        );
    }
    let mantissa = format!("{}.{}{fraction}", &whole[..1], &whole[1..]);
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    format!("{mantissa}e+{:02}", whole.len() - 1)
}
