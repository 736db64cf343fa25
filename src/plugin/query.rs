//! Queries: each is answered or refused on its own.

use std::collections::HashMap;
use std::time::Instant;

use chrono::{DateTime, Utc};
use futures::{StreamExt, stream};

use super::Plugin;
use super::caller::Caller;
use super::failure::Failure;
use super::guard::guarded;
use super::instance::Lease;
use super::messages::{DataQuery, DataResponse, EpochRange, QueryDataRequest, QueryDataResponse};
use crate::app::{Asker, Patience, Request};
use crate::config::parse_question_for;
use crate::frames::{encode, frames};
use crate::model::{Kind, Notice, TimeRange};

/// Queries of a request that are answered at the same time.
const AT_ONCE: usize = 4;
/// The header by which alert and recording rules are known.
const FROM_ALERT: &str = "FromAlert";
/// The kind of queries whose JSON says none that we know, in metrics.
const UNKNOWN: &str = "unknown";

/// Answers every query: with frames, or with its own error.
pub(super) async fn query_data(plugin: &Plugin, request: QueryDataRequest) -> QueryDataResponse {
    let asker = asker(&request.headers);
    let caller = Caller::of(request.context);
    let lease = match &caller.data_source {
        Some(data_source) => plugin.instances.lease(data_source).await,
        None => Err(Failure::ours("Grafana named no data source")),
    };
    let lease = &lease;
    let responses = stream::iter(request.queries)
        .map(|query| async move {
            let started = Instant::now();
            let ref_id = query.ref_id.clone();
            let (kind, answered) = match lease {
                Ok(lease) => answer(lease, query, asker).await,
                Err(failure) => (UNKNOWN, Err(failure.clone())),
            };
            plugin.metrics.count_query(kind, &answered, started.elapsed());
            if let Err(failure) = &answered {
                tracing::warn!(ref_id, kind, status = failure.status, error = %failure, "A query failed");
            }
            (ref_id, response(answered))
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    QueryDataResponse { responses }
}

/// The kind that was asked for, and the encoded frames.
async fn answer(
    lease: &Lease,
    query: DataQuery,
    asker: Asker,
) -> (&'static str, Result<Vec<Vec<u8>>, Failure>) {
    let mut kind = UNKNOWN;
    let work = async {
        let json = serde_json::from_slice(&query.json)
            .map_err(|_| Failure::unusable("the query is no JSON"))?;
        let question = parse_question_for(&json, &lease.settings)?;
        kind = question.kind.as_str();
        let tells_ledger = question.kind == Kind::Quality;
        let mut answered = lease
            .app
            .answer(Request {
                question,
                range: range(query.time_range)?,
                now: Utc::now(),
                patience: Patience::Until(lease.deadline),
                asker,
            })
            .await?;
        if let Some(notice) = lease.ledger_notice.as_ref().filter(|_| tells_ledger) {
            answered.notices.push(Notice::info(notice));
        }
        // On a thread of its own, so that the request's next question is calculated meanwhile.
        let uid = lease.key.uid.clone();
        tokio::task::spawn_blocking(move || {
            let mut frames = frames(&answered, &query.ref_id);
            for frame in &mut frames {
                frame.link_to_data_source(&uid);
            }
            encode(&frames)
        })
        .await
        .map_err(|_| Failure::panicked())
    };
    let answered = guarded(work).await.and_then(|answered| answered);
    (kind, answered)
}

fn response(answered: Result<Vec<Vec<u8>>, Failure>) -> DataResponse {
    match answered {
        Ok(frames) => DataResponse {
            frames,
            status: 200,
            ..DataResponse::default()
        },
        Err(failure) => DataResponse {
            error: failure.text,
            status: failure.status.into(),
            error_source: failure.source_of_error.as_str().to_owned(),
            ..DataResponse::default()
        },
    }
}

/// The range of a query, within what nanoseconds can tell: frames hold no other times.
fn range(range: Option<EpochRange>) -> Result<TimeRange, Failure> {
    let Some(range) = range else {
        return Err(Failure::unusable("the query has no time range"));
    };
    let instant = |milliseconds: i64| {
        DateTime::<Utc>::from_timestamp_millis(milliseconds)
            .filter(|instant| instant.timestamp_nanos_opt().is_some())
            .ok_or_else(|| {
                Failure::unusable("the time range reaches beyond the years 1678 to 2261")
            })
    };
    let (start, end) = (instant(range.from_ms)?, instant(range.to_ms)?);
    if start > end {
        return Err(Failure::unusable("the time range ends before it starts"));
    }
    Ok(TimeRange::new(start, end))
}

fn asker(headers: &HashMap<String, String>) -> Asker {
    let is_alert = headers.iter().any(|(name, value)| {
        let name = name.strip_prefix("http_").unwrap_or(name);
        name.eq_ignore_ascii_case(FROM_ALERT) && value.eq_ignore_ascii_case("true")
    });
    if is_alert {
        Asker::Alert
    } else {
        Asker::Person
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absurd_time_range_is_refused_without_panic() {
        let of = |from_ms, to_ms| range(Some(EpochRange { from_ms, to_ms }));
        for (from_ms, to_ms) in [(i64::MIN, i64::MAX), (0, i64::MAX), (i64::MIN, 0), (2, 1)] {
            assert_eq!(of(from_ms, to_ms).unwrap_err().status, 400);
        }
        assert_eq!(range(None).unwrap_err().status, 400);
        assert!(of(0, 0).unwrap().is_empty());
        assert_eq!(
            of(0, 1).unwrap().length(),
            chrono::TimeDelta::milliseconds(1)
        );
    }

    #[test]
    fn an_alert_rule_is_known_by_its_header() {
        let of =
            |name: &str, value: &str| asker(&HashMap::from([(name.to_owned(), value.to_owned())]));
        assert_eq!(of("FromAlert", "true"), Asker::Alert);
        assert_eq!(of("http_FromAlert", "True"), Asker::Alert);
        assert_eq!(of("FromAlert", "false"), Asker::Person);
        assert_eq!(asker(&HashMap::new()), Asker::Person);
    }
}
