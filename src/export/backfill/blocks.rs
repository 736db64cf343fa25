//! Blocks: made by promtool, counted, and handed to a Prometheus' data folder or to Thanos' object store.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::months::{self, SAMPLES};
use super::{BackfillError, Plan, contents, name_of};
use crate::config::Backfill;

/// Where promtool puts a month's blocks.
const BLOCKS: &str = "blocks";
/// Says that the month's blocks are whole and counted: from then on they are the ones that are handed over.
const BUILT: &str = "built";
/// Letters of a block's name.
const ULID: usize = 26;
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

/// How far a month is. Blocks that were built for another target, or with other labels, are none.
pub(super) fn stage(plan: &Plan, folder: &Path) -> Result<Stage, BackfillError> {
    let mark = folder.join(BUILT);
    match fs::read_to_string(&mark) {
        Ok(built) if built == binding(plan)? => Ok(Stage::Built),
        Ok(_) => Ok(Stage::Unfinished),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Stage::Unfinished),
        Err(error) => Err(BackfillError::file("read", &mark)(error)),
    }
}

/// Names the target and the labels; of an object store's file, which holds secrets, a digest.
fn binding(plan: &Plan) -> Result<String, BackfillError> {
    let target = match &plan.target {
        Backfill::DataFolder(folder) => format!("data folder {folder}"),
        Backfill::ObjectStore(file) => {
            let settings = fs::read(file).map_err(BackfillError::file("read", Path::new(file)))?;
            format!("object store {}", hex::encode(Sha256::digest(settings)))
        }
    };
    Ok(format!("{target}\n{:?}\n", plan.external_labels))
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
    contents::compare(plan, folder, &samples, &blocks)?;
    let mark = folder.join(BUILT);
    let bound = binding(plan)?;
    File::create(&mark)
        .and_then(|mut file| {
            file.write_all(bound.as_bytes())
                .and_then(|()| file.sync_all())
        })
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(BackfillError::file("write", &mark))
}

/// The blocks in a folder: what else stands there is promtool's and Thanos' own.
fn blocks_in(folder: &Path) -> Result<Vec<PathBuf>, BackfillError> {
    let is_block = |path: &PathBuf| {
        let name = name_of(path);
        name.len() == ULID && name.bytes().all(|letter| letter.is_ascii_alphanumeric())
    };
    let mut blocks = months::folders(folder)?;
    blocks.retain(is_block);
    Ok(blocks)
}

/// Removes what Thanos noted of earlier uploads: it would pass over blocks that it notes as uploaded, whatever store they went to.
fn forget_uploads(blocks: &Path) -> Result<(), BackfillError> {
    let gone = |removed: io::Result<()>| match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    gone(fs::remove_file(blocks.join("thanos.shipper.json")))
        .and_then(|()| gone(fs::remove_dir_all(blocks.join("thanos"))))
        .map_err(BackfillError::file("remove what Thanos noted in", blocks))
}

/// Hands a month's blocks over; those that are there already are not handed over again. Returns how many there were.
pub(super) fn hand_over(plan: &Plan, folder: &Path) -> Result<usize, BackfillError> {
    let blocks = folder.join(BLOCKS);
    let all = blocks_in(&blocks)?;
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
            forget_uploads(&blocks)?;
            let mut command = Command::new(&plan.thanos);
            command
                .args(["tools", "bucket", "upload-blocks", "--path"])
                .arg(&blocks)
                .arg(format!("--objstore.config-file={file}"))
                .arg(format!("--label={MARK}=\"backfill\""));
            for (name, value) in &plan.external_labels {
                // Thanos reads Go's quotes, of which JSON's are some.
                command.arg(format!("--label={name}={}", serde_json::json!(value)));
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
    if let Err(failure) = copy(block, &unfinished) {
        // On a full disk, half a block would keep Prometheus from writing, too.
        let _ = fs::remove_dir_all(&unfinished);
        return Err(failure);
    }
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
pub(super) fn failed(program: &str, said: &[u8]) -> BackfillError {
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
