//! Incidents: which count, and the deployments that they are linked to (definitions, section 3).

use std::collections::{BTreeMap, BTreeSet};

use super::draft::Draft;
use super::failure::Judgement;
use super::findings::Findings;
use super::input::{Input, millis};
use super::material::Material;
use super::names::{Found, Names, Place, Scope};
use super::{FailureRule, QualityKind, elsewhere};
use crate::model::{Event, EventId, EventKey, EventKind, Incident, Statement, Verdict};

/// An incident with its links.
pub(super) struct Case<'a> {
    pub event: &'a Event,
    pub incident: &'a Incident,
    /// Whether it is this application's; others only name a deployment of it.
    pub is_own: bool,
    /// Duplicates of it, which may say what it does not.
    pub duplicates: Vec<&'a Incident>,
    /// The deployments it is linked to, the strongest link first.
    pub links: Vec<Link>,
}

/// A link from an incident to a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub place: Place,
    pub rule: FailureRule,
    /// Kind and key of what proves it.
    pub evidence: (EventKind, EventKey),
    /// Milliseconds.
    pub at: i64,
}

impl Case<'_> {
    /// Milliseconds.
    pub(super) fn opened_at(&self) -> i64 {
        millis(self.incident.opened_at)
    }

    /// Milliseconds; `None` while open.
    pub(super) fn resolved_at(&self) -> Option<i64> {
        self.incident.resolved_at.map(millis)
    }
}

/// The incidents that count, in order of (opening, key), each linked by the strongest rule that applies.
pub(super) fn cases<'a>(
    material: &Material<'a>,
    drafts: &[Draft<'a>],
    names: &Names<'_, 'a>,
    input: &Input<'a>,
    findings: &mut Findings,
) -> Vec<Case<'a>> {
    let mut cases = own(material, input);
    let known: BTreeSet<&EventId> = material
        .incidents
        .iter()
        .map(|(event, _)| &event.id)
        .collect();
    cases.extend(foreign(drafts, names, input, &known));
    cases.sort_by_key(|case| (case.opened_at(), case.event.key(), !case.is_own));
    let starts = Starts::of(drafts);
    for case in &mut cases {
        case.links = links(case, names, &starts, input, findings);
    }
    cases
}

/// This application's incidents; duplicates and what a verdict calls no incident left out.
fn own<'a>(material: &Material<'a>, input: &Input<'a>) -> Vec<Case<'a>> {
    let by_id: BTreeMap<&EventId, (&'a Event, &'a Incident)> = material
        .incidents
        .iter()
        .map(|(event, incident)| (&event.id, (*event, *incident)))
        .collect();
    let mut duplicates = BTreeMap::<&EventId, Vec<&'a Incident>>::new();
    let mut originals = Vec::new();
    for (event, incident) in &material.incidents {
        let original = original(event, &by_id);
        if original == &event.id {
            originals.push((*event, *incident));
        } else {
            duplicates.entry(original).or_default().push(incident);
        }
    }
    originals
        .into_iter()
        .filter(|(event, _)| !is_no_incident(event, input))
        .map(|(event, incident)| Case {
            event,
            incident,
            is_own: true,
            duplicates: duplicates.remove(&event.id).unwrap_or_default(),
            links: Vec::new(),
        })
        .collect()
}

/// The incident that an incident repeats in the end, or itself; of a circle of duplicates the first opened.
fn original<'a>(
    event: &'a Event,
    by_id: &BTreeMap<&EventId, (&'a Event, &'a Incident)>,
) -> &'a EventId {
    let mut chain = vec![&event.id];
    loop {
        let last = chain[chain.len() - 1];
        let next = by_id
            .get(last)
            .and_then(|(_, incident)| incident.duplicate_of.as_ref())
            .filter(|next| by_id.contains_key(next));
        let Some(next) = next else { return last };
        if let Some(from) = chain.iter().position(|seen| *seen == next) {
            let opening = |id: &&&'a EventId| (by_id[**id].1.opened_at, **id);
            let first = chain[from..].iter().min_by_key(opening);
            return first.copied().unwrap_or(last);
        }
        chain.push(next);
    }
}

