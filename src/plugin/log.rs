//! Logs as Grafana reads them: one JSON object a line on stderr, in hclog's form.

use std::borrow::Cow;
use std::io::{self, Write};
use std::panic::PanicHookInfo;

use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, registry};

/// The level where nobody sets one.
const DEFAULT: &str = "info";
/// Libraries that may print headers, bodies or whole requests below `info`.
const TALKATIVE: &[&str] = &[
    "h2",
    "hyper",
    "hyper_util",
    "reqwest",
    "rustls",
    "tonic",
    "tower",
];
/// The SDK prints whole requests, secrets included, in its spans.
const SDK: &str = "grafana_plugin_sdk";
/// The longest line that is printed as it is; go-plugin tears lines of more than 64 KiB apart.
const LONGEST_LINE: usize = 8 << 10;
/// What is left of a text in a longer line, in bytes.
const LONGEST_TEXT: usize = 1 << 10;

/// Sends logs and panics to stderr. Called once, before anything else.
pub(super) fn install() {
    // Grafana 12.4 and later pass no RUST_LOG, but `log_level` of the plugin's section as GF_PLUGIN_LOG_LEVEL.
    let wanted = ["RUST_LOG", "GF_PLUGIN_LOG_LEVEL"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let layer = grafana_plugin_sdk::backend::layer().with_writer(Lines);
    registry()
        .with(layer)
        .with(filter(wanted.as_deref().unwrap_or(DEFAULT)))
        .init();
    std::panic::set_hook(Box::new(report_panic));
}

/// The filter for these directives, whatever they say of libraries that print secrets.
fn filter(directives: &str) -> EnvFilter {
    let is_ours = |directive: &&str| {
        let target = directive.trim();
        !TALKATIVE
            .iter()
            .chain([&SDK])
            .any(|library| target.starts_with(library))
            // A directive on spans' fields can name no target at all.
            && !target.contains('[')
    };
    let directives: Vec<&str> = directives.split(',').filter(is_ours).collect();
    let filter =
        EnvFilter::try_new(directives.join(",")).unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    TALKATIVE
        .iter()
        .map(|library| format!("{library}=info"))
        .chain([format!("{SDK}=off")])
        .filter_map(|directive| directive.parse().ok())
        .fold(filter, EnvFilter::add_directive)
}

/// One line at error level, without the payload: it may hold data.
fn report_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string);
    let line = json!({
        "@timestamp": Utc::now().to_rfc3339_opts(SecondsFormat::Micros, false),
        "@level": "error",
        "@message": "A defect stopped a request; please report it with this line",
        "location": location,
        "thread": std::thread::current().name(),
        "version": env!("CARGO_PKG_VERSION"),
    });
    // Nowhere is left to say that stderr is gone.
    let _written = writeln!(io::stderr().lock(), "{line}");
}

/// Lines on stderr, none longer than go-plugin reads.
struct Lines;

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

impl Write for Lines {
    /// The log layer writes a line at a time.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        io::stderr().lock().write_all(&shortened(line))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

fn shortened(line: &[u8]) -> Cow<'_, [u8]> {
    if line.len() <= LONGEST_LINE {
        return Cow::Borrowed(line);
    }
    let shortened = match serde_json::from_slice::<Value>(line) {
        Ok(mut value) => {
            shorten(&mut value);
            value.to_string()
        }
        Err(_) => String::new(),
    };
    let mut line = if shortened.is_empty() || shortened.len() > 4 * LONGEST_LINE {
        let length = line.len();
        json!({ "@level": "warn", "@message": format!("A log line of {length} bytes is left out") })
            .to_string()
    } else {
        shortened
    };
    line.push('\n');
    Cow::Owned(line.into_bytes())
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > LONGEST_TEXT => {
            let length = text.len();
            let cut = (0..=LONGEST_TEXT).rfind(|at| text.is_char_boundary(*at));
            text.truncate(cut.unwrap_or(0));
            text.push_str(&format!("… ({length} bytes)"));
        }
        Value::Object(map) => map.values_mut().for_each(shorten),
        Value::Array(values) => values.iter_mut().for_each(shorten),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_can_make_the_sdk_talk() {
        for wanted in [
            "trace",
            "grafana_plugin_sdk=trace",
            "info,grafana_plugin_sdk::backend=trace",
            "[{other}]=trace",
            "not a directive!!",
        ] {
            let filter = filter(wanted).to_string();
            assert!(filter.contains("grafana_plugin_sdk=off"), "{filter}");
            assert!(!filter.contains("grafana_plugin_sdk::"), "{filter}");
            assert!(!filter.contains("other"), "{filter}");
        }
    }

    #[test]
    fn a_long_value_is_cut_and_the_line_stays_json() {
        let line = json!({ "@message": "é".repeat(20_000), "span": { "n": 1 } }).to_string();
        let shortened: Value = serde_json::from_slice(&shortened(line.as_bytes())).unwrap();
        let text = shortened["@message"].as_str().unwrap();
        assert!(text.ends_with("é… (40000 bytes)"));
        assert!(text.len() < 1100);
        assert_eq!(shortened["span"]["n"], 1);
    }

    #[test]
    fn a_line_that_stays_too_long_is_left_out() {
        let fields: serde_json::Map<_, _> = (0..100)
            .map(|n| (n.to_string(), json!("x".repeat(2_000))))
            .collect();
        let line = Value::Object(fields).to_string();
        let shortened: Value = serde_json::from_slice(&shortened(line.as_bytes())).unwrap();
        assert_eq!(shortened["@level"], "warn");
    }
}
