//! Commits, pull requests and builds of the story.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use smallvec::SmallVec;

use super::estate::Integration;
use super::story::{Act, Landed, Mending, Request, Story};
use crate::model::{
    Body, Build, Commit, CommitHash, Labels, Outcome, PullRequest, Repository, Text,
};

impl Story<'_> {
    fn repository(&self) -> Repository {
        Repository::from(self.profile.repository())
    }

    /// The commit that was there before the story.
    pub(super) fn root(&mut self, at: DateTime<Utc>) -> usize {
        let at = at.trunc_subsecs(0);
        let hash = self.hash();
        self.tell_commit(hash, &[], (at, at), self.profile.people[0], "Begin", None);
        self.land(Landed {
            hash,
            at,
            change: hash,
            request: None,
        })
    }

    fn land(&mut self, landed: Landed) -> usize {
        self.main.push(landed);
        self.main.len() - 1
    }

    pub(super) fn open(&mut self, _: DateTime<Utc>, request: usize) {
        self.requests[request].number = self.next_number;
        self.next_number += 1;
        let Request {
            merged_at, hashes, ..
        } = &self.requests[request];
        let (merged_at, head) = (*merged_at, hashes[hashes.len() - 1]);
        let started_at = self.requests[request].opened_at + TimeDelta::seconds(20);
        let outcome = if self.random.chance(0.12) {
            Outcome::Failed
        } else {
            Outcome::Succeeded
        };
        self.tell_build(head, "pull-request", started_at, outcome);
        // Few are given up.
        if self.requests[request].mends.is_some() || !self.random.chance(0.03) {
            self.then(merged_at, Act::Merge(request));
        }
    }

    pub(super) fn merge(&mut self, at: DateTime<Utc>, request: usize) {
        let asked = self.requests[request].clone();
        let tip = self.main[self.main.len() - 1].hash;
        let reverted = match asked.mends {
            Some(Mending::Revert { release }) => Some(self.main[self.released[release].commit]),
            Some(Mending::Hotfix { .. }) | None => None,
        };
        let reverts = reverted.map(|landed| landed.change);
        let landed = match self.profile.integration {
            Integration::Squash => {
                let hash = self.hash();
                let message = format!("{} (#{})", asked.title, asked.number);
                let written = asked.written[0];
                self.tell_commit(hash, &[tip], (written, at), asked.author, &message, reverts);
                Landed {
                    hash,
                    at,
                    change: hash,
                    request: Some(request),
                }
            }
            Integration::Merge => {
                // The branch begins at what was the main branch's tip then.
                let began_at = asked.written[0];
                let base = self.main.iter().rev().find(|landed| landed.at <= began_at);
                let mut parent = base.map_or(self.main[0].hash, |landed| landed.hash);
                for (hash, written) in asked.hashes.iter().zip(&asked.written) {
                    self.tell_commit(
                        *hash,
                        &[parent],
                        (*written, *written),
                        asked.author,
                        &asked.title,
                        reverts,
                    );
                    parent = *hash;
                }
                let hash = self.hash();
                let message = format!(
                    "Merge pull request #{} from acme/{}",
                    asked.number, asked.branch
                );
                self.tell_commit(hash, &[tip, parent], (at, at), asked.author, &message, None);
                Landed {
                    hash,
                    at,
                    change: parent,
                    request: Some(request),
                }
            }
        };
        self.tell_request(request, Some(landed.hash));
        let commit = self.land(landed);
        let takes = self.minutes(8.0, 0.3);
        self.then(
            at + takes,
            Act::Built {
                commit,
                is_retry: false,
            },
        );
    }

    pub(super) fn built(&mut self, at: DateTime<Utc>, commit: usize, is_retry: bool) {
        let hash = self.main[commit].hash;
        let outcome = if !is_retry && self.random.chance(0.06) {
            Outcome::Failed
        } else {
            Outcome::Succeeded
        };
        let started_at = if is_retry {
            at - TimeDelta::minutes(8)
        } else {
            self.main[commit].at + TimeDelta::seconds(15)
        };
        let finished_at = at.max(started_at + TimeDelta::seconds(30));
        self.tell_finished_build(hash, "main", started_at, finished_at, outcome);
        if outcome == Outcome::Failed {
            let wait = self.minutes(25.0, 0.7);
            self.then(
                finished_at + wait,
                Act::Built {
                    commit,
                    is_retry: true,
                },
            );
        } else {
            let wait = self.minutes(1.5, 0.3);
            self.then(finished_at + wait, Act::Stage { commit });
        }
    }

    fn tell_build(
        &mut self,
        hash: CommitHash,
        pipeline: &str,
        started_at: DateTime<Utc>,
        outcome: Outcome,
    ) {
        let finished_at = started_at + self.minutes(9.0, 0.4);
        self.tell_finished_build(hash, pipeline, started_at, finished_at, outcome);
    }

    fn tell_finished_build(
        &mut self,
        commit: CommitHash,
        pipeline: &str,
        started_at: DateTime<Utc>,
        finished_at: DateTime<Utc>,
        outcome: Outcome,
    ) {
        if started_at >= self.range.end {
            return;
        }
        let finished_at = self.past(finished_at.trunc_subsecs(0));
        let has_image =
            pipeline == "main" && outcome == Outcome::Succeeded && finished_at.is_some();
        self.events.push(Body::Build(Build {
            repository: self.repository(),
            commit,
            pipeline: Some(pipeline.into()),
            started_at: Some(started_at),
            finished_at,
            outcome: if finished_at.is_some() {
                outcome
            } else {
                Outcome::Running
            },
            images: if has_image {
                vec![self.image(commit)]
            } else {
                Vec::new()
            },
            tags: Vec::new(),
        }));
    }

    /// The image of a commit: its digest is made of the hash, so that builds and deployments agree.
    pub(super) fn image(&self, commit: CommitHash) -> Text {
        let hash = commit.to_string();
        format!(
            "quay.io/acme/{}@sha256:{hash}{}",
            self.profile.name,
            &hash[..24]
        )
        .into()
    }

    pub(super) fn title_of(&self, commit: usize) -> String {
        self.main[commit].request.map_or_else(
            || "Begin".to_owned(),
            |request| self.requests[request].title.clone(),
        )
    }

    fn tell_commit(
        &mut self,
        hash: CommitHash,
        parents: &[CommitHash],
        (authored_at, committed_at): (DateTime<Utc>, DateTime<Utc>),
        author: &str,
        message: &str,
        reverts: Option<CommitHash>,
    ) {
        let named = message
            .split_once("request #")
            .or_else(|| message.rsplit_once("(#"));
        let digits = named.map(|(_, rest)| rest.split([' ', ')']).next().unwrap_or(rest));
        // A message that names no number has none.
        let number = digits.and_then(|digits| digits.parse().ok());
        self.events.push(Body::Commit(Commit {
            repository: self.repository(),
            hash,
            parents: parents.iter().copied().collect(),
            authored_at: (authored_at != committed_at).then_some(authored_at),
            committed_at,
            author: Some(author.into()),
            branch: Some("main".into()),
            default_branch: true,
            message: Some(message.into()),
            reverts: reverts.into_iter().collect::<SmallVec<_>>(),
            picked_from: None,
            pull_request: number,
            paths: Vec::new(),
        }));
    }

    fn tell_request(&mut self, request: usize, landed_as: Option<CommitHash>) {
        let asked = &self.requests[request];
        let is_squash = self.profile.integration == Integration::Squash;
        let labels: &[&str] = match asked.mends {
            Some(Mending::Hotfix { .. }) => &["hotfix"],
            Some(Mending::Revert { .. }) => &[],
            None if asked.is_bot => &["dependencies"],
            None => &[],
        };
        let reverts = match asked.mends {
            Some(Mending::Revert { release }) => self.main[self.released[release].commit]
                .request
                .map(|reverted| self.requests[reverted].number),
            Some(Mending::Hotfix { .. }) | None => None,
        };
        let merged_at = landed_as.map(|_| asked.merged_at);
        self.events.push(Body::PullRequest(PullRequest {
            repository: self.repository(),
            number: asked.number,
            head: asked.hashes.last().copied(),
            head_branch: Some(asked.branch.as_str().into()),
            base: Some("main".into()),
            merge_commit: landed_as.filter(|_| !is_squash),
            squash_commit: landed_as.filter(|_| is_squash),
            commits: asked.hashes.clone(),
            opened_at: Some(asked.opened_at),
            first_commit_at: asked.written.first().copied(),
            first_review_at: self.past(asked.reviewed_at),
            approved_at: self.past(asked.approved_at),
            merged_at,
            closed_at: merged_at,
            author: Some(asked.author.into()),
            labels: Labels::from_names(labels.iter().copied()),
            title: Some(asked.title.as_str().into()),
            bot: asked.is_bot,
            reverts,
        }));
    }

    /// Pull requests that nobody merged: given up after a month, or still open.
    pub(super) fn tell_open_requests(&mut self) {
        let merged: Vec<Option<usize>> = self.main.iter().map(|landed| landed.request).collect();
        for request in 0..self.requests.len() {
            if self.requests[request].number == 0 || merged.contains(&Some(request)) {
                continue;
            }
            self.tell_request(request, None);
            let closed_at = self.past(self.requests[request].merged_at + TimeDelta::days(30));
            if let Some(Body::PullRequest(told)) = self.events.last_mut() {
                told.closed_at = closed_at;
            }
        }
    }
}
