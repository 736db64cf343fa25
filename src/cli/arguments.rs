//! The words of the command line.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

/// DORA metrics from what you already have: Git, CI, clusters and trackers.
#[derive(Debug, Parser)]
#[command(
    name = "pelorus",
    version,
    after_help = "Try it:\n  pelorus query --repo .                  a scorecard of a repository's releases\n  pelorus demo --out demo                 a year of eight made-up applications\n\nExit status: 0 answered, 1 answered in part, 2 unusable arguments or settings, 3 nothing could be read."
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Answers a question: without one, the scorecard of every application
    Query(Query),
    /// Proves that the sources of the settings can be read, and says what is wrong
    Check(Check),
    /// Lists the kinds of sources and their settings
    Providers(Providers),
    /// Writes a year of eight made-up applications to play with
    Demo(Demo),
    /// Deletes a person's name, a source or old events from the ledger, for good
    Forget(Forget),
    /// Collects events for ever, and keeps them in Prometheus or Thanos
    Export(Export),
    /// Hands events that are too old to be sent live to Prometheus or Thanos in blocks
    Backfill(Backfill),
    /// Serves Grafana, which starts it itself
    Serve,
}

#[derive(Args, Debug, Default)]
pub(super) struct Query {
    /// The question as JSON, `-` for stdin or `@file`; without it the scorecard by application
    pub(super) question: Option<String>,
    /// The settings file [default: pelorus.yaml]
    #[arg(long, value_name = "FILE", conflicts_with = "repo")]
    pub(super) config: Option<PathBuf>,
    /// A repository instead of settings: its version tags are its deployments
    #[arg(long, value_name = "PATH")]
    pub(super) repo: Option<PathBuf>,
    /// Start of the range: RFC 3339, a date, or `now-90d` [default: 90 days before its end]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) from: Option<String>,
    /// End of the range, itself outside [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) to: Option<String>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,
    /// The time it is taken to be
    #[arg(long, value_name = "TIME")]
    pub(super) now: Option<String>,
    /// The zone of days, weeks and months, instead of the question's and the settings'
    #[arg(long, value_name = "ZONE")]
    pub(super) timezone: Option<String>,
    /// No progress on stderr
    #[arg(long, short)]
    pub(super) quiet: bool,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    #[default]
    Table,
    /// An array of Grafana's data frames
    Json,
    /// Comma-separated values
    Csv,
    /// Arrow IPC streams, one a frame
    Arrow,
}

#[derive(Args, Debug)]
pub(super) struct Check {
    /// One source instead of all
    pub(super) source: Option<String>,
    /// The settings file [default: pelorus.yaml]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(super) struct Export {
    /// The settings file [default: pelorus.yaml]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Read every source and send what waits once, instead of for ever
    #[arg(long)]
    pub(super) once: bool,
    /// Let everything wait again that destinations refused
    #[arg(long)]
    pub(super) retry_quarantined: bool,
}

#[derive(Args, Debug)]
pub(super) struct Backfill {
    /// One destination instead of all
    pub(super) destination: Option<String>,
    /// The settings file [default: pelorus.yaml]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// No progress on stderr
    #[arg(long, short)]
    pub(super) quiet: bool,
}

#[derive(Args, Debug)]
pub(super) struct Providers {
    /// One kind, with all its settings
    pub(super) kind: Option<String>,
    /// Descriptions as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Debug)]
pub(super) struct Demo {
    /// The folder to write to; made where it is not there
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
    /// The end of the year that is told: RFC 3339 or a date [default: now]
    #[arg(long, value_name = "TIME")]
    pub(super) now: Option<String>,
    /// Another number tells another history
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
}

#[derive(Args, Debug)]
#[group(skip)]
#[command(group = ArgGroup::new("what").required(true).args(["person", "source", "before"]))]
pub(super) struct Forget {
    /// The settings file [default: pelorus.yaml]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// A person's name as the ledger holds it: their events stay, without an author
    #[arg(long, value_name = "NAME")]
    pub(super) person: Option<String>,
    /// A source: its events and how far it was read
    #[arg(long, value_name = "NAME")]
    pub(super) source: Option<String>,
    /// A time: everything that happened before it
    #[arg(long, value_name = "TIME")]
    pub(super) before: Option<String>,
}
