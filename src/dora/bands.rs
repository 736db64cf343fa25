//! What DORA published about levels, and where a value stands among them.
//!
//! The intervals are the published ones, gaps and overlaps included (`docs/metrics.md` shows the tables): a value that
//! several levels claim stands at "high or medium", one that nobody claims stands between its neighbours.

use crate::model::{BandsYear, Metric};

use Level::{Elite, High, Low, Medium};

/// A performance level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Level {
    Low,
    Medium,
    High,
    Elite,
}

impl Level {
    /// The level's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Low => "low",
            Medium => "medium",
            High => "high",
            Elite => "elite",
        }
    }

    fn position(self) -> u8 {
        self as u8 * 2
    }
}

const HOUR: f64 = 3_600.0;
const DAY: f64 = 86_400.0;
const WEEK: f64 = 7.0 * DAY;
/// A month is 30.44 days.
const MONTH: f64 = 30.44 * DAY;

/// What a level was published with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Published {
    /// Between both, both included.
    Within(f64, f64),
    /// Below, the value itself not included.
    Below(f64),
    /// Above, the value itself not included.
    Above(f64),
    /// The mean of the level's answers.
    Mean(f64),
}

impl Published {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::Within(least, most) => least <= value && value <= most,
            Self::Below(limit) => value < limit,
            Self::Above(limit) => value > limit,
            Self::Mean(mean) => value == mean,
        }
    }

    /// Where it lies, to find the neighbours of a value that it does not hold.
    fn ends(self) -> (f64, f64) {
        match self {
            Self::Within(least, most) => (least, most),
            Self::Below(limit) => (f64::NEG_INFINITY, limit),
            Self::Above(limit) => (limit, f64::INFINITY),
            Self::Mean(mean) => (mean, mean),
        }
    }
}

/// One level of one year and metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// The level.
    pub level: Level,
    /// Its interval or mean: seconds, deployments a day, or a ratio.
    pub published: Published,
    /// The words it was published with.
    pub words: &'static str,
    /// Where it was published.
    pub source: &'static str,
}

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Band {
    /// In the published interval of these levels, best first.
    Of(Vec<Level>),
    /// Between a better and a worse level; the position is the odd one next to the nearer of them.
    Between {
        #[allow(missing_docs)]
        better: Level,
        #[allow(missing_docs)]
        worse: Level,
        #[allow(missing_docs)]
        position: u8,
    },
}

impl Band {
    /// The position on the scale from 0 (low) over 2 (medium) and 4 (high) to 6 (elite).
    pub fn position(&self) -> u8 {
        match self {
            Self::Of(levels) => {
                let best = levels.iter().max().map_or(0, |level| level.position());
                let worst = levels.iter().min().map_or(0, |level| level.position());
                (best + worst) / 2
            }
            Self::Between { position, .. } => *position,
        }
    }

    /// The band for people: "elite", "high or medium", "between high and medium".
    pub fn words(&self) -> String {
        match self {
            Self::Of(levels) => {
                let names: Vec<&str> = levels.iter().map(|level| level.as_str()).collect();
                names.join(" or ")
            }
            Self::Between { better, worse, .. } => {
                format!("between {} and {}", better.as_str(), worse.as_str())
            }
        }
    }
}

const REPORT_2021: &str = "Accelerate State of DevOps 2021, page 9";
const OCTOPUS_2023: &str = "Octopus Deploy, 2023: software delivery performance clusters";
const INFOGRAPHIC_2023: &str = "dora.dev, 2023 infographic";
const OCTOPUS_2024: &str = "Octopus Deploy, 2024 DevOps performance clusters";

macro_rules! thresholds {
    ($source:expr; $($level:ident $published:expr, $words:literal;)*) => {
        &[$(Threshold { level: $level, published: $published, words: $words, source: $source },)*]
    };
}

