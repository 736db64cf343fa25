//! What waits, written month by month: samples as OpenMetrics text, and whose they are.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, Utc};

use super::{BackfillError, Plan};
use crate::ledger::{Ledger, Route, Settled};
use crate::model::TimeRange;
use crate::series::{HEADER, TRAILER, line, sample_of_origin, samples_of};

/// Samples as text.
pub(super) const SAMPLES: &str = "samples.om";
/// Numbers and revisions of the events that the samples are of.
const EVENTS: &str = "events";
/// Events that are read at once.
const PAGE: usize = 2_000;
/// Months whose files are open at the same time.
const OPEN: usize = 48;

/// promtool makes empty blocks of such samples.
const BEFORE_1970: &str = "its time lies before 1970, and no block holds that";

/// The files of a month that are being written.
struct Month {
    samples: BufWriter<File>,
    events: BufWriter<File>,
}

/// Writes everything that waits and is older than `until`; returns a folder a month, in order of time. What no sample can hold
/// goes into quarantine.
pub(super) fn write(
    ledger: &Ledger,
    plan: &Plan,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<PathBuf>, BackfillError> {
    let mut open: BTreeMap<PathBuf, Month> = BTreeMap::new();
    let mut latest: BTreeMap<PathBuf, DateTime<Utc>> = BTreeMap::new();
    let mut after = 0;
    loop {
        let queued = ledger.queued(&plan.destination, Route::Backfill, after, until, PAGE)?;
        let Some(last) = queued.last() else { break };
        after = last.number;
        let mut refused = Vec::new();
        for waiting in queued {
            let at = waiting.event.body.time();
            let samples = match samples_of(&waiting.event, waiting.revision) {
                Ok(_) if at < DateTime::UNIX_EPOCH => Err(BEFORE_1970.to_owned()),
                Ok(samples) => Ok(samples),
                Err(unwritable) => Err(unwritable.to_string()),
            };
            let samples = match samples {
                Ok(samples) => samples,
                Err(reason) => {
                    let quarantined = Settled::Quarantined { reason };
                    refused.push((waiting.number, waiting.revision, quarantined));
                    continue;
                }
            };
            let folder = plan
                .work
                .join(format!("{:04}-{:02}", at.year(), at.month()));
            let last = latest.entry(folder.clone()).or_insert(at);
            *last = at.max(*last);
            if !open.contains_key(&folder) && open.len() >= OPEN {
                close(std::mem::take(&mut open))?;
            }
            let month = match open.entry(folder) {
                std::collections::btree_map::Entry::Occupied(month) => month.into_mut(),
                std::collections::btree_map::Entry::Vacant(place) => {
                    let month = Month::open(place.key())?;
                    place.insert(month)
                }
            };
            let mut text = String::new();
            for mut sample in samples {
                sample.add_labels(&plan.external_labels);
                line(&sample, &mut text);
            }
            let numbers = format!("{} {}\n", waiting.number, waiting.revision);
            month
                .samples
                .write_all(text.as_bytes())
                .and_then(|()| month.events.write_all(numbers.as_bytes()))
                .map_err(BackfillError::file("write to", &plan.work))?;
        }
        ledger.settle(&plan.destination, &refused, now)?;
    }
    close(open)?;
    let folders = folders(&plan.work)?;
    for folder in &folders {
        let path = folder.join(SAMPLES);
        let mut end = String::new();
        if let Some(at) = latest.get(folder) {
            // Whoever reads nothing but this month learns of the sources of its events, too.
            for origin in &plan.origins {
                let mut sample = sample_of_origin(origin, *at);
                sample.add_labels(&plan.external_labels);
                line(&sample, &mut end);
            }
        }
        end += TRAILER;
        let ended = File::options()
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(end.as_bytes()));
        ended.map_err(BackfillError::file("write to", &path))?;
    }
    Ok(folders)
}

/// The folders of months, in order of time.
pub(super) fn folders(work: &Path) -> Result<Vec<PathBuf>, BackfillError> {
    let failed = || BackfillError::file("list", work);
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(work).map_err(failed())? {
        let path = entry.map_err(failed())?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

/// The time of a month, by its folder's name.
pub(super) fn range(folder: &Path) -> Option<TimeRange> {
    let (year, month) = folder.file_name()?.to_str()?.split_once('-')?;
    let first = NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, 1)?;
    let next = first.checked_add_months(Months::new(1))?;
    let start = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    Some(TimeRange::new(start(first), start(next)))
}

/// Numbers and revisions of a month's events.
pub(super) fn events(folder: &Path) -> Result<Vec<(i64, i64)>, BackfillError> {
    let path = folder.join(EVENTS);
    let file = File::open(&path).map_err(BackfillError::file("read", &path))?;
    let mut events = Vec::new();
    for line in BufReader::new(file).lines() {
        let line = line.map_err(BackfillError::file("read", &path))?;
        let numbers = line
            .split_once(' ')
            .and_then(|(number, revision)| Some((number.parse().ok()?, revision.parse().ok()?)));
        // A line that was not written whole is of a month that was never built.
        events.extend(numbers);
    }
    Ok(events)
}

impl Month {
    fn open(folder: &Path) -> Result<Self, BackfillError> {
        let is_new = !folder.exists();
        std::fs::create_dir_all(folder).map_err(BackfillError::file("make", folder))?;
        let open = |name: &str| {
            let path = folder.join(name);
            let file = File::options().create(true).append(true).open(&path);
            file.map(BufWriter::new)
                .map_err(BackfillError::file("write", &path))
        };
        let mut month = Self {
            samples: open(SAMPLES)?,
            events: open(EVENTS)?,
        };
        if is_new {
            let head = month.samples.write_all(HEADER.as_bytes());
            head.map_err(BackfillError::file("write to", folder))?;
        }
        Ok(month)
    }
}

fn close(open: BTreeMap<PathBuf, Month>) -> Result<(), BackfillError> {
    for (folder, mut month) in open {
        month
            .samples
            .flush()
            .and_then(|()| month.events.flush())
            .and_then(|()| month.events.get_ref().sync_all())
            .map_err(BackfillError::file("write to", &folder))?;
    }
    Ok(())
}
