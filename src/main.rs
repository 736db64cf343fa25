//! The one binary: Grafana's plugin and the command line.

use pelorus::cli;

/// Correlation makes and drops millions of small things on two threads, and memory is to go back afterwards; the
/// allocator of a statically linked C library does neither well.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> cli::Exit {
    cli::run(std::env::args_os())
}
