//! Where a GitHub is and who asks: github.com, Enterprise Cloud with data residency, Enterprise Server; a token or an app.

use secrecy::SecretString;
use url::Url;

use super::app::Installation;
use super::graphql::GraphQl;
use crate::config::{Fault, Field, FieldType, SettingsError, SourceSettings};
use crate::providers::http::{Api, Credential, Limits, Network, Profile, secret, text, text_list};
use crate::providers::scope::SCOPE_FIELDS;

/// Source: docs.github.com, "Rate limits for the REST API" and "Rate limits and query limits for the GraphQL API": 100
/// requests at once shared by both, 900 points a minute for REST and 2,000 for GraphQL, a point a read. Points an
/// hour stand in the answers' headers. Concurrency is to be avoided, says the same page.
const PROFILE: Profile = Profile {
    accept: "application/vnd.github+json",
    headers: &[("x-github-api-version", "2022-11-28")],
    limits: Limits {
        concurrency: 4,
        per_minute: Some(900),
        per_hour: None,
    },
};

/// The settings of every kind that asks GitHub.
pub(crate) const GITHUB_FIELDS: [Field; 12] = [
    Field {
        default: Some("https://github.com"),
        help: "Address of GitHub as the browser shows it: github.com, SUBDOMAIN.ghe.com, or your Enterprise Server.",
        placeholder: "https://ghe.acme.example",
        ..Field::named("url", "URL", FieldType::Text)
    },
    Field {
        help: "A fine-grained or classic personal access token; not needed for a GitHub App.",
        ..Field::named("token", "Token", FieldType::Secret)
    },
    Field {
        help: "Number of the GitHub App that asks, in place of a token.",
        placeholder: "123456",
        ..Field::named("appId", "App ID", FieldType::Integer)
    },
    Field {
        help: "Number of the app's installation in the organisation.",
        placeholder: "98765432",
        ..Field::named("installationId", "Installation ID", FieldType::Integer)
    },
    Field {
        help: "The app's private key, PEM.",
        ..Field::named("privateKey", "Private key", FieldType::Secret)
    },
    Field {
        help: "Organisations whose repositories are read.",
        placeholder: "acme",
        ..Field::named("organizations", "Organisations", FieldType::TextList)
    },
    Field {
        help: "Users whose own repositories are read.",
        placeholder: "octocat",
        ..Field::named("users", "Users", FieldType::TextList)
    },
    Field {
        help: "Repositories read whatever else is, named one by one.",
        placeholder: "acme/shop",
        ..Field::named("repositories", "Repositories", FieldType::TextList)
    },
    SCOPE_FIELDS[0],
    SCOPE_FIELDS[1],
    SCOPE_FIELDS[2],
    SCOPE_FIELDS[3],
];

/// What is read, as the settings name it.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    /// Organisations and users, by login.
    pub(crate) owners: Vec<String>,
    /// Repositories as (owner, name).
    pub(crate) repositories: Vec<(String, String)>,
}

fn fault(key: &str, message: impl Into<String>) -> SettingsError {
    SettingsError {
        faults: vec![Fault {
            key: key.to_owned(),
            message: message.into(),
        }],
    }
}

impl Named {
    /// # Errors
    /// A repository that is not `owner/name`, and a source that names nothing.
    pub(crate) fn of(source: &SourceSettings) -> Result<Self, SettingsError> {
        let mut owners = text_list(source, "organizations");
        owners.extend(text_list(source, "users"));
        let mut repositories = Vec::new();
        for written in text_list(source, "repositories") {
            match written.split('/').collect::<Vec<_>>()[..] {
                [owner, name] if !owner.is_empty() && !name.is_empty() => {
                    repositories.push((owner.to_owned(), name.to_owned()));
                }
                _ => return Err(fault("repositories", "takes names like acme/shop")),
            }
        }
        if owners.is_empty() && repositories.is_empty() {
            return Err(fault(
                "organizations",
                "is missing: name what is read in `organizations`, `users` or `repositories`",
            ));
        }
        Ok(Self {
            owners,
            repositories,
        })
    }
}

/// Where GraphQL and REST are, below one origin.
struct Places {
    base: Url,
    graphql: &'static [&'static str],
    rest: &'static [&'static str],
}

