//! Blocks: made by promtool, counted, and handed to a Prometheus' data folder or to Thanos' object store.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::months::{self, SAMPLES};
use super::{BackfillError, Plan, name_of};
use crate::config::Backfill;

/// Where promtool puts a month's blocks.
const BLOCKS: &str = "blocks";
/// Says that the month's blocks are whole and counted: from then on they are the ones that are handed over.
const BUILT: &str = "built";
/// A month in one block, at most.
const LONGEST_BLOCK: &str = "--max-block-duration=744h";
/// Prometheus removes folders of this ending when it starts.
const UNFINISHED: &str = "tmp-for-creation";
/// The label that tells blocks of a backfill from those that others upload.
const MARK: &str = "pelorus_source";

/// How far a month is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It is made anew.
    Unfinished,
    /// Its blocks may have been handed over in part.
    Built,
}

/// How far a month is.
pub(super) fn stage(folder: &Path) -> Result<Stage, BackfillError> {
    let mark = folder.join(BUILT);
    let is_there = mark
        .try_exists()
        .map_err(BackfillError::file("look for", &mark))?;
    Ok(if is_there {
        Stage::Built
    } else {
        Stage::Unfinished
    })
}

/// Whether the target can be used, before anything is written.
pub(super) fn check(plan: &Plan) -> Result<(), BackfillError> {
    match &plan.target {
        Backfill::DataFolder(folder) => {
            let folder = Path::new(folder);
            let is_of_prometheus = ["wal", "chunks_head", "lock"]
                .iter()
                .any(|name| folder.join(name).exists());
            if !is_of_prometheus {
                return Err(BackfillError::Target(format!(
                    "`dataFolder` {} is no data folder of a Prometheus: it has neither `wal` nor `chunks_head`",
                    folder.display()
                )));
            }
            let probe = folder.join(format!("pelorus.{UNFINISHED}"));
            fs::create_dir_all(&probe)
                .and_then(|()| fs::remove_dir(&probe))
                .map_err(BackfillError::file("write in", folder))
        }
        Backfill::ObjectStore(file) => {
            if plan.external_labels.is_empty() {
                return Err(BackfillError::Target(
                    "`externalLabels` is empty: Thanos tells blocks apart by such labels, and halts its compactor where two of the same overlap".to_owned(),
                ));
            }
            File::open(file)
                .map(drop)
                .map_err(BackfillError::file("read", Path::new(file)))
        }
    }
}

/// Makes the blocks of a month, and counts what is in them.
pub(super) fn build(plan: &Plan, folder: &Path) -> Result<(), BackfillError> {
    let (samples, blocks) = (folder.join(SAMPLES), folder.join(BLOCKS));
    let mut command = Command::new(&plan.promtool);
    command
        .args([
            "tsdb",
            "create-blocks-from",
            "openmetrics",
            LONGEST_BLOCK,
            "--quiet",
        ])
        .args([&samples, &blocks]);
    run(
        command,
        "promtool",
        "install Prometheus' promtool (Debian: `apt install prometheus`), or name it by PELORUS_PROMTOOL",
    )?;
    let written = lines(&samples)?;
    let found = count(plan, &blocks)?;
    if written != found {
        return Err(BackfillError::Different {
            month: name_of(folder),
            found,
            written,
        });
    }
    let mark = folder.join(BUILT);
    File::create(&mark)
        .and_then(|file| file.sync_all())
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(BackfillError::file("write", &mark))
}

/// Samples in a text: its lines but for comments.
fn lines(samples: &Path) -> Result<u64, BackfillError> {
    let file = File::open(samples).map_err(BackfillError::file("read", samples))?;
    let mut count = 0;
    for line in BufReader::new(file).split(b'\n') {
        let line = line.map_err(BackfillError::file("read", samples))?;
        count += u64::from(!line.starts_with(b"#"));
    }
    Ok(count)
}

