//! A GitLab as both kinds reach it: its address, its token, its two APIs.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use crate::config::{Fault, Field, FieldType, SettingsError, SourceSettings};
use crate::providers::http::{
    Api, Credential, HttpError, Limits, Network, Profile, secret, text, text_list,
};

const GITLAB_COM: &str = "https://gitlab.com";

/// GitLab.com lets an authenticated user send 2,000 requests a minute; an own server sends its limit in headers.
const PROFILE: Profile = Profile {
    accept: "application/json",
    headers: &[],
    limits: Limits {
        concurrency: 4,
        per_minute: Some(2_000),
        per_hour: None,
    },
};

/// The settings of where and what.
pub(in crate::providers) const SERVER_FIELDS: [Field; 4] = [
    Field {
        key: "url",
        title: "URL",
        takes: FieldType::Text,
        required: false,
        default: Some(GITLAB_COM),
        help: "Address of the server, as the browser has it, with the path it lies below.",
        placeholder: GITLAB_COM,
    },
    Field {
        key: "token",
        title: "Token",
        takes: FieldType::Secret,
        required: false,
        default: None,
        help: "A personal, group or project access token with read_api; without it only what is public is read.",
        placeholder: "",
    },
    Field {
        key: "groups",
        title: "Groups",
        takes: FieldType::TextList,
        required: false,
        default: None,
        help: "Groups whose projects are read, with those of their subgroups.",
        placeholder: "acme/payments",
    },
    Field {
        key: "projects",
        title: "Projects",
        takes: FieldType::TextList,
        required: false,
        default: None,
        help: "Projects that are read beside those of the groups, by their full path.",
        placeholder: "acme/payments/shop",
    },
];

/// A server and what of it is named by the settings.
#[derive(Debug)]
pub(in crate::providers) struct Server {
    pub(in crate::providers) api: Api,
    pub(in crate::providers) groups: Vec<String>,
    pub(in crate::providers) projects: Vec<String>,
}

/// Puts a server together; does no I/O.
///
/// # Errors
/// Settings that name nothing to read, an address that is none.
pub(in crate::providers) fn connect(
    source: &SourceSettings,
    network: &Network,
) -> Result<Server, SettingsError> {
    let fault = |key: &str, message: &str| SettingsError {
        faults: vec![Fault {
            key: key.to_owned(),
            message: message.to_owned(),
        }],
    };
    let written = text(source, "url").unwrap_or_else(|| GITLAB_COM.to_owned());
    let mut base = Url::parse(&written)
        .map_err(|_| fault("url", "takes an address like https://gitlab.acme.example"))?;
    // People paste the API's address as often as the server's.
    let path = base
        .path()
        .trim_end_matches('/')
        .trim_end_matches("/v4")
        .trim_end_matches("/api")
        .to_owned();
    base.set_path(&format!("{path}/api/"));
    let paths = |key: &str| -> Vec<String> {
        text_list(source, key)
            .iter()
            .map(|path| path.trim_matches('/').to_owned())
            .collect()
    };
    let (groups, projects) = (paths("groups"), paths("projects"));
    if groups.is_empty() && projects.is_empty() {
        return Err(fault(
            "groups",
            "is missing: name groups here, or projects in `projects`",
        ));
    }
    if let Some(odd) = projects.iter().position(|path| !path.contains('/')) {
        return Err(fault(
            &format!("projects[{odd}]"),
            "takes the full path, group/project",
        ));
    }
    let credential = match secret(source, "token") {
        Some(token) => Credential::Header {
            name: "private-token",
            token,
        },
        None => Credential::None,
    };
    Ok(Server {
        api: Api::connect(network, source, base, PROFILE, credential)?,
        groups,
        projects,
    })
}

/// What GraphQL told.
#[derive(Debug)]
pub(in crate::providers) enum Told<T> {
    Data(T),
    /// It took longer than GitLab gives a request (30 s), or counts as too complex: a smaller page may pass.
    TooMuch(HttpError),
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: Option<T>,
    #[serde(default)]
    errors: Option<Vec<Trouble>>,
}

#[derive(Deserialize)]
struct Trouble {
    #[serde(default)]
    message: String,
}

/// Asks the GraphQL API.
///
/// # Errors
/// `Malformed` with what it says was wrong: an answer with errors may lack things without telling which.
pub(in crate::providers) async fn ask<T: DeserializeOwned>(
    api: &Api,
    query: &str,
    variables: Value,
) -> Result<Told<T>, HttpError> {
    let body = json!({"query": query, "variables": variables});
    let answer = api.post(&["graphql"]).json(&body).send().await?;
    let told: Envelope<T> = answer.json()?;
    let trouble: Vec<String> = told
        .errors
        .into_iter()
        .flatten()
        .map(|trouble| trouble.message.chars().take(200).collect())
        .collect();
    let malformed = |text: String| HttpError::Malformed {
        what: answer.what().to_owned(),
        source: anyhow::anyhow!(text),
    };
    match (told.data, trouble.first()) {
        (Some(data), None) => Ok(Told::Data(data)),
        (None, None) => Err(malformed("it answered neither data nor errors".to_owned())),
        (_, Some(first)) => {
            let is_too_much = trouble.iter().any(|text| {
                let text = text.to_lowercase();
                ["timeout", "timed out", "complexity"]
                    .iter()
                    .any(|word| text.contains(word))
            });
            let error = malformed(format!("it answers: {first}"));
            if is_too_much {
                Ok(Told::TooMuch(error))
            } else {
                Err(error)
            }
        }
    }
}

/// A page of a GraphQL list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::providers) struct Connection<T> {
    pub(in crate::providers) page_info: Option<PageInfo>,
    nodes: Option<Vec<Option<T>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::providers) struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl<T> Connection<T> {
    /// Where the next page begins; `None` on the last.
    pub(in crate::providers) fn next(&self) -> Option<String> {
        let page = self.page_info.as_ref()?;
        page.end_cursor.clone().filter(|_| page.has_next_page)
    }

    /// What the page holds; what is hidden from the token is null and left out.
    pub(in crate::providers) fn into_items(self) -> Vec<T> {
        self.nodes.into_iter().flatten().flatten().collect()
    }

    /// What the page holds.
    pub(in crate::providers) fn items(&self) -> impl Iterator<Item = &T> {
        self.nodes.iter().flatten().flatten()
    }
}
