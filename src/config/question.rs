//! Reads a question out of JSON: migrated, defaulted, validated, every fault at once.

use serde_json::{Map, Value};

use super::filters::filter_key;
use super::key_reader::{KeyReader, shorten, unknown_value};
use super::{Fault, Settings, closest};
use crate::model::{
    BandsYear, Bucket, ChangeUnit, EventTable, GroupKey, Kind, LeadTimeFrom, Metric, MetricShape,
    PartialPolicy, Question, Statistic, WeekStart,
};

/// The version of the question's form.
const VERSION: i64 = 1;

/// The longest rolling window, in days.
const LONGEST_ROLLING_DAYS: u32 = 1_000;

/// Beyond, groups are so small that none says anything, and telling them apart takes ever longer.
const MOST_GROUP_KEYS: usize = 16;

/// Every key of a question.
const KEYS: &[&str] = &[
    "version",
    "kind",
    "metric",
    "statistic",
    "groupBy",
    "filters",
    "bucket",
    "timezone",
    "weekStart",
    "compare",
    "limit",
    "leadTimeFrom",
    "changeUnit",
    "includeMerges",
    "userFacing",
    "bandsYear",
    "partial",
    "table",
    "key",
];

/// What Grafana itself writes into a query.
const GRAFANA_KEYS: &[&str] = &[
    "refId",
    "datasource",
    "datasourceId",
    "hide",
    "queryType",
    "intervalMs",
    "maxDataPoints",
    "timeRange",
    "pelorus",
];

/// Every bucket, as questions spell it.
const BUCKET_WORDS: &[&str] = &[
    "auto",
    "hour",
    "day",
    "week",
    "month",
    "quarter",
    "rolling:<days>",
    "none",
];

/// All faults of a question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct QuestionError {
    /// Each fault.
    pub faults: Vec<Fault>,
}

/// Reads a question as `parse_question` does; what it leaves out is as the settings say.
///
/// # Errors
/// Every unknown key and value, each with what is allowed.
pub fn parse_question_for(json: &Value, settings: &Settings) -> Result<Question, QuestionError> {
    let mut question = parse_question(json)?;
    let map = json
        .get("pelorus")
        .filter(|nested| !nested.is_null())
        .unwrap_or(json);
    let is_absent = |key: &str| match map.get(key) {
        None | Some(Value::Null) => true,
        Some(value) => value.as_str().is_some_and(|text| text.trim().is_empty()),
    };
    if is_absent("weekStart") {
        question.week_start = settings.week_start;
    }
    if is_absent("bandsYear") {
        question.bands_year = settings.bands_year;
    }
    Ok(question)
}

/// Reads a question: the object under `pelorus`, or the bare object.
///
/// # Errors
/// Every unknown key and value, each with what is allowed.
pub fn parse_question(json: &Value) -> Result<Question, QuestionError> {
    let mut reader = KeyReader::default();
    let nested = json.get("pelorus").filter(|nested| !nested.is_null());
    let question = match nested.unwrap_or(json) {
        Value::Object(map) => reader.question(map, nested.is_none()),
        Value::Null => Question::of(Kind::Metric),
        _ => {
            reader.fault("pelorus", "takes an object");
            Question::of(Kind::Metric)
        }
    };
    let faults = reader.into_faults();
    if faults.is_empty() {
        Ok(question)
    } else {
        Err(QuestionError { faults })
    }
}