/// Samples in blocks, as promtool dumps them.
fn count(plan: &Plan, blocks: &Path) -> Result<u64, BackfillError> {
    // promtool opens nothing without a log, and blocks alone have none.
    let log = blocks.join("wal");
    fs::create_dir_all(&log).map_err(BackfillError::file("make", &log))?;
    let mut command = Command::new(&plan.promtool);
    command
        .args(["tsdb", "dump"])
        .arg(blocks)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|source| BackfillError::Program {
        program: "promtool".to_owned(),
        way_out: "install Prometheus' promtool",
        source,
    })?;
    let mut count = 0;
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n') {
            let line = line.map_err(BackfillError::file("read", blocks))?;
            count += u64::from(line.starts_with(b"{"));
        }
    }
    let output = child
        .wait_with_output()
        .map_err(BackfillError::file("read", blocks))?;
    fs::remove_dir_all(&log).map_err(BackfillError::file("remove", &log))?;
    if output.status.success() {
        Ok(count)
    } else {
        Err(failed("promtool tsdb dump", &output.stderr))
    }
}

/// Hands a month's blocks over; those that are there already are not handed over again. Returns how many there were.
pub(super) fn hand_over(plan: &Plan, folder: &Path) -> Result<usize, BackfillError> {
    let blocks = folder.join(BLOCKS);
    let all = months::folders(&blocks)?;
    match &plan.target {
        Backfill::DataFolder(target) => {
            let target = Path::new(target);
            for block in &all {
                place(block, target)?;
            }
            File::open(target)
                .and_then(|folder| folder.sync_all())
                .map_err(BackfillError::file("write in", target))?;
        }
        Backfill::ObjectStore(file) => {
            let mut command = Command::new(&plan.thanos);
            command
                .args(["tools", "bucket", "upload-blocks", "--path"])
                .arg(&blocks)
                .arg(format!("--objstore.config-file={file}"))
                .arg(format!("--label={MARK}=\"backfill\""));
            for (name, value) in &plan.external_labels {
                command.arg(format!("--label={name}={value:?}"));
            }
            run(
                command,
                "thanos",
                "install Thanos, or name it by PELORUS_THANOS",
            )?;
        }
    }
    Ok(all.len())
}

/// Copies a block under a name that Prometheus passes over, then gives it its own.
fn place(block: &Path, target: &Path) -> Result<(), BackfillError> {
    let name = name_of(block);
    let (there, unfinished) = (
        target.join(&name),
        target.join(format!("{name}.{UNFINISHED}")),
    );
    if there.exists() {
        return Ok(());
    }
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(BackfillError::file("remove", &unfinished))?;
    }
    copy(block, &unfinished)?;
    fs::rename(&unfinished, &there).map_err(BackfillError::file("make", &there))
}

fn copy(from: &Path, to: &Path) -> Result<(), BackfillError> {
    fs::create_dir_all(to).map_err(BackfillError::file("make", to))?;
    let failed = || BackfillError::file("list", from);
    for entry in fs::read_dir(from).map_err(failed())? {
        let path: PathBuf = entry.map_err(failed())?.path();
        let target = to.join(name_of(&path));
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target)
                .and_then(|_| File::open(&target)?.sync_all())
                .map_err(BackfillError::file("write", &target))?;
        }
    }
    Ok(())
}

fn run(mut command: Command, program: &str, way_out: &'static str) -> Result<(), BackfillError> {
    let output =
        command
            .stdin(Stdio::null())
            .output()
            .map_err(|source| BackfillError::Program {
                program: program.to_owned(),
                way_out,
                source,
            })?;
    if output.status.success() {
        Ok(())
    } else {
        Err(failed(program, &output.stderr))
    }
}

/// The last words of a program that failed.
fn failed(program: &str, said: &[u8]) -> BackfillError {
    const LAST_WORDS: usize = 600;
    let said = String::from_utf8_lossy(said);
    let said = said.trim();
    let mut start = said.len().saturating_sub(LAST_WORDS);
    while !said.is_char_boundary(start) {
        start += 1;
    }
    BackfillError::Failed {
        program: program.to_owned(),
        said: said[start..].to_owned(),
    }
}
