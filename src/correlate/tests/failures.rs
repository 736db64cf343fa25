//! Failure, recovery, rework (definitions, section 3).

use insta::assert_snapshot;

use super::*;
use crate::correlate::FailureRule;

/// Two deployments, a baseline and one with a change, that stories go on from.
const BEGINNING: &str = "
    09:00 commit a
    10:00 deploy a to production
    10:30 commit b
    11:00 deploy b to production started 10:50";

fn after_the_beginning(story: &str) -> String {
    let drawn = told(&format!("{BEGINNING}\n{story}"));
    // The first two lines are the same in every story.
    drawn
        .lines()
        .skip(2)
        .map(|line| format!("{line}\n"))
        .collect()
}

#[test]
fn a_rollback_fails_what_it_undoes_a_redeployment_and_a_roll_forward_fail_nothing() {
    assert_snapshot!(after_the_beginning("
        12:00 deploy a to production
        13:00 deploy a to production
        14:00 deploy b to production
        15:00 deploy a to production"), @r"
      11:00 D2: b 30m; failed by rollback D3, recovered 12:00 in 1h
      12:00 D3 rollback
      13:00 D4
      14:00 D5; failed by rollback D6, recovered 15:00 in 1h
      15:00 D6 rollback
    ");
}

#[test]
fn a_rollback_fails_every_young_deployment_since_and_if_none_is_young_the_latest() {
    assert_snapshot!(told("
        09:00 commit a
        10:00 deploy a to production
        10:30 commit b
        11:00 deploy b to production
        d7 10:00 commit c
        d7 11:00 deploy c to production
        d8 12:00 deploy a to production"), @r"
    production (production)
      10:00 D1 baseline
      11:00 D2: b 30m
      d7 11:00 D3: c 1h; failed by rollback D4, recovered d8 12:00 in 1d1h
      d8 12:00 D4 rollback
    ");
    assert_snapshot!(after_the_beginning("d20 12:00 deploy a to production"), @r"
      11:00 D2: b 30m; failed by rollback D3, recovered d20 12:00 in 19d1h
      d20 12:00 D3 rollback
    ");
}

#[test]
fn an_ancestor_that_was_never_live_is_a_rollback_only_if_its_source_says_so() {
    let story = |word: &str| {
        format!(
            "
        09:00 commit a
        09:10 commit b
        09:20 commit c
        10:00 deploy a to production
        11:00 deploy c to production
        12:00 deploy b to production {word}
        13:00 deploy c to production"
        )
    };
    assert_snapshot!(told(&story("")), @r"
    production (production)
      10:00 D1 baseline
      11:00 D2: b 1h50m, c 1h40m
      12:00 D3; failed by rollback D4, recovered 13:00 in 1h
      13:00 D4 rollback
    ");
    assert_snapshot!(told(&story("rollback")), @r"
    production (production)
      10:00 D1 baseline
      11:00 D2: b 1h50m, c 1h40m; failed by rollback D3, recovered 12:00 in 1h
      12:00 D3 rollback
      13:00 D4
    ");
}

#[test]
fn a_revert_fails_the_deployment_of_what_it_reverts_and_a_revert_of_it_is_no_evidence() {
    assert_snapshot!(after_the_beginning("
        11:30 commit r reverts b
        12:00 deploy r to production
        12:30 commit s reverts r
        13:00 deploy s to production"), @r"
      11:00 D2: b 30m; failed by revert r, recovered 12:00 in 1h
      12:00 D3 rework: r 30m
      13:00 D4: s 30m
    ");
}

#[test]
fn a_revert_within_the_same_deployment_or_of_the_baseline_is_no_evidence() {
    assert_snapshot!(after_the_beginning("
        11:10 commit c
        11:20 commit r reverts c
        11:30 commit s reverts a
        12:00 deploy s to production"), @r"
      11:00 D2: b 30m
      12:00 D3: c 50m, r 40m, s 30m
    ");
}

#[test]
fn a_revert_pull_request_is_evidence() {
    assert_snapshot!(told("
        09:00 commit a
        10:00 deploy a to production
        10:30 commit b
        10:30 merge 1 squashed-as b
        11:00 deploy b to production
        11:30 commit r
        11:30 merge 2 squashed-as r reverts 1
        12:00 deploy r to production"), @r"
    production (production)
      10:00 D1 baseline
      11:00 D2: b 30m; failed by revert !2, recovered 12:00 in 1h
      12:00 D3 rework: r 30m
    ");
}

#[test]
fn an_old_revert_is_no_evidence_but_ends_a_failure_at_any_age() {
    assert_snapshot!(after_the_beginning("
        d10 11:30 commit r reverts b
        d10 12:00 deploy r to production"), @r"
      11:00 D2: b 30m
      d10 12:00 D3: r 30m
    ");
    assert_snapshot!(after_the_beginning("
        11:30 incident INC-1
        d10 11:30 commit r reverts b
        d10 12:00 deploy r to production"), @r"
      11:00 D2: b 30m; failed by incident INC-1, recovered d10 12:00 in 9d1h
      d10 12:00 D3: r 30m
    11:30 INC-1 open from D2 by incident
    ");
}

#[test]
fn a_hotfix_by_label_or_branch_fails_the_latest_deployment_before_it() {
    insta::allow_duplicates! {
    for word in ["label hotfix", "branch-name hotfix/pay"] {
        let story = format!(
            "
            11:30 commit h
            11:40 merge 7 squashed-as h {word}
            12:00 deploy h to production"
        );
        assert_snapshot!(after_the_beginning(&story), @r"
          11:00 D2: b 30m; failed by hotfix !7, recovered 12:00 in 1h
          12:00 D3 hotfix: h 30m
        ");
    }
    }
    assert_snapshot!(after_the_beginning("
        11:30 commit h
        11:40 merge 7 squashed-as h branch-name feature/hotfix
        12:00 deploy h to production"), @r"
      11:00 D2: b 30m
      12:00 D3: h 30m
    ");
}

#[test]
fn a_hotfix_passes_over_rollbacks_and_is_never_a_baseline() {
    assert_snapshot!(after_the_beginning("
        11:10 deploy a to production
        11:30 commit h
        11:40 merge 7 squashed-as h label hotfix
        12:00 deploy h to production"), @r"
      11:00 D2: b 30m; failed by rollback D3 hotfix !7, recovered 11:10 in 10m
      11:10 D3 rollback
      12:00 D4 hotfix: h 30m
    ");
    assert_snapshot!(told("
        09:00 commit h
        09:10 merge 7 squashed-as h label hotfix
        10:00 deploy h to production"), @r"
    production (production)
      10:00 D1 baseline
    ");
}

#[test]
fn a_hotfix_by_pipeline_is_the_one_that_first_delivers_its_commit() {
    let mut rules = Rules::default();
    rules.evidence.hotfix_pipelines = crate::model::Pattern::new("^hotfix").ok();
    let story = format!(
        "{BEGINNING}
        11:30 commit h
        11:40 build h pipeline hotfix-eu
        12:00 deploy h to production
        12:30 deploy h to production"
    );
    assert_snapshot!(told_with(&story, &rules, &Sources::default()), @r"
    production (production)
      10:00 D1 baseline
      11:00 D2: b 30m; failed by hotfix B5, recovered 12:00 in 1h
      12:00 D3 hotfix: h 30m
      12:30 D4
    ");
}

#[test]
fn an_incident_fails_the_latest_deployment_that_had_started_within_a_day() {
    assert_snapshot!(after_the_beginning("d2 11:00 incident INC-1 resolved d2 12:00"), @r"
      11:00 D2: b 30m; failed by incident INC-1, recovered d2 12:00 in 1d1h
    d2 11:00 INC-1 restored in 1h from D2 by incident
    ");
    assert_snapshot!(after_the_beginning("d2 11:01 incident INC-1 resolved d2 12:00"), @r"
      11:00 D2: b 30m
    d2 11:01 INC-1 restored in 59m
    ");
    // It had started, but not finished.
    assert_snapshot!(after_the_beginning("10:55 incident INC-1"), @r"
      11:00 D2: b 30m; failed by incident INC-1, open
    10:55 INC-1 open from D2 by incident
    ");
    assert_snapshot!(told(&format!("{BEGINNING}\n10:45 incident INC-1")), @r"
    production (production)
      10:00 D1 baseline; failed by incident INC-1, open
      11:00 D2: b 30m
    10:45 INC-1 open from D1 by incident
    ");
}

#[test]
fn an_incident_concerns_its_environment_and_without_one_production() {
    let story = "
        09:00 commit a
        10:00 deploy a to production
        10:30 deploy a to staging
        11:00 incident INC-1
        11:10 incident INC-2 to staging
        11:20 incident INC-3 to demo";
    assert_snapshot!(told(story), @r"
    production (production)
      10:00 D1 baseline; failed by incident INC-1, open
    staging (staging)
      10:30 D2 baseline; failed by incident INC-2, open
    11:00 INC-1 open from D1 by incident
    11:10 INC-2 open from D2 by incident
    11:20 INC-3 open
    ");
    use crate::model::Tier::{Production, Staging};
    assert_eq!(block(story).incidents.tier, [Production, Staging, Staging]);
}

#[test]
fn a_deployment_fails_once_however_many_reasons_and_the_last_incident_ends_it() {
    let story = "
        11:30 incident INC-1 resolved 12:00
        11:40 incident INC-2 resolved 13:00";
    assert_snapshot!(after_the_beginning(story), @r"
      11:00 D2: b 30m; failed by incident INC-1 incident INC-2, recovered 13:00 in 2h
    11:30 INC-1 restored in 30m from D2 by incident
    11:40 INC-2 restored in 1h20m from D2 by incident
    ");
    assert_snapshot!(after_the_beginning(&format!("{story}\n11:50 incident INC-3")), @r"
      11:00 D2: b 30m; failed by incident INC-1 incident INC-2 incident INC-3, open
    11:30 INC-1 restored in 30m from D2 by incident
    11:40 INC-2 restored in 1h20m from D2 by incident
    11:50 INC-3 open from D2 by incident
    ");
}

#[test]
fn whichever_comes_first_of_rollback_and_resolution_is_the_recovery() {
    assert_snapshot!(after_the_beginning("
        11:30 incident INC-1 resolved 13:00
        12:00 deploy a to production"), @r"
      11:00 D2: b 30m; failed by rollback D3 incident INC-1, recovered 12:00 in 1h
      12:00 D3 rollback
    11:30 INC-1 restored in 1h30m from D2 by incident
    ");
}

#[test]
fn an_incident_resolved_before_the_deployment_finished_ends_nothing() {
    assert_snapshot!(after_the_beginning("10:52 incident INC-1 resolved 10:58"), @r"
      11:00 D2: b 30m; failed by incident INC-1, open
    10:52 INC-1 restored in 6m from D2 by incident
    negative_restore: INC-1
    ");
}

#[test]
fn a_ticket_may_name_the_deployment_its_version_or_a_commit_at_any_age() {
    insta::allow_duplicates! {
    for words in ["names D2", "names v2", "commit b"] {
        let story = format!(
            "
            09:00 commit a
            10:00 deploy a to production
            10:30 commit b
            10:40 commit c
            11:00 deploy c to production version v2
            12:00 deploy a to staging
            d9 12:00 incident INC-1 {words}"
        );
        assert_snapshot!(told(&story), @r"
        production (production)
          10:00 D1 baseline
          11:00 D2: b 30m, c 20m; failed by reference INC-1, open
        staging (staging)
          12:00 D3 baseline
        d9 12:00 INC-1 open from D2 by reference
        ");
    }
    }
}

#[test]
fn a_reference_to_something_unknown_or_never_live_is_listed_and_the_next_rule_applies() {
    assert_snapshot!(after_the_beginning("
        11:10 deploy b to production failed
        11:30 incident INC-1 names nonsense resolved 12:00
        11:40 incident INC-2 names D3 resolved 12:00"), @r"
      11:00 D2: b 30m; failed by incident INC-1 incident INC-2, recovered 12:00 in 1h
      11:10 D3 never live
    11:30 INC-1 restored in 30m from D2 by incident
    11:40 INC-2 restored in 20m from D2 by incident
    unknown_reference: INC-1
    unknown_reference: INC-2
    ");
}

#[test]
fn a_deployment_that_names_what_it_fixes_is_rework_and_ends_the_failure() {
    assert_snapshot!(after_the_beginning("
        11:30 commit c
        12:00 deploy c to production fixes D2"), @r"
      11:00 D2: b 30m; failed by reference D3, recovered 12:00 in 1h
      12:00 D3 rework: c 30m
    ");
    assert_snapshot!(after_the_beginning("
        11:20 incident INC-1
        11:30 commit c
        12:00 deploy c to production fixes INC-1"), @r"
      11:00 D2: b 30m; failed by incident INC-1, recovered 12:00 in 1h
      12:00 D3 rework: c 30m
    11:20 INC-1 open from D2 by incident
    ");
}

#[test]
fn the_latest_word_on_a_deployment_overrules_everything() {
    assert_snapshot!(after_the_beginning("
        11:30 incident INC-1 resolved 12:00
        13:00 verdict failed on D2
        14:00 verdict not_failed on D2"), @r"
      11:00 D2: b 30m
    11:30 INC-1 restored in 30m from D2 by incident
    ");
    assert_snapshot!(after_the_beginning("
        13:00 verdict failed on D2
        12:00 verdict not_failed on D2"), @r"
      11:00 D2: b 30m; failed by verdict V4, open
    ");
}

#[test]
fn a_verdict_names_the_cause_of_an_incident_or_takes_it_away() {
    assert_snapshot!(told(&format!("{BEGINNING}
        11:30 incident INC-1 resolved 12:00
        13:00 verdict caused_by on INC-1 cause D1")), @r"
    production (production)
      10:00 D1 baseline; failed by verdict V5, recovered 12:00 in 2h
      11:00 D2: b 30m
    11:30 INC-1 restored in 30m from D1 by verdict
    ");
    insta::allow_duplicates! {
    for words in ["unlink on INC-1", "unlink on INC-1 cause D2"] {
        let story = format!(
            "
            11:30 incident INC-1 resolved 12:00
            13:00 verdict {words}"
        );
        assert_snapshot!(after_the_beginning(&story), @r"
          11:00 D2: b 30m
        11:30 INC-1 restored in 30m
        ");
    }
    }
    assert_snapshot!(after_the_beginning("
        11:30 incident INC-1 resolved 12:00
        13:00 verdict caused_by on INC-1 cause ghost"), @r"
      11:00 D2: b 30m; failed by incident INC-1, recovered 12:00 in 1h
    11:30 INC-1 restored in 30m from D2 by incident
    unknown_reference: V5
    ");
}

#[test]
fn what_a_verdict_calls_no_incident_counts_nowhere() {
    assert_snapshot!(after_the_beginning("
        11:30 incident INC-1 resolved 12:00
        13:00 verdict not_an_incident on INC-1"), @"  11:00 D2: b 30m");
}

#[test]
fn a_verdict_makes_a_hotfix_of_a_deployment() {
    assert_snapshot!(after_the_beginning("
        11:30 commit c
        12:00 deploy c to production
        13:00 verdict hotfix on D3"), @r"
      11:00 D2: b 30m; failed by hotfix V6, recovered 12:00 in 1h
      12:00 D3 hotfix: c 30m
    ");
    assert_snapshot!(told(&format!("{BEGINNING}
        11:30 commit c
        12:00 deploy c to production
        13:00 verdict hotfix on D3 cause D1")), @r"
    production (production)
      10:00 D1 baseline; failed by hotfix V6, recovered 12:00 in 2h
      11:00 D2: b 30m
      12:00 D3 hotfix: c 30m
    ");
}

#[test]
fn duplicates_of_an_incident_count_once() {
    assert_snapshot!(after_the_beginning("
        11:30 incident INC-1 resolved 12:00
        11:40 incident INC-2 repeats INC-1
        11:50 incident INC-3 repeats INC-2
        11:55 incident INC-4 repeats gone resolved 12:10"), @r"
      11:00 D2: b 30m; failed by incident INC-1 incident INC-4, recovered 12:10 in 1h10m
    11:30 INC-1 restored in 30m from D2 by incident
    11:55 INC-4 restored in 15m from D2 by incident
    ");
}

#[test]
fn a_circle_of_duplicates_is_its_first_incident() {
    let block = block(
        "
        11:40 incident INC-2 repeats INC-1
        11:30 incident INC-1 repeats INC-2
        11:50 incident INC-3 repeats INC-2",
    );
    let opened = timeline::midnight().timestamp_millis() + (11 * 60 + 30) * 60_000;
    assert_eq!(block.incidents.opened_at, [opened]);
}

#[test]
fn a_rollback_is_judged_by_target() {
    // On eu `b` replaces `a`; on us `b` came first and `a` later, so that `b` again is a rollback there.
    assert_snapshot!(told("
        09:00 commit a
        09:10 commit b
        10:00 deploy a to production on eu
        10:10 deploy b to production on us
        d3 10:00 deploy b to production on eu
        d3 10:10 deploy a to production on us
        d3 11:00 deploy b to production on us"), @r"
    production (production)
      10:00 D1 baseline
      10:10 D2: b 1h
      d3 10:00 D3
      d3 10:10 D4; failed by rollback D5, recovered d3 11:00 in 50m
      d3 11:00 D5 rollback
    ");
}

#[test]
fn an_incident_of_another_application_that_names_a_deployment_fails_it() {
    let shop = timeline(BEGINNING);
    let other = timeline(
        "
        12:00 incident INC-9 names D2 resolved 13:00
        12:00 incident INC-8 names v2",
    );
    let references = References::collect(&other.events, &Assignment::default());
    let history = shop.events.iter().cloned().collect();
    let block = correlate(&Input {
        application: &"shop".into(),
        history: &history,
        references: &references,
        rules: &Rules::default(),
        sources: &Sources::default(),
    });
    assert!(block.incidents.key.is_empty());
    let lane = &block.lanes[0];
    assert_eq!(lane.reasons.len(), 1);
    assert_eq!(lane.reasons[0].rule, FailureRule::Reference);
    assert_eq!(lane.recoveries[0].milliseconds, 2 * 3_600_000);
}
