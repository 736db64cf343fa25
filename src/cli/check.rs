//! `pelorus check`: proves that sources can be read.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use chrono::Utc;
use comfy_table::{Cell, Color};

use super::arguments::Check;
use super::exit::{Exit, Failure};
use super::table::Looks;
use super::{load, print, query};
use crate::app::{Addresses, App, SourceCheck};
use crate::model::SourceName;

/// How long one source may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Checks all sources, or one.
pub(super) async fn run(arguments: Check) -> Result<Exit, Failure> {
    let settings = load::from_file(arguments.config.as_deref())?;
    let names: Vec<String> = settings
        .sources
        .iter()
        .map(|source| source.name.to_string())
        .collect();
    let source = arguments.source.map(SourceName::from);
    if let Some(wanted) = &source
        && !names.iter().any(|name| name == wanted.as_str())
    {
        return Err(Failure::unusable(anyhow!(
            "the settings have no source `{wanted}`; sources: {}",
            names.join(", ")
        )));
    }
    let location = load::location(&settings);
    let app =
        App::start(Arc::new(settings), &location, Addresses::All).map_err(query::not_started)?;
    let checks = app.check(source.as_ref(), Utc::now(), PATIENCE).await;
    app.stop().await;
    print(draw(&checks, Looks::of_stdout()).as_bytes())?;
    Ok(exit_of(&checks))
}

/// A row a source; how far it was read and advice stand below it.
pub(super) fn draw(checks: &[SourceCheck], looks: Looks) -> String {
    let mut table = looks.table(["", "Source", "Kind", "Result"]);
    for check in checks {
        let (mark, colour, message) = match &check.result {
            Ok(message) => ("✓", Color::Green, message),
            Err(failure) => ("✗", Color::Red, failure),
        };
        table.add_row(vec![
            looks.coloured(Cell::new(mark), colour),
            Cell::new(&check.name),
            Cell::new(check.kind),
            Cell::new(message),
        ]);
        let advice = check.advice.as_ref().map(|advice| format!("→ {advice}"));
        for line in check.reading.iter().cloned().chain(advice) {
            table.add_row(vec![
                Cell::new(""),
                Cell::new(""),
                Cell::new(""),
                Cell::new(line),
            ]);
        }
    }
    let lines: Vec<String> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    format!("{}\n", lines.join("\n"))
}

/// Any source that fails makes the check fail.
pub(super) fn exit_of(checks: &[SourceCheck]) -> Exit {
    if checks.iter().all(|check| check.result.is_ok()) {
        Exit::Answered
    } else {
        Exit::Unreadable
    }
}
