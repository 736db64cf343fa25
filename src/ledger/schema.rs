//! The tables, and how an older file becomes a current one.
//!
//! Instants are whole milliseconds since 1970 UTC. `readable` is for people with `sqlite3`; SQLite keeps the comments.

use rusqlite::{Connection, Transaction};

use super::error::{corrupt, sqlite};

/// Marks a file as a ledger of ours (`PELO`).
pub(super) const APPLICATION_ID: i64 = 0x5045_4c4f;

/// Steps from one schema version to the next; step N makes version N + 1. Released steps never change.
const MIGRATIONS: &[&str] = &[FIRST, SECOND, THIRD];

/// The schema version that this program writes.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

const FIRST: &str = "
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value NOT NULL -- pseudonym_key: secret; indexed: the last event whose keys are in event_key
) WITHOUT ROWID;
INSERT INTO meta VALUES ('pseudonym_key', randomblob(32)), ('indexed', 0);

CREATE TABLE source (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    read_at INTEGER NOT NULL -- when it last stored anything, or was found unchanged
);

CREATE TABLE subject ( -- what decides whose an event is; few events differ in it
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key INTEGER NOT NULL, -- hash of attributes
    events INTEGER NOT NULL, -- how many events have it now
    attributes TEXT NOT NULL -- JSON
);
CREATE INDEX subject_key ON subject (key);

CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    subject INTEGER NOT NULL, -- subject.id
    kind INTEGER NOT NULL, -- 0 commit, 1 pull request, 2 build, 3 deployment, 4 incident, 5 release, 6 verdict
    key INTEGER NOT NULL, -- start of a commit's hash, else hash of natural_id
    source INTEGER NOT NULL, -- source.id
    revision INTEGER NOT NULL, -- when it was stored or last changed
    settled INTEGER NOT NULL, -- 0: is read again until it has ended
    time INTEGER NOT NULL, -- main time: committed, finished, opened ...
    began INTEGER, -- of commits authored_at, of deployments started_at
    ended INTEGER, -- of deployments finished_at
    commit_hash BLOB, -- of commits and deployments
    parents BLOB, -- of commits: their hashes one after another
    natural_id TEXT, -- of commits absent where it is commit:<repository>@<hash>
    body TEXT, -- JSON: what stands neither here nor in the subject
    title TEXT, -- commit message, title, reason
    url TEXT
);
CREATE INDEX event_unsettled ON event (source) WHERE settled = 0;

CREATE TABLE event_key ( -- finds events; those after meta.indexed are not in it yet
    space INTEGER NOT NULL, -- a kind, or a link between kinds (src/ledger/tail.rs)
    key INTEGER NOT NULL,
    event INTEGER NOT NULL,
    PRIMARY KEY (space, key, event)
) WITHOUT ROWID;

CREATE TABLE event_run ( -- events of a subject stand in runs; those after meta.indexed are not in it yet
    subject INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (subject, first, last)
) WITHOUT ROWID;

CREATE TABLE event_version ( -- what sources said where they differ; the event is merged of these
    event INTEGER NOT NULL,
    source TEXT NOT NULL,
    url TEXT,
    body TEXT NOT NULL -- JSON, as in an events file
);
CREATE INDEX event_version_event ON event_version (event);

CREATE TABLE reference ( -- verdicts, and incidents and deployments that name another event
    event INTEGER PRIMARY KEY
);

CREATE TABLE claim ( -- repositories whose commits a deployment subject put live
    subject INTEGER NOT NULL,
    repository TEXT NOT NULL,
    PRIMARY KEY (subject, repository)
) WITHOUT ROWID;

CREATE TABLE tally (
    source INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    events INTEGER NOT NULL,
    earliest INTEGER NOT NULL,
    latest INTEGER NOT NULL,
    PRIMARY KEY (source, kind)
) WITHOUT ROWID;

CREATE TABLE overlap ( -- sources that reported the same events: if one is forgotten, the other is read again
    source INTEGER NOT NULL,
    other INTEGER NOT NULL,
    PRIMARY KEY (source, other)
) WITHOUT ROWID;

