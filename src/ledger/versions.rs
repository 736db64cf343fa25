//! What sources said of an event, where they differ.

use rusqlite::{Connection, params};

use super::error::corrupt;
use super::merge;
use crate::model::Event;

/// The stored versions of an event; none where it is of one version.
///
/// # Errors
/// SQLite's, and damage.
pub(super) fn versions_of(
    connection: &Connection,
    id: i64,
    event: &Event,
) -> rusqlite::Result<Vec<Event>> {
    let mut statement = connection
        .prepare_cached("SELECT source, url, body FROM event_version WHERE event = ?1")?;
    let mut rows = statement.query([id])?;
    let mut versions = Vec::new();
    while let Some(row) = rows.next()? {
        let body: String = row.get(2)?;
        versions.push(Event {
            id: event.id.clone(),
            source: row.get::<_, String>(0)?.into(),
            url: row.get::<_, Option<String>>(1)?.map(Into::into),
            body: serde_json::from_str(&body)
                .map_err(|_| corrupt("a version of an event is unreadable"))?,
        });
    }
    Ok(versions)
}

/// Stores the versions of an event; a single one is the event itself.
///
/// # Errors
/// SQLite's.
pub(super) fn store_versions(
    connection: &Connection,
    id: i64,
    versions: &[Event],
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM event_version WHERE event = ?1")?
        .execute([id])?;
    if versions.len() < 2 {
        return Ok(());
    }
    let mut statement =
        connection.prepare_cached("INSERT INTO event_version VALUES (?1, ?2, ?3, ?4)")?;
    for version in versions {
        statement.execute(params![
            id,
            version.source.as_str(),
            version.url.as_deref(),
            merge::json(&version.body)
        ])?;
    }
    Ok(())
}
