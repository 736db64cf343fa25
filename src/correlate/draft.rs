//! One environment under work: its rollouts, joined into deployments and linked to commits (definitions, section 1).

use std::collections::HashMap;

use smallvec::SmallVec;

use super::builds::Builds;
use super::environment::Place;
use super::environment::tier_of;
use super::graph::Graph;
use super::material::Material;
use super::rollouts::{Rollout, Target, Version};
use super::truth::part_by_rank;
use super::{Flags, Input, NONE};
use crate::model::{Environment, Outcome, Tier, image_digest};

/// How long after another source's deployment a rollout may end and still be taken for the same, where neither says
/// more than its time.
const SAME_ROLLOUT_MILLISECONDS: i64 = 3_600_000;

/// One environment under work.
pub(super) struct Draft<'a> {
    pub environment: Environment,
    pub tier: Tier,
    /// Rollouts that went live and count, in order of time.
    pub rollouts: Vec<Rollout<'a>>,
    /// The deployment of each of them.
    pub deployment_of: Vec<u32>,
    /// Numbers of their targets and versions.
    pub target_of: Vec<u32>,
    pub version_of: Vec<u32>,
    /// Deployments in order of time.
    pub deployments: Vec<Deployed>,
    /// Rollouts that count and never went live, in order of time.
    pub failed: Vec<Rollout<'a>>,
    /// Rollouts that another source reports better, each with the deployment that it is.
    pub shadowed: Vec<(Rollout<'a>, Option<u32>)>,
}

/// A deployment under work.
#[derive(Clone, Debug)]
pub(super) struct Deployed {
    /// Its rollouts, the first first.
    pub rollouts: SmallVec<[u32; 1]>,
    pub started_at: i64,
    pub finished_at: i64,
    pub completed_at: i64,
    /// Its commit in the graph; `NONE` where unlinked.
    pub commit: u32,
    /// Its repository; of an unlinked one as far as it says.
    pub repository: u32,
    pub flags: Flags,
}

impl<'a> Draft<'a> {
    /// Parts, joins and links the rollouts of one environment.
    pub(super) fn of(
        environment: &Environment,
        rollouts: Vec<Rollout<'a>>,
        material: &Material<'a>,
        graph: &Graph<'a>,
        builds: &Builds<'a>,
        input: &Input<'a>,
    ) -> Self {
        let mut places: Vec<Place<'_>> = rollouts
            .iter()
            .map(|rollout| (rollout.target.cluster, rollout.target.namespace))
            .collect();
        places.sort_unstable();
        places.dedup();
        let tier = tier_of(environment, &places, input.rules);
        let (mut counted, shadowed) = part_by_rank(rollouts, input.sources);
        counted.retain(|rollout| rollout.outcome != Outcome::Running);
        let (live, failed) = counted.into_iter().partition(Rollout::succeeded);
        let mut draft = Self {
            environment: environment.clone(),
            tier,
            rollouts: live,
            deployment_of: Vec::new(),
            target_of: Vec::new(),
            version_of: Vec::new(),
            deployments: Vec::new(),
            failed,
            shadowed: Vec::new(),
        };
        draft.number();
        let window = input.rules.evidence.deployment_window.num_milliseconds();
        draft.join(window);
        for at in 0..draft.deployments.len() {
            draft.link(at, material, graph, builds);
        }
        draft.borrow(shadowed, window, material, graph, builds);
        draft
    }

    /// Whether nothing here ended yet, or counts.
    pub(super) fn is_empty(&self) -> bool {
        self.rollouts.is_empty() && self.failed.is_empty() && self.shadowed.is_empty()
    }