CREATE TABLE coverage ( -- ranges that a source answered for, half-open
    source INTEGER NOT NULL,
    start INTEGER NOT NULL,
    \"end\" INTEGER NOT NULL,
    PRIMARY KEY (source, start)
) WITHOUT ROWID;

CREATE TABLE cursor ( -- where a source's reading goes on
    source INTEGER PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE memory ( -- look-ups that never change
    key TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE outbox ( -- event versions still to be sent
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    destination TEXT NOT NULL,
    event INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    UNIQUE (destination, event, revision)
);

CREATE TABLE quarantine ( -- event versions that a destination refuses
    destination TEXT NOT NULL,
    event INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (destination, event, revision)
) WITHOUT ROWID;

CREATE VIEW readable AS
SELECT event.id,
    CASE event.kind WHEN 0 THEN 'commit' WHEN 1 THEN 'pull_request' WHEN 2 THEN 'build'
        WHEN 3 THEN 'deployment' WHEN 4 THEN 'incident' WHEN 5 THEN 'release' ELSE 'verdict' END AS kind,
    source.name AS source,
    strftime('%Y-%m-%dT%H:%M:%fZ', event.time / 1000.0, 'unixepoch') AS time,
    subject.attributes AS subject,
    lower(hex(event.commit_hash)) AS commit_hash,
    event.natural_id, event.body, event.title, event.url
FROM event JOIN source ON source.id = event.source JOIN subject ON subject.id = event.subject;
";

/// SQLite checks the shape of its pages and not what stands in them: a flipped bit in a time would be another time.
const SECOND: &str = "
ALTER TABLE event ADD COLUMN checksum INTEGER; -- of subject to url but source, revision, settled (src/ledger/rows.rs); absent in rows of older versions
";

/// The outbox as it is used: an event waits once a destination, and its newest version is what is sent.
const THIRD: &str = "
DROP TABLE outbox;
DROP TABLE quarantine;

CREATE TABLE destination ( -- where pelorus export sends events
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

CREATE TABLE unsent_source ( -- sources that read back what was exported: what they store is not sent
    name TEXT PRIMARY KEY
) WITHOUT ROWID;

CREATE TABLE outbox ( -- events whose newest version is still to be sent
    destination INTEGER NOT NULL, -- destination.id
    route INTEGER NOT NULL, -- 0 live, 1 backfill
    event INTEGER NOT NULL,
    PRIMARY KEY (destination, route, event)
) WITHOUT ROWID;

CREATE TABLE quarantine ( -- events whose newest version a destination refuses
    destination INTEGER NOT NULL,
    event INTEGER NOT NULL,
    revision INTEGER NOT NULL, -- of the refused version
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (destination, event)
) WITHOUT ROWID;
";

/// What a file says of itself.
pub(super) enum Found {
    /// Nothing is in it yet.
    Empty,
    /// A ledger of this schema version.
    Ledger(i64),
}

/// Looks at a file without changing it.
///
/// # Errors
/// A file that is no ledger is `SQLITE_NOTADB`.
pub(super) fn inspect(connection: &Connection) -> rusqlite::Result<Found> {
    let number = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i64>(0));
    let application = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    match (application, version, tables) {
        (0, 0, 0) => Ok(Found::Empty),
        (APPLICATION_ID, 1.., 1..) => Ok(Found::Ledger(version)),
        (APPLICATION_ID, _, _) => Err(corrupt("the header and the tables disagree")),
        _ => Err(sqlite(
            rusqlite::ffi::SQLITE_NOTADB,
            "the file belongs to another program",
        )),
    }
}

/// Brings the tables from `version` to `VERSION`.
///
/// # Errors
/// SQLite's; the caller's transaction is then not to be committed.
pub(super) fn migrate(transaction: &Transaction<'_>, version: i64) -> rusqlite::Result<()> {
    let done = usize::try_from(version).unwrap_or(0);
    for step in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(step)?;
    }
    transaction.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
    ))
}
