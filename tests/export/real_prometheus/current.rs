//! The current Prometheus, which speaks both versions of remote write where it is told to.

use serde_json::json;

use super::Prometheus;
use super::loops::{destination, lines};
use crate::work::{Work, event};

const FIRST_VERSION: &str =
    "--web.remote-write-receiver.accepted-protobuf-messages=prometheus.WriteRequest";
const SECOND_VERSION: &str =
    "--web.remote-write-receiver.accepted-protobuf-messages=io.prometheus.write.v2.Request";
/// Takes both versions of remote write.
pub const BOTH_VERSIONS: [&str; 2] = [FIRST_VERSION, SECOND_VERSION];

#[test]
fn every_event_stands_in_a_current_prometheus_exactly_in_either_version() {
    for (protocol, flags) in [
        ("1.0", &BOTH_VERSIONS[..]),
        ("2.0", &BOTH_VERSIONS),
        ("2.0", &[SECOND_VERSION]),
        // It does not speak 2.0, says so, and is spoken to in 1.0.
        ("2.0", &[FIRST_VERSION]),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let prometheus = Prometheus::current(&folder.path().join("prometheus"), "", flags);
        let mut destination = destination(&prometheus);
        destination["protocol"] = json!(protocol);
        let work = Work::new(&folder.path().join("work"), &[destination]);
        let lines = lines();
        work.append(&lines);
        let output = work.once();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{told}");
        assert!(told.contains("takes samples of the last 30 days"), "{told}");
        assert_eq!(work.counts(), (7, 0, 0), "{told}");
        let mut wanted: Vec<_> = lines.iter().map(event).collect();
        wanted.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
        let shown: Vec<_> = prometheus
            .versions("2d")
            .into_iter()
            .map(|version| version.event)
            .collect();
        assert_eq!(shown, wanted, "{protocol} {flags:?}");
    }
}
