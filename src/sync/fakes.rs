//! Providers and events for tests.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::Semaphore;

use super::flight::lock;
use super::source::Source;
use crate::model::{
    Body, Commit, CommitHash, Cursor, Deployment, Event, EventKind, EventKinds, TimeRange,
};
use crate::providers::{CheckReport, FetchError, Page, PageRequest, Provider, Reach};

/// An instant: RFC 3339, or a date for its midnight in UTC.
pub(crate) fn at(text: &str) -> DateTime<Utc> {
    match text.parse::<NaiveDate>() {
        Ok(date) => date.and_time(chrono::NaiveTime::MIN).and_utc(),
        Err(_) => DateTime::parse_from_rfc3339(text).unwrap().to_utc(),
    }
}

pub(crate) fn range(start: &str, end: &str) -> TimeRange {
    TimeRange::new(at(start), at(end))
}

/// The hash made of one digit.
pub(crate) fn hash(digit: &str) -> CommitHash {
    digit.repeat(40).parse().unwrap()
}

pub(crate) fn event(body: Body) -> Event {
    Event {
        id: body.natural_id().unwrap(),
        source: "fake".into(),
        url: None,
        body,
    }
}

/// A commit of `github.com/acme/shop` whose hash repeats the digit.
pub(crate) fn commit(digit: &str, committed_at: &str) -> Event {
    event(Body::Commit(Commit {
        repository: "github.com/acme/shop".into(),
        hash: hash(digit),
        parents: Default::default(),
        authored_at: None,
        committed_at: at(committed_at),
        author: Some("Ann <ann@acme.example>".into()),
        branch: None,
        default_branch: true,
        message: Some(format!("Change {digit}").into()),
        reverts: Default::default(),
        picked_from: None,
        pull_request: None,
        paths: Vec::new(),
    }))
}

/// The commit as the child of another.
pub(crate) fn child(digit: &str, parent: &str, committed_at: &str) -> Event {
    let mut event = commit(digit, committed_at);
    if let Body::Commit(commit) = &mut event.body {
        commit.parents.push(hash(parent));
    }
    event
}

/// A deployment of `shop` to production.
pub(crate) fn deployment(digit: &str, finished_at: &str) -> Event {
    event(Body::Deployment(Deployment {
        application: Some("shop".into()),
        environment: Some("production".into()),
        repository: Some("github.com/acme/shop".into()),
        started_at: Some(at(finished_at) - TimeDelta::minutes(1)),
        finished_at: Some(at(finished_at)),
        commit: Some(hash(digit)),
        ..Deployment::default()
    }))
}

/// What a fake does when it is asked the next time.
pub(crate) enum Step {
    /// Fails.
    Fail(FetchError),
    /// Answers with its first so many pages, then fails.
    Break(usize, FetchError),
}

/// A provider that holds events and answers like an API, one event a page, newest first.
#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) events: Mutex<Vec<Event>>,
    pub(crate) is_whole: bool,
    /// How it is read when it is not whole; `None`: by windows.
    pub(crate) reach: Option<Reach>,
    /// How long it takes before each page.
    pub(crate) delay: Duration,
    /// Waits for a permit before each page, where a test holds it back.
    pub(crate) gate: Option<Arc<Semaphore>>,
    /// What goes wrong, in order.
    pub(crate) script: Mutex<VecDeque<Step>>,
    /// Ranges longer than this are refused.
    pub(crate) longest: Option<TimeDelta>,
    /// Events it pushes, one a page.
    pub(crate) pushed: Mutex<Option<tokio::sync::mpsc::UnboundedReceiver<Event>>>,
    pub(crate) requests: Mutex<Vec<PageRequest>>,
    pub(crate) pages: AtomicUsize,
}

impl Fake {
    pub(crate) fn of(events: Vec<Event>) -> Self {
        Self {
            events: Mutex::new(events),
            ..Self::default()
        }
    }

    pub(crate) fn whole(events: Vec<Event>) -> Self {
        Self {
            is_whole: true,
            ..Self::of(events)
        }
    }

    pub(crate) fn failing(self, step: Step) -> Self {
        lock(&self.script).push_back(step);
        self
    }

    pub(crate) fn ranges(&self) -> Vec<TimeRange> {
        lock(&self.requests)
            .iter()
            .map(|request| request.range)
            .collect()
    }

