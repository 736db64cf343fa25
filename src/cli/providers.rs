//! `pelorus providers`: the kinds of sources and their settings.

use anyhow::anyhow;
use comfy_table::Cell;

use super::arguments::Providers;
use super::exit::{Exit, Failure};
use super::print;
use super::table::Looks;
use crate::config::{Field, FieldType, SOURCE_FIELDS, describe_kinds};
use crate::providers::{KINDS, ProviderKind};

/// Lists all kinds, or the settings of one.
pub(super) fn run(arguments: &Providers) -> Result<Exit, Failure> {
    let chosen = match &arguments.kind {
        None => None,
        Some(name) => Some(crate::providers::kind(name).ok_or_else(|| {
            let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
            Failure::unusable(anyhow!(
                "there is no kind `{name}`; kinds: {}",
                names.join(", ")
            ))
        })?),
    };
    let text = if arguments.json {
        json(chosen.map(|kind| kind.name))
    } else {
        match chosen {
            Some(kind) => draw_kind(kind, Looks::of_stdout()),
            None => draw_kinds(KINDS, Looks::of_stdout()),
        }
    };
    print(text.as_bytes())?;
    Ok(Exit::Answered)
}

fn json(only: Option<&str>) -> String {
    let mut described = describe_kinds();
    if let Some(kinds) = described["kinds"].as_array_mut() {
        kinds.retain(|kind| only.is_none_or(|name| kind["name"] == name));
    }
    format!("{described:#}\n")
}

/// A row a kind.
pub(super) fn draw_kinds(kinds: &[&ProviderKind], looks: Looks) -> String {
    let mut table = looks.table(["Kind", "Group", "What it is", "Settings"]);
    for kind in kinds {
        let settings: Vec<&str> = kind.fields.iter().map(|field| field.key).collect();
        table.add_row([kind.name, kind.group, kind.help, &settings.join(", ")]);
    }
    let lines: Vec<String> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    format!(
        "{}\n\n`pelorus providers <kind>` explains the settings of one.\n",
        lines.join("\n")
    )
}

/// A row a setting.
pub(super) fn draw_kind(kind: &ProviderKind, looks: Looks) -> String {
    let mut table = looks.table(["Setting", "Takes", "Default", "Meaning"]);
    for field in SOURCE_FIELDS.iter().chain(kind.fields) {
        let default = if field.required {
            "required"
        } else {
            field.default.unwrap_or("")
        };
        table.add_row(vec![
            Cell::new(field.key),
            Cell::new(takes(field)),
            Cell::new(default),
            Cell::new(field.help),
        ]);
    }
    let lines: Vec<String> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    format!("{}: {}\n\n{}\n", kind.title, kind.help, lines.join("\n"))
}

fn takes(field: &Field) -> String {
    match field.takes {
        FieldType::Text => "text".to_owned(),
        FieldType::Secret => "secret".to_owned(),
        FieldType::Integer => "number".to_owned(),
        FieldType::Duration => "span of time".to_owned(),
        FieldType::Boolean => "true or false".to_owned(),
        FieldType::Choice(words) => words.join(" | "),
        FieldType::TextList => "list".to_owned(),
        FieldType::Path => "path".to_owned(),
        FieldType::PathList => "paths".to_owned(),
    }
}
