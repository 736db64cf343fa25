//! Shows on stderr which sources are being read while an answer is awaited.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::say;
use crate::app::{App, SourceStatus};
use crate::model::SourceName;

/// How often the sources are looked at.
const INTERVAL: Duration = Duration::from_millis(100);

/// Where progress goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// Somebody who watches: bars.
    Terminal,
    /// A log: a line a step.
    Log,
    /// Nobody.
    Nobody,
}

impl Audience {
    /// Who reads stderr.
    pub(super) fn of_stderr(is_quiet: bool) -> Self {
        if is_quiet {
            Self::Nobody
        } else if std::io::stderr().is_terminal() {
            Self::Terminal
        } else {
            Self::Log
        }
    }
}

/// Awaits the work, and shows meanwhile what the sources do.
pub(super) async fn during<T>(app: &App, audience: Audience, work: impl Future<Output = T>) -> T {
    if audience == Audience::Nobody {
        return work.await;
    }
    let mut shown = Shown::for_audience(audience);
    let mut clock = tokio::time::interval(INTERVAL);
    tokio::pin!(work);
    let result = loop {
        tokio::select! {
            result = &mut work => break result,
            _ = clock.tick() => shown.update(&app.sources()),
        }
    };
    shown.update(&app.sources());
    // Where the terminal is gone there is nothing to clear.
    shown.bars.clear().ok();
    result
}

struct Shown {
    audience: Audience,
    bars: MultiProgress,
    sources: HashMap<SourceName, Source>,
}

#[derive(Default)]
struct Source {
    was_syncing: bool,
    bar: Option<ProgressBar>,
}

impl Shown {
    fn for_audience(audience: Audience) -> Self {
        let target = if audience == Audience::Terminal {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self {
            audience,
            bars: MultiProgress::with_draw_target(target),
            sources: HashMap::new(),
        }
    }

    fn update(&mut self, statuses: &[SourceStatus]) {
        for status in statuses {
            let source = self.sources.entry(status.name.clone()).or_default();
            let step = step(source.was_syncing, status);
            source.was_syncing = status.is_syncing;
            if self.audience == Audience::Log {
                if let Some(line) = step {
                    say(line);
                }
                continue;
            }
            if status.is_syncing {
                let bar = source
                    .bar
                    .get_or_insert_with(|| self.bars.add(new_bar(status)));
                advance(bar, status);
            } else if let Some(bar) = source.bar.take() {
                bar.finish_and_clear();
            }
        }
    }
}

fn new_bar(status: &SourceStatus) -> ProgressBar {
    let bar = ProgressBar::no_length();
    bar.set_prefix(status.name.to_string());
    bar.enable_steady_tick(INTERVAL);
    bar
}

fn advance(bar: &ProgressBar, status: &SourceStatus) {
    const UNKNOWN: &str = "{spinner} {prefix} {msg}";
    const KNOWN: &str = "{spinner} {prefix} {bar:30} {percent} % {eta}";
    let total = status.progress.and_then(|(_, total)| total);
    if let Some((done, _)) = status.progress {
        bar.set_position(done);
        bar.set_message(format!("{done} read"));
    }
    if total != bar.length() || bar.position() == 0 {
        bar.set_style(
            ProgressStyle::with_template(if total.is_some() { KNOWN } else { UNKNOWN })
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
    }
    if let Some(total) = total {
        bar.set_length(total);
    }
}

/// The line that a log gets when a source begins or ends to be read.
fn step(was_syncing: bool, status: &SourceStatus) -> Option<String> {
    let name = &status.name;
    match (was_syncing, status.is_syncing) {
        (false, true) => Some(format!("reading {name}")),
        (true, false) => Some(match &status.failure {
            Some(failure) => format!("{name}: {failure}"),
            None => {
                let events: u64 = status.stats.events.iter().map(|(_, count)| count).sum();
                format!("{name}: {events} events")
            }
        }),
        (true, true) | (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::SourceStats;
    use crate::model::{Coverage, EventKind};

    fn status(is_syncing: bool, failure: Option<&str>) -> SourceStatus {
        SourceStatus {
            name: "shop".into(),
            kind: "git",
            coverage: Coverage::default(),
            stats: SourceStats {
                events: vec![(EventKind::Commit, 40), (EventKind::Release, 2)],
                ..SourceStats::default()
            },
            is_syncing,
            progress: None,
            failure: failure.map(str::to_owned),
        }
    }

    #[test]
    fn a_log_gets_a_line_when_a_reading_begins_and_ends() {
        assert_eq!(
            step(false, &status(true, None)).as_deref(),
            Some("reading shop")
        );
        assert_eq!(step(true, &status(true, None)), None);
        assert_eq!(
            step(true, &status(false, None)).as_deref(),
            Some("shop: 42 events")
        );
        assert_eq!(
            step(true, &status(false, Some("cannot read it"))).as_deref(),
            Some("shop: cannot read it")
        );
    }
}
