//! Hotfixes: deployments of marked pull requests, pipelines and verdicts, and what they fail (definitions, section 3).

use std::collections::BTreeMap;

use super::failure::{Facts, Judgement, ids};
use super::findings::Findings;
use super::input::millis;
use super::names::{Found, Place};
use super::pull_requests::Request;
use super::{FailureRule, Flags, NONE, QualityKind};
use crate::model::{Event, EventKey, EventKind, Statement, Verdict};

/// The deployment that first delivers a marked pull request of the application is a hotfix.
pub(super) fn judge_requests(facts: &Facts<'_, '_>, lane: u32, judgement: &mut Judgement) {
    let draft = &facts.drafts[lane as usize];
    for (at, (_, request)) in facts.requests.all().enumerate() {
        let landing = facts.requests.landing[at];
        if landing == NONE || !facts.concerns[at] || !is_hotfix(&request, facts) {
            continue;
        }
        if let Some(by) = facts.deliveries[lane as usize].counted(landing, draft) {
            let evidence = (EventKind::PullRequest, request.key);
            judge_hotfix(facts, (lane, by), evidence, judgement);
        }
    }
}

fn is_hotfix(request: &Request<'_>, facts: &Facts<'_, '_>) -> bool {
    let evidence = &facts.input.rules.evidence;
    let labels = request
        .labels()
        .into_iter()
        .flat_map(|labels| labels.0.keys());
    let globs = &evidence.hotfix_labels;
    let is_labelled = labels
        .into_iter()
        .any(|label| globs.iter().any(|glob| glob.matches(label)));
    let branch = request.head_branch();
    let pattern = evidence.hotfix_branches.as_ref();
    let is_branch = branch.zip(pattern);
    is_labelled || is_branch.is_some_and(|(branch, pattern)| pattern.matches(branch))
}

/// The deployment that first delivers a commit of a marked pipeline is a hotfix.
pub(super) fn judge_pipelines(facts: &Facts<'_, '_>, lane: u32, judgement: &mut Judgement) {
    let Some(pattern) = &facts.input.rules.evidence.hotfix_pipelines else {
        return;
    };
    let draft = &facts.drafts[lane as usize];
    let delivery = &facts.deliveries[lane as usize];
    for (at, deployment) in draft.deployments.iter().enumerate() {
        let commit = deployment.commit;
        // A commit that comes again, by redeployment or rollback, is not fixed again.
        let is_first = commit != NONE && delivery.counted(commit, draft) == Some(at as u32);
        if is_first && let Some(event) = facts.builds.by_pipeline(commit, pattern) {
            let evidence = (event.body.kind(), event.key());
            judge_hotfix(facts, (lane, at as u32), evidence, judgement);
        }
    }
}

/// A hotfix fails the latest deployment before it that is no rollback, if that is young enough.
fn judge_hotfix(
    facts: &Facts<'_, '_>,
    by: Place,
    evidence: (EventKind, EventKey),
    judgement: &mut Judgement,
) {
    let draft = &facts.drafts[by.0 as usize];
    judgement.rework(by.1, Flags::HOTFIX);
    let before = (0..by.1).rev().find(|before| {
        let flags = draft.deployments[*before as usize].flags;
        !flags.has(Flags::ROLLBACK)
    });
    let Some(failed) = before else { return };
    judgement.mended.insert((failed, by.1));
    let finish = |deployment: u32| draft.deployments[deployment as usize].finished_at;
    let age = facts.input.rules.evidence.hotfix_age.num_milliseconds();
    if finish(by.1) - finish(failed) <= age {
        judgement.blame(failed, FailureRule::Hotfix, evidence, finish(by.1));
    }
}

/// The latest word that makes a hotfix of each deployment.
pub(super) fn judge_verdicts(
    facts: &Facts<'_, '_>,
    judgements: &mut [Judgement],
    findings: &mut Findings,
) {
    let mut words = BTreeMap::<Place, (&Event, &Verdict)>::new();
    for (lane, draft) in facts.drafts.iter().enumerate() {
        for (id, deployment) in ids(draft) {
            let Some(deployment) = deployment else {
                continue;
            };
            for (event, verdict) in facts.input.references.verdicts_on(id) {
                if verdict.statement != Statement::Hotfix {
                    continue;
                }
                let place = (lane as u32, deployment);
                let held = words.entry(place).or_insert((event, verdict));
                if (held.1.at, &held.0.id) < (verdict.at, &event.id) {
                    *held = (event, verdict);
                }
            }
        }
    }
    for (by, (event, verdict)) in words {
        let cause = verdict.cause.as_ref().map(|cause| facts.names.of_id(cause));
        let judgement = &mut judgements[by.0 as usize];
        let evidence = (EventKind::Verdict, event.key());
        match cause {
            Some(Found::Live(failed)) if failed != by => {
                judgement.rework(by.1, Flags::HOTFIX);
                let at = facts.finish(by);
                let judged = &mut judgements[failed.0 as usize];
                judged.blame(failed.1, FailureRule::Hotfix, evidence, at);
                if failed.0 == by.0 {
                    judged.mended.insert((failed.1, by.1));
                }
            }
            Some(Found::NeverLive | Found::Unknown) => {
                let text =
                    "a verdict names as the cause of a hotfix what is unknown or was never live";
                let at = millis(verdict.at);
                findings.row(QualityKind::UnknownReference, event, at, text.to_owned());
                judge_hotfix(facts, by, evidence, judgement);
            }
            Some(Found::Live(_)) | None => judge_hotfix(facts, by, evidence, judgement),
        }
    }
}
