//! Whose an event is (definitions, section 1).

use std::collections::BTreeMap;

use crate::correlate::{SubjectKey, assign};
use crate::model::{ApplicationRule, EventKind, Glob, Labels, Repository, Rules, Subject, Text};

fn subject(kind: EventKind) -> Subject {
    Subject {
        source: "story".into(),
        kind,
        application: None,
        environment: None,
        cluster: None,
        namespace: None,
        workload: None,
        repository: None,
        project: None,
        components: Vec::new(),
        images: Vec::new(),
        labels: Labels::default(),
    }
}

fn commits(repository: &str) -> Subject {
    Subject {
        repository: Some(repository.into()),
        ..subject(EventKind::Commit)
    }
}

fn deployment(namespace: &str, workload: &str) -> Subject {
    let text = |name: &str| Some(Text::from(name)).filter(|name| !name.is_empty());
    Subject {
        namespace: text(namespace),
        workload: text(workload),
        ..subject(EventKind::Deployment)
    }
}

fn rule(name: &str) -> ApplicationRule {
    ApplicationRule {
        name: Some(name.into()).filter(|_| !name.is_empty()),
        ..ApplicationRule::default()
    }
}

fn globs(names: &[&str]) -> Vec<Glob> {
    names.iter().map(|name| Glob::new(name).unwrap()).collect()
}

/// Subjects are numbered from 1 in their order; nobody's stand under `-`.
fn assigned(
    subjects: &[Subject],
    claims: &[(SubjectKey, &str)],
    rules: Vec<ApplicationRule>,
) -> BTreeMap<String, Vec<SubjectKey>> {
    let rules = Rules {
        applications: rules,
        ..Rules::default()
    };
    let mut numbered: Vec<_> = (1..).zip(subjects).collect();
    let claims: Vec<_> = claims
        .iter()
        .map(|(key, repository)| (*key, Repository::from(*repository)))
        .collect();
    let assignment = assign(&numbered, &claims, &rules);
    numbered.reverse();
    assert_eq!(assign(&numbered, &claims, &rules), assignment);
    let mut all: BTreeMap<_, _> = assignment
        .applications
        .iter()
        .map(|(name, keys)| (name.to_string(), keys.clone()))
        .collect();
    if !assignment.unassigned.is_empty() {
        all.insert("-".to_owned(), assignment.unassigned.clone());
    }
    all
}

fn expected(applications: &[(&str, &[SubjectKey])]) -> BTreeMap<String, Vec<SubjectKey>> {
    let owned = |(name, keys): &(&str, &[SubjectKey])| (name.to_string(), keys.to_vec());
    applications.iter().map(owned).collect()
}

#[test]
fn the_first_rule_that_matches_wins_and_the_events_own_application_before_it() {
    let first = ApplicationRule {
        namespaces: globs(&["shop-*"]),
        ..rule("payments/shop")
    };
    let second = ApplicationRule {
        namespaces: globs(&["*"]),
        ..rule("rest")
    };
    let named = Subject {
        application: Some("own".into()),
        ..deployment("shop-prod", "web")
    };
    let subjects = [
        deployment("shop-prod", "web"),
        deployment("x", "web"),
        named,
    ];
    assert_eq!(
        assigned(&subjects, &[], vec![first, second]),
        expected(&[("payments/shop", &[1]), ("rest", &[2]), ("own", &[3])])
    );
}

#[test]
fn a_rule_matches_when_every_key_that_has_a_value_matches_and_at_least_one_does() {
    let shop = ApplicationRule {
        repositories: globs(&["host/acme/shop"]),
        namespaces: globs(&["shop-*"]),
        projects: globs(&["OPS"]),
        labels: vec![("tier".into(), globs(&["front"]))],
        ..rule("shop")
    };
    let labelled = |value: &str| {
        let mut subject = deployment("shop-prod", "web");
        subject.labels.0.insert("tier".into(), value.into());
        subject
    };
    let incident = Subject {
        project: Some("OPS".into()),
        ..subject(EventKind::Incident)
    };
    let elsewhere = Subject {
        repository: Some("host/acme/other".into()),
        ..deployment("shop-prod", "elsewhere")
    };
    let subjects = [
        commits("host/acme/shop"),
        deployment("shop-prod", "web"),
        labelled("front"),
        labelled("back"),
        incident,
        elsewhere,
        subject(EventKind::Incident),
    ];
    assert_eq!(
        assigned(&subjects, &[], vec![shop]),
        expected(&[
            ("shop", &[1, 2, 3, 5]),
            ("web", &[4]),
            ("elsewhere", &[6]),
            ("-", &[7]),
        ])
    );
}

