//! Texts, lists and maps as label values: no value is empty, holds NUL, or loses anything.
//!
//! `\\` is a backslash, `\0` NUL, `\s` a space inside an item, `\=` an equals sign inside a name, `\e` the empty text.

/// The separator of items.
const BETWEEN: char = ' ';

/// Writes a text.
pub(super) fn write(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    push(&mut written, text, &[]);
    written
}

/// Writes a list; of none, nothing.
pub(super) fn write_list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let mut written = String::new();
    for (at, item) in items.enumerate() {
        if at > 0 {
            written.push(BETWEEN);
        }
        push(&mut written, item, &[BETWEEN]);
    }
    written
}

/// Writes names with values; of none, nothing.
pub(super) fn write_map<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut written = String::new();
    for (at, (name, value)) in pairs.enumerate() {
        if at > 0 {
            written.push(BETWEEN);
        }
        push(&mut written, name, &[BETWEEN, '=']);
        written.push('=');
        push(&mut written, value, &[BETWEEN]);
    }
    written
}

/// Reads a text; `None` where this module never wrote it.
pub(super) fn read(written: &str) -> Option<String> {
    if !written.contains('\\') {
        return Some(written.to_owned());
    }
    let mut text = String::with_capacity(written.len());
    let mut letters = written.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            text.push(letter);
            continue;
        }
        match letters.next()? {
            '\\' => text.push('\\'),
            '0' => text.push('\0'),
            's' => text.push(BETWEEN),
            '=' => text.push('='),
            'e' => {}
            _ => return None,
        }
    }
    Some(text)
}

/// Reads a list.
pub(super) fn read_list(written: &str) -> Option<Vec<String>> {
    written.split(BETWEEN).map(read).collect()
}

/// Reads names with values.
pub(super) fn read_map(written: &str) -> Option<Vec<(String, String)>> {
    written
        .split(BETWEEN)
        .map(|pair| {
            let at = bare_equals(pair)?;
            Some((read(&pair[..at])?, read(&pair[at + 1..])?))
        })
        .collect()
}

fn bare_equals(pair: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, letter) in pair.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '=' => return Some(at),
            _ => {}
        }
    }
    None
}

fn push(written: &mut String, text: &str, special: &[char]) {
    if text.is_empty() {
        written.push_str("\\e");
    }
    for letter in text.chars() {
        match letter {
            '\\' => written.push_str("\\\\"),
            '\0' => written.push_str("\\0"),
            BETWEEN if special.contains(&BETWEEN) => written.push_str("\\s"),
            '=' if special.contains(&'=') => written.push_str("\\="),
            letter => written.push(letter),
        }
    }
}
