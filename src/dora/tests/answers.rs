use super::estate::*;
use crate::correlate::{FailureRule, Flags, Intervals, QualityKind, QualityRow};
use crate::dora::{Answer, Period};
use crate::model::{
    Bucket, Coverage, EventKey, EventKind, EventKinds, LeadTimeFrom, Metric, Question,
    SourceCoverage, Statistic, Tier,
};
use proptest::prelude::*;

fn march() -> crate::model::TimeRange {
    range("2026-03-01", "2026-03-11")
}

fn shop(made: Vec<super::estate::Made>) -> Estate {
    Estate::new(march(), vec![application("shop", made)])
}

#[test]
fn the_median_lead_time_is_over_changes_not_over_deployments() {
    let estate = shop(vec![
        deployed("2026-03-01T10:00", &[10, 20, 30]),
        deployed("2026-03-02T10:00", &[1000]),
    ]);
    assert_eq!(estate.number(&of(Metric::ChangeLeadTime)), Some(25.0));
    assert_eq!(
        estate.number(&with(Metric::ChangeLeadTime, Statistic::Mean)),
        Some(265.0)
    );
    assert_eq!(
        estate.number(&with(Metric::ChangeLeadTime, Statistic::Sum)),
        Some(1060.0)
    );
    assert_eq!(
        estate.number(&with(Metric::ChangeLeadTime, Statistic::Min)),
        Some(10.0)
    );
    assert_eq!(
        estate.number(&with(Metric::ChangeLeadTime, Statistic::Max)),
        Some(1000.0)
    );
    assert_eq!(
        estate.number(&with(Metric::ChangeLeadTime, Statistic::Count)),
        Some(4.0)
    );
    // Rank 2.7 of 0 to 3: 30 + 0.7 · 970.
    let p90 = estate
        .number(&with(Metric::ChangeLeadTime, Statistic::P90))
        .unwrap();
    assert!((p90 - 709.0).abs() < 1e-9, "{p90}");
}

#[test]
fn milliseconds_are_not_lost() {
    let change = |lead| Change {
        lead: Some(lead),
        ..Change::default()
    };
    let estate = shop(vec![
        deployed("2026-03-01T10:00", &[]).changes(vec![change(1_500), change(2_000)]),
        deployed("2026-03-02T10:00", &[4]),
    ]);
    assert_eq!(
        estate.number(&with(Metric::ChangeLeadTime, Statistic::Min)),
        Some(1.5)
    );
    assert_eq!(
        estate.number(&with(Metric::ChangeLeadTime, Statistic::Sum)),
        Some(7.5)
    );
}

#[test]
fn a_change_without_lead_time_counts_as_a_commit_only() {
    let undated = Change {
        lead: None,
        ..Change::default()
    };
    let made = vec![
        deployed("2026-03-01T10:00", &[60]),
        deployed("2026-03-02T10:00", &[])
            .changes(vec![undated, undated])
            .flagged(Flags::UNDATED),
    ];
    let estate = shop(made);
    assert_eq!(estate.number(&of(Metric::Commits)), Some(3.0));
    assert_eq!(
        estate.number(&with(Metric::ChangeLeadTime, Statistic::Count)),
        Some(1.0)
    );
    assert_eq!(estate.number(&of(Metric::ChangeLeadTime)), Some(60.0));
    assert_eq!(
        estate.number(&with(Metric::BatchSize, Statistic::Max)),
        Some(2.0)
    );
}

#[test]
fn a_baseline_counts_in_frequency_and_its_commits_in_nothing() {
    let made = vec![
        deployed("2026-03-01T10:00", &[9000, 9000]).flagged(Flags::BASELINE),
        deployed("2026-03-02T10:00", &[60]),
    ];
    let estate = shop(made);
    assert_eq!(estate.number(&of(Metric::Deployments)), Some(2.0));
    assert_eq!(estate.number(&of(Metric::ChangeLeadTime)), Some(60.0));
    assert_eq!(estate.number(&of(Metric::Commits)), Some(1.0));
    assert_eq!(
        estate.number(&with(Metric::BatchSize, Statistic::Count)),
        Some(1.0)
    );
}

