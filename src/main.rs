//! The one binary: Grafana's plugin and the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    pelorus::cli::run(std::env::args_os())
}
