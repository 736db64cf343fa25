//! An organisation: repositories with commits, pull requests, pipeline runs, releases and deployments.
//!
//! Made from numbers alone, so that two runs hold the same; `materialise` makes a real Git repository of one of them.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

/// How much an organisation holds.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub repositories: usize,
    /// Pull requests of each repository; each brings five commits to the default branch and has one pipeline run.
    pub pull_requests: usize,
}

/// What the issue asks efficiency for: 200 repositories, 100,000 commits, 20,000 pull requests, 20,000 runs.
pub const YEAR_OF_200: Size = Size {
    repositories: 200,
    pull_requests: 100,
};

/// The same in small, for `make test`.
pub const YEAR_OF_12: Size = Size {
    repositories: 12,
    pull_requests: 30,
};

#[derive(Clone, Debug)]
pub struct Estate {
    /// The organisation, group, workspace or project.
    pub owner: String,
    pub repositories: Vec<Repository>,
}

#[derive(Clone, Debug)]
pub struct Repository {
    pub id: u64,
    pub owner: String,
    pub name: String,
    pub is_archived: bool,
    pub is_fork: bool,
    /// Those of the default branch, `main`, oldest first, then those that only pull requests hold.
    pub commits: Vec<Commit>,
    /// The tip of `main`; `None` for an empty repository.
    pub head: Option<String>,
    pub pull_requests: Vec<PullRequest>,
    pub runs: Vec<Run>,
    pub releases: Vec<Release>,
    pub deployments: Vec<Deployment>,
    /// When anything last happened in it.
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug)]
pub struct Commit {
    pub hash: String,
    pub parents: Vec<String>,
    pub authored_at: DateTime<Utc>,
    pub committed_at: DateTime<Utc>,
    pub author: String,
    pub message: String,
    /// Whether `main` holds it.
    pub is_on_main: bool,
}

#[derive(Clone, Debug)]
pub struct PullRequest {
    pub id: u64,
    pub number: u64,
    pub title: String,
    pub author: String,
    pub head_branch: String,
    /// Its own commits, oldest first.
    pub commits: Vec<String>,
    pub opened_at: DateTime<Utc>,
    pub first_review_at: Option<DateTime<Utc>>,
    pub approved_at: Option<DateTime<Utc>>,
    pub merged_at: Option<DateTime<Utc>>,
    /// What merged it into `main`.
    pub merge_commit: Option<String>,
    pub is_squashed: bool,
    pub labels: Vec<String>,
    pub updated_at: DateTime<Utc>,
}

/// A pipeline run of `main`.
#[derive(Clone, Debug)]
pub struct Run {
    pub id: u64,
    pub pipeline: String,
    pub commit: String,
    /// When it was asked for, before a machine took it up.
    #[allow(dead_code, reason = "only some systems tell")]
    pub created_at: DateTime<Utc>,
    pub started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
    pub is_successful: bool,
}

#[derive(Clone, Debug)]
pub struct Release {
    pub id: u64,
    pub tag: String,
    pub commit: String,
    pub published_at: DateTime<Utc>,
}

#[derive(Clone, Debug)]
pub struct Deployment {
    pub id: u64,
    pub environment: String,
    pub commit: String,
    pub started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
    pub is_successful: bool,
}

/// An instant as RFC 3339.
pub fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The estate with a pull request that was opened an hour before its time and is still open in its first repository, and
/// the same an hour after it, when that was merged.
pub fn one_is_open(before: Estate, now: DateTime<Utc>) -> (Estate, Estate) {
    let mut merged = before.clone();
    let number = 901;
    merged.repositories[0].add_pull_request(number, now - TimeDelta::hours(1));
    let mut open = merged.clone();
    let (was, is) = (&before.repositories[0], &mut open.repositories[0]);
    is.head = was.head.clone();
    is.runs = was.runs.clone();
    is.updated_at = now - TimeDelta::hours(1);
    let own: Vec<String> = is
        .pull_requests
        .last()
        .expect("it was added")
        .commits
        .clone();
    for commit in &mut is.commits {
        commit.is_on_main &= was.commits.iter().any(|old| old.hash == commit.hash);
    }
    is.commits.retain(|commit| {
        commit.is_on_main
            || was.commits.iter().any(|old| old.hash == commit.hash)
            || own.contains(&commit.hash)
    });
    let request = is.pull_requests.last_mut().expect("it was added");
    (request.merged_at, request.merge_commit) = (None, None);
    (request.first_review_at, request.approved_at) = (None, None);
    request.updated_at = request.opened_at;
    (open, merged)
}

