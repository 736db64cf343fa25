//! The metrics: their names, units, statistics and what they speak of.

use serde::{Deserialize, Serialize};

/// A statistic over the values of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Statistic {
    P50,
    P75,
    P90,
    P95,
    Mean,
    Min,
    Max,
    Sum,
    Count,
    /// The one value of a rate, a frequency or a share.
    Value,
}

impl Statistic {
    /// The statistic's name in questions and field names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P75 => "p75",
            Self::P90 => "p90",
            Self::P95 => "p95",
            Self::Mean => "mean",
            Self::Min => "min",
            Self::Max => "max",
            Self::Sum => "sum",
            Self::Count => "count",
            Self::Value => "value",
        }
    }

    /// The rank of a quantile, 0 to 1; `None` for the others.
    pub fn quantile(self) -> Option<f64> {
        match self {
            Self::P50 => Some(0.5),
            Self::P75 => Some(0.75),
            Self::P90 => Some(0.9),
            Self::P95 => Some(0.95),
            _ => None,
        }
    }
}

/// The unit of a metric's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Unit {
    Seconds,
    /// 0 to 1.
    Ratio,
    /// Events per calendar day.
    PerDay,
    Count,
}

/// Which statistics a metric has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricShape {
    /// Many values, each a span of time: every statistic, default p50.
    Duration,
    /// Many values, each a number: every statistic, default p50.
    Distribution,
    /// One count.
    Count,
    /// One number: a rate, a share or a frequency.
    Value,
}

/// Which of the three outcomes a metric serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Outcome {
    SoftwareDelivery,
    ProductQuality,
    CustomerExperience,
}

macro_rules! metrics {
    ($($variant:ident $name:literal $title:literal $shape:ident $unit:ident $outcome:ident $help:literal;)*) => {
        /// A metric of `definitions`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Metric {
            $(#[doc = $help] $variant,)*
        }

        impl Metric {
            /// Every metric, the five keys first.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The metric's name in questions and field names.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The metric's name for people.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// One sentence that says what it means.
            pub fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)* }
            }

            /// Which statistics it has.
            pub fn shape(self) -> MetricShape {
                match self { $(Self::$variant => MetricShape::$shape,)* }
            }

            /// The unit of its values, counts of them apart.
            pub fn unit(self) -> Unit {
                match self { $(Self::$variant => Unit::$unit,)* }
            }

            /// The outcome it serves.
            pub fn outcome(self) -> Outcome {
                match self { $(Self::$variant => Outcome::$outcome,)* }
            }
        }
    };
}