#[test]
fn the_range_holds_its_start_and_not_its_end() {
    let estate = shop(vec![
        deployed("2026-03-01", &[1]),
        deployed("2026-03-11", &[2]),
    ]);
    assert_eq!(estate.number(&of(Metric::Deployments)), Some(1.0));
    assert_eq!(estate.number(&of(Metric::ChangeLeadTime)), Some(1.0));
}

#[test]
fn rates_are_shares_of_deployments() {
    let made = vec![
        deployed("2026-03-01T10:00", &[60]).failed(FailureRule::Rollback),
        deployed("2026-03-02T10:00", &[60])
            .flagged(Flags::ROLLBACK)
            .flagged(Flags::REWORK),
        deployed("2026-03-03T10:00", &[60, 60]),
        deployed("2026-03-04T10:00", &[]).unlinked(),
    ];
    let estate = shop(made);
    assert_eq!(estate.number(&of(Metric::ChangeFailRate)), Some(0.25));
    assert_eq!(estate.number(&of(Metric::DeploymentReworkRate)), Some(0.25));
    assert_eq!(estate.number(&of(Metric::ReworkShare)), Some(0.25));
    assert_eq!(estate.number(&of(Metric::DeploymentFrequency)), Some(0.4));
    let measure = &estate.numbers(&of(Metric::ChangeFailRate)).measures[0];
    assert_eq!(
        (measure.n, measure.linked_ratio, measure.covered_ratio),
        (4, Some(0.75), 1.0)
    );
}

#[test]
fn a_rate_without_denominator_and_a_statistic_without_values_are_null() {
    let estate = shop(vec![]);
    assert_eq!(estate.number(&of(Metric::ChangeFailRate)), None);
    assert_eq!(estate.number(&of(Metric::ChangeLeadTime)), None);
    assert_eq!(
        estate.number(&with(Metric::ChangeLeadTime, Statistic::Sum)),
        None
    );
    assert_eq!(
        estate.numbers(&of(Metric::ChangeLeadTime)).measures[0].linked_ratio,
        None
    );
    assert_eq!(estate.number(&of(Metric::DeploymentFrequency)), Some(0.0));
}

#[test]
fn a_count_is_zero_only_where_coverage_holds_the_whole_bucket() {
    let made = vec![deployed("2026-03-09T10:00", &[60])];
    let estate = Estate::new(
        range("2026-03-07", "2026-03-11"),
        vec![application("shop", made)],
    )
    .covering(range("2026-03-08", "2026-03-09T12:00"));
    let days = Question {
        bucket: Bucket::Day,
        ..of(Metric::Deployments)
    };
    // Unknown; known and none; one, though only half is known; unknown.
    assert_eq!(estate.values(&days), [None, Some(0.0), Some(1.0), None]);
    let covered: Vec<f64> = estate.series(&days)[0]
        .points
        .iter()
        .map(|point| point.measure.covered_ratio)
        .collect();
    assert_eq!(covered, [0.0, 1.0, 0.5, 0.0]);
    // One deployment in a day and a half of knowledge.
    assert_eq!(
        estate.number(&of(Metric::DeploymentFrequency)),
        Some(1.0 / 1.5)
    );
}

#[test]
fn without_any_source_nothing_is_covered() {
    let mut estate = shop(vec![]);
    estate.coverages.sources.clear();
    let numbers = estate.numbers(&of(Metric::Deployments));
    assert_eq!(numbers.columns[0].values, [None]);
    assert_eq!(numbers.measures[0].covered_ratio, 0.0);
    assert_eq!(estate.number(&of(Metric::DeploymentFrequency)), None);
}

#[test]
fn without_any_application_there_is_still_an_answer() {
    let estate = Estate::new(march(), vec![]);
    assert_eq!(estate.number(&of(Metric::Deployments)), Some(0.0));
    assert_eq!(estate.number(&of(Metric::ChangeLeadTime)), None);
}

