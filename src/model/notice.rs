//! What a reader must know beside the numbers.

use serde::{Deserialize, Serialize};

/// How much a notice matters to the reader of a panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know; the number stands.
    Info,
    /// The number is partial or uncertain.
    Warning,
    /// A source failed.
    Error,
}

/// A sentence that travels with an answer, and says what is missing, odd or uncertain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Notice {
    /// How much it matters.
    pub severity: Severity,
    /// A sentence for people, without secrets.
    pub text: String,
}

impl Notice {
    /// A notice that is good to know.
    pub fn info(text: impl Into<String>) -> Self {
        Self {
            severity: Severity::Info,
            text: text.into(),
        }
    }

    /// A notice that the answer is partial or uncertain.
    pub fn warning(text: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            text: text.into(),
        }
    }

    /// A notice that a source failed.
    pub fn error(text: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            text: text.into(),
        }
    }
}
