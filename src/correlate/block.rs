//! One application from events to columns.

use std::collections::BTreeSet;

use super::columns::{
    Block, Deployments, FailedRollouts, FailureRules, Flags, Lane, OpenPullRequests,
};
use super::delivery::Delivery;
use super::dictionary::Dictionary;
use super::draft::Draft;
use super::failure::Judgement;
use super::findings::Findings;
use super::graph::Graph;
use super::input::Moment;
use super::material::Material;
use super::names::Names;
use super::requests::Requests;
use super::rollouts::rollouts;
use super::{
    Input, QualityKind, backlog, builds, failure, incident_columns, incidents, lead_time, made,
    paths, recovery, reverts, rollback,
};
use crate::model::{Cluster, EventKind, Labels, SourceName, Text};

/// Makes the columns of one application.
///
/// Depends on the set of events, not on their order; duplicates change nothing. Never fails: what makes no sense is
/// missing in the columns, and stands in `Block::quality` and `Block::notices`.
pub fn correlate(input: &Input<'_>) -> Block {
    let mut findings = Findings::default();
    let material = Material::sort(input.history);
    let graph = Graph::build(&material);
    let touches = paths::touches(
        input.application,
        &material.repositories,
        &graph,
        input.rules,
    );
    let requests = Requests::find(&material, &graph);
    let concerns = requests.concerns(&touches);
    let builds = builds::Builds::find(&material, &graph);
    let made = made::made(&material, &graph, input);
    let mut drafts: Vec<Draft<'_>> = rollouts(&material, input, made, &mut findings)
        .into_iter()
        .map(|(environment, rollouts)| {
            Draft::of(&environment, rollouts, &material, &graph, &builds, input)
        })
        .filter(|draft| !draft.is_empty())
        .collect();
    let age = input.rules.evidence.rollback_age.num_milliseconds();
    let rollbacks: Vec<_> = drafts
        .iter_mut()
        .map(|draft| rollback::rollbacks(draft, &graph, age))
        .collect();
    let repositories = material.repositories.len();
    let deliveries: Vec<_> = drafts
        .iter_mut()
        .zip(&rollbacks)
        .map(|(draft, rollbacks)| Delivery::walk(draft, &graph, repositories, rollbacks))
        .collect();
    let reverting = reverts::reverting(&graph, &requests);
    let reverts = reverts::reverts(&graph, &requests, &reverting, &touches);
    let names = Names::collect(&drafts, &deliveries, &graph);
    let cases = incidents::cases(&material, &drafts, &names, input, &mut findings);
    let facts = failure::Facts {
        drafts: &drafts,
        deliveries: &deliveries,
        rollbacks: &rollbacks,
        requests: &requests,
        concerns: &concerns,
        builds: &builds,
        reverts: &reverts,
        names: &names,
        input,
    };
    let judgements = failure::judge(&facts, &cases, &mut findings);
    note_deployments(&drafts, &mut findings);

    let mut clusters = Dictionary::new();
    let mut authors = Dictionary::new();
    let mut severities = Dictionary::new();
    let mut label_sets = Dictionary::new();
    let change_facts = lead_time::Facts {
        drafts: &drafts,
        deliveries: &deliveries,
        graph: &graph,
        requests: &requests,
        builds: &builds,
        concerns: &concerns,
        touches: &touches,
        reverting: &reverting,
    };
    let backlog_facts = backlog::Facts {
        drafts: &drafts,
        deliveries: &deliveries,
        graph: &graph,
        touches: &touches,
    };
    let mut lanes = Vec::with_capacity(drafts.len());
    for (at, draft) in drafts.iter().enumerate() {
        let judgement = &judgements[at];
        let [commits, merges, pull_requests] =
            lead_time::changes(at, &change_facts, &mut authors, &mut findings);
        let (recoveries, open_failures) =
            recovery::recoveries(at as u32, draft, judgement, &cases, &mut findings);
        lanes.push(Lane {
            environment: draft.environment.clone(),
            tier: draft.tier,
            deployments: deployments(draft, judgement, &mut clusters, &mut label_sets),
            commits,
            merges,
            pull_requests,
            recoveries,
            open_failures,
            reasons: judgement.reasons.clone(),
            failed_rollouts: failed_rollouts(draft, &mut clusters),
            undeployed: backlog_facts.of_lane(at),
        });
    }
    let incidents = incident_columns::columns(
        &cases,
        &drafts,
        input,
        &mut severities,
        &mut label_sets,
        &mut findings,
    );
    let pull_requests = open_pull_requests(&requests, &mut authors, &mut label_sets);
    let sources = sources(&drafts, &material);
    let tier_backlogs = backlog_facts.of_tiers();
    let heard = incidents::heard(&cases, &judgements);
    let (quality, notices) = findings.finish(input.application);
    Block {
        application: input.application.clone(),
        lanes,
        incidents,
        tier_backlogs,
        pull_requests,
        clusters: clusters.finish(),
        authors: authors.finish(),
        severities: severities.finish(),
        label_sets: label_sets.finish(),
        sources,
        heard,
        quality,
        notices,
        repositories: material.repositories,
    }
}

