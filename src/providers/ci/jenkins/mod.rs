//! Jenkins: builds of jobs in folders, multibranch projects and organisations.
//!
//! Source: Jenkins' remote access API (`/api/`, "tree"), and the Git plugin's `BuildData`; Jenkins 2.479.

mod builds;
mod json;
mod lists;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use url::Url;

use self::lists::Lists;
use crate::config::{Fault, Field, FieldType, SettingsError, SourceSettings};
use crate::model::{EventKind, EventKinds, Glob};
use crate::providers::http::{
    Api, CONNECTION_FIELDS, Credential, Limits, Network, Profile, connection_fields, secret, text,
    text_list,
};
use crate::providers::scope::{SCOPE_FIELDS, Scope};
use crate::providers::{
    CheckReport, FetchError, Page, PageRequest, Provider, ProviderKind, Reach, walk,
};

/// Jenkins (design, section 5).
pub static KIND: ProviderKind = ProviderKind {
    name: "jenkins",
    group: "ci",
    title: "Jenkins",
    help: "Reads the builds of a Jenkins: jobs, folders and multibranch projects.",
    fields: &FIELDS,
    yields: EventKinds::of(&[EventKind::Build]),
    rank: 8,
    connect,
};

const OWN: usize = 6;
static FIELDS: [Field; OWN + CONNECTION_FIELDS.len()] = connection_fields::<OWN, _>([
    Field {
        key: "url",
        title: "URL",
        takes: FieldType::Text,
        required: true,
        default: None,
        help: "Address of the Jenkins, as the browser has it.",
        placeholder: "https://jenkins.acme.example",
    },
    Field {
        key: "user",
        title: "User",
        takes: FieldType::Text,
        required: false,
        default: None,
        help: "The user whose token it is, with Overall/Read and Job/Read; without one only what is public is read.",
        placeholder: "pelorus",
    },
    Field {
        key: "token",
        title: "Token",
        takes: FieldType::Secret,
        required: false,
        default: None,
        help: "An API token of that user.",
        placeholder: "",
    },
    Field {
        key: "libraries",
        title: "Libraries",
        takes: FieldType::TextList,
        required: false,
        default: None,
        help: "Globs of repositories (host/owner/name) that builds only use, such as shared pipeline libraries: they are not built.",
        placeholder: "github.com/acme/pipeline-library",
    },
    SCOPE_FIELDS[0],
    SCOPE_FIELDS[1],
]);

/// Jenkins has no limit and one controller: two requests at a time are gentle.
const PROFILE: Profile = Profile {
    accept: "application/json",
    headers: &[],
    limits: Limits {
        concurrency: 2,
        per_minute: None,
        per_hour: None,
    },
};

/// A connected Jenkins.
struct Jenkins {
    lists: Lists,
}

fn connect(source: &SourceSettings, network: &Network) -> Result<Box<dyn Provider>, SettingsError> {
    let fault = |key: &str, message: &str| SettingsError {
        faults: vec![Fault {
            key: key.to_owned(),
            message: message.to_owned(),
        }],
    };
    let written = text(source, "url")
        .ok_or_else(|| fault("url", "is missing: give the address of the Jenkins"))?;
    let mut base = Url::parse(&written)
        .map_err(|_| fault("url", "takes an address like https://jenkins.acme.example"))?;
    base.set_query(None);
    let credential = match (text(source, "user"), secret(source, "token")) {
        (Some(user), Some(password)) => Credential::Basic { user, password },
        (None, None) => Credential::None,
        (None, Some(_)) => return Err(fault("user", "is missing: a token belongs to a user")),
        (Some(_), None) => return Err(fault("token", "is missing: give an API token of the user")),
    };
    let libraries = text_list(source, "libraries")
        .iter()
        .map(|glob| Glob::new(&glob.to_lowercase()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| fault("libraries", &format!("has no usable glob: {error}")))?;
    Ok(Box::new(Jenkins {
        lists: Lists {
            api: Api::connect(network, source, base, PROFILE, credential)?,
            scope: Scope::of(source)?,
            libraries,
        },
    }))
}

impl Provider for Jenkins {
    fn pages(&self, request: PageRequest) -> BoxStream<'_, Result<Page, FetchError>> {
        walk::pages(&self.lists, request)
    }

    fn check(&self, now: DateTime<Utc>) -> BoxFuture<'_, Result<CheckReport, FetchError>> {
        Box::pin(self.lists.check(now))
    }

    fn reach(&self) -> Reach {
        Reach::Walk
    }
}
