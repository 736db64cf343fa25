use crate::dora::{judge, quick_check_of, quick_check_score, thresholds};
use crate::model::{BandsYear, Metric};
use BandsYear::{Y2021, Y2022, Y2023, Y2024};

const HOUR: f64 = 3_600.0;
const DAY: f64 = 86_400.0;
const MONTH: f64 = 30.44 * DAY;

fn band(year: BandsYear, metric: Metric, value: f64) -> (u8, String) {
    let band = judge(year, metric, value).unwrap();
    (band.position(), band.words())
}

fn expect(year: BandsYear, metric: Metric, cases: &[(f64, u8, &str)]) {
    for (value, position, words) in cases {
        assert_eq!(
            band(year, metric, *value),
            (*position, (*words).to_owned()),
            "{year:?} {metric:?} {value}"
        );
    }
}

#[test]
fn lead_times_stand_where_the_report_put_them() {
    let metric = Metric::ChangeLeadTime;
    expect(
        Y2024,
        metric,
        &[
            (0.0, 6, "elite"),
            (DAY - 1.0, 6, "elite"),
            (DAY, 4, "high"),
            (7.0 * DAY, 3, "high or medium"),
            (7.0 * DAY + 1.0, 2, "medium"),
            (MONTH, 1, "medium or low"),
            (2.0 * MONTH, 0, "low"),
            (7.0 * MONTH, 0, "low"),
        ],
    );
    expect(
        Y2023,
        metric,
        &[(8.0 * DAY, 1, "medium or low"), (2.0 * MONTH, 0, "low")],
    );
    expect(
        Y2022,
        metric,
        &[
            (HOUR, 4, "high"),
            (8.0 * DAY, 2, "medium"),
            (9.0 * MONTH, 0, "low"),
        ],
    );
    expect(
        Y2021,
        metric,
        &[
            (HOUR - 1.0, 6, "elite"),
            (HOUR, 5, "between elite and high"),
            (12.0 * HOUR, 5, "between elite and high"),
            (DAY, 4, "high"),
            (10.0 * DAY, 3, "between high and medium"),
            (3.0 * MONTH, 2, "medium"),
            (7.0 * MONTH, 0, "low"),
        ],
    );
}

#[test]
fn frequencies_are_better_the_higher_they_are() {
    let metric = Metric::DeploymentFrequency;
    expect(
        Y2024,
        metric,
        &[
            (1.01, 6, "elite"),
            (1.0, 4, "high"),
            (1.0 / 7.0, 3, "high or medium"),
            (1.0 / 10.0, 2, "medium"),
            (1.0 / 60.0, 0, "low"),
            (0.0, 0, "low"),
        ],
    );
    expect(
        Y2022,
        metric,
        &[
            (1.0, 3, "between high and medium"),
            (0.5, 3, "between high and medium"),
            (3.0, 4, "high"),
        ],
    );
    expect(
        Y2021,
        metric,
        &[(0.5, 5, "between elite and high"), (0.001, 0, "low")],
    );
    expect(
        Y2023,
        metric,
        &[(0.1, 1, "medium or low"), (0.01, 0, "low")],
    );
}

#[test]
fn fail_rates_from_2023_stand_between_published_means() {
    let metric = Metric::ChangeFailRate;
    expect(
        Y2024,
        metric,
        &[
            (0.0, 6, "elite"),
            (0.05, 6, "elite"),
            (0.06, 5, "between elite and medium"),
            (0.09, 3, "between elite and medium"),
            (0.10, 2, "medium"),
            (0.15, 3, "between high and medium"),
            (0.20, 4, "high"),
            (0.25, 3, "between high and low"),
            (0.35, 1, "between high and low"),
            (0.90, 0, "low"),
        ],
    );
    expect(
        Y2023,
        metric,
        &[
            (0.07, 5, "between elite and high"),
            (0.5, 1, "between medium and low"),
            (1.0, 0, "low"),
        ],
    );
    expect(
        Y2021,
        metric,
        &[
            (0.15, 6, "elite"),
            (0.155, 5, "between elite and high"),
            (0.2, 2, "high or medium or low"),
            (0.5, 0, "low"),
        ],
    );
    expect(
        Y2022,
        metric,
        &[
            (0.4, 1, "between medium and low"),
            (0.155, 3, "between high and medium"),
        ],
    );
}

#[test]
fn recovery_times_of_nested_intervals_take_the_narrowest() {
    let metric = Metric::FailedDeploymentRecoveryTime;
    expect(
        Y2024,
        metric,
        &[
            (HOUR - 1.0, 6, "elite"),
            (HOUR, 3, "high or medium"),
            (DAY - 1.0, 3, "high or medium"),
            (DAY, 1, "between medium and low"),
            (8.0 * DAY, 0, "low"),
        ],
    );
    expect(
        Y2023,
        metric,
        &[
            (2.0 * HOUR, 4, "high"),
            (10.0 * DAY, 1, "between medium and low"),
        ],
    );
    expect(
        Y2021,
        metric,
        &[
            (2.0 * HOUR, 4, "high"),
            (30.0 * DAY, 1, "between medium and low"),
        ],
    );
}

#[test]
fn nothing_was_published_for_rework() {
    assert_eq!(judge(Y2024, Metric::DeploymentReworkRate, 0.1), None);
    assert_eq!(judge(Y2024, Metric::ChangeLeadTime, f64::NAN), None);
}

#[test]
fn every_threshold_names_its_source() {
    for year in BandsYear::ALL {
        for metric in Metric::KEYS {
            assert!(
                thresholds(*year, metric)
                    .iter()
                    .all(|threshold| !threshold.source.is_empty())
            );
        }
    }
}

#[test]
fn the_quick_check_scores_steps_and_shares() {
    assert_eq!(
        quick_check_of(Metric::ChangeLeadTime, 30.0 * 60.0),
        Some(10.0)
    );
    assert_eq!(quick_check_of(Metric::ChangeLeadTime, DAY), Some(6.0));
    assert_eq!(
        quick_check_of(Metric::ChangeLeadTime, 7.0 * MONTH),
        Some(0.0)
    );
    assert_eq!(
        quick_check_of(Metric::DeploymentFrequency, 30.0),
        Some(10.0)
    );
    assert_eq!(quick_check_of(Metric::DeploymentFrequency, 1.0), Some(8.0));
    assert_eq!(quick_check_of(Metric::ChangeFailRate, 0.2), Some(8.0));
    // (6 + 8) ÷ 2: keys without a value do not count.
    let values = [(Metric::ChangeLeadTime, DAY), (Metric::ChangeFailRate, 0.2)];
    assert_eq!(quick_check_score(values.into_iter()), Some(7.0));
    assert_eq!(quick_check_score(std::iter::empty()), None);
}