impl KeyReader {
    fn question(&mut self, map: &Map<String, Value>, is_bare: bool) -> Question {
        self.refuse_unknown(map, is_bare);
        let version = self.integer(map, "version").unwrap_or(VERSION);
        if version != VERSION {
            self.fault(
                "version",
                format!(
                    "is {version}, and this Pelorus knows {VERSION}: use a newer one, or ask anew"
                ),
            );
        }
        let kind = self
            .word(map, "kind", Kind::WORDS, Kind::named)
            .unwrap_or(Kind::Metric);
        let mut question = Question::of(kind);
        self.metric(map, &mut question);
        question.group_by = self.group_by(map);
        question.filters = self.filters(map);
        if let Some(bucket) = self.bucket(map) {
            question.bucket = bucket;
        }
        question.timezone = self.timezone(map);
        if let Some(week_start) = self.word(map, "weekStart", WeekStart::WORDS, WeekStart::named) {
            question.week_start = week_start;
        }
        question.compare = self.compare(map);
        if let Some(limit) = self.limit(map) {
            question.limit = limit;
        }
        if let Some(from) = self.word(
            map,
            "leadTimeFrom",
            LeadTimeFrom::WORDS,
            LeadTimeFrom::named,
        ) {
            question.lead_time_from = from;
        }
        if let Some(unit) = self.word(map, "changeUnit", ChangeUnit::WORDS, ChangeUnit::named) {
            question.change_unit = unit;
        }
        question.include_merges = self.truth(map, "includeMerges");
        question.user_facing = self.truth(map, "userFacing");
        if let Some(year) = self.word(map, "bandsYear", BandsYear::WORDS, BandsYear::named) {
            question.bands_year = year;
        }
        if let Some(partial) = self.word(map, "partial", PartialPolicy::WORDS, PartialPolicy::named)
        {
            question.partial = partial;
        }
        if let Some(table) = self.word(map, "table", EventTable::WORDS, EventTable::named) {
            question.table = table;
        }
        if let Some(key) = self.text(map, "key", "key") {
            match filter_key(&key) {
                Ok(key) => question.key = key,
                Err(advice) => self.fault("key", unknown_value(&key, &advice)),
            }
        }
        question
    }

    fn refuse_unknown(&mut self, map: &Map<String, Value>, is_bare: bool) {
        for key in map.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            if is_bare && GRAFANA_KEYS.contains(&key.as_str()) {
                continue;
            }
            let message = if key == "mode" {
                "is reserved for the ways of other tools, and not yet built: leave it out"
                    .to_owned()
            } else {
                format!("is unknown; {}", closest::advice(key, "known keys", KEYS))
            };
            self.fault(shorten(key), message);
        }
    }

    fn metric(&mut self, map: &Map<String, Value>, question: &mut Question) {
        let written = self.text(map, "metric", "metric");
        if let Some(written) = written {
            if let Some(metric) = Metric::named(&written) {
                question.metric = metric;
                question.statistic = metric.default_statistic();
            } else {
                let names: Vec<_> = Metric::ALL.iter().map(|metric| metric.as_str()).collect();
                let advice = closest::advice(&written, "metrics", &names);
                self.fault("metric", unknown_value(&written, &advice));
            }
        }
        if question.kind == Kind::Distribution && !has_many_values(question.metric) {
            let names: Vec<_> = Metric::ALL
                .iter()
                .filter(|metric| has_many_values(**metric))
                .map(|metric| metric.as_str())
                .collect();
            self.fault(
                "metric",
                format!(
                    "`{}` has one value and no distribution; metrics with one: {}",
                    question.metric.as_str(),
                    names.join(", ")
                ),
            );
        }
        let allowed = match question.kind {
            Kind::Breakdown => {
                // A breakdown speaks of the parts of the lead time, whatever metric the editor still holds.
                question.metric = Metric::ChangeLeadTime;
                question.statistic = Statistic::Mean;
                Metric::LeadTimeCoding.statistics()
            }
            _ => question.metric.statistics(),
        };
        let Some(written) = self.text(map, "statistic", "statistic") else {
            return;
        };
        let names: Vec<_> = allowed.iter().map(|statistic| statistic.as_str()).collect();
        match allowed
            .iter()
            .find(|statistic| statistic.as_str() == written)
        {
            Some(statistic) => question.statistic = *statistic,
            // Only these two kinds show a statistic; others ignore what an editor left there.
            None if matches!(question.kind, Kind::Metric | Kind::Breakdown) => {
                let noun = format!("statistics of {}", question.metric.as_str());
                let advice = closest::advice(&written, &noun, &names);
                self.fault("statistic", unknown_value(&written, &advice));
            }
            None => {}
        }
    }

    fn group_by(&mut self, map: &Map<String, Value>) -> Vec<GroupKey> {
        let mut keys: Vec<GroupKey> = Vec::new();
        for (path, item) in self.items(map, "groupBy") {
            let Some(written) = self.scalar(&item, &path) else {
                continue;
            };
            match group_key(&written) {
                Ok(key) if keys.contains(&key) => {}
                Ok(_) if keys.len() == MOST_GROUP_KEYS => {
                    self.fault("groupBy", format!("takes at most {MOST_GROUP_KEYS} keys"));
                    break;
                }
                Ok(key) => keys.push(key),
                Err(advice) => self.fault(path, unknown_value(&written, &advice)),
            }
        }
        keys
    }

    fn bucket(&mut self, map: &Map<String, Value>) -> Option<Bucket> {
        let written = self.text(map, "bucket", "bucket")?;
        let bucket = bucket_named(&written);
        if bucket.is_none() {
            let advice = closest::advice(&written, "buckets", BUCKET_WORDS);
            self.fault(
                "bucket",
                format!(
                    "{} (1 to {LONGEST_ROLLING_DAYS} days)",
                    unknown_value(&written, &advice)
                ),
            );
        }
        bucket
    }

    fn timezone(&mut self, map: &Map<String, Value>) -> Option<chrono_tz::Tz> {
        let written = self.text(map, "timezone", "timezone")?;
        if written == "browser" {
            // Grafana's word for the reader's own zone, which only the caller knows.
            return None;
        }
        match super::zone(&written) {
            Ok(zone) => Some(zone),
            Err(advice) => {
                self.fault("timezone", unknown_value(&written, &advice));
                None
            }
        }
    }

    fn compare(&mut self, map: &Map<String, Value>) -> bool {
        let Some(written) = self.text(map, "compare", "compare") else {
            return false;
        };
        match written.as_str() {
            "previous_period" | "true" => true,
            "none" | "false" => false,
            _ => {
                let advice = closest::advice(&written, "allowed", &["previous_period", "none"]);
                self.fault("compare", unknown_value(&written, &advice));
                false
            }
        }
    }

    fn limit(&mut self, map: &Map<String, Value>) -> Option<usize> {
        let limit = self.integer(map, "limit")?;
        let fits = usize::try_from(limit)
            .ok()
            .filter(|limit| (1..=Question::LARGEST_LIMIT).contains(limit));
        if fits.is_none() {
            self.fault("limit", format!("takes 1 to {}", Question::LARGEST_LIMIT));
        }
        fits
    }
}

