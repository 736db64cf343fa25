//! An export loop as a process, with the events file that it reads and the settings that it has.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use pelorus::model::{Body, Event};
use serde_json::{Value, json};

use crate::real_prometheus::{free_port, get, until};
use crate::running::Running;

/// A folder with what an export loop needs.
pub struct Work {
    pub folder: PathBuf,
    pub listen: u16,
}

impl Work {
    /// A loop that reads `events.jsonl` and sends to these destinations.
    pub fn new(folder: &Path, destinations: &[Value]) -> Self {
        std::fs::create_dir_all(folder).expect("a writable folder");
        let work = Self {
            folder: folder.to_owned(),
            listen: free_port(),
        };
        work.settle(destinations, json!({}));
        work.append(&[]);
        work
    }

    /// Writes the settings anew.
    pub fn settle(&self, destinations: &[Value], more: Value) {
        self.settle_source(destinations, more, json!({ "name": "deliveries" }));
    }

    /// The same with settings of the source.
    pub fn settle_source(&self, destinations: &[Value], more: Value, of_source: Value) {
        let mut source = json!({ "kind": "events", "path": "events.jsonl" });
        let of_source = of_source.as_object().expect("an object").clone();
        source.as_object_mut().expect("an object").extend(of_source);
        let mut export = json!({
            "listen": format!("127.0.0.1:{}", self.listen),
            "every": "1s",
            "externalLabels": { "cluster": "test" },
            "destinations": destinations,
        });
        let more = more.as_object().expect("an object").clone();
        export.as_object_mut().expect("an object").extend(more);
        let settings = json!({
            "ledger": "ledger.db",
            "people": "shown",
            "sources": [source],
            "export": export,
        });
        std::fs::write(self.settings(), settings.to_string()).expect("a writable folder");
    }

    pub fn settings(&self) -> PathBuf {
        self.folder.join("pelorus.yaml")
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.listen)
    }

    /// Adds lines to the events file.
    pub fn append(&self, lines: &[Value]) {
        use std::io::Write;
        let path = self.folder.join("events.jsonl");
        let mut file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(path)
            .expect("a writable folder");
        for line in lines {
            writeln!(file, "{line}").expect("a writable file");
        }
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pelorus"));
        command.arg("export").arg("--config").arg(self.settings());
        command
    }

    /// Reads and sends once.
    pub fn once(&self) -> Output {
        self.command()
            .arg("--once")
            .output()
            .expect("the binary runs")
    }

    /// Starts the loop, and waits until it is ready.
    pub fn start(&self) -> Running {
        let child = self.launch();
        until("a ready export loop", || {
            get(&self.address(), "/-/ready").filter(|(status, _)| *status == 200)
        });
        child
    }

    /// Starts the loop.
    pub fn launch(&self) -> Running {
        Running::start(&mut self.command(), &self.folder.join("log"))
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Counts of the ledger, read by SQLite itself: events, waiting for that destination, in quarantine there.
    pub fn counts(&self) -> (i64, i64, i64) {
        let connection = rusqlite::Connection::open_with_flags(
            self.folder.join("ledger.db"),
            rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
        )
        .expect("a ledger");
        let count = |table: &str| {
            let query = format!("SELECT count(*) FROM {table}");
            connection
                .query_row(&query, [], |row| row.get(0))
                .expect("a table")
        };
        (count("event"), count("outbox"), count("quarantine"))
    }
}

/// A time that long ago, as a line has it.
#[allow(
    clippy::disallowed_methods,
    reason = "Prometheus tells what is too old by the system's clock"
)]
pub fn ago(span: TimeDelta) -> String {
    let at: DateTime<Utc> = Utc::now() - span;
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A deployment of an application, that many minutes ago.
pub fn deployment(number: usize, minutes: i64) -> Value {
    json!({
        "type": "deployment",
        "id": format!("deployment {number}"),
        "application": format!("shop-{}", number % 7),
        "environment": "production",
        "finished_at": ago(TimeDelta::minutes(minutes)),
        "commit": format!("{number:040x}"),
        "version": format!("quote \" backslash \\ newline \n {number}"),
    })
}

/// The event of a line, as the source that reads the file tells it.
pub fn event(line: &Value) -> Event {
    let mut body = line.clone();
    let id = body["id"].as_str().expect("an id").to_owned();
    body.as_object_mut().expect("an object").shift_remove("id");
    let url = body
        .as_object_mut()
        .and_then(|body| body.shift_remove("url"));
    let body: Body = serde_json::from_value(body).expect("an event");
    Event {
        id: id.into(),
        source: "deliveries".into(),
        url: url.and_then(|url| url.as_str().map(Into::into)),
        body,
    }
}
