//! Requests to servers on loopback that do what servers do on bad days.

mod answers;
mod bodies;
mod kept;
mod limits;
mod pages;
mod proxies;
mod redirects;
mod retries;
mod secrets;
mod server;
mod tls;
mod tokens;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use secrecy::SecretString;
use url::Url;

use self::server::{Asked, Reply, Server, answer, moved};
use super::timing::Timing;
use super::*;
use crate::config::{FieldValue, SettingsError, SourceSettings};

const CANARY: &str = "canary-5f3a9d";

const PROFILE: Profile = profile(4, None);

/// Nothing is waited for that a test does not mean; what must not happen may take as long as it usually does.
const QUICK: Timing = Timing {
    first_retry: Duration::from_millis(2),
    ..Timing::USUAL
};

const fn profile(concurrency: usize, per_minute: Option<u32>) -> Profile {
    Profile {
        accept: "application/json",
        headers: &[],
        limits: Limits {
            concurrency,
            per_minute,
            per_hour: None,
        },
    }
}

fn settings(
    fields: &[(&'static str, FieldValue)],
    secrets: &[(&'static str, &str)],
) -> SourceSettings {
    SourceSettings {
        name: "host".into(),
        kind: "gitea",
        environment: None,
        cluster: None,
        fields: fields.iter().cloned().collect(),
        secrets: secrets
            .iter()
            .map(|(key, value)| (*key, SecretString::from(*value)))
            .collect(),
    }
}

fn written(text: impl Into<String>) -> FieldValue {
    FieldValue::Text(text.into())
}

fn token() -> Credential {
    Credential::Token {
        scheme: "Bearer",
        token: SecretString::from(CANARY),
    }
}

fn network(addresses: Addresses, memory: Arc<dyn Memory>) -> Network {
    Network::new(addresses, Clock::System, memory)
}

/// A source at that address, as the command line has it.
fn api(url: &Url) -> Api {
    api_with(url, PROFILE, token())
}

fn api_with(url: &Url, profile: Profile, credential: Credential) -> Api {
    connected(
        &network(Addresses::All, Arc::new(Forgetful)),
        &settings(&[], &[]),
        url,
        profile,
        credential,
    )
    .unwrap()
}

fn connected(
    network: &Network,
    settings: &SourceSettings,
    url: &Url,
    profile: Profile,
    credential: Credential,
) -> Result<Api, SettingsError> {
    let mut api = Api::connect(network, settings, url.clone(), profile, credential)?;
    api.timing = QUICK;
    Ok(api)
}

/// The API with other patience.
fn patient(mut api: Api, timing: Timing) -> Api {
    api.timing = timing;
    api
}

fn outcomes(api: &Api) -> Vec<(&'static str, u64)> {
    api.network
        .requests()
        .into_iter()
        .map(|count| (count.outcome.as_str(), count.requests))
        .collect()
}

/// The error's text as people read it, and a look that it names the thing and tells no secret.
fn told(error: &HttpError) -> String {
    let text = crate::error::chain(error);
    let all = format!("{text} {error:?}");
    assert!(!all.contains(CANARY), "{all}");
    assert!(text.contains("/api/"), "{text}");
    text
}

async fn refusal(api: &Api) -> String {
    told(&api.get(&["things"]).send().await.unwrap_err())
}

/// Keeps what it is told, as the ledger does.
#[derive(Default)]
struct Notebook(Mutex<BTreeMap<String, Vec<u8>>>);

impl Memory for Notebook {
    fn recall(&self, key: &str) -> Option<Vec<u8>> {
        self.0.lock().unwrap().get(key).cloned()
    }

    fn remember(&self, key: &str, value: &[u8]) {
        self.0
            .lock()
            .unwrap()
            .insert(key.to_owned(), value.to_vec());
    }
}
