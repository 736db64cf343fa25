//! Sends bytes that change something: once, to one address, and hands back what the server says to it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use tokio::time::{Instant, timeout_at};

use super::api::Api;
use super::call::Call;
use super::unanswered::Unanswered;
use super::{Outcome, body, headers, request};

/// What a server said to bytes that it was sent.
#[derive(Clone, Debug)]
pub struct Said {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The text of the answer; unreadable bytes are replaced, and so is the credential where the answer repeats it.
    pub text: String,
    /// How long it asks to be left alone.
    pub retry_after: Option<Duration>,
}

impl Api {
    /// Sends a body to the base address itself, once; follows no redirect, and waits for no limit.
    ///
    /// # Errors
    /// A sentence that says why there is no answer; it holds no secret.
    pub async fn push(&self, headers: HeaderMap, bytes: Vec<u8>) -> Result<Said, String> {
        let call = Call::new(self, http::Method::POST, self.base.clone());
        let deadline = Instant::now() + self.timing.attempt;
        let said = self.pushed(&call, headers, bytes, deadline).await;
        self.network.0.counters.count(
            &self.source,
            match &said {
                Ok(said) if said.status.is_success() => Outcome::Ok,
                Ok(said) if said.status == StatusCode::TOO_MANY_REQUESTS => Outcome::RateLimited,
                Ok(said) if said.status.is_server_error() => Outcome::ServerFailed,
                Ok(said) if said.status.is_redirection() => Outcome::Redirected,
                Ok(_) => Outcome::Refused,
                Err(_) => Outcome::Unanswered,
            },
        );
        said.map_err(|reason| format!("{}: {reason}", call.what()))
    }

    async fn pushed(
        &self,
        call: &Call<'_>,
        mut headers: HeaderMap,
        bytes: Vec<u8>,
        deadline: Instant,
    ) -> Result<Said, String> {
        let client = self.client().map_err(|error| crate::error::chain(&error))?;
        let credential = request::credential(call, false, deadline).await;
        if let Some((name, value)) = credential.map_err(|error| crate::error::chain(&error))? {
            headers.insert(name, value);
        }
        let sending = client.post(self.base.clone()).headers(headers).body(bytes);
        let response = match timeout_at(deadline, sending.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                return Err(match Unanswered::from(error) {
                    Unanswered::NotSent(why) => why,
                    Unanswered::ForGood(why) | Unanswered::ForNow(why) => format!("{why:#}"),
                });
            }
            Err(_) => return Err("it does not answer".to_owned()),
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = body::read(response, self.timing.grace, deadline)
            .await
            .map_err(|broken| crate::error::chain(&broken))?;
        let now: DateTime<Utc> = self.network.now();
        let retry_after = headers::retry_after(&headers, now)
            // A time that is over asks for nothing.
            .map(|until| (until - now).to_std().unwrap_or_default());
        Ok(Said {
            status,
            headers,
            // Some servers repeat what they were sent.
            text: self.credential.hidden_in(&String::from_utf8_lossy(&bytes)),
            retry_after,
        })
    }
}
