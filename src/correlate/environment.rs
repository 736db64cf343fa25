//! Which environment a deployment went to, and how near to the customer that is (definitions, section 1).

use std::sync::LazyLock;

use super::SourceFacts;
use crate::model::{Cluster, Deployment, Environment, EnvironmentRule, Pattern, Rules, Tier};

/// Stands for the environment of deployments of which nothing says one.
pub(super) const UNNAMED: &str = "unknown";

/// Names as GitLab guesses them, in its order.
static GUESSES: LazyLock<Vec<(Tier, Pattern)>> = LazyLock::new(|| {
    [
        (Tier::Development, "dev|review|trunk"),
        (
            Tier::Testing,
            "test|tst|int|ac(ce|)pt|qa|qc|control|quality|uat",
        ),
        (Tier::Staging, "st(a|)g|mod(e|)l|pre|demo|non"),
        (Tier::Production, "pr(o|)d|live"),
    ]
    .into_iter()
    .map(|(tier, names)| {
        let names = Pattern::ignoring_case(names).expect("a constant expression compiles");
        (tier, names)
    })
    .collect()
});

/// Where in a cluster something is.
pub(super) type Place<'a> = (Option<&'a Cluster>, Option<&'a str>);

/// The environment of a deployment: its own, else its source's, else what a rule names; `None` where nothing says one.
pub(super) fn environment_of(
    deployment: &Deployment,
    cluster: Option<&Cluster>,
    facts: Option<&SourceFacts>,
    rules: &Rules,
) -> Option<Environment> {
    let own = deployment.environment.as_ref();
    if let Some(environment) = own.or_else(|| facts?.environment.as_ref()) {
        return Some(environment.clone());
    }
    let place = (cluster, deployment.namespace.as_deref());
    let names = |rule: &&EnvironmentRule| rule.name.is_some() && matches(rule, None, place);
    rules.environments.iter().find(names)?.name.clone()
}

/// The tier of an environment that has these places: by rule, else by name.
pub(super) fn tier_of(environment: &Environment, places: &[Place<'_>], rules: &Rules) -> Tier {
    let nowhere = [(None, None)];
    let places = if places.is_empty() { &nowhere } else { places };
    rules
        .environments
        .iter()
        .find_map(|rule| {
            let tier = rule.tier?;
            places
                .iter()
                .any(|place| matches(rule, Some(environment), *place))
                .then_some(tier)
        })
        .unwrap_or_else(|| guess(environment.as_str()))
}

/// The tier that the name suggests.
fn guess(name: &str) -> Tier {
    GUESSES
        .iter()
        .find(|(_, names)| names.matches(name))
        .map_or(Tier::None, |(tier, _)| *tier)
}

/// Whether every key for which there is a value matches, and at least one does.
fn matches(rule: &EnvironmentRule, environment: Option<&Environment>, place: Place<'_>) -> bool {
    let (cluster, namespace) = place;
    let pattern = rule.matching.as_ref().zip(environment);
    let named = rule.name.as_ref().zip(environment);
    let any = |globs: &[crate::model::Glob], value: Option<&str>| {
        let value = value.filter(|_| !globs.is_empty())?;
        Some(globs.iter().any(|glob| glob.matches(value)))
    };
    let mut verdicts = [
        pattern.map(|(pattern, environment)| pattern.matches(environment.as_str())),
        named.map(|(name, environment)| name == environment),
        any(&rule.clusters, cluster.map(Cluster::as_str)),
        any(&rule.namespaces, namespace),
    ]
    .into_iter()
    .flatten()
    .peekable();
    verdicts.peek().is_some() && verdicts.all(|holds| holds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Glob;

    fn rule(matching: Option<&str>, cluster: Option<&str>, name: Option<&str>) -> EnvironmentRule {
        EnvironmentRule {
            matching: matching.map(|text| Pattern::new(text).unwrap()),
            clusters: cluster
                .iter()
                .map(|text| Glob::new(text).unwrap())
                .collect(),
            namespaces: Vec::new(),
            name: name.map(Environment::from),
            tier: Some(Tier::Production),
        }
    }

    #[test]
    fn a_name_is_guessed_as_gitlab_does_in_its_order() {
        let guesses = [
            ("production", Tier::Production),
            ("PROD-eu", Tier::Production),
            ("live", Tier::Production),
            ("pre-production", Tier::Staging),
            ("stg", Tier::Staging),
            ("non-prod", Tier::Staging),
            ("qa", Tier::Testing),
            ("integration", Tier::Testing),
            ("review/feature", Tier::Development),
            ("dev-prod", Tier::Development),
            ("unknown", Tier::None),
            ("blue", Tier::None),
        ];
        for (name, tier) in guesses {
            assert_eq!(guess(name), tier, "{name}");
        }
    }

    #[test]
    fn a_rule_gives_the_tier_before_the_name_does() {
        let rules = Rules {
            environments: vec![rule(Some("^eu-"), None, None)],
            ..Rules::default()
        };
        assert_eq!(tier_of(&"eu-test".into(), &[], &rules), Tier::Production);
        assert_eq!(tier_of(&"us-test".into(), &[], &rules), Tier::Testing);
    }

    #[test]
    fn an_event_wins_over_its_source_and_the_source_over_rules() {
        let rules = Rules {
            environments: vec![rule(None, Some("c-*"), Some("by-rule"))],
            ..Rules::default()
        };
        let facts = SourceFacts {
            name: "s".into(),
            rank: 0,
            environment: Some("by-source".into()),
            cluster: None,
            coverage: Default::default(),
        };
        let cluster = Cluster::from("c-1");
        let mut deployment = Deployment::default();
        let named = |deployment: &Deployment, facts: Option<&SourceFacts>| {
            environment_of(deployment, Some(&cluster), facts, &rules).unwrap()
        };
        assert_eq!(named(&deployment, None).as_str(), "by-rule");
        assert_eq!(named(&deployment, Some(&facts)).as_str(), "by-source");
        deployment.environment = Some("by-event".into());
        assert_eq!(named(&deployment, Some(&facts)).as_str(), "by-event");
        let elsewhere = Cluster::from("d-1");
        let place = Some(&elsewhere);
        assert_eq!(
            environment_of(&Deployment::default(), place, None, &rules),
            None
        );
    }
}