fn has_many_values(metric: Metric) -> bool {
    matches!(
        metric.shape(),
        MetricShape::Duration | MetricShape::Distribution
    )
}

fn bucket_named(written: &str) -> Option<Bucket> {
    if let Some(days) = written.strip_prefix("rolling:") {
        let days = days.trim_end_matches('d').parse().ok()?;
        return (1..=LONGEST_ROLLING_DAYS)
            .contains(&days)
            .then_some(Bucket::Rolling { days });
    }
    Some(match written {
        "auto" => Bucket::Auto,
        "hour" => Bucket::Hour,
        "day" => Bucket::Day,
        "week" => Bucket::Week,
        "month" => Bucket::Month,
        "quarter" => Bucket::Quarter,
        "none" => Bucket::None,
        _ => return None,
    })
}

/// The key that is spelt so.
///
/// # Errors
/// The keys there are.
pub(super) fn group_key(written: &str) -> Result<GroupKey, String> {
    if let Some(name) = written.strip_prefix("label:") {
        return if name.is_empty() {
            Err("write `label:<name>`".to_owned())
        } else {
            Ok(GroupKey::Label(name.into()))
        };
    }
    Ok(match written {
        "application" => GroupKey::Application,
        "team" => GroupKey::Team,
        "repository" => GroupKey::Repository,
        "environment" => GroupKey::Environment,
        "cluster" => GroupKey::Cluster,
        "author" => GroupKey::Author,
        _ => {
            let words = [GroupKey::WORDS, &["label:<name>"]].concat();
            return Err(closest::advice(written, "keys", &words));
        }
    })
}
