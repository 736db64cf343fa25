//! Sends a call: waits its turn, keeps to limits, follows redirects, tries again, and reads the answer with bounds.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::header::ACCEPT;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::time::Instant;

use super::api::{Api, Credential};
use super::body::{self, Broken};
use super::call::{Answer, Call, without_query};
use super::conditional::{self, Kept};
use super::{HttpError, Outcome, headers, redirect, refusal, retry};

/// How long one attempt may take, its body included.
const ATTEMPT: Duration = Duration::from_secs(30);
/// How long a call may take with all its attempts and waits; a longer wait is the caller's to plan.
const CALL: Duration = Duration::from_secs(90);
/// What a server that limits without saying how long is left alone.
const UNSAID_WAIT: TimeDelta = TimeDelta::seconds(60);

/// What one attempt brought.
enum Attempt {
    Answered(Box<Answer>),
    /// The server asks to wait until then.
    Limited(DateTime<Utc>),
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
    let deadline = Instant::now() + CALL;
    let kept_key = call
        .is_conditional
        .then(|| conditional::key(&api.identity, call.url.as_str(), api.profile.accept));
    let mut is_token_renewed = false;
    let mut attempts = 0;
    api.lane.retries.earn();
    loop {
        wait_for_limits(&call, deadline).await?;
        attempts += 1;
        let kept = kept_key
            .as_deref()
            .and_then(|key| conditional::recall(api.memory(), key));
        let attempt = {
            // Nobody closes the semaphore.
            let _turn = api.lane.turns.acquire().await.ok();
            let until = deadline.min(Instant::now() + ATTEMPT);
            attempt(&call, kept, is_token_renewed, until).await
        };
        let (failure, wait) = match attempt {
            Attempt::Answered(answer) => {
                if let Some(key) = &kept_key
                    && !answer.is_unchanged
                {
                    conditional::remember(api.memory(), key, &answer.headers, &answer.body);
                }
                return Ok(*answer);
            }
            Attempt::Final(error) => return Err(error),
            Attempt::TokenRefused if is_token_renewed => {
                return Err(HttpError::Unauthorized { what: call.what() });
            }
            Attempt::TokenRefused => {
                is_token_renewed = true;
                continue;
            }
            Attempt::Limited(until) => {
                api.lane.limits().budget.close(call.resource, until);
                // The next turn waits for it, or gives it back to the caller.
                if attempts >= retry::MOST_ATTEMPTS {
                    return Err(HttpError::RateLimited {
                        what: call.what(),
                        until,
                    });
                }
                continue;
            }
            Attempt::Failed(failure) => (failure, retry::jittered(attempts, retry::random())),
        };
        let is_over = attempts >= retry::MOST_ATTEMPTS || Instant::now() + wait >= deadline;
        if is_over || !api.lane.retries.spend() {
            return Err(HttpError::Unavailable {
                what: call.what(),
                source: failure,
            });
        }
        tokio::time::sleep(wait).await;
    }
}

/// Waits until the limits let the call go, and takes it off them; a wait beyond the deadline goes back to the caller.
async fn wait_for_limits(call: &Call<'_>, deadline: Instant) -> Result<(), HttpError> {
    let api = call.api;
    loop {
        let now = api.network.now();
        let instant = Instant::now();
        let wait = {
            let mut limits = api.lane.limits();
            let paced = limits
                .paces
                .iter_mut()
                .map(|pace| pace.wait(instant))
                .max()
                .unwrap_or_default();
            if paced.is_zero() {
                match limits.budget.admit(call.resource, api.priority, now) {
                    None => {
                        limits.paces.iter_mut().for_each(|pace| pace.take(instant));
                        return Ok(());
                    }
                    // Clocks differ; a little longer is kinder than a little too short.
                    Some(until) => {
                        (until - now).to_std().unwrap_or_default() + Duration::from_millis(50)
                    }
                }
            } else {
                paced
            }
        };
        if instant + wait >= deadline {
            let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::days(1));
            return Err(HttpError::RateLimited {
                what: call.what(),
                until: now + wait,
            });
        }
        tokio::time::sleep(wait).await;
    }
}

