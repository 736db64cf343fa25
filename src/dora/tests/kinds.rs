use super::estate::*;
use crate::correlate::{FailureRule, Flags, QualityKind, QualityRow};
use crate::dora::{Answer, Cell, EventRow, Table, Values};
use crate::model::{
    EventKey, EventKind, EventTable, FilterKey, GroupKey, Kind, Metric, Question, Statistic, Tier,
};

fn march() -> crate::model::TimeRange {
    range("2026-03-01", "2026-03-11")
}

fn estate() -> Estate {
    let undated = Change {
        lead: None,
        ..Change::default()
    };
    let shop = application(
        "payments/shop",
        vec![
            deployed("2026-02-20T10:00", &[]).flagged(Flags::BASELINE),
            deployed("2026-03-01T10:00", &[600, 7_200])
                .by(&["ada", "bob"])
                .on(&["eu"]),
            deployed("2026-03-02T10:00", &[])
                .changes(vec![undated])
                .failed(FailureRule::Incident),
        ],
    );
    let shop = with_recovery(shop, 2, "2026-03-02T12:00");
    let shop = with_lane(
        shop,
        "staging",
        Tier::Staging,
        vec![deployed("2026-03-01T09:00", &[5])],
    );
    let shop = with_incident(shop, "2026-03-02T11:00", Some("2026-03-02T12:00"), "high");
    Estate::new(
        march(),
        vec![
            shop,
            application("wiki", vec![deployed("2026-03-05T10:00", &[90_000])]),
        ],
    )
}

fn table(estate: &Estate, question: &Question) -> Table {
    match estate.answer(question) {
        Answer::Table(table) => table,
        other => panic!("expected a table, not {other:?}"),
    }
}

fn event_rows(estate: &Estate, question: &Question) -> Vec<EventRow> {
    match estate.answer(question) {
        Answer::Events { rows, .. } => rows,
        other => panic!("expected events, not {other:?}"),
    }
}

fn texts(table: &Table, name: &str) -> Vec<String> {
    match &table
        .columns
        .iter()
        .find(|column| column.name == name)
        .unwrap()
        .values
    {
        Values::Text(values) => values
            .iter()
            .map(|value| value.as_deref().unwrap_or("-").to_owned())
            .collect(),
        other => panic!("{other:?}"),
    }
}

fn numbers(table: &Table, name: &str) -> Vec<Option<f64>> {
    match &table
        .columns
        .iter()
        .find(|column| column.name == name)
        .unwrap()
        .values
    {
        Values::Number(values) => values.clone(),
        other => panic!("{other:?}"),
    }
}

fn cell<'r>(row: &'r EventRow, name: &str) -> &'r Cell {
    &row.cells.iter().find(|(of, _)| *of == name).unwrap().1
}

#[test]
fn a_scorecard_has_four_columns_a_key_and_the_score() {
    let question = Question {
        group_by: vec![GroupKey::Application],
        ..Question::of(Kind::Scorecard)
    };
    let numbers = estate().numbers(&question);
    let names: Vec<&str> = numbers
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(
        names[..4],
        [
            "change_lead_time",
            "change_lead_time_previous",
            "change_lead_time_n",
            "change_lead_time_band"
        ]
    );
    assert_eq!(names.len(), 22);
    assert_eq!(
        names[20..],
        ["quick_check_score", "quick_check_score_previous"]
    );
    let value = |name: &str| {
        numbers
            .columns
            .iter()
            .find(|column| column.name == name)
            .unwrap()
            .values
            .clone()
    };
    // payments/shop: (600 + 7200) ÷ 2; wiki: 25 hours.
    assert_eq!(value("change_lead_time"), [Some(3_900.0), Some(90_000.0)]);
    assert_eq!(value("change_lead_time_n"), [Some(2.0), Some(1.0)]);
    assert_eq!(value("change_lead_time_band"), [Some(6.0), Some(4.0)]);
    assert_eq!(value("change_lead_time_previous"), [None, None]);
    assert_eq!(value("deployment_frequency"), [Some(0.2), Some(0.1)]);
    assert_eq!(
        value("deployment_frequency_previous"),
        [Some(0.1), Some(0.0)]
    );
    assert_eq!(value("change_fail_rate"), [Some(0.5), Some(0.0)]);
    assert_eq!(
        value("failed_deployment_recovery_time"),
        [Some(7_200.0), None]
    );
    assert_eq!(value("deployment_rework_rate_band"), [None, None]);
    // Lead time < 1 d: 8; 0.2 a day: 6; fail rate 50 %: 5; recovery < 1 d: 8; rework 0 %: 10.
    assert_eq!(value("quick_check_score")[0], Some(37.0 / 5.0));
}

