//! What waits to be sent.

use std::collections::BTreeSet;

use super::*;
use crate::ledger::{Forget, Queue, Queued, Route, Settled};

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn register(ledger: &Ledger, destinations: &[&str]) {
    let history = BTreeSet::from(["history".into()]);
    ledger.register(&names(destinations), &history).unwrap();
}

fn waiting(ledger: &Ledger, destination: &str, route: Route) -> Vec<Queued> {
    ledger
        .queued(destination, route, 0, at(1_000_000), 100)
        .unwrap()
}

fn ids(queued: &[Queued]) -> Vec<String> {
    queued
        .iter()
        .map(|queued| queued.event.id.to_string())
        .collect()
}

fn open(id: &str, resolved: Option<i64>) -> Event {
    let body = Body::Incident(Incident {
        resolved_at: resolved.map(at),
        updated_at: resolved.map(at),
        ..incident(0)
    });
    event("tickets", id, body)
}

fn incident(opened: i64) -> Incident {
    serde_json::from_value(serde_json::json!({ "opened_at": at(opened) })).unwrap()
}

fn settle(ledger: &Ledger, queued: &Queued, settled: Settled) {
    let settled = [(queued.number, queued.revision, settled)];
    ledger.settle("a", &settled, at(7)).unwrap();
}

#[test]
fn what_is_stored_waits_for_every_destination_until_each_has_it() {
    let (ledger, _) = Ledger::open(&Location::Memory).unwrap();
    register(&ledger, &["a", "b"]);
    ledger
        .store(&batch("code", commits("code", "r", 1..4)))
        .unwrap();
    let queued = waiting(&ledger, "a", Route::Live);
    assert_eq!(queued.len(), 3);
    settle(&ledger, &queued[0], Settled::Acknowledged);
    assert_eq!(waiting(&ledger, "a", Route::Live), queued[1..]);
    assert_eq!(waiting(&ledger, "b", Route::Live), queued);
    assert_eq!(waiting(&ledger, "c", Route::Live), []);
}

#[test]
fn a_new_destination_gets_all_that_was_read_and_one_that_is_gone_leaves_nothing() {
    let (ledger, _) = Ledger::open(&Location::Memory).unwrap();
    ledger
        .store(&batch("code", commits("code", "r", 1..4)))
        .unwrap();
    assert_eq!(waiting(&ledger, "a", Route::Live), []);
    register(&ledger, &["a"]);
    assert_eq!(waiting(&ledger, "a", Route::Live).len(), 3);
    register(&ledger, &[]);
    assert_eq!(ledger.queue("a").unwrap(), Queue::default());
    register(&ledger, &["a"]);
    assert_eq!(waiting(&ledger, "a", Route::Live).len(), 3);
}

#[test]
fn what_a_history_source_stores_is_never_sent() {
    let (ledger, _) = Ledger::open(&Location::Memory).unwrap();
    register(&ledger, &["a"]);
    ledger
        .store(&batch("history", commits("far-away", "r", 1..4)))
        .unwrap();
    assert_eq!(waiting(&ledger, "a", Route::Live), []);
    register(&ledger, &["a", "b"]);
    assert_eq!(waiting(&ledger, "b", Route::Live), []);
    // What a source of ours reports is sent, also where it was read back before.
    ledger
        .store(&batch("code", commits("code", "r", 3..5)))
        .unwrap();
    assert_eq!(waiting(&ledger, "a", Route::Live).len(), 2);
}

#[test]
fn an_event_that_changes_while_it_is_under_way_goes_on_waiting_as_it_is_now() {
    let (ledger, _) = Ledger::open(&Location::Memory).unwrap();
    register(&ledger, &["a"]);
    ledger
        .store(&batch("tickets", vec![open("i", None)]))
        .unwrap();
    let sent = waiting(&ledger, "a", Route::Live).remove(0);
    ledger
        .store(&batch("tickets", vec![open("i", Some(5))]))
        .unwrap();
    settle(&ledger, &sent, Settled::Acknowledged);
    let queued = waiting(&ledger, "a", Route::Live);
    assert_eq!(queued.len(), 1);
    assert!(queued[0].revision > sent.revision);
    assert_eq!(queued[0].event, open("i", Some(5)));
    settle(&ledger, &queued[0], Settled::Acknowledged);
    assert_eq!(ledger.queue("a").unwrap(), Queue::default());
}

#[test]
fn a_refused_event_stands_in_quarantine_with_its_reason_until_it_changes_or_is_tried_again() {
    let (ledger, _) = Ledger::open(&Location::Memory).unwrap();
    register(&ledger, &["a"]);
    ledger
        .store(&batch("tickets", vec![open("i", None), open("j", None)]))
        .unwrap();
    for queued in waiting(&ledger, "a", Route::Live) {
        let reason = "label too long".to_owned();
        settle(&ledger, &queued, Settled::Quarantined { reason });
    }
    let queue = ledger.queue("a").unwrap();
    assert_eq!((queue.live, queue.quarantined), (0, 2));
    let refused = ledger.quarantined("a", 10).unwrap();
    assert_eq!(refused[1].id, "i".into());
    assert_eq!(
        (refused[1].reason.as_str(), refused[1].at),
        ("label too long", at(7))
    );
    ledger
        .store(&batch("tickets", vec![open("i", Some(5))]))
        .unwrap();
    assert_eq!(ids(&waiting(&ledger, "a", Route::Live)), ["i"]);
    assert_eq!(ledger.retry_quarantined("a").unwrap(), 1);
    assert_eq!(ids(&waiting(&ledger, "a", Route::Live)), ["i", "j"]);
    assert_eq!(ledger.queue("a").unwrap().quarantined, 0);
}