#[test]
fn an_application_is_covered_where_all_its_sources_are() {
    let mut block = application("shop", vec![]);
    block.sources = vec![
        (EventKind::Deployment, "eu".into()),
        (EventKind::Deployment, "us".into()),
    ];
    let mut estate = Estate::new(march(), vec![block]);
    let source = |name: &str, start, end| SourceCoverage {
        source: name.into(),
        kind: "kubernetes",
        yields: EventKinds::of(&[EventKind::Deployment]),
        coverage: Coverage::of(range(start, end)),
    };
    estate.coverages.sources = vec![
        source("eu", "2026-03-01", "2026-03-08"),
        source("us", "2026-03-04", "2026-03-11"),
        source("elsewhere", "2026-01-01", "2026-01-02"),
    ];
    let measure = &estate.numbers(&of(Metric::Deployments)).measures[0];
    assert_eq!((measure.value, measure.covered_ratio), (None, 0.4));
}

#[test]
fn recovery_counts_at_the_moment_of_recovery() {
    let block = application(
        "shop",
        vec![deployed("2026-03-01T10:00", &[]).failed(FailureRule::Incident)],
    );
    let estate = Estate::new(march(), vec![with_recovery(block, 0, "2026-03-03T10:00")]);
    let days = Question {
        bucket: Bucket::Day,
        ..of(Metric::FailedDeploymentRecoveryTime)
    };
    let values = estate.values(&days);
    assert_eq!((values[0], values[2]), (None, Some(172_800.0)));
}

#[test]
fn incidents_count_at_their_opening_and_restores_at_their_resolution() {
    let block = application("shop", vec![]);
    let block = with_incident(block, "2026-03-01T10:00", Some("2026-03-02T10:00"), "high");
    let block = with_incident(block, "2026-03-02T12:00", None, "low");
    let estate = Estate::new(range("2026-03-01", "2026-03-04"), vec![block]);
    let by_day = |metric| {
        estate.values(&Question {
            bucket: Bucket::Day,
            ..of(metric)
        })
    };
    assert_eq!(by_day(Metric::Incidents), [Some(1.0), Some(1.0), Some(0.0)]);
    assert_eq!(by_day(Metric::TimeToRestore), [None, Some(86_400.0), None]);
    assert_eq!(
        by_day(Metric::OpenIncidents),
        [Some(1.0), Some(1.0), Some(1.0)]
    );
}

#[test]
fn an_open_defect_ages_until_the_end_of_each_bucket() {
    let mut block = with_incident(
        application("shop", vec![]),
        "2026-03-01T12:00",
        Some("2026-03-03T06:00"),
        "low",
    );
    block.incidents.defect[0] = true;
    let estate = Estate::new(range("2026-03-01", "2026-03-04"), vec![block]);
    let ages = estate.values(&Question {
        bucket: Bucket::Day,
        ..of(Metric::DefectAge)
    });
    assert_eq!(ages, [Some(43_200.0), Some(129_600.0), None]);
}

#[test]
fn availability_takes_overlapping_outages_once() {
    let block = application("shop", vec![]);
    let block = with_incident(block, "2026-03-01T10:00", Some("2026-03-01T14:00"), "high");
    let block = with_incident(block, "2026-03-01T12:00", Some("2026-03-01T16:00"), "high");
    let estate = Estate::new(range("2026-03-01", "2026-03-02"), vec![block]);
    assert_eq!(estate.number(&of(Metric::Availability)), Some(0.75));
    // What is not covered is neither up nor down.
    let estate = estate.covering(range("2026-03-01T12:00", "2026-03-02"));
    assert_eq!(estate.number(&of(Metric::Availability)), Some(8.0 / 12.0));
}

#[test]
fn only_user_facing_incidents_count_where_asked() {
    let mut block = with_incident(
        application("shop", vec![]),
        "2026-03-01T10:00",
        Some("2026-03-01T11:00"),
        "low",
    );
    block = with_incident(block, "2026-03-01T12:00", Some("2026-03-01T15:00"), "low");
    block.incidents.user_facing[0] = false;
    let estate = Estate::new(march(), vec![block]);
    let felt = Question {
        user_facing: true,
        ..of(Metric::TimeToRestore)
    };
    assert_eq!(estate.number(&felt), Some(10_800.0));
    assert_eq!(estate.number(&of(Metric::TimeToRestore)), Some(7_200.0));
}

