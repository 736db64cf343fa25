//! What the headers of an answer say, in the dialects of the vendors.

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;
use http::header::{DATE, LINK, RETRY_AFTER};
use url::Url;

/// Seconds since 1970 are larger than this; seconds from now are smaller.
const FIRST_EPOCH_SECOND: i64 = 1_000_000_000;
/// Milliseconds since 1970 are larger than this.
const FIRST_EPOCH_MILLISECOND: i64 = 100_000_000_000;
/// A wait of years is cut to this: somebody set it wrong, and we look again.
const LONGEST_WAIT: TimeDelta = TimeDelta::days(1);
/// Clocks that differ by less agree: what answers take would show otherwise.
const SKEW: TimeDelta = TimeDelta::minutes(1);

/// What an API says of its rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LimitReading {
    /// Requests a window allows.
    pub(super) limit: Option<u64>,
    /// What is left of it.
    pub(super) remaining: u64,
    /// When the window ends.
    pub(super) reset_at: Option<DateTime<Utc>>,
    /// What a token bucket gets back, and how often.
    pub(super) refill: Option<Refill>,
}

/// A token bucket is never full at a known time: it gets some requests back in every interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refill {
    pub(super) requests: u64,
    pub(super) interval: TimeDelta,
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    // A header that is no text says nothing.
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn number(headers: &HeaderMap, name: &str) -> Option<i64> {
    // Some servers send fractions; a header that is no number says nothing.
    text(headers, name)?.split('.').next()?.parse().ok()
}

/// The rate limit that an answer speaks of: `x-ratelimit-*` (GitHub, Azure, Bitbucket, Gitea) or `ratelimit-*` (GitLab).
pub(super) fn limit(headers: &HeaderMap, now: DateTime<Utc>) -> Option<LimitReading> {
    let of = |name: &str| {
        number(headers, &format!("x-ratelimit-{name}"))
            .or_else(|| number(headers, &format!("ratelimit-{name}")))
    };
    let remaining = of("remaining")?.max(0) as u64;
    let reset_at = of("reset").and_then(|reset| instant(reset, headers, now));
    Some(LimitReading {
        limit: of("limit").and_then(|limit| u64::try_from(limit).ok()),
        remaining,
        reset_at,
        refill: refill(of("fillrate"), of("interval-seconds")),
    })
}

/// Atlassian Data Center's dialect; an interval of ages is no bucket's, and may be beyond what chrono counts.
fn refill(requests: Option<i64>, interval: Option<i64>) -> Option<Refill> {
    let interval = TimeDelta::try_seconds(interval?)
        .filter(|length| *length > TimeDelta::zero() && *length <= LONGEST_WAIT)?;
    let requests = u64::try_from(requests?).ok()?;
    (requests > 0).then_some(Refill { requests, interval })
}

fn instant(number: i64, headers: &HeaderMap, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let at = if number >= FIRST_EPOCH_MILLISECOND {
        by_our_clock(DateTime::from_timestamp_millis(number)?, headers, now)
    } else if number >= FIRST_EPOCH_SECOND {
        by_our_clock(DateTime::from_timestamp(number, 0)?, headers, now)
    } else {
        now.checked_add_signed(TimeDelta::try_seconds(number)?)?
    };
    Some(at.min(now + LONGEST_WAIT))
}

/// What our clock shows when the server's shows that.
fn by_our_clock(at: DateTime<Utc>, headers: &HeaderMap, now: DateTime<Utc>) -> DateTime<Utc> {
    let ahead = served_at(headers).map_or(TimeDelta::zero(), |served| served - now);
    if ahead.abs() < SKEW {
        return at;
    }
    // A moment beyond what chrono counts is cut to the longest wait anyway.
    at.checked_sub_signed(ahead).unwrap_or(at)
}

/// The name of the limit that the request counted against (GitHub's `core`, `graphql`, `search`).
pub(super) fn resource(headers: &HeaderMap) -> Option<&str> {
    text(headers, "x-ratelimit-resource").filter(|name| name.len() < 40)
}

/// Until when the server asks to wait: `Retry-After` in seconds or as a date.
pub(super) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let text = text(headers, RETRY_AFTER.as_str())?;
    if let Ok(seconds) = text.parse::<f64>() {
        let longest = LONGEST_WAIT.num_seconds() as f64;
        let seconds = seconds.clamp(0.0, longest).ceil() as i64;
        return now.checked_add_signed(TimeDelta::seconds(seconds));
    }
    date(text).map(|until| by_our_clock(until, headers, now).min(now + LONGEST_WAIT))
}

/// The server's clock.
pub(super) fn served_at(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    date(headers.get(DATE)?.to_str().ok()?)
}

fn date(text: &str) -> Option<DateTime<Utc>> {
    // The three forms of RFC 9110 differ from RFC 2822 in the zone's name only, but for two that nobody sends.
    DateTime::parse_from_rfc2822(text.trim())
        .ok()
        .map(|date| date.to_utc())
}

