//! Stories of delivery and what correlation makes of them.

mod assignment;
mod changes;
mod deployments;
mod drawing;
mod failures;
mod oddities;
mod properties;
mod timeline;

use super::{Assignment, Block, Input, References, SourceFacts, Sources, correlate};
use crate::model::{Coverage, Rules, TimeRange};
use drawing::describe;
use timeline::{Timeline, timeline};

/// What correlation makes of a story, drawn.
fn told(story: &str) -> String {
    told_with(story, &Rules::default(), &Sources::default())
}

fn told_with(story: &str, rules: &Rules, sources: &Sources) -> String {
    let timeline = timeline(story);
    describe(&block_with(&timeline, rules, sources), &timeline.names)
}

fn block(story: &str) -> Block {
    block_with(&timeline(story), &Rules::default(), &Sources::default())
}

fn block_with(timeline: &Timeline, rules: &Rules, sources: &Sources) -> Block {
    let references = References::collect(&timeline.events, &Assignment::default());
    let history = timeline.events.iter().cloned().collect();
    correlate(&Input {
        application: &"shop".into(),
        history: &history,
        references: &references,
        rules,
        sources,
    })
}

/// A source of that rank whose coverage begins at an hour of day 1.
fn source(name: &str, rank: u8, from_hour: i64) -> SourceFacts {
    let start = timeline::midnight() + chrono::TimeDelta::hours(from_hour);
    SourceFacts {
        name: name.into(),
        rank,
        environment: None,
        cluster: None,
        coverage: Coverage::of(TimeRange::new(start, start + chrono::TimeDelta::days(30))),
    }
}
