//! The file: who may open it, what is in it, what it outlives.

use rusqlite::Connection;
use secrecy::ExposeSecret;

use super::{
    Folder, all_events, all_subjects, batch, commits, flush, hash, one_of_each_kind, range, sorted,
};
use crate::ledger::{Batch, Depth, Forget, Ledger, LedgerError, Location, Stored};
use crate::model::{Coverage, Cursor, EventKey, EventKind};

#[test]
fn a_full_disk_is_told_and_loses_nothing() {
    let folder = Folder::new();
    let ledger = folder.open();
    ledger
        .store(&batch("git", commits("git", "github.com/acme/shop", 1..50)))
        .unwrap();
    ledger.limit_pages("(SELECT page_count FROM pragma_page_count)");
    let error = ledger
        .store(&batch(
            "git",
            commits("git", "github.com/acme/shop", 50..5_000),
        ))
        .unwrap_err();
    assert!(
        crate::error::chain(&error).contains("full"),
        "{}",
        crate::error::chain(&error)
    );
    assert_eq!(all_events(&ledger).len(), 49);
    ledger.limit_pages("1000000");
    ledger
        .store(&batch(
            "git",
            commits("git", "github.com/acme/shop", 50..5_000),
        ))
        .unwrap();
    assert_eq!(all_events(&ledger).len(), 4_999);
}

#[test]
fn a_ledger_is_whole_after_it_was_opened_again() {
    let folder = Folder::new();
    let key = {
        let ledger = folder.open();
        ledger
            .store(&Batch {
                checkpoint: Some(Cursor("c".into())),
                covered: Some(range(0, 10)),
                ..batch("all", one_of_each_kind())
            })
            .unwrap();
        ledger.remember("etag", b"abc").unwrap();
        ledger.pseudonym_key().unwrap().expose_secret().to_vec()
    };
    let ledger = folder.open();
    assert_eq!(all_events(&ledger), sorted(one_of_each_kind()));
    assert_eq!(
        ledger.cursor(&"all".into()).unwrap(),
        Some(Cursor("c".into()))
    );
    assert_eq!(
        ledger.coverage(&"all".into()).unwrap(),
        Coverage::of(range(0, 10))
    );
    assert_eq!(ledger.recall("etag").unwrap(), Some(b"abc".to_vec()));
    assert_eq!(ledger.recall("other").unwrap(), None);
    assert_eq!(ledger.pseudonym_key().unwrap().expose_secret(), key);
    assert_eq!(key.len(), 32);
    assert_eq!(
        ledger.store(&batch("all", one_of_each_kind())).unwrap(),
        Stored::default()
    );
}

#[test]
fn a_newer_ledger_is_refused_with_what_to_do() {
    let folder = Folder::new();
    drop(folder.open());
    Connection::open(folder.file())
        .unwrap()
        .execute_batch("PRAGMA user_version = 99")
        .unwrap();
    let error = folder.try_open().err().unwrap();
    assert!(
        matches!(error, LedgerError::Newer { found: 99, .. }),
        "{error:?}"
    );
    assert!(
        error
            .to_string()
            .contains("use that version, or another ledger")
    );
}

#[test]
fn a_file_of_another_program_is_refused_and_left_alone() {
    let folder = Folder::new();
    Connection::open(folder.file())
        .unwrap()
        .execute_batch("CREATE TABLE notes (text); INSERT INTO notes VALUES ('mine')")
        .unwrap();
    let before = std::fs::read(folder.file()).unwrap();
    let error = folder.try_open().err().unwrap();
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error:?}");
    assert_eq!(std::fs::read(folder.file()).unwrap(), before);

    std::fs::write(folder.file(), "these are no tables".repeat(100)).unwrap();
    let error = folder.try_open().err().unwrap();
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error:?}");
}

