use super::estate::*;
use crate::correlate::{FailedRollouts, FailureRule};
use crate::model::{EventKey, GroupKey, Metric, Question, Statistic, Tier};

fn march() -> crate::model::TimeRange {
    range("2026-03-01", "2026-03-11")
}

fn by(key: GroupKey, metric: Metric) -> Question {
    Question {
        group_by: vec![key],
        ..of(metric)
    }
}

/// `group=value` of every row.
fn rows(estate: &Estate, question: &Question) -> Vec<String> {
    let numbers = estate.numbers(question);
    let groups = numbers.groups.iter().zip(&numbers.columns[0].values);
    groups
        .map(|(group, value)| {
            let names: Vec<&str> = group
                .iter()
                .map(|name| name.as_deref().unwrap_or("-"))
                .collect();
            format!(
                "{}={}",
                names.join("+"),
                value.map_or("null".to_owned(), |value| value.to_string())
            )
        })
        .collect()
}

fn filtered(metric: Metric, filter: crate::model::Filter) -> Question {
    Question {
        filters: vec![filter],
        ..of(metric)
    }
}

fn estate() -> Estate {
    let shop = application(
        "payments/shop",
        vec![
            deployed("2026-03-01T10:00", &[10, 30])
                .of("github.com/acme/shop")
                .on(&["eu", "us"])
                .by(&["ada", "bob"])
                .labelled("kind", "feature"),
            deployed("2026-03-02T10:00", &[50])
                .of("github.com/acme/web")
                .on(&["eu"])
                .by(&["ada"])
                .failed(FailureRule::Rollback),
        ],
    );
    let shop = with_lane(
        shop,
        "staging",
        Tier::Staging,
        vec![deployed("2026-03-01T09:00", &[5])],
    );
    let cart = application("payments/cart", vec![deployed("2026-03-03T10:00", &[70])]);
    Estate::new(march(), vec![shop, cart, application("wiki", vec![])])
}

#[test]
fn groups_stand_in_order_and_an_idle_application_has_a_row() {
    let estate = estate();
    assert_eq!(
        rows(&estate, &by(GroupKey::Application, Metric::Deployments)),
        ["payments/cart=1", "payments/shop=2", "wiki=0"]
    );
    assert_eq!(
        rows(&estate, &by(GroupKey::Application, Metric::ChangeLeadTime)),
        ["payments/cart=70", "payments/shop=30", "wiki=null"]
    );
    assert_eq!(
        rows(&estate, &by(GroupKey::Team, Metric::ChangeLeadTime)),
        ["payments=40", "-=null"]
    );
}

#[test]
fn deployments_count_in_each_of_their_clusters() {
    assert_eq!(
        rows(&estate(), &by(GroupKey::Cluster, Metric::Deployments)),
        ["eu=2", "us=1", "-=1"]
    );
}

#[test]
fn authors_overlap_among_deployments_but_not_among_changes() {
    let estate = estate();
    assert_eq!(
        rows(&estate, &by(GroupKey::Author, Metric::Deployments)),
        ["ada=2", "bob=1", "-=1"]
    );
    let count = Question {
        statistic: Statistic::Count,
        ..by(GroupKey::Author, Metric::ChangeLeadTime)
    };
    assert_eq!(rows(&estate, &count), ["ada=2", "bob=1", "-=1"]);
    let notices = estate.numbers(&count).notices;
    assert!(
        notices
            .iter()
            .any(|notice| notice.text.starts_with("Groups by author overlap")),
        "{notices:?}"
    );
}

#[test]
fn repositories_and_labels_group_rows() {
    let estate = estate();
    assert_eq!(
        rows(&estate, &by(GroupKey::Repository, Metric::Deployments)),
        ["github.com/acme/shop=1", "github.com/acme/web=1", "-=1"]
    );
    assert_eq!(
        rows(
            &estate,
            &by(GroupKey::Label("kind".into()), Metric::Deployments)
        ),
        ["feature=1", "-=2"]
    );
}

#[test]
fn two_keys_make_pairs() {
    let question = Question {
        group_by: vec![GroupKey::Team, GroupKey::Cluster],
        ..of(Metric::Deployments)
    };
    assert_eq!(
        rows(&estate(), &question),
        ["payments+eu=2", "payments+us=1", "payments+-=1"]
    );
}

#[test]
fn a_tier_or_environment_filter_takes_the_place_of_production() {
    let estate = estate();
    assert_eq!(estate.number(&of(Metric::Deployments)), Some(3.0));
    assert_eq!(
        estate.number(&filtered(Metric::Deployments, equal("tier", "staging"))),
        Some(1.0)
    );
    assert_eq!(
        estate.number(&filtered(
            Metric::Deployments,
            equal("environment", "staging")
        )),
        Some(1.0)
    );
    assert_eq!(
        estate.number(&filtered(Metric::Deployments, matching("tier", ".*"))),
        Some(4.0)
    );
}

