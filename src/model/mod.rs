//! The words everything else speaks: events, names, time ranges, coverage, rules and questions.
//!
//! Pure data: no I/O, no clock, no async. Every other module may import this one; it imports nobody.

mod collect;
mod coverage;
mod event;
mod labels;
mod metric;
mod names;
mod notice;
mod origin;
mod pattern;
mod question;
mod records;
mod rules;
mod subject;
mod time;

pub use collect::{Collect, CommitView};
pub use coverage::{Coverage, SourceCoverage};
pub use event::{Body, Event, EventKind, EventKinds, Outcome};
pub use labels::Labels;
pub use metric::{Metric, MetricShape, Outcome as MetricOutcome, Statistic, Unit};
pub use names::{
    Application, Cluster, CommitHash, Environment, EventId, EventKey, InvalidHash, Repository,
    SourceName, Text, image_digest, image_name,
};
pub use notice::{Notice, Severity};
pub use origin::Origin;
pub use pattern::{Glob, InvalidPattern, Pattern};
pub use question::{
    BandsYear, Bucket, ChangeUnit, EventTable, Filter, FilterKey, GroupKey, Kind, LeadTimeFrom,
    Operator, PartialPolicy, Question, WeekStart,
};
pub use records::{Build, Commit, Deployment, Incident, PullRequest, Release, Statement, Verdict};
pub use rules::{
    ApplicationRule, DeploymentOrigin, DeploymentRule, EnvironmentRule, Evidence, Rules, Tier,
};
pub use subject::Subject;
pub use time::{Cursor, TimeRange};