#[test]
fn undeployed_commits_are_a_state() {
    let mut block = application("shop", vec![]);
    let second = |text| (ms(text) / 1000) as u32;
    block.lanes[0].undeployed = Intervals {
        start: vec![second("2026-03-01T10:00"), second("2026-03-01T11:00")],
        end: vec![second("2026-03-02T10:00")],
    };
    let estate = Estate::new(range("2026-03-01", "2026-03-03"), vec![block]);
    let days = Question {
        bucket: Bucket::Day,
        ..of(Metric::UndeployedCommits)
    };
    assert_eq!(estate.values(&days), [Some(2.0), Some(1.0)]);
}

#[test]
fn a_change_in_two_environments_of_a_tier_is_one_change() {
    let first = Change {
        lead: Some(60_000),
        key: 7,
        ..Change::default()
    };
    let again = Change {
        lead: Some(120_000),
        key: 7,
        repeated: true,
        ..Change::default()
    };
    let block = application(
        "shop",
        vec![deployed("2026-03-01T10:00", &[]).changes(vec![first])],
    );
    let block = with_lane(
        block,
        "us",
        Tier::Production,
        vec![deployed("2026-03-01T11:00", &[]).changes(vec![again])],
    );
    let estate = Estate::new(march(), vec![block]);
    assert_eq!(
        estate.number(&with(Metric::ChangeLeadTime, Statistic::Count)),
        Some(1.0)
    );
    assert_eq!(estate.number(&of(Metric::ChangeLeadTime)), Some(60.0));
    assert_eq!(estate.number(&of(Metric::Deployments)), Some(2.0));
    let grouped = Question {
        group_by: vec![crate::model::GroupKey::Environment],
        ..of(Metric::ChangeLeadTime)
    };
    assert_eq!(
        estate.numbers(&grouped).columns[0].values,
        [Some(60.0), Some(120.0)]
    );
    // Seen alone, the second environment has the change too.
    let alone = Question {
        filters: vec![equal("environment", "us")],
        ..of(Metric::ChangeLeadTime)
    };
    assert_eq!(estate.number(&alone), Some(120.0));
    let both = Question {
        filters: vec![matching("environment", "us|production")],
        ..of(Metric::ChangeLeadTime)
    };
    assert_eq!(estate.number(&both), Some(60.0));
}

#[test]
fn parts_add_up_to_the_lead_time_in_mean_and_sum() {
    let parts = |parts| Change {
        lead: Some(100_000),
        parts: Some(parts),
        ..Change::default()
    };
    let estate = shop(vec![deployed("2026-03-01T10:00", &[]).changes(vec![
        parts([
            Some(10_000),
            Some(20_000),
            Some(30_000),
            Some(20_000),
            Some(10_000),
            Some(10_000),
        ]),
        parts([None, None, None, None, Some(60_000), Some(40_000)]),
    ])]);
    for statistic in [Statistic::Mean, Statistic::Sum] {
        let breakdown = Question {
            statistic,
            ..Question::of(crate::model::Kind::Breakdown)
        };
        let columns = estate.numbers(&breakdown).columns;
        let total: f64 = columns.iter().filter_map(|column| column.values[0]).sum();
        assert_eq!(
            Some(total),
            estate.number(&with(Metric::ChangeLeadTime, statistic)),
            "{statistic:?}"
        );
    }
    // Of the values alone: the one change that has a coding time.
    assert_eq!(
        estate.number(&with(Metric::LeadTimeCoding, Statistic::P50)),
        Some(10.0)
    );
    assert_eq!(
        estate.number(&with(Metric::LeadTimeCoding, Statistic::Mean)),
        Some(5.0)
    );
}

#[test]
fn without_boundaries_all_of_the_lead_time_is_its_last_part() {
    let estate = shop(vec![deployed("2026-03-01T10:00", &[100])]);
    assert_eq!(estate.number(&of(Metric::LeadTimeDeploy)), Some(100.0));
    assert_eq!(estate.number(&of(Metric::LeadTimeReview)), None);
}

