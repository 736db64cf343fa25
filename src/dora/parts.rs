//! The parts of a lead time, wherever it starts (definitions, section 2).

use std::borrow::Cow;

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
/// The boundaries are those between the commit and the deployment: what lies before a later start is skipped, and an
/// earlier start lengthens the first part there is.
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
    let committed = lead_time(changes, LeadTimeFrom::Committed)?.milliseconds_at(at);
    let Some(committed) = committed else {
        // Of a commit after its deployment no boundary is known.
        return (part + 1 == Metric::PARTS.len()).then_some(total);
    };
    let start = committed - total;
    let (mut boundary, mut last) = (0, start);
    for number in 0..=part {
        let Some(span) = of_committed(number) else {
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
