//! What is never sent: two receivers answer 204 to series that they throw away.

use crate::series::{NAME, Sample};

/// The longest value that every receiver takes (Mimir's limit; others have none).
const LONGEST_VALUE: usize = 2_048;

/// Why the sample cannot be sent.
pub(super) fn fault(sample: &Sample) -> Option<String> {
    if sample.label(NAME).is_empty() {
        return Some("it has no name".to_owned());
    }
    for (name, value) in &sample.labels {
        let first = name.chars().next();
        let is_name = first.is_some_and(|letter| !letter.is_ascii_digit())
            && name
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if !is_name {
            return Some(format!("`{name}` is no name of a label"));
        }
        if value.is_empty() {
            return Some(format!("its label {name} is empty"));
        }
        if value.len() > LONGEST_VALUE {
            let bytes = value.len();
            return Some(format!(
                "its label {name} has {bytes} bytes, and {LONGEST_VALUE} fit"
            ));
        }
    }
    let is_sorted = sample.labels.windows(2).all(|pair| pair[0].0 < pair[1].0);
    if !is_sorted {
        return Some("it has a label twice, or out of order".to_owned());
    }
    (!sample.value.is_finite()).then(|| "its value is no number".to_owned())
}
