//! Rate limits: what servers say of them, what vendors document, and who goes first.

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Barrier, Notify};

use super::*;
use crate::providers::http::network::Lane;

/// Waits for limits are as short as servers can say.
const SHORT: Timing = Timing {
    unsaid_wait: Duration::from_millis(80),
    least_wait: Duration::from_millis(20),
    ..QUICK
};

fn http_date(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn limit_headers(limit: u32, left: u32, reset: i64) -> String {
    format!(
        "x-ratelimit-limit: {limit}\r\nx-ratelimit-remaining: {left}\r\nx-ratelimit-reset: {reset}\r\n"
    )
}

/// How long the second request came after the first.
fn pause(server: &Server) -> Duration {
    let asked = server.asked();
    asked[1].at - asked[0].at
}

/// The time that an error asks to wait for.
fn asked_wait(error: &HttpError) -> TimeDelta {
    match error {
        HttpError::RateLimited { until, .. } => *until - Clock::System.now(),
        other => panic!("{other:?}"),
    }
}

/// A date three seconds after the one that the server's clock shows.
fn dated(server_now: DateTime<Utc>) -> String {
    let date = http_date(server_now);
    let until = http_date(server_now + TimeDelta::seconds(3));
    format!("date: {date}\r\nretry-after: {until}\r\n")
}

#[tokio::test]
async fn a_server_that_asks_to_wait_is_asked_again_then() {
    type Headers = fn(DateTime<Utc>) -> String;
    let cases: [(&str, u64, Headers); 7] = [
        ("429 Slow down", 1_000, |_| "retry-after: 1\r\n".to_owned()),
        ("503 Busy", 1_000, |_| "retry-after: 1\r\n".to_owned()),
        ("403 No", 1_000, |_| "retry-after: 1\r\n".to_owned()),
        // A date has no fractions: a second of the three may be over.
        ("429 Slow down", 2_000, dated),
        // A server whose clock is a day off means the same three seconds.
        ("429 Slow down", 2_000, |now| {
            dated(now - TimeDelta::days(1))
        }),
        ("429 Slow down", 2_000, |now| {
            dated(now + TimeDelta::days(1))
        }),
        ("429 Slow down", 2_000, |now| {
            let server_now = now + TimeDelta::days(1);
            let limit = limit_headers(10, 0, server_now.timestamp() + 3);
            format!("date: {}\r\n{limit}", http_date(server_now))
        }),
    ];
    let mut waiting = tokio::task::JoinSet::new();
    for (number, (status, least, headers)) in cases.into_iter().enumerate() {
        waiting.spawn(async move {
            let server = Server::start(move |number, _| {
                Reply::Says(match number {
                    0 => answer(status, &headers(Clock::System.now()), "{}"),
                    _ => answer("200 OK", "", "{}"),
                })
            })
            .await;
            let api = patient(api(&server.url), SHORT);
            let sent = api.get(&["things"]).send().await;
            assert!(sent.is_ok(), "case {number}: {sent:?}");
            // The clock of readings cuts off fractions of a millisecond.
            let least = Duration::from_millis(least - 1);
            assert!(
                pause(&server) >= least,
                "case {number}: {:?}",
                pause(&server)
            );
        });
    }
    waiting.join_all().await;
}

#[tokio::test]
async fn a_server_that_limits_without_a_time_is_left_alone_for_a_while() {
    let secondary = "{\"message\": \"You have exceeded a secondary rate limit.\"}";
    let abuse = "{\"message\": \"You have triggered an abuse detection mechanism\"}";
    for (status, headers, body) in [
        ("429 Slow down", "", ""),
        ("429 Slow down", "retry-after: soon\r\n", ""),
        ("403 No", "", secondary),
        ("403 No", "", abuse),
        ("403 No", "x-ratelimit-remaining: 4000\r\n", secondary),
        ("403 No", "x-ratelimit-remaining: 0\r\n", ""),
    ] {
        let server = Server::saying(vec![
            answer(status, headers, body),
            answer("200 OK", "", "{}"),
        ])
        .await;
        let api = patient(api(&server.url), SHORT);
        api.get(&["things"]).send().await.unwrap();
        assert!(pause(&server) >= SHORT.unsaid_wait, "{status} {headers}");
        assert_eq!(outcomes(&api), [("ok", 1), ("rate_limited", 1)]);
    }
}

#[tokio::test]
async fn a_refusal_for_want_of_rights_is_no_limit() {
    let body = "{\"message\": \"Resource not accessible by personal access token\"}";
    let headers = limit_headers(5_000, 4_000, Clock::System.now().timestamp() + 600);
    let server = Server::saying(vec![answer("403 No", &headers, body)]).await;
    let text = refusal(&api(&server.url)).await;
    assert!(text.contains("refused access"), "{text}");
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_wait_beyond_the_deadline_goes_back_to_the_caller_at_once() {
    let now = Clock::System.now();
    let in_an_hour = http_date(now + TimeDelta::hours(1));
    for headers in [
        "retry-after: 3600\r\n".to_owned(),
        format!("retry-after: {in_an_hour}\r\n"),
        limit_headers(5_000, 0, now.timestamp() + 3_600),
    ] {
        let server = Server::saying(vec![answer("429 Slow down", &headers, "")]).await;
        let api = api(&server.url);
        let error = api.get(&["things"]).send().await.unwrap_err();
        let text = told(&error);
        assert!(text.contains("asks to wait until"), "{text}");
        let wait = asked_wait(&error).num_seconds();
        assert!((3_500..=3_601).contains(&wait), "{headers}: {wait} s");
        // The next one does not even leave, whoever it is for.
        let query = api.at(Priority::Query);
        asked_wait(&query.get(&["other"]).send().await.unwrap_err());
        assert_eq!(server.count(), 1);
    }
}

#[tokio::test]
async fn a_wait_of_years_is_cut_to_a_day() {
    let year_3000 = limit_headers(10, 0, 32_503_680_000);
    let milliseconds = limit_headers(10, 0, (Clock::System.now().timestamp() + 600) * 1_000);
    for (headers, most) in [
        ("retry-after: 99999999999\r\n", 86_401),
        ("retry-after: Wed, 25 Nov 2099 12:02:00 GMT\r\n", 86_401),
        (year_3000.as_str(), 86_401),
        (milliseconds.as_str(), 601),
    ] {
        let server = Server::saying(vec![answer("429 Slow down", headers, "")]).await;
        let error = api(&server.url).get(&["things"]).send().await.unwrap_err();
        let wait = asked_wait(&error).num_seconds();
        assert!((most - 10..=most).contains(&wait), "{headers}: {wait} s");
    }
    // Nor does an answer that is fine close the API for ever.
    let server = Server::saying(vec![answer("200 OK", &year_3000, "{}")]).await;
    let api = api(&server.url);
    api.get(&["things"]).send().await.unwrap();
    let error = api.get(&["things"]).send().await.unwrap_err();
    assert!(asked_wait(&error) <= TimeDelta::seconds(86_401));
}

#[tokio::test]
async fn a_server_that_limits_for_ever_is_not_stormed() {
    for headers in ["retry-after: 0\r\n", "retry-after: -7\r\n"] {
        let server = Server::saying(vec![answer("429 Slow down", headers, "")]).await;
        let api = patient(api(&server.url), SHORT);
        for _ in 0..20 {
            let error = api.get(&["things"]).send().await.unwrap_err();
            asked_wait(&error);
        }
        let gaps = server.asked();
        let shortest = gaps.windows(2).map(|pair| pair[1].at - pair[0].at).min();
        // Less what the clock of readings cuts off: it has whole milliseconds.
        let least = SHORT.least_wait - Duration::from_millis(1);
        assert!(shortest.unwrap() >= least, "{shortest:?}");
        // As with failures: ten retries, and a tenth of the requests.
        assert!(server.count() <= 20 + 14, "{} requests", server.count());
    }
}

#[tokio::test]
async fn the_schedule_stops_at_the_reserve_and_questions_go_on() {
    let reset = Clock::System.now().timestamp() + 3_600;
    let server = Server::start(move |number, _| {
        let left = 25 - number as u32;
        Reply::Says(answer("200 OK", &limit_headers(100, left, reset), "{}"))
    })
    .await;
    let background = api(&server.url);
    let mut sent = 0;
    while background.get(&["x"]).send().await.is_ok() {
        sent += 1;
    }
    // 25 were left after the first; the schedule leaves a fifth of 100.
    assert_eq!(sent, 1 + 5);
    assert_eq!(
        background
            .limit_left("core")
            .unwrap()
            .split(" until")
            .next(),
        Some("20 of 100 requests left")
    );
    let query = background.at(Priority::Query);
    let mut asked = 0;
    while query.get(&["x"]).send().await.is_ok() {
        asked += 1;
    }
    // Questions go down to a fiftieth.
    assert_eq!(asked, 18);
    assert_eq!(server.count(), 24);
    assert_eq!(
        outcomes(&query),
        [("ok", 24)],
        "the server had to refuse nothing"
    );
}

#[tokio::test]
async fn limits_of_another_origin_are_not_ours() {
    let used_up = limit_headers(100, 0, Clock::System.now().timestamp() + 3_600);
    let other = Server::saying(vec![answer("200 OK", &used_up, "{}")]).await;
    let away = other.url.to_string();
    let server = Server::start(move |number, _| {
        Reply::Says(match number {
            0 => moved("302 Found", &away),
            _ => answer("200 OK", "", "{}"),
        })
    })
    .await;
    let api = api(&server.url);
    api.get(&["logs"]).send().await.unwrap();
    api.get_url(other.url.clone()).send().await.unwrap();
    api.get(&["x"]).send().await.unwrap();
    assert_eq!(api.limit_left("core"), None);
}

#[tokio::test]
async fn names_of_limits_without_end_are_not_kept() {
    let server = Server::start(|number, _| {
        let headers = limit_headers(100, 50, Clock::System.now().timestamp() + 3_600);
        let headers = format!("{headers}x-ratelimit-resource: r{number}\r\n");
        Reply::Says(answer("200 OK", &headers, "{}"))
    })
    .await;
    let api = api(&server.url);
    for _ in 0..60 {
        api.get(&["x"]).send().await.unwrap();
    }
    let known = (0..60).filter(|number| api.limit_left(&format!("r{number}")).is_some());
    assert!(known.count() <= 32);
}

#[tokio::test]
async fn no_more_requests_are_under_way_than_the_number() {
    let server = Server::always(Reply::Waits(
        Duration::from_millis(20),
        answer("200 OK", "", "{}"),
    ))
    .await;
    let api = api_with(&server.url, profile(3, None), token());
    let calls = (0..12).map(|_| api.get(&["x"]).send());
    futures::future::try_join_all(calls).await.unwrap();
    assert_eq!(server.count(), 12);
    assert!(server.most_at_once() <= 3, "{}", server.most_at_once());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn as_many_requests_as_the_number_are_under_way() {
    // Answers only when three requests are there; fewer would wait for ever.
    let barrier = Arc::new(Barrier::new(3));
    let server = Server::start(move |_, _| {
        let barrier = Arc::clone(&barrier);
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(barrier.wait());
        });
        Reply::Says(answer("200 OK", "", "{}"))
    })
    .await;
    let api = api_with(&server.url, profile(3, None), token());
    let calls = (0..6).map(|_| api.get(&["x"]).send());
    futures::future::try_join_all(calls).await.unwrap();
    assert_eq!(server.count(), 6);
}

#[tokio::test]
async fn a_question_goes_before_all_that_waits_for_the_schedule() {
    let go_on = Arc::new(Notify::new());
    let held = Arc::clone(&go_on);
    let server = Server::start(move |number, _| match number {
        0 => Reply::WaitsFor(Arc::clone(&held), answer("200 OK", "", "{}")),
        _ => Reply::Says(answer("200 OK", "", "{}")),
    })
    .await;
    let background = api_with(&server.url, profile(1, None), token());
    let mut readings = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let api = background.clone();
        readings.spawn(async move { api.get(&["reading"]).send().await.unwrap() });
    }
    while server.count() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // One reading is under way and nine wait; the question comes last.
    let query = background.at(Priority::Query);
    let mut question = std::pin::pin!(query.get(&["question"]).send());
    assert!(futures::poll!(&mut question).is_pending());
    go_on.notify_one();
    question.await.unwrap();
    readings.join_all().await;
    let targets: Vec<_> = server
        .asked()
        .iter()
        .map(|asked| asked.target().to_owned())
        .collect();
    assert_eq!(targets.len(), 11);
    assert_eq!(targets[1], "/api/question");
}

