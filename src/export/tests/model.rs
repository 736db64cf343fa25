//! Collected = acknowledged + queued + quarantined at every moment, whatever happens: against a model of the events.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::ledger::Route;

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    /// So many new events come.
    Collect(usize),
    /// An event that is known changes.
    Change(usize),
    /// The destination's mood changes.
    Mood(Mood),
    /// The queue is gone over.
    Send,
    /// The process is killed; under way is what it was doing.
    Crash,
    /// The clock is set by so many hours.
    Clock(i64),
    /// The disk is full, or has room again.
    Full(bool),
    /// What is in quarantine waits again.
    Retry,
    /// The destination loses a version that it had, and that is found.
    Lose(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let mood = prop_oneof![
        3 => Just(Mood::Takes), 2 => Just(Mood::Away), 1 => Just(Mood::Silent)
    ];
    let step = prop_oneof![
        4 => (1_usize..8).prop_map(Step::Collect),
        2 => any::<prop::sample::Index>().prop_map(|at| Step::Change(at.index(1_000))),
        2 => mood.prop_map(Step::Mood),
        6 => Just(Step::Send),
        2 => Just(Step::Crash),
        1 => (-60_i64..60).prop_map(Step::Clock),
        2 => any::<bool>().prop_map(Step::Full),
        1 => Just(Step::Retry),
        1 => any::<prop::sample::Index>().prop_map(|at| Step::Lose(at.index(1_000))),
    ];
    prop::collection::vec(step, 1..40)
}

/// Every collected event stands in exactly one place, and what waits nowhere is at the destination in its newest version.
fn check(open: &Loop, sink: &Fake, collected: usize) {
    let far = DateTime::<Utc>::MAX_UTC;
    let waiting = |route| {
        open.ledger
            .queued(DESTINATION, route, 0, far, usize::MAX)
            .unwrap()
    };
    let mut places: HashMap<String, usize> = HashMap::new();
    for queued in waiting(Route::Live)
        .into_iter()
        .chain(waiting(Route::Backfill))
    {
        *places.entry(queued.event.id.to_string()).or_default() += 1;
    }
    for refused in open.ledger.quarantined(DESTINATION, usize::MAX).unwrap() {
        *places.entry(refused.id.to_string()).or_default() += 1;
    }
    assert!(
        places.values().all(|count| *count == 1),
        "an event waits twice: {places:?}"
    );
    let all = open
        .ledger
        .sent(DESTINATION, crate::model::TimeRange::always())
        .unwrap();
    assert_eq!(all.len(), collected);
    let acknowledged = all.iter().filter(|sent| sent.is_acknowledged);
    let mut count = 0;
    for sent in acknowledged {
        count += 1;
        assert!(
            !places.contains_key(sent.id.as_str()),
            "{} is acknowledged and waits",
            sent.id
        );
        assert!(
            sink.has(sent.id.as_str(), sent.revision),
            "{} is lost",
            sent.id
        );
    }
    assert_eq!(count + places.len(), collected);
}

async fn happen(steps: Vec<Step>, refused: BTreeSet<String>, page: usize) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("l.db");
    let sink = Fake::new(refused.clone());
    let mut open = Loop::open(&file, &sink, page);
    let mut now = start();
    let mut collected: Vec<DateTime<Utc>> = Vec::new();
    let mut cursor = None;
    let mut is_full = false;
    for step in steps {
        now += TimeDelta::minutes(1);
        match step {
            Step::Collect(count) => {
                let first = collected.len();
                // Some lie long ago, and some ahead.
                let times: Vec<_> = (first..first + count)
                    .map(|id| now - TimeDelta::days(id as i64 * 7 % 50 - 2))
                    .collect();
                let numbered = times.iter().enumerate();
                let events = numbered.map(|(at, time)| incident(first + at, *time, None));
                let next = Cursor((first + count).to_string());
                match open.try_collect(events.collect(), Some(next.clone()), now) {
                    Ok(()) => {
                        collected.extend(times);
                        cursor = Some(next);
                    }
                    // What could not be stored was not collected: its cursor stays, and it is read again.
                    Err(error) => assert!(is_full, "{error}"),
                }
            }
            Step::Change(at) if !collected.is_empty() => {
                let id = at % collected.len();
                let changed = vec![incident(id, collected[id], Some(now))];
                let stored = open.try_collect(changed, None, now);
                assert!(stored.is_ok() || is_full, "{stored:?}");
            }
            Step::Mood(mood) => sink.feels(mood),
            Step::Send => {
                let pass = open.pump.pass(WINDOW, now);
                // Only a silent destination keeps a pass from its end, and then the process is killed.
                let ended = tokio::time::timeout(std::time::Duration::from_millis(200), pass).await;
                match ended {
                    Ok(Ok(_)) => {}
                    // What was delivered and not noted is delivered again.
                    Ok(Err(error)) => assert!(is_full, "{error}"),
                    Err(_) => {
                        drop(open);
                        (open, is_full) = (Loop::open(&file, &sink, page), false);
                    }
                }
            }
            Step::Crash => {
                drop(open);
                (open, is_full) = (Loop::open(&file, &sink, page), false);
            }
            Step::Full(full) => {
                is_full = full;
                open.ledger.limit_pages(if full {
                    "(SELECT page_count FROM pragma_page_count)"
                } else {
                    "1000000"
                });
            }
            Step::Clock(hours) => now += TimeDelta::hours(hours),
            Step::Retry => {
                let retried = open.ledger.retry_quarantined(DESTINATION);
                assert!(retried.is_ok() || is_full, "{retried:?}");
            }
            Step::Lose(at) => {
                if is_full {
                    // What cannot be noted is found again at the next comparison.
                    continue;
                }
                let lost = {
                    let mut sink = sink.0.lock().unwrap();
                    let keys: Vec<_> = sink.has.keys().cloned().collect();
                    let key = (!keys.is_empty()).then(|| keys[at % keys.len()].clone());
                    key.inspect(|key| {
                        sink.has.remove(key);
                    })
                };
                if let Some((id, _)) = lost {
                    open.ledger.requeue(DESTINATION, &[id.into()]).unwrap();
                }
            }
            Step::Change(_) => {}
        }
        check(&open, &sink, collected.len());
        assert_eq!(open.ledger.cursor(&"tickets".into()).unwrap(), cursor);
    }
    open.ledger.limit_pages("1000000");
    // In the end, with time enough and a destination that takes, only what it refuses and what is too old is not there.
    sink.feels(Mood::Takes);
    let end = now.max(start()) + TimeDelta::days(3);
    open.pump.pass(TimeDelta::days(400), end).await.unwrap();
    check(&open, &sink, collected.len());
    let queue = open.ledger.queue(DESTINATION).unwrap();
    assert!(queue.quarantined as usize <= refused.len());
    let waiting = open
        .ledger
        .queued(DESTINATION, Route::Live, 0, end, usize::MAX)
        .unwrap();
    assert_eq!(waiting, []);
}

fn cases() -> u32 {
    if std::env::var_os("PELORUS_SOAK").is_some() {
        10_000
    } else {
        100
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn collected_is_acknowledged_queued_and_quarantined_at_every_moment(
        steps in steps(),
        refused in prop::collection::btree_set(0_usize..40, 0..5),
        page in 1_usize..10,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let refused = refused.iter().map(usize::to_string).collect();
        runtime.block_on(happen(steps, refused, page));
    }
}
