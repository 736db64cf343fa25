//! What the plugin's process counts, in Prometheus' text format.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::failure::{Failure, Source};
use super::instances::Instances;
use crate::app::{LimitLeft, RequestCount};
use crate::series::escaped;

/// Upper bounds of the histogram's buckets, in seconds.
const BOUNDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 20.0, 60.0,
];

/// Counters since the process started.
#[derive(Default)]
pub(super) struct Metrics(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    queries: BTreeMap<(&'static str, u16), u64>,
    errors: BTreeMap<&'static str, u64>,
    durations: BTreeMap<&'static str, Histogram>,
}

#[derive(Default)]
struct Histogram {
    buckets: [u64; BOUNDS.len()],
    count: u64,
    sum_seconds: f64,
}

impl Metrics {
    /// Counts a query of that kind.
    pub(super) fn count_query<T>(
        &self,
        kind: &'static str,
        answered: &Result<T, Failure>,
        took: Duration,
    ) {
        let mut counts = self.counts();
        let status = match answered {
            Ok(_) => 200,
            Err(failure) => {
                let source = failure.source_of_error.as_str();
                *counts.errors.entry(source).or_default() += 1;
                failure.status
            }
        };
        *counts.queries.entry((kind, status)).or_default() += 1;
        let histogram = counts.durations.entry(kind).or_default();
        let seconds = took.as_secs_f64();
        for (bucket, bound) in histogram.buckets.iter_mut().zip(BOUNDS) {
            *bucket += u64::from(seconds <= bound);
        }
        histogram.count += 1;
        histogram.sum_seconds += seconds;
    }

    /// All counters, and how the instances' sources do.
    pub(super) fn expose(&self, instances: &Instances) -> String {
        let mut text = String::new();
        self.write_queries(&mut text)
            .and_then(|()| write_instances(&mut text, instances))
            .expect("writing to a string does not fail");
        text
    }

    fn write_queries(&self, text: &mut String) -> std::fmt::Result {
        let counts = self.counts();
        head(
            text,
            "pelorus_queries_total",
            "counter",
            "Queries answered, by kind and status.",
        )?;
        for ((kind, status), count) in &counts.queries {
            writeln!(
                text,
                "pelorus_queries_total{{kind=\"{kind}\",status=\"{status}\"}} {count}"
            )?;
        }
        head(
            text,
            "pelorus_query_errors_total",
            "counter",
            "Queries that failed, by whose fault it was.",
        )?;
        for source in [Source::Plugin, Source::Downstream].map(Source::as_str) {
            let count = counts.errors.get(source).copied().unwrap_or(0);
            writeln!(
                text,
                "pelorus_query_errors_total{{source=\"{source}\"}} {count}"
            )?;
        }
        let name = "pelorus_query_duration_seconds";
        head(text, name, "histogram", "Time from a query to its frames.")?;
        for (kind, histogram) in &counts.durations {
            for (count, bound) in histogram.buckets.iter().zip(BOUNDS) {
                writeln!(
                    text,
                    "{name}_bucket{{kind=\"{kind}\",le=\"{bound}\"}} {count}"
                )?;
            }
            let (count, sum) = (histogram.count, histogram.sum_seconds);
            writeln!(text, "{name}_bucket{{kind=\"{kind}\",le=\"+Inf\"}} {count}")?;
            writeln!(text, "{name}_sum{{kind=\"{kind}\"}} {sum}")?;
            writeln!(text, "{name}_count{{kind=\"{kind}\"}} {count}")?;
        }
        Ok(())
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write_instances(text: &mut String, instances: &Instances) -> std::fmt::Result {
    let running = instances.running();
    head(
        text,
        "pelorus_instances",
        "gauge",
        "Data sources being served.",
    )?;
    writeln!(text, "pelorus_instances {}", running.len())?;
    let sources: Vec<(String, _)> = running
        .iter()
        .flat_map(|instance| {
            let tenant = escaped(instance.key.tenant.as_str());
            let uid = escaped(&instance.key.uid);
            instance.app.sources().into_iter().map(move |source| {
                let name = escaped(source.name.as_str());
                let labels = format!(
                    "tenant=\"{tenant}\",datasource=\"{uid}\",source=\"{name}\",kind=\"{}\"",
                    source.kind
                );
                (labels, source)
            })
        })
        .collect();
    head(
        text,
        "pelorus_source_events",
        "gauge",
        "Events of a source in the ledger.",
    )?;
    for (labels, source) in &sources {
        let events: u64 = source.stats.events.iter().map(|(_, count)| count).sum();
        writeln!(text, "pelorus_source_events{{{labels}}} {events}")?;
    }
    head(
        text,
        "pelorus_source_failing",
        "gauge",
        "1 while a source's last reading failed.",
    )?;
    for (labels, source) in &sources {
        let failing = u8::from(source.failure.is_some());
        writeln!(text, "pelorus_source_failing{{{labels}}} {failing}")?;
    }
    head(
        text,
        "pelorus_source_read_timestamp_seconds",
        "gauge",
        "When a source last stored anything or was found unchanged.",
    )?;
    for (labels, source) in &sources {
        if let Some(read_at) = source.stats.read_at {
            let seconds = read_at.timestamp();
            writeln!(
                text,
                "pelorus_source_read_timestamp_seconds{{{labels}}} {seconds}"
            )?;
        }
    }
    let each: Vec<_> = running
        .iter()
        .map(|instance| Requests {
            tenant: escaped(instance.key.tenant.as_str()),
            datasource: escaped(&instance.key.uid),
            sent: instance.app.requests(),
            left: instance.app.limits_left(),
        })
        .collect();
    write_requests(text, &each)
}

/// What a data source's sources asked over HTTP; its names are escaped.
struct Requests {
    tenant: String,
    datasource: String,
    sent: Vec<RequestCount>,
    left: Vec<LimitLeft>,
}

fn write_requests(text: &mut String, each: &[Requests]) -> std::fmt::Result {
    let name = "pelorus_source_requests_total";
    let help = "HTTP requests to a source, retries and redirects included, by how they ended.";
    head(text, name, "counter", help)?;
    for of in each {
        for count in &of.sent {
            writeln!(
                text,
                "{name}{{tenant=\"{}\",datasource=\"{}\",source=\"{}\",outcome=\"{}\"}} {}",
                of.tenant,
                of.datasource,
                escaped(count.source.as_str()),
                count.outcome.as_str(),
                count.requests
            )?;
        }
    }
    let name = "pelorus_source_rate_limit_left";
    let help = "Requests left of a source's rate limit, by the vendor's name of the limit.";
    head(text, name, "gauge", help)?;
    for of in each {
        for left in &of.left {
            writeln!(
                text,
                "{name}{{tenant=\"{}\",datasource=\"{}\",source=\"{}\",resource=\"{}\"}} {}",
                of.tenant,
                of.datasource,
                escaped(left.source.as_str()),
                escaped(&left.resource),
                left.requests
            )?;
        }
    }
    Ok(())
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) -> std::fmt::Result {
    writeln!(text, "# HELP {name} {help}")?;
    writeln!(text, "# TYPE {name} {kind}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::http::Outcome;

    #[test]
    fn requests_are_told_by_source_and_outcome_with_what_is_left_of_limits() {
        let sent = |source: &str, outcome, requests| RequestCount {
            source: source.into(),
            outcome,
            requests,
        };
        let each = [
            Requests {
                tenant: "1".to_owned(),
                datasource: "pelorus".to_owned(),
                sent: vec![
                    sent("hub", Outcome::Ok, 41),
                    sent("hub", Outcome::RateLimited, 2),
                    sent("a \"b\"", Outcome::Unanswered, 1),
                ],
                left: vec![LimitLeft {
                    source: "hub".into(),
                    resource: "gr\"aph\nql".to_owned(),
                    requests: 4_987,
                }],
            },
            Requests {
                tenant: "2".to_owned(),
                datasource: "other".to_owned(),
                sent: vec![sent("hub", Outcome::Unchanged, 7)],
                left: Vec::new(),
            },
        ];
        let mut text = String::new();
        write_requests(&mut text, &each).unwrap();
        let told: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            told,
            [
                r#"pelorus_source_requests_total{tenant="1",datasource="pelorus",source="hub",outcome="ok"} 41"#,
                r#"pelorus_source_requests_total{tenant="1",datasource="pelorus",source="hub",outcome="rate_limited"} 2"#,
                r#"pelorus_source_requests_total{tenant="1",datasource="pelorus",source="a \"b\"",outcome="unanswered"} 1"#,
                r#"pelorus_source_requests_total{tenant="2",datasource="other",source="hub",outcome="unchanged"} 7"#,
                r#"pelorus_source_rate_limit_left{tenant="1",datasource="pelorus",source="hub",resource="gr\"aph\nql"} 4987"#,
            ]
        );
        for name in [
            "pelorus_source_requests_total",
            "pelorus_source_rate_limit_left",
        ] {
            let heads = text.matches(&format!("# TYPE {name} ")).count();
            assert_eq!(heads, 1, "{name}");
        }
    }
}
