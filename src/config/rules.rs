//! Reads the rules about applications, deployments, environments and evidence.

use serde_json::{Map, Value};

use super::Field;
use super::fields::{APPLICATION_FIELDS, DEPLOYMENT_FIELDS, ENVIRONMENT_FIELDS, EVIDENCE_FIELDS};
use super::reading::{Reading, Values, join, plain_reason, span_of, text_of, texts_of};
use crate::model::{
    Application, ApplicationRule, DeploymentOrigin, DeploymentRule, Environment, EnvironmentRule,
    Evidence, Glob, Rules, Text, Tier,
};

/// Reads the rules out of the settings.
pub(super) fn read(reading: &mut Reading<'_>, settings: &Map<String, Value>) -> Rules {
    let mut rules = Rules {
        evidence: evidence(reading, settings),
        ..Rules::default()
    };
    for (path, mut values) in rows(reading, settings, "applications", APPLICATION_FIELDS) {
        rules
            .applications
            .push(application(reading, &path, &mut values));
    }
    for (path, mut values) in rows(reading, settings, "deployments", DEPLOYMENT_FIELDS) {
        rules
            .deployments
            .extend(deployment(reading, &path, &mut values));
    }
    for (path, mut values) in rows(reading, settings, "environments", ENVIRONMENT_FIELDS) {
        rules
            .environments
            .push(environment(reading, &path, &mut values));
    }
    rules
}

/// The values of each rule of a list.
fn rows(
    reading: &mut Reading<'_>,
    settings: &Map<String, Value>,
    key: &str,
    fields: &[Field],
) -> Vec<(String, Values)> {
    let allowed: Vec<&str> = fields.iter().map(|field| field.key).collect();
    let mut rows = Vec::new();
    for (path, map) in reading.objects(settings.get(key), key) {
        reading.refuse_unknown(map, &path, &allowed);
        let values = reading.fields(map, &path, fields);
        rows.push((path, values));
    }
    rows
}

fn application(reading: &mut Reading<'_>, path: &str, values: &mut Values) -> ApplicationRule {
    // Repositories are named in lower case everywhere, so a rule in capitals would match none.
    if let Some(super::FieldValue::TextList(names)) = values.get_mut("repositories") {
        names
            .iter_mut()
            .for_each(|name| *name = name.to_lowercase());
    }
    let rule = ApplicationRule {
        name: text_of(values, "name").map(Application::from),
        repositories: reading.globs(values, path, "repositories"),
        paths: reading.globs(values, path, "paths"),
        images: reading.globs(values, path, "images"),
        clusters: reading.globs(values, path, "clusters"),
        namespaces: reading.globs(values, path, "namespaces"),
        workloads: reading.globs(values, path, "workloads"),
        labels: labels(reading, path, values),
        projects: reading.globs(values, path, "projects"),
        components: reading.globs(values, path, "components"),
    };
    let is_empty = rule.labels.is_empty()
        && [
            &rule.repositories,
            &rule.paths,
            &rule.images,
            &rule.clusters,
            &rule.namespaces,
            &rule.workloads,
            &rule.projects,
            &rule.components,
        ]
        .iter()
        .all(|globs| globs.is_empty());
    if is_empty {
        reading.fault(
            path,
            "matches nothing: give at least one of repositories, paths, images, clusters, namespaces, workloads, \
             labels, projects, components",
        );
    }
    rule
}

/// Labels as `name=value`, gathered by name in their order.
fn labels(reading: &mut Reading<'_>, path: &str, values: &mut Values) -> Vec<(Text, Vec<Glob>)> {
    let mut labels: Vec<(Text, Vec<Glob>)> = Vec::new();
    for pair in texts_of(values, "labels") {
        // A bare name is a label whose value is `true`, as events have it.
        let (name, value) = pair.split_once('=').unwrap_or((&pair, "true"));
        let glob = match Glob::new(value) {
            Ok(glob) => glob,
            Err(error) => {
                reading.fault(
                    join(path, "labels"),
                    format!("holds no usable glob: {}", plain_reason(&error.reason)),
                );
                continue;
            }
        };
        match labels.iter_mut().find(|(known, _)| &**known == name) {
            Some((_, globs)) => globs.push(glob),
            None => labels.push((name.into(), vec![glob])),
        }
    }
    labels
}