#[tokio::test]
async fn a_documented_pace_is_kept_as_the_server_sees_it() {
    const WINDOW: Duration = Duration::from_millis(300);
    // The first answer is slow, so that what was let go at the start comes late, close to what is let go next.
    let server = Server::start(|number, _| {
        let pause = if number == 0 {
            WINDOW * 9 / 10
        } else {
            Duration::ZERO
        };
        Reply::Waits(pause, answer("200 OK", "", "{}"))
    })
    .await;
    let profile = profile(1, Some(5));
    let mut api = api_with(&server.url, profile, token());
    // A minute that tests can wait for.
    api.lane = Arc::new(Lane::new(profile.limits, WINDOW));
    let calls = (0..17).map(|_| api.get(&["x"]).send());
    futures::future::try_join_all(calls).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked.len(), 17);
    for six in asked.windows(6) {
        let took = six[5].at - six[0].at;
        assert!(took >= WINDOW, "six requests within {took:?}");
    }
}

#[tokio::test]
async fn redirects_and_retries_count_against_the_pace() {
    let server = Server::saying(vec![
        answer("500 Oops", "", ""),
        moved("302 Found", "/api/two"),
        answer("200 OK", "", "{}"),
    ])
    .await;
    let mut profile = profile(1, None);
    profile.limits.per_hour = Some(2);
    let api = api_with(&server.url, profile, token());
    asked_wait(&api.get(&["one"]).send().await.unwrap_err());
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn data_sources_with_one_credential_share_its_limits() {
    let server = Server::saying(vec![answer("200 OK", "", "{}")]).await;
    let mut profile = profile(1, None);
    profile.limits.per_hour = Some(2);
    // A data source of Grafana each, with a network of its own.
    let (one, two) = (
        api_with(&server.url, profile, token()),
        api_with(&server.url, profile, token()),
    );
    one.get(&["x"]).send().await.unwrap();
    two.get(&["x"]).send().await.unwrap();
    for api in [&one, &two] {
        asked_wait(&api.get(&["x"]).send().await.unwrap_err());
    }
    let stranger = api_with(&server.url, profile, Credential::None);
    stranger.get(&["x"]).send().await.unwrap();
    assert_eq!(server.count(), 3);
}

#[tokio::test]
async fn what_has_to_wait_too_long_for_the_pace_goes_back_to_the_caller() {
    let server = Server::saying(vec![answer("200 OK", "", "{}")]).await;
    let mut profile = profile(1, None);
    profile.limits.per_hour = Some(2);
    let api = api_with(&server.url, profile, token());
    for _ in 0..2 {
        api.get(&["x"]).send().await.unwrap();
    }
    let wait = asked_wait(&api.get(&["things"]).send().await.unwrap_err());
    assert!((3_500..=3_601).contains(&wait.num_seconds()), "{wait}");
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn an_answer_that_asks_to_slow_down_is_taken_and_heeded() {
    let server = Server::saying(vec![
        answer("200 OK", "retry-after: 300\r\n", "[1]"),
        answer("200 OK", "", "[2]"),
    ])
    .await;
    let api = api(&server.url);
    let first = api.get(&["items"]).send().await.unwrap();
    assert_eq!(first.json::<Vec<u8>>().unwrap(), [1]);
    let second = api.get(&["items"]).send().await;
    assert!(
        matches!(second, Err(HttpError::RateLimited { .. })),
        "{second:?}"
    );
    assert_eq!(server.count(), 1);
}