fn hash_of(repository: u64, number: usize) -> String {
    // A hash's letters do not matter, only that no two are the same, nor their first twelve digits within a repository.
    let scattered = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{scattered:016x}{:024x}", 0x1000_0000_u64 + repository)
}

impl Estate {
    /// An organisation with a history of the year before `now`.
    pub fn of(owner: &str, size: Size, now: DateTime<Utc>) -> Self {
        let repositories = (0..size.repositories)
            .map(|at| Repository::of(owner, at as u64 + 1, size.pull_requests, now))
            .collect();
        Self {
            owner: owner.to_owned(),
            repositories,
        }
    }

    /// The same facts as lines of the `events` source, of the types that are named (`commit`, `pull_request`, `build`,
    /// `release`, `deployment`), under `<host>/<owner>/<name>`.
    pub fn events(&self, host: &str, types: &[&str]) -> String {
        let lines = self
            .repositories
            .iter()
            .flat_map(|repository| repository.events(host))
            .filter(|line| types.contains(&line["type"].as_str().expect("a type")));
        lines.map(|line| format!("{line}\n")).collect()
    }
}

impl Repository {
    fn of(owner: &str, id: u64, pull_requests: usize, now: DateTime<Utc>) -> Self {
        let name = format!("service-{id:03}");
        let mut made = Self {
            id,
            owner: owner.to_owned(),
            name,
            is_archived: false,
            is_fork: false,
            commits: Vec::new(),
            head: None,
            pull_requests: Vec::new(),
            runs: Vec::new(),
            releases: Vec::new(),
            deployments: Vec::new(),
            updated_at: now - TimeDelta::days(365),
        };
        // Repositories start at different hours, so that no two are alike.
        let start = now - TimeDelta::days(364) + TimeDelta::minutes(id as i64 * 37);
        let step = TimeDelta::days(360) / pull_requests.max(1) as i32;
        for number in 1..=pull_requests {
            made.add_pull_request(number as u64, start + step * (number as i32 - 1));
        }
        made
    }

    fn commit(
        &mut self,
        parents: Vec<String>,
        at: DateTime<Utc>,
        message: String,
        is_on_main: bool,
    ) -> String {
        let hash = hash_of(self.id, self.commits.len());
        let authors = ["ann", "ben", "cleo", "dan"];
        let author = authors[self.commits.len() % authors.len()];
        self.commits.push(Commit {
            hash: hash.clone(),
            parents,
            authored_at: at - TimeDelta::minutes(5),
            committed_at: at,
            author: author.to_owned(),
            message,
            is_on_main,
        });
        hash
    }

    /// A pull request, merged two hours after it was opened, with its run; every fifth is released and deployed.
    ///
    /// Three of four are merged by a merge commit of four own commits; the fourth is squashed, and four commits that were
    /// pushed to `main` go before it. Every tenth is a hotfix.
    pub fn add_pull_request(&mut self, number: u64, opened_at: DateTime<Utc>) {
        let is_squashed = number.is_multiple_of(4);
        let is_hotfix = number.is_multiple_of(10);
        let head_branch = if is_hotfix {
            format!("hotfix/{number}")
        } else {
            format!("feature/{number}")
        };
        let title = format!("Change {number} of {}", self.name);
        let merged_at = opened_at + TimeDelta::hours(2);
        let mut base = self.head.clone();
        if is_squashed {
            for part in 0..4 {
                let at = opened_at - TimeDelta::minutes(60 - part * 10);
                base = Some(self.commit(
                    base.into_iter().collect(),
                    at,
                    format!("Pushed {number}.{part}"),
                    true,
                ));
            }
        }
        let mut tip = base.clone();
        let mut own = Vec::new();
        for part in 0..4 {
            let at = opened_at - TimeDelta::minutes(10 - part);
            let hash = self.commit(
                tip.into_iter().collect(),
                at,
                format!("Work {number}.{part}"),
                !is_squashed,
            );
            own.push(hash.clone());
            tip = Some(hash);
        }
        let (parents, message) = if is_squashed {
            (base.into_iter().collect(), format!("{title} (#{number})"))
        } else {
            let parents: Vec<String> = base.into_iter().chain(tip).collect();
            (
                parents,
                format!(
                    "Merge pull request #{number} from {}/{head_branch}\n\n{title}",
                    self.owner
                ),
            )
        };
        let merge_commit = self.commit(parents, merged_at, message, true);
        self.head = Some(merge_commit.clone());
        self.pull_requests.push(PullRequest {
            id: self.id * 100_000 + number,
            number,
            title,
            author: "ann".to_owned(),
            head_branch,
            commits: own,
            opened_at,
            first_review_at: Some(opened_at + TimeDelta::minutes(30)),
            approved_at: Some(opened_at + TimeDelta::minutes(90)),
            merged_at: Some(merged_at),
            merge_commit: Some(merge_commit.clone()),
            is_squashed,
            labels: if is_hotfix {
                vec!["hotfix".to_owned()]
            } else {
                Vec::new()
            },
            updated_at: merged_at,
        });
        let is_successful = !number.is_multiple_of(9);
        self.runs.push(Run {
            id: self.id * 100_000 + number,
            pipeline: "build".to_owned(),
            commit: merge_commit.clone(),
            created_at: merged_at + TimeDelta::minutes(1),
            started_at: merged_at + TimeDelta::minutes(2),
            finished_at: merged_at + TimeDelta::minutes(12),
            is_successful,
        });
        self.updated_at = merged_at + TimeDelta::minutes(12);
        if number.is_multiple_of(5) {
            self.releases.push(Release {
                id: self.id * 100_000 + number,
                tag: format!("v1.{number}.0"),
                commit: merge_commit.clone(),
                published_at: merged_at + TimeDelta::minutes(20),
            });
            self.deployments.push(Deployment {
                id: self.id * 100_000 + number,
                environment: "production".to_owned(),
                commit: merge_commit,
                started_at: merged_at + TimeDelta::minutes(21),
                finished_at: merged_at + TimeDelta::minutes(30),
                is_successful: !number.is_multiple_of(25),
            });
            self.updated_at = merged_at + TimeDelta::minutes(30);
        }
    }

