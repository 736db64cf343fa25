//! A small language for stories, so that cases are data.
//!
//! A line is a time and what happened then: `[d<day>] <hh:mm> <what> <subject> [<word> <value>]…`. Without a day it is
//! day 1. Times after words (`started 09:30`, `opened d2 10:00`) are written the same way.
//!
//! ```text
//! 10:00 commit b                     parent: the commit of the line before; `after a,c`, `root`, `in repo`, `by ann`,
//!                                    `reverts a`, `authored 09:00`, `paths x,y`, `branch` (off the default), `pr 7`
//! 11:00 deploy b to production       `on cluster/namespace/workload`, `started 10:50`, `version v1`, `image d1`,
//!                                    `id X`, `from source`, `fixes X`, `in repo`, `failed`, `running`, `rollback`
//! 11:30 incident INC-1               `resolved 12:00`, `to staging`, `names D1`, `commit a`, `repeats INC-0`, `severity high`
//! 09:00 build b                      `image d1`, `pipeline p`, `failed`
//! 10:30 merge 7 as b                 (a squash or merge commit) `of x,y`, `opened`, `reviewed`, `approved`, `branch-name`,
//!                                    `label`, `reverts 6`, `open` (not merged)
//! 10:00 tag v1 of b                  `release v1 of b`
//! 12:00 verdict not_failed on D1     `cause D2`
//! ```
//! Deployments without id are D1, D2 … in order of lines.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{
    Body, Build, Commit, CommitHash, Deployment, Event, EventId, EventKey, Incident, Labels,
    Outcome, PullRequest, Release, Repository, Statement, Text, Verdict,
};

/// The events of a story, and the names of their keys.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    pub events: Vec<Event>,
    pub names: BTreeMap<EventKey, String>,
}

/// Midnight of day 1.
pub fn midnight() -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_409_600, 0).unwrap()
}

/// The hash of a commit that a story calls by this name.
pub fn hash(name: &str) -> CommitHash {
    let key = xxhash_rust::xxh3::xxh3_64(name.as_bytes()).to_be_bytes();
    let mut bytes = [0; 20];
    bytes[..8].copy_from_slice(&key);
    bytes[8..16].copy_from_slice(&key);
    CommitHash::from_bytes(&bytes).unwrap()
}

/// Reads a story.
pub fn timeline(story: &str) -> Timeline {
    let mut timeline = Timeline::default();
    let mut tips = BTreeMap::<String, String>::new();
    let mut deployments = 0;
    for line in story.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (at, used) = time(&words).unwrap_or_else(|| panic!("no time in `{line}`"));
        let words = &words[used..];
        let said = Said {
            words: &words[2..],
            line,
        };
        let (what, subject) = (words[0], words[1]);
        let (id, body) = match what {
            "commit" => said.commit(subject, at, &mut tips),
            "deploy" => {
                deployments += 1;
                said.deploy(subject, at, deployments)
            }
            "incident" => said.incident(subject, at),
            "build" => said.build(subject, at, timeline.events.len()),
            "merge" => said.merge(subject, at),
            "tag" | "release" => said.release(subject, at, what == "tag"),
            "verdict" => said.verdict(subject, at, timeline.events.len()),
            _ => panic!("what is `{what}` in `{line}`?"),
        };
        let source = said.value("from").unwrap_or("story");
        let event = Event {
            id: id.as_str().into(),
            source: source.into(),
            url: None,
            body,
        };
        let name = match &event.body {
            Body::Commit(_) => subject.to_owned(),
            Body::PullRequest(_) => format!("!{subject}"),
            _ => id,
        };
        timeline.names.insert(event.key(), name);
        timeline.events.push(event);
    }
    timeline
}

/// The time that the words begin with, and how many words it took.
fn time(words: &[&str]) -> Option<(DateTime<Utc>, usize)> {
    let day = words.first()?.strip_prefix('d');
    let day = day.and_then(|day| day.parse::<i64>().ok());
    let used = usize::from(day.is_some());
    let (hours, minutes) = words.get(used)?.split_once(':')?;
    let at = midnight()
        + TimeDelta::days(day.unwrap_or(1) - 1)
        + TimeDelta::hours(hours.parse().ok()?)
        + TimeDelta::minutes(minutes.parse().ok()?);
    Some((at, used + 1))
}

struct Said<'a> {
    words: &'a [&'a str],
    line: &'a str,
}

