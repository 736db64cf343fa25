//! What readers must know of the sources: what is missing of each, since when, and why.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};

use crate::model::{Kind, Notice, Subject, TimeRange};
use crate::sync::Standing;

/// What was odd in a source, in answers other than `quality`, which lists all.
const ODDITIES_SHOWN: usize = 2;
/// Subjects of nobody that `quality` names.
const UNASSIGNED_SHOWN: usize = 5;

/// What is missing for a question about `range`, source by source; empty when all sources answered for what it needs.
pub(super) fn of_missing(
    standings: &[Standing],
    range: TimeRange,
    now: DateTime<Utc>,
) -> Vec<Notice> {
    if standings.is_empty() {
        return vec![Notice::warning(
            "No source is configured: add one to the settings of the data source.",
        )];
    }
    let missing = standings
        .iter()
        .filter(|standing| !standing.missing.is_empty());
    missing
        .map(|standing| of_source(standing, range, now))
        .collect()
}

/// The error of an asker who takes no partial answer; `None` when nothing is missing.
pub(super) fn refusal(
    standings: &[Standing],
    range: TimeRange,
    now: DateTime<Utc>,
) -> Option<String> {
    let sentences: Vec<String> = of_missing(standings, range, now)
        .into_iter()
        .map(|notice| notice.text)
        .collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

fn of_source(standing: &Standing, range: TimeRange, now: DateTime<Utc>) -> Notice {
    let name = &standing.name;
    let gaps = gaps_in_words(&standing.missing);
    let only_before = standing.missing.iter().all(|gap| gap.end <= range.start);
    let consequence = if only_before {
        ", so the baseline is uncertain"
    } else {
        ""
    };
    if let Some(failure) = &standing.failure {
        let again = match standing.retry_at {
            Some(instant) if instant > now => {
                format!("; it is tried again in {}", span_in_words(instant - now))
            }
            Some(_) | None => String::new(),
        };
        let known_until = standing.coverage.ranges().last().map(|range| range.end);
        return match known_until.max(standing.read_at) {
            Some(until) => Notice::warning(format!(
                "{name} cannot be read ({failure}): its data is {} old, and {gaps} is missing{consequence}{again}.",
                span_in_words(now - until)
            )),
            None => Notice::error(format!(
                "{name} cannot be read ({failure}): nothing is known of it{again}."
            )),
        };
    }
    if standing.is_reading {
        let progress = standing
            .progress
            .map(|progress| format!(" ({})", progress_in_words(progress)))
            .unwrap_or_default();
        return Notice::warning(format!(
            "Reading {name}{progress}: {gaps} is missing until then{consequence}."
        ));
    }
    Notice::warning(format!("{name} has not been read for {gaps}{consequence}."))
}

/// How far a reading is (`12,000 of 18,785`).
pub(super) fn progress_in_words((done, total): (u64, Option<u64>)) -> String {
    match total {
        Some(total) => format!("{} of {}", grouped(done), grouped(total)),
        None => format!("{} so far", grouped(done)),
    }
}

/// What was odd in what the sources said; `quality` shows all of it.
pub(super) fn of_oddities(standings: &[Standing], kind: Kind) -> Vec<Notice> {
    let mut notices = Vec::new();
    for standing in standings {
        let shown = match kind {
            Kind::Quality => standing.notices.len(),
            _ => standing.notices.len().min(ODDITIES_SHOWN),
        };
        let (said, unsaid) = standing.notices.split_at(shown);
        notices.extend(said.iter().map(|notice| Notice {
            severity: notice.severity,
            text: format!("{}: {}", standing.name, notice.text),
        }));
        if !unsaid.is_empty() {
            notices.push(Notice::info(format!(
                "{}: {} more remarks stand in `quality`.",
                standing.name,
                unsaid.len()
            )));
        }
    }
    notices
}

/// Whose events nobody counts, for `quality`.
pub(super) fn of_unassigned(subjects: &[Subject]) -> Option<Notice> {
    if subjects.is_empty() {
        return None;
    }
    let mut named: Vec<String> = subjects.iter().map(subject_in_words).collect();
    named.sort();
    named.dedup();
    let more = named.len().saturating_sub(UNASSIGNED_SHOWN);
    named.truncate(UNASSIGNED_SHOWN);
    let rest = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    Some(Notice::warning(format!(
        "Events of no application, which a rule under `applications` could name: {}{rest}.",
        named.join(", ")
    )))
}

fn subject_in_words(subject: &Subject) -> String {
    let kind = subject.kind.as_str().replace('_', " ");
    let what = [
        subject.repository.as_ref().map(|name| name.as_str()),
        subject.project.as_deref(),
        subject.namespace.as_deref(),
        subject.environment.as_ref().map(|name| name.as_str()),
    ];
    match what.into_iter().flatten().next() {
        Some(what) => format!("{kind}s of {what} ({})", subject.source),
        None => format!("{kind}s ({})", subject.source),
    }
}

fn gaps_in_words(gaps: &[TimeRange]) -> String {
    let Some((first, last)) = gaps.first().zip(gaps.last()) else {
        return "nothing".to_owned();
    };
    let times = if gaps.len() > 1 {
        format!(" ({} gaps)", gaps.len())
    } else {
        String::new()
    };
    format!(
        "{} to {}{times}",
        instant_in_words(first.start),
        instant_in_words(last.end)
    )
}

fn instant_in_words(instant: DateTime<Utc>) -> String {
    if instant.time() == NaiveTime::MIN {
        instant.format("%Y-%m-%d").to_string()
    } else {
        instant.format("%Y-%m-%d %H:%M UTC").to_string()
    }
}

/// The two largest whole units: `3 d 4 h`, `12 min`.
fn span_in_words(span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// Digits in groups of three: `18,785`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Coverage, EventKinds};
    use crate::sync::fakes::{at, range};

    fn standing(missing: Vec<TimeRange>) -> Standing {
        Standing {
            name: "shop-code".into(),
            kind: "fake",
            yields: EventKinds::default(),
            coverage: Coverage::default(),
            is_reading: false,
            progress: None,
            failure: None,
            retry_at: None,
            read_at: None,
            missing,
            notices: Vec::new(),
        }
    }

    fn text(standing: Standing) -> String {
        let asked = range("2026-02-01", "2026-03-01");
        let mut notices = of_missing(&[standing], asked, at("2026-03-01T12:00:00Z"));
        notices.remove(0).text
    }

    #[test]
    fn a_reading_tells_its_progress_and_what_is_missing() {
        let mut reading = standing(vec![range("2026-01-01", "2026-02-10T08:30:00Z")]);
        reading.is_reading = true;
        reading.progress = Some((12_000, Some(18_785)));
        assert_eq!(
            text(reading),
            "Reading shop-code (12,000 of 18,785): 2026-01-01 to 2026-02-10 08:30 UTC is missing until then."
        );
    }

    #[test]
    fn a_failure_tells_its_cause_and_the_age_of_the_data() {
        let mut failed = standing(vec![range("2026-02-28T09:00:00Z", "2026-03-01")]);
        failed.failure = Some("cannot read issues: connection refused".to_owned());
        failed.coverage = Coverage::of(range("2026-01-01", "2026-02-28T09:00:00Z"));
        failed.retry_at = Some(at("2026-03-01T12:01:30Z"));
        assert_eq!(
            text(failed),
            "shop-code cannot be read (cannot read issues: connection refused): its data is 1 d 3 h old, \
             and 2026-02-28 09:00 UTC to 2026-03-01 is missing; it is tried again in 1 min."
        );
    }

    #[test]
    fn a_cut_lookback_makes_the_baseline_uncertain() {
        let cut = standing(vec![range("2025-01-01", "2026-01-01")]);
        assert_eq!(
            text(cut),
            "shop-code has not been read for 2025-01-01 to 2026-01-01, so the baseline is uncertain."
        );
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let texts = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "1,234,567"]);
    }
}
