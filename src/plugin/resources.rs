//! The plugin's own HTTP interface, for the editors: kinds, metrics, values, and what becomes of the sources.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Plugin;
use super::caller::Caller;
use super::failure::Failure;
use super::guard::guarded;
use super::health;
use super::instance::Lease;
use super::messages::{CallResourceRequest, CallResourceResponse, HeaderValues};
use super::rights::Role;
use crate::app::{Asker, Patience, Request, SourceStatus};
use crate::config::{describe_kinds, describe_metrics, parse_question_for};
use crate::dora::{Answer, Values};
use crate::model::{SourceName, TimeRange};

/// The longest body.
const LONGEST_BODY: usize = 1 << 20;
/// The range whose values are listed where the caller names none.
const VALUES_RANGE: TimeDelta = TimeDelta::days(90);

/// An endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint {
    Kinds,
    Metrics,
    Values,
    Sources,
    Check,
    Sync,
}

impl Endpoint {
    fn at(path: &str) -> Option<Self> {
        Some(match path.trim_matches('/') {
            "kinds" => Self::Kinds,
            "metrics" => Self::Metrics,
            "values" => Self::Values,
            "sources" => Self::Sources,
            "check" => Self::Check,
            "sync" => Self::Sync,
            _ => return None,
        })
    }

    fn method(self) -> &'static str {
        match self {
            Self::Kinds | Self::Metrics | Self::Sources => "GET",
            Self::Values | Self::Check | Self::Sync => "POST",
        }
    }

    fn is_open_to(self, role: Role) -> bool {
        match self {
            Self::Kinds | Self::Metrics | Self::Values => true,
            Self::Sources | Self::Check | Self::Sync => role.may_see_sources(),
        }
    }
}

/// Answers a call with JSON; errors are `{"error":"<sentence>"}`.
pub(super) async fn call(plugin: &Plugin, request: CallResourceRequest) -> CallResourceResponse {
    let answered = guarded(answer(plugin, request)).await;
    let (status, body) = match answered.and_then(|answered| answered) {
        Ok(answered) => answered,
        Err(failure) => (failure.status, json!({ "error": failure.text })),
    };
    let content_type = HeaderValues {
        values: vec!["application/json".to_owned()],
    };
    CallResourceResponse {
        code: status.into(),
        headers: HashMap::from([("Content-Type".to_owned(), content_type)]),
        body: body.to_string().into_bytes(),
    }
}

async fn answer(plugin: &Plugin, request: CallResourceRequest) -> Result<(u16, Value), Failure> {
    let endpoint = admit(&request)?;
    let caller = Caller::of(request.context);
    if !endpoint.is_open_to(caller.role.unwrap_or(Role::Viewer)) {
        return Err(refusal(403, "this takes the role Editor or Admin"));
    }
    let body = &request.body;
    match endpoint {
        // These two serve the editor of settings that do not work yet, so they need no instance.
        Endpoint::Kinds => Ok((200, describe_kinds())),
        Endpoint::Metrics => Ok((200, describe_metrics())),
        Endpoint::Values => values(&lease(plugin, &caller).await?, read(body)?).await,
        Endpoint::Sources => sources(&lease(plugin, &caller).await?).await,
        Endpoint::Check => check(&lease(plugin, &caller).await?, read(body)?).await,
        Endpoint::Sync => sync(&lease(plugin, &caller).await?, read(body)?).await,
    }
}

fn admit(request: &CallResourceRequest) -> Result<Endpoint, Failure> {
    let Some(endpoint) = Endpoint::at(&request.path) else {
        return Err(refusal(404, "there is no such resource"));
    };
    if !request.method.eq_ignore_ascii_case(endpoint.method()) {
        let text = format!("this takes the method {}", endpoint.method());
        return Err(refusal(405, &text));
    }
    if request.body.len() > LONGEST_BODY {
        return Err(refusal(413, "the body is longer than 1 MiB"));
    }
    Ok(endpoint)
}