#[test]
fn all_matching_rules_with_paths_apply() {
    let part = |name: &str| ApplicationRule {
        repositories: globs(&["host/acme/mono"]),
        paths: globs(&["x/*"]),
        ..rule(name)
    };
    let later = ApplicationRule {
        repositories: globs(&["*"]),
        ..rule("rest")
    };
    let subjects = [commits("host/acme/mono"), commits("host/acme/solo")];
    assert_eq!(
        assigned(&subjects, &[], vec![part("api"), part("web"), later]),
        expected(&[("api", &[1]), ("web", &[1]), ("rest", &[2])])
    );
}

#[test]
fn a_repository_belongs_to_the_deployment_that_names_it_or_whose_commit_it_holds() {
    let naming = Subject {
        repository: Some("host/acme/code".into()),
        ..deployment("", "shop")
    };
    let subjects = [
        naming,
        deployment("", "web"),
        commits("host/acme/code"),
        commits("host/acme/pages"),
        commits("host/acme/free"),
    ];
    assert_eq!(
        assigned(&subjects, &[(2, "host/acme/pages")], Vec::new()),
        expected(&[("shop", &[1, 3]), ("web", &[2, 4]), ("free", &[5])])
    );
}

#[test]
fn a_deployment_that_knows_only_its_repository_belongs_to_the_repositorys_application() {
    let pipeline = Subject {
        repository: Some("host/acme/shop".into()),
        ..subject(EventKind::Deployment)
    };
    let subjects = [
        pipeline,
        commits("host/acme/shop"),
        subject(EventKind::Deployment),
    ];
    assert_eq!(
        assigned(&subjects, &[], Vec::new()),
        expected(&[("shop", &[1, 2]), ("-", &[3])])
    );
}

#[test]
fn free_repositories_that_share_a_name_are_called_by_more_of_it() {
    let subjects = [
        commits("host/acme/shop"),
        commits("host/other/shop"),
        commits("host/acme/web"),
        commits("host/x/y"),
        commits("other/x/y"),
    ];
    assert_eq!(
        assigned(&subjects, &[], Vec::new()),
        expected(&[
            ("acme/shop", &[1]),
            ("other/shop", &[2]),
            ("web", &[3]),
            ("host/x/y", &[4]),
            ("other/x/y", &[5]),
        ])
    );
}

#[test]
fn without_rule_a_label_names_the_application_then_the_workload_then_the_namespace() {
    let labelled = |name: &str| {
        let mut subject = deployment("n", "w");
        subject.labels.0.insert(name.into(), "by-label".into());
        subject
    };
    let subjects = [
        labelled("app.kubernetes.io/name"),
        labelled("app"),
        deployment("n", "w"),
        deployment("n", ""),
    ];
    assert_eq!(
        assigned(&subjects, &[], Vec::new()),
        expected(&[("by-label", &[1, 2]), ("w", &[3]), ("n", &[4])])
    );
}

#[test]
fn a_rule_without_a_name_takes_it_from_the_first_key_that_matches() {
    let by_namespace = ApplicationRule {
        namespaces: globs(&["team-*"]),
        ..rule("")
    };
    let by_repository = ApplicationRule {
        repositories: globs(&["host/acme/*"]),
        ..rule("")
    };
    let subjects = [deployment("team-pay", "web"), commits("host/acme/shop")];
    assert_eq!(
        assigned(&subjects, &[], vec![by_namespace, by_repository]),
        expected(&[("team-pay", &[1]), ("shop", &[2])])
    );
}

#[test]
fn an_incident_belongs_to_its_application_its_rule_its_repository_or_nobody() {
    let by_component = ApplicationRule {
        components: globs(&["checkout"]),
        ..rule("shop")
    };
    let incident = subject(EventKind::Incident);
    let subjects = [
        Subject {
            application: Some("own".into()),
            ..incident.clone()
        },
        Subject {
            components: vec!["x".into(), "checkout".into()],
            ..incident.clone()
        },
        Subject {
            repository: Some("host/acme/web".into()),
            ..incident.clone()
        },
        Subject {
            repository: Some("host/acme/tickets".into()),
            ..incident.clone()
        },
        commits("host/acme/web"),
        subject(EventKind::Verdict),
    ];
    assert_eq!(
        assigned(&subjects, &[], vec![by_component]),
        expected(&[("own", &[1]), ("shop", &[2]), ("web", &[3, 5]), ("-", &[4])])
    );
}