#[test]
fn a_start_that_nobody_knows_gives_no_lead_time() {
    let estate = shop(vec![deployed("2026-03-01T10:00", &[100])]);
    let from = |lead_time_from| {
        estate.number(&Question {
            lead_time_from,
            ..of(Metric::ChangeLeadTime)
        })
    };
    assert_eq!(from(LeadTimeFrom::Landed), Some(100.0));
    assert_eq!(from(LeadTimeFrom::Authored), Some(100.0));
    assert_eq!(from(LeadTimeFrom::PullRequestOpened), None);
    assert_eq!(from(LeadTimeFrom::Merged), None);
}

#[test]
fn merges_count_where_they_are_asked_for() {
    let mut block = application("shop", vec![deployed("2026-03-01T10:00", &[10])]);
    let other = application("shop", vec![deployed("2026-03-01T10:00", &[30])]);
    block.lanes[0].merges = other.lanes[0].commits.clone();
    let estate = Estate::new(march(), vec![block]);
    assert_eq!(estate.number(&of(Metric::ChangeLeadTime)), Some(10.0));
    let merges = Question {
        include_merges: true,
        ..of(Metric::ChangeLeadTime)
    };
    assert_eq!(estate.number(&merges), Some(20.0));
    assert_eq!(
        estate.number(&Question {
            include_merges: true,
            ..of(Metric::Commits)
        }),
        Some(2.0)
    );
}

#[test]
fn pull_requests_count_as_changes_where_they_are_asked_for() {
    let mut block = application("shop", vec![deployed("2026-03-01T10:00", &[10, 20])]);
    let other = application("shop", vec![deployed("2026-03-01T10:00", &[30])]);
    block.lanes[0].pull_requests = other.lanes[0].commits.clone();
    let estate = Estate::new(march(), vec![block]);
    let unit = crate::model::ChangeUnit::PullRequest;
    assert_eq!(
        estate.number(&Question {
            change_unit: unit,
            ..of(Metric::ChangeLeadTime)
        }),
        Some(30.0)
    );
    assert_eq!(
        estate.number(&Question {
            change_unit: unit,
            ..of(Metric::Commits)
        }),
        Some(2.0)
    );
}

#[test]
fn reverts_are_a_share_of_changes() {
    let changes = [true, false, false, false].map(|revert| Change {
        lead: Some(1_000),
        revert,
        ..Change::default()
    });
    let estate = shop(vec![
        deployed("2026-03-01T10:00", &[]).changes(changes.to_vec()),
    ]);
    assert_eq!(estate.number(&of(Metric::RevertRate)), Some(0.25));
}

#[test]
fn odd_clocks_are_a_notice() {
    let mut block = application("shop", vec![deployed("2026-03-01T10:00", &[10])]);
    block.quality.push(QualityRow {
        kind: QualityKind::NegativeLeadTime,
        event: (EventKind::Commit, EventKey(1)),
        source: "all".into(),
        at: ms("2026-03-01T10:00"),
        text: "odd".into(),
    });
    let notices = Estate::new(march(), vec![block])
        .numbers(&of(Metric::ChangeLeadTime))
        .notices;
    assert!(
        notices
            .iter()
            .any(|notice| notice.text.contains("1 changes were committed after")),
        "{notices:?}"
    );
}

#[test]
fn the_previous_period_is_as_long_and_ends_at_the_start() {
    let made = vec![
        deployed("2026-02-25T10:00", &[100]),
        deployed("2026-03-02T10:00", &[10]),
        deployed("2026-03-03T10:00", &[10]),
    ];
    let estate = shop(made);
    let compared = Question {
        compare: true,
        ..of(Metric::Deployments)
    };
    let columns = estate.numbers(&compared).columns;
    assert_eq!(columns[0].values, [Some(2.0)]);
    assert_eq!(
        (columns[1].name.as_str(), &columns[1].values[..]),
        ("deployments_count_previous", &[Some(1.0)][..])
    );
    let series = estate.series(&Question {
        bucket: Bucket::Day,
        ..compared
    });
    assert_eq!(series[1].period, Period::Previous);
    // 19 February stands at 1 March; 25 February at 7 March.
    assert_eq!(series[1].points[0].start, at("2026-03-01"));
    assert_eq!(series[1].points[6].measure.value, Some(1.0));
}

