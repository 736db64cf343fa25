//! What is left of a host's rate limit for one credential, by the API's own headers.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;

use super::headers::{LimitReading, Refill};
use super::{Priority, headers};

/// Share of a limit that the schedule leaves to questions.
const RESERVE: f64 = 0.2;
/// Share of a limit that is never used: others may use the same credential.
const UNTOUCHED: f64 = 0.02;
/// Limits by name; a server that names more makes them up.
const MOST_NAMES: usize = 32;
/// Ends of one window differ by as much where they are told as seconds from now.
const SAME_END: TimeDelta = TimeDelta::seconds(5);

/// Requests that may be on their way when a token bucket is first told of.
const UNDER_WAY: u64 = 16;

/// The limits of a host and credential, by the vendor's name of the limit.
#[derive(Debug, Default)]
pub(super) struct Budget(HashMap<String, Window>);

#[derive(Clone, Copy, Debug, Default)]
struct Window {
    limit: Option<u64>,
    remaining: Option<u64>,
    reset_at: Option<DateTime<Utc>>,
    /// What it gets back then, where it is a token bucket.
    refill: Option<Refill>,
    /// The server said when to come back.
    closed_until: Option<DateTime<Utc>>,
}

/// What is left of a limit, for `check` and metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) remaining: u64,
    pub(super) limit: Option<u64>,
    pub(super) reset_at: Option<DateTime<Utc>>,
}

impl Budget {
    /// Until when a request of that cost has to wait; `None`: it may go, and is taken off what is left.
    pub(super) fn admit(
        &mut self,
        resource: &str,
        cost: u64,
        priority: Priority,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let window = self.0.get_mut(resource)?;
        if let Some(until) = window.closed_until {
            if until > now {
                return Some(until);
            }
            window.closed_until = None;
        }
        window.fill(now);
        let reset_at = window.reset_at?;
        if reset_at <= now {
            // The next answer tells what the new window holds.
            *window = Window::default();
            return None;
        }
        let remaining = window.remaining?;
        // What costs more than the reserve ever leaves goes when all is there, or it would never go.
        let most = window.limit.unwrap_or(u64::MAX);
        if remaining < window.kept_back(priority).saturating_add(cost).min(most) {
            return Some(reset_at);
        }
        // Requests under way are not in the headers yet.
        window.remaining = Some(remaining.saturating_sub(cost));
        None
    }

    /// Learns from an answer's headers; returns what is left, by the limit's name.
    pub(super) fn learn(
        &mut self,
        resource: &str,
        headers: &HeaderMap,
        now: DateTime<Utc>,
    ) -> Option<(String, Left)> {
        let reading = headers::limit(headers, now)?;
        let resource = headers::resource(headers).unwrap_or(resource);
        if self.0.len() >= MOST_NAMES && !self.0.contains_key(resource) {
            return None;
        }
        let window = self.0.entry(resource.to_owned()).or_default();
        if let Some(refill) = reading.refill {
            window.learn_bucket(reading, refill, now);
            return Some((resource.to_owned(), self.left(resource)?));
        }
        // Answers overtake each other: within one window what is left only falls.
        let is_same = window
            .reset_at
            .zip(reading.reset_at)
            .is_some_and(|(known, told)| (known - told).abs() <= SAME_END);
        let known = window.remaining.filter(|_| is_same);
        window.remaining =
            Some(known.map_or(reading.remaining, |known| known.min(reading.remaining)));
        window.limit = reading.limit;
        window.reset_at = reading.reset_at;
        Some((resource.to_owned(), self.left(resource)?))
    }

    /// Sends nothing before this moment: the server said so.
    pub(super) fn close(&mut self, resource: &str, until: DateTime<Utc>) {
        let window = self.0.entry(resource.to_owned()).or_default();
        window.closed_until = window.closed_until.max(Some(until));
    }

    /// What is left of the limit.
    pub(super) fn left(&self, resource: &str) -> Option<Left> {
        let window = self.0.get(resource)?;
        Some(Left {
            remaining: window.remaining?,
            limit: window.limit,
            reset_at: window.reset_at,
        })
    }
}

impl Window {
    /// Learns what is left of a token bucket. What is counted here includes what is on its way, so that the less counts.
    fn learn_bucket(&mut self, reading: LimitReading, refill: Refill, now: DateTime<Utc>) {
        self.fill(now);
        self.remaining = Some(match self.remaining {
            Some(known) => known.min(reading.remaining),
            None => reading.remaining.saturating_sub(UNDER_WAY),
        });
        self.limit = reading.limit;
        self.refill = Some(refill);
        self.reset_at.get_or_insert(now + refill.interval);
    }

    /// Gives a token bucket what it got back since.
    fn fill(&mut self, now: DateTime<Utc>) {
        while let (Some(refill), Some(at), Some(remaining)) =
            (self.refill, self.reset_at, self.remaining)
        {
            if at > now {
                return;
            }
            let limit = self.limit.unwrap_or(u64::MAX);
            let filled = remaining.saturating_add(refill.requests).min(limit);
            self.remaining = Some(filled);
            // Full is full, however long nothing was asked.
            let is_full = filled == limit;
            let next = if is_full { now } else { at };
            self.reset_at = Some(next + refill.interval);
        }
    }

