//! One reading of all files of a source: new lines of files that grew, all lines of new ones.

use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::path::Path;

use super::events::EventsSettings;
use super::fields::{Line, LineFault};
use super::lines::Next;
use super::opened::{Content, OpenedFile};
use super::places::{Named, Places, Selection};
use super::shape::{Shaper, foreign_fields};
use crate::model::{Cursor, Event, Notice, SourceName};
use crate::providers::{FetchError, Page};

/// Events the first page holds before it is handed over: something to show, and a checkpoint, early.
const FIRST_PAGE_EVENTS: usize = 5_000;

/// Events a page holds at most; pages double up to it. The ledger keeps a page's events of one application together.
const LARGEST_PAGE_EVENTS: usize = 40_000;

/// Lines a page passes before it is handed over, whatever they held.
const PAGE_LINES: usize = 50_000;

/// Bad lines told one by one; beyond, they are counted.
const MOST_FAULTS: u64 = 100;

/// Unknown fields told by name.
const MOST_UNKNOWN: usize = 100;

/// The pages of one reading, made as they are asked for.
///
/// Blocks while it reads: `sync` polls it where that is allowed.
pub(super) struct Reading {
    source: SourceName,
    shaper: Shaper,
    waiting: VecDeque<Named>,
    open: Option<OpenedFile>,
    before: Places,
    after: Places,
    notices: Vec<Notice>,
    failures: Vec<FetchError>,
    unknown: BTreeSet<String>,
    faults: u64,
    page_events: usize,
    files: usize,
    bytes: u64,
    bytes_passed: u64,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Reading,
    Failing,
    Over,
}

impl Reading {
    pub(super) fn new(settings: &EventsSettings, resume_from: Option<Cursor>) -> Self {
        let mut selection = Selection::of(&settings.paths);
        let mut after = Places::none(settings.has_environment);
        let before = match resume_from.as_ref().map(Places::parse) {
            None => after.clone(),
            Some(Some(before)) if after.goes_on_from(&before) => before,
            Some(Some(_)) => after.clone(),
            Some(None) => {
                let what = format!("the source {}", settings.source);
                selection.failures = vec![FetchError::CursorExpired { what }];
                selection.files.clear();
                after.clone()
            }
        };
        after.earliest_ms = before.earliest_ms;
        // Files whose turn has not come keep their places; those that are gone lose them.
        after.files = before.files.clone();
        if selection.failures.is_empty() {
            let named: BTreeSet<_> = selection
                .files
                .iter()
                .map(|file| file.path.display().to_string())
                .collect();
            after.files.retain(|path, _| named.contains(path));
        }
        Self {
            source: settings.source.clone(),
            shaper: Shaper::new(settings.has_environment),
            files: selection.files.len(),
            bytes: selection.files.iter().map(|file| file.bytes).sum(),
            waiting: selection.files.into(),
            open: None,
            before,
            after,
            notices: selection.notices,
            failures: selection.failures,
            unknown: BTreeSet::new(),
            faults: 0,
            page_events: FIRST_PAGE_EVENTS,
            bytes_passed: 0,
            stage: Stage::Reading,
        }
    }

    /// How many files and bytes the settings name.
    pub(super) fn extent(&self) -> (usize, u64) {
        (self.files, self.bytes)
    }

    /// How many lines were bad so far.
    pub(super) fn faults(&self) -> u64 {
        self.faults
    }

    /// Why a file could not be read, so far.
    pub(super) fn take_failure(&mut self) -> Option<FetchError> {
        (!self.failures.is_empty()).then(|| self.failures.remove(0))
    }

