//! Opening a ledger: its file, its owner, its connections.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::error::{LedgerError, sqlite};
use super::schema::{self, Found};
use super::store::Writer;
use super::subjects::Subjects;
use super::tail::Tail;
use super::{Location, index};
use crate::model::Notice;

/// How long one connection waits for another one's lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// How many idle connections are kept for readers.
const IDLE_READERS: usize = 4;

/// The store. Clones of the `Arc` around it share one writer; readers never wait for it.
pub struct Ledger {
    pub(super) path: String,
    /// `None`: in memory, where the writer's connection is the only one.
    file: Option<PathBuf>,
    // Before the writer, so that they are closed before it: only who may write puts the log into the file at last.
    readers: Mutex<Vec<Reader>>,
    /// `None`: open for reading only.
    pub(super) writer: Option<Mutex<Writer>>,
    pub(super) tail: RwLock<Tail>,
    /// Why it is open for reading only.
    read_only: Option<String>,
    /// Nobody can change the file while it is open, so it needs no locks (a read-only file system).
    is_frozen: bool,
    /// Held as long as the ledger is open.
    _owner: Option<File>,
}

/// A connection and what was read through it.
pub(super) struct Reader {
    pub(super) connection: Connection,
    pub(super) subjects: Subjects,
}

impl Reader {
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            connection,
            subjects: Subjects::default(),
        }
    }
}

/// Who may write.
enum Ownership {
    /// This ledger; where the file system knows no locks, without proof.
    Ours(Option<File>),
    /// Somebody else, or nobody.
    Theirs { reason: String, is_frozen: bool },
}

impl Ledger {
    /// Opens a ledger, making or migrating it where needed. A file that another process owns opens read-only, with a notice.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn open(location: &Location) -> Result<(Self, Vec<Notice>), LedgerError> {
        match location {
            Location::Memory => Self::open_memory(),
            Location::File(path) => Self::open_file(path),
        }
    }

    /// Whether it was opened for reading only.
    pub fn is_read_only(&self) -> bool {
        self.writer.is_none()
    }

    fn open_memory() -> Result<(Self, Vec<Notice>), LedgerError> {
        let path = "in memory".to_owned();
        let writer = Connection::open_in_memory()
            .and_then(|mut connection| {
                prepare_tables(&mut connection)?;
                Writer::new(connection)
            })
            .map_err(|error| LedgerError::of(&path, "make", error))?;
        let ledger = Self::assembled(path, None, Ownership::Ours(None), Some(writer));
        Ok((ledger, Vec::new()))
    }

    fn open_file(path: &Path) -> Result<(Self, Vec<Notice>), LedgerError> {
        let path = resolve(path)?;
        let mut notices = Vec::new();
        let shown = path.display().to_string();
        let ownership = own(&path, &mut notices)?;
        let failed = |step| {
            let shown = shown.clone();
            move |error| LedgerError::of(&shown, step, error)
        };
        let ledger = match ownership {
            Ownership::Ours(_) => {
                make_private(&path)?;
                let mut connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE, false)
                    .map_err(failed("open"))?;
                refuse_newer(&connection, &shown)?;
                configure_writer(&connection).map_err(failed("prepare"))?;
                prepare_tables(&mut connection).map_err(failed("migrate"))?;
                let writer = Writer::new(connection).map_err(failed("open"))?;
                Self::assembled(shown.clone(), Some(path), ownership, Some(writer))
            }
            Ownership::Theirs {
                ref reason,
                is_frozen,
            } => {
                let connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY, is_frozen)
                    .map_err(failed("open"))?;
                if refuse_newer(&connection, &shown)? < schema::VERSION {
                    return Err(LedgerError::ReadOnly {
                        path: shown,
                        reason: format!(
                            "{reason}, and its tables are still to be made by the one who owns it"
                        ),
                    });
                }
                notices.push(Notice::warning(format!(
                    "The ledger {shown} is open for reading only: {reason}. Sources are not read here."
                )));
                Self::assembled(shown.clone(), Some(path), ownership, None)
            }
        };
        ledger.load_tail().map_err(failed("open"))?;
        Ok((ledger, notices))
    }

    fn assembled(
        path: String,
        file: Option<PathBuf>,
        ownership: Ownership,
        writer: Option<Writer>,
    ) -> Self {
        let (owner, read_only, is_frozen) = match ownership {
            Ownership::Ours(lock) => (lock, None, false),
            Ownership::Theirs { reason, is_frozen } => (None, Some(reason), is_frozen),
        };
        Self {
            path,
            file,
            writer: writer.map(Mutex::new),
            readers: Mutex::new(Vec::new()),
            tail: RwLock::new(Tail::default()),
            read_only,
            is_frozen,
            _owner: owner,
        }
    }

    fn load_tail(&self) -> rusqlite::Result<()> {
        if let Some(writer) = &self.writer {
            let writer = locked(writer);
            let connection = &writer.reader.connection;
            let mut tail = Tail::after(index::indexed(connection)?);
            index::load(connection, &mut tail)?;
            *self.tail.write().unwrap_or_else(PoisonError::into_inner) = tail;
        }
        Ok(())
    }

    /// The writer, one caller at a time.
    pub(super) fn writer(&self) -> Result<MutexGuard<'_, Writer>, LedgerError> {
        match &self.writer {
            Some(writer) => Ok(locked(writer)),
            None => Err(LedgerError::ReadOnly {
                path: self.path.clone(),
                reason: self.read_only.clone().unwrap_or_default(),
            }),
        }
    }

    /// Reads through a connection of its own; in memory through the writer's.
    pub(super) fn read<T>(
        &self,
        step: &'static str,
        work: impl FnOnce(&mut Reader) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        let failed = |error| LedgerError::of(&self.path, step, error);
        let Some(file) = &self.file else {
            return work(&mut self.writer()?.reader).map_err(failed);
        };
        let idle = locked(&self.readers).pop();
        let mut reader = match idle {
            Some(reader) => reader,
            None => Reader::new(
                connect(file, OpenFlags::SQLITE_OPEN_READ_ONLY, self.is_frozen).map_err(failed)?,
            ),
        };
        let result = work(&mut reader).map_err(failed)?;
        let mut readers = locked(&self.readers);
        if readers.len() < IDLE_READERS {
            readers.push(reader);
        }
        Ok(result)
    }

    /// Forgets what readers remember of subjects.
    pub(super) fn drop_readers(&self) {
        locked(&self.readers).clear();
    }
}

