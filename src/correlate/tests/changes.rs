//! Delivered changes and lead time (definitions, section 2).

use insta::assert_snapshot;

use super::drawing::spans;
use super::*;
use crate::correlate::Intervals;
use crate::model::{ApplicationRule, Glob};

#[test]
fn the_first_linked_deployment_is_the_baseline_and_the_next_delivers_what_is_new() {
    assert_snapshot!(told("
        09:00 commit a
        09:30 commit b
        09:40 commit c
        10:00 deploy a to production
        11:00 deploy c to production"), @r"
    production (production)
      10:00 D1 baseline
      11:00 D2: b 1h30m, c 1h20m
    ");
}

#[test]
fn a_merge_commit_is_walked_through_and_not_counted() {
    let story = "
        09:00 commit a
        09:10 commit x after a branch
        09:20 commit b after a
        09:30 commit m after b,x
        10:00 deploy a to production
        11:00 deploy m to production";
    assert_snapshot!(told(story), @r"
    production (production)
      10:00 D1 baseline
      11:00 D2: x 1h50m, b 1h40m
    ");
    let block = block(story);
    assert_eq!(block.lanes[0].merges.offset, [0, 0, 1]);
    assert_eq!(spans(&block.lanes[0].merges.landed), ["1h30m"]);
}

#[test]
fn parallel_release_lines_count_no_commit_twice() {
    // 3.11.1 is m2, then 3.5.2 is f on the old line, then 3.12 is m3.
    assert_snapshot!(told("
        09:00 commit r
        09:10 commit m1
        09:20 commit m2
        09:30 commit f after r branch
        10:00 deploy r to production
        11:00 deploy m2 to production
        12:00 deploy f to production
        12:30 commit m3 after m2
        13:00 deploy m3 to production"), @r"
    production (production)
      10:00 D1 baseline
      11:00 D2: m1 1h50m, m2 1h40m
      12:00 D3: f 2h30m
      13:00 D4: m3 30m
    ");
}

#[test]
fn a_cherry_pick_is_a_change_of_its_own() {
    assert_snapshot!(told("
        09:00 commit a
        09:10 commit b
        09:20 commit p after a picks b branch
        10:00 deploy a to production
        11:00 deploy p to production
        12:00 deploy b to production"), @r"
    production (production)
      10:00 D1 baseline
      11:00 D2: p 1h40m
      12:00 D3: b 2h50m
    ");
}

#[test]
fn each_repository_of_an_application_has_its_own_baseline() {
    assert_snapshot!(told("
        09:00 commit a
        09:10 commit x in host/acme/web
        10:00 deploy a to production
        10:10 deploy x to production
        10:20 commit y in host/acme/web
        10:30 commit b
        11:00 deploy y to production
        11:10 deploy b to production"), @r"
    production (production)
      10:00 D1 baseline
      10:10 D2 baseline
      11:00 D3: y 40m
      11:10 D4: b 40m
    ");
}

#[test]
fn changes_first_seen_after_an_unlinked_deployment_count_without_a_lead_time() {
    assert_snapshot!(told("
        09:00 commit a
        10:00 deploy a to production
        10:10 commit b
        11:00 deploy - to production version mystery
        12:00 deploy a to production
        13:00 deploy b to production
        13:30 commit c
        14:00 deploy c to production"), @r"
    production (production)
      10:00 D1 baseline
      11:00 D2 unlinked; failed by rollback D3, recovered 12:00 in 1h
      12:00 D3 rollback
      13:00 D4 undated: b —
      14:00 D5: c 30m
    unlinked: D2
    ");
}

#[test]
fn a_commit_that_nobody_knows_leaves_its_deployment_unlinked() {
    assert_snapshot!(told("
        09:00 commit a
        10:00 deploy a to production
        11:00 deploy ghost to production"), @r"
    production (production)
      10:00 D1 baseline
      11:00 D2 unlinked
    unlinked: D2
    ");
}

#[test]
fn a_change_that_reaches_two_environments_of_a_tier_is_new_only_in_the_first() {
    assert_snapshot!(told("
        09:00 commit a
        09:10 commit b
        10:00 deploy a to prod-eu
        10:00 deploy a to prod-us
        10:00 deploy a to staging
        11:00 deploy b to prod-us
        11:00 deploy b to staging
        12:00 deploy b to prod-eu"), @r"
    prod-eu (production)
      10:00 D1 baseline
      12:00 D6: b 2h50m (again)
    prod-us (production)
      10:00 D2 baseline
      11:00 D4: b 1h50m
    staging (staging)
      10:00 D3 baseline
      11:00 D5: b 1h50m
    ");
}

#[test]
fn a_squashed_commit_starts_with_the_first_commit_of_its_pull_request() {
    let block = block(
        "
        09:00 commit a
        10:00 deploy a to production
        10:30 commit x after a branch
        11:00 commit s after a authored 10:45
        11:00 merge 7 squashed-as s of x opened 10:40
        12:00 deploy s to production",
    );
    let commits = &block.lanes[0].commits;
    assert_eq!(spans(&commits.landed), ["1h"]);
    assert_eq!(spans(commits.committed.as_ref().unwrap()), ["1h30m"]);
    assert_eq!(spans(commits.authored.as_ref().unwrap()), ["1h15m"]);
    assert_eq!(spans(commits.opened.as_ref().unwrap()), ["1h20m"]);
    assert_eq!(spans(commits.merged.as_ref().unwrap()), ["1h"]);
    assert_eq!(commits.in_pull_request, [true]);
}

#[test]
fn all_results_of_a_rebase_start_with_the_first_commit_of_their_pull_request() {
    let block = block(
        "
        09:00 commit a
        10:00 deploy a to production
        10:10 commit x after a branch
        10:20 commit y branch
        11:00 commit x2 after a
        11:00 commit y2
        11:00 merge 7 as y2 of x,y
        12:00 deploy y2 to production",
    );
    let commits = &block.lanes[0].commits;
    assert_eq!(spans(&commits.landed), ["1h", "1h"]);
    assert_eq!(
        spans(commits.committed.as_ref().unwrap()),
        ["1h50m", "1h50m"]
    );
}

#[test]
fn commits_of_a_merged_pull_request_stand_on_the_branch_as_they_are() {
    let block = block(
        "
        09:00 commit a
        10:00 deploy a to production
        10:10 commit x after a branch
        10:20 commit m after a,x
        10:20 merge 7 as m opened 10:15
        12:00 deploy m to production",
    );
    let lane = &block.lanes[0];
    assert_eq!(spans(&lane.commits.landed), ["1h50m"]);
    assert_eq!(lane.commits.committed, None);
    assert_eq!(spans(lane.commits.opened.as_ref().unwrap()), ["1h45m"]);
    assert_eq!(lane.pull_requests.offset, [0, 0, 1]);
    assert_eq!(lane.commits.in_pull_request, [true]);
}

#[test]
fn parts_end_at_opening_review_approval_merge_build_and_deployment() {
    let block = block(
        "
        08:00 commit a
        08:30 deploy a to production
        09:00 commit x after a branch
        13:00 commit s after a
        13:00 merge 7 squashed-as s of x opened 10:00 reviewed 10:30 approved 12:00
        13:20 build s
        13:10 build s failed
        14:00 deploy s to production",
    );
    let parts = block.lanes[0].commits.parts.as_ref().unwrap();
    let parts: Vec<_> = parts.iter().flat_map(spans).collect();
    assert_eq!(parts, ["1h", "30m", "1h30m", "1h", "20m", "40m"]);
}

#[test]
fn a_boundary_out_of_order_is_skipped_and_its_time_belongs_to_the_next_part() {
    // Approved before it was reviewed, and built only after the deployment.
    let block = block(
        "
        08:00 commit a
        08:30 deploy a to production
        09:00 commit x after a branch
        13:00 commit s after a
        13:00 merge 7 squashed-as s of x opened 10:00 reviewed 12:00 approved 11:00
        14:30 build s
        14:00 deploy s to production",
    );
    let parts = block.lanes[0].commits.parts.as_ref().unwrap();
    let parts: Vec<_> = parts.iter().flat_map(spans).collect();
    assert_eq!(parts, ["1h", "2h", "—", "1h", "—", "1h"]);
}

#[test]
fn without_pull_requests_and_builds_all_of_the_lead_time_is_the_last_part() {
    let block = block(
        "
        09:00 commit a
        09:30 commit b
        10:00 deploy a to production
        11:00 deploy b to production",
    );
    let commits = &block.lanes[0].commits;
    assert_eq!(commits.parts, None);
    assert_eq!(commits.committed, None);
    assert_eq!(commits.authored, None);
    assert_eq!(commits.opened, None);
    assert!(commits.author.is_empty() && commits.repeated_in_tier.is_empty());
    assert!(commits.revert.is_empty() && commits.in_pull_request.is_empty());
}

#[test]
fn a_pull_request_is_a_change_from_its_first_commit_to_the_deployment_of_its_result() {
    let block = block(
        "
        09:00 commit a
        10:00 deploy a to production
        10:30 commit x after a branch by ann
        10:40 commit y branch by ben
        11:00 commit s after a
        11:00 merge 7 squashed-as s of x,y opened 10:45 by ann
        11:30 merge 8 open opened 11:10
        12:00 deploy s to production
        13:00 deploy s to staging",
    );
    let requests = &block.lanes[0].pull_requests;
    assert_eq!(requests.offset, [0, 0, 1]);
    assert_eq!(spans(&requests.landed), ["1h"]);
    assert_eq!(spans(requests.committed.as_ref().unwrap()), ["1h30m"]);
    let open = &block.pull_requests;
    assert_eq!(open.closed_at.len(), 2);
    assert_eq!(open.closed_at[1], i64::MAX);
}

fn monorepo() -> Rules {
    let rule = |name: &str, path: &str| ApplicationRule {
        name: Some(name.into()),
        repositories: vec![Glob::new("host/acme/*").unwrap()],
        paths: vec![Glob::new(path).unwrap()],
        ..ApplicationRule::default()
    };
    Rules {
        applications: vec![rule("shop", "shop/*"), rule("web", "web/*")],
        ..Rules::default()
    }
}

#[test]
fn a_commit_of_a_monorepo_is_a_change_only_where_it_touches_a_path() {
    let story = "
        09:00 commit a paths shop/x
        09:10 commit b paths web/x
        09:20 commit c paths web/x,shop/y
        09:30 commit d
        09:40 commit e paths shop/z
        10:00 deploy a to production
        11:00 deploy e to production";
    assert_snapshot!(told_with(story, &monorepo(), &Sources::default()), @r"
    production (production)
      10:00 D1 baseline
      11:00 D2: c 1h40m, e 1h20m
    ");
    let block = block_with(&timeline(story), &monorepo(), &Sources::default());
    assert_eq!(
        block.notices[0].text,
        "shop: 1 commits of a monorepo have no known paths: they are changes of nobody"
    );
}

#[test]
fn a_pull_request_of_another_application_in_a_monorepo_is_neither_change_nor_hotfix() {
    let story = "
        09:00 commit a paths shop/x
        10:00 deploy a to production
        10:10 commit b paths shop/x
        10:20 deploy b to production
        10:30 commit w paths web/x
        10:30 merge 1 squashed-as w label hotfix
        10:40 commit x after w branch paths shop/y
        10:50 commit m after w,x
        10:50 merge 2 as m
        11:00 deploy m to production";
    assert_snapshot!(told_with(story, &monorepo(), &Sources::default()), @r"
    production (production)
      10:00 D1 baseline
      10:20 D2: b 10m
      11:00 D3: x 20m
    ");
    let block = block_with(&timeline(story), &monorepo(), &Sources::default());
    assert_eq!(block.lanes[0].pull_requests.offset, [0, 0, 0, 1]);
}

/// What is open at each time of day 1, in order.
fn open(intervals: &Intervals, hours: [i64; 6]) -> Vec<usize> {
    hours
        .into_iter()
        .map(|hour| {
            let at = timeline::midnight().timestamp() + hour * 3600;
            let until = |times: &[u32]| times.partition_point(|time| i64::from(*time) <= at);
            until(&intervals.start) - until(&intervals.end)
        })
        .collect()
}

#[test]
fn commits_are_undeployed_from_landing_until_they_are_live_and_again_after_a_rollback() {
    let block = block(
        "
        08:00 commit a
        08:30 deploy a to production
        09:00 commit b
        10:00 commit c
        11:00 deploy b to production
        12:00 deploy a to production
        13:00 deploy c to production
        14:00 commit x branch",
    );
    // 9: b; 10: b, c; 11: c; 12: b again and c; 13: none.
    let undeployed = &block.lanes[0].undeployed;
    assert_eq!(open(undeployed, [8, 9, 10, 11, 12, 13]), [0, 1, 2, 1, 2, 0]);
    assert_eq!(undeployed.start.len(), undeployed.end.len());
}

#[test]
fn what_a_parallel_line_still_holds_stays_live_after_a_rollback() {
    // eu rolls back b, but us runs c, whose history holds b.
    let block = block(
        "
        08:00 commit a
        08:30 deploy a to production on eu
        08:40 deploy a to production on us
        09:00 commit b
        10:00 deploy b to production on eu
        10:30 commit c
        11:00 deploy c to production on us
        12:00 deploy a to production on eu",
    );
    let undeployed = &block.lanes[0].undeployed;
    assert_eq!(open(undeployed, [8, 9, 10, 11, 12, 13]), [0, 1, 0, 0, 0, 0]);
}

#[test]
fn a_commit_waits_from_the_merge_that_landed_it() {
    let block = block(
        "
        08:00 commit a
        08:30 deploy a to production
        09:00 commit x after a
        11:00 commit m after a,x
        13:00 deploy m to production",
    );
    let undeployed = &block.lanes[0].undeployed;
    assert_eq!(
        open(undeployed, [9, 10, 11, 12, 13, 14]),
        [0, 0, 1, 1, 0, 0]
    );
}

#[test]
fn live_in_one_environment_is_live_in_its_tier() {
    let block = block(
        "
        08:00 commit a
        08:30 deploy a to prod-eu
        08:30 deploy a to prod-us
        08:30 deploy a to staging
        09:00 commit b
        10:00 deploy b to prod-eu
        11:00 deploy a to prod-eu
        12:00 deploy b to prod-us",
    );
    assert_eq!(block.tier_backlogs.len(), 1);
    let undeployed = &block.tier_backlogs[0].undeployed;
    assert_eq!(open(undeployed, [8, 9, 10, 11, 12, 13]), [0, 1, 0, 1, 0, 0]);
    let eu = &block.lanes[0].undeployed;
    assert_eq!(open(eu, [8, 9, 10, 11, 12, 13]), [0, 1, 0, 1, 1, 1]);
}
