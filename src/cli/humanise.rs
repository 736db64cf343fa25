//! Numbers as people read them.

use crate::model::Unit;

/// What stands where nothing is known.
pub(super) const NOTHING: &str = "–";

/// A number in its unit, or a dash.
pub(super) fn value(value: Option<f64>, unit: Option<Unit>) -> String {
    let Some(value) = value.filter(|value| value.is_finite()) else {
        return NOTHING.to_owned();
    };
    match unit {
        Some(Unit::Seconds) => duration(value),
        Some(Unit::Ratio) => percent(value),
        Some(Unit::PerDay) => format!("{}/day", decimal(value, 2)),
        Some(Unit::Count) | None => decimal(value, 1),
    }
}

/// A span in seconds in its two largest units: `3d 4h`.
pub(super) fn duration(seconds: f64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let sign = if seconds < 0.0 { "-" } else { "" };
    let length = seconds.abs();
    if length < 60.0 {
        return format!("{sign}{}s", decimal(length, 1));
    }
    let whole = length as u64;
    let largest = UNITS
        .iter()
        .position(|(unit, _)| whole >= *unit)
        .unwrap_or(3);
    // The last unit shown is rounded, which may carry: 23h 59m 40s is 1d.
    let smallest = UNITS[(largest + 1).min(3)].0;
    let rounded = (length / smallest as f64).round() as u64 * smallest;
    let largest = UNITS
        .iter()
        .position(|(unit, _)| rounded >= *unit)
        .unwrap_or(3);
    let (unit, name) = UNITS[largest];
    let rest = rounded % unit;
    match UNITS.get(largest + 1) {
        Some((next, next_name)) if rest >= *next => {
            format!("{sign}{}{name} {}{next_name}", rounded / unit, rest / next)
        }
        _ => format!("{sign}{}{name}", rounded / unit),
    }
}

/// A ratio as percent, with one decimal below ten.
pub(super) fn percent(ratio: f64) -> String {
    let percent = ratio * 100.0;
    let decimals = if percent.abs() < 10.0 { 1 } else { 0 };
    format!("{} %", decimal(percent, decimals))
}

/// A number with at most that many decimals, none where they are zero.
pub(super) fn decimal(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A bar of that many cells for a value among others of at most `largest`.
pub(super) fn bar(value: Option<f64>, largest: f64, cells: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let Some(value) = value.filter(|value| value.is_finite() && *value > 0.0) else {
        return String::new();
    };
    if largest <= 0.0 {
        return String::new();
    }
    let eighths = ((value / largest).min(1.0) * (cells * 8) as f64).round() as usize;
    // Something is not nothing, however small.
    let eighths = eighths.max(1);
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_show_their_two_largest_units() {
        let cases = [
            (0.0, "0s"),
            (0.25, "0.2s"),
            (45.0, "45s"),
            (60.0, "1m"),
            (750.0, "12m 30s"),
            (15_120.0, "4h 12m"),
            (86_380.0, "1d"),
            (273_600.0, "3d 4h"),
            (34_560_000.0, "400d"),
            (-7_200.0, "-2h"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(duration(seconds), expected, "{seconds}");
        }
    }

    #[test]
    fn ratios_are_percent_and_frequencies_are_per_day() {
        assert_eq!(value(Some(0.125), Some(Unit::Ratio)), "12 %");
        assert_eq!(value(Some(0.0725), Some(Unit::Ratio)), "7.2 %");
        assert_eq!(value(Some(0.0), Some(Unit::Ratio)), "0 %");
        assert_eq!(value(Some(1.0), Some(Unit::Ratio)), "100 %");
        assert_eq!(value(Some(1.236), Some(Unit::PerDay)), "1.24/day");
        assert_eq!(value(Some(3.0), Some(Unit::Count)), "3");
        assert_eq!(value(None, Some(Unit::Seconds)), "–");
        assert_eq!(value(Some(f64::NAN), None), "–");
    }

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        assert_eq!(bar(Some(10.0), 10.0, 4), "████");
        assert_eq!(bar(Some(5.0), 10.0, 4), "██");
        assert_eq!(bar(Some(1.25), 10.0, 4), "▌");
        assert_eq!(bar(Some(0.001), 10.0, 4), "▏");
        assert_eq!(bar(Some(0.0), 10.0, 4), "");
        assert_eq!(bar(None, 10.0, 4), "");
    }
}