/// Locks even after a panic elsewhere: a transaction that it left open is rolled back before the next one begins.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The one name of the file: a link to a ledger must find the same lock.
fn resolve(path: &Path) -> Result<PathBuf, LedgerError> {
    let failed = |error: std::io::Error| LedgerError::of_file(path, "open", &error);
    if path.exists() {
        return path.canonicalize().map_err(failed);
    }
    let Some(name) = path.file_name() else {
        return Err(failed(std::io::ErrorKind::InvalidFilename.into()));
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    Ok(folder.canonicalize().map_err(failed)?.join(name))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn own(path: &Path, notices: &mut Vec<Notice>) -> Result<Ownership, LedgerError> {
    if path.is_dir() {
        let error = std::io::Error::from(std::io::ErrorKind::IsADirectory);
        return Err(LedgerError::of_file(path, "open", &error));
    }
    let lock_path = beside(path, ".lock");
    let lock = match File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&lock_path)
    {
        Ok(lock) => lock,
        Err(error) if !path.exists() => return Err(LedgerError::of_file(path, "make", &error)),
        Err(error) => {
            // Without its log the file is complete in itself; with it, readers must share memory with its owner.
            let has_log = std::fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
            return Ok(Ownership::Theirs {
                reason: format!("its folder cannot be written ({error})"),
                is_frozen: !has_log,
            });
        }
    };
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Ok(Ownership::Theirs {
                reason: "another process, or another data source of this one, owns it".to_owned(),
                is_frozen: false,
            });
        }
        Err(TryLockError::Error(error)) => notices.push(Notice::warning(format!(
            "The ledger {} cannot be locked ({error}): let no other process write it.",
            path.display()
        ))),
    }
    if is_protected(path) {
        return Ok(Ownership::Theirs {
            reason: "the file is write-protected".to_owned(),
            is_frozen: false,
        });
    }
    Ok(Ownership::Ours(Some(lock)))
}

/// Whether the file exists and cannot be opened for writing.
fn is_protected(path: &Path) -> bool {
    File::options()
        .append(true)
        .open(path)
        .is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
}

/// Makes a missing file, readable by its owner alone: it holds names of people and a secret.
fn make_private(path: &Path) -> Result<(), LedgerError> {
    if path.exists() {
        return Ok(());
    }
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map(drop)
        .map_err(|error| LedgerError::of_file(path, "make", &error))
}

fn connect(path: &Path, access: OpenFlags, is_frozen: bool) -> rusqlite::Result<Connection> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = if is_frozen {
        let uri = uri(path)?;
        Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?
    } else {
        Connection::open_with_flags(path, flags)?
    };
    connection.busy_timeout(LOCK_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(64);
    // Cells are checked before they are read, so that damage is an error and never a wild read. The file is not mapped
    // into memory, because there a fault of the disk would end the process.
    connection.execute_batch(
        "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF; PRAGMA mmap_size = 0; PRAGMA cache_size = -8192;",
    )?;
    Ok(connection)
}

fn uri(path: &Path) -> rusqlite::Result<String> {
    let text = path
        .to_str()
        .ok_or_else(|| sqlite(rusqlite::ffi::SQLITE_CANTOPEN, "its name is no text"))?;
    let escaped = text
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23");
    Ok(format!("file:{escaped}?immutable=1"))
}

/// The schema version of the file, 0 where it is empty.
fn refuse_newer(connection: &Connection, path: &str) -> Result<i64, LedgerError> {
    let found =
        schema::inspect(connection).map_err(|error| LedgerError::of(path, "open", error))?;
    match found {
        Found::Empty => Ok(0),
        Found::Ledger(found) if found > schema::VERSION => Err(LedgerError::Newer {
            path: path.to_owned(),
            found,
            known: schema::VERSION,
        }),
        Found::Ledger(found) => Ok(found),
    }
}

fn configure_writer(connection: &Connection) -> rusqlite::Result<()> {
    // FULL: a page is on the disk before its source is told so, whatever happens to the machine.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;
         PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864;",
    )
}

fn prepare_tables(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = match schema::inspect(&transaction)? {
        Found::Empty => 0,
        Found::Ledger(version) => version,
    };
    if version < schema::VERSION {
        schema::migrate(&transaction, version)?;
    }
    transaction.commit()
}
