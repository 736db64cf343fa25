//! What holds for every story.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::timeline::Timeline;
use super::*;
use crate::correlate::builds::Builds;
use crate::correlate::delivery::Delivery;
use crate::correlate::draft::Draft;
use crate::correlate::findings::Findings;
use crate::correlate::graph::Graph;
use crate::correlate::material::Material;
use crate::correlate::rollback::rollbacks;
use crate::correlate::rollouts::rollouts;
use crate::correlate::{Flags, Lane, NONE};
use crate::model::{Body, Event};

/// Stories of up to 40 events about few commits, clusters and environments, so that they meet.
fn stories() -> impl Strategy<Value = Timeline> {
    let commit = (0..12u8, prop::collection::vec(0..12u8, 0..3), 0..12u8).prop_map(
        |(commit, parents, reverted)| {
            let after = match &parents[..] {
                [] => "root".to_owned(),
                parents => {
                    let names: Vec<_> = parents.iter().map(|name| format!("c{name}")).collect();
                    format!("after {}", names.join(","))
                }
            };
            let reverts = match reverted {
                0..4 => format!("reverts c{reverted}"),
                _ => String::new(),
            };
            format!("commit c{commit} {after} {reverts}")
        },
    );
    let deployment =
        (0..14u8, 0..3u8, 0..2u8, 0..8u8).prop_map(|(commit, place, cluster, more)| {
            let environment = ["production", "prod-eu", "staging"][usize::from(place)];
            let more = match more {
                0 => "rollback",
                1 => "failed",
                2 => "started 00:30",
                3 => "fixes INC-1",
                _ => "",
            };
            // Two of the commits are never known.
            format!("deploy c{commit} to {environment} on k{cluster} {more}")
        });
    let request = (0..4u8, 0..12u8, 0..12u8, 0..24u8, 0..24u8).prop_map(
        |(number, result, own, opened, approved)| {
            format!(
                "merge {number} squashed-as c{result} of c{own} opened {opened}:10 approved {approved}:30 label hotfix"
            )
        },
    );
    let build = (0..12u8).prop_map(|commit| format!("build c{commit}"));
    let incident = (0..3u8, 0..24u8).prop_map(|(number, resolved)| match resolved {
        0..4 => format!("incident INC-{number}"),
        _ => format!("incident INC-{number} resolved {resolved}:59"),
    });
    let verdict = (0..6u8, 0..2u8).prop_map(|(deployment, word)| {
        let word = ["failed", "not_failed"][usize::from(word)];
        format!("verdict {word} on D{deployment}")
    });
    let line = (
        1..12u8,
        0..24u8,
        0..60u8,
        prop_oneof![4 => commit, 5 => deployment, 1 => request, 1 => build, 1 => incident, 1 => verdict],
    );
    let line = line.prop_map(|(day, hour, minute, what)| format!("d{day} {hour}:{minute} {what}"));
    prop::collection::vec(line, 1..40).prop_map(|lines| timeline(&lines.join("\n")))
}

fn correlated(timeline: &Timeline) -> Block {
    block_with(timeline, &Rules::default(), &Sources::default())
}

/// What another source under an id of its own says of a commit or a pull request.
fn other_version(mut event: Event) -> Event {
    match &mut event.body {
        Body::Commit(commit) => commit.author = Some("Ann".into()),
        Body::PullRequest(request) => request.author = Some("Ann".into()),
        _ => return event,
    }
    event.id = format!("other-{}", event.id).into();
    event
}

fn delivered(lane: &Lane) -> Vec<u64> {
    lane.commits.key.iter().map(|key| key.0).collect()
}