#[test]
fn a_folder_in_place_of_a_file_and_a_missing_disk_are_unavailable() {
    let folder = Folder::new();
    std::fs::create_dir(folder.file()).unwrap();
    let error = folder.try_open().err().unwrap();
    assert!(
        matches!(error, LedgerError::Unavailable { .. }),
        "{error:?}"
    );
    let below_a_device = Location::File("/dev/null/pelorus.db".into());
    let error = Ledger::open(&below_a_device).err().unwrap();
    assert!(
        matches!(error, LedgerError::Unavailable { .. }),
        "{error:?}"
    );
}

#[test]
fn a_ledger_that_was_read_and_closed_is_one_file() {
    let folder = Folder::new();
    let ledger = folder.open();
    ledger.store(&batch("all", one_of_each_kind())).unwrap();
    assert_eq!(all_events(&ledger).len(), one_of_each_kind().len());
    drop(ledger);
    let log = folder.file().with_extension("db-wal");
    assert!(!log.exists(), "{}", log.display());
}

#[test]
fn a_second_owner_reads_only_and_sees_what_the_first_stores() {
    let folder = Folder::new();
    let owner = folder.open();
    owner.store(&batch("all", one_of_each_kind())).unwrap();
    let (second, notices) = folder.try_open().unwrap();
    assert!(second.is_read_only() && !owner.is_read_only());
    assert!(notices[0].text.contains("owns it"), "{notices:?}");
    let error = second.store(&batch("all", Vec::new())).unwrap_err();
    assert!(matches!(error, LedgerError::ReadOnly { .. }), "{error:?}");
    assert!(second.forget(&Forget::Person("Ada".into())).is_err());
    assert!(second.remember("a", b"b").is_err());
    assert!(second.void_coverage(&"all".into()).is_err());
    assert_eq!(all_events(&second), sorted(one_of_each_kind()));
    owner
        .store(&batch(
            "git",
            commits("git", "github.com/acme/shop", 100..150),
        ))
        .unwrap();
    assert_eq!(all_events(&second).len(), 57);
    flush(&owner);
    owner
        .store(&batch(
            "git",
            commits("git", "github.com/acme/shop", 150..200),
        ))
        .unwrap();
    assert_eq!(all_events(&second).len(), 107);
    let key = (EventKind::Commit, EventKey::of_commit(&hash(175)));
    assert_eq!(second.events(&[key]).unwrap().len(), 1);
    drop(owner);
    assert!(!folder.open().is_read_only());
}

#[cfg(unix)]
#[test]
fn only_its_owner_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let _ledger = folder.open();
    for suffix in ["", "-wal"] {
        let file = format!("{}{suffix}", folder.file().display());
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn readers_see_whole_pages_while_others_are_written() {
    let folder = Folder::new();
    let ledger = folder.open();
    ledger
        .store(&batch(
            "git",
            commits("git", "github.com/acme/shop", 1..101),
        ))
        .unwrap();
    let subjects = all_subjects(&ledger);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for page in 1..30 {
                let start = page * 100 + 1;
                let events = commits("git", "github.com/acme/shop", start..start + 100);
                ledger.store(&batch("git", events)).unwrap();
                ledger
                    .flush_long_tail(&mut ledger.writer().unwrap(), 250)
                    .unwrap();
            }
        });
        let mut seen = 0;
        while !writing.is_finished() {
            let events = ledger.events_of(&subjects, Depth::Columns).unwrap().len();
            assert!(
                events >= seen && events.is_multiple_of(100),
                "{events} after {seen}"
            );
            seen = events;
        }
    });
    assert_eq!(all_events(&ledger).len(), 3_000);
}

#[test]
fn a_person_can_read_the_file() {
    let folder = Folder::new();
    let _ledger = {
        let ledger = folder.open();
        ledger
            .store(&batch("git", commits("git", "github.com/acme/shop", 5..6)))
            .unwrap();
        ledger
    };
    let row: (String, String, String, String) = Connection::open(folder.file())
        .unwrap()
        .query_row(
            "SELECT kind, source, time, commit_hash FROM readable",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .unwrap();
    assert_eq!(row.0, "commit");
    assert_eq!(row.1, "git");
    assert_eq!(row.2, "2026-09-21T14:13:25.000Z");
    assert_eq!(row.3, hash(5).to_string());
}
