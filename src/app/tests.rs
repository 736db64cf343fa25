//! Questions through `App`, with fake sources over a ledger in memory.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::config::{People, Settings};
use crate::dora::Values;
use crate::model::{
    BandsYear, Body, Bucket, EventTable, GroupKey, Kind, Metric, PartialPolicy, Rules, Severity,
    Text, WeekStart,
};
use crate::providers::http::Forgetful;
use crate::sync::fakes::{Fake, Step, at, child, commit, deployment, range, source, unavailable};

const NOW: &str = "2026-06-01T12:00:00Z";

fn settings() -> Settings {
    Settings {
        ledger: None,
        timezone: None,
        week_start: WeekStart::Monday,
        bands_year: BandsYear::Y2024,
        sources: Vec::new(),
        rules: Rules::default(),
        people: People::Hidden,
        freshness: TimeDelta::minutes(15),
        keep_syncing: TimeDelta::hours(24),
        lookback: TimeDelta::days(400),
        retention: None,
        deadline: TimeDelta::seconds(20),
        export: None,
    }
}

fn start_with(settings: Settings, sources: Vec<Source>) -> App {
    let (ledger, notices) = Ledger::open(&Location::Memory).unwrap();
    let clock = Clock::starting_at(at(NOW));
    App::assemble(
        Arc::new(settings),
        Arc::new(ledger),
        notices,
        sources,
        Network::new(Addresses::All, clock, Arc::new(Forgetful)),
    )
    .unwrap()
}

fn start(fake: &Arc<Fake>) -> App {
    start_with(settings(), vec![source(fake)])
}

/// One deployment a day from 27 to 31 May, each with one commit made six hours before.
fn shop() -> Vec<Event> {
    vec![
        commit("1", "2026-05-27T06:00:00Z"),
        deployment("1", "2026-05-27T12:00:00Z"),
        child("2", "1", "2026-05-28T06:00:00Z"),
        deployment("2", "2026-05-28T12:00:00Z"),
        child("3", "2", "2026-05-29T06:00:00Z"),
        deployment("3", "2026-05-29T12:00:00Z"),
        child("4", "3", "2026-05-30T06:00:00Z"),
        deployment("4", "2026-05-30T12:00:00Z"),
        child("5", "4", "2026-05-31T06:00:00Z"),
        deployment("5", "2026-05-31T12:00:00Z"),
    ]
}

fn request(question: Question, range: TimeRange, now: DateTime<Utc>) -> Request {
    Request {
        question,
        range,
        now,
        patience: Patience::Until(Duration::from_secs(20)),
        asker: Asker::Person,
    }
}

fn number(metric: Metric) -> Question {
    Question {
        metric,
        statistic: metric.default_statistic(),
        bucket: Bucket::None,
        ..Question::of(Kind::Metric)
    }
}

async fn ask(app: &App, metric: Metric, range: TimeRange) -> Answered {
    let now = app.inner.syncing.now();
    app.answer(request(number(metric), range, now))
        .await
        .unwrap()
}

fn value(answered: &Answered) -> Option<f64> {
    match &answered.answer {
        Answer::Numbers(numbers) => numbers.columns[0].values.first().copied().flatten(),
        answer => panic!("{answer:?}"),
    }
}

fn texts(answered: &Answered) -> Vec<&str> {
    let of_sources = answered
        .notices
        .iter()
        .filter(|notice| notice.severity != Severity::Info);
    of_sources.map(|notice| notice.text.as_str()).collect()
}

