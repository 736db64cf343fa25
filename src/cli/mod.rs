//! The command line: the same questions as in Grafana, for people and scripts.

mod arguments;
mod backfill;
mod bounded;
mod check;
mod demo;
mod exit;
mod export;
mod forget;
mod humanise;
mod instant;
mod load;
mod logging;
mod output;
mod progress;
mod providers;
mod query;
mod table;

use std::ffi::OsString;
use std::io::Write;

use clap::{CommandFactory, Parser};

use arguments::{Arguments, Command};
pub use exit::Exit;

/// Runs what the arguments say; started by Grafana, without arguments, it serves.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let command = if arguments.len() <= 1 && is_started_by_grafana() {
        Command::Serve
    } else {
        match Arguments::try_parse_from(arguments) {
            Ok(Arguments {
                command: Some(command),
            }) => command,
            Ok(Arguments { command: None }) => return print_help(),
            Err(error) => return tell(&error),
        }
    };
    match command {
        // The plugin has a log of its own, which Grafana reads.
        Command::Serve => {}
        // It runs for ever, so its log says what it does.
        Command::Export(_) => logging::start("info"),
        _ => logging::start("warn"),
    }
    match dispatch(command) {
        Ok(exit) => exit,
        Err(failure) => {
            say(format_args!("pelorus: {:#}", failure.cause));
            failure.exit
        }
    }
}

fn dispatch(command: Command) -> Result<Exit, exit::Failure> {
    match command {
        Command::Query(query) => block_on(query::run(query)),
        Command::Check(check) => block_on(check::run(check)),
        Command::Providers(asked) => providers::run(&asked),
        Command::Demo(demo) => demo::run(&demo),
        Command::Backfill(arguments) => block_on(backfill::run(arguments)),
        Command::Export(export) => block_on(export::run(export)),
        Command::Forget(forget) => forget::run(&forget),
        Command::Serve => crate::plugin::serve()
            .map(|()| Exit::Answered)
            .map_err(exit::Failure::unusable),
    }
}

/// Grafana starts its plugins without arguments and with this word in the environment.
fn is_started_by_grafana() -> bool {
    std::env::var("grafana_plugin_type").is_ok_and(|kind| kind == "datasource")
}

fn block_on(
    future: impl Future<Output = Result<Exit, exit::Failure>>,
) -> Result<Exit, exit::Failure> {
    let workers = std::thread::available_parallelism().map_or(2, |count| count.get().max(2));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .map_err(exit::Failure::unreadable)?;
    let result = runtime.block_on(future);
    // A reading that still blocks must not keep the terminal.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    result
}

fn print_help() -> Exit {
    let help = Arguments::command().render_help();
    match print(help.to_string().as_bytes()) {
        Ok(()) => Exit::Answered,
        Err(failure) => {
            say(format_args!("pelorus: {:#}", failure.cause));
            failure.exit
        }
    }
}

/// Help and version are answers; everything else clap says is about unusable arguments.
fn tell(error: &clap::Error) -> Exit {
    // Where the terminal is gone there is nobody to tell.
    error.print().ok();
    if error.use_stderr() {
        Exit::Unusable
    } else {
        Exit::Answered
    }
}

/// Writes a line to stderr.
fn say(line: impl std::fmt::Display) {
    // Where stderr is closed there is nobody to tell, and a panic would lose the exit status as well.
    writeln!(std::io::stderr(), "{line}").ok();
}

/// Writes to stdout; a reader that left early (`| head`) is no failure.
fn print(bytes: &[u8]) -> Result<(), exit::Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(exit::Failure::unreadable(
            anyhow::Error::new(error).context("cannot write to stdout"),
        )),
        Ok(()) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
