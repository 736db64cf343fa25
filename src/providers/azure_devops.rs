//! Azure DevOps: how its services are reached and what they refuse.
//!
//! Source: the OpenAPI documents of Azure DevOps 7.1 (Services, and Server 2022.1 or later).

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

use super::http::{
    Answer, Api, Call, Credential, HttpError, Limits, Network, Profile, secret, text,
};
use crate::config::{Fault, Field, FieldType, FieldValue, SettingsError, SourceSettings};

/// The version of the API that calls ask for.
pub(super) const VERSION: &str = "7.1";

/// The version of calls that the vendor still calls a preview.
pub(super) const PREVIEW: &str = "7.1-preview.1";

/// Where it is and who asks.
pub(super) const FIELDS: [Field; 3] = [
    Field {
        key: "url",
        title: "URL",
        takes: FieldType::Text,
        required: true,
        default: None,
        help: "Address of the organisation, or of the collection of a Server (https://tfs.acme.example/tfs/DefaultCollection).",
        placeholder: "https://dev.azure.com/acme",
    },
    Field {
        key: "token",
        title: "Token",
        takes: FieldType::Secret,
        required: true,
        default: None,
        help: "A personal access token with the scopes that this page names.",
        placeholder: "",
    },
    Field {
        key: "bearer",
        title: "Token is a bearer's",
        takes: FieldType::Boolean,
        required: false,
        default: Some("false"),
        help: "The token is one of Microsoft Entra or OAuth, not a personal access token.",
        placeholder: "",
    },
];

/// The vendor counts in units of its own (200 TSTU within five minutes) and tells by headers when to slow down.
const PROFILE: Profile = Profile {
    accept: "application/json",
    // Without it a token that ran out is answered by the way to a sign-in page.
    headers: &[("x-tfs-fedauthredirect", "Suppress")],
    limits: Limits {
        concurrency: AT_ONCE,
        per_minute: None,
        per_hour: None,
    },
};

/// Requests at the same time.
pub(super) const AT_ONCE: usize = 4;

/// A fault of the settings.
pub(super) fn fault(key: &str, message: &str) -> SettingsError {
    SettingsError {
        faults: vec![Fault {
            key: key.to_owned(),
            message: message.to_owned(),
        }],
    }
}

/// The organisation's or collection's API.
pub(super) fn api(source: &SourceSettings, network: &Network) -> Result<Api, SettingsError> {
    let written = text(source, "url")
        .ok_or_else(|| fault("url", "is missing: give the address of the organisation"))?;
    let mut base = Url::parse(&written)
        .map_err(|_| fault("url", "takes an address like https://dev.azure.com/acme"))?;
    base.set_query(None);
    base.set_fragment(None);
    let path = base.path().trim_matches('/').to_owned();
    if base.host_str() == Some("dev.azure.com") && (path.is_empty() || path.contains('/')) {
        return Err(fault(
            "url",
            "takes the organisation's address, https://dev.azure.com/<organisation>: projects have a field of their own",
        ));
    }
    base.set_path(&format!("/{path}"));
    let token = secret(source, "token")
        .ok_or_else(|| fault("token", "is missing: give a personal access token"))?;
    let is_bearer = source.fields.get("bearer") == Some(&FieldValue::Boolean(true));
    let credential = if is_bearer {
        Credential::Token {
            scheme: "Bearer",
            token,
        }
    } else {
        Credential::Basic {
            user: String::new(),
            password: token,
        }
    };
    Api::connect(network, source, base, PROFILE, credential)
}

/// Sends a call; `needs` is the scope it takes, in the vendor's words.
pub(super) async fn send(call: Call<'_>, needs: &str) -> Result<Answer, HttpError> {
    send_as(call, VERSION, needs).await
}

/// Sends a call of another version of the API.
pub(super) async fn send_as(
    call: Call<'_>,
    version: &str,
    needs: &str,
) -> Result<Answer, HttpError> {
    let answer = call
        .query("api-version", version)
        .send()
        .await
        .map_err(|error| match error {
            HttpError::Forbidden { what, needs: None } => HttpError::Forbidden {
                what,
                needs: Some(needs.to_owned()),
            },
            error => error,
        })?;
    // A sign-in page for a token that is refused.
    if answer.status() == http::StatusCode::NON_AUTHORITATIVE_INFORMATION {
        return Err(HttpError::Unauthorized {
            what: answer.what().to_owned(),
        });
    }
    Ok(answer)
}

/// Where the next page begins, where there is one.
pub(super) fn continuation(answer: &Answer) -> Option<String> {
    answer
        .header("x-ms-continuationtoken")
        .filter(|token| !token.is_empty())
        .map(str::to_owned)
}

/// The short name of a branch or tag.
pub(super) fn short_name(reference: &str) -> &str {
    ["refs/heads/", "refs/tags/"]
        .iter()
        .find_map(|prefix| reference.strip_prefix(prefix))
        .unwrap_or(reference)
}

/// Clocks that differ less are alike.
const SKEW: TimeDelta = TimeDelta::minutes(1);

/// What a check advises: what is the matter, clocks that differ, what is left of the limit.
pub(super) fn advice(
    api: &Api,
    answer: &Answer,
    now: DateTime<Utc>,
    matter: Option<String>,
) -> Option<String> {
    let skew = answer
        .served_at()
        .map(|served_at| (served_at - now).abs())
        .filter(|skew| *skew > SKEW)
        .map(|skew| {
            format!(
                "The server's clock and this machine's differ by {} s: set both by NTP.",
                skew.num_seconds()
            )
        });
    let left = api.limit_left("core").map(|left| format!("{left}."));
    let parts: Vec<String> = [matter, skew, left].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}