impl Said<'_> {
    fn after(&self, word: &str) -> Option<&[&str]> {
        let at = self.words.iter().position(|other| *other == word)?;
        Some(&self.words[at + 1..])
    }

    fn has(&self, word: &str) -> bool {
        self.words.contains(&word)
    }

    fn value(&self, word: &str) -> Option<&str> {
        self.after(word).map(|rest| {
            *rest
                .first()
                .unwrap_or_else(|| panic!("no value: `{}`", self.line))
        })
    }

    fn text(&self, word: &str) -> Option<Text> {
        self.value(word).map(Text::from)
    }

    fn list(&self, word: &str) -> Vec<&str> {
        self.value(word)
            .map(|list| list.split(',').collect())
            .unwrap_or_default()
    }

    fn at(&self, word: &str) -> Option<DateTime<Utc>> {
        let rest = self.after(word)?;
        let (at, _) = time(rest).unwrap_or_else(|| panic!("no time: `{}`", self.line));
        Some(at)
    }

    fn repository(&self) -> Repository {
        self.value("in").unwrap_or("host/acme/shop").into()
    }

    fn labels(&self) -> Labels {
        Labels::from_names(self.list("label"))
    }

    fn commit(
        &self,
        name: &str,
        at: DateTime<Utc>,
        tips: &mut BTreeMap<String, String>,
    ) -> (String, Body) {
        let repository = self.repository();
        let tip = tips.get(repository.as_str()).cloned();
        let mut parents: Vec<&str> = match &tip {
            Some(tip) if !self.has("root") => vec![tip],
            _ => Vec::new(),
        };
        if self.has("after") {
            parents = self.list("after");
        }
        let commit = Commit {
            repository: repository.clone(),
            hash: hash(name),
            parents: parents.into_iter().map(hash).collect(),
            authored_at: self.at("authored"),
            committed_at: at,
            author: self.text("by"),
            branch: None,
            default_branch: !self.has("branch"),
            message: None,
            reverts: self.list("reverts").into_iter().map(hash).collect(),
            picked_from: self.value("picks").map(hash),
            pull_request: self.value("pr").map(|number| number.parse().unwrap()),
            paths: self.list("paths").into_iter().map(Text::from).collect(),
        };
        tips.insert(repository.to_string(), name.to_owned());
        let body = Body::Commit(commit);
        (body.natural_id().unwrap().to_string(), body)
    }

    fn outcome(&self) -> Outcome {
        match () {
            () if self.has("failed") => Outcome::Failed,
            () if self.has("cancelled") => Outcome::Cancelled,
            () if self.has("running") => Outcome::Running,
            () => Outcome::Succeeded,
        }
    }

    fn deploy(&self, commit: &str, at: DateTime<Utc>, number: usize) -> (String, Body) {
        let mut place = self.value("on").unwrap_or("").split('/');
        let mut next = || place.next().filter(|part| !part.is_empty());
        let deployment = Deployment {
            environment: self.value("to").map(Into::into),
            cluster: next().map(Into::into),
            namespace: next().map(Text::from),
            workload: next().map(Text::from),
            repository: self.value("in").map(Into::into),
            started_at: self.at("started"),
            finished_at: Some(at),
            outcome: self.outcome(),
            commit: (commit != "-").then(|| hash(commit)),
            images: self.list("image").into_iter().map(digest).collect(),
            version: self.text("version"),
            labels: self.labels(),
            rollback: self.has("rollback"),
            fixes: self.text("fixes"),
            ..Deployment::default()
        };
        let id = self.value("id").map(str::to_owned);
        let id = id.unwrap_or_else(|| format!("D{number}"));
        (id, Body::Deployment(deployment))
    }

    fn incident(&self, id: &str, at: DateTime<Utc>) -> (String, Body) {
        let incident = Incident {
            application: None,
            environment: self.value("to").map(Into::into),
            repository: None,
            project: None,
            components: Vec::new(),
            opened_at: at,
            resolved_at: self.at("resolved"),
            updated_at: None,
            severity: self.text("severity"),
            user_facing: self.has("user-facing"),
            title: None,
            labels: self.labels(),
            duplicate_of: self.value("repeats").map(Into::into),
            deployment: self.text("names"),
            commit: self.value("commit").map(hash),
        };
        (id.to_owned(), Body::Incident(incident))
    }

    fn build(&self, commit: &str, at: DateTime<Utc>, number: usize) -> (String, Body) {
        let build = Build {
            repository: self.repository(),
            commit: hash(commit),
            pipeline: self.text("pipeline"),
            started_at: None,
            finished_at: Some(at),
            outcome: self.outcome(),
            images: self.list("image").into_iter().map(digest).collect(),
            tags: Vec::new(),
        };
        (format!("B{number}"), Body::Build(build))
    }

    fn merge(&self, number: &str, at: DateTime<Utc>) -> (String, Body) {
        let merged_at = (!self.has("open")).then_some(at);
        let request = PullRequest {
            repository: self.repository(),
            number: number.parse().unwrap(),
            head: None,
            head_branch: self.text("branch-name"),
            base: self.text("base"),
            merge_commit: self.value("as").map(hash),
            squash_commit: self.value("squashed-as").map(hash),
            commits: self.list("of").into_iter().map(hash).collect(),
            opened_at: self.at("opened"),
            first_commit_at: self.at("first"),
            first_review_at: self.at("reviewed"),
            approved_at: self.at("approved"),
            merged_at,
            closed_at: merged_at,
            author: self.text("by"),
            labels: self.labels(),
            title: None,
            bot: false,
            reverts: self.value("reverts").map(|number| number.parse().unwrap()),
        };
        let body = Body::PullRequest(request);
        (body.natural_id().unwrap().to_string(), body)
    }

    fn release(&self, tag: &str, at: DateTime<Utc>, is_tag: bool) -> (String, Body) {
        let release = Release {
            repository: self.repository(),
            tag: tag.into(),
            commit: hash(self.value("of").unwrap()),
            tagged_at: is_tag.then_some(at),
            published_at: (!is_tag).then_some(at),
            prerelease: false,
        };
        (tag.to_owned(), Body::Release(release))
    }

    fn verdict(&self, statement: &str, at: DateTime<Utc>, number: usize) -> (String, Body) {
        let statement = match statement {
            "failed" => Statement::Failed,
            "not_failed" => Statement::NotFailed,
            "caused_by" => Statement::CausedBy,
            "hotfix" => Statement::Hotfix,
            "not_an_incident" => Statement::NotAnIncident,
            "unlink" => Statement::Unlink,
            _ => panic!("`{}`", self.line),
        };
        let verdict = Verdict {
            target: EventId::from(self.value("on").unwrap()),
            statement,
            cause: self.value("cause").map(Into::into),
            author: None,
            at,
            reason: None,
        };
        (format!("V{number}"), Body::Verdict(verdict))
    }
}

fn digest(name: &str) -> Text {
    if name.contains(':') {
        return name.into();
    }
    format!("quay.io/acme/shop@sha256:{name}").into()
}