    pub(crate) fn readings(&self) -> usize {
        lock(&self.requests).len()
    }
}

pub(crate) fn unavailable() -> FetchError {
    FetchError::Unavailable {
        what: "events of acme/shop".to_owned(),
        source: anyhow::anyhow!("connection refused"),
    }
}

/// The fake, connected under the name `fake`.
pub(crate) fn source(fake: &Arc<Fake>) -> Source {
    Source {
        name: "fake".into(),
        kind: "fake",
        yields: EventKinds::of(&EventKind::ALL),
        rank: 1,
        environment: None,
        cluster: None,
        selection: "one".to_owned(),
        warnings: Vec::new(),
        provider: Arc::clone(fake) as Arc<dyn Provider>,
    }
}

impl Provider for Fake {
    fn pages(&self, request: PageRequest) -> BoxStream<'_, Result<Page, FetchError>> {
        lock(&self.requests).push(request.clone());
        let mut events = lock(&self.events).clone();
        events.sort_by_key(|event| std::cmp::Reverse(event.body.time()));
        if !self.is_whole {
            events.retain(|event| {
                let is_wanted = match &event.body {
                    Body::Commit(commit) => request.wanted.contains(&commit.hash),
                    _ => false,
                };
                request.range.contains(event.body.time())
                    || request.unfinished.contains(&event.id)
                    || is_wanted
            });
        }
        let start = events.last().map(|event| event.body.time());
        let skipped: usize = request
            .resume_from
            .map_or(0, |cursor| cursor.0.parse().unwrap());
        let count = events.len();
        let mut pages: Vec<Result<Page, FetchError>> = events
            .into_iter()
            .enumerate()
            .skip(skipped)
            .map(|(at, event)| {
                let is_last = at + 1 == count;
                Ok(Page {
                    events: vec![event],
                    checkpoint: Some(Cursor((at + 1).to_string())),
                    covered: start
                        .filter(|_| self.is_whole && is_last)
                        .map(|start| TimeRange::new(start, DateTime::<Utc>::MAX_UTC)),
                    progress: Some((at as u64 + 1, Some(count as u64))),
                    ..Page::default()
                })
            })
            .collect();
        let refused = self
            .longest
            .is_some_and(|longest| request.range.length() > longest);
        match lock(&self.script).pop_front() {
            _ if refused => {
                pages = vec![Err(FetchError::RangeTooLarge {
                    what: "fake".to_owned(),
                })];
            }
            Some(Step::Fail(error)) => pages = vec![Err(error)],
            Some(Step::Break(good, error)) => {
                pages.truncate(good);
                pages.push(Err(error));
            }
            None => {}
        }
        if self.gate.is_some() || !self.delay.is_zero() {
            // Even an empty answer takes its time.
            pages.push(Ok(Page::default()));
        }
        stream::iter(pages)
            .then(move |page| async move {
                if let Some(gate) = &self.gate {
                    gate.acquire().await.unwrap().forget();
                }
                if !self.delay.is_zero() {
                    tokio::time::sleep(self.delay).await;
                }
                self.pages.fetch_add(1, Ordering::Relaxed);
                page
            })
            .boxed()
    }

    fn watch(&self, _: Option<Cursor>) -> Option<BoxStream<'_, Result<Page, FetchError>>> {
        let pushed = lock(&self.pushed).take()?;
        let pages = stream::unfold(pushed, |mut pushed| async move {
            let event = pushed.recv().await?;
            let page = Page {
                events: vec![event],
                ..Page::default()
            };
            Some((Ok(page), pushed))
        });
        Some(pages.boxed())
    }

    fn check(&self, _: DateTime<Utc>) -> BoxFuture<'_, Result<CheckReport, FetchError>> {
        let step = lock(&self.script).pop_front();
        async move {
            if !self.delay.is_zero() {
                tokio::time::sleep(self.delay).await;
            }
            match step {
                Some(Step::Fail(error) | Step::Break(_, error)) => Err(error),
                None => Ok(CheckReport {
                    message: "sees acme/shop".to_owned(),
                    advice: None,
                }),
            }
        }
        .boxed()
    }

    fn reach(&self) -> Reach {
        if self.is_whole {
            Reach::Whole
        } else {
            self.reach.unwrap_or(Reach::Windows)
        }
    }
}