async fn lease(plugin: &Plugin, caller: &Caller) -> Result<Lease, Failure> {
    match &caller.data_source {
        Some(data_source) => plugin.instances.lease(data_source).await,
        None => Err(Failure::unusable("Grafana named no data source")),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ValuesBody {
    key: String,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    #[serde(default)]
    filters: Value,
}

async fn values(lease: &Lease, body: ValuesBody) -> Result<(u16, Value), Failure> {
    let mut question = json!({ "version": 1, "kind": "values", "key": body.key });
    if !body.filters.is_null() {
        question["filters"] = body.filters;
    }
    let question = parse_question_for(&question, &lease.settings)?;
    let now = Utc::now();
    let end = body.to.unwrap_or(now);
    let start = match body.from {
        Some(start) => start,
        None => end.checked_sub_signed(VALUES_RANGE).unwrap_or(end),
    };
    if start > end {
        return Err(Failure::unusable("`to` lies before `from`"));
    }
    let answered = lease
        .app
        .answer(Request {
            question,
            range: TimeRange::new(start, end),
            now,
            patience: Patience::Until(lease.deadline),
            asker: Asker::Person,
        })
        .await?;
    let column = |name: &str| match &answered.answer {
        Answer::Table(table) => table
            .columns
            .iter()
            .find_map(|column| match &column.values {
                Values::Text(texts) if column.name == name => Some(texts.as_slice()),
                Values::Text(_) | Values::Number(_) | Values::Time(_) | Values::Flag(_) => None,
            }),
        Answer::Series { .. }
        | Answer::Numbers(_)
        | Answer::Events { .. }
        | Answer::Quality { .. } => None,
    };
    let (Some(texts), Some(values)) = (column("text"), column("value")) else {
        return Err(Failure::ours("the values came in an unknown form"));
    };
    let values: Vec<Value> = texts
        .iter()
        .zip(values)
        .filter_map(|(text, value)| Some((text.as_deref()?, value.as_deref()?)))
        .map(|(text, value)| json!({ "text": text, "value": value }))
        .collect();
    Ok((200, json!({ "values": values })))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceBody {
    source: Option<String>,
}

async fn sources(lease: &Lease) -> Result<(u16, Value), Failure> {
    let sources: Vec<Value> = listed(lease).await?.iter().map(source_json).collect();
    Ok((200, json!({ "sources": sources })))
}

async fn check(lease: &Lease, body: SourceBody) -> Result<(u16, Value), Failure> {
    let source = known(lease, body).await?;
    let checks = lease
        .app
        .check(source.as_ref(), Utc::now(), health::PATIENCE)
        .await;
    let checks: Vec<Value> = checks.iter().map(health::as_json).collect();
    Ok((200, json!({ "checks": checks })))
}

async fn sync(lease: &Lease, body: SourceBody) -> Result<(u16, Value), Failure> {
    let source = known(lease, body).await?;
    let started = lease.app.sync_now(source.as_ref());
    let started: Vec<&str> = started.iter().map(SourceName::as_str).collect();
    Ok((202, json!({ "started": started })))
}

/// The named source, or none for all.
async fn known(lease: &Lease, body: SourceBody) -> Result<Option<SourceName>, Failure> {
    let Some(name) = body.source else {
        return Ok(None);
    };
    let name = SourceName::from(name);
    if listed(lease).await?.iter().any(|known| known.name == name) {
        Ok(Some(name))
    } else {
        Err(refusal(404, "there is no source of that name"))
    }
}

async fn listed(lease: &Lease) -> Result<Vec<SourceStatus>, Failure> {
    let app = lease.app.clone();
    // Counting events reads the ledger.
    tokio::task::spawn_blocking(move || app.sources())
        .await
        .map_err(|_| Failure::panicked())
}

fn source_json(source: &SourceStatus) -> Value {
    let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
    let covered: Vec<Value> = source
        .coverage
        .ranges()
        .iter()
        .map(|range| json!({ "from": time(range.start), "to": time(range.end) }))
        .collect();
    json!({
        "name": source.name.as_str(),
        "kind": source.kind,
        "events": source.stats.events.iter().map(|(_, count)| count).sum::<u64>(),
        "covered": covered,
        "lastSync": source.stats.read_at.map(time),
        "syncing": source.is_syncing,
        "progress": source.progress.map(|(done, total)| json!({ "done": done, "total": total })),
        "error": source.failure,
    })
}

/// Reads a body; none at all is an empty object.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let body = if body.trim_ascii().is_empty() {
        b"{}"
    } else {
        body
    };
    serde_json::from_slice(body)
        .map_err(|error| Failure::unusable(format!("the body is not as it should be: {error}")))
}

fn refusal(status: u16, text: &str) -> Failure {
    Failure {
        status,
        ..Failure::unusable(text)
    }
}

#[cfg(test)]
mod tests;
