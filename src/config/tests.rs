//! Settings and questions through their public entries.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use insta::assert_snapshot;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::reading::{Reading, default_json};
use super::*;
use crate::model::{EventKinds, Tier};
use crate::providers::ProviderKind;

const FIELD: Field = Field {
    key: "path",
    title: "Path",
    takes: FieldType::Path,
    required: true,
    default: None,
    help: "Where it is.",
    placeholder: "/srv/shop.git",
};

static TEST_KIND: ProviderKind = ProviderKind {
    name: "git",
    group: "git",
    title: "Git repository",
    help: "A repository.",
    fields: &[
        FIELD,
        Field {
            key: "token",
            takes: FieldType::Secret,
            required: false,
            ..FIELD
        },
        Field {
            key: "depth",
            takes: FieldType::Integer,
            required: false,
            default: Some("50"),
            ..FIELD
        },
        Field {
            key: "mirror",
            takes: FieldType::Boolean,
            required: false,
            default: Some("false"),
            ..FIELD
        },
        Field {
            key: "branches",
            takes: FieldType::TextList,
            required: false,
            default: Some("[\"main\"]"),
            ..FIELD
        },
        Field {
            key: "mode",
            takes: FieldType::Choice(&["fast", "full"]),
            required: false,
            ..FIELD
        },
    ],
    yields: EventKinds::of(&[]),
    rank: 0,
    connect: |_, _| Err(SettingsError { faults: Vec::new() }),
};

struct Fake;

impl Surroundings for Fake {
    fn variable(&self, name: &str) -> Option<String> {
        (name == "TOKEN").then(|| "from-env".to_owned())
    }
    fn file(&self, path: &Path) -> io::Result<String> {
        assert_eq!(path, Path::new("/etc/pelorus/token.txt"));
        Ok("from-file\n".to_owned())
    }
}

fn yaml(text: &str) -> Result<Settings, SettingsError> {
    Settings::from_yaml_of(text, &Fake, Path::new("/etc/pelorus"), &[&TEST_KIND])
}

fn plugin(json: &Value, secrets: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let secrets: HashMap<String, SecretString> = secrets
        .iter()
        .map(|(key, secret)| ((*key).to_owned(), (*secret).into()))
        .collect();
    Settings::read(
        json,
        Reading {
            access: &Access::AllowedPaths(vec!["/".into()]),
            base: None,
            surroundings: None,
            secrets: &secrets,
            kinds: &[&TEST_KIND],
            faults: Vec::new(),
        },
    )
}

fn faults(result: Result<Settings, SettingsError>) -> String {
    let faults = result.expect_err("the settings are at fault").faults;
    faults.iter().map(|fault| format!("{fault}\n")).collect()
}

#[test]
fn nothing_set_is_the_defaults() {
    let settings = yaml("{}").unwrap();
    assert_eq!(settings.freshness, TimeDelta::minutes(15));
    assert_eq!(settings.keep_syncing, TimeDelta::hours(24));
    assert_eq!(settings.lookback, TimeDelta::days(400));
    assert_eq!(settings.deadline, TimeDelta::seconds(20));
    assert_eq!(settings.retention, None);
    assert_eq!(settings.people, People::Hidden);
    assert_eq!(settings.rules, Rules::default());
}

#[test]
fn the_settings_of_the_design_are_read() {
    let settings = yaml(
        r#"
ledger: pelorus.db
timezone: europe/berlin
people: shown
sources:
  - { name: shop-code, kind: git, path: shop.git, token: "${TOKEN}", environment: production, cluster: prod-eu, depth: "7" }
  - { name: other, kind: git, path: /srv/other.git, token: "file:token.txt", mirror: yes, branches: "main, release/*" }
applications:
  - { name: payments/shop, repositories: ["GitHub.com/acme/shop"], labels: { app: [shop, "shop-*"], tier: web } }
deployments:
  - { from: tag, repositories: ["github.com/acme/library-*"], match: "^v[23]\\.\\d+\\.\\d+$", environment: production }
environments:
  - { match: "^(prod|live)", tier: production }
evidence: { rollbackAge: 3d, hotfixLabels: [] }
"#,
    )
    .unwrap();
    assert_eq!(
        settings.ledger.as_deref(),
        Some(Path::new("/etc/pelorus/pelorus.db"))
    );
    assert_eq!(settings.timezone, Some(chrono_tz::Europe::Berlin));
    let [shop, other] = &settings.sources[..] else {
        panic!("two sources")
    };
    assert_eq!(
        shop.fields["path"],
        FieldValue::Text("/etc/pelorus/shop.git".to_owned())
    );
    assert_eq!(shop.fields["depth"], FieldValue::Integer(7));
    assert_eq!(shop.fields["mirror"], FieldValue::Boolean(false));
    assert_eq!(shop.secrets["token"].expose_secret(), "from-env");
    assert_eq!(shop.cluster.as_ref().map(Cluster::as_str), Some("prod-eu"));
    assert_eq!(other.secrets["token"].expose_secret(), "from-file");
    assert_eq!(other.fields["mirror"], FieldValue::Boolean(true));
    assert_eq!(
        other.fields["branches"],
        FieldValue::TextList(vec!["main".to_owned(), "release/*".to_owned()])
    );
    let rule = &settings.rules.applications[0];
    assert!(rule.repositories[0].matches("github.com/acme/shop"));
    assert_eq!(rule.labels.len(), 2);
    assert_eq!(rule.labels[0].1.len(), 2);
    assert_eq!(settings.rules.environments[0].tier, Some(Tier::Production));
    assert_eq!(settings.rules.evidence.rollback_age, TimeDelta::days(3));
    assert_eq!(settings.rules.evidence.hotfix_labels, []);
    assert_eq!(settings.rules.evidence.incident_age, TimeDelta::hours(24));
}