fn deployments<'a>(
    draft: &Draft<'a>,
    judgement: &Judgement,
    clusters: &mut Dictionary<'a, Cluster>,
    label_sets: &mut Dictionary<'a, Labels>,
) -> Deployments {
    let count = draft.deployments.len();
    let mut columns = Deployments {
        rules: vec![FailureRules::default(); count],
        cluster_offset: vec![0],
        ..Deployments::default()
    };
    for (at, deployment) in draft.deployments.iter().enumerate() {
        let first = draft.first_rollout(at as u32);
        columns.kind.push(first.event.0);
        columns.key.push(first.event.1);
        columns.started_at.push(deployment.started_at);
        columns.finished_at.push(deployment.finished_at);
        columns.completed_at.push(deployment.completed_at);
        columns.flags.push(deployment.flags);
        let is_linked = deployment.flags.has(Flags::LINKED);
        let repository = if is_linked {
            deployment.repository
        } else {
            super::NONE
        };
        columns.repository.push(repository);
        columns.labels.push(label_sets.number(first.labels));
        let from = columns.cluster.len();
        for rollout in &deployment.rollouts {
            let cluster = draft.rollouts[*rollout as usize].target.cluster;
            let number = clusters.number(cluster);
            if cluster.is_some() && !columns.cluster[from..].contains(&number) {
                columns.cluster.push(number);
            }
        }
        columns.cluster_offset.push(columns.cluster.len() as u32);
    }
    if columns.cluster.is_empty() {
        columns.cluster_offset = Vec::new();
    }
    for reason in &judgement.reasons {
        let at = reason.deployment as usize;
        columns.rules[at].insert(reason.rule);
        columns.flags[at].set(Flags::FAILED);
    }
    for (deployment, flag) in &judgement.flags {
        columns.flags[*deployment as usize].set(*flag);
    }
    columns
}

fn failed_rollouts<'a>(
    draft: &Draft<'a>,
    clusters: &mut Dictionary<'a, Cluster>,
) -> FailedRollouts {
    let mut columns = FailedRollouts::default();
    for rollout in &draft.failed {
        columns.key.push(rollout.event.1);
        columns.ended_at.push(rollout.finished_at);
        columns
            .cluster
            .push(clusters.number(rollout.target.cluster));
        let is_cancelled = rollout.outcome == crate::model::Outcome::Cancelled;
        columns.cancelled.push(is_cancelled);
    }
    columns
}

/// Notes what is unlinked, and what another source reports better.
fn note_deployments(drafts: &[Draft<'_>], findings: &mut Findings) {
    for draft in drafts {
        for (at, deployment) in draft.deployments.iter().enumerate() {
            if deployment.flags.has(Flags::LINKED) {
                continue;
            }
            let first = draft.first_rollout(at as u32);
            let text = match &first.commit {
                Some(commit) => format!("{} names commit {commit}, which nobody knows", first.id),
                None => format!("{} has no known commit", first.id),
            };
            let (event, source) = (first.event, first.source);
            let at = first.finished_at;
            findings.row_about(QualityKind::Unlinked, event, source, at, text);
        }
        for (rollout, twin) in &draft.shadowed {
            let text = match twin {
                Some(twin) => format!(
                    "{} does not count: it is {}, which a source of higher rank reports",
                    rollout.id,
                    draft.first_rollout(*twin).id
                ),
                None => format!(
                    "{} does not count: a source of higher rank reports deployments to {}",
                    rollout.id, draft.environment
                ),
            };
            let (event, source) = (rollout.event, rollout.source);
            let at = rollout.finished_at;
            findings.row_about(QualityKind::Shadowed, event, source, at, text);
        }
    }
}

/// Pull requests with a known opening, in order of it.
fn open_pull_requests<'a>(
    requests: &Requests<'a>,
    authors: &mut Dictionary<'a, Text>,
    label_sets: &mut Dictionary<'a, Labels>,
) -> OpenPullRequests {
    let mut opened: Vec<_> = requests
        .all()
        .filter_map(|(repository, request)| {
            Some((request.opened_at.known()?, request.key, repository, request))
        })
        .collect();
    opened.sort_by_key(|(opened_at, key, ..)| (*opened_at, *key));
    let mut columns = OpenPullRequests::default();
    for (opened_at, key, repository, request) in opened {
        let ends = [request.merged_at, request.closed_at];
        let closed_at = ends.into_iter().filter_map(Moment::known).min();
        columns.key.push(key);
        columns.opened_at.push(opened_at);
        columns.closed_at.push(closed_at.unwrap_or(i64::MAX));
        columns.repository.push(repository);
        columns
            .author
            .push(authors.number(requests.author(&request)));
        columns.labels.push(label_sets.number(request.labels()));
    }
    columns
}

/// The sources of deployments that count, of incidents, and of all the rest; what rules make deployments of stands as a
/// source of deployments too.
fn sources(drafts: &[Draft<'_>], material: &Material<'_>) -> Vec<(EventKind, SourceName)> {
    let mut sources = BTreeSet::<(EventKind, &SourceName)>::new();
    for draft in drafts {
        for rollout in draft.rollouts.iter().chain(&draft.failed) {
            sources.insert((EventKind::Deployment, rollout.source));
        }
    }
    let reported = material.sources.iter().copied();
    sources.extend(
        reported.filter(|(kind, _)| !matches!(kind, EventKind::Deployment | EventKind::Verdict)),
    );
    sources
        .into_iter()
        .map(|(kind, source)| (kind, source.clone()))
        .collect()
}
