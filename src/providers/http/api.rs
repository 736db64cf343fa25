//! One source's view of the network: its address, its credential, its way of connecting.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::Url;

use super::clients::{ClientError, Connection};
use super::network::Lane;
use super::timing::Timing;
use super::{Call, Clock, HttpError, Memory, Network, Priority, request, settings};
use crate::config::{SettingsError, SourceSettings};
use crate::model::SourceName;

/// What a kind of API expects of every request.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// The media type that is asked for.
    pub accept: &'static str,
    /// Headers that pin the API's version.
    pub headers: &'static [(&'static str, &'static str)],
    /// What it bears.
    pub limits: Limits,
}

/// What an API bears of one credential, as its vendor documents it; what its headers say comes on top.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests at the same time.
    pub concurrency: usize,
    /// Requests within any minute; `None`: the vendor names no number.
    pub per_minute: Option<u32>,
    /// Requests within any hour; `None`: the vendor names no number, or the headers do.
    pub per_hour: Option<u32>,
}

/// How requests say who sends them.
#[derive(Clone)]
pub enum Credential {
    /// They do not.
    None,
    /// `Authorization: Bearer …`, or another scheme's word before the token.
    Token {
        /// The scheme (`Bearer`, `token`).
        scheme: &'static str,
        #[allow(missing_docs)]
        token: SecretString,
    },
    /// `Authorization: Basic …`.
    Basic {
        #[allow(missing_docs)]
        user: String,
        #[allow(missing_docs)]
        password: SecretString,
    },
    /// A header of the vendor's own (`PRIVATE-TOKEN`).
    Header {
        #[allow(missing_docs)]
        name: &'static str,
        #[allow(missing_docs)]
        token: SecretString,
    },
    /// A token that runs out and is had anew.
    Renewed(Arc<dyn Renew>),
}

/// Has a token anew.
pub trait Renew: Send + Sync {
    /// Whose token it is; no secret.
    fn identity(&self) -> String;

    /// The token; `is_refused` when the last one was refused, so that a new one is needed.
    fn token(&self, is_refused: bool) -> BoxFuture<'_, Result<SecretString, HttpError>>;
}

/// One source's API. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    pub(super) network: Network,
    pub(super) source: SourceName,
    pub(super) base: Url,
    pub(super) credential: Credential,
    pub(super) profile: Profile,
    pub(super) priority: Priority,
    pub(super) lane: Arc<Lane>,
    pub(super) timing: Timing,
    /// Stands for the credential where it must not be shown.
    pub(super) identity: String,
    connection: Arc<Connection>,
}

impl Api {
    /// Puts a source's API together; does no I/O.
    ///
    /// `base` is the address that paths are put behind.
    ///
    /// # Errors
    /// What the settings of its connection lack, and an address that may not be asked.
    pub fn connect(
        network: &Network,
        source: &SourceSettings,
        base: Url,
        profile: Profile,
        credential: Credential,
    ) -> Result<Self, SettingsError> {
        let addresses = network.0.addresses;
        let connection = settings::connection(source, addresses)?;
        addresses
            .admit(&base)
            .map_err(|why| settings::fault("url", why))?;
        if base.query().is_some() || base.fragment().is_some() {
            let why = "takes an address without `?` and `#`".to_owned();
            return Err(settings::fault("url", why));
        }
        // A secret that cannot stand in a header is found here, by key.
        credential.header_value().map_err(|()| {
            settings::fault(
                "token",
                "holds characters that no header can carry".to_owned(),
            )
        })?;
        let identity = credential.identity();
        let lane = Lane::of(
            &format!("{} {identity}", base.origin().ascii_serialization()),
            profile.limits,
        );
        Ok(Self {
            network: network.clone(),
            source: source.name.clone(),
            base,
            credential,
            profile,
            priority: Priority::default(),
            lane,
            timing: Timing::USUAL,
            identity,
            connection: Arc::new(connection),
        })
    }

    /// The clock of requests.
    pub fn clock(&self) -> Clock {
        self.network.clock()
    }

    /// The same API for requests of that priority.
    #[must_use]
    pub fn at(&self, priority: Priority) -> Self {
        Self {
            priority,
            ..self.clone()
        }
    }

    /// The same API with another credential: a token that the first one brought.
    #[must_use]
    pub fn with_credential(&self, credential: Credential) -> Self {
        let identity = credential.identity();
        let key = format!("{} {identity}", self.base.origin().ascii_serialization());
        Self {
            lane: Lane::of(&key, self.profile.limits),
            credential,
            identity,
            ..self.clone()
        }
    }