#[test]
fn every_fault_is_told_at_once_by_key_and_never_by_value() {
    let told = faults(yaml(
        r#"
timezone: Europe/Berln
freshnes: 5m
lookback: hunter2
deadline: 0
people: everybody-hunter2
sources:
  - { name: Shop_Code, kind: git, path: /x, pth: hunter2 }
  - { name: shop, kind: gitt }
  - { name: twice, kind: git, depth: hunter2, token: "pass${hunter2}" }
  - { name: twice, kind: git, path: /y, mode: hunter2 }
applications:
  - { repositories: ["a"] }
  - { name: empty }
deployments:
  - { from: tags, match: "(hunter2" }
environments: { match: prod }
"#,
    ));
    assert!(!told.contains("hunter2"), "{told}");
    assert_snapshot!(told, @"
`freshnes` is unknown; did you mean `freshness`? known keys: ledger, timezone, weekStart, bandsYear, people, freshness, keepSyncing, lookback, retention, deadline, sources, applications, deployments, environments, evidence, export
`people` takes one of a few words; allowed: hidden, pseudonym, shown
`lookback` takes a span of time such as `24h`, `7d`, `15m`, `90s`, or seconds
`timezone` takes the IANA name of a zone such as `Europe/Berlin` or `UTC`; did you mean `Europe/Berlin`?
`sources[0].name` takes 1 to 40 characters of a-z, 0-9 and `-`, and does not start with `-`
`sources[0].pth` is unknown; did you mean `path`? known keys: name, kind, environment, cluster, path, token, depth, mirror, branches, mode
`sources[1].kind` is no known kind; did you mean `git`? known kinds: git
`sources[2].path` is missing: Where it is.
`sources[2].depth` takes a whole number
`sources[2].token` names an environment variable that is not set
`sources[3].mode` takes one of a few words; allowed: fast, full
`sources[3].name` is the name of an earlier source too
`applications[0].name` is missing: The application's name; what stands before its last `/` is the team.
`applications[1]` matches nothing: give at least one of repositories, paths, images, clusters, namespaces, workloads, labels, projects, components
`deployments[0].from` takes one of a few words; did you mean `tag`? allowed: tag, release, pull_request_merge, build
`deployments[0].match` is no usable regular expression: unclosed group
`environments` takes a list of objects
`deadline` must be longer than nothing
");
}

#[test]
fn text_that_is_no_yaml_is_placed_without_being_shown() {
    let told = faults(yaml("sources:\n  - { name: a, token: hunter2\nledger: x"));
    assert!(!told.contains("hunter2"), "{told}");
    assert!(told.contains("line"), "{told}");
    let told = faults(yaml("ledger: hunter2\nledger: y\n"));
    assert_snapshot!(told, @"`settings` has a key twice at line 2, column 1");
}

#[test]
fn the_plugin_takes_secrets_by_source_and_field_and_interprets_no_text() {
    let json = json!({
        "pdcInjected": false,
        "bandsYear": 2023,
        "evidence.rollbackAge": "2d",
        "sources": [{"name": "shop", "kind": "git", "path": "/srv/${HOME}/shop.git"}]
    });
    let settings = plugin(&json, &[("shop__token", "${TOKEN}"), ("gone__token", "x")]).unwrap();
    let source = &settings.sources[0];
    assert_eq!(source.secrets["token"].expose_secret(), "${TOKEN}");
    assert_eq!(
        source.fields["path"],
        FieldValue::Text("/srv/${HOME}/shop.git".to_owned())
    );
    assert_eq!(settings.bands_year, BandsYear::Y2023);
    assert_eq!(settings.rules.evidence.rollback_age, TimeDelta::days(2));
}

#[test]
fn the_plugin_refuses_a_secret_among_the_open_settings() {
    let json =
        json!({"sources": [{"name": "shop", "kind": "git", "path": "/x", "token": "hunter2"}]});
    assert_snapshot!(faults(plugin(&json, &[])), @"`sources[0].token` is a secret and belongs into secureJsonData under `<source name>__token`");
}

#[test]
fn an_empty_text_of_a_cleared_editor_is_the_default() {
    let json = json!({"ledger": "", "freshness": "", "sources": null, "retention": null});
    let settings = plugin(&json, &[]).unwrap();
    assert_eq!(settings.ledger, None);
    assert_eq!(settings.freshness, TimeDelta::minutes(15));
}

#[test]
fn every_default_of_every_field_is_taken_by_its_own_field() {
    let lists = [
        FIELDS,
        EVIDENCE_FIELDS,
        SOURCE_FIELDS,
        APPLICATION_FIELDS,
        DEPLOYMENT_FIELDS,
        ENVIRONMENT_FIELDS,
    ];
    let kinds = crate::providers::KINDS.iter().map(|kind| kind.fields);
    for field in lists.into_iter().chain(kinds).flatten() {
        let Some(default) = field.default else {
            continue;
        };
        let map =
            serde_json::Map::from_iter([(field.key.to_owned(), default_json(field, default))]);
        let mut reading = Reading {
            access: &Access::Everything,
            base: None,
            surroundings: None,
            secrets: &HashMap::new(),
            kinds: &[],
            faults: Vec::new(),
        };
        let values = reading.fields(&map, "", std::slice::from_ref(field));
        assert_eq!(reading.faults, [], "{}", field.key);
        assert!(values.contains_key(field.key), "{}", field.key);
    }
}

#[test]
fn a_kind_is_described_for_editors() {
    let described = describe::describe_kinds_of(&[&TEST_KIND]);
    assert_eq!(
        described["kinds"][0]["fields"][2],
        json!({"key": "depth", "type": "integer", "title": "Path", "required": false, "default": 50,
               "unit": null, "choices": [], "help": "Where it is.", "placeholder": "/srv/shop.git"})
    );
    assert_eq!(
        described["kinds"][0]["fields"][4]["default"],
        json!(["main"])
    );
    assert_eq!(
        described["kinds"][0]["fields"][5]["choices"][1],
        json!({"value": "full", "title": "Full"})
    );
    let keys: Vec<_> = described["settings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| &field["key"])
        .collect();
    assert!(keys.contains(&&json!("evidence.rollbackAge")), "{keys:?}");
}

#[test]
fn metrics_are_described_with_the_words_of_questions() {
    let described = describe_metrics();
    assert_eq!(
        described["metrics"][0],
        json!({"name": "change_lead_time", "title": "Change lead time",
               "outcome": "software delivery performance", "unit": "s",
               "statistics": ["p50", "p75", "p90", "p95", "mean", "min", "max", "sum", "count"],
               "defaultStatistic": "p50",
               "help": "Time from a commit to the deployment that first delivers it."})
    );
    assert_eq!(described["bandsYears"], json!([2021, 2022, 2023, 2024]));
    assert_eq!(
        described["kinds"][1]["help"],
        json!("The parts of the lead time.")
    );
}

#[test]
fn the_documentation_mentions_every_key() {
    let page = include_str!("../../docs/settings.md");
    for field in [
        FIELDS,
        EVIDENCE_FIELDS,
        SOURCE_FIELDS,
        APPLICATION_FIELDS,
        DEPLOYMENT_FIELDS,
        ENVIRONMENT_FIELDS,
    ]
    .concat()
    {
        assert!(
            page.contains(&format!("`{}`", field.key)),
            "docs/settings.md lacks `{}`",
            field.key
        );
    }
}

#[test]
fn the_example_settings_hold_every_key_and_fit_their_kinds() {
    let text = include_str!("../../docs/settings.example.yaml");
    for field in [
        FIELDS,
        EVIDENCE_FIELDS,
        SOURCE_FIELDS,
        APPLICATION_FIELDS,
        DEPLOYMENT_FIELDS,
        ENVIRONMENT_FIELDS,
    ]
    .concat()
    {
        assert!(
            text.contains(&format!("{}:", field.key)),
            "the example lacks {}",
            field.key
        );
    }
    // Until every kind of the example is there, only its own fields are checked.
    let result = Settings::from_yaml(text, &Fake, Path::new("/etc/pelorus"));
    let faults = result.err().map_or_else(Vec::new, |error| error.faults);
    let others: Vec<_> = faults
        .iter()
        .filter(|fault| !fault.key.ends_with(".kind"))
        .collect();
    assert!(others.is_empty(), "{others:?}");
}