#[test]
fn every_filter_looks_at_its_own_value() {
    let estate = estate();
    let count = |filter| estate.number(&filtered(Metric::Deployments, filter));
    assert_eq!(count(equal("application", "wiki")), Some(0.0));
    assert_eq!(count(equal("team", "payments")), Some(3.0));
    assert_eq!(count(unequal("team", "payments")), Some(0.0));
    assert_eq!(count(equal("repository", "github.com/acme/web")), Some(1.0));
    assert_eq!(count(equal("cluster", "us")), Some(1.0));
    // Neither of several clusters may be the one: and a thing without cluster passes.
    assert_eq!(count(unequal("cluster", "us")), Some(2.0));
    assert_eq!(count(equal("author", "bob")), Some(1.0));
    assert_eq!(count(equal("label:kind", "feature")), Some(1.0));
    assert_eq!(count(equal("rule", "rollback")), Some(1.0));
    assert_eq!(count(unequal("rule", "rollback")), Some(2.0));
    assert_eq!(count(equal("outcome", "succeeded")), Some(3.0));
    assert_eq!(count(equal("outcome", "failed")), Some(0.0));
    assert_eq!(count(equal("severity", "high")), Some(0.0));
    let lead = |filter| estate.number(&filtered(Metric::ChangeLeadTime, filter));
    assert_eq!(lead(equal("author", "ada")), Some(30.0));
    assert_eq!(lead(equal("author", "bob")), Some(30.0));
    assert_eq!(
        lead(equal("repository", "github.com/acme/shop")),
        Some(20.0)
    );
}

#[test]
fn failed_rollouts_have_outcomes() {
    let mut block = application("shop", vec![]);
    block.lanes[0].failed_rollouts = FailedRollouts {
        key: vec![EventKey(1), EventKey(2)],
        ended_at: vec![ms("2026-03-01T10:00"), ms("2026-03-02T10:00")],
        cluster: vec![crate::correlate::NONE; 2],
        cancelled: vec![false, true],
    };
    let estate = Estate::new(march(), vec![block]);
    assert_eq!(estate.number(&of(Metric::FailedRollouts)), Some(2.0));
    assert_eq!(
        estate.number(&filtered(
            Metric::FailedRollouts,
            equal("outcome", "cancelled")
        )),
        Some(1.0)
    );
}

#[test]
fn severities_filter_incidents() {
    let block = with_incident(
        application("shop", vec![]),
        "2026-03-01T10:00",
        Some("2026-03-01T11:00"),
        "high",
    );
    let block = with_incident(block, "2026-03-01T12:00", Some("2026-03-01T14:00"), "low");
    let estate = Estate::new(march(), vec![block]);
    assert_eq!(
        estate.number(&filtered(Metric::Incidents, equal("severity", "high"))),
        Some(1.0)
    );
    assert_eq!(
        estate.number(&filtered(Metric::TimeToRestore, equal("severity", "low"))),
        Some(7_200.0)
    );
}

#[test]
fn an_incident_without_environment_is_that_of_its_deployment_and_of_production() {
    let block = application("shop", vec![deployed("2026-03-01T09:00", &[])]);
    let mut block = with_incident(block, "2026-03-01T10:00", Some("2026-03-01T11:00"), "high");
    block = with_incident(block, "2026-03-02T10:00", None, "high");
    block.incidents.deployment[0] = Some((0, 0));
    let estate = Estate::new(march(), vec![block]);
    assert_eq!(
        estate.number(&filtered(Metric::Incidents, equal("tier", "production"))),
        Some(2.0)
    );
    assert_eq!(
        estate.number(&filtered(
            Metric::Incidents,
            equal("environment", "production")
        )),
        Some(1.0)
    );
    assert_eq!(
        rows(&estate, &by(GroupKey::Environment, Metric::Incidents)),
        ["production=1", "-=1"]
    );
}

#[test]
fn ten_thousand_groups_are_cut_to_the_largest() {
    let day = |number: usize| ms("2026-03-01") + number as i64 * 1000;
    let blocks = (0..10_000).map(|number| {
        let made = (0..1 + usize::from(number % 100 == 7))
            .map(|at| deployed_at(day(at), &[]))
            .collect();
        application(&format!("app-{number:05}"), made)
    });
    let estate = Estate::new(march(), blocks.collect());
    let question = Question {
        limit: 100,
        ..by(GroupKey::Application, Metric::Deployments)
    };
    let numbers = estate.numbers(&question);
    assert_eq!(numbers.groups.len(), 100);
    assert!(
        numbers.columns[0]
            .values
            .iter()
            .all(|value| *value == Some(2.0))
    );
    let text = "Only the 100 largest of 10000 groups are shown: filter, or raise the limit.";
    assert!(
        numbers.notices.iter().any(|notice| notice.text == text),
        "{:?}",
        numbers.notices
    );
}
