//! Links from numbers to the events behind them, and from events to their pages.

use std::fmt::Write;

use super::config::DataLink;
use crate::model::{EventTable, FilterKey, GroupKey, Metric, Operator, Question, Text, TimeRange};

/// The bundled dashboard that lists the events behind a number.
const EXPLAIN: &str = "/d/pelorus-explain?";

/// What one key of a link is bound to.
pub(super) enum Bound<'a> {
    /// This value.
    To(&'a str),
    /// The value of the row's own column, filled in by Grafana.
    ToColumn,
}

/// The link from a number to the events behind it.
pub(super) fn to_events(
    question: &Question,
    metric: Metric,
    range: TimeRange,
    group: &[(&GroupKey, Bound<'_>)],
) -> DataLink {
    let mut url = format!(
        "{EXPLAIN}from={}&to={}&var-table={}",
        range.start.timestamp_millis(),
        range.end.timestamp_millis(),
        rows_behind(metric).as_str(),
    );
    for filter in &question.filters {
        let FilterKey::Group(key) = &filter.key else {
            continue;
        };
        let is_positive = matches!(filter.operator, Operator::Equal | Operator::OneOf);
        if is_positive && !group.iter().any(|(grouped, _)| *grouped == key) {
            for value in &filter.values {
                bind(&mut url, key, &Bound::To(value));
            }
        }
    }
    for (key, bound) in group {
        bind(&mut url, key, bound);
    }
    DataLink {
        title: "Show the events behind this",
        url,
        target_blank: false,
    }
}

/// The link from an event to its page.
pub(super) fn to_page() -> DataLink {
    DataLink {
        title: "Open its page",
        url: "${__value.raw}".to_owned(),
        target_blank: true,
    }
}

/// Makes a link to the *Explain* dashboard open it with one data source.
pub(super) fn choose_data_source(link: &mut DataLink, uid: &str) {
    if link.url.starts_with(EXPLAIN) {
        link.url.push_str("&var-datasource=");
        percent_encode(&mut link.url, uid);
    }
}

/// Which rows a metric is made of.
fn rows_behind(metric: Metric) -> EventTable {
    match metric {
        Metric::DeploymentFrequency
        | Metric::ChangeFailRate
        | Metric::FailedDeploymentRecoveryTime
        | Metric::DeploymentReworkRate
        | Metric::Deployments
        | Metric::FailedRollouts
        | Metric::BatchSize => EventTable::Deployments,
        Metric::TimeToRestore
        | Metric::Incidents
        | Metric::OpenIncidents
        | Metric::DefectsOpened
        | Metric::DefectAge
        | Metric::Availability => EventTable::Incidents,
        Metric::PullRequestAge => EventTable::PullRequests,
        Metric::ChangeLeadTime
        | Metric::Commits
        | Metric::UndeployedCommits
        | Metric::LeadTimeCoding
        | Metric::LeadTimePickup
        | Metric::LeadTimeReview
        | Metric::LeadTimeMerge
        | Metric::LeadTimeBuild
        | Metric::LeadTimeDeploy
        | Metric::RevertRate
        | Metric::ReworkShare => EventTable::Changes,
    }
}

fn bind(url: &mut String, key: &GroupKey, bound: &Bound<'_>) {
    // A dashboard has no variable for a label that only one estate knows.
    if matches!(key, GroupKey::Label(_)) {
        return;
    }
    let word = key.word();
    match bound {
        Bound::To(value) => {
            url.push_str("&var-");
            url.push_str(&word);
            url.push('=');
            percent_encode(url, value);
        }
        Bound::ToColumn => {
            write!(url, "&var-{word}=${{__data.fields.{word}:percentencode}}")
                .expect("writing to a string does not fail");
        }
    }
}

/// Appends text so that it stays one value of a query string.
fn percent_encode(url: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            write!(url, "%{byte:02X}").expect("writing to a string does not fail");
        }
    }
}

/// The values of a series' group as a link takes them.
pub(super) fn bound(group: &[(GroupKey, Option<Text>)]) -> Vec<(&GroupKey, Bound<'_>)> {
    group
        .iter()
        .filter_map(|(key, value)| Some((key, Bound::To(value.as_deref()?))))
        .collect()
}
