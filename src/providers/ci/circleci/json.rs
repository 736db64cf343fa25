//! What CircleCI answers, as far as we look at it.

use chrono::{DateTime, Utc};
use serde::Deserialize;

/// One page of a list.
#[derive(Debug, Deserialize)]
pub(super) struct Items<T> {
    pub(super) items: Vec<T>,
    pub(super) next_page_token: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Pipeline {
    pub(super) id: String,
    pub(super) project_slug: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) number: Option<u64>,
    /// `created`, `errored`, `setup-pending`, `setup`, `pending`.
    pub(super) state: Option<String>,
    /// Absent where no repository is behind it.
    pub(super) vcs: Option<Vcs>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Vcs {
    /// Where its configuration and code come from.
    pub(super) target_repository_url: Option<String>,
    pub(super) revision: Option<String>,
    pub(super) branch: Option<String>,
    pub(super) tag: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Workflow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) pipeline_id: String,
    /// `success`, `running`, `not_run`, `failed`, `error`, `failing`, `on_hold`, `canceled`, `unauthorized`.
    pub(super) status: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) stopped_at: Option<DateTime<Utc>>,
}
