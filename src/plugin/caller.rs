//! Who asks: the tenant, the data source with its settings, and the role.

use std::collections::HashMap;
use std::fmt;

use secrecy::SecretString;

use super::messages::PluginContext;
use super::rights::Role;

/// The tenant of a data source: Grafana's namespace, else the organisation's number.
///
/// Grafana 13 names the namespaces `default` and `org-2` of what Grafana 12 called organisations 1 and 2; both give
/// the same tenant, so that a ledger outlives the upgrade.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Tenant(String);

impl Tenant {
    fn of(context: &PluginContext) -> Self {
        Self(match context.namespace.as_str() {
            "" => context.org_id.to_string(),
            "default" => "1".to_owned(),
            namespace => match namespace.strip_prefix("org-") {
                Some(number) if number.parse::<u32>().is_ok() => number.to_owned(),
                Some(_) | None => namespace.to_owned(),
            },
        })
    }

    /// The tenant as text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What tells a data source from all others of a Grafana.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct DataSourceKey {
    /// Whose it is.
    pub(super) tenant: Tenant,
    /// Its id within the tenant.
    pub(super) uid: String,
}

impl fmt::Display for DataSourceKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.tenant.as_str(), self.uid)
    }
}

/// A data source as a request brings it.
#[derive(Clone, Debug)]
pub(super) struct DataSource {
    /// Which one.
    pub(super) key: DataSourceKey,
    /// Its settings, unread.
    pub(super) json_data: Vec<u8>,
    /// Its secrets.
    pub(super) secrets: HashMap<String, SecretString>,
    /// Its URL; we have no use for it, but a change of it is a change.
    pub(super) url: String,
    /// When it was last saved, in milliseconds since 1970.
    pub(super) updated_ms: i64,
}

/// Who asks.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// For which data source; `None`: Grafana names none.
    pub(super) data_source: Option<DataSource>,
    /// With which role; `None`: Grafana itself asks, for no user.
    pub(super) role: Option<Role>,
}

impl Caller {
    /// Reads a request's context; nothing in it can fail a request.
    pub(super) fn of(context: Option<PluginContext>) -> Self {
        let context = context.unwrap_or_default();
        let tenant = Tenant::of(&context);
        Self {
            role: context.user.map(|user| Role::named(&user.role)),
            data_source: context.data_source.map(|settings| DataSource {
                key: DataSourceKey {
                    tenant,
                    uid: settings.uid,
                },
                json_data: settings.json_data,
                secrets: settings
                    .secure_json_data
                    .into_iter()
                    .map(|(key, secret)| (key, SecretString::from(secret)))
                    .collect(),
                url: settings.url,
                updated_ms: settings.updated_ms,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(namespace: &str, org_id: i64) -> String {
        let context = PluginContext {
            org_id,
            namespace: namespace.to_owned(),
            ..PluginContext::default()
        };
        Tenant::of(&context).as_str().to_owned()
    }

    #[test]
    fn a_namespace_and_its_organisation_are_the_same_tenant() {
        assert_eq!(tenant("", 1), tenant("default", 1));
        assert_eq!(tenant("", 7), tenant("org-7", 7));
        assert_eq!(tenant("stacks-4711", 1), "stacks-4711");
        assert_eq!(tenant("org-seven", 1), "org-seven");
    }

    #[test]
    fn secrets_are_not_shown() {
        let context = PluginContext {
            data_source: Some(super::super::messages::DataSourceSettings {
                secure_json_data: HashMap::from([("a__token".to_owned(), "canary".to_owned())]),
                json_data: b"canary".to_vec(),
                ..Default::default()
            }),
            ..PluginContext::default()
        };
        assert!(!format!("{context:?}").contains("canary"));
        let secrets = Caller::of(Some(context)).data_source.unwrap().secrets;
        assert!(!format!("{secrets:?}").contains("canary"));
    }
}
