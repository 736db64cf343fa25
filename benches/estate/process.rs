//! Child processes whose memory is measured.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// What a child printed, and the most memory that it held.
pub struct Finished {
    pub output: String,
    pub peak_mib: f64,
}

/// Runs this very program again with other words.
pub fn own(words: &[&str]) -> Finished {
    let program = std::env::current_exe().expect("this program's path");
    measured(Command::new(program).args(words))
}

/// Runs a program to its end and watches its memory.
pub fn measured(command: &mut Command) -> Finished {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut pipe = child.stdout.take().expect("a pipe");
    // Read while it runs: a full pipe would hold it up for ever.
    let reader = std::thread::spawn(move || {
        let mut output = String::new();
        std::io::Read::read_to_string(&mut pipe, &mut output).expect("text");
        output
    });
    let mut peak_mib = 0.0f64;
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child of ours") {
            break status;
        }
        peak_mib = peak_mib.max(resident_mib(&child, "VmHWM").unwrap_or(0.0));
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(
        matches!(status.code(), Some(0 | 1)),
        "{command:?} failed: {status}"
    );
    let output = reader.join().expect("the reader ends with the program");
    Finished { output, peak_mib }
}

/// A number of `/proc/<pid>/status`: `VmRSS` is what it holds, `VmHWM` the most it held. `None` where there is none.
pub fn resident_mib(child: &Child, word: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with(word))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<f64>()
        .ok()
        .map(|kib| kib / 1024.0)
}