/// The headers of the call for its own origin, credential included.
async fn own_headers(
    call: &Call<'_>,
    is_token_refused: bool,
) -> Result<(HeaderMap, Option<HeaderName>), HttpError> {
    let api = call.api;
    let mut headers = call.headers.clone();
    if !headers.contains_key(ACCEPT) {
        headers.insert(ACCEPT, HeaderValue::from_static(api.profile.accept));
    }
    for (name, value) in api.profile.headers {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    let renewed;
    let credential = match &api.credential {
        Credential::Renewed(source) => {
            let token = source.token(is_token_refused).await?;
            renewed = Credential::Token {
                scheme: "Bearer",
                token,
            };
            &renewed
        }
        fixed => fixed,
    };
    let header = credential
        .header_value()
        .map_err(|()| HttpError::Unauthorized { what: call.what() })?;
    let name = header.map(|(name, value)| {
        headers.insert(name.clone(), value);
        name
    });
    Ok((headers, name))
}

/// One attempt, redirects included.
async fn attempt(
    call: &Call<'_>,
    kept: Option<Kept>,
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
    let (mut headers, credential) = match own_headers(call, is_token_refused).await {
        Ok(own) => own,
        Err(error) => return Attempt::Final(error),
    };
    if let Some(kept) = &kept {
        kept.ask(&mut headers);
    }
    let mut url = call.url.clone();
    if !redirect::is_same_origin(&api.base, &url) {
        if let Err(why) = api.network.0.addresses.admit(&url) {
            return Attempt::Final(malformed(call, format!("it names an address that {why}")));
        }
        credential
            .iter()
            .for_each(|name| drop(headers.remove(name)));
    }
    for _ in 0..=redirect::MOST_HOPS {
        let mut request = client
            .request(call.method.clone(), url.clone())
            .headers(headers.clone());
        if let Some(body) = &call.body {
            request = request.body(body.clone());
        }
        let response = match tokio::time::timeout_at(deadline, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                api.count(Outcome::Unanswered);
                return unanswered(call, error);
            }
            Err(_) => {
                api.count(Outcome::Unanswered);
                return Attempt::Failed(anyhow::anyhow!("it does not answer"));
            }
        };
        let status = response.status();
        let hop = redirect::target(
            status,
            response.headers(),
            &call.method,
            &url,
            api.network.0.addresses,
        );
        match hop {
            Err(why) => {
                api.count(Outcome::Redirected);
                return Attempt::Final(malformed(call, why));
            }
            Ok(Some(target)) => {
                api.count(Outcome::Redirected);
                if !redirect::is_same_origin(&url, &target) {
                    credential
                        .iter()
                        .for_each(|name| drop(headers.remove(name)));
                }
                url = target;
            }
            Ok(None) => return answered(call, response, kept, url, deadline).await,
        }
    }
    Attempt::Final(malformed(call, "it redirects in circles".to_owned()))
}

/// What an answer that is no redirect means.
async fn answered(
    call: &Call<'_>,
    response: reqwest::Response,
    kept: Option<Kept>,
    url: url::Url,
    deadline: Instant,
) -> Attempt {
    let api = call.api;
    let now = api.network.now();
    let status = response.status();
    let headers = response.headers().clone();
    api.lane.limits().budget.learn(call.resource, &headers, now);
    if status == StatusCode::NOT_MODIFIED
        && let Some(kept) = kept
    {
        api.count(Outcome::Unchanged);
        let (headers, body) = kept.restore(headers);
        return Attempt::Answered(Box::new(Answer {
            status: StatusCode::OK,
            headers,
            body,
            what: without_query(&url),
            url,
            is_unchanged: true,
        }));
    }
    let body = match body::read(response, deadline).await {
        Ok(body) => body,
        Err(broken) => {
            api.count(Outcome::Unanswered);
            return broken_off(call, broken);
        }
    };
    if status.is_success() {
        // Azure DevOps asks to slow down while it still answers.
        if let Some(until) = headers::retry_after(&headers, now) {
            api.lane.limits().budget.close(call.resource, until);
        }
        api.count(Outcome::Ok);
        return Attempt::Answered(Box::new(Answer {
            status,
            headers,
            body,
            what: without_query(&url),
            url,
            is_unchanged: false,
        }));
    }
    let asked_wait = headers::retry_after(&headers, now);
    if refusal::is_limit(status, &headers, &body) {
        api.count(Outcome::RateLimited);
        let reset_at = headers::limit(&headers, now)
            .filter(|limit| limit.remaining == 0)
            .and_then(|limit| limit.reset_at);
        return Attempt::Limited(asked_wait.or(reset_at).unwrap_or(now + UNSAID_WAIT));
    }
    if status.is_server_error() {
        api.count(Outcome::ServerFailed);
        return match asked_wait {
            Some(until) if status == StatusCode::SERVICE_UNAVAILABLE => Attempt::Limited(until),
            _ if status == StatusCode::NOT_IMPLEMENTED => Attempt::Final(HttpError::Refused {
                what: call.what(),
                status,
            }),
            _ => Attempt::Failed(anyhow::anyhow!("it answers with status {status}")),
        };
    }
    api.count(Outcome::Refused);
    let what = call.what();
    match status {
        StatusCode::UNAUTHORIZED if matches!(api.credential, Credential::Renewed(_)) => {
            Attempt::TokenRefused
        }
        StatusCode::UNAUTHORIZED => Attempt::Final(HttpError::Unauthorized { what }),
        StatusCode::FORBIDDEN => Attempt::Final(HttpError::Forbidden {
            what,
            needs: refusal::needed(&headers),
        }),
        StatusCode::NOT_FOUND | StatusCode::GONE => Attempt::Final(HttpError::NotFound { what }),
        _ => Attempt::Final(HttpError::Refused { what, status }),
    }
}

/// What no answer at all means.
fn unanswered(call: &Call<'_>, error: reqwest::Error) -> Attempt {
    let error = error.without_url();
    if error.is_builder() {
        return Attempt::Final(malformed(call, "it cannot be asked like this".to_owned()));
    }
    let refused = std::iter::successors(std::error::Error::source(&error), |cause| cause.source())
        .find(|cause| cause.is::<super::addresses::RefusedAddress>())
        .map(ToString::to_string);
    match refused {
        Some(why) => Attempt::Final(malformed(call, why)),
        None => Attempt::Failed(error.into()),
    }
}

fn broken_off(call: &Call<'_>, broken: Broken) -> Attempt {
    match broken {
        Broken::TooLarge => Attempt::Final(HttpError::TooLarge { what: call.what() }),
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
}
