//! What a reader must know beside the numbers of an answer.

use chrono::TimeDelta;

use crate::correlate::{Block, FailureRule};
use crate::model::{
    ChangeUnit, EventKind, GroupKey, LeadTimeFrom, Metric, Notice, Question, Statistic,
};

use super::Context;
use super::answer::Coverages;
use super::evaluate::Collected;

/// Notices of applications that one answer repeats at most.
const APPLICATION_NOTICES: usize = 20;

/// Sorted, each once: the worst first.
pub(super) fn settled(mut notices: Vec<Notice>) -> Vec<Notice> {
    notices.sort_by(|a, b| b.cmp(a));
    notices.dedup();
    notices
}

/// What the selected applications always say; a few of them speak for many.
pub(super) fn of_applications(blocks: &[&Block]) -> Vec<Notice> {
    let mut notices: Vec<Notice> = blocks
        .iter()
        .flat_map(|block| block.notices.iter().cloned())
        .collect();
    notices.sort_by(|a, b| b.cmp(a));
    notices.dedup();
    let left = notices.len().saturating_sub(APPLICATION_NOTICES);
    if left > 0 {
        notices.truncate(APPLICATION_NOTICES);
        notices.push(Notice::info(format!(
            "{left} more notices about applications are not shown."
        )));
    }
    notices
}

/// What the metric's own rows say: odd values, open failures, unknown starts.
pub(super) fn of_metric(
    context: &Context<'_>,
    question: &Question,
    metric: Metric,
    statistic: Statistic,
    collected: &Collected<'_>,
) -> Vec<Notice> {
    let sheet = &collected.sheet;
    let mut notices: Vec<Notice> = sheet.caveats.iter().map(Notice::warning).collect();
    if sheet.negative > 0 {
        let what = if metric == Metric::TimeToRestore {
            "incidents were resolved before they were opened or before the deployment they are linked to had finished, and have no time to restore"
        } else {
            "changes were committed after they were deployed, and have no lead time"
        };
        notices.push(Notice::warning(format!(
            "By their clocks, {} {what}.",
            sheet.negative
        )));
    }
    let (unrecovered, oldest) = sheet.unrecovered;
    if unrecovered > 0 {
        let age = TimeDelta::milliseconds(context.now.timestamp_millis().saturating_sub(oldest));
        notices.push(Notice::info(format!(
            "{unrecovered} failed deployments have not recovered; the oldest finished {} ago.",
            age_words(age)
        )));
    }
    let links = sheet.in_pull_requests;
    let starts_early = metric == Metric::ChangeLeadTime
        && question.lead_time_from == LeadTimeFrom::Committed
        && question.change_unit == ChangeUnit::Commit;
    if starts_early && links.part < links.whole {
        let share = 100.0 * (links.whole - links.part) as f64 / links.whole as f64;
        notices.push(Notice::info(format!(
            "{share:.0} % of the changes have no known pull request: their lead time starts with the commit as it stands on the branch."
        )));
    }
    if Metric::PARTS.contains(&metric) && statistic.quantile().is_some() {
        notices.push(Notice::info(
            "Quantiles of the parts do not add up to the quantile of the lead time; means and sums do.",
        ));
    }
    notices.extend(of_evidence(metric, context.coverages));
    notices
}

/// The groups overlap, so that their numbers do not add up.
pub(super) fn of_grouping(question: &Question) -> Vec<Notice> {
    let overlapping: Vec<String> = question
        .group_by
        .iter()
        .filter(|key| match key {
            GroupKey::Author | GroupKey::Cluster | GroupKey::Label(_) => true,
            GroupKey::Application
            | GroupKey::Team
            | GroupKey::Repository
            | GroupKey::Environment => false,
        })
        .map(GroupKey::word)
        .collect();
    if overlapping.is_empty() {
        return Vec::new();
    }
    vec![Notice::info(format!(
        "Groups by {} overlap: what belongs to several counts in each.",
        overlapping.join(", ")
    ))]
}

/// Groups that an answer left out.
pub(super) fn of_limit(kept: usize, all: usize) -> Vec<Notice> {
    if kept >= all {
        return Vec::new();
    }
    vec![Notice::warning(format!(
        "Only the {kept} largest of {all} groups are shown: filter, or raise the limit."
    ))]
}

/// The rules of evidence that no source can speak to.
fn of_evidence(metric: Metric, coverages: &Coverages) -> Vec<Notice> {
    let rests_on_evidence = matches!(
        metric,
        Metric::ChangeFailRate
            | Metric::FailedDeploymentRecoveryTime
            | Metric::DeploymentReworkRate
    );
    let silent = rules_without_source(coverages);
    if !rests_on_evidence || silent.is_empty() {
        return Vec::new();
    }
    let names: Vec<&str> = silent.iter().map(|rule| rule.as_str()).collect();
    vec![Notice::info(format!(
        "No source can yield evidence for the rules: {}.",
        names.join(", ")
    ))]
}

/// The rules of evidence for which no source yields what they look at.
pub fn rules_without_source(coverages: &Coverages) -> Vec<FailureRule> {
    let yields = |kind: EventKind| {
        coverages
            .sources
            .iter()
            .any(|source| source.yields.contains(kind))
    };
    FailureRule::ALL
        .into_iter()
        .filter(|rule| match rule {
            FailureRule::Verdict => !yields(EventKind::Verdict),
            FailureRule::Reference => {
                !yields(EventKind::Incident) && !yields(EventKind::Deployment)
            }
            FailureRule::Rollback => !yields(EventKind::Deployment),
            FailureRule::Revert => !yields(EventKind::Commit),
            FailureRule::Hotfix => !yields(EventKind::PullRequest) && !yields(EventKind::Verdict),
            FailureRule::Incident => !yields(EventKind::Incident),
        })
        .collect()
}

fn age_words(age: TimeDelta) -> String {
    match age {
        age if age >= TimeDelta::days(2) => format!("{} days", age.num_days()),
        age if age >= TimeDelta::hours(2) => format!("{} hours", age.num_hours()),
        age => format!("{} minutes", age.num_minutes().max(0)),
    }
}
