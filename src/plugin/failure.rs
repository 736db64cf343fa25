//! Why a request or one of its queries has no answer, as Grafana counts it.

use crate::app::{QueryError, StartError};
use crate::config::{QuestionError, SettingsError};
use crate::error::chain;

/// Whose fault a failure is; Grafana counts those of plugins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Ours.
    Plugin,
    /// The question's, the settings' or a source's.
    Downstream,
}

impl Source {
    /// As Grafana spells it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Plugin => "plugin",
            Self::Downstream => "downstream",
        }
    }
}

/// A failure with what Grafana must know of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(super) struct Failure {
    /// An HTTP status.
    pub(super) status: u16,
    /// Whose fault.
    pub(super) source_of_error: Source,
    /// A sentence for people, without secrets.
    pub(super) text: String,
}

impl Failure {
    /// The question or the request makes no sense.
    pub(super) fn unusable(text: impl Into<String>) -> Self {
        Self {
            status: 400,
            source_of_error: Source::Downstream,
            text: text.into(),
        }
    }

    /// We failed.
    pub(super) fn ours(text: impl Into<String>) -> Self {
        Self {
            status: 500,
            source_of_error: Source::Plugin,
            text: text.into(),
        }
    }

    /// A panic, already logged by the hook.
    pub(super) fn panicked() -> Self {
        Self::ours(
            "Pelorus failed at this: please report it with the question and the plugin's log",
        )
    }
}

impl From<QuestionError> for Failure {
    fn from(error: QuestionError) -> Self {
        Self::unusable(chain(&error))
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::unusable(chain(&error))
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Settings(error) => error.into(),
            StartError::Ledger(error) => Self::ours(chain(&error)),
        }
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        let text = chain(&error);
        match error {
            QueryError::Unusable(_) => Self::unusable(text),
            QueryError::Incomplete(_) => Self {
                status: 502,
                source_of_error: Source::Downstream,
                text,
            },
            QueryError::Ledger(_) | QueryError::Defect => Self::ours(text),
        }
    }
}
