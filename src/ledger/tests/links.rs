//! Whose events are whose: claims of repositories, and events that name others.

use std::collections::BTreeSet;

use super::{
    batch, build, commit, commits, deployment, event, flush, hash, incident, memory, verdict,
};
use crate::model::{Body, Deployment, Incident, Repository, Subject};

#[test]
fn a_deployment_claims_the_repository_of_its_commit_whichever_comes_first() {
    let deployed = event(
        "cd",
        "d-1",
        Body::Deployment(deployment("shop", Some(5), 100)),
    );
    let shop = event("git", "", Body::Commit(commit("github.com/acme/shop", 5)));
    let fork = event("git", "", Body::Commit(commit("github.com/fork/shop", 5)));
    let stranger = event("git", "", Body::Commit(commit("github.com/acme/other", 6)));
    for order in [[0, 1, 2, 3], [1, 0, 2, 3], [3, 2, 1, 0], [2, 3, 0, 1]] {
        let ledger = memory();
        let mut changes = 0;
        for at in order {
            let event = [&deployed, &shop, &fork, &stranger][at].clone();
            flush(&ledger);
            let stored = ledger.store(&batch("any", vec![event])).unwrap();
            changes += u32::from(stored.assignment_changed);
        }
        let claims = ledger.claims().unwrap();
        let repositories: Vec<_> = claims
            .iter()
            .map(|(_, repository)| repository.as_str())
            .collect();
        assert_eq!(
            repositories,
            ["github.com/acme/shop", "github.com/fork/shop"]
        );
        let subject = Subject::of(&"cd".into(), &deployed.body);
        let id = ledger
            .subjects()
            .unwrap()
            .into_iter()
            .find(|(_, known)| *known == subject)
            .unwrap()
            .0;
        assert!(claims.iter().all(|(claimed, _)| *claimed == id));
        // Four new subjects; claims come together with one of them.
        assert_eq!(changes, 4);
    }
}

#[test]
fn a_deployment_claims_the_repository_that_built_its_image() {
    let deployed = Deployment {
        images: vec!["mirror.example/shop@sha256:ab".into()],
        ..deployment("shop", None, 100)
    };
    let deployed = event("cd", "d-1", Body::Deployment(deployed));
    let built = build("github.com/acme/shop", 5, "quay.io/acme/shop:1@sha256:ab");
    let built = event("ci", "b-1", Body::Build(built));
    for events in [[&deployed, &built], [&built, &deployed]] {
        let ledger = memory();
        for event in events {
            ledger.store(&batch("any", vec![event.clone()])).unwrap();
        }
        let claims = ledger.claims().unwrap();
        assert_eq!(claims.len(), 1);
        assert_eq!(claims[0].1, Repository::from("github.com/acme/shop"));
    }
}

#[test]
fn a_deployment_that_names_its_repository_claims_none() {
    let ledger = memory();
    let deployed = Deployment {
        repository: Some("github.com/acme/shop".into()),
        ..deployment("shop", Some(5), 100)
    };
    let events = vec![
        event("git", "", Body::Commit(commit("github.com/fork/shop", 5))),
        event("cd", "d-1", Body::Deployment(deployed)),
    ];
    ledger.store(&batch("any", events)).unwrap();
    assert_eq!(ledger.claims().unwrap(), []);
}

#[test]
fn events_that_name_others_are_references_and_tell_whom() {
    let ledger = memory();
    ledger
        .store(&batch("git", commits("git", "github.com/acme/shop", 5..6)))
        .unwrap();
    let names_commit = Incident {
        commit: Some(hash(5)),
        ..incident(10)
    };
    let events = vec![
        event("j", "OPS-1", Body::Incident(incident(10))),
        event("j", "OPS-2", Body::Incident(names_commit)),
        event("j", "v-1", Body::Verdict(verdict("d-9", "Ada"))),
        event("j", "d-1", Body::Deployment(deployment("shop", None, 100))),
        event(
            "j",
            "d-2",
            Body::Deployment(Deployment {
                fixes: Some("OPS-1".into()),
                ..deployment("shop", None, 200)
            }),
        ),
    ];
    let stored = ledger.store(&batch("j", events)).unwrap();
    let commit = Body::Commit(commit("github.com/acme/shop", 5))
        .natural_id()
        .unwrap();
    assert_eq!(
        stored.named,
        BTreeSet::from([commit, "d-9".into(), "OPS-1".into()])
    );
    let mut ids: Vec<_> = ledger
        .references()
        .unwrap()
        .into_iter()
        .map(|event| event.id)
        .collect();
    ids.sort();
    assert_eq!(ids, ["OPS-2".into(), "d-2".into(), "v-1".into()]);
}