#[test]
fn a_histogram_counts_every_value_once() {
    let question = Question {
        metric: Metric::ChangeLeadTime,
        ..Question::of(Kind::Distribution)
    };
    let table = table(&estate(), &question);
    let (least, most, count) = (
        numbers(&table, "bucket_min"),
        numbers(&table, "bucket_max"),
        numbers(&table, "count"),
    );
    assert_eq!(
        (least[0], most[0], count[0]),
        (Some(300.0), Some(900.0), Some(1.0))
    );
    assert_eq!(*most.last().unwrap(), Some(172_800.0));
    assert_eq!(count.iter().flatten().sum::<f64>(), 3.0);
    // Without gaps: each bound is the next one's start.
    assert_eq!(most[..most.len() - 1], least[1..]);
    // 7200 lies in [7200, 14400).
    let at = least
        .iter()
        .position(|bound| *bound == Some(7_200.0))
        .unwrap();
    assert_eq!(count[at], Some(1.0));
}

#[test]
fn a_histogram_of_a_rate_says_that_there_is_none() {
    let question = Question {
        metric: Metric::ChangeFailRate,
        ..Question::of(Kind::Distribution)
    };
    let table = table(&estate(), &question);
    assert!(numbers(&table, "count").is_empty());
    assert_eq!(table.notices.len(), 1);
}

#[test]
fn change_rows_are_those_of_the_number_and_those_without_a_lead_time() {
    let estate = estate();
    let rows = event_rows(&estate, &Question::of(Kind::Events));
    let dated = rows
        .iter()
        .filter(|row| *cell(row, "counts_in_lead_time") == Cell::Flag(true))
        .count();
    let count = estate.number(&with(Metric::ChangeLeadTime, Statistic::Count));
    assert_eq!((Some(dated as f64), rows.len()), (count, 4));
    assert_eq!(rows[0].at, at("2026-03-05T10:00"));
    assert_eq!(rows[0].event.0, EventKind::Commit);
    assert_eq!(rows[0].deployment.unwrap().0, EventKind::Deployment);
}

#[test]
fn deployment_rows_are_newest_first_and_limited() {
    let estate = estate();
    let question = Question {
        table: EventTable::Deployments,
        limit: 2,
        ..Question::of(Kind::Events)
    };
    let rows = event_rows(&estate, &question);
    assert_eq!(
        rows.iter().map(|row| row.at).collect::<Vec<_>>(),
        [at("2026-03-05T10:00"), at("2026-03-02T10:00")]
    );
    assert_eq!(rows[1].rules, [FailureRule::Incident]);
    assert_eq!(*cell(&rows[1], "failed"), Cell::Flag(true));
    assert_eq!(
        *cell(&rows[1], "recovery_time"),
        Cell::Number(Some(7_200.0), Some(crate::model::Unit::Seconds))
    );
    let Answer::Events { notices, .. } = estate.answer(&question) else {
        panic!()
    };
    assert!(
        notices
            .iter()
            .any(|notice| notice.text == "The newest 2 of 3 rows are shown."),
        "{notices:?}"
    );
}

#[test]
fn filters_choose_rows_as_they_choose_numbers() {
    let estate = estate();
    let rows = event_rows(
        &estate,
        &Question {
            filters: vec![equal("author", "ada")],
            ..Question::of(Kind::Events)
        },
    );
    assert_eq!(rows.len(), 1);
    let failed = Question {
        table: EventTable::Deployments,
        filters: vec![equal("rule", "incident")],
        ..Question::of(Kind::Events)
    };
    assert_eq!(event_rows(&estate, &failed).len(), 1);
    let incidents = Question {
        table: EventTable::Incidents,
        ..Question::of(Kind::Events)
    };
    assert_eq!(event_rows(&estate, &incidents).len(), 1);
}