/// The incidents that other applications must know of, each with its strongest link here.
pub(super) fn heard(
    cases: &[Case<'_>],
    judgements: &[Judgement],
) -> Vec<(EventId, Option<FailureRule>)> {
    // What nobody knows yet may come, and is then another application's.
    let explained = judgements.iter().flat_map(|judgement| &judgement.explained);
    let explained = explained.map(|id| (id.clone(), Some(FailureRule::Verdict)));
    let told = cases.iter().filter_map(|case| {
        let rule = case.links.first().map(|link| link.rule);
        // Another application may hold the deployment that an incident of our own names.
        let overrules = rule == Some(FailureRule::Verdict) && case.incident.deployment.is_some();
        (!case.is_own || overrules).then(|| (case.event.id.clone(), rule))
    });
    told.chain(explained).collect()
}

fn is_no_incident(event: &Event, input: &Input<'_>) -> bool {
    let mut verdicts = input.references.verdicts_on(&event.id);
    verdicts.any(|(_, verdict)| verdict.statement == Statement::NotAnIncident)
}

/// Incidents of others, or of nobody, that name a deployment of this application.
fn foreign<'a>(
    drafts: &[Draft<'a>],
    names: &Names<'_, 'a>,
    input: &Input<'a>,
    known: &BTreeSet<&EventId>,
) -> Vec<Case<'a>> {
    let references = input.references;
    let mut found = BTreeMap::<&EventId, (&'a Event, &'a Incident)>::new();
    let mut add = |event: &'a Event| {
        if let crate::model::Body::Incident(incident) = &event.body
            && !known.contains(&event.id)
            && !is_no_incident(event, input)
        {
            found.insert(&event.id, (event, incident));
        }
    };
    for draft in drafts {
        let shadowed = draft.shadowed.iter().map(|(rollout, _)| rollout);
        for rollout in draft.rollouts.iter().chain(shadowed) {
            references.naming(&rollout.id).for_each(&mut add);
            for (_, verdict) in references.verdicts_naming(&rollout.id) {
                if let Some((event, _)) = references.incident(&verdict.target) {
                    add(event);
                }
            }
        }
    }
    if references.names_commits() {
        for hash in names.hashes() {
            references.naming_commit(hash).for_each(&mut add);
        }
    }
    found
        .into_values()
        .map(|(event, incident)| Case {
            event,
            incident,
            is_own: false,
            duplicates: Vec::new(),
            links: Vec::new(),
        })
        .collect()
}

/// What people say of an incident's links, the latest word on each.
#[derive(Default)]
struct Words<'a> {
    /// Deployments named as the cause, the latest word last.
    causes: Vec<(Place, &'a Event, &'a Verdict)>,
    /// Deployments that it is not linked to.
    banned: Vec<Place>,
    /// Whether it is linked to none.
    is_linked_to_none: bool,
}

fn words<'a>(
    case: &Case<'a>,
    names: &Names<'_, 'a>,
    input: &Input<'a>,
    elsewhere: Option<FailureRule>,
    findings: &mut Findings,
) -> Words<'a> {
    let mut verdicts: Vec<_> = input.references.verdicts_on(&case.event.id).collect();
    verdicts.sort_by_key(|(event, verdict)| (verdict.at, &event.id));
    let mut words = Words::default();
    for (event, verdict) in verdicts {
        let place = match &verdict.cause {
            None => None,
            Some(cause) => match names.of_id(cause) {
                Found::Live(place) => Some(place),
                Found::NeverLive | Found::Unknown => {
                    let is_heard = elsewhere == Some(FailureRule::Verdict);
                    if verdict.statement == Statement::CausedBy && case.is_own && !is_heard {
                        let text = format!(
                            "a verdict on {} names {cause} as its cause, which is unknown or was never live",
                            case.event.id
                        );
                        let at = millis(verdict.at);
                        findings.row(QualityKind::UnknownReference, event, at, text);
                    }
                    continue;
                }
            },
        };
        match (verdict.statement, place) {
            (Statement::CausedBy, Some(place)) => {
                words.causes.retain(|(other, ..)| *other != place);
                words.banned.retain(|other| *other != place);
                words.is_linked_to_none = false;
                words.causes.push((place, event, verdict));
            }
            (Statement::Unlink, Some(place)) => {
                words.causes.retain(|(other, ..)| *other != place);
                words.banned.push(place);
            }
            (Statement::Unlink, None) => {
                words.causes.clear();
                words.is_linked_to_none = true;
            }
            _ => {}
        }
    }
    words
}

