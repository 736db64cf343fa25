//! Draws a block for people, so that a snapshot reads like the story's end.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::correlate::{Block, Changes, Durations, Flags, Lane};
use crate::model::EventKey;

use super::timeline::midnight;

/// What was delivered when, what failed and why, and what recovered it.
pub fn describe(block: &Block, names: &BTreeMap<EventKey, String>) -> String {
    let drawing = Drawing { block, names };
    let mut text = String::new();
    for (at, lane) in block.lanes.iter().enumerate() {
        drawing.lane(at, lane, &mut text);
    }
    drawing.incidents(&mut text);
    for row in &block.quality {
        let name = drawing.name(row.event.1);
        writeln!(text, "{}: {name}", row.kind.as_str()).unwrap();
    }
    text.trim_end().to_owned()
}

/// A span for people.
pub fn span(milliseconds: i64) -> String {
    let minutes = milliseconds / 60_000;
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    let mut text = String::new();
    for (count, unit) in [(days, "d"), (hours, "h"), (minutes, "m")] {
        if count != 0 {
            write!(text, "{count}{unit}").unwrap();
        }
    }
    if text.is_empty() {
        "0".to_owned()
    } else {
        text
    }
}

/// Spans for people, `—` where missing.
pub fn spans(durations: &Durations) -> Vec<String> {
    (0..durations.seconds.len())
        .map(|at| {
            let known = durations.milliseconds_at(at);
            known.map_or("—".to_owned(), span)
        })
        .collect()
}

fn clock(milliseconds: i64) -> String {
    let since = milliseconds - midnight().timestamp_millis();
    let minutes = since.div_euclid(60_000);
    let (day, minutes) = (minutes.div_euclid(1440) + 1, minutes.rem_euclid(1440));
    let clock = format!("{:02}:{:02}", minutes / 60, minutes % 60);
    if day == 1 {
        clock
    } else {
        format!("d{day} {clock}")
    }
}

struct Drawing<'a> {
    block: &'a Block,
    names: &'a BTreeMap<EventKey, String>,
}

impl Drawing<'_> {
    fn name(&self, key: EventKey) -> String {
        self.names
            .get(&key)
            .cloned()
            .unwrap_or_else(|| "?".to_owned())
    }

    fn lane(&self, _at: usize, lane: &Lane, text: &mut String) {
        writeln!(text, "{} ({})", lane.environment, lane.tier.as_str()).unwrap();
        let deployments = &lane.deployments;
        for at in 0..deployments.key.len() {
            let finish = clock(deployments.finished_at[at]);
            write!(text, "  {finish} {}", self.name(deployments.key[at])).unwrap();
            let flags = deployments.flags[at];
            if !flags.has(Flags::LINKED) {
                text.push_str(" unlinked");
            }
            for (flag, word) in [
                (Flags::BASELINE, " baseline"),
                (Flags::UNDATED, " undated"),
                (Flags::ROLLBACK, " rollback"),
                (Flags::HOTFIX, " hotfix"),
            ] {
                if flags.has(flag) {
                    text.push_str(word);
                }
            }
            let is_named = flags.has(Flags::ROLLBACK) || flags.has(Flags::HOTFIX);
            if flags.has(Flags::REWORK) && !is_named {
                text.push_str(" rework");
            }
            if deployments.completed_at[at] != deployments.finished_at[at] {
                write!(text, " until {}", clock(deployments.completed_at[at])).unwrap();
            }
            self.changes(&lane.commits, at, text);
            self.failure(lane, at, text);
            text.push('\n');
        }
        for (at, key) in lane.failed_rollouts.key.iter().enumerate() {
            let end = clock(lane.failed_rollouts.ended_at[at]);
            writeln!(text, "  {end} {} never live", self.name(*key)).unwrap();
        }
    }

    fn changes(&self, changes: &Changes, deployment: usize, text: &mut String) {
        let committed = changes.committed.as_ref().unwrap_or(&changes.landed);
        let spans = spans(committed);
        for at in changes.of(deployment) {
            let mark = if at == changes.of(deployment).start {
                ":"
            } else {
                ","
            };
            let name = self.name(changes.key[at]);
            write!(text, "{mark} {name} {}", spans[at]).unwrap();
            if changes.repeated_in_tier.get(at) == Some(&true) {
                text.push_str(" (again)");
            }
        }
    }

    fn failure(&self, lane: &Lane, at: usize, text: &mut String) {
        let deployments = &lane.deployments;
        let flags = deployments.flags[at];
        assert_eq!(flags.has(Flags::FAILED), !deployments.rules[at].is_empty());
        let mut reasons = lane
            .reasons
            .iter()
            .filter(|reason| reason.deployment as usize == at)
            .peekable();
        if reasons.peek().is_none() {
            return;
        }
        text.push_str("; failed by");
        for reason in reasons {
            let evidence = self.name(reason.evidence.1);
            write!(text, " {} {evidence}", reason.rule.as_str()).unwrap();
        }
        let mut recoveries = lane.recoveries.iter();
        match recoveries.find(|recovery| recovery.deployment as usize == at) {
            Some(recovery) => {
                let moment = clock(recovery.recovered_at);
                let elapsed = span(recovery.milliseconds);
                write!(text, ", recovered {moment} in {elapsed}").unwrap();
            }
            None => {
                assert!(lane.open_failures.contains(&(at as u32)));
                text.push_str(", open");
            }
        }
    }

    fn incidents(&self, text: &mut String) {
        let incidents = &self.block.incidents;
        let restore = spans(&incidents.time_to_restore);
        for (at, key) in incidents.key.iter().enumerate() {
            let opened = clock(incidents.opened_at[at]);
            write!(text, "{opened} {}", self.name(*key)).unwrap();
            match incidents.resolved_at[at] {
                i64::MAX => text.push_str(" open"),
                _ => write!(text, " restored in {}", restore[at]).unwrap(),
            }
            if let Some((lane, deployment)) = incidents.deployment[at] {
                let lane = &self.block.lanes[lane as usize];
                let name = self.name(lane.deployments.key[deployment as usize]);
                let rule = incidents.link[at].map_or("?", |rule| rule.as_str());
                write!(text, " from {name} by {rule}").unwrap();
            }
            text.push('\n');
        }
    }
}
