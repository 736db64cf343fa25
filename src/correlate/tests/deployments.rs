//! Targets, versions, rollouts and whose word counts (definitions, section 1).

use insta::assert_snapshot;

use super::*;
use crate::model::{DeploymentOrigin, DeploymentRule, EnvironmentRule, Glob, Pattern};

#[test]
fn rollouts_of_one_version_on_several_clusters_within_a_day_are_one_deployment() {
    let story = "
        09:00 commit a
        09:30 commit b
        10:00 deploy a to production on eu
        10:05 deploy a to production on us
        11:00 deploy b to production on eu
        12:00 deploy b to production on us
        d3 09:00 deploy b to production on asia";
    assert_snapshot!(told(story), @r"
    production (production)
      10:00 D1 baseline until 10:05
      11:00 D3 until 12:00: b 1h30m
      d3 09:00 D5
    ");
    let block = block(story);
    let deployments = &block.lanes[0].deployments;
    let names: Vec<_> = block.clusters.iter().map(|name| name.as_str()).collect();
    assert_eq!(names, ["eu", "us", "asia"]);
    assert_eq!(deployments.cluster_offset, [0, 2, 4, 5]);
    assert_eq!(deployments.cluster, [0, 1, 0, 1, 2]);
}

#[test]
fn the_same_version_again_on_its_target_is_a_deployment_of_its_own_with_nothing_new() {
    assert_snapshot!(told("
        09:00 commit a
        10:00 deploy a to production on eu
        10:30 deploy a to production on eu"), @r"
    production (production)
      10:00 D1 baseline
      10:30 D2
    ");
}

#[test]
fn a_rollout_that_brings_a_version_back_joins_no_deployment_from_before_the_one_it_replaces() {
    // D3 puts `a` on us two days later, so it is a deployment of its own; D5 brings `a` back to eu within a day of D3,
    // but D3 began before D4, which it replaces.
    assert_snapshot!(told("
        09:00 commit a
        09:10 commit b
        10:00 deploy a to production on eu
        10:10 deploy - to production on jp version z
        d3 10:00 deploy a to production on us
        d3 11:00 deploy b to production on eu
        d3 12:00 deploy a to production on eu"), @r"
    production (production)
      10:00 D1 baseline
      10:10 D2 unlinked
      d3 10:00 D3
      d3 11:00 D4 undated: b —; failed by rollback D5, recovered d3 12:00 in 1h
      d3 12:00 D5 rollback
    unlinked: D2
    ");
}

#[test]
fn failed_and_cancelled_rollouts_are_no_deployments_and_running_ones_are_nothing_yet() {
    assert_snapshot!(told("
        09:00 commit a
        10:00 deploy a to production
        11:00 deploy a to production failed
        12:00 deploy a to production cancelled
        13:00 deploy a to production running"), @r"
    production (production)
      10:00 D1 baseline
      11:00 D2 never live
      12:00 D3 never live
    ");
    let block = block("11:00 deploy a to production failed");
    assert_eq!(block.lanes.len(), 1);
    assert_eq!(block.lanes[0].commits.offset, [0]);
}

#[test]
fn a_lower_source_counts_only_before_the_coverage_of_a_higher_one_begins_and_lends_its_commit() {
    let sources = [source("argo", 3, 11), source("ci", 7, 0)]
        .into_iter()
        .collect();
    // At 12:00 and 12:05 the same rollout is reported twice: Argo CD knows the images, the pipeline knows the commit.
    assert_snapshot!(told_with("
        09:00 commit a
        09:30 commit b
        10:00 deploy a to production from ci
        12:00 deploy b to production from ci version v2
        12:05 deploy - to production from argo image d2
        15:00 deploy - to production from argo image d3", &Rules::default(), &sources), @r"
    production (production)
      10:00 D1 baseline
      12:05 D3: b 2h35m
      15:00 D4 unlinked
    unlinked: D4
    shadowed: D2
    ");
}

#[test]
fn sources_of_one_rank_count_both() {
    let sources = [source("eu", 6, 0), source("us", 6, 0)]
        .into_iter()
        .collect();
    assert_snapshot!(told_with("
        09:00 commit a
        10:00 deploy a to production from eu on eu
        10:10 deploy a to production from us on us", &Rules::default(), &sources), @r"
    production (production)
      10:00 D1 baseline until 10:10
    ");
}

fn rule(from: DeploymentOrigin, matching: Option<&str>) -> Rules {
    Rules {
        deployments: vec![DeploymentRule {
            from,
            repositories: vec![Glob::new("host/acme/*").unwrap()],
            matching: matching.map(|text| Pattern::new(text).unwrap()),
            environment: "production".into(),
        }],
        ..Rules::default()
    }
}

#[test]
fn a_rule_makes_deployments_of_tags_that_match_and_outranks_every_source() {
    let rules = rule(DeploymentOrigin::Tag, Some(r"^v\d"));
    let sources = [source("story", 0, 0)].into_iter().collect();
    let story = "
        09:00 commit a
        09:30 commit b
        10:00 tag v1 of a
        10:30 tag nightly of b
        11:00 tag v2 of b
        12:00 deploy b to production";
    assert_snapshot!(told_with(story, &rules, &sources), @r"
    production (production)
      10:00 v1 baseline
      11:00 v2: b 1h30m
    shadowed: D1
    ");
    let timeline = timeline(&format!("{story}\n13:00 verdict failed on v2@production"));
    let block = block_with(&timeline, &rules, &sources);
    assert!(block.lanes[0].deployments.flags[1].has(crate::correlate::Flags::FAILED));
    let kinds = &block.lanes[0].deployments.kind;
    assert_eq!(kinds, &[crate::model::EventKind::Release; 2]);
}

#[test]
fn a_rule_makes_deployments_of_releases_at_their_publication() {
    let rules = rule(DeploymentOrigin::Release, None);
    assert_snapshot!(told_with("
        09:00 commit a
        10:00 tag v1 of a
        11:00 release v2 of a", &rules, &Sources::default()), @r"
    production (production)
      11:00 v2 baseline
    ");
}

#[test]
fn a_rule_makes_deployments_of_merges_into_the_default_branch() {
    let rules = rule(DeploymentOrigin::PullRequestMerge, None);
    assert_snapshot!(told_with("
        09:00 commit a
        09:00 merge 1 squashed-as a
        10:00 commit b
        10:05 merge 2 squashed-as b
        10:30 commit x branch
        10:40 merge 3 squashed-as x
        10:50 merge 4 open", &rules, &Sources::default()), @r"
    production (production)
      09:00 !1 baseline
      10:05 !2: b 5m
    ");
}

#[test]
fn a_rule_makes_deployments_of_successful_builds_of_a_pipeline() {
    let rules = rule(DeploymentOrigin::Build, Some("^deploy$"));
    assert_snapshot!(told_with("
        09:00 commit a
        09:10 build a pipeline deploy
        10:00 commit b
        10:10 build b pipeline deploy failed
        10:20 build b pipeline test
        10:30 build b pipeline deploy", &rules, &Sources::default()), @r"
    production (production)
      09:10 B1 baseline
      10:30 B5: b 30m
    ");
}

#[test]
fn an_image_brings_its_deployment_the_commit_of_its_first_build() {
    assert_snapshot!(told("
        09:00 commit a
        09:10 build a image d1
        10:00 commit b
        10:10 build b image d2
        10:20 build a image d2
        09:30 deploy - to production image d1
        11:00 deploy - to production image d2"), @r"
    production (production)
      09:30 D1 baseline
      11:00 D2: b 1h
    ");
}

#[test]
fn a_version_that_a_tag_names_brings_its_commit() {
    assert_snapshot!(told("
        09:00 commit a
        09:10 tag v1 of a
        10:00 commit b
        10:10 tag v2 of b
        10:20 deploy - to production version v1
        11:00 deploy - to production version v2"), @r"
    production (production)
      10:20 D1 baseline
      11:00 D2: b 1h
    ");
}

#[test]
fn an_environment_comes_from_a_rule_where_neither_event_nor_source_names_one() {
    let rules = Rules {
        environments: vec![EnvironmentRule {
            matching: None,
            clusters: vec![Glob::new("c-*").unwrap()],
            namespaces: Vec::new(),
            name: Some("blue".into()),
            tier: Some(crate::model::Tier::Production),
        }],
        ..Rules::default()
    };
    assert_snapshot!(told_with("
        09:00 commit a
        10:00 deploy a on c-1
        10:00 deploy a on d-1", &rules, &Sources::default()), @r"
    blue (production)
      10:00 D1 baseline
    unknown (none)
      10:00 D2 baseline
    ");
}
