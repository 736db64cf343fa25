//! Why a request brought no answer that can be used.

use chrono::{DateTime, SecondsFormat, Utc};
use http::StatusCode;

use crate::providers::FetchError;

/// Why a request failed. `what` is the address without its query: it holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// 401: nobody knows these credentials.
    #[error("{what} refused the credentials")]
    Unauthorized {
        /// What was asked.
        what: String,
    },
    /// 403: they are known and not enough.
    #[error("{what} refused access{}", needs.as_ref().map(|needs| format!(": it needs {needs}")).unwrap_or_default())]
    Forbidden {
        /// What was asked.
        what: String,
        /// The permissions it names, in the vendor's words.
        needs: Option<String>,
    },
    /// 404 or 410: it is not there, or hidden from these credentials.
    #[error("{what} is not there, or hidden from these credentials")]
    NotFound {
        /// What was asked.
        what: String,
    },
    /// Any other 4xx.
    #[error("{what} refused the request with status {status}")]
    Refused {
        /// What was asked.
        what: String,
        /// The status.
        status: StatusCode,
    },
    /// The API asks to wait, or we do so before it has to.
    #[error("{what} asks to wait until {}", until.to_rfc3339_opts(SecondsFormat::Secs, true))]
    RateLimited {
        /// What was asked.
        what: String,
        /// When it may be asked again.
        until: DateTime<Utc>,
    },
    /// No answer, or not all of it, also after retries.
    #[error("cannot reach {what}")]
    Unavailable {
        /// What was asked.
        what: String,
        /// Why.
        #[source]
        source: anyhow::Error,
    },
    /// An answer larger than we take: a smaller part must be asked for.
    #[error("{what} answers more than fits")]
    TooLarge {
        /// What was asked.
        what: String,
    },
    /// An answer that makes no sense.
    #[error("cannot understand {what}")]
    Malformed {
        /// What was asked.
        what: String,
        /// Why.
        #[source]
        source: anyhow::Error,
    },
}

/// A status of 500 to 599: the source of `Unavailable`, for callers that can ask for less.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("it answers with status {0}")]
pub struct ServerFault(pub StatusCode);

/// No answer within the time of one attempt: the source of `Unavailable`, for callers that can ask for less.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("it does not answer in time")]
pub struct Silence;

impl HttpError {
    /// Whether a server may be working too long on what it was asked: less of it may be answered.
    pub fn may_be_overworked(&self) -> bool {
        let Self::Unavailable { source, .. } = self else {
            return false;
        };
        let is_slow = |ServerFault(status): &ServerFault| {
            matches!(
                *status,
                StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
            )
        };
        source.is::<Silence>() || source.downcast_ref().is_some_and(is_slow)
    }

    /// Whether the thing is not there: callers go on without it.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Whether what the source may see, not the whole source, is the matter: callers skip the part and say so.
    pub fn concerns_one_thing(&self) -> bool {
        matches!(self, Self::NotFound { .. } | Self::Forbidden { .. })
    }
}

impl From<HttpError> for FetchError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Unauthorized { what } => Self::Unauthorized { what, needs: None },
            HttpError::Forbidden { what, needs } => Self::Unauthorized { what, needs },
            HttpError::RateLimited { what, until } => Self::RateLimited { what, until },
            HttpError::Unavailable { what, source } => Self::Unavailable { what, source },
            HttpError::Malformed { what, source } => Self::Malformed { what, source },
            HttpError::TooLarge { what } => Self::RangeTooLarge { what },
            HttpError::NotFound { what } => Self::Unavailable {
                what,
                source: anyhow::anyhow!(
                    "it is not there, or hidden from these credentials: check the address, the name and the token's permissions"
                ),
            },
            HttpError::Refused { what, status } => Self::Malformed {
                what,
                source: anyhow::anyhow!("it refused the request with status {status}"),
            },
        }
    }
}