    fn page(&mut self) -> Page {
        let mut page = Page::default();
        let mut lines = 0;
        while page.events.len() < self.page_events && lines < PAGE_LINES {
            match self.open.take() {
                Some(mut file) => {
                    if self.read_line(&mut file, &mut page) {
                        self.open = Some(file);
                        lines += 1;
                    } else {
                        self.close(file);
                    }
                }
                None => match self.waiting.pop_front() {
                    Some(named) => self.start(&named),
                    None => {
                        self.finish(&mut page);
                        break;
                    }
                },
            }
        }
        self.page_events = (2 * self.page_events).min(LARGEST_PAGE_EVENTS);
        self.mark_place();
        page.checkpoint = self.after.to_cursor();
        page.notices.append(&mut self.notices);
        let passed = self.open.as_ref().map_or(0, OpenedFile::bytes_passed);
        page.progress = Some((
            (self.bytes_passed + passed).min(self.bytes),
            Some(self.bytes),
        ));
        page
    }

    /// Opens a file where it has something new; else it stays as it was.
    fn start(&mut self, named: &Named) {
        let key = named.path.display().to_string();
        let known = self.before.files.get(&key);
        match OpenedFile::open(&named.path, known) {
            Ok(Some(file)) => {
                if file.is_replaced {
                    self.notices.push(Notice::info(format!(
                        "{key} is not the file it was: it is read from its start."
                    )));
                }
                let unknown: Vec<_> = file.header.unknown().map(str::to_owned).collect();
                unknown.iter().for_each(|name| self.tell_unknown(name));
                self.open = Some(file);
            }
            Ok(None) => {
                self.bytes_passed += named.bytes;
                if let Some(fault) = known.and_then(|known| known.fault.as_ref()) {
                    self.notices
                        .push(Notice::warning(format!("{key} ends early: {fault}.")));
                }
            }
            Err(error) => self.failures.push(error),
        }
    }

    /// Reads one line, or record; `false` at the end of the file.
    fn read_line(&mut self, file: &mut OpenedFile, page: &mut Page) -> bool {
        let next = match file.read_next() {
            Ok(next) => next,
            Err(error) => {
                let path = file.path.display();
                self.notices
                    .push(Notice::warning(format!("{path} ends early: {error}.")));
                file.fault = Some(error.to_string());
                return false;
            }
        };
        let is_ended = match next {
            Next::End => return false,
            Next::TooLong => {
                let fault = LineFault::of_line("a line may have at most 16 MiB and is passed by");
                self.tell(&file.path, file.line_number(), &fault);
                file.settle();
                return true;
            }
            Next::Whole { is_ended } => is_ended,
        };
        let mut unknown = Vec::new();
        let event = self.event(file, &mut unknown);
        for name in unknown {
            self.tell_unknown(&name);
        }
        match event {
            Ok(None) => file.settle(),
            Ok(Some(event)) => {
                self.after.note_time(&event.body);
                page.events.push(event);
                // The last cell of a table may go on: the record is read again when it has.
                if is_ended || !file.is_table() {
                    file.settle();
                }
            }
            Err(_) if !is_ended && file.may_grow() => self.await_rest(file),
            Err(fault) => {
                self.tell(&file.path, file.line_number(), &fault);
                file.settle();
            }
        }
        true
    }

    /// The event of the line read last; `None` for a blank line, or the header of a table.
    fn event(
        &mut self,
        file: &OpenedFile,
        unknown: &mut Vec<String>,
    ) -> Result<Option<Event>, LineFault> {
        let (line, default_id) = match &file.content {
            Content::Lines(lines) => {
                let bytes = lines.line();
                let text = std::str::from_utf8(bytes)
                    .map_err(|_| LineFault::of_line("a line must be UTF-8"))?;
                let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
                if text.is_empty() {
                    return Ok(None);
                }
                (Line::of_json(text, unknown)?, line_id(text.as_bytes()))
            }
            Content::Table(table) => {
                let cells = table
                    .cells()
                    .ok_or_else(|| LineFault::of_line("a record must be UTF-8"))?;
                (
                    file.header.line(&cells)?,
                    line_id(cells.join("\u{1f}").as_bytes()),
                )
            }
        };
        let kind = line.event_kind()?;
        unknown.extend(
            foreign_fields(&line, kind)
                .into_iter()
                .map(|field| format!("{field} of {}", kind.as_str())),
        );
        let id = line.id.as_ref().map(|id| id.0.as_ref().into());
        let url = line
            .url
            .as_ref()
            .or(line.source_url.as_ref())
            .map(super::values::Words::text);
        let body = self.shaper.body(line, kind)?;
        Ok(Some(Event {
            id: id
                .or_else(|| body.natural_id())
                .unwrap_or_else(|| default_id.into()),
            source: self.source.clone(),
            url,
            body,
        }))
    }

