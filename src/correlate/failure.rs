//! Which deployments failed, and which ones were unplanned (definitions, section 3).

use std::collections::BTreeSet;

use super::builds::Builds;
use super::delivery::Delivery;
use super::draft::Draft;
use super::findings::Findings;
use super::incidents::Case;
use super::input::{Input, millis};
use super::names::{Found, Names, Place, Scope};
use super::requests::Requests;
use super::reverts::Revert;
use super::rollback::Rollback;
use super::{FailureRule, Flags, QualityKind, Reason, hotfix};
use crate::model::{Body, Event, EventId, EventKey, EventKind, Statement, Verdict};

/// What the rules look at.
pub(super) struct Facts<'d, 'a> {
    pub drafts: &'d [Draft<'a>],
    pub deliveries: &'d [Delivery],
    pub rollbacks: &'d [Vec<Rollback>],
    pub requests: &'d Requests<'a>,
    /// Whether each pull request changes the application.
    pub concerns: &'d [bool],
    pub builds: &'d Builds<'a>,
    pub reverts: &'d [Revert],
    pub names: &'d Names<'d, 'a>,
    pub input: &'d Input<'a>,
}

/// What the rules say of one environment.
#[derive(Clone, Debug, Default)]
pub(super) struct Judgement {
    /// Why deployments failed, in order of deployment, rule and time.
    pub reasons: Vec<Reason>,
    /// Flags to add, by deployment.
    pub flags: Vec<(u32, Flags)>,
    /// Deployments with a later one that ends their failure, at any age.
    pub mended: BTreeSet<(u32, u32)>,
    /// Deliveries of reverts that are evidence: the reverted deployment, the one that reverts.
    reverted: Vec<(u32, u32)>,
    /// Incidents nobody knows of which a verdict says that they come of a deployment here.
    pub explained: Vec<EventId>,
    /// Deployments that somebody says did not fail.
    acquitted: BTreeSet<u32>,
}

