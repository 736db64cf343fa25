//! When the plugin's process has to go.

use std::io;
use std::os::unix::process::parent_id;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

/// How often we look whether Grafana is still there.
const PARENT_CHECKS: Duration = Duration::from_secs(2);

/// Waits until go-plugin's controller, a signal or the end of Grafana (the process `parent`) stops us.
///
/// # Errors
/// Where signals cannot be listened to.
pub(super) async fn stopped(controller: Arc<Notify>, parent: u32) -> io::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    // Ctrl+C in a terminal reaches Grafana too, which then stops us in its own order.
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut checks = tokio::time::interval(PARENT_CHECKS);
    loop {
        tokio::select! {
            () = controller.notified() => return Ok(()),
            _ = terminated.recv() => return Ok(()),
            _ = interrupted.recv() => {}
            // A Grafana that was killed leaves us behind; we would keep the ledger from our successor.
            _ = checks.tick() => if parent_id() != parent { return Ok(()) },
        }
    }
}
