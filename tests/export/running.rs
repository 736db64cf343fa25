//! Processes that end with the test that started them, whatever becomes of it.

use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running process; it is killed when dropped.
pub struct Running(Child);

impl Running {
    /// Starts it; what it logs goes to the end of that file.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(log)
            .expect("a writable folder");
        let program = command.get_program().to_owned();
        let started = command.stdout(Stdio::null()).stderr(log).spawn();
        Self(started.unwrap_or_else(|error| {
            panic!("{program:?} does not start, tests/setup.sh installs it: {error}")
        }))
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Tells it to stop, and waits for its exit status.
    pub fn stop(mut self) -> Option<i32> {
        let told = Command::new("kill")
            .args(["-TERM", &self.id().to_string()])
            .status()
            .expect("kill is there");
        assert!(told.success());
        self.0.wait().expect("it was started here").code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Neither can fail but for a process that has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
