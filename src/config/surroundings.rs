//! What a settings file may refer to: environment variables and files of secrets.

use std::io;
use std::path::Path;

/// Where `${ENV}` and `file:` are looked up.
pub trait Surroundings {
    /// The value of an environment variable.
    fn variable(&self, name: &str) -> Option<String>;

    /// The text of a file.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn file(&self, path: &Path) -> io::Result<String>;
}

/// The environment and the files of this process.
#[derive(Clone, Copy, Debug)]
pub struct Process;

impl Surroundings for Process {
    fn variable(&self, name: &str) -> Option<String> {
        // A variable that is no UTF-8 cannot stand in settings; it counts as not set.
        std::env::var(name).ok()
    }

    fn file(&self, path: &Path) -> io::Result<String> {
        std::fs::read_to_string(path)
    }
}

impl dyn Surroundings + '_ {
    /// The text with each `${NAME}` replaced; `$${` stands for `${`.
    ///
    /// # Errors
    /// A sentence part. It names a variable only where the text is nothing but that variable: what surrounds it,
    /// or what looks like it, may be a secret.
    pub(super) fn fill_in(&self, text: &str) -> Result<String, String> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            if rest[..at].ends_with('$') {
                filled.push_str(&rest[..at - 1]);
                filled.push_str("${");
                rest = &rest[at + 2..];
                continue;
            }
            let Some((name, after)) = rest[at + 2..].split_once('}') else {
                break;
            };
            if !is_variable(name) {
                filled.push_str(&rest[..at + 2]);
                rest = &rest[at + 2..];
                continue;
            }
            let Some(value) = self.variable(name) else {
                return Err(if text.len() == name.len() + 3 {
                    format!("names the environment variable `{name}`, which is not set")
                } else {
                    "names an environment variable that is not set".to_owned()
                });
            };
            filled.push_str(&rest[..at]);
            filled.push_str(&value);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// The secret that a text stands for: itself, or what the file named by `file:<path>` holds.
    ///
    /// # Errors
    /// A sentence part without the path.
    pub(super) fn secret(&self, text: String, base: Option<&Path>) -> Result<String, String> {
        let Some(path) = text.strip_prefix("file:") else {
            return Ok(text);
        };
        let path = Path::new(path.strip_prefix("//").unwrap_or(path));
        let path = base.map_or_else(|| path.to_owned(), |base| base.join(path));
        let held = self
            .file(&path)
            .map_err(|error| format!("names a file that cannot be read: {}", error.kind()))?;
        let held = held.trim_end_matches(['\n', '\r']);
        if held.is_empty() {
            return Err("names a file that is empty".to_owned());
        }
        Ok(held.to_owned())
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fake;

    impl Surroundings for Fake {
        fn variable(&self, name: &str) -> Option<String> {
            (name == "TOKEN").then(|| "abc".to_owned())
        }
        fn file(&self, path: &Path) -> io::Result<String> {
            if path == Path::new("/run/secrets/jira") {
                Ok("held\n".to_owned())
            } else {
                Err(io::Error::from(io::ErrorKind::NotFound))
            }
        }
    }

    fn fake() -> &'static dyn Surroundings {
        &Fake
    }

    #[test]
    fn variables_are_filled_in_wherever_they_stand() {
        assert_eq!(fake().fill_in("${TOKEN}"), Ok("abc".to_owned()));
        assert_eq!(
            fake().fill_in("a ${TOKEN}-${TOKEN}"),
            Ok("a abc-abc".to_owned())
        );
        assert_eq!(
            fake().fill_in("$${TOKEN} ${1} ${"),
            Ok("${TOKEN} ${1} ${".to_owned())
        );
    }

    #[test]
    fn a_variable_that_is_not_set_is_named_only_where_nothing_surrounds_it() {
        let alone = fake().fill_in("${MISSING}").unwrap_err();
        assert!(alone.contains("MISSING"), "{alone}");
        let within = fake().fill_in("pass${word}").unwrap_err();
        assert!(!within.contains("word"), "{within}");
    }

    #[test]
    fn a_file_holds_a_secret_without_the_line_end() {
        let read = |text: &str| fake().secret(text.to_owned(), Some(Path::new("/run")));
        assert_eq!(read("file:/run/secrets/jira"), Ok("held".to_owned()));
        assert_eq!(read("file:secrets/jira"), Ok("held".to_owned()));
        assert_eq!(read("plain"), Ok("plain".to_owned()));
        let error = read("file:/etc/other").unwrap_err();
        assert!(!error.contains("other"), "{error}");
    }
}
