//! Readings through `Syncing`, with fake sources over a ledger in memory.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretSlice;
use tokio::sync::Semaphore;

use super::fakes::{Fake, Step, at, child, commit, deployment, range, source, unavailable};
use super::*;
use crate::config::People;
use crate::ledger::{Ledger, Location, Stored};
use crate::model::{Body, CommitHash, Coverage, SourceName, TimeRange};
use crate::providers::FetchError;

struct Deaf;

impl Listener for Deaf {
    fn stored(&self, _: &Stored) {}
    fn forgotten(&self) {}
    fn wanted(&self) -> Vec<CommitHash> {
        Vec::new()
    }
}

const POLICY: Policy = Policy {
    freshness: TimeDelta::minutes(15),
    keep_syncing: TimeDelta::hours(24),
    lookback: TimeDelta::days(400),
    retention: None,
    largest_age: TimeDelta::days(7),
};

const NOW: &str = "2026-06-01T12:00:00Z";

fn name() -> SourceName {
    "fake".into()
}

fn ledger() -> Arc<Ledger> {
    Arc::new(Ledger::open(&Location::Memory).unwrap().0)
}

fn start_with(ledger: &Arc<Ledger>, sources: Vec<Source>, policy: Policy, now: &str) -> Syncing {
    let names = Arc::new(Names::new(People::Hidden, SecretSlice::from(vec![1; 32])));
    Syncing::start(
        Arc::clone(ledger),
        sources,
        policy,
        names,
        Clock::starting_at(at(now)),
        Box::new(Deaf),
    )
    .unwrap()
}

fn start(ledger: &Arc<Ledger>, fake: &Arc<Fake>) -> Syncing {
    start_with(ledger, vec![source(fake)], POLICY, NOW)
}

async fn read(syncing: &Syncing, need: TimeRange) -> Standing {
    syncing.want(need);
    syncing.settle(need).await;
    syncing.standings(need).remove(0)
}

fn stored(ledger: &Ledger) -> Vec<String> {
    let subjects: Vec<_> = ledger
        .subjects()
        .unwrap()
        .into_iter()
        .map(|(id, _)| id)
        .collect();
    let events = ledger
        .events_of(&subjects, crate::ledger::Depth::Whole)
        .unwrap();
    let mut ids: Vec<_> = events.iter().map(|event| event.id.to_string()).collect();
    ids.sort();
    ids
}

/// Waits for the first page. A thread that blocks holds tokio's clock still, so this yields and does not sleep.
async fn until_stored(ledger: &Ledger) {
    while stored(ledger).is_empty() {
        tokio::task::yield_now().await;
    }
}

fn three() -> Vec<crate::model::Event> {
    vec![
        commit("1", "2026-05-29T00:00:00Z"),
        child("2", "1", "2026-05-30T00:00:00Z"),
        child("3", "2", "2026-05-31T00:00:00Z"),
    ]
}

#[tokio::test(start_paused = true)]
async fn ten_questions_share_one_reading() {
    let fake = Arc::new(Fake {
        delay: Duration::from_secs(5),
        ..Fake::of(three())
    });
    let (ledger, need) = (ledger(), range("2026-05-20", NOW));
    let syncing = start(&ledger, &fake);
    let questions = (0..10).map(|_| read(&syncing, need));
    for standing in futures::future::join_all(questions).await {
        assert_eq!(standing.missing, []);
        assert_eq!(standing.failure, None);
    }
    assert_eq!(fake.readings(), 1);
    assert_eq!(stored(&ledger).len(), 3);
    assert_eq!(ledger.coverage(&name()).unwrap(), Coverage::of(need));
}

