//! The order in which events arrive.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{all_events, at, batch, commit, deployment, flush, incident, memory, sorted};
use crate::ledger::Ledger;
use crate::model::{Body, Commit, Deployment, Event, EventId, Incident, Outcome, SourceName};

fn versions() -> impl Strategy<Value = Vec<Event>> {
    let source = prop_oneof![Just("a"), Just("b"), Just("c")];
    let text = |texts: &'static [&'static str]| {
        proptest::option::of(proptest::sample::select(texts)).prop_map(|text| text.map(Into::into))
    };
    let commit_version = (
        0..2_u64,
        text(&["main", "next"]),
        text(&["Fix", "Mend"]),
        any::<bool>(),
    )
        .prop_map(|(start, branch, message, default_branch)| {
            let body = Body::Commit(Commit {
                branch,
                message,
                default_branch,
                ..commit("github.com/acme/shop", start + 5)
            });
            (body.natural_id().unwrap(), body)
        });
    let deployment_version = (
        any::<bool>(),
        proptest::option::of(5..7_u64),
        text(&["1", "2"]),
        proptest::option::of(proptest::sample::select(&["eu", "us"][..])),
        text(&["OPS-1"]),
    )
        .prop_map(|(running, commit, version, cluster, fixes)| {
            let finished = deployment("shop", commit, 100);
            let body = Deployment {
                outcome: if running {
                    Outcome::Running
                } else {
                    Outcome::Succeeded
                },
                finished_at: finished.finished_at.filter(|_| !running),
                version,
                cluster: cluster.map(Into::into),
                fixes,
                ..finished
            };
            (EventId::from("d-1"), Body::Deployment(body))
        });
    let incident_version = (
        proptest::option::of(200..202_i64),
        proptest::option::of(300..303_i64),
        text(&["low", "high"]),
        text(&["d-1"]),
    )
        .prop_map(|(resolved, updated, severity, deployment)| {
            let body = Incident {
                resolved_at: resolved.map(at),
                updated_at: updated.map(at),
                severity,
                deployment,
                ..incident(100)
            };
            (EventId::from("OPS-1"), Body::Incident(body))
        });
    let body = prop_oneof![commit_version, deployment_version, incident_version];
    let url = proptest::option::of(proptest::sample::select(&["https://a", "https://b"][..]));
    let version = (source, body, url).prop_map(|(source, (id, body), url)| Event {
        id,
        source: source.into(),
        url: url.map(Into::into),
        body,
    });
    proptest::collection::vec(version, 1..9)
}

/// Everything that the ledger tells, without numbers that it gives itself.
fn content(ledger: &Ledger) -> impl PartialEq + std::fmt::Debug + use<> {
    let subjects = ledger.subjects().unwrap();
    let claims: BTreeSet<_> = ledger
        .claims()
        .unwrap()
        .into_iter()
        .map(|(_, repository)| repository)
        .collect();
    let stats = ["a", "b", "c"].map(|source| {
        let source: SourceName = source.into();
        let mut unfinished = ledger.unfinished(&source).unwrap();
        unfinished.sort();
        let stats = ledger.stats(&source).unwrap();
        (stats.events, stats.times, unfinished)
    });
    (
        all_events(ledger),
        subjects
            .into_iter()
            .map(|(_, subject)| subject)
            .collect::<BTreeSet<_>>(),
        sorted(ledger.references().unwrap()),
        claims,
        stats,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_arrival_does_not_matter(
        (events, shuffled) in versions().prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
        page in 1..4_usize,
    ) {
        let one_by_one = memory();
        for event in &events {
            one_by_one.store(&batch(event.source.as_str(), vec![event.clone()])).unwrap();
        }
        let in_pages = memory();
        for (number, events) in shuffled.chunks(page).enumerate() {
            if number % 2 == 0 {
                flush(&in_pages);
            }
            in_pages.store(&batch("a", events.to_vec())).unwrap();
        }
        // Storing everything once more changes nothing.
        for event in shuffled.iter().chain(&events) {
            let stored = in_pages.store(&batch("a", vec![event.clone()])).unwrap();
            prop_assert_eq!(stored.new + stored.changed, 0);
        }
        let (a, b) = (content(&one_by_one), content(&in_pages));
        prop_assert_eq!(format!("{a:#?}"), format!("{b:#?}"));
    }
}
