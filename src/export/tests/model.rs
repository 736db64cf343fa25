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
    for step in steps {
        now += TimeDelta::minutes(1);
        match step {
            Step::Collect(count) => {
                let first = collected.len();
                // Some lie long ago, and some ahead.
                let times =
                    (first..first + count).map(|id| now - TimeDelta::days(id as i64 * 7 % 50 - 2));
                collected.extend(times);
                let events = (first..first + count).map(|id| incident(id, collected[id], None));
                open.collect(events.collect(), now);
            }
            Step::Change(at) if !collected.is_empty() => {
                let id = at % collected.len();
                open.collect(vec![incident(id, collected[id], Some(now))], now);
            }
            Step::Mood(mood) => sink.feels(mood),
            Step::Send => {
                let pass = open.pump.pass(WINDOW, now);
                // Only a silent destination keeps a pass from its end, and then the process is killed.
                let ended = tokio::time::timeout(std::time::Duration::from_millis(200), pass).await;
                if ended.is_err() {
                    drop(open);
                    open = Loop::open(&file, &sink, page);
                }
            }
            Step::Crash => {
                drop(open);
                open = Loop::open(&file, &sink, page);
            }
            Step::Clock(hours) => now += TimeDelta::hours(hours),
            Step::Retry => drop(open.ledger.retry_quarantined(DESTINATION).unwrap()),
            Step::Lose(at) => {
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
    }
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
