//! One GraphQL request and what its answer means: GitHub tells of limits, rights and time that ran out in errors beside data.

use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::documents::Asked;
use crate::model::Notice;
use crate::providers::FetchError;
use crate::providers::http::{Answer, Api, HttpError, Priority, ServerFault};

/// What a limit without a time is left alone: "wait for at least one minute before retrying".
const UNSAID_WAIT: TimeDelta = TimeDelta::seconds(60);
/// An error's text is told so far.
const LONGEST_WORD: usize = 200;

/// One source's GitHub: GraphQL, and REST where GraphQL has no word for it.
#[derive(Clone, Debug)]
pub(crate) struct GraphQl {
    pub(crate) api: Api,
    /// The path of GraphQL behind the API's base.
    pub(crate) path: &'static [&'static str],
    /// What stands before every path of REST.
    pub(crate) rest: &'static [&'static str],
}

/// What was asked and answered.
#[derive(Debug)]
pub(crate) struct Reply {
    what: String,
    data: Map<String, Value>,
    /// What could not be told, and where.
    pub(crate) problems: Vec<Problem>,
    pub(crate) answer: Answer,
}

/// Why a part of the answer is missing.
#[derive(Debug)]
pub(crate) struct Problem {
    /// Its place: the alias first.
    pub(crate) path: Vec<String>,
    kind: String,
    pub(crate) message: String,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Unasked {
    /// It takes GitHub too long: a smaller question may do.
    TooHeavy(FetchError),
    Failed(FetchError),
}

impl From<Unasked> for FetchError {
    fn from(unasked: Unasked) -> Self {
        match unasked {
            Unasked::TooHeavy(error) | Unasked::Failed(error) => error,
        }
    }
}

#[derive(Serialize)]
struct Question<'a> {
    query: &'a str,
    variables: &'a Map<String, Value>,
}

#[derive(Deserialize)]
struct Body {
    data: Option<Map<String, Value>>,
    #[serde(default)]
    errors: Vec<Told>,
}

#[derive(Deserialize)]
struct Told {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    path: Option<Vec<Value>>,
    #[serde(default)]
    message: String,
}

impl GraphQl {
    /// Asks a document with its variables.
    ///
    /// # Errors
    /// `TooHeavy` when GitHub ran out of time or resources over it; at once where the question `can_be_split`.
    pub(crate) async fn ask(
        &self,
        priority: Priority,
        asked: &Asked,
        can_be_split: bool,
    ) -> Result<Reply, Unasked> {
        let api = self.api.at(priority);
        let call = api
            .post(self.path)
            .counted_as("graphql")
            .costing(asked.points)
            .hand_back_timeouts(can_be_split)
            .json(&Question {
                query: &asked.document,
                variables: &asked.variables,
            });
        let answer = call.send().await.map_err(unanswered)?;
        let body: Body = answer
            .json()
            .map_err(|error| Unasked::Failed(error.into()))?;
        let what = answer.what().to_owned();
        let mut problems = Vec::new();
        for told in body.errors {
            let problem = Problem::of(told);
            if let Some(error) = problem.of_the_whole(&what, &answer) {
                return Err(error);
            }
            problems.push(problem);
        }
        let Some(data) = body.data else {
            let said = problems
                .first()
                .map_or("it answers without data", |problem| &problem.message);
            return Err(Unasked::Failed(FetchError::Malformed {
                source: anyhow::anyhow!("{said}"),
                what,
            }));
        };
        Ok(Reply {
            what,
            data,
            problems,
            answer,
        })
    }
}

fn unanswered(error: HttpError) -> Unasked {
    let is_late = match &error {
        HttpError::Unavailable { source, .. } => {
            source.downcast_ref().is_some_and(|ServerFault(status)| {
                matches!(
                    *status,
                    StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT
                )
            })
        }
        // A smaller question has a smaller answer.
        HttpError::TooLarge { .. } => true,
        HttpError::Unauthorized { .. }
        | HttpError::Forbidden { .. }
        | HttpError::NotFound { .. }
        | HttpError::Refused { .. }
        | HttpError::RateLimited { .. }
        | HttpError::Malformed { .. } => false,
    };
    if is_late {
        Unasked::TooHeavy(error.into())
    } else {
        Unasked::Failed(error.into())
    }
}

