//! Prometheus as Debian packs it, and a current one, on a folder and a port of its own.

pub mod clusters;
mod current;
mod faults;
mod kills;
mod loops;
mod metrics;
mod old;
mod original;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::running::Running;
use pelorus::series::{Assembler, Version};
use serde_json::Value;

/// How long a process may take to do what it is told.
pub const PATIENCE: Duration = Duration::from_secs(100);

/// A port that nobody uses.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// A program that tests/tools/build.sh builds.
pub fn tool(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("build/tools")
        .join(name)
}

/// Status and body of a GET; `None` where nobody answers.
pub fn get(address: &str, path: &str) -> Option<(u16, String)> {
    request(address, "GET", path)
}

/// The same with a method. HTTP/1.0, so that the body is not chunked.
pub fn request(address: &str, method: &str, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nhost: {address}\r\ncontent-length: 0\r\n\r\n"
    )
    .ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

/// Waits until something is so.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{what} did not come to be");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A running Prometheus; it is killed when dropped, its folder stays.
pub struct Prometheus {
    folder: PathBuf,
    pub port: u16,
    program: PathBuf,
    flags: Vec<String>,
    process: Option<Running>,
}

impl Prometheus {
    /// Starts one in that folder, that takes samples of the last thirty days and keeps them ten years.
    pub fn start(folder: &Path) -> Self {
        Self::start_with(folder, "")
    }

    /// The same with more settings.
    pub fn start_with(folder: &Path, more: &str) -> Self {
        Self::launch(folder, "prometheus".into(), more, &[])
    }

    /// The current major version, with more settings and flags.
    pub fn current(folder: &Path, more: &str, flags: &[&str]) -> Self {
        Self::launch(folder, tool("prometheus"), more, flags)
    }

    fn launch(folder: &Path, program: PathBuf, more: &str, flags: &[&str]) -> Self {
        let mut prometheus = Self {
            folder: folder.to_owned(),
            port: free_port(),
            program,
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            process: None,
        };
        let settings = format!("storage: {{ tsdb: {{ out_of_order_time_window: 30d }} }}\n{more}");
        std::fs::create_dir_all(folder).expect("a writable folder");
        std::fs::write(folder.join("prometheus.yml"), settings).expect("a writable folder");
        prometheus.go_on();
        prometheus
    }

    /// Starts again on the same folder and port.
    pub fn go_on(&mut self) {
        let file = |name: &str| self.folder.join(name).display().to_string();
        let mut command = Command::new(&self.program);
        command
            .arg(format!("--config.file={}", file("prometheus.yml")))
            .arg(format!("--storage.tsdb.path={}", file("data")))
            .arg(format!("--web.listen-address=127.0.0.1:{}", self.port))
            .args([
                "--web.enable-remote-write-receiver",
                "--storage.tsdb.retention.time=10y",
            ])
            .args(&self.flags);
        let process = Running::start(&mut command, &self.folder.join("log"));
        self.process = Some(process);
        until("a ready Prometheus", || {
            get(&self.address(), "/-/ready").filter(|(status, _)| *status == 200)
        });
    }

    /// Lets no file of it grow beyond that many blocks of a kilobyte, as on a full disk, until it is started again.
    pub fn limit_files(&self, blocks: u64) {
        let process = self.process.as_ref().expect("it runs");
        let limited = Command::new("prlimit")
            .args(["--pid", &process.id().to_string()])
            .arg(format!("--fsize={}", blocks * 1_024))
            .status()
            .expect("prlimit is there: util-linux has it");
        assert!(limited.success());
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Kills it, and starts it again with nothing in its folder.
    pub fn wipe(&mut self) {
        self.kill();
        std::fs::remove_dir_all(self.folder.join("data")).expect("a folder of ours");
        self.go_on();
    }

    /// The folder that blocks stand in.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The result of an instant query.
    pub fn query(&self, query: &str) -> Value {
        query_at(&self.address(), query)
    }

    /// Every event version of that long until now, sorted by id and revision; each stands there once.
    pub fn versions(&self, span: &str) -> Vec<Version> {
        versions_at(&self.address(), span)
    }
}

/// The result of an instant query at that address.
pub fn query_at(address: &str, query: &str) -> Value {
    let encoded: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let (status, body) =
        get(address, &format!("/api/v1/query?query={encoded}")).expect("it answers");
    assert_eq!(status, 200, "{body}");
    let answer: Value = serde_json::from_str(&body).expect("JSON");
    answer["data"]["result"].clone()
}

/// Every event version of that long until now at that address, sorted by id and revision; each stands there once.
pub fn versions_at(address: &str, span: &str) -> Vec<Version> {
    let result = query_at(address, &format!("pelorus_event_timestamp_seconds[{span}]"));
    let mut assembler = Assembler::default();
    let mut versions = Vec::new();
    for series in result.as_array().expect("a matrix") {
        if series["metric"]["type"] == "source" {
            continue;
        }
        let labels = series["metric"].as_object().expect("labels");
        let texts = labels
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().expect("text")));
        versions.extend(assembler.add(texts).expect("a series of ours"));
        assert_eq!(
            series["values"].as_array().map(Vec::len),
            Some(1),
            "{series}"
        );
    }
    assert_eq!(assembler.incomplete(), [""; 0]);
    versions
        .sort_by(|a, b| (a.event.id.as_str(), a.revision).cmp(&(b.event.id.as_str(), b.revision)));
    versions
}
