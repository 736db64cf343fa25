//! Answers drawn for people.

mod numbers;
mod rows;
mod scorecard;
mod series;

#[cfg(test)]
mod tests;

use std::io::IsTerminal;

use chrono::{DateTime, Datelike, Utc};
use chrono_tz::Tz;
use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, presets};

use crate::app::Answered;
use crate::dora::Answer;
use crate::model::{Bucket, GroupKey, Kind, Question, Text};

use super::humanise::NOTHING;

/// Where a table is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Looks {
    /// Whether it may have colours.
    pub(super) has_colour: bool,
    /// Columns of the terminal; `None`: as wide as it gets.
    pub(super) width: Option<u16>,
}

impl Looks {
    /// Those of stdout: colours on a terminal, unless `NO_COLOR` is set.
    pub(super) fn of_stdout() -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            has_colour: is_terminal && !no_colour,
            width: is_terminal.then(|| console_width().unwrap_or(100)),
        }
    }

    /// A table without rows, with this header.
    pub(super) fn table<'a>(self, header: impl IntoIterator<Item = &'a str>) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Disabled);
        if let Some(width) = self.width {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(width);
        }
        if self.has_colour {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        let header = header.into_iter().map(|title| {
            Cell::new(title)
                .add_attribute(Attribute::Bold)
                .add_attribute(Attribute::Dim)
        });
        table.set_header(header);
        table
    }

    pub(super) fn coloured(self, cell: Cell, colour: Color) -> Cell {
        if self.has_colour {
            cell.fg(colour)
        } else {
            cell
        }
    }
}

fn console_width() -> Option<u16> {
    // The width that the terminal tells, through the table's own look at it.
    Table::new().width()
}

/// The answer as a table with a title.
pub(super) fn draw(answered: &Answered, looks: Looks) -> String {
    let question = &answered.question;
    let zone = question.timezone.unwrap_or(Tz::UTC);
    let body = match &answered.answer {
        Answer::Series {
            metric,
            statistic,
            series,
            ..
        } => series::draw(question, *metric, *statistic, series, looks),
        Answer::Numbers(numbers) if question.kind == Kind::Scorecard => {
            scorecard::draw(numbers, looks)
        }
        Answer::Numbers(numbers) => numbers::draw(numbers, looks),
        Answer::Table(table) => rows::draw(table, zone, looks),
        // `App` fills events into a table before it answers.
        Answer::Events { .. } | Answer::Quality { .. } => None,
    };
    let title = format!("{}\n{}\n", answered.explained, range_line(answered, zone));
    match body {
        Some(table) => format!("{title}\n{}\n", trimmed(&table)),
        None => format!("{title}\nNothing to show.\n"),
    }
}

fn range_line(answered: &Answered, zone: Tz) -> String {
    let show = |instant: DateTime<Utc>| {
        let local = instant.with_timezone(&zone);
        let is_midnight = local.format("%H:%M:%S").to_string() == "00:00:00";
        local
            .format(if is_midnight {
                "%Y-%m-%d"
            } else {
                "%Y-%m-%d %H:%M"
            })
            .to_string()
    };
    format!(
        "{} to {}, {}",
        show(answered.range.start),
        show(answered.range.end),
        zone.name()
    )
}

/// The drawn table without the spaces at its lines' ends.
fn trimmed(table: &Table) -> String {
    let lines: Vec<String> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n")
}

/// A group's value of a key, as people read it.
fn group_text(value: Option<&Text>) -> String {
    match value {
        Some(value) => value.to_string(),
        None => "(none)".to_owned(),
    }
}

/// The titles of a group's columns.
fn group_titles(keys: impl IntoIterator<Item = GroupKey>) -> Vec<String> {
    keys.into_iter()
        .map(|key| match key {
            GroupKey::Label(name) => name.to_string(),
            key => capitalised(&key.word()),
        })
        .collect()
}

/// A bucket's name: `2026-W02`, `2026-01`, `2026-01-05`.
fn bucket_text(start: DateTime<Utc>, question: &Question, bucket: Bucket) -> String {
    let zone = question.timezone.unwrap_or(Tz::UTC);
    let local = start.with_timezone(&zone);
    match bucket {
        Bucket::Hour => local.format("%Y-%m-%d %H:%M").to_string(),
        Bucket::Month => local.format("%Y-%m").to_string(),
        Bucket::Quarter => format!("{}-Q{}", local.year(), local.month0() / 3 + 1),
        Bucket::Auto | Bucket::Day | Bucket::Week | Bucket::Rolling { .. } | Bucket::None => {
            local.format("%Y-%m-%d").to_string()
        }
    }
}

fn capitalised(word: &str) -> String {
    let spaced = word.replace('_', " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn right(text: impl ToString) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

fn dim(text: impl ToString) -> Cell {
    Cell::new(text).add_attribute(Attribute::Dim)
}

/// A ratio that is worth saying, since it is not whole.
fn shortfall(ratio: f64, of_what: &str) -> Option<String> {
    (ratio < 0.9995).then(|| format!("{} {of_what}", super::humanise::percent(ratio)))
}

fn dash_or(text: Option<String>) -> String {
    text.unwrap_or_else(|| NOTHING.to_owned())
}