#[test]
fn an_event_that_is_too_old_waits_for_the_backfill_and_comes_back_when_it_changes() {
    let (ledger, _) = Ledger::open(&Location::Memory).unwrap();
    register(&ledger, &["a"]);
    ledger
        .store(&batch("tickets", vec![open("i", None)]))
        .unwrap();
    let queued = waiting(&ledger, "a", Route::Live).remove(0);
    settle(&ledger, &queued, Settled::Moved(Route::Backfill));
    assert_eq!(waiting(&ledger, "a", Route::Live), []);
    assert_eq!(ids(&waiting(&ledger, "a", Route::Backfill)), ["i"]);
    ledger
        .store(&batch("tickets", vec![open("i", Some(5))]))
        .unwrap();
    assert_eq!(waiting(&ledger, "a", Route::Backfill), []);
    assert_eq!(ids(&waiting(&ledger, "a", Route::Live)), ["i"]);
}

#[test]
fn old_events_are_moved_to_the_backfill_and_young_ones_stay() {
    let (ledger, _) = Ledger::open(&Location::Memory).unwrap();
    register(&ledger, &["a", "b"]);
    ledger
        .store(&batch("code", commits("code", "r", 1..6)))
        .unwrap();
    assert_eq!(ledger.age("a", at(3)).unwrap(), 2);
    assert_eq!(ledger.age("a", at(3)).unwrap(), 0);
    let times = |route| -> Vec<_> {
        let waiting = waiting(&ledger, "a", route).into_iter();
        waiting.map(|queued| queued.event.body.time()).collect()
    };
    assert_eq!(times(Route::Backfill), [at(1), at(2)]);
    assert_eq!(times(Route::Live), [at(3), at(4), at(5)]);
    assert_eq!(waiting(&ledger, "b", Route::Live).len(), 5);
}

#[test]
fn events_that_a_destination_lost_wait_again_and_unknown_ones_do_not() {
    let (ledger, _) = Ledger::open(&Location::Memory).unwrap();
    register(&ledger, &["a"]);
    let commits = commits("code", "r", 1..3);
    let wanted = [commits[1].id.clone(), "i".into(), "nobody".into()];
    ledger.store(&batch("code", commits)).unwrap();
    ledger
        .store(&batch("tickets", vec![open("i", None)]))
        .unwrap();
    for queued in waiting(&ledger, "a", Route::Live) {
        settle(&ledger, &queued, Settled::Acknowledged);
    }
    assert_eq!(ledger.requeue("a", &wanted).unwrap(), 2);
    assert_eq!(
        ids(&waiting(&ledger, "a", Route::Live)),
        [wanted[0].as_str(), "i"]
    );
}

#[test]
fn pages_of_the_queue_follow_each_other_and_leave_out_the_future() {
    let (ledger, _) = Ledger::open(&Location::Memory).unwrap();
    register(&ledger, &["a"]);
    ledger
        .store(&batch("code", commits("code", "r", 1..10)))
        .unwrap();
    let mut seen = Vec::new();
    let mut after = 0;
    loop {
        let page = ledger.queued("a", Route::Live, after, at(6), 4).unwrap();
        let Some(last) = page.last() else { break };
        after = last.number;
        seen.extend(page.iter().map(|queued| queued.event.body.time()));
    }
    assert_eq!(seen, (1..7).map(at).collect::<Vec<_>>());
}

#[test]
fn the_queue_outlives_the_process_and_goes_with_what_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::File(folder.path().join("l.db"));
    {
        let (ledger, _) = Ledger::open(&location).unwrap();
        register(&ledger, &["a"]);
        ledger
            .store(&batch("code", commits("code", "r", 1..4)))
            .unwrap();
    }
    let (ledger, _) = Ledger::open(&location).unwrap();
    ledger
        .store(&batch("code", commits("code", "r", 4..5)))
        .unwrap();
    ledger
        .store(&batch("history", commits("far", "r", 8..9)))
        .unwrap();
    assert_eq!(ledger.queue("a").unwrap().live, 4);
    assert!(ledger.queue("a").unwrap().oldest.is_some());
    ledger.forget(&Forget::Before(at(3))).unwrap();
    assert_eq!(ledger.queue("a").unwrap().live, 2);
}

#[test]
fn what_waits_longest_is_told_of_what_waits_to_be_sent_live_alone() {
    let (ledger, _) = Ledger::open(&Location::Memory).unwrap();
    register(&ledger, &["a"]);
    ledger
        .store(&batch("code", commits("code", "r", 1..3)))
        .unwrap();
    assert!(ledger.queue("a").unwrap().oldest.is_some());
    for queued in waiting(&ledger, "a", Route::Live) {
        settle(&ledger, &queued, Settled::Moved(Route::Backfill));
    }
    let queue = ledger.queue("a").unwrap();
    assert_eq!((queue.live, queue.backfill, queue.oldest), (0, 2, None));
}