/// Judges all environments.
pub(super) fn judge(
    facts: &Facts<'_, '_>,
    cases: &[Case<'_>],
    findings: &mut Findings,
) -> Vec<Judgement> {
    let mut judgements = vec![Judgement::default(); facts.drafts.len()];
    for lane in 0..facts.drafts.len() as u32 {
        let judgement = &mut judgements[lane as usize];
        judge_rollbacks(facts, lane, judgement);
        judge_reverts(facts, lane, judgement);
        hotfix::judge_requests(facts, lane, judgement);
        hotfix::judge_pipelines(facts, lane, judgement);
        judge_verdicts(facts, lane, judgement, findings);
    }
    hotfix::judge_verdicts(facts, &mut judgements, findings);
    judge_fixes(facts, cases, &mut judgements, findings);
    for case in cases {
        for link in &case.links {
            let judgement = &mut judgements[link.place.0 as usize];
            judgement.blame(link.place.1, link.rule, link.evidence, link.at);
        }
    }
    for judgement in &mut judgements {
        judgement.settle();
    }
    judgements
}

impl Judgement {
    pub(super) fn blame(
        &mut self,
        deployment: u32,
        rule: FailureRule,
        evidence: (EventKind, EventKey),
        at: i64,
    ) {
        self.reasons.push(Reason {
            deployment,
            rule,
            evidence,
            at,
        });
    }

    pub(super) fn rework(&mut self, deployment: u32, flag: Flags) {
        self.flags.push((deployment, flag));
        self.flags.push((deployment, Flags::REWORK));
    }

    /// Lets the last word overrule, and orders the reasons.
    fn settle(&mut self) {
        let acquitted = std::mem::take(&mut self.acquitted);
        self.reasons
            .retain(|reason| !acquitted.contains(&reason.deployment));
        for (failed, by) in std::mem::take(&mut self.reverted) {
            if !acquitted.contains(&failed) {
                self.flags.push((by, Flags::REWORK));
            }
        }
        self.reasons
            .sort_by_key(|reason| (reason.deployment, reason.rule, reason.at, reason.evidence));
        self.reasons.dedup();
    }
}

fn judge_rollbacks(facts: &Facts<'_, '_>, lane: u32, judgement: &mut Judgement) {
    let draft = &facts.drafts[lane as usize];
    for rollback in &facts.rollbacks[lane as usize] {
        let by = draft.deployment_of[rollback.rollout as usize];
        let evidence = &draft.rollouts[rollback.rollout as usize];
        for undone in &rollback.undone {
            let failed = draft.deployment_of[*undone as usize];
            judgement.mended.insert((failed, by));
        }
        for failed in &rollback.failed {
            let failed = draft.deployment_of[*failed as usize];
            let (event, at) = (evidence.event, evidence.finished_at);
            judgement.blame(failed, FailureRule::Rollback, event, at);
        }
    }
}

fn judge_reverts(facts: &Facts<'_, '_>, lane: u32, judgement: &mut Judgement) {
    let draft = &facts.drafts[lane as usize];
    let delivery = &facts.deliveries[lane as usize];
    let age = facts.input.rules.evidence.revert_age.num_milliseconds();
    for revert in facts.reverts {
        let failed = delivery.counted(revert.reverted, draft);
        let by = delivery.counted(revert.by, draft);
        let (Some(failed), Some(by)) = (failed, by) else {
            continue;
        };
        if by <= failed {
            continue;
        }
        judgement.mended.insert((failed, by));
        let finish = |deployment: u32| draft.deployments[deployment as usize].finished_at;
        if !revert.is_of_revert && finish(by) - finish(failed) <= age {
            judgement.reverted.push((failed, by));
            let (event, at) = (revert.evidence, finish(by));
            judgement.blame(failed, FailureRule::Revert, event, at);
        }
    }
}

/// The latest word on each deployment: it failed, or it did not.
fn judge_verdicts(
    facts: &Facts<'_, '_>,
    lane: u32,
    judgement: &mut Judgement,
    findings: &mut Findings,
) {
    let mut words = std::collections::BTreeMap::<u32, (&Event, &Verdict)>::new();
    for (id, deployment) in ids(&facts.drafts[lane as usize]) {
        for (event, verdict) in facts.input.references.verdicts_on(id) {
            let is_on_failure =
                matches!(verdict.statement, Statement::Failed | Statement::NotFailed);
            let is_word = is_on_failure || verdict.statement == Statement::Hotfix;
            let Some(deployment) = deployment else {
                if is_word {
                    let text =
                        format!("a verdict speaks of {id}, which was never live or does not count");
                    let at = millis(verdict.at);
                    findings.row(QualityKind::UnknownReference, event, at, text);
                }
                continue;
            };
            if !is_on_failure {
                continue;
            }
            let held = words.entry(deployment).or_insert((event, verdict));
            if (held.1.at, &held.0.id) < (verdict.at, &event.id) {
                *held = (event, verdict);
            }
        }
        // An incident of another application that is not known here may still be said to come of this deployment.
        for (event, verdict) in facts.input.references.verdicts_naming(id) {
            let is_cause = verdict.statement == Statement::CausedBy;
            if let Some(deployment) = deployment
                && is_cause
                && is_last_word_on_unknown(event, verdict, facts)
            {
                let evidence = (EventKind::Verdict, event.key());
                let at = millis(verdict.at);
                judgement.blame(deployment, FailureRule::Verdict, evidence, at);
                judgement.explained.push(verdict.target.clone());
            }
        }
    }
    for (deployment, (event, verdict)) in words {
        if verdict.statement == Statement::NotFailed {
            judgement.acquitted.insert(deployment);
        } else {
            let evidence = (EventKind::Verdict, event.key());
            let at = millis(verdict.at);
            judgement.blame(deployment, FailureRule::Verdict, evidence, at);
        }
    }
}

/// Whether nothing is known of the incident that a verdict explains, and no later word takes the verdict back.
fn is_last_word_on_unknown(event: &Event, verdict: &Verdict, facts: &Facts<'_, '_>) -> bool {
    let incident = &verdict.target;
    let is_own = facts
        .input
        .history
        .others
        .iter()
        .any(|event| event.id == *incident && matches!(event.body, Body::Incident(_)));
    if is_own || facts.input.references.incident(incident).is_some() {
        return false;
    }
    let is_later = |other: (&Event, &Verdict)| {
        (other.1.at, &other.0.id) > (verdict.at, &event.id)
            && other.1.statement == Statement::Unlink
            && (other.1.cause.is_none() || other.1.cause == verdict.cause)
    };
    let mut words = facts.input.references.verdicts_on(incident);
    let is_none = facts
        .input
        .references
        .verdicts_on(incident)
        .any(|(_, verdict)| verdict.statement == Statement::NotAnIncident);
    !is_none && !words.any(is_later)
}

impl Facts<'_, '_> {
    /// When a deployment finished, milliseconds.
    pub(super) fn finish(&self, place: Place) -> i64 {
        let draft = &self.drafts[place.0 as usize];
        draft.deployments[place.1 as usize].finished_at
    }
}

/// Deployments that say what they fix: the id, version or commit of a deployment, or the id of an incident.
fn judge_fixes(
    facts: &Facts<'_, '_>,
    cases: &[Case<'_>],
    judgements: &mut [Judgement],
    findings: &mut Findings,
) {
    for (lane, draft) in facts.drafts.iter().enumerate() {
        let live = draft.rollouts.iter().zip(&draft.deployment_of);
        let live = live.map(|(rollout, deployment)| (rollout, Some(*deployment)));
        let shadowed = draft.shadowed.iter();
        let shadowed = shadowed.map(|(rollout, twin)| (rollout, *twin));
        for (rollout, by) in live.chain(shadowed) {
            let (Some(fixes), Some(by)) = (rollout.fixes, by) else {
                continue;
            };
            let by = (lane as u32, by);
            judgements[lane].flags.push((by.1, Flags::REWORK));
            let mut mend = |failed: Place| {
                if failed.0 == by.0 && failed.1 < by.1 {
                    judgements[lane].mended.insert((failed.1, by.1));
                }
            };
            let id = EventId::from(fixes.clone());
            if let Some(case) = cases.iter().find(|case| case.event.id == id) {
                case.links.iter().for_each(|link| mend(link.place));
                continue;
            }
            let scope = Scope::Lane(by.0);
            match facts.names.of_text(fixes, scope, rollout.started_at) {
                Found::Live(failed) if failed != by => {
                    mend(failed);
                    let judged = &mut judgements[failed.0 as usize];
                    let (event, at) = (rollout.event, rollout.finished_at);
                    judged.blame(failed.1, FailureRule::Reference, event, at);
                }
                Found::Live(_) | Found::NeverLive | Found::Unknown => {
                    let text = format!(
                        "{} fixes {fixes}, which is unknown or was never live",
                        rollout.id
                    );
                    findings.row_about(
                        QualityKind::UnknownReference,
                        rollout.event,
                        rollout.source,
                        rollout.finished_at,
                        text,
                    );
                }
            }
        }
        blame_by_others(facts, lane as u32, &mut judgements[lane]);
    }
}

/// Deployments of other applications that say they fix one of this application.
fn blame_by_others(facts: &Facts<'_, '_>, lane: u32, judgement: &mut Judgement) {
    for (id, deployment) in ids(&facts.drafts[lane as usize]) {
        let Some(deployment) = deployment else {
            continue;
        };
        for event in facts.input.references.naming(id) {
            let Body::Deployment(fix) = &event.body else {
                continue;
            };
            if facts.names.of_id(&event.id) == Found::Unknown {
                let at = fix.finished_at.or(fix.started_at).map_or(0, millis);
                let evidence = (EventKind::Deployment, event.key());
                judgement.blame(deployment, FailureRule::Reference, evidence, at);
            }
        }
    }
}

/// All ids in an environment, with the deployments they are; `None` for what was never live or does not count.
pub(super) fn ids<'d, 'a>(
    draft: &'d Draft<'a>,
) -> impl Iterator<Item = (&'d EventId, Option<u32>)> {
    let live = draft.rollouts.iter().zip(&draft.deployment_of);
    let live = live.map(|(rollout, deployment)| (&rollout.id, Some(*deployment)));
    let shadowed = draft.shadowed.iter();
    let shadowed = shadowed.map(|(rollout, twin)| (&rollout.id, *twin));
    let failed = draft.failed.iter().map(|rollout| (&rollout.id, None));
    live.chain(shadowed).chain(failed)
}
