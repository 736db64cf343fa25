//! What events say about other events: verdicts, tickets that name deployments or commits, deployments that fix.
//!
//! Built once for all applications; each application asks it about its own ids, so that no look-up scans.

use std::collections::BTreeMap;

use super::keys::{KeyMap, key_of};
use super::{Assignment, FailureRule};
use crate::model::{Application, Body, CommitHash, Event, EventId, Incident, Subject, Verdict};

/// What applications make of the incidents that speak of several (`Block::heard`): the strongest link in each, `None`
/// where the incident is linked to nothing there.
pub type Hearing = BTreeMap<EventId, BTreeMap<Application, Option<FailureRule>>>;

/// The strongest link of an incident in applications other than this one.
pub fn elsewhere(
    heard: &Hearing,
    incident: &EventId,
    application: &Application,
) -> Option<FailureRule> {
    let links = heard.get(incident)?.iter();
    links
        .filter(|(other, _)| *other != application)
        .filter_map(|(_, rule)| *rule)
        .min()
}

/// Who speaks of what.
#[derive(Clone, Debug, Default)]
pub struct References {
    events: Vec<Event>,
    /// Verdicts by the id they speak of.
    by_target: KeyMap<Vec<u32>>,
    /// Verdicts by the deployment they name as the cause.
    by_cause: KeyMap<Vec<u32>>,
    /// Incidents and fixing deployments by the text with which they name a deployment.
    by_name: KeyMap<Vec<u32>>,
    /// Incidents of nobody by the commit they name.
    by_commit: KeyMap<Vec<u32>>,
    /// Incidents by their own id.
    incidents: KeyMap<u32>,
    heard: Hearing,
}

impl References {
    /// Collects them from the events of `Ledger::references`; other events are harmless.
    ///
    /// A commit lives in many applications: a ticket that names only a commit speaks to applications other than its own
    /// where it has none (`assignment`).
    pub fn collect(events: &[Event], assignment: &Assignment) -> Self {
        let mut references = Self::default();
        let mut relevant: Vec<&Event> = events
            .iter()
            .filter(|event| {
                matches!(
                    event.body,
                    Body::Verdict(_) | Body::Incident(_) | Body::Deployment(_)
                )
            })
            .collect();
        relevant.sort_by(|one, other| one.id.cmp(&other.id));
        relevant.dedup_by(|one, other| one.id == other.id);
        for event in relevant {
            references.add(event, assignment);
        }
        references
    }

    /// Notes what all applications make of the incidents that speak of several (`Block::heard`): a verdict in one overrules
    /// the references in the others, and an incident's own application links it by no weaker rule, for it fails one.
    pub fn hear(&mut self, heard: Hearing) {
        self.heard = heard;
    }

    /// What all applications make of the incidents that speak of several.
    pub fn heard(&self) -> &Hearing {
        &self.heard
    }

    fn add(&mut self, event: &Event, assignment: &Assignment) {
        let at = self.events.len() as u32;
        match &event.body {
            Body::Verdict(verdict) => {
                push(&mut self.by_target, verdict.target.as_str(), at);
                if let Some(cause) = &verdict.cause {
                    push(&mut self.by_cause, cause.as_str(), at);
                }
            }
            Body::Incident(incident) => {
                self.incidents.insert(key_of(event.id.as_str()), at);
                if let Some(name) = &incident.deployment {
                    push(&mut self.by_name, name, at);
                }
                if let Some(commit) = &incident.commit
                    && assignment.is_unassigned(&Subject::of(&event.source, &event.body))
                {
                    self.by_commit.entry(commit.key()).or_default().push(at);
                }
            }
            Body::Deployment(deployment) => match &deployment.fixes {
                Some(name) => push(&mut self.by_name, name, at),
                None => return,
            },
            Body::Commit(_) | Body::PullRequest(_) | Body::Build(_) | Body::Release(_) => return,
        }
        self.events.push(event.clone());
    }

    /// The verdicts on an event.
    pub(super) fn verdicts_on(&self, id: &EventId) -> impl Iterator<Item = (&Event, &Verdict)> {
        self.events_at(self.by_target.get(&key_of(id.as_str())))
            .filter_map(|event| match &event.body {
                Body::Verdict(verdict) if verdict.target == *id => Some((event, verdict)),
                _ => None,
            })
    }

    /// The verdicts that name a deployment as the cause.
    pub(super) fn verdicts_naming(&self, id: &EventId) -> impl Iterator<Item = (&Event, &Verdict)> {
        self.events_at(self.by_cause.get(&key_of(id.as_str())))
            .filter_map(|event| match &event.body {
                Body::Verdict(verdict) if verdict.cause.as_ref() == Some(id) => {
                    Some((event, verdict))
                }
                _ => None,
            })
    }

    /// Incidents and deployments that name a deployment by its id.
    pub(super) fn naming(&self, id: &EventId) -> impl Iterator<Item = &Event> {
        self.events_at(self.by_name.get(&key_of(id.as_str())))
    }

    /// Incidents of nobody that name a commit.
    pub(super) fn naming_commit(&self, hash: &CommitHash) -> impl Iterator<Item = &Event> {
        let hash = *hash;
        self.events_at(self.by_commit.get(&hash.key()))
            .filter(move |event| match &event.body {
                Body::Incident(incident) => incident.commit == Some(hash),
                _ => false,
            })
    }

    /// Whether any incident of nobody names a commit.
    pub(super) fn names_commits(&self) -> bool {
        !self.by_commit.is_empty()
    }

    /// A referencing incident of whatever application.
    pub(super) fn incident(&self, id: &EventId) -> Option<(&Event, &Incident)> {
        let event = &self.events[*self.incidents.get(&key_of(id.as_str()))? as usize];
        match &event.body {
            Body::Incident(incident) if event.id == *id => Some((event, incident)),
            _ => None,
        }
    }

    fn events_at<'a>(&'a self, at: Option<&'a Vec<u32>>) -> impl Iterator<Item = &'a Event> {
        at.into_iter()
            .flatten()
            .map(|at| &self.events[*at as usize])
    }
}

fn push(map: &mut KeyMap<Vec<u32>>, name: &str, at: u32) {
    map.entry(key_of(name)).or_default().push(at);
}