impl Problem {
    fn of(told: Told) -> Self {
        let part = |part: Value| match part {
            Value::String(text) => text,
            other => other.to_string(),
        };
        Self {
            path: told
                .path
                .unwrap_or_default()
                .into_iter()
                .map(part)
                .collect(),
            kind: told.kind.unwrap_or_default(),
            message: told.message.chars().take(LONGEST_WORD).collect(),
        }
    }

    /// The failure, where the problem is one of the whole question.
    fn of_the_whole(&self, what: &str, answer: &Answer) -> Option<Unasked> {
        let what = what.to_owned();
        let said = self.message.to_lowercase();
        if self.kind == "RATE_LIMITED" || said.contains("rate limit") {
            let until = limited_until(answer);
            return Some(Unasked::Failed(FetchError::RateLimited { what, until }));
        }
        let is_heavy = self.kind == "RESOURCE_LIMITS_EXCEEDED"
            || said.contains("resource limits")
            || said.contains("timeout")
            || said.contains("respond to your request in time");
        if is_heavy {
            return Some(Unasked::TooHeavy(FetchError::Unavailable {
                what,
                source: anyhow::anyhow!("{}", self.message),
            }));
        }
        (self.kind == "INSUFFICIENT_SCOPES").then(|| {
            Unasked::Failed(FetchError::Unauthorized {
                what,
                needs: Some(self.message.clone()),
            })
        })
    }

    /// What people are told of the thing that is missing.
    pub(crate) fn notice(&self, thing: &str) -> Notice {
        let permission = match self
            .path
            .iter()
            .map(String::as_str)
            .find(|part| permission(part).is_some())
        {
            Some(part) => permission(part).unwrap_or_default(),
            None => "Metadata",
        };
        match self.kind.as_str() {
            "NOT_FOUND" => gone(thing),
            _ if self.is_forbidden() => Notice::warning(format!(
                "Cannot read {thing}: the token needs the permission {permission} (read), or the scope `repo`. GitHub says: {}",
                self.message
            )),
            _ => Notice::warning(format!("Cannot read {thing}: {}", self.message)),
        }
    }

    /// Whether rights are missing.
    pub(crate) fn is_forbidden(&self) -> bool {
        self.kind == "FORBIDDEN" || self.message.contains("not accessible by")
    }
}

/// Says that something is gone.
pub(crate) fn gone(thing: &str) -> Notice {
    Notice::warning(format!(
        "{thing} is gone, or hidden from these credentials: what was read of it stays."
    ))
}

/// GitHub's name of the permission that a field needs.
fn permission(field: &str) -> Option<&'static str> {
    match field {
        "pullRequests" => Some("Pull requests"),
        "defaultBranchRef" | "object" | "history" | "refs" | "releases" => Some("Contents"),
        "deployments" | "statuses" | "latestStatus" => Some("Deployments"),
        "runs" | "checkSuites" | "checkSuite" => Some("Actions"),
        _ => None,
    }
}

/// Until when a limit that came with status 200 lasts.
fn limited_until(answer: &Answer) -> DateTime<Utc> {
    let number = |name| answer.header(name)?.parse::<i64>().ok();
    let served_at = answer.served_at().unwrap_or_default();
    if let Some(seconds) = number("retry-after") {
        return served_at + TimeDelta::seconds(seconds.clamp(0, 86_400));
    }
    let reset_at =
        number("x-ratelimit-reset").filter(|_| answer.header("x-ratelimit-remaining") == Some("0"));
    reset_at
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        .unwrap_or(served_at + UNSAID_WAIT)
}

impl Reply {
    /// A part of the answer; `None` where it is null.
    ///
    /// # Errors
    /// Another shape than the reference's.
    pub(crate) fn take<T: DeserializeOwned>(
        &mut self,
        alias: &str,
    ) -> Result<Option<T>, FetchError> {
        let value = self.data.remove(alias).unwrap_or_default();
        serde_json::from_value(value).map_err(|error| {
            // serde's text may quote what it read; only the kind of fault is told.
            let kind = error.classify();
            FetchError::Malformed {
                what: format!("`{alias}` of {}", self.what),
                source: anyhow::anyhow!("it has another shape ({kind:?})"),
            }
        })
    }

    /// The problem of a part, if it has one.
    pub(crate) fn problem(&self, alias: &str) -> Option<&Problem> {
        self.problems
            .iter()
            .find(|problem| problem.path.first().is_some_and(|part| part == alias))
    }
}
