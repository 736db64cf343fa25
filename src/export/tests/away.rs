//! A destination that is away for two weeks.

use super::*;

#[tokio::test]
async fn nothing_is_lost_while_a_destination_is_away_for_fourteen_days() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Fake::new(BTreeSet::new());
    let open = Loop::open(&folder.path().join("l.db"), &sink, 50);
    sink.feels(Mood::Away);
    let hours = 14 * 24;
    for hour in 0..hours {
        let now = start() + TimeDelta::hours(hour as i64);
        open.collect(vec![incident(hour, now, None)], now);
        let pass = open.pump.pass(WINDOW, now).await.unwrap();
        assert!(matches!(pass, Pass::Stuck { .. }));
    }
    let queue = open.ledger.queue(DESTINATION).unwrap();
    assert_eq!(
        (queue.live, queue.backfill, queue.quarantined),
        (hours as u64, 0, 0)
    );
    assert_eq!(queue.oldest, Some(start()));
    sink.feels(Mood::Takes);
    let now = start() + TimeDelta::days(14);
    assert_eq!(
        open.pump.pass(WINDOW, now).await.unwrap(),
        Pass::Done { was_any: true }
    );
    assert_eq!(sink.versions(), hours);
    assert_eq!(
        open.pump.pass(WINDOW, now).await.unwrap(),
        Pass::Done { was_any: false }
    );
}

#[tokio::test]
async fn what_grew_older_than_the_window_meanwhile_waits_for_a_backfill_and_is_not_refused() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Fake::new(BTreeSet::new());
    let open = Loop::open(&folder.path().join("l.db"), &sink, 50);
    let events = (0..10).map(|day| incident(day, start() + TimeDelta::days(day as i64), None));
    open.collect(events.collect(), start());
    // A window of a week, looked at on the tenth day, with five minutes to spare.
    let now = start() + TimeDelta::days(10);
    open.pump.pass(TimeDelta::days(7), now).await.unwrap();
    let queue = open.ledger.queue(DESTINATION).unwrap();
    assert_eq!((queue.live, queue.backfill, queue.quarantined), (0, 4, 0));
    assert_eq!(sink.versions(), 6);
}

#[tokio::test]
async fn what_lies_in_the_future_waits_for_its_time_and_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Fake::new(BTreeSet::new());
    let open = Loop::open(&folder.path().join("l.db"), &sink, 2);
    let at = |days| start() + TimeDelta::days(days);
    let events = vec![
        incident(0, at(45), None),
        incident(1, at(46), None),
        incident(2, at(47), None),
        incident(3, at(0), None),
    ];
    open.collect(events, start());
    assert_eq!(
        open.pump.pass(WINDOW, at(0)).await.unwrap(),
        Pass::Done { was_any: true }
    );
    assert_eq!(sink.versions(), 1);
    assert_eq!(open.ledger.queue(DESTINATION).unwrap().live, 3);
    open.pump.pass(WINDOW, at(46)).await.unwrap();
    assert_eq!(sink.versions(), 3);
}
