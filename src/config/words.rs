//! A question put back into words: as normalised JSON, and as one readable line.

use serde_json::{Map, Value, json};

use crate::model::{
    Bucket, ChangeUnit, Filter, GroupKey, Kind, LeadTimeFrom, Operator, PartialPolicy, Question,
    WeekStart,
};

/// Values of a filter that a line names; a dashboard's variable can hold thousands.
const MOST_VALUES: usize = 5;

/// The question as JSON with every key that its kind looks at; `parse_question` reads it back to the same question.
pub fn question_json(question: &Question) -> Value {
    let mut json = Map::new();
    let mut put = |key: &str, value: Value| json.insert(key.to_owned(), value);
    put("version", json!(1));
    put("kind", json!(question.kind.as_str()));
    put("metric", json!(question.metric.as_str()));
    put("statistic", json!(question.statistic.as_str()));
    let groups: Vec<String> = question.group_by.iter().map(GroupKey::word).collect();
    put("groupBy", json!(groups));
    let filters: Vec<Value> = question.filters.iter().map(filter_json).collect();
    put("filters", json!(filters));
    put("bucket", json!(bucket_word(question.bucket)));
    if let Some(zone) = question.timezone {
        put("timezone", json!(zone.name()));
    }
    put("weekStart", json!(question.week_start.as_str()));
    if question.compare {
        put("compare", json!("previous_period"));
    }
    put("limit", json!(question.limit));
    put("leadTimeFrom", json!(question.lead_time_from.as_str()));
    put("changeUnit", json!(question.change_unit.as_str()));
    put("includeMerges", json!(question.include_merges));
    put("userFacing", json!(question.user_facing));
    put("bandsYear", json!(question.bands_year.as_str()));
    put("partial", json!(question.partial.as_str()));
    put("table", json!(question.table.as_str()));
    put("key", json!(question.key.word()));
    Value::Object(json)
}

fn filter_json(filter: &Filter) -> Value {
    match filter.operator {
        Operator::OneOf | Operator::NoneOf => json!({
            "key": filter.key.word(),
            "operator": filter.operator.as_str(),
            "values": filter.values.iter().map(|value| &**value).collect::<Vec<_>>(),
        }),
        Operator::Equal | Operator::NotEqual | Operator::Matches | Operator::NotMatches => json!({
            "key": filter.key.word(),
            "operator": filter.operator.as_str(),
            "value": filter.values.first().map_or("", |value| value),
        }),
    }
}

fn bucket_word(bucket: Bucket) -> String {
    match bucket {
        Bucket::Auto => "auto".to_owned(),
        Bucket::Hour => "hour".to_owned(),
        Bucket::Day => "day".to_owned(),
        Bucket::Week => "week".to_owned(),
        Bucket::Month => "month".to_owned(),
        Bucket::Quarter => "quarter".to_owned(),
        Bucket::Rolling { days } => format!("rolling:{days}"),
        Bucket::None => "none".to_owned(),
    }
}

/// The question as one readable line, what is left at its default unsaid.
pub fn describe(question: &Question) -> String {
    let mut line = subject(question);
    if !question.group_by.is_empty() {
        let groups: Vec<String> = question.group_by.iter().map(GroupKey::word).collect();
        line.push_str(&format!(" by {}", groups.join(", ")));
    }
    for (at, filter) in question.filters.iter().enumerate() {
        line.push_str(if at == 0 { " where " } else { " and " });
        line.push_str(&filter_words(filter));
    }
    for remark in remarks(question) {
        line.push_str(", ");
        line.push_str(&remark);
    }
    line
}

fn subject(question: &Question) -> String {
    let metric = question.metric.title().to_lowercase();
    let statistic = question.statistic.as_str();
    match question.kind {
        Kind::Metric => {
            let per = match question.bucket {
                Bucket::Auto => " over time".to_owned(),
                Bucket::Rolling { days } => format!(" over rolling {days} days"),
                Bucket::None => String::new(),
                named => format!(" per {}", bucket_word(named)),
            };
            match statistic {
                // The one number of a rate, and the count of a count, need no name.
                "value" => format!("{metric}{per}"),
                "count" if question.metric.statistics().len() == 1 => format!("{metric}{per}"),
                _ => format!("{statistic} of {metric}{per}"),
            }
        }
        Kind::Breakdown => format!("{statistic} of the parts of the lead time"),
        Kind::Distribution => format!("distribution of {metric}"),
        Kind::Scorecard => "scorecard of the DORA keys".to_owned(),
        Kind::Events => question.table.as_str().replace('_', " "),
        Kind::Annotations => "deployments and incidents as marks".to_owned(),
        Kind::Values => format!("values of {}", question.key.word()),
        Kind::Quality => "quality of the data".to_owned(),
    }
}

fn filter_words(filter: &Filter) -> String {
    let values: Vec<String> = filter
        .values
        .iter()
        .take(MOST_VALUES)
        .map(|value| format!("\"{value}\""))
        .collect();
    let more = match filter.values.len().saturating_sub(MOST_VALUES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let key = filter.key.word();
    let operator = filter.operator.as_str();
    match filter.operator {
        Operator::OneOf => format!("{key} in ({}{more})", values.join(", ")),
        Operator::NoneOf => format!("{key} not in ({}{more})", values.join(", ")),
        Operator::Equal | Operator::NotEqual | Operator::Matches | Operator::NotMatches => {
            format!("{key} {operator} {}", values.join(""))
        }
    }
}

fn remarks(question: &Question) -> Vec<String> {
    let mut remarks = Vec::new();
    if question.lead_time_from != LeadTimeFrom::Committed {
        let from = question.lead_time_from.as_str().replace('_', " ");
        remarks.push(format!("lead time from {from}"));
    }
    if question.change_unit != ChangeUnit::Commit {
        remarks.push("a change is a pull request".to_owned());
    }
    if question.include_merges {
        remarks.push("merge commits counted".to_owned());
    }
    if question.user_facing {
        remarks.push("user-facing incidents only".to_owned());
    }
    if question.week_start != WeekStart::Monday {
        remarks.push(format!("weeks start on {}", question.week_start.as_str()));
    }
    if let Some(zone) = question.timezone {
        remarks.push(format!("in {}", zone.name()));
    }
    if question.kind == Kind::Scorecard {
        remarks.push(format!("bands of {}", question.bands_year.as_str()));
    }
    if question.compare {
        remarks.push("compared with the previous period".to_owned());
    }
    if question.limit != Question::DEFAULT_LIMIT {
        remarks.push(format!("at most {}", question.limit));
    }
    if question.partial == PartialPolicy::Allow {
        remarks.push("partial data allowed".to_owned());
    }
    remarks
}
