//! The settings of a connection, the same for every kind that is reached by HTTP.

use std::path::PathBuf;

use http::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::Addresses;
use super::clients::Connection;
use crate::config::{Fault, Field, FieldType, FieldValue, SettingsError, SourceSettings};

/// How a source is reached.
pub const CONNECTION_FIELDS: [Field; 8] = [
    Field {
        help: "PEM file of certificates that are trusted beside the system's.",
        placeholder: "/etc/pelorus/ca.pem",
        ..Field::named("caFile", "CA file", FieldType::Path)
    },
    Field {
        help: "PEM file of the client certificate to show; none is shown without it.",
        placeholder: "/etc/pelorus/client.pem",
        ..Field::named("certificateFile", "Client certificate", FieldType::Path)
    },
    Field {
        help: "The client certificate's key, PEM, where it does not stand in the same file.",
        ..Field::named("certificateKey", "Client key", FieldType::Secret)
    },
    Field {
        default: Some("false"),
        help: "Trust every certificate. Whoever stands between can then read the token: every answer warns of it.",
        ..Field::named("skipTlsVerify", "Skip TLS verification", FieldType::Boolean)
    },
    Field {
        help: "Address of the proxy; without it the environment's on the command line, and none in Grafana.",
        placeholder: "http://proxy.acme.example:3128",
        ..Field::named("proxy", "Proxy", FieldType::Text)
    },
    Field {
        help: "The user at the proxy.",
        ..Field::named("proxyUser", "Proxy user", FieldType::Text)
    },
    Field {
        help: "The password at the proxy.",
        ..Field::named("proxyPassword", "Proxy password", FieldType::Secret)
    },
    Field {
        help: "Hosts, domains and networks that are reached without the proxy.",
        placeholder: ".acme.example",
        ..Field::named("noProxy", "No proxy for", FieldType::TextList)
    },
];

/// A kind's own fields with those of its connection behind them.
///
/// Shape: `static FIELDS: [Field; 3 + CONNECTION_FIELDS.len()] = connection_fields([…3 fields…]);`
pub const fn connection_fields<const OWN: usize, const ALL: usize>(
    own: [Field; OWN],
) -> [Field; ALL] {
    assert!(ALL == OWN + CONNECTION_FIELDS.len(), "ALL counts both");
    let mut all = [CONNECTION_FIELDS[0]; ALL];
    let mut at = 0;
    while at < OWN {
        all[at] = own[at];
        at += 1;
    }
    while at < ALL {
        all[at] = CONNECTION_FIELDS[at - OWN];
        at += 1;
    }
    all
}

/// A field that holds text; blank counts as absent.
pub fn text(source: &SourceSettings, key: &str) -> Option<String> {
    match source.fields.get(key) {
        Some(FieldValue::Text(text)) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        _ => None,
    }
}

/// A field that holds a list; blank entries are left out.
pub fn text_list(source: &SourceSettings, key: &str) -> Vec<String> {
    match source.fields.get(key) {
        Some(FieldValue::TextList(list)) => list
            .iter()
            .map(|entry| entry.trim().to_owned())
            .filter(|entry| !entry.is_empty())
            .collect(),
        _ => Vec::new(),
    }
}

/// A secret field; blank counts as absent.
pub fn secret(source: &SourceSettings, key: &str) -> Option<SecretString> {
    let secret = source.secrets.get(key)?;
    (!secret.expose_secret().trim().is_empty()).then(|| secret.clone())
}

/// The header that names the tenant, of the settings `tenant` and `tenantHeader`; `None` where no tenant is named.
///
/// # Errors
/// A name or value that no header can have, by key.
pub fn tenant(source: &SourceSettings) -> Result<Option<(HeaderName, HeaderValue)>, SettingsError> {
    let Some(tenant) = text(source, "tenant") else {
        return Ok(None);
    };
    let name = text(source, "tenantHeader").unwrap_or_else(|| "THANOS-TENANT".to_owned());
    let name = name
        .parse()
        .map_err(|_| fault("tenantHeader", "is no name of a header".to_owned()))?;
    let value = tenant.parse().map_err(|_| {
        let message = "holds characters that no header can carry".to_owned();
        fault("tenant", message)
    })?;
    Ok(Some((name, value)))
}

/// One fault of a source's settings.
pub(super) fn fault(key: &str, message: String) -> SettingsError {
    SettingsError {
        faults: vec![Fault {
            key: key.to_owned(),
            message,
        }],
    }
}

/// How the source is connected to.
pub(super) fn connection(
    source: &SourceSettings,
    addresses: Addresses,
) -> Result<Connection, SettingsError> {
    let path = |key| text(source, key).map(PathBuf::from);
    let proxy = match text(source, "proxy") {
        None => None,
        Some(written) => {
            let url = Url::parse(&written).map_err(|_| {
                fault(
                    "proxy",
                    "takes an address like http://proxy.acme.example:3128".to_owned(),
                )
            })?;
            addresses.admit(&url).map_err(|why| fault("proxy", why))?;
            Some(url)
        }
    };
    Ok(Connection {
        ca_file: path("caFile"),
        certificate_file: path("certificateFile"),
        certificate_key: secret(source, "certificateKey"),
        skips_verification: source.fields.get("skipTlsVerify") == Some(&FieldValue::Boolean(true)),
        proxy,
        proxy_user: text(source, "proxyUser"),
        proxy_password: secret(source, "proxyPassword"),
        no_proxy: text_list(source, "noProxy"),
    })
}
