//! Data that makes no sense costs a notice, never a panic.

use insta::assert_snapshot;

use super::*;
use crate::model::Body;

#[test]
fn a_change_deployed_before_it_was_committed_has_no_lead_time() {
    let story = "
        09:00 commit a
        10:00 deploy a to production
        12:00 commit b
        11:00 deploy b to production";
    assert_snapshot!(told(story), @r"
    production (production)
      10:00 D1 baseline
      11:00 D2: b —
    negative_lead_time: b
    ");
    let notices = block(story).notices;
    assert_eq!(notices.len(), 1);
    assert_eq!(
        notices[0].text,
        "shop: 1 changes would have been deployed before they were committed: their lead time is unknown"
    );
}

#[test]
fn an_incident_resolved_before_it_was_opened_has_no_time_to_restore_and_ends_nothing() {
    assert_snapshot!(told("
        09:00 commit a
        10:00 deploy a to production
        11:00 incident INC-1 resolved 10:30"), @r"
    production (production)
      10:00 D1 baseline; failed by incident INC-1, open
    11:00 INC-1 restored in — from D1 by incident
    negative_restore: INC-1
    ");
}

#[test]
fn circles_in_history_and_missing_parents_just_end_the_walk() {
    assert_snapshot!(told("
        09:00 commit a after c
        09:10 commit b after a,a
        09:20 commit c after b
        09:30 commit d after d
        09:40 commit e after ghost
        10:00 deploy a to production
        11:00 deploy d to production
        12:00 deploy e to production"), @r"
    production (production)
      10:00 D1 baseline
      11:00 D2: d 1h30m
      12:00 D3: e 2h20m
    ");
}

#[test]
fn a_rollout_that_ends_before_it_starts_has_no_known_start() {
    let block = block(
        "
        09:00 commit a
        10:00 deploy a to production started 11:00",
    );
    let deployments = &block.lanes[0].deployments;
    assert_eq!(deployments.started_at, deployments.finished_at);
    assert_eq!(
        block.notices[0].text,
        "shop: 1 rollouts ended before they started: their start counts as unknown"
    );
}

#[test]
fn rollouts_without_time_are_left_out_with_a_notice() {
    let mut timeline = timeline("10:00 deploy a to production");
    if let Body::Deployment(deployment) = &mut timeline.events[0].body {
        deployment.finished_at = None;
    }
    let block = block_with(&timeline, &Rules::default(), &Sources::default());
    assert!(block.lanes.is_empty());
    assert!(block.notices[0].text.contains("neither when they started"));
}

#[test]
fn commits_of_1970_and_2099_do_no_harm() {
    let block = block(
        "
        d-20513 09:00 commit a
        09:00 commit b
        d26900 09:00 commit c
        10:00 deploy a to production
        11:00 deploy b to production
        12:00 deploy c to production",
    );
    assert_eq!(block.lanes[0].commits.landed.missing, 1);
    assert_eq!(block.lanes[0].undeployed.start.len(), 1);
}

#[test]
fn nothing_at_all_is_an_empty_block() {
    let block = block("");
    assert!(block.lanes.is_empty() && block.notices.is_empty() && block.quality.is_empty());
}

#[test]
fn of_two_versions_of_an_event_the_one_further_along_counts() {
    for story in [
        "10:00 deploy a to production id X running\n11:00 deploy a to production id X",
        "11:00 deploy a to production id X\n10:00 deploy a to production id X running",
    ] {
        let block = block(story);
        assert_eq!(block.lanes[0].deployments.key.len(), 1);
    }
}
