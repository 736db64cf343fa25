//! Thanos, every component of it, on folders and ports of their own.

mod ruler;
mod upload;
mod year;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::real_prometheus::{free_port, get, tool, until};
use crate::running::Running;

/// A running component; it is killed when dropped.
pub struct Thanos {
    pub http: u16,
    pub grpc: u16,
    running: Running,
}

impl Thanos {
    /// Starts a component, and waits until it is ready.
    pub fn start(folder: &Path, component: &str, arguments: &[String]) -> Self {
        Self::start_on(free_port(), folder, component, arguments)
    }

    /// The same on a port that others know already.
    pub fn start_on(grpc: u16, folder: &Path, component: &str, arguments: &[String]) -> Self {
        std::fs::create_dir_all(folder).expect("a writable folder");
        let http = free_port();
        let mut command = Command::new(tool("thanos"));
        command
            .arg(component)
            .arg(format!("--http-address=127.0.0.1:{http}"))
            .arg("--log.level=warn")
            .args(arguments);
        command.arg(format!("--grpc-address=127.0.0.1:{grpc}"));
        let running = Running::start(&mut command, &folder.join("log"));
        let thanos = Self {
            http,
            grpc,
            running,
        };
        until(&format!("a ready thanos {component}"), || {
            get(&thanos.address(), "/-/ready").filter(|(status, _)| *status == 200)
        });
        thanos
    }

    /// Where it answers questions.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.http)
    }

    /// The flag that names it to a query.
    pub fn endpoint(&self) -> String {
        format!("--endpoint=127.0.0.1:{}", self.grpc)
    }

    /// Stops it in order.
    pub fn stop(self) -> Option<i32> {
        self.running.stop()
    }
}

/// Runs a command of Thanos to its end.
pub fn thanos(arguments: &[String]) -> Output {
    Command::new(tool("thanos"))
        .args(arguments)
        .output()
        .expect("tests/tools/build.sh builds Thanos")
}

/// An object store in a folder: its settings file.
pub fn object_store(folder: &Path) -> PathBuf {
    let directory = folder.join("bucket");
    std::fs::create_dir_all(&directory).expect("a writable folder");
    let settings = folder.join("objstore.yml");
    let text = format!(
        "type: FILESYSTEM\nconfig: {{ directory: '{}' }}\n",
        directory.display()
    );
    std::fs::write(&settings, text).expect("a writable folder");
    settings
}

/// The whole blocks in a folder, by name.
pub fn blocks(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.join("meta.json").exists())
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}