fn places(written: &str) -> Result<Places, SettingsError> {
    let wrong = || fault("url", "takes an address like https://github.com");
    let mut url = Url::parse(written).map_err(|_| wrong())?;
    let host = url.host_str().ok_or_else(wrong)?.to_owned();
    url.set_query(None);
    url.set_fragment(None);
    let is_residency = host.ends_with(".ghe.com");
    if host == "github.com" || host == "api.github.com" || host == "www.github.com" || is_residency
    {
        let api = match host.as_str() {
            "github.com" | "www.github.com" => "api.github.com".to_owned(),
            _ if host.starts_with("api.") => host,
            _ => format!("api.{host}"),
        };
        url.set_host(Some(&api)).map_err(|_| wrong())?;
        url.set_path("/");
        return Ok(Places {
            base: url,
            graphql: &["graphql"],
            rest: &[],
        });
    }
    // Whoever copies the API's own address means the server.
    let path = url.path().trim_end_matches('/').to_owned();
    let path = ["/api/v3", "/api/graphql", "/api"]
        .iter()
        .find_map(|ending| path.strip_suffix(ending))
        .unwrap_or(&path);
    url.set_path(&format!("{path}/api"));
    Ok(Places {
        base: url,
        graphql: &["graphql"],
        rest: &["v3"],
    })
}

/// Puts a source's GitHub together; does no I/O.
///
/// # Errors
/// What the settings lack.
pub(crate) fn connect(
    source: &SourceSettings,
    network: &Network,
) -> Result<GraphQl, SettingsError> {
    let written = text(source, "url").unwrap_or_else(|| "https://github.com".to_owned());
    let places = places(&written)?;
    let api = |credential| Api::connect(network, source, places.base.clone(), PROFILE, credential);
    let credential = match (secret(source, "token"), app(source)?) {
        (Some(_), Some(_)) => {
            return Err(fault("token", "stands beside an app: give one of the two"));
        }
        (Some(token), None) => Credential::Token {
            scheme: "Bearer",
            token,
        },
        (None, Some(app)) => {
            let installation = Installation::new(app, network.clock(), places.rest, &api)?;
            Credential::Renewed(std::sync::Arc::new(installation))
        }
        (None, None) => {
            return Err(fault(
                "token",
                "is missing: GraphQL answers nobody without (or give `appId`, `installationId` and `privateKey`)",
            ));
        }
    };
    Ok(GraphQl {
        api: api(credential)?,
        path: places.graphql,
        rest: places.rest,
    })
}

/// A GitHub App as the settings name it.
pub(super) struct App {
    pub(super) id: u64,
    pub(super) installation: u64,
    pub(super) key: SecretString,
}

fn app(source: &SourceSettings) -> Result<Option<App>, SettingsError> {
    let number = |key| match source.fields.get(key) {
        Some(crate::config::FieldValue::Integer(number)) => u64::try_from(*number).ok(),
        _ => None,
    };
    let (id, installation, key) = (
        number("appId"),
        number("installationId"),
        secret(source, "privateKey"),
    );
    match (id, installation, key) {
        (None, None, None) => Ok(None),
        (Some(id), Some(installation), Some(key)) => Ok(Some(App {
            id,
            installation,
            key,
        })),
        (None, _, _) => Err(fault("appId", "is missing: an app needs its number")),
        (_, None, _) => Err(fault(
            "installationId",
            "is missing: an app is asked for one installation",
        )),
        (_, _, None) => Err(fault("privateKey", "is missing: an app signs with its key")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(written: &str) -> String {
        let places = places(written).unwrap();
        let join = |parts: &[&str]| {
            format!(
                "{}/{}",
                places.base.as_str().trim_end_matches('/'),
                parts.join("/")
            )
        };
        format!("{} {}", join(places.graphql), join(places.rest))
    }

    #[test]
    fn every_github_is_found_from_the_address_that_browsers_show() {
        assert_eq!(
            at("https://github.com"),
            "https://api.github.com/graphql https://api.github.com/"
        );
        assert_eq!(
            at("https://api.github.com/"),
            "https://api.github.com/graphql https://api.github.com/"
        );
        assert_eq!(
            at("https://acme.ghe.com/acme"),
            "https://api.acme.ghe.com/graphql https://api.acme.ghe.com/"
        );
        for written in [
            "https://ghe.acme.example",
            "https://ghe.acme.example/",
            "https://ghe.acme.example/api/v3",
        ] {
            assert_eq!(
                at(written),
                "https://ghe.acme.example/api/graphql https://ghe.acme.example/api/v3",
                "{written}"
            );
        }
        assert!(places("ghe.acme.example").is_err());
    }
}
