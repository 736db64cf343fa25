//! A GitHub App asks as one of its installations: with a token of an hour, had anew by a signed word of the app.
//!
//! Source: docs.github.com, "Generating an installation access token for a GitHub App".

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;
use octocrab::auth::{EncodingKey, create_jwt};
use octocrab::models::AppId;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::connection::App;
use crate::config::{Fault, SettingsError};
use crate::providers::http::{Api, Clock, Credential, HttpError, Renew};

/// A token is had anew so long before it runs out, so that none runs out under way.
const BEFORE_ITS_END: TimeDelta = TimeDelta::minutes(5);
/// A token that was refused this soon after it was made was refused for a request that left before it.
const JUST_MADE: TimeDelta = TimeDelta::seconds(30);

/// The tokens of an installation.
pub(super) struct Installation {
    api: Api,
    rest: &'static [&'static str],
    number: String,
    identity: String,
    clock: Clock,
    held: Mutex<Option<Held>>,
}

struct Held {
    token: SecretString,
    made_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

/// What the API answers: more than this, but no more is needed.
#[derive(Deserialize)]
struct Made {
    token: SecretString,
    expires_at: DateTime<Utc>,
}

impl Installation {
    /// # Errors
    /// A key that is no RSA key.
    pub(super) fn new(
        app: App,
        clock: Clock,
        rest: &'static [&'static str],
        api: &impl Fn(Credential) -> Result<Api, SettingsError>,
    ) -> Result<Self, SettingsError> {
        // Where a form keeps one line, people write `\n`.
        let pem = SecretString::from(app.key.expose_secret().replace("\\n", "\n"));
        let key = EncodingKey::from_rsa_pem(pem.expose_secret().as_bytes()).map_err(|_| {
            SettingsError {
                faults: vec![Fault {
                    key: "privateKey".to_owned(),
                    message: "is no RSA key in PEM: paste the file that GitHub made for the app"
                        .to_owned(),
                }],
            }
        })?;
        let identity = format!("app {} installation {}", app.id, app.installation);
        let signature = Signature { app: app.id, key };
        Ok(Self {
            api: api(Credential::Renewed(Arc::new(signature)))?,
            rest,
            number: app.installation.to_string(),
            identity,
            clock,
            held: Mutex::default(),
        })
    }

    async fn make(&self) -> Result<Made, HttpError> {
        let mut path = self.rest.to_vec();
        path.extend(["app", "installations", &self.number, "access_tokens"]);
        // Making a second token does no harm, so that this may be sent again.
        self.api.post(&path).send().await?.json()
    }
}

impl Renew for Installation {
    fn identity(&self) -> String {
        self.identity.clone()
    }

    fn token(&self, is_refused: bool) -> BoxFuture<'_, Result<SecretString, HttpError>> {
        async move {
            let mut held = self.held.lock().await;
            let now = self.clock.now();
            if let Some(held) = &*held {
                let is_good = now < held.expires_at - BEFORE_ITS_END;
                let is_new = now < held.made_at + JUST_MADE;
                if is_good && (!is_refused || is_new) {
                    return Ok(held.token.clone());
                }
            }
            let made = self.make().await?;
            *held = Some(Held {
                token: made.token.clone(),
                made_at: now,
                expires_at: made.expires_at,
            });
            Ok(made.token)
        }
        .boxed()
    }
}

/// The app's own word, signed anew for every request: it holds for minutes only.
struct Signature {
    app: u64,
    key: EncodingKey,
}

impl Renew for Signature {
    fn identity(&self) -> String {
        format!("app {}", self.app)
    }

    fn token(&self, _: bool) -> BoxFuture<'_, Result<SecretString, HttpError>> {
        let signed = create_jwt(AppId(self.app), &self.key)
            .map(SecretString::from)
            .map_err(|error| HttpError::Malformed {
                what: format!("the private key of app {}", self.app),
                source: error.into(),
            });
        futures::future::ready(signed).boxed()
    }
}