    fn kept_back(&self, priority: Priority) -> u64 {
        let share = match priority {
            Priority::Background => RESERVE,
            Priority::Query => UNTOUCHED,
        };
        // Without a limit's size only the last request is known to be the last.
        self.limit.map_or(0, |limit| (limit as f64 * share) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-25T12:00:00Z".parse().unwrap()
    }

    fn said(limit: &'static str, remaining: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-limit", limit.parse().unwrap());
        headers.insert("x-ratelimit-remaining", remaining.parse().unwrap());
        headers.insert("x-ratelimit-reset", "1795611600".parse().unwrap());
        headers
    }

    fn reset() -> DateTime<Utc> {
        "2026-11-25T13:00:00Z".parse().unwrap()
    }

    #[test]
    fn the_schedule_stops_at_the_reserve_and_questions_just_before_the_end() {
        let mut budget = Budget::default();
        assert_eq!(
            budget.admit("core", 1, Priority::Background, now()),
            None,
            "nothing is known yet"
        );
        budget.learn("core", &said("100", "21"), now());
        assert_eq!(budget.admit("core", 1, Priority::Background, now()), None);
        assert_eq!(
            budget.admit("core", 1, Priority::Background, now()),
            Some(reset())
        );
        for _ in 0..18 {
            assert_eq!(budget.admit("core", 1, Priority::Query, now()), None);
        }
        assert_eq!(
            budget.admit("core", 1, Priority::Query, now()),
            Some(reset())
        );
        assert_eq!(
            budget.admit("core", 1, Priority::Background, reset()),
            None,
            "a new window began"
        );
    }

    #[test]
    fn a_dear_request_waits_where_a_cheap_one_may_go() {
        let mut budget = Budget::default();
        budget.learn("graphql", &said("100", "12"), now());
        let mut admit = |cost| budget.admit("graphql", cost, Priority::Query, now());
        assert_eq!(admit(11), Some(reset()));
        assert_eq!(admit(10), None);
        assert_eq!(admit(1), Some(reset()), "two are never used");
    }

    #[test]
    fn what_costs_more_than_the_reserve_leaves_goes_when_all_is_there() {
        let mut budget = Budget::default();
        budget.learn("graphql", &said("100", "99"), now());
        let admit = |budget: &mut Budget| budget.admit("graphql", 95, Priority::Background, now());
        assert_eq!(admit(&mut budget), Some(reset()));
        let mut budget = Budget::default();
        budget.learn("graphql", &said("100", "100"), now());
        assert_eq!(admit(&mut budget), None);
        assert_eq!(admit(&mut budget), Some(reset()), "five are left");
    }

    #[test]
    fn an_answer_that_was_overtaken_gives_nothing_back() {
        let mut budget = Budget::default();
        budget.learn("core", &said("100", "50"), now());
        budget.learn("core", &said("100", "60"), now());
        assert_eq!(budget.left("core").map(|left| left.remaining), Some(50));
    }

    #[test]
    fn windows_that_end_in_so_many_seconds_are_one_window() {
        let mut budget = Budget::default();
        let told = |left: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("ratelimit-limit", "100".parse().unwrap());
            headers.insert("ratelimit-remaining", left.parse().unwrap());
            headers.insert("ratelimit-reset", "60".parse().unwrap());
            headers
        };
        budget.learn("core", &told("50"), now());
        budget.learn("core", &told("60"), now() + TimeDelta::milliseconds(400));
        assert_eq!(budget.left("core").map(|left| left.remaining), Some(50));
        budget.learn("core", &told("99"), now() + TimeDelta::seconds(61));
        assert_eq!(budget.left("core").map(|left| left.remaining), Some(99));
    }

    #[test]
    fn a_token_bucket_is_counted_down_and_filled_again() {
        let said = |remaining: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-ratelimit-limit", "60".parse().unwrap());
            headers.insert("x-ratelimit-remaining", remaining.parse().unwrap());
            headers.insert("x-ratelimit-fillrate", "5".parse().unwrap());
            headers.insert("x-ratelimit-interval-seconds", "1".parse().unwrap());
            headers
        };
        let second = chrono::TimeDelta::seconds(1);
        let mut budget = Budget::default();
        // Sixteen may be on their way: four are left, and the last is never used.
        budget.learn("core", &said("20"), now());
        for _ in 0..3 {
            assert_eq!(budget.admit("core", 1, Priority::Query, now()), None);
        }
        let later = now() + second;
        assert_eq!(budget.admit("core", 1, Priority::Query, now()), Some(later));
        // What an older answer tells gives nothing back; a second gives five.
        budget.learn("core", &said("19"), now());
        for _ in 0..5 {
            assert_eq!(budget.admit("core", 1, Priority::Query, later), None);
        }
        assert_eq!(
            budget.admit("core", 1, Priority::Query, later),
            Some(later + second)
        );
        assert_eq!(
            budget.admit("core", 1, Priority::Query, later + second * 3600),
            None
        );
        assert_eq!(budget.left("core").map(|left| left.remaining), Some(59));
    }

    #[test]
    fn what_the_server_closes_stays_closed_for_all() {
        let mut budget = Budget::default();
        budget.close("core", reset());
        assert_eq!(
            budget.admit("core", 1, Priority::Query, now()),
            Some(reset())
        );
        assert_eq!(budget.admit("graphql", 1, Priority::Query, now()), None);
    }
}
