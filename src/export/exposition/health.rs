//! How the process does: queues, destinations, sources, the ledger.

use chrono::{DateTime, Utc};

use crate::app::{LimitLeft, RequestCount, SourceStatus};
use crate::export::Counts;
use crate::ledger::Queue;
use crate::series::Families;

/// How the process does at a moment.
#[derive(Debug, Default)]
pub struct Health {
    /// One a destination.
    pub sinks: Vec<SinkHealth>,
    /// The sources.
    pub sources: Vec<SourceStatus>,
    /// Requests since the start, of sources and destinations.
    pub requests: Vec<RequestCount>,
    /// What is left of rate limits.
    pub limits: Vec<LimitLeft>,
    /// The ledger's file with its log, in bytes.
    pub ledger_bytes: u64,
}

/// How a destination does.
#[derive(Clone, Debug, Default)]
pub struct SinkHealth {
    /// Its name.
    pub name: String,
    /// What waits for it.
    pub queue: Queue,
    /// What it was sent.
    pub counts: Counts,
}

pub(super) fn write(health: &Health, families: &mut Families) {
    families.begin("pelorus_build_info", "gauge", "The version that runs.");
    families.sample(&[("version", env!("CARGO_PKG_VERSION"))], "1");
    write_sinks(&health.sinks, families);
    write_sources(health, families);
    families.begin(
        "pelorus_ledger_size_bytes",
        "gauge",
        "The ledger's file with its log.",
    );
    families.sample(&[], &health.ledger_bytes.to_string());
}

fn write_sinks(sinks: &[SinkHealth], families: &mut Families) {
    families.begin(
        "pelorus_export_queued_events",
        "gauge",
        "Events that wait to be sent: live as samples, or for a backfill by blocks.",
    );
    for sink in sinks {
        for (route, count) in [("live", sink.queue.live), ("backfill", sink.queue.backfill)] {
            families.sample(
                &[("destination", &sink.name), ("route", route)],
                &count.to_string(),
            );
        }
    }
    families.begin(
        "pelorus_export_oldest_unsent_timestamp_seconds",
        "gauge",
        "When the event was stored that waits longest to be sent live; none where nothing waits.",
    );
    for sink in sinks {
        if let Some(oldest) = sink.queue.oldest {
            families.sample(&[("destination", &sink.name)], &seconds(oldest));
        }
    }
    type Number = (
        &'static str,
        &'static str,
        &'static str,
        fn(&SinkHealth) -> u64,
    );
    let numbers: [Number; 7] = [
        (
            "pelorus_export_quarantined_events",
            "gauge",
            "Events that the destination refuses, in quarantine with its reason.",
            |sink| sink.queue.quarantined,
        ),
        (
            "pelorus_export_sent_events_total",
            "counter",
            "Events that the destination took.",
            |sink| sink.counts.sent,
        ),
        (
            "pelorus_export_refused_events_total",
            "counter",
            "Events that the destination refused for good.",
            |sink| sink.counts.refused,
        ),
        (
            "pelorus_export_too_old_events_total",
            "counter",
            "Events that were too old to be taken as samples.",
            |sink| sink.counts.too_old,
        ),
        (
            "pelorus_export_failures_total",
            "counter",
            "Deliveries and proofs that failed, to be tried again.",
            |sink| sink.counts.failures,
        ),
        (
            "pelorus_export_missing_events_total",
            "counter",
            "Events that the destination took and did not show, sent again.",
            |sink| sink.counts.missing,
        ),
        (
            "pelorus_export_unknown_events",
            "gauge",
            "Events that the destination shows and the ledger has not, when last compared.",
            |sink| sink.counts.unknown,
        ),
    ];
    for (name, kind, help, number) in numbers {
        families.begin(name, kind, help);
        for sink in sinks {
            families.sample(&[("destination", &sink.name)], &number(sink).to_string());
        }
    }
    families.begin(
        "pelorus_export_last_success_timestamp_seconds",
        "gauge",
        "When the destination last took everything that it was given, or proved itself.",
    );
    for sink in sinks {
        if let Some(at) = sink.counts.last_success {
            families.sample(&[("destination", &sink.name)], &seconds(at));
        }
    }
}

fn write_sources(health: &Health, families: &mut Families) {
    families.begin(
        "pelorus_source_events",
        "gauge",
        "Events of a source in the ledger, by type.",
    );
    for source in &health.sources {
        for (kind, count) in &source.stats.events {
            let labels = [("source", source.name.as_str()), ("type", kind.as_str())];
            families.sample(&labels, &count.to_string());
        }
    }
    families.begin(
        "pelorus_source_failing",
        "gauge",
        "1 while a source's last reading failed.",
    );
    for source in &health.sources {
        let failing = u8::from(source.failure.is_some());
        families.sample(&[("source", source.name.as_str())], &failing.to_string());
    }
    families.begin(
        "pelorus_source_last_success_timestamp_seconds",
        "gauge",
        "Until when a source has answered.",
    );
    for source in &health.sources {
        if let Some(range) = source.coverage.ranges().last() {
            families.sample(&[("source", source.name.as_str())], &seconds(range.end));
        }
    }
    families.begin(
        "pelorus_source_requests_total",
        "counter",
        "HTTP requests to a source or destination, retries and redirects included, by how they ended.",
    );
    for count in &health.requests {
        let labels = [
            ("source", count.source.as_str()),
            ("outcome", count.outcome.as_str()),
        ];
        families.sample(&labels, &count.requests.to_string());
    }
    families.begin(
        "pelorus_source_rate_limit_left",
        "gauge",
        "Requests left of a source's rate limit, by the vendor's name of the limit.",
    );
    for left in &health.limits {
        let labels = [
            ("source", left.source.as_str()),
            ("resource", &left.resource),
        ];
        families.sample(&labels, &left.requests.to_string());
    }
}

fn seconds(at: DateTime<Utc>) -> String {
    (at.timestamp_millis() as f64 / 1_000.0).to_string()
}
