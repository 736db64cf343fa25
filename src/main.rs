//! The one binary: Grafana's plugin and the command line.

use pelorus::cli;

fn main() -> cli::Exit {
    cli::run(std::env::args_os())
}
