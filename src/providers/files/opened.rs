//! An events file, opened where the last reading stopped.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::fields::{Line, LineFault, NAMES};
use super::lines::{Lines, Next};
use super::places::{Place, sample, unavailable};
use super::table::Table;
use crate::providers::FetchError;

const BUFFER_BYTES: usize = 256 << 10;

/// How compressed files begin.
const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

type Source = Box<dyn BufRead + Send>;

/// A file under way.
pub(super) struct OpenedFile {
    pub(super) path: PathBuf,
    pub(super) content: Content,
    /// The columns of a table.
    pub(super) header: Header,
    /// Whether another file was known by this name.
    pub(super) is_replaced: bool,
    /// Its size when opened: what is written meanwhile is left to the next reading.
    pub(super) size: u64,
    /// Why it ended early.
    pub(super) fault: Option<String>,
    is_plain: bool,
    changed_ms: Option<i64>,
    started_at: u64,
    settled: (u64, u64),
}

/// What it holds.
pub(super) enum Content {
    Lines(Lines<Source>),
    Table(Box<Table<Source>>),
}

/// The columns of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    columns: Vec<String>,
}

impl Header {
    /// Puts the cells of a record into a line.
    ///
    /// # Errors
    /// A record with fewer or more cells than the header, or a cell that is bad.
    pub(super) fn line<'a>(&self, cells: &[&'a str]) -> Result<Line<'a>, LineFault> {
        if cells.len() != self.columns.len() {
            let expected = self.columns.len();
            return Err(LineFault::of_line(format!(
                "a record must have {expected} cells, as the header has"
            )));
        }
        let mut line = Line::default();
        for (column, cell) in self.columns.iter().zip(cells) {
            line.take_text(column, cell.trim())?;
        }
        Ok(line)
    }

    /// Columns that are no field.
    pub(super) fn unknown(&self) -> impl Iterator<Item = &str> {
        self.columns
            .iter()
            .map(String::as_str)
            .filter(|column| !NAMES.contains(column))
    }
}

impl OpenedFile {
    /// Opens a file; `None` where nothing in it is new.
    ///
    /// # Errors
    /// `Unavailable` where it cannot be read.
    pub(super) fn open(path: &Path, known: Option<&Place>) -> Result<Option<Self>, FetchError> {
        Self::open_at(path, known).map_err(|error| unavailable(path, error))
    }

    fn open_at(path: &Path, known: Option<&Place>) -> io::Result<Option<Self>> {
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        let size = metadata.len();
        let mut start = Vec::new();
        file.by_ref()
            .take(ZSTD.len() as u64)
            .read_to_end(&mut start)?;
        file.seek(SeekFrom::Start(0))?;
        let packing = Packing::of(&start);
        let changed_ms = match packing {
            Packing::None => None,
            Packing::Gzip | Packing::Zstd => Some(changed_ms(metadata.modified()?)),
        };
        let mut is_replaced = false;
        let mut from = (0, 0);
        if let Some(known) = known {
            let is_same = match packing {
                Packing::None => {
                    known.changed_ms.is_none()
                        && known.offset <= size
                        && sample(&mut file, known.offset)? == known.sample
                }
                Packing::Gzip | Packing::Zstd => {
                    (known.size, known.changed_ms) == (size, changed_ms)
                }
            };
            if is_same && (known.offset == size || packing != Packing::None) {
                return Ok(None);
            }
            if is_same {
                from = (known.offset, known.lines);
            } else {
                is_replaced = true;
            }
        }
        file.seek(SeekFrom::Start(0))?;
        let mut source = packing.unpacked(file, size)?;
        let first = peeked(&mut source)?;
        let is_table = is_table(path, &first);
        let mut header = Header::default();
        let content = if is_table {
            let mut table = Table::new(source, delimiter(&first), 0, 0);
            let found = table.read_next()?;
            if found != Next::End {
                let cells = table.cells().unwrap_or_default();
                header.columns = cells.iter().map(|cell| cell.trim().to_owned()).collect();
            }
            if found == (Next::Whole { is_ended: false }) || found == Next::End {
                // A header without end is no header yet.
                return Ok(None);
            }
            if from.0 > table.offset {
                let source = opened_at(path, from.0, size)?;
                Content::Table(Box::new(Table::new(
                    source,
                    delimiter(&first),
                    from.0,
                    from.1,
                )))
            } else {
                from = (table.offset, table.passed);
                Content::Table(Box::new(table))
            }
        } else if from.0 > 0 {
            Content::Lines(Lines::new(opened_at(path, from.0, size)?, from.0, from.1))
        } else {
            Content::Lines(Lines::new(source, 0, 0))
        };
        Ok(Some(Self {
            path: path.to_owned(),
            content,
            header,
            is_replaced,
            size,
            fault: None,
            is_plain: packing == Packing::None,
            changed_ms,
            started_at: from.0,
            settled: from,
        }))
    }

