//! `pelorus query`: a question in, an answer out.

use std::sync::Arc;

use anyhow::{Context, anyhow};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::arguments::{Format, Query};
use super::exit::{Exit, Failure};
use super::progress::{self, Audience};
use super::table::Looks;
use super::{bounded, instant, load, output, print, say};
use crate::app::{Addresses, App, Asker, Patience, QueryError, Request, SourceStatus, StartError};
use crate::config::{Settings, parse_question_for, zone};
use crate::error::chain;
use crate::model::{GroupKey, Kind, Notice, Question, Severity, TimeRange};

/// The longest question that is read: far more than any has.
const LONGEST_QUESTION_MEBIBYTES: usize = 1;

/// The range where none is asked for.
const DEFAULT_RANGE: TimeDelta = TimeDelta::days(90);

/// Answers the question, and tells on stderr what the answer lacks.
pub(super) async fn run(arguments: Query) -> Result<Exit, Failure> {
    let settings = match &arguments.repo {
        Some(path) => load::for_repository(path)?,
        None => load::from_file(arguments.config.as_deref())?,
    };
    let written = arguments
        .question
        .as_deref()
        .map(read_question)
        .transpose()?;
    let request = request(&arguments, written.as_deref(), &settings, Utc::now())?;
    let location = load::location(&settings);
    let app = App::start(Arc::new(settings), &location, Addresses::All).map_err(not_started)?;
    let audience = Audience::of_stderr(arguments.quiet);
    let answered = progress::during(&app, audience, app.answer(request)).await;
    let sources = app.sources();
    app.stop().await;
    let answered = answered.map_err(not_answered)?;
    print(&output::write(
        &answered,
        arguments.format,
        Looks::of_stdout(),
    ))?;
    tell(&answered.notices, arguments.format);
    Ok(exit_of(&answered.notices, &sources))
}

/// What is asked of the app.
///
/// # Errors
/// Every argument and key that makes no sense.
pub(super) fn request(
    arguments: &Query,
    written: Option<&str>,
    settings: &Settings,
    clock: DateTime<Utc>,
) -> Result<Request, Failure> {
    let mut question = match written {
        Some(text) => {
            let json: Value = serde_json::from_str(text)
                .context("the question is no JSON")
                .map_err(Failure::unusable)?;
            parse_question_for(&json, settings).map_err(|error| {
                let faults: Vec<String> = error
                    .faults
                    .iter()
                    .map(|fault| format!("  {fault}"))
                    .collect();
                Failure::unusable(anyhow!("the question has faults:\n{}", faults.join("\n")))
            })?
        }
        None => default_question(settings),
    };
    if let Some(name) = &arguments.timezone {
        let zone =
            zone(name).map_err(|advice| Failure::unusable(anyhow!("--timezone {advice}")))?;
        question.timezone = Some(zone);
    }
    let zone = question
        .timezone
        .or(settings.timezone)
        .unwrap_or(chrono_tz::Tz::UTC);
    let read = |option: &str, written: &Option<String>, now| {
        let Some(written) = written else {
            return Ok(None);
        };
        instant::read(written, now, zone)
            .map(Some)
            .with_context(|| format!("--{option}"))
            .map_err(Failure::unusable)
    };
    let now = read("now", &arguments.now, clock)?.unwrap_or(clock);
    let end = read("to", &arguments.to, now)?.unwrap_or(now);
    let start = read("from", &arguments.from, now)?.unwrap_or(end - DEFAULT_RANGE);
    if start >= end {
        return Err(Failure::unusable(anyhow!(
            "the range is empty: --from must lie before --to"
        )));
    }
    Ok(Request {
        question,
        range: TimeRange::new(start, end),
        now,
        patience: Patience::Forever,
        asker: Asker::Person,
    })
}

/// The scorecard of every application, compared with the period before.
fn default_question(settings: &Settings) -> Question {
    Question {
        group_by: vec![GroupKey::Application],
        compare: true,
        week_start: settings.week_start,
        bands_year: settings.bands_year,
        ..Question::of(Kind::Scorecard)
    }
}

/// The question's text: the argument itself, `-` for stdin, `@file`.
fn read_question(argument: &str) -> Result<String, Failure> {
    if argument == "-" {
        return bounded::read(std::io::stdin(), LONGEST_QUESTION_MEBIBYTES)
            .context("cannot read the question from stdin")
            .map_err(Failure::unusable);
    }
    let Some(path) = argument.strip_prefix('@') else {
        return Ok(argument.to_owned());
    };
    std::fs::File::open(path)
        .and_then(|file| bounded::read(file, LONGEST_QUESTION_MEBIBYTES))
        .with_context(|| format!("cannot read the question from {path}"))
        .map_err(Failure::unusable)
}

/// Settings are the user's to mend; a ledger that fails is not.
pub(super) fn not_started(error: StartError) -> Failure {
    let text = anyhow!(chain(&error));
    match error {
        StartError::Settings(_) => Failure::unusable(text),
        StartError::Ledger(_) => Failure::unreadable(text),
    }
}

fn not_answered(error: QueryError) -> Failure {
    let text = anyhow!(chain(&error));
    match error {
        QueryError::Unusable(_) => Failure::unusable(text),
        QueryError::Incomplete(_) | QueryError::Ledger(_) | QueryError::Defect => {
            Failure::unreadable(text)
        }
    }
}

/// Notices on stderr; the mild ones only beside a table, which people read.
fn tell(notices: &[Notice], format: Format) {
    for notice in notices {
        match notice.severity {
            Severity::Info if format != Format::Table => {}
            Severity::Info => say(format_args!("note: {}", notice.text)),
            Severity::Warning => say(format_args!("warning: {}", notice.text)),
            Severity::Error => say(format_args!("error: {}", notice.text)),
        }
    }
}

/// Nothing read: every source failed and none has anything. In part: a notice that is no mere note.
pub(super) fn exit_of(notices: &[Notice], sources: &[SourceStatus]) -> Exit {
    let is_empty = |source: &SourceStatus| {
        source.failure.is_some() && source.stats.events.iter().all(|(_, count)| *count == 0)
    };
    if !sources.is_empty() && sources.iter().all(is_empty) {
        Exit::Unreadable
    } else if notices
        .iter()
        .any(|notice| notice.severity >= Severity::Warning)
    {
        Exit::Partly
    } else {
        Exit::Answered
    }
}
