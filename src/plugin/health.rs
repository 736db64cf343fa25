//! *Save & test*: whether the settings and the sources work.

use std::time::Duration;

use chrono::Utc;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::Plugin;
use super::caller::Caller;
use super::failure::Failure;
use super::guard::guarded;
use super::messages::{CheckHealthRequest, CheckHealthResponse, HealthStatus};
use super::rights::Role;
use crate::app::SourceCheck;

/// How long the check of one source may take; all are checked at the same time.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How long all of them may take: below Grafana's 30 s, whatever a source does.
const LIMIT: Duration = Duration::from_secs(12);

/// Says of settings and sources whether they work: a line a source.
pub(super) async fn check_health(
    plugin: &Plugin,
    request: CheckHealthRequest,
) -> CheckHealthResponse {
    let caller = Caller::of(request.context);
    let checked = guarded(timeout(LIMIT, check(plugin, &caller))).await;
    let (status, message, details) = match checked {
        Ok(Ok(Ok(report))) => report,
        Ok(Ok(Err(failure))) | Err(failure) => {
            (HealthStatus::Error, sentence(&failure.text), json!({}))
        }
        Ok(Err(_)) => (
            HealthStatus::Error,
            format!("The check took longer than {} s.", LIMIT.as_secs()),
            json!({}),
        ),
    };
    CheckHealthResponse {
        status: status.into(),
        message,
        details: details.to_string().into_bytes(),
    }
}

async fn check(plugin: &Plugin, caller: &Caller) -> Result<(HealthStatus, String, Value), Failure> {
    let Some(data_source) = &caller.data_source else {
        return Err(Failure::ours("Grafana named no data source"));
    };
    let lease = plugin.instances.lease(data_source).await?;
    // A viewer may learn that the settings work, but not which sources there are, nor make us read them.
    if caller.role.is_some_and(|role| !Role::may_see_sources(role)) {
        let message =
            "The settings are valid; checking the sources takes the role Editor or Admin.";
        return Ok((HealthStatus::Ok, message.to_owned(), json!({})));
    }
    let checks = lease.app.check(None, Utc::now(), PATIENCE).await;
    let (status, mut lines) = if checks.is_empty() {
        let line = "There is no source yet: add one, and save again.".to_owned();
        (HealthStatus::Error, vec![line])
    } else if checks.iter().all(|check| check.result.is_ok()) {
        (HealthStatus::Ok, checks.iter().map(line).collect())
    } else {
        // What failed first: Grafana shows few lines.
        let (bad, good): (Vec<_>, Vec<_>) = checks.iter().partition(|check| check.result.is_err());
        let lines = bad.into_iter().chain(good).map(line).collect();
        (HealthStatus::Error, lines)
    };
    lines.extend(lease.ledger_notice.clone());
    let details = json!({ "checks": checks.iter().map(as_json).collect::<Vec<_>>() });
    Ok((status, lines.join("\n"), details))
}

/// A source's check in the contract's form.
pub(super) fn as_json(check: &SourceCheck) -> Value {
    let (is_ok, message) = match &check.result {
        Ok(message) => (true, message),
        Err(message) => (false, message),
    };
    json!({
        "source": check.name.as_str(),
        "kind": check.kind,
        "ok": is_ok,
        "message": message,
        "advice": check.advice,
        "reading": check.reading,
    })
}

fn line(check: &SourceCheck) -> String {
    let mut line = match &check.result {
        Ok(message) => format!("{} ({}): {}", check.name, check.kind, message),
        Err(message) => format!("{} ({}) fails: {}", check.name, check.kind, message),
    };
    if let Some(advice) = &check.advice {
        line.push_str(" — ");
        line.push_str(advice);
    }
    line
}

/// An error's text as people write: a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase());
    let mut sentence: String = first.into_iter().flatten().chain(characters).collect();
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}