#[tokio::test(start_paused = true)]
async fn a_viewer_who_leaves_takes_no_reading_along() {
    let fake = Arc::new(Fake {
        delay: Duration::from_secs(5),
        ..Fake::of(three())
    });
    let (ledger, need) = (ledger(), range("2026-05-20", NOW));
    let syncing = start(&ledger, &fake);
    let impatient = tokio::time::timeout(Duration::from_secs(1), read(&syncing, need)).await;
    assert!(impatient.is_err());
    assert_eq!(read(&syncing, need).await.missing, []);
    assert_eq!(fake.readings(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_wider_question_widens_the_reading_under_way() {
    let fake = Arc::new(Fake {
        delay: Duration::from_secs(5),
        ..Fake::of(three())
    });
    let (ledger, narrow, wide) = (ledger(), range("2026-05-25", NOW), range("2026-05-01", NOW));
    let syncing = start(&ledger, &fake);
    let (first, second) = tokio::join!(read(&syncing, narrow), read(&syncing, wide));
    assert_eq!((first.missing, second.missing), (vec![], vec![]));
    assert_eq!(ledger.coverage(&name()).unwrap(), Coverage::of(wide));
}

#[tokio::test(start_paused = true)]
async fn only_gaps_are_read() {
    let fake = Arc::new(Fake::of(three()));
    let ledger = ledger();
    let syncing = start(&ledger, &fake);
    read(&syncing, range("2026-05-25", "2026-05-28")).await;
    read(&syncing, range("2026-05-25", "2026-05-28")).await;
    read(&syncing, range("2026-05-20", "2026-05-30")).await;
    assert_eq!(
        fake.ranges(),
        [
            range("2026-05-25", "2026-05-28"),
            // What continues the known begins ten minutes earlier, for things listed late.
            range("2026-05-27T23:50:00Z", "2026-05-30"),
            range("2026-05-20", "2026-05-25"),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn fresh_data_is_not_read_again_and_older_data_is() {
    let fake = Arc::new(Fake::whole(three()));
    let ledger = ledger();
    let syncing = start(&ledger, &fake);
    let need = range("2026-05-20", NOW);
    read(&syncing, need).await;
    tokio::time::advance(Duration::from_secs(14 * 60)).await;
    let need = TimeRange::new(need.start, syncing.now());
    assert_eq!(read(&syncing, need).await.missing, []);
    assert_eq!(fake.readings(), 1);
    tokio::time::advance(Duration::from_secs(2 * 60)).await;
    let need = TimeRange::new(need.start, syncing.now());
    assert_eq!(read(&syncing, need).await.missing, []);
    assert_eq!(fake.readings(), 2);
    let resumed = fake.requests.lock().unwrap()[1].resume_from.clone();
    assert_eq!(
        resumed.unwrap().0,
        "3",
        "the second reading goes on from the cursor"
    );
}

#[tokio::test(start_paused = true)]
async fn a_whole_source_is_covered_from_its_earliest_event_to_the_start_of_the_reading() {
    let gate = Arc::new(Semaphore::new(1));
    let fake = Arc::new(Fake {
        gate: Some(Arc::clone(&gate)),
        ..Fake::whole(three())
    });
    let ledger = ledger();
    let syncing = start(&ledger, &fake);
    let need = range("2026-01-01", NOW);
    syncing.want(need);
    until_stored(&ledger).await;
    tokio::time::advance(Duration::from_secs(60)).await;
    gate.add_permits(3);
    syncing.settle(need).await;
    assert_eq!(
        ledger.coverage(&name()).unwrap(),
        Coverage::of(range("2026-05-29", NOW))
    );
}

#[tokio::test(start_paused = true)]
async fn an_empty_file_was_read_too() {
    let fake = Arc::new(Fake::whole(Vec::new()));
    let ledger = ledger();
    let syncing = start(&ledger, &fake);
    let need = range("2026-01-01", NOW);
    assert_eq!(read(&syncing, need).await.missing, []);
    assert_eq!(read(&syncing, need).await.missing, []);
    assert_eq!(fake.readings(), 1);
    assert_eq!(ledger.coverage(&name()).unwrap(), Coverage::default());
}

#[tokio::test(start_paused = true)]
async fn refused_ranges_are_halved_until_they_pass() {
    let fake = Arc::new(Fake {
        longest: Some(TimeDelta::days(3)),
        ..Fake::of(three())
    });
    let ledger = ledger();
    let syncing = start(&ledger, &fake);
    let standing = read(&syncing, range("2026-05-22", "2026-06-01")).await;
    assert_eq!((standing.missing, standing.failure), (vec![], None));
    assert_eq!(stored(&ledger).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_with_its_causes_and_tried_again_by_itself() {
    let fake = Arc::new(Fake::of(three()).failing(Step::Fail(unavailable())));
    let ledger = ledger();
    let syncing = start(&ledger, &fake);
    let need = range("2026-05-20", NOW);
    let standing = read(&syncing, need).await;
    assert_eq!(
        standing.failure.as_deref(),
        Some("cannot read events of acme/shop: connection refused")
    );
    assert_eq!(
        standing.missing,
        [range("2026-05-20", "2026-06-01T11:45:00Z")]
    );
    // Within its back-off a source is left alone.
    read(&syncing, need).await;
    assert_eq!(fake.readings(), 1);
    // The first back-off is two seconds at most.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let standing = read(&syncing, need).await;
    assert_eq!((standing.missing, standing.failure), (vec![], None));
}

#[tokio::test(start_paused = true)]
async fn a_reading_that_breaks_goes_on_where_it_stopped() {
    for is_whole in [true, false] {
        let fake = Fake {
            is_whole,
            ..Fake::of(three())
        };
        let fake = Arc::new(fake.failing(Step::Break(2, unavailable())));
        let ledger = ledger();
        let syncing = start(&ledger, &fake);
        let need = range("2026-05-20", NOW);
        assert_ne!(read(&syncing, need).await.missing, []);
        assert_eq!(stored(&ledger).len(), 2);
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(syncing.standings(need)[0].missing, []);
        assert_eq!(stored(&ledger).len(), 3);
        assert_eq!(fake.pages.load(Ordering::Relaxed), 4, "two, a failure, one");
    }
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_are_tried_again_only_when_a_person_says_so() {
    let refused = FetchError::Unauthorized {
        what: "acme/shop".to_owned(),
        needs: None,
    };
    let fake = Arc::new(Fake::of(three()).failing(Step::Fail(refused)));
    let ledger = ledger();
    let syncing = start(&ledger, &fake);
    let need = range("2026-05-20", NOW);
    read(&syncing, need).await;
    tokio::time::sleep(Duration::from_secs(3 * 3600)).await;
    let standing = read(&syncing, need).await;
    assert_eq!(
        standing.failure.as_deref(),
        Some("acme/shop refused the credentials")
    );
    assert_eq!(fake.readings(), 1);
    assert_eq!(syncing.sync_now(None), [name()]);
    syncing.settle(need).await;
    assert_eq!(syncing.standings(need)[0].missing, []);
}

#[tokio::test(start_paused = true)]
async fn an_expired_cursor_starts_the_reading_anew() {
    let expired = FetchError::CursorExpired {
        what: "acme/shop".to_owned(),
    };
    let fake = Arc::new(Fake::whole(three()));
    let ledger = ledger();
    let syncing = start(&ledger, &fake);
    read(&syncing, range("2026-05-20", NOW)).await;
    tokio::time::advance(Duration::from_secs(3600)).await;
    fake.events
        .lock()
        .unwrap()
        .push(child("4", "3", "2026-06-01T12:30:00Z"));
    fake.script.lock().unwrap().push_back(Step::Fail(expired));
    let need = TimeRange::new(at("2026-05-20"), syncing.now());
    assert_eq!(read(&syncing, need).await.failure, None);
    assert_eq!(stored(&ledger).len(), 4);
    let requests = fake.requests.lock().unwrap();
    let cursors: Vec<_> = requests
        .iter()
        .map(|request| request.resume_from.is_some())
        .collect();
    assert_eq!(cursors, [false, true, false]);
}

async fn interrupted_after_one_page(first: Fake, second: Fake) -> (Arc<Ledger>, Arc<Fake>) {
    let ledger = ledger();
    let need = range("2026-05-20", NOW);
    {
        let syncing = start(&ledger, &Arc::new(first));
        syncing.want(need);
        until_stored(&ledger).await;
        syncing.stop().await;
    }
    assert_eq!(
        stored(&ledger).len(),
        1,
        "the kill came after the first page"
    );
    assert_eq!(ledger.coverage(&name()).unwrap(), Coverage::default());
    let second = Arc::new(second);
    let syncing = start(&ledger, &second);
    assert_eq!(read(&syncing, need).await.missing, []);
    (ledger, second)
}

#[tokio::test(start_paused = true)]
async fn a_reading_that_was_cut_between_pages_misses_nothing_and_doubles_nothing() {
    let slow = |is_whole| Fake {
        gate: Some(Arc::new(Semaphore::new(1))),
        is_whole,
        ..Fake::of(three())
    };
    for is_whole in [true, false] {
        let fast = Fake {
            is_whole,
            ..Fake::of(three())
        };
        let (ledger, second) = interrupted_after_one_page(slow(is_whole), fast).await;
        assert_eq!(stored(&ledger).len(), 3);
        assert_eq!(
            second.pages.load(Ordering::Relaxed),
            2,
            "one page was not read again"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn sources_are_refreshed_for_a_day_after_the_last_question() {
    let fake = Arc::new(Fake::of(three()));
    let ledger = ledger();
    let syncing = start(&ledger, &fake);
    read(&syncing, range("2026-05-20", NOW)).await;
    tokio::time::sleep(Duration::from_secs(3600 + 60)).await;
    assert_eq!(fake.readings(), 5, "once, and then every 15 minutes");
    tokio::time::sleep(Duration::from_secs(48 * 3600)).await;
    let readings = fake.readings();
    assert!((96..=98).contains(&readings), "{readings} in a day");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_read_before_the_first_question() {
    let fake = Arc::new(Fake::of(three()));
    let ledger = ledger();
    let _syncing = start(&ledger, &fake);
    tokio::time::sleep(Duration::from_secs(7200)).await;
    assert_eq!(fake.readings(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_source_pushes_is_stored_without_a_question() {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    let fake = Arc::new(Fake::of(three()));
    *fake.pushed.lock().unwrap() = Some(receiver);
    let ledger = ledger();
    let syncing = start(&ledger, &fake);
    read(&syncing, range("2026-05-20", NOW)).await;
    sender.send(child("4", "3", NOW)).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(stored(&ledger).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn unfinished_events_are_read_again_until_they_settle() {
    let mut running = deployment("1", "2026-05-01T00:00:00Z");
    let settled = running.clone();
    if let Body::Deployment(deployment) = &mut running.body {
        deployment.outcome = crate::model::Outcome::Running;
        deployment.finished_at = None;
    }
    let fake = Arc::new(Fake::of(vec![running]));
    let ledger = ledger();
    let syncing = start(&ledger, &fake);
    read(&syncing, range("2026-04-20", NOW)).await;
    assert_eq!(ledger.unfinished(&name()).unwrap().len(), 1);
    *fake.events.lock().unwrap() = vec![settled];
    tokio::time::advance(Duration::from_secs(3600)).await;
    read(&syncing, TimeRange::new(at("2026-04-20"), syncing.now())).await;
    assert_eq!(ledger.unfinished(&name()).unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_changed_selection_voids_what_was_covered() {
    let fake = Arc::new(Fake::of(three()));
    let ledger = ledger();
    let need = range("2026-05-20", NOW);
    let syncing = start(&ledger, &fake);
    read(&syncing, need).await;
    syncing.stop().await;
    let same = start(&ledger, &fake);
    assert_eq!(same.standings(need)[0].missing, []);
    same.stop().await;
    let mut other = source(&fake);
    other.selection = "two".to_owned();
    let changed = start_with(&ledger, vec![other], POLICY, NOW);
    assert_ne!(changed.standings(need)[0].missing, []);
    assert_eq!(stored(&ledger).len(), 3, "its events stay");
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_provider_is_a_failure_of_its_source() {
    let fake = Arc::new(Fake::of(three()));
    let ledger = ledger();
    ledger
        .store(&crate::ledger::Batch {
            source: name(),
            events: vec![],
            checkpoint: Some(crate::model::Cursor("no number".to_owned())),
            covered: None,
            at: DateTime::<Utc>::UNIX_EPOCH,
        })
        .unwrap();
    ledger
        .remember(
            "window/fake",
            br#"{"start":"2026-05-20T00:00:00Z","end":"2026-05-30T00:00:00Z"}"#,
        )
        .unwrap();
    let syncing = start(&ledger, &fake);
    let standing = read(&syncing, range("2026-05-20", NOW)).await;
    assert!(standing.failure.unwrap().contains("defect"));
    assert!(!standing.is_reading);
}

#[tokio::test(start_paused = true)]
async fn what_retention_forgets_is_gone_daily() {
    let fake = Arc::new(Fake::of(three()));
    let ledger = ledger();
    let policy = Policy {
        retention: Some(TimeDelta::days(3)),
        ..POLICY
    };
    let syncing = start_with(&ledger, vec![source(&fake)], policy, NOW);
    let need = range("2026-05-29T12:00:00Z", NOW);
    read(&syncing, need).await;
    assert_eq!(stored(&ledger).len(), 2);
    tokio::time::sleep(Duration::from_secs(25 * 3600)).await;
    assert_eq!(stored(&ledger).len(), 1);
}
