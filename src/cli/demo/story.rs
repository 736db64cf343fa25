//! The story of one application, told in order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use super::estate::Profile;
use super::office;
use super::random::Random;
use crate::model::{Body, CommitHash, Environment, Incident, TimeRange};

/// Something that happens next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Act {
    /// A pull request is opened.
    Open(usize),
    /// It is merged.
    Merge(usize),
    /// The build of a commit on the main branch ends.
    Built { commit: usize, is_retry: bool },
    /// A commit reaches staging.
    Stage { commit: usize },
    /// The day's time for a release, where releases have one.
    Window,
    /// A commit goes to production.
    Release { commit: usize },
    /// Somebody notices that a release is bad.
    Notice { release: usize },
    /// The version before it is brought back.
    RollBack { release: usize },
    /// Something breaks that no release broke.
    Outage,
}

/// A commit on the main branch that can be built and put live.
#[derive(Clone, Copy, Debug)]
pub(super) struct Landed {
    pub(super) hash: CommitHash,
    pub(super) at: DateTime<Utc>,
    /// The commit that a revert would name.
    pub(super) change: CommitHash,
    /// The pull request it came with.
    pub(super) request: Option<usize>,
}

/// A version that went to production.
#[derive(Clone, Copy, Debug)]
pub(super) struct Released {
    pub(super) commit: usize,
    /// The commit that was live before.
    pub(super) replaced: Option<usize>,
}

/// What mends a bad release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mending {
    Revert { release: usize },
    Hotfix { release: usize },
}

/// A pull request in the making.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) number: u64,
    pub(super) title: String,
    pub(super) branch: String,
    pub(super) author: &'static str,
    /// Author's times of its commits.
    pub(super) written: Vec<DateTime<Utc>>,
    pub(super) hashes: Vec<CommitHash>,
    pub(super) opened_at: DateTime<Utc>,
    pub(super) reviewed_at: DateTime<Utc>,
    pub(super) approved_at: DateTime<Utc>,
    pub(super) merged_at: DateTime<Utc>,
    pub(super) mends: Option<Mending>,
    pub(super) is_bot: bool,
}

/// The state of the story, and the events told so far.
pub(super) struct Story<'a> {
    pub(super) profile: &'a Profile,
    pub(super) random: Random,
    pub(super) range: TimeRange,
    queue: BinaryHeap<Reverse<(DateTime<Utc>, u64, Act)>>,
    sequence: u64,
    pub(super) requests: Vec<Request>,
    pub(super) next_number: u64,
    pub(super) main: Vec<Landed>,
    pub(super) staged: Option<usize>,
    pub(super) released: Vec<Released>,
    /// Releases wait while a bad one is being mended.
    pub(super) mending: Option<usize>,
    /// Incidents with the release that caused them; told at the end, when their resolution is known.
    pub(super) incidents: Vec<(Option<usize>, Incident)>,
    pub(super) events: Vec<Body>,
}

impl<'a> Story<'a> {
    /// Tells all that happens to the application in that range.
    pub(super) fn tell(
        profile: &'a Profile,
        range: TimeRange,
        random: Random,
    ) -> (Vec<Body>, Vec<Incident>) {
        let mut story = Self {
            profile,
            random,
            range,
            queue: BinaryHeap::new(),
            sequence: 0,
            requests: Vec::new(),
            next_number: 1,
            main: Vec::new(),
            staged: None,
            released: Vec::new(),
            mending: None,
            incidents: Vec::new(),
            events: Vec::new(),
        };
        story.begin();
        while let Some(Reverse((at, _, act))) = story.queue.pop() {
            if at >= range.end {
                break;
            }
            story.act(at, act);
        }
        story.tell_open_requests();
        let incidents = story.incidents.into_iter().map(|(_, incident)| incident);
        (story.events, incidents.collect())
    }

    /// A first commit goes live, and every working day gets its work.
    fn begin(&mut self) {
        let zone = self.profile.zone;
        let start = self.range.start;
        let first = self.root(start);
        self.then(
            start + TimeDelta::minutes(20),
            Act::Release { commit: first },
        );
        let mut date = start.with_timezone(&zone).date_naive();
        let end = self.range.end.with_timezone(&zone).date_naive();
        while date <= end {
            if office::is_workday(date) {
                let mean = self
                    .profile
                    .pull_requests
                    .at(self.share(office::at(date, 12.0, zone)));
                for _ in 0..self.random.count(mean) {
                    let hour = self.random.between(8.0, 17.5);
                    self.plan_request(office::at(date, hour, zone));
                }
                let hour = self.random.between(10.0, 11.5);
                self.then(office::at(date, hour, zone), Act::Window);
            }
            if self.random.chance(0.035) {
                let hour = self.random.between(0.0, 24.0).min(23.9);
                self.then(office::at(date, hour, zone), Act::Outage);
            }
            date += TimeDelta::days(1);
        }
    }

    fn act(&mut self, at: DateTime<Utc>, act: Act) {
        match act {
            Act::Open(request) => self.open(at, request),
            Act::Merge(request) => self.merge(at, request),
            Act::Built { commit, is_retry } => self.built(at, commit, is_retry),
            Act::Stage { commit } => self.stage(at, commit),
            Act::Window => self.window(at),
            Act::Release { commit } => self.release(at, commit),
            Act::Notice { release } => self.notice(at, release),
            Act::RollBack { release } => self.roll_back(at, release),
            Act::Outage => self.outage(at),
        }
    }

    /// Lets something happen at that time; of two at one time the one asked for first comes first.
    pub(super) fn then(&mut self, at: DateTime<Utc>, act: Act) {
        self.sequence += 1;
        self.queue
            .push(Reverse((at.trunc_subsecs(0), self.sequence, act)));
    }

    /// How much of the year is over.
    pub(super) fn share(&self, at: DateTime<Utc>) -> f64 {
        (at - self.range.start).as_seconds_f64() / self.range.length().as_seconds_f64()
    }

    pub(super) fn hash(&mut self) -> CommitHash {
        let bytes: [u8; 20] = self.random.bytes();
        CommitHash::from_bytes(&bytes).expect("twenty bytes are a hash")
    }

    /// A span around that many minutes, whole seconds.
    pub(super) fn minutes(&mut self, median: f64, spread: f64) -> TimeDelta {
        let minutes = self
            .random
            .long_tailed(median, spread)
            .min(60.0 * 24.0 * 30.0);
        TimeDelta::seconds((minutes * 60.0) as i64 + 1)
    }

    /// The time if it has come by the story's end.
    pub(super) fn past(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        (at < self.range.end).then_some(at)
    }

    pub(super) fn environment(name: &str) -> Option<Environment> {
        Some(Environment::from(name))
    }
}
