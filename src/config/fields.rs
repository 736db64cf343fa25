//! The settings that are no source's own: each key described once, for reading, editors and documentation.

use super::{Field, FieldType};
use crate::model::{BandsYear, WeekStart};

/// The settings beside lists and sections.
pub const FIELDS: &[Field] = &[
    Field {
        help: "The ledger's file. Without it the plugin keeps one in its own folder, and the command line remembers nothing.",
        placeholder: "pelorus.db",
        ..Field::named("ledger", "Ledger", FieldType::Path)
    },
    Field {
        help: "IANA name of the zone of days, weeks and months where neither question nor dashboard names one; UTC without it.",
        placeholder: "Europe/Berlin",
        ..Field::named("timezone", "Time zone", FieldType::Text)
    },
    Field {
        default: Some("monday"),
        help: "The first day of a week.",
        ..Field::named(
            "weekStart",
            "Week starts on",
            FieldType::Choice(WeekStart::WORDS),
        )
    },
    Field {
        default: Some("2024"),
        help: "The DORA year whose bands judge.",
        ..Field::named("bandsYear", "Bands of", FieldType::Choice(BandsYear::WORDS))
    },
    Field {
        default: Some("hidden"),
        help: "What becomes of authors' names before they are stored: left out, replaced by a stable pseudonym, or kept.",
        ..Field::named(
            "people",
            "People",
            FieldType::Choice(&["hidden", "pseudonym", "shown"]),
        )
    },
    Field {
        default: Some("15m"),
        help: "How old data may be before a question asks its source again.",
        ..Field::named("freshness", "Freshness", FieldType::Duration)
    },
    Field {
        default: Some("24h"),
        help: "How long sources are read on after the last question.",
        ..Field::named("keepSyncing", "Keep syncing", FieldType::Duration)
    },
    Field {
        default: Some("400d"),
        help: "How far before a range deployments, incidents and verdicts are read, to know what was delivered before.",
        ..Field::named("lookback", "Lookback", FieldType::Duration)
    },
    Field {
        help: "How long events are kept; for ever without it.",
        placeholder: "730d",
        ..Field::named("retention", "Retention", FieldType::Duration)
    },
    Field {
        default: Some("20s"),
        help: "How long a panel's question waits for sources before it is answered with what is known; the command line waits to the end.",
        ..Field::named("deadline", "Deadline", FieldType::Duration)
    },
];

/// The settings of section `evidence`: what says that a deployment failed, and how late it may say so.
pub const EVIDENCE_FIELDS: &[Field] = &[
    Field {
        default: Some("24h"),
        help: "How long after a deployment's start a rollout of the same version still belongs to it.",
        ..Field::named("deploymentWindow", "Deployment window", FieldType::Duration)
    },
    Field {
        default: Some("7d"),
        help: "How long after a deployment a rollback says that it failed.",
        ..Field::named("rollbackAge", "Rollback age", FieldType::Duration)
    },
    Field {
        default: Some("7d"),
        help: "How long after a deployment a revert of its changes says that it failed.",
        ..Field::named("revertAge", "Revert age", FieldType::Duration)
    },
    Field {
        default: Some("7d"),
        help: "How long after a deployment a hotfix says that it failed.",
        ..Field::named("hotfixAge", "Hotfix age", FieldType::Duration)
    },
    Field {
        default: Some("24h"),
        help: "How long after a deployment an incident of its application says that it failed.",
        ..Field::named("incidentAge", "Incident age", FieldType::Duration)
    },
    Field {
        default: Some("[\"hotfix\"]"),
        help: "Globs: a pull request with such a label is a hotfix. An empty list: none is.",
        ..Field::named("hotfixLabels", "Hotfix labels", FieldType::TextList)
    },
    Field {
        default: Some("^hotfix[/-]"),
        help: "Regular expression: a pull request from such a branch is a hotfix. `^$` switches it off.",
        ..Field::named("hotfixBranches", "Hotfix branches", FieldType::Text)
    },
    Field {
        help: "Regular expression: a deployment of a commit that such a pipeline built is a hotfix; no pipeline says so without it.",
        placeholder: "^hotfix",
        ..Field::named("hotfixPipelines", "Hotfix pipelines", FieldType::Text)
    },
    Field {
        default: Some("[\"bug\", \"defect\"]"),
        help: "Globs: an incident with such a label, whatever its case, is a defect. An empty list: none is.",
        ..Field::named("defectLabels", "Defect labels", FieldType::TextList)
    },
];

