//! `pelorus forget`: deletes from the ledger, for good.

use anyhow::anyhow;
use chrono::Utc;

use super::arguments::Forget as Arguments;
use super::exit::{Exit, Failure};
use super::{instant, load, print};
use crate::config::Settings;
use crate::error::chain;
use crate::ledger::{Forget, Ledger, Location};
use crate::model::SourceName;

/// Forgets a person, a source, or everything before a time.
pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let settings = load::from_file(arguments.config.as_deref())?;
    let what = what(arguments, &settings)?;
    let location = load::location(&settings);
    let Location::File(path) = &location else {
        return Err(Failure::unusable(anyhow!(
            "these settings keep no ledger, so there is nothing to forget: `ledger` names its file"
        )));
    };
    if !path.exists() {
        return Err(Failure::unusable(anyhow!(
            "there is no ledger at {} yet",
            path.display()
        )));
    }
    let failed = |error| Failure::unreadable(anyhow!(chain(&error)));
    let (ledger, notices) = Ledger::open(&location).map_err(failed)?;
    if ledger.is_read_only() {
        let reasons: Vec<&str> = notices.iter().map(|notice| notice.text.as_str()).collect();
        return Err(Failure::unreadable(anyhow!(
            "the ledger is in use, stop what uses it first: {}",
            reasons.join("; ")
        )));
    }
    let count = ledger.forget(&what).map_err(failed)?;
    print(format!("{}\n", sentence(&what, count)).as_bytes())?;
    Ok(Exit::Answered)
}

fn what(arguments: &Arguments, settings: &Settings) -> Result<Forget, Failure> {
    if let Some(person) = &arguments.person {
        return Ok(Forget::Person(person.clone()));
    }
    if let Some(source) = &arguments.source {
        // A source that the settings no longer name may be just the one to forget.
        return Ok(Forget::Source(SourceName::from(source.as_str())));
    }
    let written = arguments.before.as_deref().unwrap_or_default();
    let zone = settings.timezone.unwrap_or(chrono_tz::Tz::UTC);
    instant::read(written, Utc::now(), zone)
        .map(Forget::Before)
        .map_err(|error| Failure::unusable(error.context("--before")))
}

fn sentence(what: &Forget, count: u64) -> String {
    let events = if count == 1 {
        "1 event".to_owned()
    } else {
        format!("{count} events")
    };
    match what {
        Forget::Person(name) => format!("Forgot {name} in {events}."),
        Forget::Source(source) => format!("Forgot {events} of {source}."),
        Forget::Before(time) => {
            format!(
                "Forgot {events} from before {}.",
                time.format("%Y-%m-%d %H:%M UTC")
            )
        }
    }
}