/// The address of `rel="next"` in the answer's `Link` headers, resolved against the address that was asked.
pub fn next_link(headers: &HeaderMap, asked: &Url) -> Option<Url> {
    let values = headers
        .get_all(LINK)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    for value in values {
        let mut rest = value;
        while let Some(start) = rest.find('<') {
            let (target, after) = rest[start + 1..].split_once('>')?;
            let end = after.find('<').unwrap_or(after.len());
            let is_next = after[..end]
                .split(';')
                .map(|part| part.trim().trim_end_matches(',').trim())
                .any(is_next);
            if is_next {
                // A link that is no address ends the pages like no link.
                return asked.join(target).ok();
            }
            rest = &after[end..];
        }
    }
    None
}

/// Whether a link's parameter says that it leads to the next page; it may say other things too (`rel="next last"`).
fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else {
        return false;
    };
    let mut words = value.trim().trim_matches('"').split_ascii_whitespace();
    name.trim().eq_ignore_ascii_case("rel") && words.any(|word| word.eq_ignore_ascii_case("next"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(rows: &[(&'static str, &'static str)]) -> HeaderMap {
        let rows = rows.iter().map(|(name, value)| {
            (
                http::HeaderName::from_static(name),
                http::HeaderValue::from_static(value),
            )
        });
        rows.collect()
    }

    fn now() -> DateTime<Utc> {
        "2026-11-25T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn limits_are_read_in_every_dialect() {
        let github = headers(&[
            ("x-ratelimit-limit", "5000"),
            ("x-ratelimit-remaining", "4987"),
            ("x-ratelimit-reset", "1795611600"),
        ]);
        assert_eq!(
            limit(&github, now()),
            Some(LimitReading {
                limit: Some(5000),
                remaining: 4987,
                reset_at: Some("2026-11-25T13:00:00Z".parse().unwrap()),
                refill: None,
            })
        );
        let from_now = headers(&[("ratelimit-remaining", "0"), ("ratelimit-reset", "30")]);
        assert_eq!(
            limit(&from_now, now()),
            Some(LimitReading {
                limit: None,
                remaining: 0,
                reset_at: Some("2026-11-25T12:00:30Z".parse().unwrap()),
                refill: None,
            })
        );
        let bucket = headers(&[
            ("x-ratelimit-limit", "60"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-fillrate", "5"),
            ("x-ratelimit-interval-seconds", "1"),
        ]);
        assert_eq!(
            limit(&bucket, now()),
            Some(LimitReading {
                limit: Some(60),
                remaining: 0,
                reset_at: None,
                refill: Some(Refill {
                    requests: 5,
                    interval: TimeDelta::seconds(1)
                }),
            })
        );
        assert_eq!(
            limit(&headers(&[("x-ratelimit-remaining", "many")]), now()),
            None
        );
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let until = |value| {
            retry_after(&headers(&[("retry-after", value)]), now())
                .map(|at| (at - now()).num_seconds())
        };
        assert_eq!(until("120"), Some(120));
        assert_eq!(until("0.5"), Some(1));
        assert_eq!(until("Wed, 25 Nov 2026 12:02:00 GMT"), Some(120));
        assert_eq!(until("99999999999"), Some(86_400));
        assert_eq!(until("Wed, 25 Nov 2099 12:02:00 GMT"), Some(86_400));
        assert_eq!(until("-5"), Some(0));
        assert_eq!(until("soon"), None);
        assert_eq!(until("NaN"), Some(0));
        assert_eq!(until("inf"), Some(86_400));
    }

    #[test]
    fn a_server_whose_clock_is_wrong_means_the_same_wait() {
        // It is noon; the server believes it is a day later, or earlier.
        for (date, reset) in [
            ("Thu, 26 Nov 2026 12:00:00 GMT", "1795694460"),
            ("Tue, 24 Nov 2026 12:00:00 GMT", "1795521660"),
            ("Tue, 24 Nov 2026 12:00:00 GMT", "1795521660000"),
        ] {
            let headers = headers(&[
                ("date", date),
                ("x-ratelimit-remaining", "0"),
                ("x-ratelimit-reset", reset),
            ]);
            let reset_at = limit(&headers, now()).unwrap().reset_at.unwrap();
            assert_eq!(reset_at - now(), TimeDelta::minutes(1), "{date}");
        }
    }

    #[test]
    fn the_next_page_is_the_link_named_next() {
        let asked = Url::parse("https://git.acme.example/api/v1/items?page=1").unwrap();
        let next = |value| next_link(&headers(&[("link", value)]), &asked).map(String::from);
        assert_eq!(
            next(
                "<https://git.acme.example/a?page=1>; rel=\"prev\", <https://git.acme.example/a?page=3>; rel=\"next\""
            ),
            Some("https://git.acme.example/a?page=3".to_owned())
        );
        assert_eq!(
            next("</b?page=2>; rel=next"),
            Some("https://git.acme.example/b?page=2".to_owned())
        );
        assert_eq!(
            next("</c>; title=\"more\"; rel = \"Next last\""),
            Some("https://git.acme.example/c".to_owned())
        );
        assert_eq!(next("<https://git.acme.example/a>; rel=\"last\""), None);
        assert_eq!(next("</a>; rel=\"nextish\", </b>; title=\"next\""), None);
        assert_eq!(next("<https://git.acme.example/a"), None);
    }
}
