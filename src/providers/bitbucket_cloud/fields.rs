//! The settings of a source in Bitbucket Cloud.

use crate::config::{Field, FieldType};
use crate::providers::scope::SCOPE_FIELDS;

/// How many fields `CLOUD_FIELDS` has.
pub(crate) const OWN: usize = 9;

/// The settings of a source in Bitbucket Cloud.
pub(crate) const CLOUD_FIELDS: [Field; OWN] = [
    Field {
        key: "url",
        title: "URL",
        takes: FieldType::Text,
        required: false,
        default: Some("https://api.bitbucket.org"),
        help: "Address of the API, where it is reached through another one.",
        placeholder: "https://api.bitbucket.org",
    },
    Field {
        key: "token",
        title: "Token",
        takes: FieldType::Secret,
        required: false,
        default: None,
        help: "An access token of a workspace, project or repository, or, with `user`, an API token; without it only what is public is read.",
        placeholder: "",
    },
    Field {
        key: "user",
        title: "User",
        takes: FieldType::Text,
        required: false,
        default: None,
        help: "The e-mail address that an API token belongs to (the user name for an app password); leave it out for an access token.",
        placeholder: "bot@acme.example",
    },
    Field {
        key: "workspaces",
        title: "Workspaces",
        takes: FieldType::TextList,
        required: false,
        default: None,
        help: "Workspaces whose repositories are read.",
        placeholder: "acme",
    },
    Field {
        key: "repositories",
        title: "Repositories",
        takes: FieldType::TextList,
        required: false,
        default: None,
        help: "Repositories that are read beside those of the workspaces, as workspace/name.",
        placeholder: "acme/shop",
    },
    Field {
        key: "requestsPerHour",
        title: "Requests an hour",
        takes: FieldType::Integer,
        required: false,
        default: Some("1000"),
        help: "What Bitbucket allows this credential within an hour: more than 1000 only for access tokens of large workspaces.",
        placeholder: "1000",
    },
    SCOPE_FIELDS[0],
    SCOPE_FIELDS[1],
    SCOPE_FIELDS[3],
];