fn cells(answered: &Answered, name: &str) -> Vec<String> {
    let Answer::Table(table) = &answered.answer else {
        panic!("{:?}", answered.answer)
    };
    let column = table
        .columns
        .iter()
        .find(|column| column.name == name)
        .unwrap_or_else(|| panic!("no column {name}"));
    let text = |value: &Option<Text>| value.as_deref().unwrap_or("-").to_owned();
    match &column.values {
        Values::Text(values) => values.iter().map(text).collect(),
        Values::Number(values) => values
            .iter()
            .map(|value| value.map_or("-".to_owned(), |value| value.to_string()))
            .collect(),
        Values::Time(values) => values
            .iter()
            .map(|value| value.map_or("-".to_owned(), |value| value.to_rfc3339()))
            .collect(),
        Values::Flag(values) => values
            .iter()
            .map(|value| value.map_or("-".to_owned(), |value| value.to_string()))
            .collect(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_reads_what_it_needs_and_answers() {
    let fake = Arc::new(Fake::whole(shop()));
    let app = start(&fake);
    let asked = range("2026-05-28", "2026-06-01");
    let answered = ask(&app, Metric::Deployments, asked).await;
    assert_eq!(value(&answered), Some(4.0));
    let answered = ask(&app, Metric::ChangeLeadTime, asked).await;
    assert_eq!(value(&answered), Some(6.0 * 3600.0));
    assert_eq!(texts(&answered), Vec::<&str>::new());
    assert_eq!(answered.question.timezone, Some(chrono_tz::Tz::UTC));
    assert_eq!(fake.readings(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_answers_with_what_is_known_and_the_reading_goes_on() {
    // Ten pages and an empty one, three seconds each.
    let fake = Arc::new(Fake {
        delay: Duration::from_secs(3),
        ..Fake::of(shop())
    });
    let app = start(&fake);
    let asked = range("2026-05-27", "2026-06-01");
    let began = tokio::time::Instant::now();
    let answered = ask(&app, Metric::Deployments, asked).await;
    assert_eq!(began.elapsed().as_secs(), 20);
    assert_eq!(
        texts(&answered)[0],
        "Reading fake (6 of 10): 2025-04-22 to 2026-06-01 11:45 UTC is missing until then."
    );
    tokio::time::sleep(Duration::from_secs(60)).await;
    let answered = ask(&app, Metric::Deployments, asked).await;
    assert_eq!(value(&answered), Some(5.0));
    assert_eq!(texts(&answered), Vec::<&str>::new());
}

#[tokio::test(start_paused = true)]
async fn a_failure_leaves_the_stale_answer_with_its_age() {
    let fake = Arc::new(Fake::whole(shop()));
    let app = start(&fake);
    ask(&app, Metric::Deployments, range("2026-05-27", NOW)).await;
    app.inner.syncing.give_up();
    let app = {
        // The same ledger three hours later, the source away.
        fake.script
            .lock()
            .unwrap()
            .extend((0..99).map(|_| Step::Fail(unavailable())));
        App::assemble(
            Arc::new(settings()),
            Arc::clone(&app.inner.ledger),
            Vec::new(),
            vec![source(&fake)],
            Network::new(
                Addresses::All,
                Clock::starting_at(at(NOW) + TimeDelta::hours(3)),
                Arc::new(Forgetful),
            ),
        )
        .unwrap()
    };
    let asked = range("2026-05-27", "2026-06-01T15:00:00Z");
    let answered = ask(&app, Metric::Deployments, asked).await;
    assert_eq!(value(&answered), Some(5.0));
    let text = texts(&answered)[0];
    assert!(
        text.starts_with(
            "fake cannot be read (cannot read events of acme/shop: connection refused): \
             its data is 3 h old, and 2026-06-01 12:00 UTC to 2026-06-01 15:00 UTC is missing"
        ),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_alert_gets_an_error_for_missing_data_unless_it_allows_partial_answers() {
    let fake = Arc::new(Fake::of(shop()).failing(Step::Fail(unavailable())));
    let app = start(&fake);
    let asked = range("2026-05-27", NOW);
    let mut alert = request(number(Metric::Deployments), asked, at(NOW));
    alert.asker = Asker::Alert;
    match app.answer(alert.clone()).await {
        Err(QueryError::Incomplete(text)) => {
            assert!(text.starts_with("fake cannot be read"), "{text}");
        }
        other => panic!("{other:?}"),
    }
    alert.question.partial = PartialPolicy::Allow;
    assert!(app.answer(alert.clone()).await.is_ok());
    // Read at last; and what is younger than `freshness` may be missing.
    tokio::time::sleep(Duration::from_secs(60)).await;
    fake.script
        .lock()
        .unwrap()
        .extend((0..99).map(|_| Step::Fail(unavailable())));
    alert.question.partial = PartialPolicy::Strict;
    alert.now = app.inner.syncing.now();
    alert.range.end = alert.now;
    let answered = app.answer(alert.clone()).await.unwrap();
    assert_eq!(value(&answered), Some(5.0));
    tokio::time::sleep(Duration::from_secs(3600)).await;
    alert.now = app.inner.syncing.now();
    alert.range.end = alert.now;
    assert!(matches!(
        app.answer(alert).await,
        Err(QueryError::Incomplete(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_narrow_question_on_an_empty_ledger_equals_the_same_range_cut_from_a_wide_one() {
    let wide = range("2026-05-20", NOW);
    let narrow = range("2026-05-29", "2026-05-31");
    for is_whole in [true, false] {
        let fake = || {
            Arc::new(Fake {
                is_whole,
                ..Fake::of(shop())
            })
        };
        let (first, second) = (start(&fake()), start(&fake()));
        ask(&second, Metric::Deployments, wide).await;
        for metric in Metric::ALL.iter().copied() {
            let first = ask(&first, metric, narrow).await;
            let second = ask(&second, metric, narrow).await;
            assert_eq!(first.answer, second.answer, "{metric:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_older_than_the_lookback_is_asked_for_by_name() {
    let fake = Arc::new(Fake::of(vec![
        commit("1", "2020-01-01T00:00:00Z"),
        deployment("1", "2026-05-27T12:00:00Z"),
        child("2", "1", "2026-05-28T06:00:00Z"),
        deployment("2", "2026-05-28T12:00:00Z"),
    ]));
    let app = start(&fake);
    let asked = range("2026-05-28", NOW);
    let answered = ask(&app, Metric::ChangeLeadTime, asked).await;
    assert_eq!(value(&answered), Some(6.0 * 3600.0));
    let wanted = || {
        let requests = fake.requests.lock().unwrap();
        let wanted = requests.iter().map(|request| request.wanted.len());
        wanted.filter(|count| *count > 0).count()
    };
    assert_eq!(wanted(), 1);
    ask(&app, Metric::Deployments, asked).await;
    assert_eq!(wanted(), 1, "once is enough");
}

#[tokio::test(start_paused = true)]
async fn a_pushed_event_is_visible_in_the_next_answer() {
    let fake = Arc::new(Fake::whole(shop()));
    let app = start(&fake);
    let asked = range("2026-05-28", NOW);
    assert_eq!(
        value(&ask(&app, Metric::Deployments, asked).await),
        Some(4.0)
    );
    let events = vec![
        child("6", "5", "2026-06-01T10:00:00Z"),
        deployment("6", "2026-06-01T11:00:00Z"),
    ];
    app.accept(&"fake".into(), events).await.unwrap();
    assert_eq!(
        value(&ask(&app, Metric::Deployments, asked).await),
        Some(5.0)
    );
}

fn of_application(name: &str, digit: &str, finished_at: &str) -> Event {
    let mut event = deployment(digit, finished_at);
    if let Body::Deployment(deployment) = &mut event.body {
        deployment.application = Some(name.into());
        deployment.repository = None;
    }
    event.id = event.body.natural_id().unwrap();
    event
}

#[tokio::test(start_paused = true)]
async fn an_event_rebuilds_its_application_and_no_other() {
    let fake = Arc::new(Fake::whole(shop()));
    let app = start(&fake);
    let asked = range("2026-05-28", NOW);
    ask(&app, Metric::Deployments, asked).await;
    let blocks = || {
        let coverages = app.inner.syncing.coverages();
        let snapshot = app.inner.columns.snapshot(&coverages).unwrap();
        snapshot.blocks.clone()
    };
    let push = async |event| {
        app.accept(&"fake".into(), vec![event]).await.unwrap();
        blocks()
    };
    let before = blocks();
    assert_eq!(before.len(), 1);
    // A new application leaves the others as they are.
    let after = push(of_application("billing", "a", "2026-05-30T12:00:00Z")).await;
    assert_eq!(after.len(), 2);
    assert!(Arc::ptr_eq(&before[0], &after[1]));
    // So does one more event of an application.
    let last = push(of_application("billing", "b", "2026-05-31T12:00:00Z")).await;
    assert!(Arc::ptr_eq(&after[1], &last[1]));
    assert!(!Arc::ptr_eq(&after[0], &last[0]));
    // And an event that is known already rebuilds nothing.
    let same = push(of_application("billing", "b", "2026-05-31T12:00:00Z")).await;
    assert!(Arc::ptr_eq(&last[0], &same[0]));
}

#[tokio::test(start_paused = true)]
async fn an_incident_fails_one_deployment_whichever_event_comes_first() {
    let incident = |resolved_at: Option<&str>| Event {
        id: "INC-1".into(),
        source: "fake".into(),
        url: None,
        body: serde_json::from_value(serde_json::json!({
            "type": "incident",
            "application": "shop",
            "opened_at": "2026-05-31T14:00:00Z",
            "resolved_at": resolved_at,
        }))
        .unwrap(),
    };
    let billing = of_application("billing", "a", "2026-05-31T12:00:00Z");
    let verdict = Event {
        id: "verdict-1".into(),
        source: "fake".into(),
        url: None,
        body: Body::Verdict(crate::model::Verdict {
            target: "INC-1".into(),
            statement: crate::model::Statement::CausedBy,
            cause: Some(billing.id.clone()),
            author: None,
            at: at("2026-05-31T18:00:00Z"),
            reason: None,
        }),
    };
    let resolved = incident(Some("2026-05-31T16:00:00Z"));
    let pushed = [incident(None), verdict, billing, resolved];
    for order in [[0, 1, 2, 3], [2, 0, 1, 3], [1, 2, 0, 3], [1, 0, 3, 2]] {
        let mut of_shop = shop();
        for event in &mut of_shop {
            if let Body::Deployment(deployment) = &mut event.body {
                deployment.application = Some("shop".into());
            }
        }
        let app = start(&Arc::new(Fake::whole(of_shop)));
        let asked = range("2026-05-28", NOW);
        ask(&app, Metric::Deployments, asked).await;
        for at in order {
            let events = vec![pushed[at].clone()];
            app.accept(&"fake".into(), events).await.unwrap();
            ask(&app, Metric::ChangeFailRate, asked).await;
        }
        let rate = value(&ask(&app, Metric::ChangeFailRate, asked).await);
        assert_eq!(rate, Some(0.2), "one of five, pushed in order {order:?}");
        let recovery = ask(&app, Metric::FailedDeploymentRecoveryTime, asked).await;
        assert_eq!(value(&recovery), Some(4.0 * 3600.0), "in order {order:?}");
    }
}

/// The fail rates of `billing` and `shop` after these events were pushed one by one onto the shop's five deployments.
async fn fail_rates(pushed: &[Event]) -> Vec<String> {
    let mut of_shop = shop();
    for event in &mut of_shop {
        if let Body::Deployment(deployment) = &mut event.body {
            deployment.application = Some("shop".into());
        }
    }
    let app = start(&Arc::new(Fake::whole(of_shop)));
    let asked = range("2026-05-28", NOW);
    ask(&app, Metric::Deployments, asked).await;
    let mut question = number(Metric::ChangeFailRate);
    question.group_by = vec![GroupKey::Application];
    let mut rates = Vec::new();
    for event in pushed {
        app.accept(&"fake".into(), vec![event.clone()])
            .await
            .unwrap();
        let request = request(question.clone(), asked, at(NOW));
        let answered = app.answer(request).await.unwrap();
        let Answer::Numbers(numbers) = &answered.answer else {
            panic!("{:?}", answered.answer)
        };
        let values = numbers.groups.iter().zip(&numbers.columns[0].values);
        rates = values
            .map(|(group, value)| format!("{} {}", group[0].as_deref().unwrap(), value.unwrap()))
            .collect();
    }
    rates
}

#[tokio::test(start_paused = true)]
async fn a_verdict_overrules_a_reference_elsewhere_until_it_is_taken_back() {
    let billing = of_application("billing", "a", "2026-05-31T12:00:00Z");
    let named = |id: &str, body: serde_json::Value| Event {
        id: id.into(),
        source: "fake".into(),
        url: None,
        body: serde_json::from_value(body).unwrap(),
    };
    let incident = named(
        "INC-1",
        serde_json::json!({ "type": "incident", "application": "shop", "opened_at": "2026-05-31T14:00:00Z",
            "deployment": billing.id.as_str() }),
    );
    let cause = deployment("5", "2026-05-31T12:00:00Z").id;
    let verdict = |id: &str, statement: &str, at: &str| {
        named(
            id,
            serde_json::json!({ "type": "verdict", "target": "INC-1", "statement": statement,
                "cause": cause.as_str(), "at": at }),
        )
    };
    let blamed = verdict("verdict-1", "caused_by", "2026-05-31T18:00:00Z");
    let taken_back = verdict("verdict-2", "unlink", "2026-05-31T19:00:00Z");
    let pushed = [billing, incident, blamed];
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let mut events: Vec<Event> = order.map(|at| pushed[at].clone()).to_vec();
        let rates = fail_rates(&events).await;
        assert_eq!(rates, ["billing 0", "shop 0.25"], "in order {order:?}");
        events.push(taken_back.clone());
        let rates = fail_rates(&events).await;
        assert_eq!(rates, ["billing 1", "shop 0"], "in order {order:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn dropped_caches_change_no_answer() {
    let fake = Arc::new(Fake::whole(shop()));
    let app = start(&fake).with_answer_cache(true);
    let asked = range("2026-05-28", NOW);
    let first = ask(&app, Metric::ChangeLeadTime, asked).await;
    let cached = ask(&app, Metric::ChangeLeadTime, asked).await;
    app.drop_caches();
    let rebuilt = ask(&app, Metric::ChangeLeadTime, asked).await;
    let app = app.with_answer_cache(false);
    let uncached = ask(&app, Metric::ChangeLeadTime, asked).await;
    assert_eq!(first.answer, cached.answer);
    assert_eq!(first.answer, rebuilt.answer);
    assert_eq!(first.answer, uncached.answer);
    assert_eq!(fake.readings(), 1);
}

#[tokio::test(start_paused = true)]
async fn rows_are_filled_with_what_the_ledger_says_of_each_event() {
    let fake = Arc::new(Fake::whole(shop()));
    let app = start(&fake);
    let question = Question {
        table: EventTable::Changes,
        ..Question::of(Kind::Events)
    };
    let asked = range("2026-05-30", NOW);
    let answered = app.answer(request(question, asked, at(NOW))).await.unwrap();
    assert_eq!(cells(&answered, "message"), ["Change 5", "Change 4"]);
    assert_eq!(cells(&answered, "commit"), ["5".repeat(40), "4".repeat(40)]);
    assert_eq!(cells(&answered, "deployment"), ["55555555", "44444444"]);
    assert_eq!(cells(&answered, "lead_time"), ["21600", "21600"]);
    assert_eq!(
        cells(&answered, "repository"),
        ["github.com/acme/shop", "github.com/acme/shop"]
    );
}

#[tokio::test(start_paused = true)]
async fn quality_names_events_by_their_ids() {
    let unknown = deployment("9", "2026-05-31T14:00:00Z");
    let mut events = shop();
    events.push(unknown.clone());
    let app = start(&Arc::new(Fake::whole(events)));
    let asked = range("2026-05-30", NOW);
    let question = Question::of(Kind::Quality);
    let answered = app.answer(request(question, asked, at(NOW))).await.unwrap();
    let kinds = cells(&answered, "kind");
    let names = cells(&answered, "event");
    let unlinked = kinds.iter().position(|kind| kind == "unlinked").unwrap();
    assert_eq!(names[unlinked], unknown.id.as_str());
}

#[tokio::test(start_paused = true)]
async fn a_table_without_rows_keeps_its_columns() {
    let app = start(&Arc::new(Fake::whole(Vec::new())));
    for table in EventTable::ALL {
        let question = Question {
            table: *table,
            ..Question::of(Kind::Events)
        };
        let asked = range("2026-05-30", NOW);
        let answered = app.answer(request(question, asked, at(NOW))).await.unwrap();
        assert_eq!(cells(&answered, "url"), Vec::<String>::new());
    }
    let question = Question::of(Kind::Annotations);
    let asked = range("2026-05-30", NOW);
    let answered = app.answer(request(question, asked, at(NOW))).await.unwrap();
    for name in ["time", "timeEnd", "title", "text", "tags", "id"] {
        assert_eq!(cells(&answered, name), Vec::<String>::new());
    }
}

async fn authors(people: People) -> Vec<String> {
    let settings = Settings {
        people,
        ..settings()
    };
    let app = start_with(settings, vec![source(&Arc::new(Fake::whole(shop())))]);
    let question = Question::of(Kind::Events);
    let asked = range("2026-05-31", NOW);
    let answered = app.answer(request(question, asked, at(NOW))).await.unwrap();
    cells(&answered, "author")
}

#[tokio::test(start_paused = true)]
async fn people_are_hidden_named_otherwise_or_shown_as_the_settings_say() {
    assert_eq!(authors(People::Hidden).await, ["-"]);
    assert_eq!(authors(People::Shown).await, ["Ann <ann@acme.example>"]);
    let pseudonym = authors(People::Pseudonym).await.remove(0);
    assert!(pseudonym.starts_with("person-"), "{pseudonym}");
    assert_eq!(pseudonym.len(), "person-".len() + 8);
}

#[tokio::test(start_paused = true)]
async fn without_sources_the_answer_says_what_to_do() {
    let app = start_with(settings(), Vec::new());
    let answered = ask(&app, Metric::Deployments, range("2026-05-28", NOW)).await;
    assert_eq!(
        texts(&answered)[0],
        "No source is configured: add one to the settings of the data source."
    );
}

#[tokio::test(start_paused = true)]
async fn a_bucket_too_fine_for_its_range_is_refused_with_the_one_that_fits() {
    let app = start(&Arc::new(Fake::whole(shop())));
    let question = Question {
        bucket: Bucket::Hour,
        ..Question::of(Kind::Metric)
    };
    let asked = range("2020-01-01", NOW);
    match app.answer(request(question, asked, at(NOW))).await {
        Err(QueryError::Unusable(text)) => assert!(text.contains("`day`"), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn checks_tell_what_works_and_what_to_do_about_the_rest() {
    let good = Arc::new(Fake::of(shop()));
    let refused = crate::providers::FetchError::Unauthorized {
        what: "acme/shop".to_owned(),
        needs: None,
    };
    let bad = Arc::new(Fake::of(shop()).failing(Step::Fail(refused)));
    let slow = Arc::new(Fake {
        delay: Duration::from_secs(60),
        ..Fake::of(shop())
    });
    let named = |name: &str, fake| Source {
        name: name.into(),
        ..source(fake)
    };
    let sources = vec![
        named("good", &good),
        named("bad", &bad),
        named("slow", &slow),
    ];
    let app = start_with(settings(), sources);
    let checks = app.check(None, at(NOW), Duration::from_secs(10)).await;
    let results: Vec<_> = checks
        .iter()
        .map(|check| match &check.result {
            Ok(text) | Err(text) => text.as_str(),
        })
        .collect();
    assert_eq!(
        results,
        [
            "sees acme/shop",
            "acme/shop refused the credentials",
            "no answer within 10 s"
        ]
    );
    assert!(checks[1].advice.as_deref().unwrap().contains("token"));
    assert_eq!(checks[0].reading.as_deref(), Some("Not read yet."));
    ask(&app, Metric::Deployments, range("2026-05-28", NOW)).await;
    let checks = app
        .check(Some(&"good".into()), at(NOW), Duration::from_secs(10))
        .await;
    let read = checks[0].reading.as_deref().unwrap();
    assert!(
        read.starts_with("Read from 20") && read.ends_with(" to 2026-06-01."),
        "{read}"
    );
}

#[tokio::test(start_paused = true)]
async fn sources_tell_how_they_do() {
    let fake = Arc::new(Fake::whole(shop()).failing(Step::Fail(unavailable())));
    let app = start(&fake);
    ask(&app, Metric::Deployments, range("2026-05-28", NOW)).await;
    let status = app.sources().remove(0);
    assert_eq!(
        status.failure.as_deref(),
        Some("cannot read events of acme/shop: connection refused")
    );
    assert_eq!(app.sync_now(None), [SourceName::from("fake")]);
    ask(&app, Metric::Deployments, range("2026-05-28", NOW)).await;
    let status = app.sources().remove(0);
    assert_eq!(status.failure, None);
    let events: u64 = status.stats.events.iter().map(|(_, count)| count).sum();
    assert_eq!(events, 10);
}

#[tokio::test(start_paused = true)]
async fn an_app_that_is_dropped_stops_reading() {
    let fake = Arc::new(Fake {
        delay: Duration::from_secs(3),
        ..Fake::of(shop())
    });
    let app = start(&fake);
    app.sync_now(None);
    tokio::time::sleep(Duration::from_secs(4)).await;
    drop(app);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(fake.pages.load(Ordering::Relaxed), 1);
}
