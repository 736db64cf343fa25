//! Questions through their public entry.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::*;
use crate::model::{Bucket, GroupKey, Kind, Metric, Operator, Question, Statistic};

fn parsed(json: Value) -> Question {
    parse_question(&json).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(json: Value) -> String {
    let faults = parse_question(&json)
        .expect_err("the question is at fault")
        .faults;
    faults.iter().map(|fault| format!("{fault}\n")).collect()
}

#[test]
fn nothing_asked_is_the_lead_time_over_time() {
    assert_eq!(
        parsed(json!({"refId": "A", "datasource": {"uid": "x"}})),
        Question::of(Kind::Metric)
    );
    assert_eq!(parsed(json!({"pelorus": {}})), Question::of(Kind::Metric));
}

#[test]
fn a_metric_brings_its_own_statistic() {
    assert_eq!(
        parsed(json!({"metric": "deployments"})).statistic,
        Statistic::Count
    );
    assert_eq!(
        parsed(json!({"metric": "change_fail_rate"})).statistic,
        Statistic::Value
    );
    assert_eq!(
        parsed(json!({"metric": "lead_time_review"})).statistic,
        Statistic::Mean
    );
    assert_eq!(
        parsed(json!({"kind": "breakdown"})).statistic,
        Statistic::Mean
    );
    assert_eq!(
        parsed(json!({"kind": "breakdown", "metric": "deployments", "statistic": "p90"})).statistic,
        Statistic::P90
    );
}

#[test]
fn a_full_question_is_read_and_written_back_the_same() {
    let question = parsed(json!({"refId": "A", "pelorus": {
        "version": "1", "kind": "metric", "metric": "change_lead_time", "statistic": "p90",
        "groupBy": ["application", "label:region", "application"],
        "filters": [
            {"key": "team", "operator": "=~", "value": "pay.*"},
            {"key": "application", "operator": "=|", "values": ["a", "b"], "value": "a"},
            {"key": "tier", "value": "staging", "condition": ""},
        ],
        "bucket": "rolling:30", "timezone": "Europe/Berlin", "weekStart": "sunday", "compare": "previous_period",
        "limit": "20", "leadTimeFrom": "merged", "changeUnit": "pull_request", "includeMerges": true,
        "userFacing": "true", "bandsYear": 2023, "partial": "allow", "table": "incidents", "key": "severity"
    }}));
    assert_eq!(
        question.group_by,
        [GroupKey::Application, GroupKey::Label("region".into())]
    );
    assert_eq!(question.bucket, Bucket::Rolling { days: 30 });
    assert_eq!(question.filters.len(), 3);
    assert_eq!(question.filters[1].operator, Operator::OneOf);
    assert!(question.filters[0].accepts(Some("payments")));
    assert!(!question.filters[0].accepts(Some("prepay")));
    assert_eq!(parsed(question_json(&question)), question);
    assert_snapshot!(describe(&question), @r#"p90 of change lead time over rolling 30 days by application, label:region where team =~ "pay.*" and application in ("a", "b") and tier = "staging", lead time from merged, a change is a pull request, merge commits counted, user-facing incidents only, weeks start on sunday, in Europe/Berlin, compared with the previous period, at most 20, partial data allowed"#);
}

#[test]
fn every_kind_is_written_back_the_same() {
    for kind in Kind::ALL {
        let question = Question::of(*kind);
        assert_eq!(parsed(question_json(&question)), question, "{kind:?}");
    }
}

#[test]
fn every_fault_names_the_key_and_what_is_allowed() {
    assert_snapshot!(refused(json!({
        "version": 2, "kind": "metrics", "statistic": "p99", "group_by": ["application"],
        "groupBy": ["app", "label:"], "bucket": "rolling:0", "timezone": "Berlin", "limit": 0,
        "compare": "last_year", "includeMerges": "perhaps", "mode": "four_keys",
        "filters": [
            {"operator": "="},
            {"key": "team", "operator": "~", "value": "x"},
            {"key": "team", "operator": "=~", "value": "("},
            {"key": "team", "operator": "=", "values": ["a", "b"]},
            {"key": "team", "operator": "=|"},
            {"key": "tier", "value": "prod", "vlaue": 1},
            "team"
        ]
    })), @"
`group_by` is unknown; did you mean `groupBy`? known keys: version, kind, metric, statistic, groupBy, filters, bucket, timezone, weekStart, compare, limit, leadTimeFrom, changeUnit, includeMerges, userFacing, bandsYear, partial, table, key
`mode` is reserved for the ways of other tools, and not yet built: leave it out
`version` is 2, and this Pelorus knows 1: use a newer one, or ask anew
`kind` does not know `metrics`; did you mean `metric`? allowed: metric, breakdown, distribution, scorecard, events, annotations, values, quality
`statistic` does not know `p99`; did you mean `p90`? statistics of change_lead_time: p50, p75, p90, p95, mean, min, max, sum, count
`groupBy[0]` does not know `app`; keys: application, team, repository, environment, cluster, author, label:<name>
`groupBy[1]` does not know `label:`; write `label:<name>`
`filters[0].key` is missing; keys: application, team, repository, environment, cluster, author, tier, severity, outcome, rule, label:<name>
`filters[0].value` is missing
`filters[1].operator` does not know `~`; operators: = != =~ !~ =| !=|
`filters[2].value` is no usable regular expression: unclosed group
`filters[3].values` goes with the operators =| and !=| only; `=` takes one `value`
`filters[4].values` is missing
`filters[5].vlaue` is unknown; did you mean `value`? known keys: key, operator, value, values
`filters[5].value` does not know `prod`; tiers: production, staging, testing, development, none
`filters[6]` takes an object of key, operator and value
`bucket` does not know `rolling:0`; buckets: auto, hour, day, week, month, quarter, rolling:<days>, none (1 to 1000 days)
`timezone` does not know `Berlin`; takes the IANA name of a zone such as `Europe/Berlin` or `UTC`
`compare` does not know `last_year`; allowed: previous_period, none
`limit` takes 1 to 10000
`includeMerges` takes true or false
");
}

#[test]
fn a_distribution_needs_a_metric_with_many_values() {
    assert_eq!(
        parsed(json!({"kind": "distribution", "metric": "batch_size"})).metric,
        Metric::BatchSize
    );
    let told = refused(json!({"kind": "distribution", "metric": "deployments"}));
    assert!(
        told.starts_with("`metric` `deployments` has one value"),
        "{told}"
    );
}

#[test]
fn grafanas_own_keys_are_no_fault_beside_the_question_but_within_it() {
    assert!(
        parse_question(
            &json!({"refId": "A", "intervalMs": 1000, "pelorus": {"kind": "scorecard"}})
        )
        .is_ok()
    );
    assert!(parse_question(&json!({"pelorus": {"refId": "A"}})).is_err());
}

#[test]
fn the_documentation_mentions_every_key_metric_and_word() {
    let page = include_str!("../../docs/query.md");
    let question = question_json(&Question::of(Kind::Metric));
    let keys = question.as_object().unwrap().keys().map(String::as_str);
    let metrics = Metric::ALL.iter().map(|metric| metric.as_str());
    let kinds = Kind::ALL.iter().map(|kind| kind.as_str());
    for word in keys
        .chain(metrics)
        .chain(kinds)
        .chain(["timezone", "compare", "mode"])
    {
        assert!(
            page.contains(&format!("`{word}`")),
            "docs/query.md lacks `{word}`"
        );
    }
}

#[test]
fn every_example_of_the_documentation_is_a_question() {
    let page = include_str!("../../docs/query.md");
    let examples: Vec<&str> = page
        .split("```json\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(examples.len() >= 5);
    for example in examples {
        parsed(serde_json::from_str(example).unwrap());
    }
}

#[test]
fn what_a_question_leaves_out_is_as_the_settings_say() {
    let settings = Settings::from_json(
        &json!({"weekStart": "saturday", "bandsYear": "2021"}),
        &std::collections::HashMap::new(),
        &Access::Everything,
    )
    .unwrap();
    let question =
        parse_question_for(&json!({"pelorus": {"weekStart": "sunday"}}), &settings).unwrap();
    assert_eq!(question.week_start.as_str(), "sunday");
    assert_eq!(question.bands_year.as_str(), "2021");
}
