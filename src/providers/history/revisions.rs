//! Numbers at least as large as another one, as a regular expression: labels are texts, and PromQL compares them so.

/// A regular expression that matches exactly the decimal numbers, without leading zeros, from `least` on.
pub(super) fn at_least(least: i64) -> String {
    if least <= 0 {
        return "[0-9]+".to_owned();
    }
    let digits = least.to_string();
    let mut forms = vec![digits.clone()];
    for (at, digit) in digits.bytes().enumerate() {
        let larger = match digit {
            b'9' => continue,
            b'8' => "9".to_owned(),
            digit => format!("[{}-9]", char::from(digit + 1)),
        };
        let rest = match digits.len() - at - 1 {
            0 => String::new(),
            rest => format!("[0-9]{{{rest}}}"),
        };
        forms.push(format!("{}{larger}{rest}", &digits[..at]));
    }
    forms.push(format!("[1-9][0-9]{{{},}}", digits.len()));
    forms.join("|")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    #[test]
    fn the_form_is_as_short_as_the_number_is_long() {
        assert_eq!(at_least(0), "[0-9]+");
        assert_eq!(at_least(98), "98|99|[1-9][0-9]{2,}");
        assert_eq!(
            at_least(1_905),
            "1905|[2-9][0-9]{3}|19[1-9][0-9]{1}|190[6-9]|[1-9][0-9]{4,}"
        );
    }

    proptest! {
        #[test]
        fn it_matches_what_is_at_least_as_large_and_nothing_else(
            least in prop_oneof![0_i64..2_000, 1_700_000_000_000_i64..1_900_000_000_000],
            other in prop_oneof![0_i64..20_000, 1_700_000_000_000_i64..1_900_000_000_000],
        ) {
            // Prometheus anchors its expressions at both ends.
            let expression = Regex::new(&format!("^(?:{})$", at_least(least))).unwrap();
            for number in [other, least, least + 1, (least - 1).max(0)] {
                prop_assert_eq!(expression.is_match(&number.to_string()), number >= least, "{} {}", least, number);
            }
        }
    }
}
