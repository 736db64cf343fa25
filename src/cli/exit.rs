//! How a command ends.

use std::process::{ExitCode, Termination};

/// The exit status of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: answered.
    Answered,
    /// 1: answered in part; stderr says what is missing.
    Partly,
    /// 2: unusable arguments or settings.
    Unusable,
    /// 3: nothing could be read.
    Unreadable,
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Answered => 0,
            Self::Partly => 1,
            Self::Unusable => 2,
            Self::Unreadable => 3,
        }
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self.code())
    }
}

/// Why a command stopped, and the status it ends with.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    pub(super) cause: anyhow::Error,
}

impl Failure {
    /// The user must change arguments or settings.
    pub(super) fn unusable(cause: impl Into<anyhow::Error>) -> Self {
        Self {
            exit: Exit::Unusable,
            cause: cause.into(),
        }
    }

    /// Something outside cannot be read or written.
    pub(super) fn unreadable(cause: impl Into<anyhow::Error>) -> Self {
        Self {
            exit: Exit::Unreadable,
            cause: cause.into(),
        }
    }
}
