//! Files that are not what was written.

use super::{Folder, batch, commits, flush, one_of_each_kind};
use crate::ledger::{Depth, LedgerError};

/// A closed ledger of several pages, as bytes.
fn closed_ledger(folder: &Folder) -> Vec<u8> {
    let ledger = folder.open();
    let mut events = commits("git", "github.com/acme/shop", 1..400);
    events.extend(one_of_each_kind());
    ledger.store(&batch("git", events)).unwrap();
    flush(&ledger);
    drop(ledger);
    std::fs::read(folder.file()).unwrap()
}

fn read_everything(folder: &Folder) -> Result<usize, LedgerError> {
    let ledger = folder.try_open()?.0;
    let subjects: Vec<_> = ledger.subjects()?.into_iter().map(|(id, _)| id).collect();
    ledger.references()?;
    ledger.unfinished(&"git".into())?;
    ledger.stats(&"git".into())?;
    ledger.coverage(&"git".into())?;
    ledger.claims()?;
    let events = ledger.events_of(&subjects, Depth::Whole)?;
    ledger.store(&batch(
        "git",
        commits("git", "github.com/acme/shop", 390..410),
    ))?;
    Ok(events.len())
}

#[test]
fn a_ledger_whose_pages_are_overwritten_says_damaged() {
    let folder = Folder::new();
    let bytes = closed_ledger(&folder);
    let mut damaged = bytes.clone();
    for byte in &mut damaged[4096..] {
        *byte = !*byte;
    }
    std::fs::write(folder.file(), &damaged).unwrap();
    let error = read_everything(&folder).unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error:?}");
    assert_eq!(std::fs::read(folder.file()).unwrap().len(), damaged.len());

    std::fs::write(folder.file(), &bytes[..bytes.len() / 2]).unwrap();
    let error = read_everything(&folder).unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error:?}");
}

#[test]
fn an_event_that_is_not_what_was_written_is_damage() {
    let changes = [
        "time = time + 1",
        "began = coalesce(began, 0) + 1",
        "ended = coalesce(ended, 0) + 1",
        "commit_hash = zeroblob(20)",
        "parents = zeroblob(20)",
        "natural_id = 'another'",
        "body = replace(body, 'a', 'b')",
        "title = 'another'",
        "url = 'https://another.example'",
    ];
    let folder = Folder::new();
    let bytes = closed_ledger(&folder);
    for change in changes {
        std::fs::write(folder.file(), &bytes).unwrap();
        let connection = rusqlite::Connection::open(folder.file()).unwrap();
        connection
            .execute(&format!("UPDATE event SET {change}"), [])
            .unwrap();
        drop(connection);
        let error = read_everything(&folder).unwrap_err();
        assert!(
            matches!(error, LedgerError::Damaged { .. }),
            "{change}: {error:?}"
        );
    }
}

#[test]
fn events_of_an_older_ledger_have_no_checksum_and_are_read() {
    let folder = Folder::new();
    closed_ledger(&folder);
    let wanted = read_everything(&folder).unwrap();
    let connection = rusqlite::Connection::open(folder.file()).unwrap();
    connection
        .execute_batch("ALTER TABLE event DROP COLUMN checksum; DROP TABLE destination; DROP TABLE unsent_source; PRAGMA user_version = 1")
        .unwrap();
    drop(connection);
    // The first reading stored ten more.
    assert_eq!(read_everything(&folder).unwrap(), wanted + 10);
}

#[test]
fn a_flipped_bit_anywhere_never_panics() {
    let folder = Folder::new();
    let bytes = closed_ledger(&folder);
    let mut seen_damaged = 0;
    for at in (0..bytes.len()).step_by(211) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        std::fs::write(folder.file(), &damaged).unwrap();
        // Another test's child holds every lock of this process for a moment, between its fork and its exec.
        let read = loop {
            match read_everything(&folder) {
                Err(LedgerError::ReadOnly { .. }) => std::thread::yield_now(),
                read => break read,
            }
        };
        match read {
            Err(LedgerError::Damaged { .. }) => seen_damaged += 1,
            Ok(_)
            | Err(
                LedgerError::ReadOnly { .. }
                | LedgerError::Newer { .. }
                | LedgerError::Unavailable { .. }
                | LedgerError::Locked { .. },
            ) => {}
        }
    }
    assert!(seen_damaged > 0);
}