#[test]
fn failures_that_have_not_recovered_are_told_apart() {
    let mut block = application(
        "shop",
        vec![deployed("2026-03-01T10:00", &[]).failed(FailureRule::Incident)],
    );
    block.lanes[0].open_failures = vec![0];
    let estate = Estate::new(march(), vec![block]).at("2026-03-11T10:00");
    let Answer::Numbers(numbers) = estate.answer(&of(Metric::FailedDeploymentRecoveryTime)) else {
        panic!()
    };
    let text = "1 failed deployments have not recovered; the oldest finished 10 days ago.";
    assert!(
        numbers.notices.iter().any(|notice| notice.text == text),
        "{:?}",
        numbers.notices
    );
}

proptest! {
    #[test]
    fn rates_lie_between_0_and_1(flags in proptest::collection::vec((0..127_u8, 0..20 * 86_400_i64), 0..50)) {
        let made = flags.iter().map(|(flags, offset)| deployed_at(ms("2026-02-25") + offset * 1000, &[60]).flagged(Flags(*flags))).collect();
        let estate = shop(made);
        for metric in [Metric::ChangeFailRate, Metric::DeploymentReworkRate, Metric::ReworkShare] {
            if let Some(rate) = estate.number(&of(metric)) {
                prop_assert!((0.0..=1.0).contains(&rate));
            }
        }
    }

    #[test]
    fn taking_whole_lanes_and_looking_at_rows_give_the_same_answer(
        rows in proptest::collection::vec((0..12 * 86_400_i64, proptest::collection::vec(proptest::option::of(0..9_000_000_i64), 0..5), 0..127_u8), 0..40),
        bucket in prop_oneof![Just(Bucket::None), Just(Bucket::Day), Just(Bucket::Rolling { days: 3 })],
        by_environment in any::<bool>(),
    ) {
        let made = |lane: usize| rows.iter().enumerate().filter(move |(at, _)| at % 2 == lane).map(|(_, (offset, leads, flags))| {
            let changes = leads.iter().map(|lead| Change { lead: *lead, ..Change::default() }).collect();
            deployed_at(ms("2026-02-28") + offset * 1000, &[]).changes(changes).flagged(Flags(*flags))
        }).collect::<Vec<_>>();
        let block = with_lane(application("shop", made(0)), "us", Tier::Production, made(1));
        let estate = Estate::new(march(), vec![block, application("cart", made(0))]);
        let group_by = if by_environment { vec![crate::model::GroupKey::Environment] } else { Vec::new() };
        for metric in [Metric::ChangeLeadTime, Metric::Deployments, Metric::ChangeFailRate, Metric::Commits, Metric::BatchSize, Metric::LeadTimeDeploy, Metric::DeploymentFrequency] {
            let whole = Question { bucket, group_by: group_by.clone(), ..of(metric) };
            let rows = Question { filters: vec![unequal("cluster", "none such")], ..whole.clone() };
            // Groups that have no row are there only where whole lanes are taken.
            let values = |question: &Question| -> Vec<Vec<(Option<f64>, u64)>> {
                match estate.answer(question) {
                    Answer::Numbers(numbers) => vec![numbers.columns[0].values.iter().zip(&numbers.measures).map(|(value, measure)| (*value, measure.n)).filter(|(_, n)| *n > 0).collect()],
                    Answer::Series { series, .. } => series.iter().map(|one| one.points.iter().map(|point| (point.measure.value, point.measure.n)).collect::<Vec<_>>()).filter(|points| points.iter().any(|(_, n)| *n > 0)).collect(),
                    other => panic!("{other:?}"),
                }
            };
            prop_assert_eq!(values(&whole), values(&rows), "{:?}", metric);
        }
    }
}