    pub fn commit_of(&self, hash: &str) -> &Commit {
        self.commits
            .iter()
            .find(|commit| commit.hash == hash)
            .expect("a commit of this repository")
    }

    /// Those that `main` holds, newest first, as hosts list them.
    pub fn main_newest_first(&self) -> Vec<&Commit> {
        let mut commits: Vec<_> = self
            .commits
            .iter()
            .filter(|commit| commit.is_on_main)
            .collect();
        commits.sort_by(|one, other| {
            other
                .committed_at
                .cmp(&one.committed_at)
                .then(other.hash.cmp(&one.hash))
        });
        commits
    }

    /// The commits of `main` that are no ancestors of a commit, newest first.
    pub fn between(&self, known: &str) -> Vec<&Commit> {
        let by_hash: HashMap<&str, &Commit> = self
            .commits
            .iter()
            .map(|commit| (commit.hash.as_str(), commit))
            .collect();
        let ancestors = |of: &str| {
            let mut seen = std::collections::HashSet::new();
            let mut open = vec![of.to_owned()];
            while let Some(hash) = open.pop() {
                if seen.insert(hash.clone()) {
                    open.extend(by_hash[hash.as_str()].parents.iter().cloned());
                }
            }
            seen
        };
        let old = ancestors(known);
        let new = self.head.as_deref().map(ancestors).unwrap_or_default();
        self.main_newest_first()
            .into_iter()
            .filter(|commit| new.contains(&commit.hash) && !old.contains(&commit.hash))
            .collect()
    }

    fn events(&self, host: &str) -> Vec<Value> {
        let repository = format!("{host}/{}/{}", self.owner, self.name);
        let mut lines: Vec<Value> = Vec::new();
        for commit in &self.commits {
            lines.push(json!({
                "type": "commit", "repository": repository, "hash": commit.hash, "parents": commit.parents,
                "authored_at": rfc3339(commit.authored_at), "committed_at": rfc3339(commit.committed_at),
                "default_branch": commit.is_on_main, "message": commit.message.lines().next(),
            }));
        }
        for request in &self.pull_requests {
            let merge = if request.is_squashed {
                "squash_commit"
            } else {
                "merge_commit"
            };
            let first = request
                .commits
                .iter()
                .map(|hash| self.commit_of(hash).committed_at)
                .min();
            lines.push(json!({
                "type": "pull_request", "repository": repository, "number": request.number, "title": request.title,
                "head": request.commits.last(), "head_branch": request.head_branch, "base": "main", "commits": request.commits,
                "opened_at": rfc3339(request.opened_at), "first_commit_at": first.map(rfc3339),
                "first_review_at": request.first_review_at.map(rfc3339), "approved_at": request.approved_at.map(rfc3339),
                "merged_at": request.merged_at.map(rfc3339), "closed_at": request.merged_at.map(rfc3339),
                "labels": request.labels, merge: request.merge_commit,
            }));
        }
        for run in &self.runs {
            lines.push(json!({
                "type": "build", "id": format!("build:{}", run.id), "repository": repository, "commit": run.commit, "pipeline": run.pipeline,
                "started_at": rfc3339(run.started_at), "finished_at": rfc3339(run.finished_at),
                "outcome": if run.is_successful { "succeeded" } else { "failed" },
            }));
        }
        for release in &self.releases {
            let tagged_at = rfc3339(self.commit_of(&release.commit).committed_at);
            lines.push(json!({
                "type": "release", "repository": repository, "tag": release.tag, "commit": release.commit,
                "tagged_at": tagged_at, "published_at": rfc3339(release.published_at),
            }));
        }
        for deployment in &self.deployments {
            lines.push(json!({
                "type": "deployment", "id": format!("deployment:{}", deployment.id), "repository": repository, "environment": deployment.environment, "commit": deployment.commit,
                "started_at": rfc3339(deployment.started_at), "finished_at": rfc3339(deployment.finished_at),
                "outcome": if deployment.is_successful { "succeeded" } else { "failed" },
            }));
        }
        lines
    }

