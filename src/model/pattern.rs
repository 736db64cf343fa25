//! Patterns that people write in settings and questions.

use std::fmt;

use regex::{Regex, RegexBuilder};

/// Upper bound of a compiled expression; a pattern that would grow past it is refused.
const COMPILED_BYTES: usize = 1 << 20;

/// Longest expression that is compiled: the compiler takes a hundred times its length before it can refuse it.
const LONGEST_BYTES: usize = 64 << 10;

/// A pattern that cannot be used, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is no usable regular expression: {reason}")]
pub struct InvalidPattern {
    /// The pattern as written.
    pub pattern: String,
    /// Why it cannot be used, in one line.
    pub reason: String,
}

/// A regular expression, linear in time and bounded in memory.
#[derive(Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles an expression that may match anywhere in the text.
    ///
    /// # Errors
    /// A syntax error, or an expression that compiles to more than 1 MiB.
    pub fn new(pattern: &str) -> Result<Self, InvalidPattern> {
        Self::compile(pattern, pattern, false)
    }

    /// Compiles an expression that must match the whole text.
    ///
    /// # Errors
    /// A syntax error, or an expression that compiles to more than 1 MiB.
    pub fn whole(pattern: &str) -> Result<Self, InvalidPattern> {
        Self::compile(pattern, &format!("^(?:{pattern})$"), false)
    }

    /// Compiles an expression that ignores case and may match anywhere in the text.
    ///
    /// # Errors
    /// A syntax error, or an expression that compiles to more than 1 MiB.
    pub fn ignoring_case(pattern: &str) -> Result<Self, InvalidPattern> {
        Self::compile(pattern, pattern, true)
    }

    fn compile(shown: &str, pattern: &str, ignore_case: bool) -> Result<Self, InvalidPattern> {
        if pattern.len() > LONGEST_BYTES {
            return Err(InvalidPattern {
                pattern: shown.chars().take(80).collect(),
                reason: format!("it has more than {LONGEST_BYTES} bytes"),
            });
        }
        RegexBuilder::new(pattern)
            .case_insensitive(ignore_case)
            .size_limit(COMPILED_BYTES)
            .build()
            .map(Self)
            .map_err(|error| InvalidPattern {
                pattern: shown.chars().take(80).collect(),
                reason: match error {
                    regex::Error::CompiledTooBig(limit) => {
                        format!("it compiles to more than {limit} bytes")
                    }
                    // The last line of a syntax error says what is wrong; the rest draws the place.
                    other => other
                        .to_string()
                        .lines()
                        .last()
                        .unwrap_or("syntax error")
                        .trim()
                        .into(),
                },
            })
    }

    /// Whether the text matches.
    pub fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// The expression as compiled.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "/{}/", self.as_str())
    }
}

/// A name pattern whose `*` matches any characters, `/` included; case counts.
#[derive(Clone, PartialEq, Eq)]
pub struct Glob {
    text: String,
    // Most globs in settings are plain names: those compare without an expression.
    pattern: Option<Pattern>,
}

impl Glob {
    /// Compiles a glob.
    ///
    /// # Errors
    /// A glob that compiles to more than 1 MiB.
    pub fn new(text: &str) -> Result<Self, InvalidPattern> {
        let pattern = if text.contains('*') {
            let parts: Vec<_> = text.split('*').map(regex::escape).collect();
            Some(Pattern::compile(
                text,
                &format!("^(?s:{})$", parts.join(".*")),
                false,
            )?)
        } else {
            None
        };
        Ok(Self {
            text: text.to_owned(),
            pattern,
        })
    }

    /// Whether the name matches as a whole.
    pub fn matches(&self, name: &str) -> bool {
        match &self.pattern {
            Some(pattern) => pattern.matches(name),
            None => self.text == name,
        }
    }

    /// The glob as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_matches_any_characters_and_the_rest_is_literal() {
        let glob = Glob::new("github.com/acme/*.git").unwrap();
        assert!(glob.matches("github.com/acme/team/shop.git"));
        assert!(!glob.matches("github.com/acme/shopXgit"));
        assert!(Glob::new("shop").unwrap().matches("shop"));
        assert!(!Glob::new("shop").unwrap().matches("shop-2"));
    }

    #[test]
    fn an_expression_that_would_explode_is_refused() {
        let error = Pattern::new("((a{1,200}){1,200}){1,200}").unwrap_err();
        assert!(
            error.to_string().contains("compiles to more than"),
            "{error}"
        );
    }
}
