//! What happened to the pull requests of a repository: reviews, approvals, merges.
//!
//! Bitbucket tells it for all of a repository in one list, newest first, fifty a page, and for one pull request at a time.
//! The list is read as far as that is cheaper.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::json;
use super::lists::Asking;
use super::pieces::Repo;
use crate::providers::bitbucket_cloud::{Values, all, of_values, page};
use crate::providers::http::HttpError;

/// The most that lists around pull requests give; a hundred is refused.
pub(super) const PULL_REQUEST_PAGE: &str = "50";

/// How far the list of a repository was read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Log {
    place: Place,
    /// Everything younger is told.
    told_from: Option<DateTime<Utc>>,
    /// What it told of pull requests that were not met yet.
    pub(super) facts: Vec<Fact>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
enum Place {
    #[default]
    Start,
    At(String),
    End,
    /// Its order is not the one we know: each pull request is asked.
    Unusable,
}

/// Something that happened to a pull request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Fact {
    pub(super) number: u64,
    pub(super) at: DateTime<Utc>,
    /// The uuid of whoever did it.
    pub(super) by: Option<String>,
    pub(super) what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum What {
    Reviewed,
    Approved,
    Merged,
    Closed,
    /// Opened or changed: it only tells how far the list is read.
    Other,
}

impl Fact {
    pub(super) fn of(told: &json::Activity, number: u64) -> Option<Self> {
        let by = |user: &Option<json::User>| user.as_ref().and_then(|user| user.uuid.clone());
        let (at, by, what) = if let Some(approval) = &told.approval {
            (approval.date?, by(&approval.user), What::Approved)
        } else if let Some(opinion) = &told.changes_requested {
            (opinion.date?, by(&opinion.user), What::Reviewed)
        } else if let Some(comment) = &told.comment {
            (comment.created_on?, by(&comment.user), What::Reviewed)
        } else {
            let update = told.update.as_ref()?;
            let what = match update.state.as_deref() {
                Some("MERGED") => What::Merged,
                Some("DECLINED" | "SUPERSEDED") => What::Closed,
                _ => What::Other,
            };
            (update.date?, None, what)
        };
        Some(Self {
            number,
            at,
            by,
            what,
        })
    }
}

impl Log {
    fn tells_all_of(&self, request: &json::PullRequest) -> bool {
        match (&self.place, request.created_on) {
            (Place::End, _) => true,
            (Place::Unusable | Place::Start, _) | (_, None) => false,
            (Place::At(_), Some(created_on)) => {
                self.told_from.is_some_and(|from| from <= created_on)
            }
        }
    }

    /// What happened to these pull requests, forgotten here.
    fn take(&mut self, requests: &[json::PullRequest]) -> Vec<Fact> {
        let is_one = |fact: &Fact| requests.iter().any(|request| request.id == fact.number);
        let (taken, kept) = std::mem::take(&mut self.facts)
            .into_iter()
            .partition(is_one);
        self.facts = kept;
        taken
    }

    fn take_in(&mut self, told: Values<json::Activity>) {
        let mut position = self.told_from;
        for activity in &told.values {
            let Some(number) = activity.pull_request.as_ref().map(|request| request.id) else {
                continue;
            };
            let Some(fact) = Fact::of(activity, number) else {
                continue;
            };
            if position.is_some_and(|position| fact.at > position) {
                self.place = Place::Unusable;
                self.facts.clear();
                return;
            }
            position = Some(fact.at);
            if fact.what != What::Other {
                self.facts.push(fact);
            }
        }
        self.told_from = position;
        self.place = told.next.map_or(Place::End, Place::At);
    }
}

impl Asking<'_> {
    /// What happened to these pull requests of a repository.
    pub(super) async fn happened(
        &self,
        repo: &Repo,
        requests: &[json::PullRequest],
        log: &mut Log,
    ) -> Result<Vec<Fact>, HttpError> {
        let mut pages = 0;
        loop {
            let untold = requests
                .iter()
                .filter(|request| !log.tells_all_of(request))
                .count();
            // Once fewer are left than pages were read, asking each is as cheap.
            if untold <= pages + 1 || matches!(log.place, Place::End | Place::Unusable) {
                break;
            }
            let next = match &log.place {
                Place::At(url) => Some(url.clone()),
                _ => None,
            };
            let fields = of_values(json::ACTIVITY_FIELDS);
            let query = [("pagelen", PULL_REQUEST_PAGE), ("fields", &fields)];
            let path = Self::path(repo, &["pullrequests", "activity"]);
            log.take_in(page(&self.api, &path, &query, next.as_deref()).await?);
            pages += 1;
        }
        let alone: Vec<_> = requests
            .iter()
            .filter(|request| !log.tells_all_of(request))
            .map(|request| request.id)
            .collect();
        let mut facts = log.take(requests);
        facts.retain(|fact| !alone.contains(&fact.number));
        for number in alone {
            self.happened_to(repo, number, &mut facts).await?;
        }
        Ok(facts)
    }

    async fn happened_to(
        &self,
        repo: &Repo,
        number: u64,
        facts: &mut Vec<Fact>,
    ) -> Result<(), HttpError> {
        let fields = of_values(json::ACTIVITY_FIELDS);
        let query = [("pagelen", PULL_REQUEST_PAGE), ("fields", fields.as_str())];
        let words = number.to_string();
        let path = Self::path(repo, &["pullrequests", &words, "activity"]);
        let told: Vec<json::Activity> = all(&self.api, &path, &query).await?;
        facts.extend(
            told.iter()
                .filter_map(|activity| Fact::of(activity, number)),
        );
        Ok(())
    }
}