/// The settings that sources of every kind have.
pub const SOURCE_FIELDS: &[Field] = &[
    Field {
        required: true,
        help: "The source's own name, unique: 1 to 40 of a-z, 0-9 and `-`, not starting with `-`. Its events and secrets go by it.",
        placeholder: "shop-code",
        ..Field::named("name", "Name", FieldType::Text)
    },
    Field {
        required: true,
        help: "What the source is.",
        placeholder: "git",
        ..Field::named("kind", "Kind", FieldType::Text)
    },
    Field {
        help: "The environment of its deployments that name none; without it the rules in `environments` say.",
        placeholder: "production",
        ..Field::named("environment", "Environment", FieldType::Text)
    },
    Field {
        help: "The cluster of its deployments that name none.",
        placeholder: "prod-eu",
        ..Field::named("cluster", "Cluster", FieldType::Text)
    },
];

/// The settings of a rule in `applications`; every list holds globs whose `*` matches any characters, `/` included.
pub const APPLICATION_FIELDS: &[Field] = &[
    Field {
        required: true,
        help: "The application's name; what stands before its last `/` is the team.",
        placeholder: "payments/shop",
        ..Field::named("name", "Application", FieldType::Text)
    },
    Field {
        help: "Its repositories, as host/owner/name.",
        placeholder: "github.com/acme/shop",
        ..Field::named("repositories", "Repositories", FieldType::TextList)
    },
    Field {
        help: "Its paths in a repository of many applications: a commit is a change of each application whose paths it touches.",
        placeholder: "services/shop/*",
        ..Field::named("paths", "Paths", FieldType::TextList)
    },
    Field {
        help: "Its images, without tag and digest.",
        placeholder: "quay.io/acme/shop",
        ..Field::named("images", "Images", FieldType::TextList)
    },
    Field {
        help: "Its clusters.",
        placeholder: "prod-*",
        ..Field::named("clusters", "Clusters", FieldType::TextList)
    },
    Field {
        help: "Its namespaces.",
        placeholder: "shop-prod",
        ..Field::named("namespaces", "Namespaces", FieldType::TextList)
    },
    Field {
        help: "Its workloads.",
        placeholder: "shop-*",
        ..Field::named("workloads", "Workloads", FieldType::TextList)
    },
    Field {
        help: "Labels that its events have, as name=value, or an object of names with a value or a list of values; all names must match.",
        placeholder: "app.kubernetes.io/name=shop",
        ..Field::named("labels", "Labels", FieldType::TextList)
    },
    Field {
        help: "Its projects in the tracker.",
        placeholder: "OPS",
        ..Field::named("projects", "Projects", FieldType::TextList)
    },
    Field {
        help: "Its components in the tracker.",
        placeholder: "checkout",
        ..Field::named("components", "Components", FieldType::TextList)
    },
];

/// The settings of a rule in `deployments`: what counts as a deployment for some repositories.
pub const DEPLOYMENT_FIELDS: &[Field] = &[
    Field {
        required: true,
        help: "What becomes a deployment: a tag at its time, a host's release at its publication, a merge into the base branch, or a successful build at its finish.",
        ..Field::named(
            "from",
            "Made of",
            FieldType::Choice(&["tag", "release", "pull_request_merge", "build"]),
        )
    },
    Field {
        help: "Globs of the repositories it is for; all without it.",
        placeholder: "github.com/acme/library-*",
        ..Field::named("repositories", "Repositories", FieldType::TextList)
    },
    Field {
        help: "Regular expression over the tag, the base branch or the pipeline's name; all without it.",
        placeholder: "^v\\d+\\.\\d+\\.\\d+$",
        ..Field::named("match", "Matching", FieldType::Text)
    },
    Field {
        default: Some("production"),
        help: "Where those deployments go.",
        ..Field::named("environment", "Environment", FieldType::Text)
    },
];

/// The settings of a rule in `environments`.
pub const ENVIRONMENT_FIELDS: &[Field] = &[
    Field {
        help: "Regular expression over the environment's name.",
        placeholder: "^(prod|live)",
        ..Field::named("match", "Matching", FieldType::Text)
    },
    Field {
        help: "Globs of the clusters it is for.",
        placeholder: "prod-*",
        ..Field::named("clusters", "Clusters", FieldType::TextList)
    },
    Field {
        help: "Globs of the namespaces it is for.",
        placeholder: "*-prod",
        ..Field::named("namespaces", "Namespaces", FieldType::TextList)
    },
    Field {
        help: "The environment of events that name none and match clusters and namespaces.",
        placeholder: "production",
        ..Field::named("name", "Environment", FieldType::Text)
    },
    Field {
        help: "How near to the customer it is; the environment's name says without it.",
        ..Field::named(
            "tier",
            "Tier",
            FieldType::Choice(&["production", "staging", "testing", "development", "none"]),
        )
    },
];
