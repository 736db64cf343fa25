//! What is in blocks, compared with the text that they were made of.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::blocks::failed;
use super::{BackfillError, Plan, name_of};

/// Samples, without their order: how many, and the sum of their hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Contents {
    samples: u64,
    sum: u64,
}

/// Compares the blocks of a month with its text: every sample with its time, its value and its event's revision.
pub(super) fn compare(
    plan: &Plan,
    folder: &Path,
    samples: &Path,
    blocks: &Path,
) -> Result<(), BackfillError> {
    let written = of_text(samples)?;
    let found = of_blocks(plan, blocks)?;
    if written == found {
        return Ok(());
    }
    Err(BackfillError::Different {
        month: name_of(folder),
        found: found.samples,
        written: written.samples,
    })
}

/// Of the lines of a text but for comments.
fn of_text(samples: &Path) -> Result<Contents, BackfillError> {
    let file = File::open(samples).map_err(BackfillError::file("read", samples))?;
    // Times are seconds with three digits behind the point.
    let milliseconds = |time: &str| {
        let (seconds, rest) = time.split_once('.')?;
        format!("{seconds}{rest}").parse().ok()
    };
    gathered(file, |line| !line.starts_with('#'), milliseconds)
        .map_err(BackfillError::file("read", samples))
}

/// Of blocks, as promtool dumps them.
fn of_blocks(plan: &Plan, blocks: &Path) -> Result<Contents, BackfillError> {
    // promtool opens nothing without a log, and blocks alone have none.
    let log = blocks.join("wal");
    fs::create_dir_all(&log).map_err(BackfillError::file("make", &log))?;
    let mut command = Command::new(&plan.promtool);
    command
        .args(["tsdb", "dump"])
        .arg(blocks)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|source| BackfillError::Program {
        program: "promtool".to_owned(),
        way_out: "install Prometheus' promtool",
        source,
    })?;
    let contents = match child.stdout.take() {
        Some(output) => gathered(
            output,
            |line| line.starts_with('{'),
            |time| time.parse().ok(),
        )
        .map_err(BackfillError::file("read", blocks))?,
        None => Contents::default(),
    };
    let output = child
        .wait_with_output()
        .map_err(BackfillError::file("read", blocks))?;
    fs::remove_dir_all(&log).map_err(BackfillError::file("remove", &log))?;
    if output.status.success() {
        Ok(contents)
    } else {
        Err(failed("promtool tsdb dump", &output.stderr))
    }
}

/// Adds up samples that stand in a line each: `labels value time`.
fn gathered(
    lines: impl io::Read,
    is_sample: impl Fn(&str) -> bool,
    milliseconds: impl Fn(&str) -> Option<i64>,
) -> io::Result<Contents> {
    let mut contents = Contents::default();
    for line in BufReader::new(lines).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        if !is_sample(&line) {
            continue;
        }
        contents.samples += 1;
        let mut words = line.rsplitn(3, ' ');
        let time = words.next().and_then(&milliseconds);
        let value = words.next().and_then(|value| value.parse::<f64>().ok());
        let revision = words.next().and_then(revision_of).unwrap_or_default();
        let known = format!("{revision} {:?} {time:?}", value.map(f64::to_bits));
        let hash = xxhash_rust::xxh3::xxh3_64(known.as_bytes());
        contents.sum = contents.sum.wrapping_add(hash);
    }
    Ok(contents)
}

/// The revision among labels; inside a value, quotes have a backslash before them.
fn revision_of(labels: &str) -> Option<&str> {
    const LABEL: &str = "revision=\"";
    labels
        .match_indices(LABEL)
        .filter(|(at, _)| matches!(labels[..*at].chars().next_back(), Some(',' | '{' | ' ')))
        .find_map(|(at, _)| {
            let (digits, _) = labels[at + LABEL.len()..].split_once('"')?;
            (!digits.is_empty()
                && digits
                    .bytes()
                    .all(|digit| digit.is_ascii_digit() || digit == b'-'))
            .then_some(digits)
        })
}