fn links<'a>(
    case: &Case<'a>,
    names: &Names<'_, 'a>,
    starts: &Starts<'_, 'a>,
    input: &Input<'a>,
    findings: &mut Findings,
) -> Vec<Link> {
    let elsewhere = elsewhere(input.references.heard(), &case.event.id, input.application);
    let words = words(case, names, input, elsewhere, findings);
    if !words.causes.is_empty() {
        let said = words.causes.iter().rev();
        return said
            .map(|(place, event, verdict)| Link {
                place: *place,
                rule: FailureRule::Verdict,
                evidence: (EventKind::Verdict, event.key()),
                at: millis(verdict.at),
            })
            .collect();
    }
    if words.is_linked_to_none || elsewhere == Some(FailureRule::Verdict) {
        return Vec::new();
    }
    let link = |place, rule| Link {
        place,
        rule,
        evidence: (EventKind::Incident, case.event.key()),
        at: case.opened_at(),
    };
    let scope = Scope::Named(case.incident.environment.as_ref());
    let all = std::iter::once(case.incident).chain(case.duplicates.iter().copied());
    let mut named = Vec::new();
    for incident in all {
        named.extend(reference(case, incident, names, scope, elsewhere, findings));
    }
    named.dedup();
    if !named.is_empty() || !case.is_own || elsewhere.is_some() {
        named.retain(|place| !words.banned.contains(place));
        let named = named.into_iter();
        return named
            .map(|place| link(place, FailureRule::Reference))
            .collect();
    }
    let age = input.rules.evidence.incident_age.num_milliseconds();
    let latest = starts
        .latest(case.opened_at(), names, scope)
        .filter(|(_, finished_at)| case.opened_at() - finished_at <= age)
        .map(|(place, _)| place)
        .filter(|place| !words.banned.contains(place));
    latest
        .map(|place| link(place, FailureRule::Incident))
        .into_iter()
        .collect()
}

/// The deployment that a ticket names: as deployment, else by commit.
fn reference<'a>(
    case: &Case<'a>,
    incident: &Incident,
    names: &Names<'_, 'a>,
    scope: Scope<'_>,
    elsewhere: Option<FailureRule>,
    findings: &mut Findings,
) -> Option<Place> {
    let at = millis(incident.opened_at);
    // Versions repeat among applications, so that a ticket of another one is heard only where it names an id.
    let by_name = incident.deployment.as_ref().map(|text| {
        let found = match case.is_own {
            true => names.of_text(text, scope, at),
            false => names.of_id(&EventId::from(text.clone())),
        };
        (text.to_string(), found)
    });
    let by_commit = incident
        .commit
        .as_ref()
        .map(|hash| (hash.to_string(), names.of_commit(hash, scope, at)));
    for (text, found) in [by_name, by_commit].into_iter().flatten() {
        match found {
            Found::Live(place) => return Some(place),
            Found::NeverLive | Found::Unknown if case.is_own && elsewhere.is_none() => {
                let text = format!(
                    "{} names {text}, which is unknown or was never live",
                    case.event.id
                );
                findings.row(QualityKind::UnknownReference, case.event, at, text);
            }
            Found::NeverLive | Found::Unknown => {}
        }
    }
    None
}

/// Finds the latest deployment that had started by a moment, in two binary searches an environment.
struct Starts<'d, 'a> {
    drafts: &'d [Draft<'a>],
    /// By environment and deployment the earliest start from there on, which never falls.
    earliest_from: Vec<Vec<i64>>,
}

impl<'d, 'a> Starts<'d, 'a> {
    fn of(drafts: &'d [Draft<'a>]) -> Self {
        let earliest_from = drafts
            .iter()
            .map(|draft| {
                let mut earliest = i64::MAX;
                let mut starts: Vec<i64> = draft
                    .deployments
                    .iter()
                    .rev()
                    .map(|deployment| {
                        earliest = earliest.min(deployment.started_at);
                        earliest
                    })
                    .collect();
                starts.reverse();
                starts
            })
            .collect();
        Self {
            drafts,
            earliest_from,
        }
    }

    /// The latest deployment in scope that had started, with its finish.
    fn latest(&self, at: i64, names: &Names<'_, 'a>, scope: Scope<'_>) -> Option<(Place, i64)> {
        let mut latest: Option<Place> = None;
        for (lane, starts) in self.earliest_from.iter().enumerate() {
            let started = starts.partition_point(|start| *start <= at);
            if started == 0 || !names.concerns(scope, lane as u32) {
                continue;
            }
            let place = (lane as u32, started as u32 - 1);
            let order = |place: Place| self.drafts[place.0 as usize].first_rollout(place.1).order();
            if latest.is_none_or(|other| order(other) < order(place)) {
                latest = Some(place);
            }
        }
        let place = latest?;
        let draft = &self.drafts[place.0 as usize];
        Some((place, draft.deployments[place.1 as usize].finished_at))
    }
}
