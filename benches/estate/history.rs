//! Git histories read cold: the bundle of `tests/data`, and 800,000 commits made with `git fast-import`.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::generate::Random;
use crate::process;

const COMMITS: u64 = 800_000;
/// 2012-01-01T00:00:00Z.
const START: u64 = 1_325_376_000;
/// A release every so many commits.
const RELEASE_EVERY: u64 = 2_000;

/// Prints the time and the memory of both.
pub fn measure() {
    let bundle = PathBuf::from("target/bench/bundle.git");
    if !bundle.exists() {
        git(Command::new("git")
            .args([
                "clone",
                "--quiet",
                "--bare",
                "tests/data/prometheus-history.bundle",
            ])
            .arg(&bundle));
    }
    read("bundle (18,785 commits)", &bundle);
    let large = PathBuf::from("target/bench/large.git");
    if !large.exists() {
        println!("Making a repository of {COMMITS} commits…");
        make(&large).expect("git fast-import takes the stream");
    }
    read("800,000 commits", &large);
}

fn read(name: &str, repository: &Path) {
    let binary = std::env::var("PELORUS_BINARY").expect("PELORUS_BINARY names the plugin");
    let before = Instant::now();
    let finished = process::measured(
        Command::new(binary)
            .args(["query", "--format", "csv", "--from", "2012-01-01", "--repo"])
            .arg(repository),
    );
    println!(
        "{name:<24} {:>7.2} s from nothing to the answer, peak {:.0} MiB resident",
        before.elapsed().as_secs_f64(),
        finished.peak_mib
    );
}

fn git(command: &mut Command) {
    assert!(command.status().expect("git runs").success(), "{command:?}");
}

/// Main line with short side branches that merge back, and a tag every now and then; trees are empty.
fn make(repository: &Path) -> std::io::Result<()> {
    git(Command::new("git")
        .args(["init", "--quiet", "--bare", "--initial-branch=main"])
        .arg(repository));
    let mut import = Command::new("git")
        .arg("-C")
        .arg(repository)
        .args(["fast-import", "--quiet"])
        .stdin(Stdio::piped())
        .spawn()?;
    let mut out = BufWriter::with_capacity(1 << 20, import.stdin.take().expect("a pipe"));
    let mut random = Random::new(11);
    let (mut time, mut main, mut mark) = (START, 0, 0);
    while mark < COMMITS {
        time += 60 + random.next() % 900;
        if random.next().is_multiple_of(8) && main > 0 {
            let mut side = main;
            for _ in 0..1 + random.next() % 4 {
                mark += 1;
                commit(
                    &mut out,
                    "side",
                    mark,
                    time,
                    &format!("Work {mark}"),
                    &[side],
                )?;
                side = mark;
                time += 60 + random.next() % 900;
            }
            mark += 1;
            commit(
                &mut out,
                "main",
                mark,
                time,
                &format!("Merge pull request #{mark} from side"),
                &[main, side],
            )?;
        } else {
            mark += 1;
            let parents: &[u64] = if main == 0 { &[] } else { &[main] };
            commit(
                &mut out,
                "main",
                mark,
                time,
                &format!("Change {mark} (#{mark})"),
                parents,
            )?;
        }
        if mark / RELEASE_EVERY > main / RELEASE_EVERY {
            let minor = mark / RELEASE_EVERY;
            writeln!(out, "reset refs/tags/v1.{minor}.0\nfrom :{mark}\n")?;
        }
        main = mark;
    }
    out.flush()?;
    drop(out);
    assert!(import.wait()?.success(), "git fast-import failed");
    Ok(())
}

fn commit(
    out: &mut impl Write,
    branch: &str,
    mark: u64,
    time: u64,
    message: &str,
    parents: &[u64],
) -> std::io::Result<()> {
    writeln!(out, "commit refs/heads/{branch}\nmark :{mark}")?;
    writeln!(
        out,
        "author Author {0} <a{0}@example.org> {1} +0000",
        mark % 500,
        time - 3_600
    )?;
    writeln!(
        out,
        "committer Author {0} <a{0}@example.org> {time} +0000",
        mark % 500
    )?;
    writeln!(out, "data {}\n{message}", message.len())?;
    for (at, parent) in parents.iter().enumerate() {
        writeln!(out, "{} :{parent}", if at == 0 { "from" } else { "merge" })?;
    }
    writeln!(out)
}