    /// The rollout that began a deployment.
    pub(super) fn first_rollout(&self, deployment: u32) -> &Rollout<'a> {
        let first = self.deployments[deployment as usize].rollouts[0];
        &self.rollouts[first as usize]
    }

    /// Gives targets and versions numbers.
    fn number(&mut self) {
        let mut targets = HashMap::<Target<'a>, u32>::new();
        let mut versions = HashMap::<&Version<'a>, u32>::new();
        for rollout in &self.rollouts {
            let next = targets.len() as u32;
            let target = *targets.entry(rollout.target).or_insert(next);
            self.target_of.push(target);
            let next = versions.len() as u32;
            let version = *versions.entry(&rollout.version).or_insert(next);
            self.version_of.push(version);
        }
    }

    /// Joins rollouts into deployments, in order of time.
    fn join(&mut self, window: i64) {
        let count = self.rollouts.len();
        let mut latest_of_version = vec![NONE; count];
        // By target: what is live there, and the deployment that put it there.
        let mut live = vec![(NONE, NONE); count];
        let mut was_live = std::collections::HashSet::<(u32, u32)>::new();
        for at in 0..count {
            let (target, version) = (self.target_of[at], self.version_of[at]);
            let rollout = &self.rollouts[at];
            let (live_version, replaced) = live[target as usize];
            let is_new_here = was_live.insert((target, version));
            let brings_back = !is_new_here && live_version != version;
            let latest = latest_of_version[version as usize];
            let joined = self.deployments.get(latest as usize).filter(|deployment| {
                let apart = rollout.started_at - deployment.started_at;
                let is_near = apart.abs() <= window;
                let is_taken = deployment
                    .rollouts
                    .iter()
                    .any(|other| self.target_of[*other as usize] == target);
                is_near && !is_taken && !(brings_back && latest < replaced)
            });
            let deployment = match joined {
                Some(_) => {
                    let deployment = &mut self.deployments[latest as usize];
                    deployment.rollouts.push(at as u32);
                    deployment.completed_at = deployment.completed_at.max(rollout.finished_at);
                    latest
                }
                None => {
                    self.deployments.push(Deployed {
                        rollouts: SmallVec::from_slice(&[at as u32]),
                        started_at: rollout.started_at,
                        finished_at: rollout.finished_at,
                        completed_at: rollout.finished_at,
                        commit: NONE,
                        repository: NONE,
                        flags: Flags::default(),
                    });
                    self.deployments.len() as u32 - 1
                }
            };
            latest_of_version[version as usize] = deployment;
            live[target as usize] = (version, deployment);
            self.deployment_of.push(deployment);
        }
    }

    fn link(&mut self, at: usize, material: &Material<'a>, graph: &Graph<'a>, builds: &Builds<'a>) {
        let rollouts = self.deployments[at].rollouts.clone();
        for rollout in rollouts {
            let rollout = &self.rollouts[rollout as usize];
            let repository = rollout
                .repository
                .and_then(|repository| material.repository(repository));
            let deployment = &mut self.deployments[at];
            if deployment.repository == NONE {
                deployment.repository = repository.unwrap_or(NONE);
            }
            if let Some(commit) = commit_of(rollout, material, graph, builds) {
                deployment.link_to(commit, graph);
                return;
            }
        }
    }

    /// Finds the deployment that each shadowed rollout is; it lends its commit where the deployment has none.
    fn borrow(
        &mut self,
        shadowed: Vec<Rollout<'a>>,
        window: i64,
        material: &Material<'a>,
        graph: &Graph<'a>,
        builds: &Builds<'a>,
    ) {
        let mut has_borrowed = vec![false; self.deployments.len()];
        for rollout in shadowed {
            if rollout.outcome == Outcome::Running {
                continue;
            }
            let commit = commit_of(&rollout, material, graph, builds);
            let twin = Some(&rollout)
                .filter(|rollout| rollout.succeeded())
                .and_then(|rollout| self.twin(rollout, commit, window, &has_borrowed));
            if let Some(twin) = twin {
                has_borrowed[twin as usize] = true;
                let deployment = &mut self.deployments[twin as usize];
                if deployment.commit == NONE
                    && let Some(commit) = commit
                {
                    deployment.link_to(commit, graph);
                }
            }
            self.shadowed.push((rollout, twin));
        }
    }

    /// The deployment that a shadowed rollout is: the nearest of its commit, images or version; else the nearest
    /// unlinked one that ended while it ran or within the hour after, and that is nobody else's twin.
    fn twin(
        &self,
        rollout: &Rollout<'a>,
        commit: Option<u32>,
        window: i64,
        has_borrowed: &[bool],
    ) -> Option<u32> {
        let from = rollout.finished_at.saturating_sub(window);
        let to = rollout.finished_at.saturating_add(window);
        let first = self
            .deployments
            .partition_point(|one| one.finished_at < from);
        let end = self
            .deployments
            .partition_point(|one| one.finished_at <= to);
        let distance = |at: &usize| {
            let apart = self.deployments[*at].finished_at - rollout.finished_at;
            (apart.abs(), *at)
        };
        let same = (first..end)
            .filter(|at| self.is_same(*at, rollout, commit))
            .min_by_key(distance);
        let by_time = |at: &usize| {
            let deployment = &self.deployments[*at];
            let is_meanwhile = rollout.started_at <= deployment.finished_at
                && deployment.finished_at <= rollout.finished_at + SAME_ROLLOUT_MILLISECONDS;
            deployment.commit == NONE && !has_borrowed[*at] && is_meanwhile
        };
        let found = same.or_else(|| {
            commit?;
            (first..end).filter(by_time).min_by_key(distance)
        });
        found.map(|at| at as u32)
    }

    fn is_same(&self, deployment: usize, rollout: &Rollout<'a>, commit: Option<u32>) -> bool {
        let deployment = &self.deployments[deployment];
        if commit.is_some_and(|commit| commit == deployment.commit) {
            return true;
        }
        deployment.rollouts.iter().any(|other| {
            let other = &self.rollouts[*other as usize];
            let digests = |rollout: &Rollout<'a>| {
                let images = rollout.images.iter();
                images
                    .filter_map(|image| image_digest(image))
                    .collect::<Vec<_>>()
            };
            let has_same_image = || {
                let ours = digests(rollout);
                !ours.is_empty() && digests(other).iter().any(|digest| ours.contains(digest))
            };
            let is_same_version = other.version == rollout.version;
            let is_same_name = other.named.is_some() && other.named == rollout.named;
            is_same_version || is_same_name || has_same_image()
        })
    }
}

impl Deployed {
    fn link_to(&mut self, commit: u32, graph: &Graph<'_>) {
        self.commit = commit;
        self.repository = graph.repository[commit as usize];
        self.flags.set(Flags::LINKED);
    }
}

/// The known commit of a rollout: its own, else the one its images were built of, else the one its version tags.
fn commit_of<'a>(
    rollout: &Rollout<'a>,
    material: &Material<'a>,
    graph: &Graph<'a>,
    builds: &Builds<'a>,
) -> Option<u32> {
    let number = |repository| material.repository(repository);
    let near = rollout.repository.and_then(number);
    if let Some(hash) = &rollout.commit {
        return graph.find_anywhere(near, hash);
    }
    let by_image = builds.commit_of_images(rollout.images, rollout.repository);
    let by_tag = || builds.commit_of_tag(rollout.named?);
    let (repository, hash) = by_image.or_else(by_tag)?;
    graph.find_anywhere(number(repository), &hash)
}
