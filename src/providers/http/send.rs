//! Sends a call: follows redirects, tries again where that may help, and says what came of it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, Method, StatusCode};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::api::{Api, Credential};
use super::body::{self, Broken};
use super::call::{Answer, Call, without_query};
use super::conditional::{self, Kept};
use super::error::{ServerFault, Silence};
use super::unanswered::{self, Unanswered};
use super::{HttpError, Outcome, headers, redirect, refusal, request, retry, turn};

/// What one attempt brought.
enum Attempt {
    Answered(Box<Answer>),
    /// The server asks to wait until then.
    Limited {
        until: DateTime<Utc>,
        /// Whether it was the API, not somebody to whom it sent us.
        is_home: bool,
    },
    /// It may pass.
    Failed(anyhow::Error),
    /// It will not.
    Final(HttpError),
    /// The token was refused; a new one may be had.
    TokenRefused,
}

/// Sends a call; see `Call::send`.
pub(super) async fn send(call: Call<'_>) -> Result<Answer, HttpError> {
    let api = call.api;
    let deadline = Instant::now() + api.timing.call;
    let headers = request::plain_headers(&call);
    // What a POST is answered depends on its body.
    let kept_key = (call.is_conditional && call.method == Method::GET)
        .then(|| conditional::key(&api.identity, call.url.as_str(), &headers));
    let kept = kept_key
        .as_deref()
        .and_then(|key| conditional::recall(api.memory(), key));
    let mut was_token_renewed = false;
    let mut is_token_refused = false;
    let mut attempts = 0;
    api.lane.retries.earn();
    loop {
        attempts += 1;
        // A refusal asks for one new token, not for one with each attempt that follows.
        let is_refused = std::mem::take(&mut is_token_refused);
        let attempt = attempt(&call, headers.clone(), kept.as_ref(), is_refused, deadline).await;
        match attempt {
            Attempt::Answered(answer) => {
                if let Some(key) = &kept_key
                    && !answer.is_unchanged
                {
                    conditional::remember(api.memory(), key, &answer, &headers);
                }
                return Ok(*answer);
            }
            Attempt::Final(error) => return Err(error),
            Attempt::TokenRefused if was_token_renewed => {
                return Err(HttpError::Unauthorized { what: call.what() });
            }
            Attempt::TokenRefused => (was_token_renewed, is_token_refused) = (true, true),
            Attempt::Limited { until, is_home } => {
                if is_home {
                    // The next turn waits for it, whoever takes it, or gives it back to the caller.
                    api.lane.limits().budget.close(call.resource, until);
                }
                let wait = if is_home {
                    Duration::ZERO
                } else {
                    // What is over already needs no wait.
                    (until - api.network.now()).to_std().unwrap_or_default()
                };
                if !may_go_on(api, attempts, wait, deadline) {
                    return Err(HttpError::RateLimited {
                        what: call.what(),
                        until,
                    });
                }
                tokio::time::sleep(wait).await;
            }
            Attempt::Failed(source) => {
                let first = api.timing.first_retry;
                let wait = retry::jittered(first, attempts, retry::random());
                if !may_go_on(api, attempts, wait, deadline) {
                    return Err(HttpError::Unavailable {
                        what: call.what(),
                        source,
                    });
                }
                tokio::time::sleep(wait).await;
            }
        }
    }
}

/// Whether there is another attempt after that wait; takes it off the retry budget.
fn may_go_on(api: &Api, attempts: u32, wait: Duration, deadline: Instant) -> bool {
    attempts < retry::MOST_ATTEMPTS && Instant::now() + wait < deadline && api.lane.retries.spend()
}

