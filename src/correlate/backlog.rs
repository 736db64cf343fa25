//! Undeployed commits: on the default branch and not live (definitions, section 4).

use super::columns::{Intervals, TierBacklog};
use super::delivery::Delivery;
use super::draft::Draft;
use super::graph::Graph;
use super::paths::Touch;
use super::{Flags, NONE};
use crate::model::Tier;

/// A time in which a commit was not live, milliseconds; `i64::MAX` without end.
type Span = (i64, i64);

/// What backlogs are made of.
pub(super) struct Facts<'d, 'a> {
    pub drafts: &'d [Draft<'a>],
    pub deliveries: &'d [Delivery],
    pub graph: &'d Graph<'a>,
    pub touches: &'d [Touch],
}

impl Facts<'_, '_> {
    /// Undeployed commits of one environment.
    pub(super) fn of_lane(&self, lane: usize) -> Intervals {
        let mut intervals = Collected::default();
        let mut spans = Vec::new();
        for commit in self.commits() {
            if self.is_baseline(lane, commit) {
                continue;
            }
            spans.clear();
            if self.undeployed(lane, commit, &mut spans) {
                intervals.add(&spans);
            }
        }
        intervals.finish()
    }

    /// Undeployed commits of the tiers that have several environments: live in one of them is live.
    pub(super) fn of_tiers(&self) -> Vec<TierBacklog> {
        let mut tiers: Vec<Tier> = self.drafts.iter().map(|draft| draft.tier).collect();
        tiers.sort_unstable();
        let repeated: Vec<Tier> = tiers
            .windows(2)
            .filter(|pair| pair[0] == pair[1])
            .map(|pair| pair[0])
            .collect();
        tiers.dedup();
        tiers.retain(|tier| repeated.contains(tier));
        tiers
            .into_iter()
            .map(|tier| TierBacklog {
                tier,
                undeployed: self.of_tier(tier),
            })
            .collect()
    }

    fn of_tier(&self, tier: Tier) -> Intervals {
        let lanes: Vec<usize> = (0..self.drafts.len())
            .filter(|lane| self.drafts[*lane].tier == tier)
            .collect();
        let mut intervals = Collected::default();
        let mut spans = Vec::new();
        for commit in self.commits() {
            if self.came_with_baseline(&lanes, commit) {
                continue;
            }
            let mut undeployed: Option<Vec<Span>> = None;
            for lane in &lanes {
                spans.clear();
                if self.undeployed(*lane, commit, &mut spans) {
                    undeployed = Some(match undeployed {
                        None => spans.clone(),
                        Some(others) => intersection(&others, &spans),
                    });
                }
            }
            intervals.add(&undeployed.unwrap_or_default());
        }
        intervals.finish()
    }

    /// The commits of the default branches that are changes of the application.
    fn commits(&self) -> impl Iterator<Item = u32> {
        (0..self.graph.len() as u32).filter(|commit| {
            let at = *commit as usize;
            self.graph.on_default_branch[at]
                && self.touches[at] == Touch::Change
                && !self.graph.is_merge[at]
        })
    }

    fn is_baseline(&self, lane: usize, commit: u32) -> bool {
        let by = self.deliveries[lane].delivered_by[commit as usize];
        let deployment = self.drafts[lane].deployments.get(by as usize);
        deployment.is_some_and(|deployment| deployment.flags.has(Flags::BASELINE))
    }

    /// Whether the first of these environments to have a commit had it with its baseline.
    fn came_with_baseline(&self, lanes: &[usize], commit: u32) -> bool {
        let deliveries = lanes.iter().filter_map(|lane| {
            let by = self.deliveries[*lane].delivered_by[commit as usize];
            (by != NONE).then(|| (self.drafts[*lane].first_rollout(by).order(), *lane))
        });
        deliveries
            .min()
            .is_some_and(|(_, lane)| self.is_baseline(lane, commit))
    }

    /// Adds the times from landing in which a commit was not live; `false` where the environment never had a deployment
    /// of its repository, so that nothing is known.
    fn undeployed(&self, lane: usize, commit: u32, spans: &mut Vec<Span>) -> bool {
        let delivery = &self.deliveries[lane];
        let repository = self.graph.repository[commit as usize];
        if !delivery.has_baseline[repository as usize] {
            return false;
        }
        let landed_at = self.graph.landed_at(commit);
        let by = delivery.delivered_by[commit as usize];
        let Some(deployment) = self.drafts[lane].deployments.get(by as usize) else {
            spans.push((landed_at, i64::MAX));
            return true;
        };
        spans.push((landed_at, deployment.finished_at));
        let again = delivery.interruptions(commit).iter();
        spans.extend(again.map(|time| (time.from.max(landed_at), time.to)));
        spans.retain(|(from, to)| from < to);
        true
    }
}

/// What two lists of spans, each in order, share.
fn intersection(ones: &[Span], others: &[Span]) -> Vec<Span> {
    ones.iter()
        .flat_map(|one| {
            others
                .iter()
                .map(move |other| (one.0.max(other.0), one.1.min(other.1)))
        })
        .filter(|(from, to)| from < to)
        .collect()
}

/// Starts and ends under work.
#[derive(Default)]
struct Collected(Intervals);

impl Collected {
    fn add(&mut self, spans: &[Span]) {
        for (from, to) in spans {
            let (start, end) = (seconds(*from), seconds(*to));
            if *to == i64::MAX {
                self.0.start.push(start);
            } else if start < end {
                self.0.start.push(start);
                self.0.end.push(end);
            }
        }
    }

    fn finish(mut self) -> Intervals {
        self.0.start.sort_unstable();
        self.0.end.sort_unstable();
        self.0
    }
}

/// Whole seconds since 1970; what lies before or too far ahead counts as the nearest moment there is.
fn seconds(milliseconds: i64) -> u32 {
    let seconds = milliseconds.div_euclid(1000);
    seconds.clamp(0, i64::from(u32::MAX - 1)) as u32
}
