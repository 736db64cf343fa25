//! Reads single values leniently: provisioning and operators write numbers and booleans as text.

use chrono::TimeDelta;
use serde_json::Value;

/// The longest span that settings may hold: a century.
const LONGEST_DAYS: i64 = 36_525;

/// The value as text; `Err` for lists and objects, `Ok(None)` for null and empty text.
pub(super) fn text(value: &Value) -> Result<Option<String>, &'static str> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) => Ok(Some(text.trim().to_owned())),
        Value::Number(number) => Ok(Some(number.to_string())),
        Value::Bool(truth) => Ok(Some(truth.to_string())),
        Value::Array(_) | Value::Object(_) => Err("takes a text"),
    }
}

/// A whole number.
pub(super) fn integer(written: &str) -> Result<i64, &'static str> {
    written.parse().map_err(|_| "takes a whole number")
}

/// `true` or `false`, as people and tools write them.
pub(super) fn boolean(written: &str) -> Result<bool, &'static str> {
    match written.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err("takes true or false"),
    }
}

/// A span of time: numbers with `w`, `d`, `h`, `m`, `s` (`24h`, `1d12h`), or seconds.
pub(super) fn duration(written: &str) -> Result<TimeDelta, &'static str> {
    const EXPECTED: &str = "takes a span of time such as `24h`, `7d`, `15m`, `90s`, or seconds";
    const TOO_LONG: &str = "takes a span of at most 36525d";
    let mut seconds: i64 = 0;
    let mut number: Option<i64> = None;
    let mut has_unit = false;
    for letter in written.chars().filter(|letter| *letter != ' ') {
        if let Some(digit) = letter.to_digit(10) {
            let shifted = number.unwrap_or(0).checked_mul(10).ok_or(TOO_LONG)?;
            number = Some(shifted.checked_add(i64::from(digit)).ok_or(TOO_LONG)?);
            continue;
        }
        let unit = match letter {
            'w' => 7 * 86_400,
            'd' => 86_400,
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return Err(EXPECTED),
        };
        let part = number.take().ok_or(EXPECTED)?.checked_mul(unit);
        seconds = part
            .and_then(|part| seconds.checked_add(part))
            .ok_or(TOO_LONG)?;
        has_unit = true;
    }
    if has_unit == number.is_some() {
        // Either nothing at all, or `1d12`, whose last number has no unit.
        return Err(EXPECTED);
    }
    let seconds = number.unwrap_or(seconds);
    if seconds > LONGEST_DAYS * 86_400 {
        return Err(TOO_LONG);
    }
    TimeDelta::try_seconds(seconds).ok_or(TOO_LONG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_units_or_are_seconds() {
        assert_eq!(duration("24h"), Ok(TimeDelta::hours(24)));
        assert_eq!(duration("400d"), Ok(TimeDelta::days(400)));
        assert_eq!(duration("1d 12h"), Ok(TimeDelta::hours(36)));
        assert_eq!(duration("90s"), Ok(TimeDelta::seconds(90)));
        assert_eq!(duration("900"), Ok(TimeDelta::minutes(15)));
        assert_eq!(duration("0"), Ok(TimeDelta::zero()));
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for written in [
            "",
            "h",
            "1d12",
            "-1h",
            "1.5h",
            "3 months",
            "99999999999999999999d",
        ] {
            assert!(duration(written).is_err(), "{written}");
        }
        assert!(duration("36525d").is_ok());
        assert!(duration("36526d").is_err());
    }

    #[test]
    fn truth_comes_in_many_words() {
        assert_eq!(boolean("True"), Ok(true));
        assert_eq!(boolean("0"), Ok(false));
        assert!(boolean("maybe").is_err());
    }
}