#[test]
fn annotations_are_deployments_and_incidents() {
    let rows = event_rows(&estate(), &Question::of(Kind::Annotations));
    assert_eq!(rows.len(), 4);
    let incident = rows
        .iter()
        .find(|row| row.event.0 == EventKind::Incident)
        .unwrap();
    assert_eq!(
        *cell(incident, "timeEnd"),
        Cell::Time(Some(at("2026-03-02T12:00")))
    );
    assert_eq!(
        *cell(incident, "title"),
        Cell::Text(Some("Incident of payments/shop".into()))
    );
    assert_eq!(
        *cell(incident, "tags"),
        Cell::Text(Some("incident,high,payments/shop".into()))
    );
}

#[test]
fn values_are_distinct_and_sorted_and_of_all_tiers() {
    let estate = estate();
    let values = |key, filters| {
        texts(
            &table(
                &estate,
                &Question {
                    key,
                    filters,
                    ..Question::of(Kind::Values)
                },
            ),
            "value",
        )
    };
    assert_eq!(
        values(FilterKey::Group(GroupKey::Application), vec![]),
        ["payments/shop", "wiki"]
    );
    assert_eq!(
        values(FilterKey::Group(GroupKey::Team), vec![]),
        ["payments"]
    );
    assert_eq!(
        values(FilterKey::Group(GroupKey::Environment), vec![]),
        ["production", "staging"]
    );
    assert_eq!(values(FilterKey::Tier, vec![]), ["production", "staging"]);
    assert_eq!(values(FilterKey::Group(GroupKey::Cluster), vec![]), ["eu"]);
    assert_eq!(
        values(FilterKey::Group(GroupKey::Author), vec![]),
        ["ada", "bob"]
    );
    assert_eq!(values(FilterKey::Severity, vec![]), ["high"]);
    assert_eq!(
        values(FilterKey::Outcome, vec![]),
        ["cancelled", "failed", "succeeded"]
    );
    assert_eq!(
        values(
            FilterKey::Group(GroupKey::Application),
            vec![equal("tier", "staging")]
        ),
        ["payments/shop"]
    );
    assert_eq!(
        values(
            FilterKey::Group(GroupKey::Environment),
            vec![equal("application", "wiki")]
        ),
        ["production"]
    );
}

#[test]
fn quality_shows_coverage_links_and_oddities() {
    let mut block = application(
        "shop",
        vec![
            deployed("2026-03-01T10:00", &[]),
            deployed("2026-03-02T10:00", &[]).unlinked(),
        ],
    );
    block.quality.push(QualityRow {
        kind: QualityKind::Unlinked,
        event: (EventKind::Deployment, EventKey(255)),
        source: "prod".into(),
        at: ms("2026-03-02T10:00"),
        text: "Nobody knows its commit.".into(),
    });
    let estate = Estate::new(march(), vec![block]).covering(range("2026-03-01", "2026-03-06"));
    let Answer::Quality { table, events } = estate.answer(&Question::of(Kind::Quality)) else {
        panic!("quality has its own answer");
    };
    assert_eq!(texts(&table, "kind"), ["coverage", "linked", "unlinked"]);
    assert_eq!(numbers(&table, "share"), [Some(0.5), Some(0.5), None]);
    assert_eq!(
        events[2].as_ref().map(|named| named.event),
        Some((EventKind::Deployment, EventKey(255)))
    );
}

#[test]
fn rules_without_a_source_are_named() {
    let mut estate = estate();
    estate.coverages.sources[0].yields =
        crate::model::EventKinds::of(&[EventKind::Deployment, EventKind::Commit]);
    let notices = estate.numbers(&of(Metric::ChangeFailRate)).notices;
    let text = "No source can yield evidence for the rules: verdict, hotfix, incident.";
    assert!(
        notices.iter().any(|notice| notice.text == text),
        "{notices:?}"
    );
}