    /// Reads the next line or record.
    pub(super) fn read_next(&mut self) -> io::Result<Next> {
        match &mut self.content {
            Content::Lines(lines) => lines.read_next(),
            Content::Table(table) => table.read_next(),
        }
    }

    /// The number of the line read last, or of the first line of the record, from 1.
    pub(super) fn line_number(&self) -> u64 {
        match &self.content {
            Content::Lines(lines) => lines.passed,
            Content::Table(table) => table.line,
        }
    }

    pub(super) fn is_table(&self) -> bool {
        matches!(self.content, Content::Table(_))
    }

    /// Whether a last line may still be completed.
    pub(super) fn may_grow(&self) -> bool {
        self.is_plain
    }

    /// What was read so far need not be read again.
    pub(super) fn settle(&mut self) {
        self.settled = match &self.content {
            Content::Lines(lines) => (lines.offset, lines.passed),
            Content::Table(table) => (table.offset, table.passed),
        };
    }

    /// Bytes of a plain file that were read; of a compressed one none until its end.
    pub(super) fn bytes_passed(&self) -> u64 {
        if self.is_plain { self.settled.0 } else { 0 }
    }

    /// Where to go on if the reading is cut off here; `None` where only the start will do.
    pub(super) fn place_so_far(&mut self) -> io::Result<Option<Place>> {
        if self.is_plain && self.settled.0 > self.started_at {
            return self.place_at_end().map(Some);
        }
        Ok(None)
    }

    /// Where to go on when the file has changed.
    pub(super) fn place_at_end(&mut self) -> io::Result<Place> {
        let (offset, lines) = self.settled;
        let mut place = Place {
            size: self.size,
            changed_ms: self.changed_ms,
            fault: self.fault.clone(),
            ..Place::default()
        };
        if self.is_plain {
            // A handle of its own: the reader's must not move under it.
            let mut file = File::open(&self.path)?;
            (place.offset, place.lines) = (offset, lines);
            place.sample = sample(&mut file, offset)?;
        }
        Ok(place)
    }
}

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    None,
    Gzip,
    Zstd,
}

impl Packing {
    /// By the first bytes: names lie now and then.
    fn of(start: &[u8]) -> Self {
        if start.starts_with(&GZIP) {
            Self::Gzip
        } else if start.starts_with(&ZSTD) {
            Self::Zstd
        } else {
            Self::None
        }
    }

    fn unpacked(self, file: File, size: u64) -> io::Result<Source> {
        let file = file.take(size);
        Ok(match self {
            Self::None => Box::new(BufReader::with_capacity(BUFFER_BYTES, file)),
            Self::Gzip => {
                let file = BufReader::with_capacity(BUFFER_BYTES, file);
                let unpacked = flate2::bufread::MultiGzDecoder::new(file);
                Box::new(BufReader::with_capacity(BUFFER_BYTES, unpacked))
            }
            Self::Zstd => {
                let unpacked = zstd::stream::read::Decoder::new(file)?;
                Box::new(BufReader::with_capacity(BUFFER_BYTES, unpacked))
            }
        })
    }
}

fn opened_at(path: &Path, offset: u64, size: u64) -> io::Result<Source> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    Packing::None.unpacked(file, size.saturating_sub(offset))
}

fn changed_ms(changed: SystemTime) -> i64 {
    // A file from before 1970 changes as well as any other; only that it changed matters.
    let since = changed
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// What the reader has of its first line.
fn peeked(source: &mut Source) -> io::Result<Vec<u8>> {
    let start = source.fill_buf()?;
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    Ok(start
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or(start)
        .to_owned())
}

/// Whether it is a table: by the name's ending, else by how it begins.
fn is_table(path: &Path, first: &[u8]) -> bool {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().to_lowercase());
    let name = name.unwrap_or_default();
    let name = name
        .strip_suffix(".gz")
        .or(name.strip_suffix(".zst"))
        .unwrap_or(&name);
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("csv" | "tsv") => true,
        Some("jsonl" | "ndjson" | "json") => false,
        Some(_) | None => {
            let start = first.trim_ascii_start().first();
            start.is_some_and(|byte| !matches!(byte, b'{' | b'['))
        }
    }
}

/// Spreadsheets write tables with semicolons or tabs in some countries.
fn delimiter(header: &[u8]) -> u8 {
    let has = |byte| header.contains(&byte);
    match () {
        () if has(b',') => b',',
        () if has(b'\t') => b'\t',
        () if has(b';') => b';',
        () => b',',
    }
}
