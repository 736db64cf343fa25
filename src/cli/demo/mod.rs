//! `pelorus demo`: a year of eight made-up applications, the same for the same seed.

mod code;
mod delivery;
mod estate;
mod files;
mod office;
mod random;
mod story;
mod work;

use anyhow::Context;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use super::arguments::Demo;
use super::exit::{Exit, Failure};
use super::{instant, print};
use crate::model::{Body, EventId, TimeRange};

/// How long the history is.
const YEAR: TimeDelta = TimeDelta::days(365);

/// Writes the history and settings that read it.
pub(super) fn run(arguments: &Demo) -> Result<Exit, Failure> {
    let now = match &arguments.now {
        None => Utc::now(),
        Some(written) => instant::read(written, Utc::now(), chrono_tz::Tz::UTC)
            .context("--now")
            .map_err(Failure::unusable)?,
    };
    let history = history(now, arguments.seed);
    let told = files::write(&arguments.out, &history, now).map_err(Failure::unreadable)?;
    print(told.as_bytes())?;
    Ok(Exit::Answered)
}

/// An event of the history with the id that it cannot have by nature.
pub(super) type Told = (Option<EventId>, Body);

/// The history of all applications over the year that ends then, in order of time.
pub(super) fn history(now: DateTime<Utc>, seed: u64) -> Vec<Told> {
    let now = now.trunc_subsecs(0);
    let range = TimeRange::new(now - YEAR, now);
    let mut random = random::Random::new(seed);
    let mut history: Vec<Told> = Vec::new();
    let mut incidents = Vec::new();
    for profile in estate::PROFILES {
        let (events, theirs) = story::Story::tell(profile, range, random.fork());
        let mut builds = 0;
        history.extend(events.into_iter().map(|body| {
            let id = matches!(body, Body::Build(_)).then(|| {
                builds += 1;
                EventId::from(format!("build:{}:{builds}", profile.name))
            });
            (id, body)
        }));
        incidents.extend(theirs);
    }
    // One tracker numbers the incidents of all in the order of their opening.
    incidents.sort_by_key(|incident| incident.opened_at);
    history.extend(incidents.into_iter().enumerate().map(|(at, incident)| {
        (
            Some(EventId::from(format!("OPS-{}", at + 1))),
            Body::Incident(incident),
        )
    }));
    history.sort_by_key(|(_, body)| body.time());
    history
}

#[cfg(test)]
mod tests;
