//! How complete the data is: what sources covered, what is linked, what is odd.

use crate::correlate::{Block, Flags};
use crate::model::{Notice, Question, Text, TimeRange, Unit};

use super::Context;
use super::answer::{Answer, Column, Named, Table, Values};
use super::calendar::instant;
use super::notices;
use super::select::Selection;

/// The column that names the event a row is about.
pub const EVENT_COLUMN: &str = "event";

/// Rows of the table while it grows.
#[derive(Default)]
struct Rows {
    application: Vec<Option<Text>>,
    source: Vec<Option<Text>>,
    kind: Vec<Option<Text>>,
    event: Vec<Option<Named>>,
    at: Vec<Option<chrono::DateTime<chrono::Utc>>>,
    until: Vec<Option<chrono::DateTime<chrono::Utc>>>,
    share: Vec<Option<f64>>,
    text: Vec<Option<Text>>,
}

impl Rows {
    /// Adds a row about the whole estate, a source or an application, without an event.
    fn push(
        &mut self,
        application: Option<&Text>,
        source: Option<&Text>,
        kind: &str,
        share: Option<f64>,
        text: String,
    ) {
        self.application.push(application.cloned());
        self.source.push(source.cloned());
        self.kind.push(Some(kind.into()));
        self.event.push(None);
        self.at.push(None);
        self.until.push(None);
        self.share.push(share);
        self.text.push(Some(text.into()));
    }
}

/// What is known of the data behind the answers of a range.
///
/// Shape: text `kind`, `application`, `source`, `event` (null until `app` fills in the ids), time `at` and `until`,
/// number `share` (a ratio), text `text`. First one row a source and covered stretch (`coverage`; without any: `at` null, share 0),
/// then one an application (`linked`: the share of its deployments with a known commit), then one an oddity, newest
/// first (`unlinked`, `shadowed`, `unknown_reference`, `negative_lead_time`, `negative_restore`), at most `limit`.
pub(super) fn answer(context: &Context<'_>, question: &Question, blocks: &[&Block]) -> Answer {
    let mut rows = Rows::default();
    coverage_rows(context, &mut rows);
    let selection = Selection::new(question);
    let (start, end) = (
        context.range.start.timestamp_millis(),
        context.range.end.timestamp_millis(),
    );
    for block in blocks {
        link_row(&selection, block, start..end, &mut rows);
    }
    let mut said = notices::of_applications(blocks);
    let mut odd: Vec<(&Block, &crate::correlate::QualityRow)> = blocks
        .iter()
        .flat_map(|block| block.quality.iter().map(move |row| (*block, row)))
        .filter(|(_, row)| (start..end).contains(&row.at))
        .collect();
    odd.sort_by(|(a, one), (b, other)| {
        let order = |block: &Block, row: &crate::correlate::QualityRow| {
            (
                std::cmp::Reverse(row.at),
                block.application.clone(),
                row.kind,
                row.event,
            )
        };
        order(a, one).cmp(&order(b, other))
    });
    let all = odd.len();
    odd.truncate(question.limit);
    if odd.len() < all {
        said.push(Notice::info(format!(
            "The newest {} of {all} oddities are shown.",
            odd.len()
        )));
    }
    for (block, row) in odd {
        let (application, source) = (block.application.text(), row.source.text());
        rows.push(
            Some(application),
            Some(source),
            row.kind.as_str(),
            None,
            row.text.clone(),
        );
        if let (Some(event), Some(at)) = (rows.event.last_mut(), rows.at.last_mut()) {
            *event = Some(Named {
                event: row.event,
                source: row.source.clone(),
            });
            *at = Some(instant(row.at));
        }
    }
    let text = |name: &str, values| Column {
        name: name.to_owned(),
        unit: None,
        values: Values::Text(values),
    };
    let time = |name: &str, values| Column {
        name: name.to_owned(),
        unit: None,
        values: Values::Time(values),
    };
    let table = Table {
        columns: vec![
            text("kind", rows.kind),
            text("application", rows.application),
            text("source", rows.source),
            text(EVENT_COLUMN, vec![None; rows.event.len()]),
            time("at", rows.at),
            time("until", rows.until),
            Column {
                name: "share".to_owned(),
                unit: Some(Unit::Ratio),
                values: Values::Number(rows.share),
            },
            text("text", rows.text),
        ],
        notices: notices::settled(said),
    };
    Answer::Quality {
        table,
        events: rows.event,
    }
}

fn coverage_rows(context: &Context<'_>, rows: &mut Rows) {
    let elapsed = TimeRange::new(context.range.start, context.range.end.min(context.now));
    for source in &context.coverages.sources {
        let name = source.source.text();
        let length = elapsed.length().num_milliseconds() as f64;
        let known = source.coverage.covered(elapsed).num_milliseconds() as f64;
        let share = if length > 0.0 { known / length } else { 0.0 };
        let inside = source
            .coverage
            .ranges()
            .iter()
            .map(|range| range.intersection(&elapsed));
        let inside: Vec<TimeRange> = inside.filter(|range| !range.is_empty()).collect();
        let whole = format!(
            "{} covers {:.1} % of the range.",
            source.kind,
            share * 100.0
        );
        if inside.is_empty() {
            rows.push(None, Some(name), "coverage", Some(0.0), whole);
            continue;
        }
        for range in inside {
            rows.push(None, Some(name), "coverage", Some(share), whole.clone());
            if let (Some(at), Some(until)) = (rows.at.last_mut(), rows.until.last_mut()) {
                (*at, *until) = (Some(range.start), Some(range.end));
            }
        }
    }
}

fn link_row(
    selection: &Selection<'_>,
    block: &Block,
    range: std::ops::Range<i64>,
    rows: &mut Rows,
) {
    let (mut linked, mut all) = (0_u64, 0_u64);
    for (_, lane) in selection.lanes(block) {
        let times = &lane.deployments.finished_at;
        let first = times.partition_point(|at| *at < range.start);
        let past = times.partition_point(|at| *at < range.end);
        let flags = &lane.deployments.flags[first..past.max(first)];
        all += flags.len() as u64;
        linked += flags
            .iter()
            .filter(|flags| flags.has(Flags::LINKED))
            .count() as u64;
    }
    let share = (all > 0).then(|| linked as f64 / all as f64);
    let text = format!("{linked} of {all} deployments have a known commit.");
    rows.push(Some(block.application.text()), None, "linked", share, text);
}