fn deployment(
    reading: &mut Reading<'_>,
    path: &str,
    values: &mut Values,
) -> Option<DeploymentRule> {
    if let Some(super::FieldValue::TextList(names)) = values.get_mut("repositories") {
        names
            .iter_mut()
            .for_each(|name| *name = name.to_lowercase());
    }
    let origin = text_of(values, "from");
    let repositories = reading.globs(values, path, "repositories");
    let matching = reading.pattern(values, path, "match");
    Some(DeploymentRule {
        from: match origin?.as_str() {
            "tag" => DeploymentOrigin::Tag,
            "release" => DeploymentOrigin::Release,
            "pull_request_merge" => DeploymentOrigin::PullRequestMerge,
            _ => DeploymentOrigin::Build,
        },
        repositories,
        matching,
        environment: Environment::from(text_of(values, "environment")?),
    })
}

fn environment(reading: &mut Reading<'_>, path: &str, values: &mut Values) -> EnvironmentRule {
    let selects = ["match", "clusters", "namespaces"]
        .iter()
        .any(|key| values.contains_key(key));
    let says = ["name", "tier"].iter().any(|key| values.contains_key(key));
    if !selects {
        reading.fault(
            path,
            "matches nothing: give at least one of match, clusters, namespaces",
        );
    }
    if !says {
        reading.fault(path, "says nothing: give at least one of name, tier");
    }
    EnvironmentRule {
        matching: reading.pattern(values, path, "match"),
        clusters: reading.globs(values, path, "clusters"),
        namespaces: reading.globs(values, path, "namespaces"),
        name: text_of(values, "name").map(Environment::from),
        tier: text_of(values, "tier").and_then(|tier| tier_named(&tier)),
    }
}

/// The tier of that name.
pub(super) fn tier_named(name: &str) -> Option<Tier> {
    [
        Tier::Production,
        Tier::Staging,
        Tier::Testing,
        Tier::Development,
        Tier::None,
    ]
    .into_iter()
    .find(|tier| tier.as_str() == name)
}

fn evidence(reading: &mut Reading<'_>, settings: &Map<String, Value>) -> Evidence {
    let mut map = reading
        .object(settings.get("evidence"), "evidence")
        .cloned()
        .unwrap_or_default();
    let allowed: Vec<&str> = EVIDENCE_FIELDS.iter().map(|field| field.key).collect();
    reading.refuse_unknown(&map, "evidence", &allowed);
    // An editor of flat fields may write `evidence.rollbackAge` as one key.
    for field in EVIDENCE_FIELDS {
        if let Some(value) = settings.get(&join("evidence", field.key)) {
            map.insert(field.key.to_owned(), value.clone());
        }
    }
    let mut values = reading.fields(&map, "evidence", EVIDENCE_FIELDS);
    let otherwise = Evidence::default();
    let mut span = |key, otherwise| span_of(&mut values, key).unwrap_or(otherwise);
    Evidence {
        deployment_window: span("deploymentWindow", otherwise.deployment_window),
        rollback_age: span("rollbackAge", otherwise.rollback_age),
        revert_age: span("revertAge", otherwise.revert_age),
        hotfix_age: span("hotfixAge", otherwise.hotfix_age),
        incident_age: span("incidentAge", otherwise.incident_age),
        hotfix_labels: reading.globs(&mut values, "evidence", "hotfixLabels"),
        hotfix_branches: reading.pattern(&mut values, "evidence", "hotfixBranches"),
        hotfix_pipelines: reading.pattern(&mut values, "evidence", "hotfixPipelines"),
        defect_labels: reading.globs(&mut values, "evidence", "defectLabels"),
    }
}