/// What DORA published for a metric in a year, best level first; empty where nothing was.
///
/// A "less than" begins where a better level's "less than" ends: they are steps of one answer scale.
#[rustfmt::skip]
pub fn thresholds(year: BandsYear, metric: Metric) -> &'static [Threshold] {
    use BandsYear::{Y2021, Y2022, Y2023, Y2024};
    use Published::{Above, Below, Mean, Within};
    match (metric, year) {
        (Metric::ChangeLeadTime, Y2021) => thresholds!(REPORT_2021;
            Elite Below(HOUR), "less than one hour";
            High Within(DAY, WEEK), "between one day and one week";
            Medium Within(MONTH, 6.0 * MONTH), "between one month and six months";
            Low Above(6.0 * MONTH), "more than six months";),
        (Metric::ChangeLeadTime, Y2022) => thresholds!(OCTOPUS_2023;
            High Within(DAY, WEEK), "between one day and one week";
            Medium Within(WEEK, MONTH), "between one week and one month";
            Low Within(MONTH, 6.0 * MONTH), "between one month and six months";),
        (Metric::ChangeLeadTime, Y2023) => &[
            Threshold { level: Elite, published: Below(DAY), words: "less than one day", source: INFOGRAPHIC_2023 },
            Threshold { level: High, published: Within(DAY, WEEK), words: "between one day and one week", source: OCTOPUS_2023 },
            Threshold { level: Medium, published: Within(WEEK, MONTH), words: "between one week and one month", source: OCTOPUS_2023 },
            Threshold { level: Low, published: Within(WEEK, MONTH), words: "between one week and one month", source: OCTOPUS_2023 },
        ],
        (Metric::ChangeLeadTime, Y2024) => thresholds!(OCTOPUS_2024;
            Elite Below(DAY), "less than one day";
            High Within(DAY, WEEK), "between one day and one week";
            Medium Within(WEEK, MONTH), "between one week and one month";
            Low Within(MONTH, 6.0 * MONTH), "between one month and six months";),
        (Metric::DeploymentFrequency, Y2021) => thresholds!(REPORT_2021;
            Elite Above(1.0), "on demand (multiple deploys per day)";
            High Within(DAY / MONTH, DAY / WEEK), "between once per week and once per month";
            Medium Within(DAY / (6.0 * MONTH), DAY / MONTH), "between once per month and once every six months";
            Low Below(DAY / (6.0 * MONTH)), "fewer than once per six months";),
        (Metric::DeploymentFrequency, Y2022) => thresholds!(OCTOPUS_2023;
            High Above(1.0), "on demand (multiple deploys per day)";
            Medium Within(DAY / MONTH, DAY / WEEK), "between once per week and once per month";
            Low Within(DAY / (6.0 * MONTH), DAY / MONTH), "between once per month and once every six months";),
        (Metric::DeploymentFrequency, Y2023) => &[
            Threshold { level: Elite, published: Above(1.0), words: "on demand", source: INFOGRAPHIC_2023 },
            Threshold { level: High, published: Within(DAY / WEEK, 1.0), words: "between once per day and once per week", source: OCTOPUS_2023 },
            Threshold { level: Medium, published: Within(DAY / MONTH, DAY / WEEK), words: "between once per week and once per month", source: OCTOPUS_2023 },
            Threshold { level: Low, published: Within(DAY / MONTH, DAY / WEEK), words: "between once per week and once per month", source: OCTOPUS_2023 },
        ],
        (Metric::DeploymentFrequency, Y2024) => thresholds!(OCTOPUS_2024;
            Elite Above(1.0), "on demand";
            High Within(DAY / WEEK, 1.0), "between once per day and once per week";
            Medium Within(DAY / MONTH, DAY / WEEK), "between once per week and once per month";
            Low Within(DAY / (6.0 * MONTH), DAY / MONTH), "between once per month and once every six months";),
        (Metric::ChangeFailRate, Y2021) => thresholds!(REPORT_2021;
            Elite Within(0.0, 0.15), "0–15 %";
            High Within(0.16, 0.30), "16–30 %";
            Medium Within(0.16, 0.30), "16–30 %";
            Low Within(0.16, 0.30), "16–30 %";),
        (Metric::ChangeFailRate, Y2022) => thresholds!(OCTOPUS_2023;
            High Within(0.0, 0.15), "0–15 %";
            Medium Within(0.16, 0.30), "16–30 %";
            Low Within(0.46, 0.60), "46–60 %";),
        (Metric::ChangeFailRate, Y2023) => &[
            Threshold { level: Elite, published: Mean(0.05), words: "5 %", source: INFOGRAPHIC_2023 },
            Threshold { level: High, published: Mean(0.10), words: "10 %", source: OCTOPUS_2023 },
            Threshold { level: Medium, published: Mean(0.15), words: "15 %", source: OCTOPUS_2023 },
            Threshold { level: Low, published: Mean(0.64), words: "64 %", source: OCTOPUS_2023 },
        ],
        (Metric::ChangeFailRate, Y2024) => thresholds!(OCTOPUS_2024;
            Elite Mean(0.05), "5 %";
            High Mean(0.20), "20 %";
            Medium Mean(0.10), "10 %";
            Low Mean(0.40), "40 %";),
        (Metric::FailedDeploymentRecoveryTime, Y2021) => thresholds!(REPORT_2021;
            Elite Below(HOUR), "less than one hour";
            High Below(DAY), "less than one day";
            Medium Within(DAY, WEEK), "between one day and one week";
            Low Above(6.0 * MONTH), "more than six months";),
        (Metric::FailedDeploymentRecoveryTime, Y2022) => thresholds!(OCTOPUS_2023;
            High Below(DAY), "less than one day";
            Medium Within(DAY, WEEK), "between one day and one week";
            Low Within(WEEK, MONTH), "between one week and one month";),
        (Metric::FailedDeploymentRecoveryTime, Y2023) => &[
            Threshold { level: Elite, published: Below(HOUR), words: "less than one hour", source: INFOGRAPHIC_2023 },
            Threshold { level: High, published: Below(DAY), words: "less than one day", source: OCTOPUS_2023 },
            Threshold { level: Medium, published: Within(DAY, WEEK), words: "between one day and one week", source: OCTOPUS_2023 },
            Threshold { level: Low, published: Within(MONTH, 6.0 * MONTH), words: "between one month and six months", source: OCTOPUS_2023 },
        ],
        (Metric::FailedDeploymentRecoveryTime, Y2024) => thresholds!(OCTOPUS_2024;
            Elite Below(HOUR), "less than one hour";
            High Below(DAY), "less than one day";
            Medium Below(DAY), "less than one day";
            Low Within(WEEK, MONTH), "between one week and one month";),
        _ => &[],
    }
}

