//! Fills the rows behind the numbers with what the ledger says of each event.

use std::collections::HashMap;

use super::naming::repository_of;
use super::tables::{Form, Found, Origin, Spec, specs};
use crate::dora::{Cell, Column, EVENT_COLUMN, EventRow, Named, Table, Values};
use crate::ledger::{Ledger, LedgerError};
use crate::model::{Event, EventKey, EventKind, Question, Repository, SourceName, Text};
use crate::sync::Names;

/// Events looked up at once.
const KEYS_AT_ONCE: usize = 2_000;

/// The table of the rows: the same columns with and without rows.
///
/// # Errors
/// The ledger's.
pub(super) fn fill(
    ledger: &Ledger,
    names: &Names,
    question: &Question,
    rows: Vec<EventRow>,
) -> Result<Table, LedgerError> {
    let events = look_up(ledger, names, &rows)?;
    let find = |key: &(EventKind, EventKey), repository: Option<&Repository>| {
        let found = events.get(key)?;
        // A commit lives in every fork: the one in the deployment's repository is meant.
        let meant = found
            .iter()
            .find(|event| repository.is_some() && repository_of(event) == repository);
        meant.or(found.first())
    };
    let found: Vec<Found<'_>> = rows
        .iter()
        .map(|row| {
            let deployment = row.deployment.as_ref().and_then(|key| find(key, None));
            Found {
                row,
                event: find(&row.event, deployment.and_then(repository_of)),
                deployment,
                evidence: row
                    .evidence
                    .iter()
                    .filter_map(|key| find(key, None))
                    .collect(),
            }
        })
        .collect();
    Ok(Table {
        columns: specs(question)
            .iter()
            .map(|spec| column(spec, &found))
            .collect(),
        notices: Vec::new(),
    })
}

/// The table with the ids of the events that its rows are about; null for those that were forgotten meanwhile.
///
/// # Errors
/// The ledger's.
pub(super) fn name(
    ledger: &Ledger,
    mut table: Table,
    named: &[Option<Named>],
) -> Result<Table, LedgerError> {
    let mut keys: Vec<_> = named.iter().flatten().map(|named| named.event).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut known = HashMap::<_, Vec<(SourceName, Text)>>::with_capacity(keys.len());
    for some in keys.chunks(KEYS_AT_ONCE) {
        for event in ledger.events(some)? {
            let key = (event.body.kind(), event.key());
            let id = event.id.text().clone();
            known.entry(key).or_default().push((event.source, id));
        }
    }
    let id = |named: &Named| {
        let found = known.get(&named.event)?;
        let own = found.iter().find(|(source, _)| *source == named.source);
        own.or(found.first()).map(|(_, id)| id.clone())
    };
    let ids = named.iter().map(|named| named.as_ref().and_then(id));
    let ids = Values::Text(ids.collect());
    let mut columns = table.columns.iter_mut();
    if let Some(column) = columns.find(|column| column.name == EVENT_COLUMN) {
        column.values = ids;
    }
    Ok(table)
}

type Events = HashMap<(EventKind, EventKey), Vec<Event>>;

fn look_up(ledger: &Ledger, names: &Names, rows: &[EventRow]) -> Result<Events, LedgerError> {
    let mut keys: Vec<_> = rows
        .iter()
        .flat_map(|row| [row.event].into_iter().chain(row.deployment))
        .chain(rows.iter().flat_map(|row| row.evidence.iter().copied()))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    let mut events = Events::with_capacity(keys.len());
    for some in keys.chunks(KEYS_AT_ONCE) {
        for mut event in ledger.events(some)? {
            names.treat(&mut event);
            let key = (event.body.kind(), event.key());
            events.entry(key).or_default().push(event);
        }
    }
    Ok(events)
}

fn column((name, form, from): &Spec, found: &[Found<'_>]) -> Column {
    let cell = |found: &Found<'_>| match from {
        Origin::Events(read) => Some(read(found)),
        Origin::Cell => {
            let mut cells = found.row.cells.iter();
            cells
                .find(|(known, _)| known == name)
                .map(|(_, cell)| cell.clone())
        }
    };
    let cells = found.iter().map(cell);
    let (unit, values) = match form {
        Form::Text => (
            None,
            Values::Text(
                cells
                    .map(|cell| match cell {
                        Some(Cell::Text(text)) => text,
                        _ => None,
                    })
                    .collect(),
            ),
        ),
        Form::Number(unit) => (
            Some(*unit),
            Values::Number(
                cells
                    .map(|cell| match cell {
                        Some(Cell::Number(number, _)) => number,
                        _ => None,
                    })
                    .collect(),
            ),
        ),
        Form::Time => (
            None,
            Values::Time(
                cells
                    .map(|cell| match cell {
                        Some(Cell::Time(time)) => time,
                        _ => None,
                    })
                    .collect(),
            ),
        ),
        Form::Flag => (
            None,
            Values::Flag(
                cells
                    .map(|cell| match cell {
                        Some(Cell::Flag(flag)) => Some(flag),
                        _ => None,
                    })
                    .collect(),
            ),
        ),
    };
    Column {
        name: (*name).to_owned(),
        unit,
        values,
    }
}