/// One attempt, redirects included: each hop is a request with a turn of its own.
async fn attempt(
    call: &Call<'_>,
    mut headers: HeaderMap,
    kept: Option<&Kept>,
    is_token_refused: bool,
    deadline: Instant,
) -> Attempt {
    let api = call.api;
    let client = match api.client() {
        Ok(client) => client,
        Err(error) => {
            return Attempt::Final(HttpError::Malformed {
                what: format!("the connection of {}", api.source),
                source: error.into(),
            });
        }
    };
    let addresses = api.network.0.addresses;
    if let Err(why) = addresses.admit(&call.url) {
        return Attempt::Final(malformed(
            call,
            format!("its address is not asked: it {why}"),
        ));
    }
    if let Some(kept) = kept {
        kept.ask(&mut headers);
    }
    let mut credential: Option<HeaderName> = None;
    if redirect::is_same_origin(&api.base, &call.url) {
        match request::credential(call, is_token_refused, deadline).await {
            Ok(Some((name, value))) => {
                headers.insert(name.clone(), value);
                credential = Some(name);
            }
            Ok(None) => {}
            Err(error) => return Attempt::Final(error),
        }
    }
    let mut url = call.url.clone();
    for _ in 0..=redirect::MOST_HOPS {
        let _turn = match turn::take(call, deadline).await {
            Ok(turn) => turn,
            Err(error) => return Attempt::Final(error),
        };
        let until = deadline.min(Instant::now() + api.timing.attempt);
        let mut request = client
            .request(call.method.clone(), url.clone())
            .headers(headers.clone());
        if let Some(body) = &call.body {
            request = request.body(body.clone());
        }
        let response = match timeout_at(until, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return unanswered(call, error.into()),
            Err(_) => {
                return unanswered(call, silence(call));
            }
        };
        if redirect::is_same_origin(&api.base, &url) {
            api.learn_limits(call.resource, response.headers());
        }
        let (status, told) = (response.status(), response.headers());
        match redirect::target(status, told, &call.method, &url, addresses) {
            Err(why) => {
                api.count(Outcome::Redirected);
                return Attempt::Final(malformed(call, why));
            }
            Ok(Some(target)) => {
                api.count(Outcome::Redirected);
                if !redirect::is_same_origin(&url, &target)
                    && let Some(name) = credential.take()
                {
                    // It stays dropped, also when a later hop leads back.
                    headers.remove(name);
                }
                url = target;
            }
            Ok(None) => return answered(call, response, kept, url, until).await,
        }
    }
    Attempt::Final(malformed(call, "it redirects in circles".to_owned()))
}

