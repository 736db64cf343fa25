//! Writes the history down: one file of events, and settings that read it.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context, Result};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::Told;
use super::estate::PROFILES;

const EVENTS_FILE: &str = "events.jsonl";
const SETTINGS_FILE: &str = "pelorus.yaml";

/// Writes both files; returns what to tell the user.
///
/// # Errors
/// A folder or file that cannot be written.
pub(super) fn write(folder: &Path, history: &[Told], now: DateTime<Utc>) -> Result<String> {
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    write_events(&folder.join(EVENTS_FILE), history)?;
    let path = folder.join(SETTINGS_FILE);
    fs::write(&path, settings()).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(what_next(folder, history.len(), now))
}

fn write_events(path: &Path, history: &[Told]) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let mut file = BufWriter::new(File::create(path).with_context(failed)?);
    for told in history {
        serde_json::to_writer(&mut file, &line(told)?).with_context(failed)?;
        file.write_all(b"\n").with_context(failed)?;
    }
    file.flush().with_context(failed)
}

/// An event as a line of an events file has it.
pub(super) fn line((id, body): &Told) -> Result<Value> {
    let mut line = serde_json::to_value(body).context("cannot write an event as JSON")?;
    if let Some(id) = id {
        line["id"] = json!(id.as_str());
    }
    Ok(line)
}

/// Settings that read the events file.
pub(super) fn settings() -> String {
    let mut text = String::from(
        "# Settings of the demo: one file of events, eight applications of four teams.\n\
         # docs/settings.md explains every key.\n\
         ledger: pelorus.db\n\
         timezone: Europe/Berlin\n\
         # The people are made up.\n\
         people: shown\n\
         sources:\n",
    );
    let mut add = |line: String| writeln!(text, "{line}").expect("memory takes every write");
    add(format!(
        "  - {{ name: demo, kind: events, path: {EVENTS_FILE} }}"
    ));
    add("applications:".to_owned());
    for profile in PROFILES {
        let (name, repository) = (profile.application(), profile.repository());
        add(format!(
            "  - {{ name: {name}, repositories: [\"{repository}\"] }}"
        ));
    }
    text
}

fn what_next(folder: &Path, events: usize, now: DateTime<Utc>) -> String {
    let folder = folder.display();
    let now = now.to_rfc3339_opts(SecondsFormat::Secs, true);
    let query = format!("pelorus query --config {folder}/{SETTINGS_FILE} --now {now}");
    format!(
        "Wrote {events} events of a year to {folder}/{EVENTS_FILE}, and {folder}/{SETTINGS_FILE} that reads them.\n\
         The year ends at {now}; `payments/checkout` gets better in it, `logistics/orders` worse.\n\
         \n\
         Try next:\n\
         \n  {query}\n\
         \n  {query} --from now-1y \\\
         \n    '{{\"metric\":\"change_lead_time\",\"groupBy\":[\"team\"],\"bucket\":\"month\"}}'\n\
         \n  {query} --from now-30d \\\
         \n    '{{\"kind\":\"events\",\"table\":\"deployments\",\"filters\":[{{\"key\":\"application\",\"value\":\"logistics/orders\"}}]}}'\n"
    )
}
