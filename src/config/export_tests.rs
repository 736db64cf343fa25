//! The section `export` through the public entry.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use chrono::TimeDelta;
use secrecy::ExposeSecret;
use serde_json::json;

use super::*;

struct Nothing;

impl Surroundings for Nothing {
    fn variable(&self, name: &str) -> Option<String> {
        (name == "TOKEN").then(|| "canary-7f3a".to_owned())
    }
    fn file(&self, _: &Path) -> io::Result<String> {
        Err(io::ErrorKind::NotFound.into())
    }
}

fn read(text: &str) -> Result<Export, Vec<String>> {
    let text = format!("sources: []\nexport:\n{text}");
    match Settings::from_yaml(&text, &Nothing, Path::new("/etc/pelorus")) {
        Ok(settings) => Ok(settings.export.expect("it is written there")),
        Err(error) => Err(error.faults.iter().map(ToString::to_string).collect()),
    }
}

#[test]
fn a_destination_needs_a_name_and_an_address_and_has_defaults_for_the_rest() {
    let export =
        read("  destinations:\n    - { name: thanos, url: 'http://receive:19291/api/v1/receive' }")
            .unwrap();
    assert_eq!(export.listen, None);
    assert_eq!(export.every, TimeDelta::minutes(1));
    assert_eq!(export.reconcile, TimeDelta::hours(1));
    assert_eq!(export.reconcile_reach, TimeDelta::days(3));
    let destination = &export.destinations[0];
    assert_eq!(destination.connection.name.as_str(), "thanos");
    assert_eq!(destination.protocol, RemoteWrite::One);
    assert_eq!((destination.batch, destination.shards), (500, 4));
    assert_eq!(
        (destination.window, destination.backfill.clone()),
        (None, None)
    );
}

#[test]
fn everything_that_is_written_is_read_and_secrets_stay_secret() {
    let export = read(
        "  listen: 127.0.0.1:9876\n  every: 30s\n  externalLabels: { cluster: dev, region: eu=west }\n  destinations:\n    - name: a\n      url: https://a.example/push\n      readUrl: https://a.example\n      protocol: '2.0'\n      token: ${TOKEN}\n      window: 2d\n      batch: 100\n      shards: 2\n      dataFolder: data\n",
    )
    .unwrap();
    assert_eq!(export.listen, "127.0.0.1:9876".parse().ok());
    let labels: Vec<_> = export.external_labels.iter().collect();
    assert_eq!(
        labels,
        [
            (&"cluster".to_owned(), &"dev".to_owned()),
            (&"region".to_owned(), &"eu=west".to_owned())
        ]
    );
    let destination = &export.destinations[0];
    assert_eq!(destination.protocol, RemoteWrite::Two);
    assert_eq!(destination.window, Some(TimeDelta::days(2)));
    assert_eq!(
        destination.backfill,
        Some(Backfill::DataFolder("/etc/pelorus/data".to_owned()))
    );
    let token = &destination.connection.secrets["token"];
    assert_eq!(token.expose_secret(), "canary-7f3a");
    assert!(!format!("{export:?}").contains("canary-7f3a"));
}

#[test]
fn every_fault_is_told_at_once_by_its_key() {
    let faults = read(
        "  listen: everywhere\n  every: 0s\n  evry: 1m\n  externalLabels: [cluster, 'id=1', 'event_x=1', '9a=1']\n  destinations:\n    - { name: a, url: 'ftp://a', readUrl: b, batch: 0, shards: 65, dataFolder: d, objectStore: o }\n    - { name: a, url: 'http://b' }\n    - { url: 'http://c' }\n",
    )
    .unwrap_err();
    insta::assert_snapshot!(faults.join("\n"), @r"
    `export.evry` is unknown; did you mean `every`? known keys: listen, every, externalLabels, reconcile, reconcileReach, showEvents, destinations
    `export.listen` takes an address and a port such as `0.0.0.0:9876`
    `export.every` must be longer than nothing
    `export.externalLabels` takes names with values, such as `cluster: dev`
    `export.externalLabels.id` is the name of a label that every event has: take another
    `export.externalLabels.event_x` is the name of a label that every event has: take another
    `export.externalLabels.9a` is no name of a label: letters, digits and `_`
    `export.destinations[0].url` takes an address that begins with http:// or https://
    `export.destinations[0].readUrl` takes an address that begins with http:// or https://
    `export.destinations[0].batch` takes a number from 1 to 10000
    `export.destinations[0].shards` takes a number from 1 to 64
    `export.destinations[0].objectStore` stands beside `dataFolder`: blocks go to one of them
    `export.destinations[1].name` is the name of an earlier destination too
    `export.destinations[2].name` is missing: The destination's own name, unique: 1 to 40 of a-z, 0-9 and `-`, not starting with `-`. What waits for it goes by it.
    ");
}

#[test]
fn a_data_source_exports_nothing_and_says_so() {
    let json = json!({"export": {"destinations": []}});
    let access = Access::AllowedPaths(Vec::new());
    let error = Settings::from_json(&json, &HashMap::new(), &access).unwrap_err();
    assert_eq!(
        error.faults[0].to_string(),
        "`export` belongs into the settings file of `pelorus export`: a data source exports nothing"
    );
}

#[test]
fn the_documentation_and_the_example_hold_every_key() {
    let page = include_str!("../../docs/export.md");
    let example = include_str!("../../docs/settings.example.yaml");
    let connection = crate::providers::http::CONNECTION_FIELDS.map(|field| field.key);
    for field in EXPORT_FIELDS.iter().chain(&DESTINATION_FIELDS) {
        assert!(
            page.contains(&format!("| `{}` |", field.key)),
            "docs/export.md lacks {}",
            field.key
        );
        let is_shown =
            connection.contains(&field.key) || example.contains(&format!("{}:", field.key));
        assert!(is_shown, "the example lacks {}", field.key);
    }
}