    /// Makes a real bare Git repository of it in the folder, and takes over the hashes that Git gave: `main`, a branch for
    /// what was squashed, a light tag a release.
    pub fn materialise(&mut self, folder: &Path) {
        let git = |arguments: &[&str]| {
            let status = Command::new("git")
                .args(arguments)
                .current_dir(folder)
                .status()
                .expect("git runs");
            assert!(status.success(), "git {arguments:?}");
        };
        std::fs::create_dir_all(folder).expect("a folder");
        git(&["init", "--quiet", "--bare", "--initial-branch=main", "."]);
        let marks: HashMap<&str, usize> = self
            .commits
            .iter()
            .enumerate()
            .map(|(at, commit)| (commit.hash.as_str(), at + 1))
            .collect();
        let mut script = String::new();
        for (at, commit) in self.commits.iter().enumerate() {
            let branch = format!("refs/heads/work-{}", at + 1);
            script += &format!("commit {branch}\nmark :{}\n", at + 1);
            script += &format!(
                "author {0} <{0}@acme.example> {1} +0000\n",
                commit.author,
                commit.authored_at.timestamp()
            );
            script += &format!(
                "committer {0} <{0}@acme.example> {1} +0000\n",
                commit.author,
                commit.committed_at.timestamp()
            );
            script += &format!("data {}\n{}\n", commit.message.len(), commit.message);
            for (place, parent) in commit.parents.iter().enumerate() {
                let word = if place == 0 { "from" } else { "merge" };
                script += &format!("{word} :{}\n", marks[parent.as_str()]);
            }
            let text = format!("{at}\n");
            script += &format!("M 100644 inline file\ndata {}\n{text}\n", text.len());
        }
        if let Some(head) = &self.head {
            script += &format!("reset refs/heads/main\nfrom :{}\n\n", marks[head.as_str()]);
        }
        for release in &self.releases {
            script += &format!(
                "reset refs/tags/{}\nfrom :{}\n\n",
                release.tag,
                marks[release.commit.as_str()]
            );
        }
        let mut importing = Command::new("git")
            .args(["fast-import", "--quiet", "--export-marks=marks"])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .spawn()
            .expect("git fast-import runs");
        importing
            .stdin
            .take()
            .expect("a pipe")
            .write_all(script.as_bytes())
            .expect("git reads");
        assert!(importing.wait().expect("git ends").success());
        // Only `main` and the tags stay, as on a host that deletes merged branches.
        for at in 1..=self.commits.len() {
            git(&["update-ref", "-d", &format!("refs/heads/work-{at}")]);
        }
        let written = std::fs::read_to_string(folder.join("marks")).expect("marks");
        let given: HashMap<usize, String> = written
            .lines()
            .filter_map(|line| line.strip_prefix(':')?.split_once(' '))
            .map(|(mark, hash)| (mark.parse().expect("a mark"), hash.to_owned()))
            .collect();
        let renamed: HashMap<String, String> = self
            .commits
            .iter()
            .enumerate()
            .map(|(at, commit)| (commit.hash.clone(), given[&(at + 1)].clone()))
            .collect();
        self.rename(&renamed);
    }

    fn rename(&mut self, renamed: &HashMap<String, String>) {
        let rename = |hash: &mut String| *hash = renamed[hash.as_str()].clone();
        for commit in &mut self.commits {
            rename(&mut commit.hash);
            commit.parents.iter_mut().for_each(rename);
        }
        self.head.iter_mut().for_each(rename);
        for request in &mut self.pull_requests {
            request.commits.iter_mut().for_each(rename);
            request.merge_commit.iter_mut().for_each(rename);
        }
        self.runs.iter_mut().for_each(|run| rename(&mut run.commit));
        self.releases
            .iter_mut()
            .for_each(|release| rename(&mut release.commit));
        self.deployments
            .iter_mut()
            .for_each(|deployment| rename(&mut deployment.commit));
    }
}
