//! Finds the word that somebody meant.

/// The allowed word nearest to the one written, if it is near enough to be a slip.
///
/// Case, `-` and `_` do not count: `group_by` is `groupBy`.
pub(super) fn closest<'a>(written: &str, allowed: &[&'a str]) -> Option<&'a str> {
    let plain = plain(written);
    allowed
        .iter()
        .map(|word| (distance(&plain, &self::plain(word)), *word))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= 1 + plain.len() / 4)
        .map(|(_, word)| word)
}

/// `did you mean …? ` for a near word, and the list of all.
pub(super) fn advice(written: &str, noun: &str, allowed: &[&str]) -> String {
    let list = allowed.join(", ");
    match closest(written, allowed) {
        Some(near) => format!("did you mean `{near}`? {noun}: {list}"),
        None => format!("{noun}: {list}"),
    }
}

fn plain(word: &str) -> Vec<char> {
    word.chars()
        .filter(|letter| !matches!(letter, '-' | '_' | ' '))
        .flat_map(char::to_lowercase)
        .take(60)
        .collect()
}

/// How many letters must be added, dropped or changed (Levenshtein).
fn distance(one: &[char], other: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (down, letter) in one.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = down + 1;
        for (across, theirs) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != theirs);
            diagonal = row[across + 1];
            row[across + 1] = changed.min(row[across] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_word_that_was_meant() {
        let allowed = ["groupBy", "filters", "bucket"];
        assert_eq!(closest("group_by", &allowed), Some("groupBy"));
        assert_eq!(closest("filter", &allowed), Some("filters"));
        assert_eq!(closest("window", &allowed), None);
    }
}