metrics! {
    ChangeLeadTime "change_lead_time" "Change lead time" Duration Seconds SoftwareDelivery
        "Time from a commit to the deployment that first delivers it.";
    DeploymentFrequency "deployment_frequency" "Deployment frequency" Value PerDay SoftwareDelivery
        "Deployments per calendar day of the covered, elapsed part of the range.";
    ChangeFailRate "change_fail_rate" "Change fail rate" Value Ratio SoftwareDelivery
        "Share of successful deployments that evidence says failed.";
    FailedDeploymentRecoveryTime "failed_deployment_recovery_time" "Failed deployment recovery time" Duration Seconds SoftwareDelivery
        "Time from the finish of a failed deployment to its recovery.";
    DeploymentReworkRate "deployment_rework_rate" "Deployment rework rate" Value Ratio SoftwareDelivery
        "Share of successful deployments that were unplanned: rollbacks, hotfixes, reverts and named fixes.";
    TimeToRestore "time_to_restore" "Time to restore" Duration Seconds ProductQuality
        "Time from the opening of an incident, whatever its cause, to its resolution.";
    Deployments "deployments" "Deployments" Count Count SoftwareDelivery
        "Successful deployments.";
    FailedRollouts "failed_rollouts" "Failed rollouts" Count Count SoftwareDelivery
        "Rollouts that never went live: failed or cancelled.";
    Commits "commits" "Commits delivered" Count Count SoftwareDelivery
        "Commits first delivered, those without a known lead time included.";
    UndeployedCommits "undeployed_commits" "Undeployed commits" Count Count SoftwareDelivery
        "Commits on the default branch that are not live, at the end of each bucket.";
    BatchSize "batch_size" "Batch size" Distribution Count SoftwareDelivery
        "Changes per deployment.";
    LeadTimeCoding "lead_time_coding" "Lead time: coding" Duration Seconds SoftwareDelivery
        "From the first commit to the opening of the pull request.";
    LeadTimePickup "lead_time_pickup" "Lead time: pickup" Duration Seconds SoftwareDelivery
        "From the opening of the pull request to its first review.";
    LeadTimeReview "lead_time_review" "Lead time: review" Duration Seconds SoftwareDelivery
        "From the first review to the approval.";
    LeadTimeMerge "lead_time_merge" "Lead time: merge" Duration Seconds SoftwareDelivery
        "From the approval to the merge.";
    LeadTimeBuild "lead_time_build" "Lead time: build" Duration Seconds SoftwareDelivery
        "From the merge to the finish of the deployed commit's first successful build.";
    LeadTimeDeploy "lead_time_deploy" "Lead time: deploy" Duration Seconds SoftwareDelivery
        "From the build to the finish of the deployment.";
    PullRequestAge "pull_request_age" "Age of open pull requests" Duration Seconds SoftwareDelivery
        "Age of the pull requests that are open at the end of each bucket.";
    Incidents "incidents" "Incidents" Count Count ProductQuality
        "Incidents opened; duplicates count once.";
    OpenIncidents "open_incidents" "Open incidents" Count Count ProductQuality
        "Incidents that are open at the end of each bucket.";
    RevertRate "revert_rate" "Revert rate" Value Ratio ProductQuality
        "Share of delivered changes that revert an earlier one.";
    DefectsOpened "defects_opened" "Defects opened" Count Count ProductQuality
        "Incidents with a defect's label (`bug`, `defect` unless set), by their opening.";
    DefectAge "defect_age" "Age of open defects" Duration Seconds ProductQuality
        "Age of the defects that are open at the end of each bucket.";
    ReworkShare "rework_share" "Rework share" Value Ratio ProductQuality
        "Share of delivered changes that came with a rework deployment.";
    Availability "availability" "Availability" Value Ratio CustomerExperience
        "1 minus the union of user-facing incident time over the covered time.";
}

impl Metric {
    /// The five DORA keys, in the order of the scorecard.
    pub const KEYS: [Self; 5] = [
        Self::ChangeLeadTime,
        Self::DeploymentFrequency,
        Self::ChangeFailRate,
        Self::FailedDeploymentRecoveryTime,
        Self::DeploymentReworkRate,
    ];

    /// The parts of the lead time, in their order.
    pub const PARTS: [Self; 6] = [
        Self::LeadTimeCoding,
        Self::LeadTimePickup,
        Self::LeadTimeReview,
        Self::LeadTimeMerge,
        Self::LeadTimeBuild,
        Self::LeadTimeDeploy,
    ];

    /// The metric of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|metric| metric.as_str() == name)
    }

    /// The statistics it has.
    pub fn statistics(self) -> &'static [Statistic] {
        use Statistic::{Count, Max, Mean, Min, P50, P75, P90, P95, Sum, Value};
        match self.shape() {
            MetricShape::Duration | MetricShape::Distribution => {
                &[P50, P75, P90, P95, Mean, Min, Max, Sum, Count]
            }
            MetricShape::Count => &[Count],
            MetricShape::Value => &[Value],
        }
    }

    /// The statistic that a question without one gets.
    pub fn default_statistic(self) -> Statistic {
        match self.shape() {
            MetricShape::Count => Statistic::Count,
            MetricShape::Value => Statistic::Value,
            MetricShape::Duration | MetricShape::Distribution if Self::PARTS.contains(&self) => {
                Statistic::Mean
            }
            MetricShape::Duration | MetricShape::Distribution => Statistic::P50,
        }
    }
}
