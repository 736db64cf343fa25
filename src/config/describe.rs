//! Descriptions of settings and metrics for editors and documentation, out of the one place that describes them.

use serde_json::{Value, json};

use super::fields::{
    APPLICATION_FIELDS, DEPLOYMENT_FIELDS, ENVIRONMENT_FIELDS, EVIDENCE_FIELDS, FIELDS,
    SOURCE_FIELDS,
};
use super::reading::default_json;
use super::{Field, FieldType};
use crate::model::{
    BandsYear, ChangeUnit, EventTable, FilterKey, GroupKey, Kind, LeadTimeFrom, Metric,
    MetricOutcome, Operator, Unit,
};
use crate::providers::{KINDS, ProviderKind};

/// The buckets of questions, in the order of editors.
pub(super) const BUCKETS: &[&str] = &[
    "auto",
    "hour",
    "day",
    "week",
    "month",
    "quarter",
    "rolling:30",
    "none",
];

/// The source kinds and the other settings, each field described once.
///
/// Shape: `{"kinds":[KIND],"settings":[FIELD],"source":[FIELD],"rules":{"applications":[FIELD],…}}`; the fields of
/// section `evidence` stand in `settings` as `evidence.<key>`.
pub fn describe_kinds() -> Value {
    describe_kinds_of(KINDS)
}

pub(super) fn describe_kinds_of(kinds: &[&'static ProviderKind]) -> Value {
    let evidence = EVIDENCE_FIELDS.iter().map(|field| {
        let mut described = describe_field(field);
        described["key"] = json!(format!("evidence.{}", field.key));
        described
    });
    let settings: Vec<Value> = FIELDS.iter().map(describe_field).chain(evidence).collect();
    json!({
        "kinds": kinds.iter().map(|kind| json!({
            "name": kind.name,
            "group": kind.group,
            "title": kind.title,
            "help": kind.help,
            "fields": describe_fields(kind.fields),
        })).collect::<Vec<_>>(),
        "settings": settings,
        "source": describe_fields(SOURCE_FIELDS),
        "rules": {
            "applications": describe_fields(APPLICATION_FIELDS),
            "deployments": describe_fields(DEPLOYMENT_FIELDS),
            "environments": describe_fields(ENVIRONMENT_FIELDS),
        },
    })
}

/// The metrics and every word that a question can use.
pub fn describe_metrics() -> Value {
    let metrics: Vec<Value> = Metric::ALL
        .iter()
        .map(|metric| describe_metric(*metric))
        .collect();
    let kinds: Vec<Value> = Kind::ALL
        .iter()
        .map(|kind| json!({"name": kind.as_str(), "title": title(kind.as_str()), "help": kind.help()}))
        .collect();
    let filter_keys: Vec<&str> = [GroupKey::WORDS, FilterKey::WORDS].concat();
    let years: Vec<i64> = BandsYear::WORDS
        .iter()
        .filter_map(|year| year.parse().ok())
        .collect();
    json!({
        "metrics": metrics,
        "kinds": kinds,
        "groupBy": GroupKey::WORDS,
        "buckets": BUCKETS,
        "filterKeys": filter_keys,
        "operators": Operator::WORDS,
        "tables": EventTable::WORDS,
        "bandsYears": years,
        "leadTimeFrom": LeadTimeFrom::WORDS,
        "changeUnits": ChangeUnit::WORDS,
    })
}

fn describe_metric(metric: Metric) -> Value {
    let statistics: Vec<&str> = metric
        .statistics()
        .iter()
        .map(|statistic| statistic.as_str())
        .collect();
    json!({
        "name": metric.as_str(),
        "title": metric.title(),
        "outcome": match metric.outcome() {
            MetricOutcome::SoftwareDelivery => "software delivery performance",
            MetricOutcome::ProductQuality => "product quality and sustainability",
            MetricOutcome::CustomerExperience => "customer experience",
        },
        "unit": match metric.unit() {
            Unit::Seconds => "s",
            Unit::Ratio => "percentunit",
            Unit::PerDay | Unit::Count => "short",
        },
        "statistics": statistics,
        "defaultStatistic": metric.default_statistic().as_str(),
        "help": metric.help(),
    })
}

fn describe_fields(fields: &[Field]) -> Vec<Value> {
    fields.iter().map(describe_field).collect()
}

fn describe_field(field: &Field) -> Value {
    let (takes, unit) = match field.takes {
        FieldType::Text | FieldType::Path => ("text", None),
        FieldType::Secret => ("secret", None),
        FieldType::Integer => ("integer", None),
        FieldType::Duration => ("duration", Some("seconds")),
        FieldType::Boolean => ("boolean", None),
        FieldType::Choice(_) => ("choice", None),
        FieldType::TextList | FieldType::PathList => ("text_list", None),
    };
    let choices: Vec<Value> = match field.takes {
        FieldType::Choice(words) => words
            .iter()
            .map(|word| json!({"value": word, "title": title(word)}))
            .collect(),
        _ => Vec::new(),
    };
    json!({
        "key": field.key,
        "type": takes,
        "title": field.title,
        "required": field.required,
        "default": field.default.map(|default| default_value(field, default)),
        "unit": unit,
        "choices": choices,
        "help": field.help,
        "placeholder": field.placeholder,
    })
}

/// A default as an editor shows it: numbers and truths as such.
fn default_value(field: &Field, default: &str) -> Value {
    match field.takes {
        FieldType::Integer | FieldType::Boolean => {
            serde_json::from_str(default).unwrap_or_else(|_| json!(default))
        }
        _ => default_json(field, default),
    }
}

/// `pull_request_merge` → `Pull request merge`.
fn title(word: &str) -> String {
    let spaced = word.replace('_', " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
