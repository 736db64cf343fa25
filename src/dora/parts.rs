//! The parts of a lead time, wherever it starts (definitions, section 2).

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::correlate::{Changes, Durations};
use crate::model::{LeadTimeFrom, Metric};

/// The lead times from a start; `None` where no change has one.
pub(super) fn lead_time(changes: &Changes, from: LeadTimeFrom) -> Option<&Durations> {
    let landed = &changes.landed;
    match from {
        LeadTimeFrom::Landed => Some(landed),
        LeadTimeFrom::Committed => Some(changes.committed.as_ref().unwrap_or(landed)),
        LeadTimeFrom::Authored => Some(changes.authored.as_ref().unwrap_or(landed)),
        LeadTimeFrom::PullRequestOpened => changes.opened.as_ref(),
        LeadTimeFrom::Merged => changes.merged.as_ref(),
    }
}

/// One part of the lead times from a start; `None` where no change has it.
pub(super) fn part_of(
    changes: &Changes,
    part: usize,
    from: LeadTimeFrom,
) -> Option<Cow<'_, Durations>> {
    if from == LeadTimeFrom::Committed {
        return committed_part(changes, part).map(Cow::Borrowed);
    }
    let mut durations = Durations::default();
    for at in 0..changes.len() {
        durations.push(part_at(changes, part, from, at));
    }
    Some(Cow::Owned(durations))
}

/// One part of one change's lead time from a start, in milliseconds.
///
/// The boundaries are those between the earliest start and the deployment: what lies before a later one is skipped.
pub(super) fn part_at(
    changes: &Changes,
    part: usize,
    from: LeadTimeFrom,
    at: usize,
) -> Option<i64> {
    let of_committed = |part: usize| committed_part(changes, part)?.milliseconds_at(at);
    if from == LeadTimeFrom::Committed {
        return of_committed(part);
    }
    let total = lead_time(changes, from)?.milliseconds_at(at)?;
    let early = changes.early_parts.as_ref().and_then(|early| {
        let row = early.change.binary_search(&(at as u32)).ok()?;
        let spans = early.parts.iter().map(|part| part.milliseconds_at(row));
        Some(spans.collect::<SmallVec<[_; 6]>>())
    });
    let span_of = |part: usize| match &early {
        Some(spans) => spans[part],
        None => of_committed(part),
    };
    let whole = match &early {
        Some(spans) => Some(spans.iter().flatten().sum()),
        None => lead_time(changes, LeadTimeFrom::Committed)?.milliseconds_at(at),
    };
    let Some(whole): Option<i64> = whole else {
        // Of a commit after its deployment no boundary is known.
        return (part + 1 == Metric::PARTS.len()).then_some(total);
    };
    let start = whole - total;
    let (mut boundary, mut last) = (0, start);
    for number in 0..=part {
        let Some(span) = span_of(number) else {
            continue;
        };
        boundary += span;
        if boundary < start {
            continue;
        }
        if number == part {
            return Some(boundary - last);
        }
        last = boundary;
    }
    None
}

/// One part of the lead times from `committed`.
fn committed_part(changes: &Changes, part: usize) -> Option<&Durations> {
    match &changes.parts {
        Some(parts) => parts.get(part),
        // Without boundaries all of the lead time is its last part.
        None if part + 1 == Metric::PARTS.len() => lead_time(changes, LeadTimeFrom::Committed),
        None => None,
    }
}
