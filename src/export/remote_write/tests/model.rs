//! Whatever a receiver does, every parcel has one verdict, and the verdict is true.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::receiver::{Came, Receiver, Reply};
use super::*;

/// What a receiver does to a request.
#[derive(Clone, Copy, Debug)]
enum Mood {
    Takes,
    Fails,
    Closed,
    /// Stores what is good, and fails all the same.
    FailsAfterwards,
}

fn moods() -> impl Strategy<Value = Vec<Mood>> {
    let mood = prop_oneof![
        6 => Just(Mood::Takes),
        1 => Just(Mood::Fails),
        1 => Just(Mood::Closed),
        1 => Just(Mood::FailsAfterwards),
    ];
    prop::collection::vec(mood, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_parcel_has_one_verdict_and_it_is_true(
        count in 0_usize..60,
        bad in prop::collection::btree_set(0_usize..60, 0..6),
        old in prop::collection::btree_set(0_usize..60, 0..6),
        commits_the_good: bool,
        moods in moods(),
        batch in 1_usize..20,
        shards in 1_usize..5,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let is_of = |set: &BTreeSet<usize>, came: &Came| came.id().parse().is_ok_and(|id| set.contains(&id));
            let (bad_ones, old_ones) = (bad.clone(), old.clone());
            let mut turn = 0;
            let receiver = Receiver::start(move |_, samples| {
                let mood = moods[turn % moods.len()];
                turn += 1;
                let is_bad = |came: &Came| is_of(&bad_ones, came) || is_of(&old_ones, came);
                let good = || samples.iter().filter(|came| !is_bad(came)).cloned().collect::<Vec<_>>();
                match mood {
                    Mood::Fails => Reply::says(500, "broken"),
                    Mood::Closed => Reply::says(503, "later"),
                    Mood::FailsAfterwards => Reply { keeps: good(), ..Reply::says(504, "timeout") },
                    Mood::Takes if !samples.iter().any(is_bad) => Reply::takes(samples),
                    Mood::Takes => {
                        let is_old = samples.iter().any(|came| is_of(&old_ones, came));
                        let text = if is_old { "too old sample" } else { "label invalid" };
                        let keeps = if commits_the_good { good() } else { Vec::new() };
                        Reply { keeps, ..Reply::says(if commits_the_good { 409 } else { 400 }, text) }
                    }
                }
            })
            .await;
            let settings = json!({ "batch": batch, "shards": shards });
            let sender = sender(&receiver.write_url(), settings);
            let verdicts = sender.deliver(parcels(0..count), now()).await;
            assert_eq!(verdicts.len(), count);
            let stored: BTreeSet<String> = receiver.ids().into_iter().collect();
            for (id, verdict) in verdicts.iter().enumerate() {
                let is_stored = stored.contains(&id.to_string());
                match verdict {
                    Verdict::Accepted => assert!(is_stored, "{id} is lost"),
                    Verdict::TooOld => assert!(old.contains(&id), "{id} is not too old"),
                    Verdict::Refused { reason } => assert!(bad.contains(&id), "{id}: {reason}"),
                    Verdict::Unsent { .. } => {}
                }
            }
        });
    }
}