/// Where a value stands among the levels of a year; `None` where nothing was published for the metric.
pub fn judge(year: BandsYear, metric: Metric, value: f64) -> Option<Band> {
    let published = thresholds(year, metric);
    if published.is_empty() || value.is_nan() {
        return None;
    }
    // Of nested "less than" intervals the narrowest speaks.
    let narrowest = published
        .iter()
        .filter_map(|threshold| match threshold.published {
            Published::Below(limit) if value < limit => Some(limit),
            _ => None,
        })
        .fold(f64::INFINITY, f64::min);
    let holding: Vec<Level> = published
        .iter()
        .filter(|threshold| threshold.published.holds(value))
        .filter(|threshold| !matches!(threshold.published, Published::Below(limit) if limit > narrowest))
        .map(|threshold| threshold.level)
        .collect();
    if !holding.is_empty() {
        return Some(Band::Of(holding));
    }
    let nearest = |distance: &dyn Fn((f64, f64)) -> f64| -> Option<(f64, Vec<Level>)> {
        let distances = published
            .iter()
            .map(|of| (distance(of.published.ends()), of.level));
        let outside: Vec<(f64, Level)> =
            distances.filter(|(distance, _)| *distance >= 0.0).collect();
        let least = outside
            .iter()
            .map(|(distance, _)| *distance)
            .reduce(f64::min)?;
        let levels = outside
            .into_iter()
            .filter(|(distance, _)| *distance <= least);
        Some((least, levels.map(|(_, level)| level).collect()))
    };
    let below = nearest(&|(_, most)| value - most).filter(|(distance, _)| distance.is_finite());
    let above = nearest(&|(least, _)| least - value).filter(|(distance, _)| distance.is_finite());
    let end = |levels: Vec<Level>, is_best: bool| {
        let level = if is_best {
            levels.iter().max()
        } else {
            levels.iter().min()
        };
        level.map(|level| Band::Of(vec![*level]))
    };
    // Frequencies are better the higher they are, all others the lower they are.
    let higher_is_better = metric == Metric::DeploymentFrequency;
    match (below, above) {
        (None, None) => None,
        (None, Some((_, levels))) => end(levels, !higher_is_better),
        (Some((_, levels)), None) => end(levels, higher_is_better),
        (Some(below), Some(above)) => {
            let (one, other) = neighbours(&below.1, &above.1)?;
            let nearer_below = below.0 <= above.0;
            Some(between(one, other, nearer_below))
        }
    }
}

/// The levels on both sides that stand closest to each other on the scale.
fn neighbours(below: &[Level], above: &[Level]) -> Option<(Level, Level)> {
    let pairs = below
        .iter()
        .flat_map(|one| above.iter().map(move |other| (*one, *other)));
    pairs.min_by_key(|(one, other)| one.position().abs_diff(other.position()))
}

fn between(below: Level, above: Level, nearer_below: bool) -> Band {
    let (better, worse) = (below.max(above), below.min(above));
    let nearer = if nearer_below { below } else { above };
    // The odd step beside the nearer level, on the side of the other.
    let position = if nearer == better {
        better.position().saturating_sub(1)
    } else {
        worse.position() + 1
    };
    Band::Between {
        better,
        worse,
        position,
    }
}

/// The score of DORA's Quick Check: the mean over the keys that have a value; `None` without any.
///
/// Unit: 0 to 10. A step v of 1 to 6 on the answer scale scores (v − 1) · 2, a share of p percent 10 − p ÷ 10.
/// Source: dora.dev, Quick Check 2025, `data-service.ts`.
pub fn quick_check_score(values: impl Iterator<Item = (Metric, f64)>) -> Option<f64> {
    let scores: Vec<f64> = values
        .filter_map(|(metric, value)| quick_check_of(metric, value))
        .collect();
    (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
}

/// The Quick Check score of one key; `None` for other metrics.
pub fn quick_check_of(metric: Metric, value: f64) -> Option<f64> {
    let steps =
        |reached: [bool; 5]| reached.iter().filter(|reached| **reached).count() as f64 * 2.0;
    match metric {
        Metric::ChangeLeadTime | Metric::FailedDeploymentRecoveryTime => Some(steps([
            value <= 6.0 * MONTH,
            value <= MONTH,
            value <= WEEK,
            value < DAY,
            value < HOUR,
        ])),
        Metric::DeploymentFrequency => Some(steps([
            value >= DAY / (6.0 * MONTH),
            value >= DAY / MONTH,
            value >= DAY / WEEK,
            value >= 1.0,
            value > 24.0,
        ])),
        Metric::ChangeFailRate | Metric::DeploymentReworkRate => Some(10.0 - value * 10.0),
        _ => None,
    }
}
