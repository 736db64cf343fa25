//! The command line's arguments, and how it ends.

use std::collections::HashMap;
use std::ffi::OsString;

use chrono::{DateTime, Utc};
use clap::{CommandFactory, Parser};
use insta::assert_snapshot;
use serde_json::json;

use super::arguments::{Arguments, Command, Query};
use super::exit::Exit;
use super::table::Looks;
use super::{check, query, run};
use crate::app::{SourceCheck, SourceStatus};
use crate::config::{Access, Settings};
use crate::ledger::SourceStats;
use crate::model::{Coverage, EventKind, Kind, Notice, WeekStart};

fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(OsString::from).collect()
}

fn settings() -> Settings {
    let json = json!({"timezone": "Europe/Berlin", "weekStart": "sunday", "bandsYear": 2022});
    Settings::from_json(&json, &HashMap::new(), &Access::Everything).unwrap()
}

fn clock() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-04-01T12:00:00Z")
        .unwrap()
        .to_utc()
}

fn query_of(line: &str) -> Query {
    match Arguments::try_parse_from(words(line)).unwrap().command {
        Some(Command::Query(query)) => query,
        other => panic!("{other:?}"),
    }
}

fn shown(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

#[test]
fn the_arguments_are_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn without_a_question_the_scorecard_of_the_last_90_days_is_asked() {
    let request = query::request(&query_of("pelorus query"), None, &settings(), clock()).unwrap();
    assert_eq!(request.question.kind, Kind::Scorecard);
    assert!(request.question.compare);
    assert_eq!(request.question.bands_year.as_str(), "2022");
    assert_eq!(shown(request.range.start), "2026-01-01T12:00:00Z");
    assert_eq!(shown(request.range.end), "2026-04-01T12:00:00Z");
}

#[test]
fn dates_are_days_of_the_settings_zone_or_of_the_zone_that_is_named() {
    let query = query_of("pelorus query --from 2026-01-01 --to 2026-02-01");
    let request = query::request(&query, Some("{}"), &settings(), clock()).unwrap();
    assert_eq!(shown(request.range.start), "2025-12-31T23:00:00Z");
    assert_eq!(request.question.week_start, WeekStart::Sunday);
    let query = query_of("pelorus query --from now-1d --timezone utc --now 2026-03-02");
    let request = query::request(
        &query,
        Some(r#"{"weekStart":"monday"}"#),
        &settings(),
        clock(),
    )
    .unwrap();
    assert_eq!(shown(request.now), "2026-03-02T00:00:00Z");
    assert_eq!(shown(request.range.start), "2026-03-01T00:00:00Z");
    assert_eq!(request.question.week_start, WeekStart::Monday);
    assert_eq!(request.question.timezone, Some(chrono_tz::UTC));
}

#[test]
fn what_cannot_be_asked_is_unusable() {
    let cases = [
        ("pelorus query", Some("{")),
        ("pelorus query", Some(r#"{"kind":"score"}"#)),
        ("pelorus query --from tomorrow", None),
        ("pelorus query --from 2026-02-01 --to 2026-02-01", None),
        ("pelorus query --timezone Berlin", None),
    ];
    for (line, question) in cases {
        let failure = query::request(&query_of(line), question, &settings(), clock()).unwrap_err();
        assert_eq!(failure.exit, Exit::Unusable, "{line}");
    }
}

#[test]
fn arguments_end_with_their_status() {
    assert_eq!(run(words("pelorus --version")), Exit::Answered);
    assert_eq!(run(words("pelorus")), Exit::Answered);
    assert_eq!(run(words("pelorus ask")), Exit::Unusable);
    assert_eq!(run(words("pelorus query --format pdf")), Exit::Unusable);
    assert_eq!(
        run(words("pelorus query --config a --repo b")),
        Exit::Unusable
    );
    assert_eq!(
        run(words("pelorus query --config /nowhere/pelorus.yaml")),
        Exit::Unusable
    );
    assert_eq!(
        run(words("pelorus query --repo /nowhere/at/all")),
        Exit::Unusable
    );
    assert_eq!(run(words("pelorus forget")), Exit::Unusable);
    assert_eq!(run(words("pelorus forget --config x")), Exit::Unusable);
    assert_eq!(
        run(words("pelorus forget --person a --source b")),
        Exit::Unusable
    );
    assert_eq!(run(words("pelorus providers no_such_kind")), Exit::Unusable);
}

#[test]
fn one_thing_is_forgotten_by_the_settings_that_are_named() {
    let parsed = Arguments::try_parse_from(words("pelorus forget --config x.yaml --person alice"));
    assert!(matches!(
        parsed.unwrap().command,
        Some(Command::Forget(forget)) if forget.person.as_deref() == Some("alice") && forget.config.is_some()
    ));
}

#[test]
fn settings_without_a_source_are_unusable() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pelorus.yaml");
    std::fs::write(&file, "ledger: x.db\n").unwrap();
    let mut line = words("pelorus check --config");
    line.push(file.into());
    assert_eq!(run(line), Exit::Unusable);
}

fn source(failure: Option<&str>, events: u64) -> SourceStatus {
    SourceStatus {
        name: "shop".into(),
        kind: "git",
        coverage: Coverage::default(),
        stats: SourceStats {
            events: vec![(EventKind::Commit, events)],
            ..SourceStats::default()
        },
        is_syncing: false,
        progress: None,
        failure: failure.map(str::to_owned),
    }
}

#[test]
fn an_answer_ends_by_what_it_lacks() {
    let fine = [source(None, 5)];
    assert_eq!(query::exit_of(&[], &fine), Exit::Answered);
    assert_eq!(query::exit_of(&[Notice::info("x")], &fine), Exit::Answered);
    assert_eq!(query::exit_of(&[Notice::warning("x")], &fine), Exit::Partly);
    let half = [source(None, 5), source(Some("gone"), 0)];
    assert_eq!(query::exit_of(&[Notice::error("x")], &half), Exit::Partly);
    let stale = [source(Some("gone"), 5)];
    assert_eq!(query::exit_of(&[Notice::error("x")], &stale), Exit::Partly);
    let nothing = [source(Some("gone"), 0), source(Some("gone"), 0)];
    assert_eq!(
        query::exit_of(&[Notice::error("x")], &nothing),
        Exit::Unreadable
    );
}

#[test]
fn a_check_says_what_is_wrong_and_how_to_mend_it() {
    let check = |name: &str, result: Result<&str, &str>, advice: Option<&str>| SourceCheck {
        name: name.into(),
        kind: "git",
        result: result.map(str::to_owned).map_err(str::to_owned),
        advice: advice.map(str::to_owned),
        reading: Some("Not read yet.".to_owned()),
    };
    let checks = [
        check("shop", Ok("sees 12 branches"), None),
        check(
            "library",
            Err("cannot open /srv/library.git"),
            Some("check `path`"),
        ),
    ];
    assert_snapshot!(check::draw(&checks, Looks::default()), @"
   Source   Kind  Result
✓  shop     git   sees 12 branches
                  Not read yet.
✗  library  git   cannot open /srv/library.git
                  Not read yet.
                  → check `path`
");
    assert_eq!(check::exit_of(&checks), Exit::Unreadable);
    assert_eq!(check::exit_of(&checks[..1]), Exit::Answered);
}