/// Whether each commit of each environment is live in the end: as the walk says, and as its definition does.
fn live_in_the_end(timeline: &Timeline) -> Vec<(bool, bool)> {
    let rules = Rules::default();
    let sources = Sources::default();
    let references = References::default();
    let history = timeline.events.iter().cloned().collect();
    let input = Input {
        application: &"shop".into(),
        history: &history,
        references: &references,
        rules: &rules,
        sources: &sources,
    };
    let material = Material::sort(&history);
    let graph = Graph::build(&material);
    let builds = Builds::find(&material, &graph);
    let mut pairs = Vec::new();
    let rollouts = rollouts(&material, &input, Vec::new(), &mut Findings::default());
    for (environment, rollouts) in rollouts {
        let mut draft = Draft::of(&environment, rollouts, &material, &graph, &builds, &input);
        let rollbacks = rollbacks(&mut draft, &graph, i64::MAX);
        let count = material.repositories.len();
        let delivery = Delivery::walk(&mut draft, &graph, count, &rollbacks);
        let undone: BTreeSet<u32> = rollbacks
            .iter()
            .flat_map(|one| one.undone.clone())
            .collect();
        let histories: Vec<Vec<bool>> = draft
            .deployments
            .iter()
            .filter(|one| one.commit != NONE)
            .filter(|one| one.rollouts.iter().any(|rollout| !undone.contains(rollout)))
            .map(|one| graph.history(one.commit))
            .collect();
        for commit in 0..graph.len() as u32 {
            let times = delivery.interruptions(commit);
            let is_delivered = delivery.delivered_by[commit as usize] != NONE;
            let walked = is_delivered && times.last().is_none_or(|last| last.to != i64::MAX);
            let defined = histories.iter().any(|history| history[commit as usize]);
            pairs.push((walked, defined));
        }
    }
    pairs
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_arrival_and_duplicates_change_nothing(
        (timeline, shuffled) in stories().prop_flat_map(|timeline| {
            let mut twice = timeline.events.clone();
            twice.extend(timeline.events.iter().take(5).cloned());
            let shuffled = Just(twice).prop_shuffle();
            (Just(timeline), shuffled)
        })
    ) {
        let again = Timeline { events: shuffled, names: timeline.names.clone() };
        let once = format!("{:?}", correlated(&timeline));
        prop_assert_eq!(once, format!("{:?}", correlated(&again)));
    }

    #[test]
    fn which_version_of_an_event_counts_does_not_depend_on_the_order_of_arrival(
        (timeline, shuffled) in stories().prop_flat_map(|mut timeline| {
            let others: Vec<_> = timeline.events.iter().take(12).cloned().map(other_version).collect();
            timeline.events.extend(others);
            let shuffled = Just(timeline.events.clone()).prop_shuffle();
            (Just(timeline), shuffled)
        })
    ) {
        let again = Timeline { events: shuffled, names: timeline.names.clone() };
        let one = format!("{:?}", correlated(&timeline));
        prop_assert_eq!(one, format!("{:?}", correlated(&again)));
    }

    #[test]
    fn no_commit_is_delivered_twice_in_an_environment(timeline in stories()) {
        for lane in &correlated(&timeline).lanes {
            let all = delivered(lane);
            let once: BTreeSet<u64> = all.iter().copied().collect();
            prop_assert_eq!(all.len(), once.len());
        }
    }

    #[test]
    fn the_parts_of_a_lead_time_add_up_to_it(timeline in stories()) {
        for lane in &correlated(&timeline).lanes {
            for changes in [&lane.commits, &lane.merges, &lane.pull_requests] {
                let Some(parts) = &changes.parts else { continue };
                let whole = changes.committed.as_ref().unwrap_or(&changes.landed);
                for at in 0..changes.len() {
                    let known = parts.iter().filter_map(|part| part.milliseconds_at(at));
                    prop_assert_eq!(known.sum::<i64>(), whole.milliseconds_at(at).unwrap_or(0));
                }
            }
        }
    }

    #[test]
    fn a_commit_is_live_while_a_deployment_that_holds_it_stands(timeline in stories()) {
        for (walked, defined) in live_in_the_end(&timeline) {
            prop_assert_eq!(walked, defined);
        }
    }

    #[test]
    fn columns_fit_together(timeline in stories()) {
        let block = correlated(&timeline);
        for lane in &block.lanes {
            let deployments = lane.deployments.key.len();
            for changes in [&lane.commits, &lane.merges, &lane.pull_requests] {
                prop_assert_eq!(changes.offset.len(), deployments + 1);
                prop_assert_eq!(changes.offset.last().copied(), Some(changes.len() as u32));
                prop_assert_eq!(changes.landed.seconds.len(), changes.len());
            }
            prop_assert!(lane.deployments.finished_at.is_sorted());
            let failed = lane.deployments.flags.iter().filter(|flags| flags.has(Flags::FAILED)).count();
            prop_assert_eq!(failed, lane.recoveries.len() + lane.open_failures.len());
            prop_assert!(lane.recoveries.iter().all(|recovery| recovery.milliseconds >= 0));
            prop_assert!(lane.undeployed.start.len() >= lane.undeployed.end.len());
            // At no moment is fewer than no commit undeployed.
            let pairs = lane.undeployed.start.iter().zip(&lane.undeployed.end);
            prop_assert!(pairs.clone().all(|(start, end)| start < end));
        }
    }
}