    /// The same API behind another address of the same vendor (`vsrm.dev.azure.com` beside `dev.azure.com`).
    #[must_use]
    pub fn behind(&self, base: Url) -> Self {
        let key = format!("{} {}", base.origin().ascii_serialization(), self.identity);
        Self {
            lane: Lane::of(&key, self.profile.limits),
            base,
            ..self.clone()
        }
    }

    /// A GET of a path behind the base; each part is encoded, so that no name leads elsewhere.
    pub fn get(&self, path: &[&str]) -> Call<'_> {
        Call::new(self, Method::GET, self.url(path))
    }

    /// A GET of an address that an answer named (a next page). Another origin than the base gets no credential.
    pub fn get_url(&self, url: Url) -> Call<'_> {
        Call::new(self, Method::GET, url)
    }

    /// A POST that only reads (GraphQL, searches), so that it may be sent again.
    pub fn post(&self, path: &[&str]) -> Call<'_> {
        Call::new(self, Method::POST, self.url(path))
    }

    /// The address of a path behind the base.
    pub fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            // A base that is `http` or `https` always has segments.
            segments.pop_if_empty().extend(path);
        }
        url
    }

    /// The address that paths are put behind.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The source that asks.
    pub fn source(&self) -> &SourceName {
        &self.source
    }

    /// What is kept between requests.
    pub fn memory(&self) -> &dyn Memory {
        self.network.memory()
    }

    /// A sentence on what is left of the rate limit, as the last answer told; `None` where the API does not tell.
    pub fn limit_left(&self, resource: &str) -> Option<String> {
        let left = self.lane.left(resource)?;
        let of = left
            .limit
            .map(|limit| format!(" of {limit}"))
            .unwrap_or_default();
        let until = left
            .reset_at
            .map(|at: DateTime<Utc>| {
                format!(
                    " until {}",
                    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
                )
            })
            .unwrap_or_default();
        Some(format!("{}{of} requests left{until}", left.remaining))
    }

    /// Whether every certificate is trusted: people must see that.
    pub fn skips_verification(&self) -> bool {
        self.connection.skips_verification
    }

    pub(super) fn client(&self) -> Result<reqwest::Client, ClientError> {
        self.network
            .0
            .clients
            .client(&self.connection, self.network.0.addresses)
    }
}

impl Credential {
    /// The header that carries it; `None` where it has to be had first.
    pub(super) fn header_value(&self) -> Result<Option<(HeaderName, HeaderValue)>, ()> {
        let (name, text) = match self {
            Self::None | Self::Renewed(_) => return Ok(None),
            Self::Token { scheme, token } => {
                (AUTHORIZATION, format!("{scheme} {}", token.expose_secret()))
            }
            Self::Basic { user, password } => {
                use base64::Engine as _;
                let pair = format!("{user}:{}", password.expose_secret());
                let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
                (AUTHORIZATION, format!("Basic {encoded}"))
            }
            Self::Header { name, token } => {
                (request::header_name(name), token.expose_secret().to_owned())
            }
        };
        let mut value = HeaderValue::from_str(&text).map_err(drop)?;
        value.set_sensitive(true);
        Ok(Some((name, value)))
    }

    /// The text without the credential, where it repeats that.
    pub(super) fn hidden_in(&self, text: &str) -> String {
        const HIDDEN: &str = "(hidden)";
        let mut text = text.to_owned();
        let mut hide = |secret: &str| {
            if !secret.is_empty() {
                text = text.replace(secret, HIDDEN);
            }
        };
        if let Ok(Some((_, value))) = self.header_value()
            && let Ok(value) = value.to_str()
        {
            hide(value.rsplit(' ').next().unwrap_or(value));
        }
        if let Self::Basic { password, .. } = self {
            hide(password.expose_secret());
        }
        text
    }

    /// A name for the credential that tells nothing of it.
    fn identity(&self) -> String {
        let mut digest = Sha256::new();
        match self {
            Self::None => return "nobody".to_owned(),
            Self::Renewed(renewed) => digest.update(renewed.identity()),
            Self::Token { token, .. } | Self::Header { token, .. } => {
                digest.update(token.expose_secret())
            }
            Self::Basic { user, password } => {
                digest.update(format!("{user}:{}", password.expose_secret()))
            }
        }
        hex::encode(&digest.finalize()[..8])
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::None => "None",
            Self::Token { .. } => "Token",
            Self::Basic { .. } => "Basic",
            Self::Header { .. } => "Header",
            Self::Renewed(_) => "Renewed",
        })
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Api")
            .field("source", &self.source)
            .field("base", &self.base.as_str())
            .finish_non_exhaustive()
    }
}