/// What an answer that is no redirect means.
async fn answered(
    call: &Call<'_>,
    response: reqwest::Response,
    kept: Option<&Kept>,
    url: Url,
    until: Instant,
) -> Attempt {
    let api = call.api;
    let status = response.status();
    let headers = response.headers().clone();
    let is_home = redirect::is_same_origin(&api.base, &url);
    let answer = |status, headers, body, is_unchanged| {
        Attempt::Answered(Box::new(Answer {
            status,
            headers,
            body,
            what: without_query(&url),
            place: call.place(),
            url,
            is_unchanged,
        }))
    };
    if status == StatusCode::NOT_MODIFIED
        && let Some(kept) = kept
    {
        api.count(Outcome::Unchanged);
        let (headers, body) = kept.restore(headers);
        return answer(StatusCode::OK, headers, body, true);
    }
    let body = match body::read(response, api.timing.grace, until).await {
        Ok(body) => body,
        Err(broken) => {
            api.count(Outcome::Unanswered);
            return broken_off(call, broken);
        }
    };
    if status.is_success() {
        // Azure DevOps asks to slow down while it still answers.
        if is_home && let Some(until) = headers::retry_after(&headers, api.network.now()) {
            api.lane.limits().budget.close(call.resource, until);
        }
        api.count(Outcome::Ok);
        return answer(status, headers, body, false);
    }
    let now = api.network.now();
    let asked_wait = headers::retry_after(&headers, now);
    let limited = |until: DateTime<Utc>| Attempt::Limited {
        until: until.max(now + api.timing.least_wait),
        is_home,
    };
    if refusal::is_limit(status, &headers, &body) {
        api.count(Outcome::RateLimited);
        let reset_at = headers::limit(&headers, now)
            .filter(|limit| limit.remaining == 0)
            .and_then(|limit| limit.reset_at);
        return limited(
            asked_wait
                .or(reset_at)
                .unwrap_or(now + api.timing.unsaid_wait),
        );
    }
    if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
        api.count(Outcome::ServerFailed);
        return match asked_wait {
            Some(until) if status == StatusCode::SERVICE_UNAVAILABLE => limited(until),
            _ if status == StatusCode::NOT_IMPLEMENTED => Attempt::Final(HttpError::Refused {
                what: call.what(),
                status,
            }),
            _ if call.hands_back_silence
                && matches!(
                    status,
                    StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
                )
                || call.hands_back_timeouts
                    && matches!(
                        status,
                        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT
                    ) =>
            {
                Attempt::Final(HttpError::Unavailable {
                    what: call.what(),
                    source: ServerFault(status).into(),
                })
            }
            _ => Attempt::Failed(ServerFault(status).into()),
        };
    }
    api.count(Outcome::Refused);
    let what = call.what();
    let is_renewable = is_home && matches!(api.credential, Credential::Renewed(_));
    match status {
        StatusCode::UNAUTHORIZED if is_renewable => Attempt::TokenRefused,
        StatusCode::UNAUTHORIZED => Attempt::Final(HttpError::Unauthorized { what }),
        StatusCode::FORBIDDEN => Attempt::Final(HttpError::Forbidden {
            what,
            needs: refusal::needed(&headers, &body),
        }),
        StatusCode::NOT_FOUND | StatusCode::GONE => Attempt::Final(HttpError::NotFound { what }),
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => Attempt::Final(HttpError::Unavailable {
            what,
            source: unanswered::proxy_refusal(),
        }),
        _ => Attempt::Final(HttpError::Refused { what, status }),
    }
}

/// What it means that an attempt has no answer in time.
fn silence(call: &Call<'_>) -> Unanswered {
    match call.hands_back_silence {
        true => Unanswered::ForGood(Silence.into()),
        false => Unanswered::ForNow(anyhow::anyhow!("it does not answer")),
    }
}

/// What no answer at all means.
fn unanswered(call: &Call<'_>, why: Unanswered) -> Attempt {
    if !matches!(why, Unanswered::NotSent(_)) {
        call.api.count(Outcome::Unanswered);
    }
    match why {
        Unanswered::NotSent(why) => Attempt::Final(malformed(call, why)),
        Unanswered::ForGood(source) => Attempt::Final(HttpError::Unavailable {
            what: call.what(),
            source,
        }),
        Unanswered::ForNow(failure) => Attempt::Failed(failure),
    }
}

fn broken_off(call: &Call<'_>, broken: Broken) -> Attempt {
    match broken {
        Broken::TooLarge => Attempt::Final(HttpError::TooLarge { what: call.what() }),
        Broken::TooLong if call.hands_back_silence => Attempt::Final(HttpError::Unavailable {
            what: call.what(),
            source: Silence.into(),
        }),
        Broken::TooSlow | Broken::TooLong | Broken::Transport(_) => Attempt::Failed(broken.into()),
    }
}

fn malformed(call: &Call<'_>, why: String) -> HttpError {
    HttpError::Malformed {
        what: call.what(),
        source: anyhow::anyhow!(why),
    }
}

impl Api {
    fn count(&self, outcome: Outcome) {
        self.network.0.counters.count(&self.source, outcome);
    }

    fn learn_limits(&self, resource: &str, headers: &HeaderMap) {
        let now = self.network.now();
        let learnt = self.lane.limits().budget.learn(resource, headers, now);
        if let Some((name, left)) = learnt {
            self.network.0.counters.note_limit(&self.source, name, left);
        }
    }
}