    /// A last line that makes no sense yet: it stays for the next reading.
    fn await_rest(&mut self, file: &OpenedFile) {
        let hint = file.is_table().then_some("; a quote may never be closed");
        let hint = hint.unwrap_or_default();
        let text = format!(
            "{} line {}: incomplete, waiting for the rest of it{hint}",
            file.path.display(),
            file.line_number()
        );
        let key = file.path.display().to_string();
        let has_grown = self
            .before
            .files
            .get(&key)
            .is_none_or(|known| known.size != file.size);
        self.notices.push(if has_grown {
            Notice::info(format!("{text}."))
        } else {
            Notice::warning(format!(
                "{text}; the file has not grown since it was last read."
            ))
        });
    }

    fn tell(&mut self, path: &Path, line: u64, fault: &LineFault) {
        self.faults += 1;
        if self.faults <= MOST_FAULTS {
            let path = path.display();
            self.notices
                .push(Notice::warning(format!("{path} line {line}: {fault}.")));
        }
    }

    fn tell_unknown(&mut self, name: &str) {
        if self.unknown.len() >= MOST_UNKNOWN || self.unknown.contains(name) {
            return;
        }
        self.unknown.insert(name.to_owned());
        let shown: String = name.chars().take(64).collect();
        self.notices.push(Notice::info(format!(
            "The field {shown} is unknown and ignored."
        )));
    }

    fn close(&mut self, mut file: OpenedFile) {
        self.bytes_passed += file.bytes_passed();
        match file.place_at_end() {
            Ok(place) => {
                self.after
                    .files
                    .insert(file.path.display().to_string(), place);
            }
            Err(error) => self
                .failures
                .push(super::places::unavailable(&file.path, error)),
        }
    }

    /// Notes how far the open file was read, so that a reading that is cut off goes on there.
    fn mark_place(&mut self) {
        let Some(file) = &mut self.open else {
            return;
        };
        match file.place_so_far() {
            Ok(Some(place)) => {
                self.after
                    .files
                    .insert(file.path.display().to_string(), place);
            }
            Ok(None) => {}
            Err(error) => self
                .failures
                .push(super::places::unavailable(&file.path, error)),
        }
    }

    fn finish(&mut self, page: &mut Page) {
        if self.faults > MOST_FAULTS {
            let more = self.faults - MOST_FAULTS;
            self.notices
                .push(Notice::warning(format!("{more} more bad lines.")));
        }
        if self.failures.is_empty() && self.files > 0 && self.bytes == 0 {
            self.notices
                .push(Notice::info("The files hold no event yet."));
        }
        self.stage = if self.failures.is_empty() {
            Stage::Over
        } else {
            Stage::Failing
        };
        if self.stage == Stage::Over {
            page.covered = self.after.covered();
        }
    }
}

impl Iterator for Reading {
    type Item = Result<Page, FetchError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.stage {
            Stage::Reading => Some(Ok(self.page())),
            Stage::Failing => {
                self.stage = Stage::Over;
                self.take_failure().map(Err)
            }
            Stage::Over => None,
        }
    }
}

fn line_id(line: &[u8]) -> String {
    format!("line:{:016x}", xxhash_rust::xxh3::xxh3_64(line))
}
