//! Rules: what the settings say about applications, environments, deployments and evidence.
//!
//! `config` fills them, `correlate` applies them; a changed rule needs no new reading.

use chrono::TimeDelta;

use super::{Application, Environment, Glob, Pattern, Text};

/// Everything that turns raw events into deliveries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// Tried in order; the first that matches names the application.
    pub applications: Vec<ApplicationRule>,
    /// What counts as a deployment where no source reports deployments, or instead of those.
    pub deployments: Vec<DeploymentRule>,
    /// Tiers of environments, tried in order.
    pub environments: Vec<EnvironmentRule>,
    /// Ages and patterns of the evidence of failure.
    pub evidence: Evidence,
}

/// Names an application for what matches.
///
/// Matches when every key for which the event has a value matches, and at least one does.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct ApplicationRule {
    pub name: Option<Application>,
    pub repositories: Vec<Glob>,
    /// Paths of a monorepo: a commit is a change of each application whose paths it touches.
    pub paths: Vec<Glob>,
    pub images: Vec<Glob>,
    pub clusters: Vec<Glob>,
    pub namespaces: Vec<Glob>,
    pub workloads: Vec<Glob>,
    /// Label name and the values it may have; all names must match.
    pub labels: Vec<(Text, Vec<Glob>)>,
    /// Projects of the tracker.
    pub projects: Vec<Glob>,
    /// Components of the tracker.
    pub components: Vec<Glob>,
}

/// What a deployment rule makes deployments of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeploymentOrigin {
    /// A Git tag, at its own time.
    Tag,
    /// A host's release, at its publication.
    Release,
    /// The merge of a pull request into the default branch.
    PullRequestMerge,
    /// A successful build, at its finish.
    Build,
}

/// Makes deployments of other events, for the repositories that match.
#[derive(Clone, Debug, PartialEq)]
pub struct DeploymentRule {
    /// What becomes a deployment.
    pub from: DeploymentOrigin,
    /// The repositories it is for; empty is all.
    pub repositories: Vec<Glob>,
    /// Expression over the tag, the base branch, or the pipeline's name; `None` takes all.
    pub matching: Option<Pattern>,
    /// Where those deployments go.
    pub environment: Environment,
}

/// Gives environments a tier, and nameless deployments an environment.
#[derive(Clone, Debug, PartialEq)]
pub struct EnvironmentRule {
    /// Expression over the environment's name.
    pub matching: Option<Pattern>,
    /// Clusters it is for.
    pub clusters: Vec<Glob>,
    /// Namespaces it is for.
    pub namespaces: Vec<Glob>,
    /// The environment's name, for events that have none.
    pub name: Option<Environment>,
    /// The tier; `None` leaves it to the name.
    pub tier: Option<Tier>,
}

/// How near to the customer an environment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Tier {
    Production,
    Staging,
    Testing,
    Development,
    /// Neither a rule nor the name says.
    None,
}

impl Tier {
    /// The tier's name in settings and questions.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Staging => "staging",
            Self::Testing => "testing",
            Self::Development => "development",
            Self::None => "none",
        }
    }
}

/// Ages and patterns of the evidence that a deployment failed (definitions, section 3).
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Evidence {
    /// How long after a deployment's start a rollout of the same version still joins it.
    pub deployment_window: TimeDelta,
    pub rollback_age: TimeDelta,
    pub revert_age: TimeDelta,
    pub hotfix_age: TimeDelta,
    pub incident_age: TimeDelta,
    /// A pull request with a label that matches is a hotfix.
    pub hotfix_labels: Vec<Glob>,
    /// A pull request from a branch that matches is a hotfix.
    pub hotfix_branches: Option<Pattern>,
    /// A deployment whose commit's pipeline matches is a hotfix.
    pub hotfix_pipelines: Option<Pattern>,
    /// An incident with a label that matches, whatever its case, is a defect.
    pub defect_labels: Vec<Glob>,
}

impl Evidence {
    /// The largest age: how long after a range evidence may still change it.
    pub fn largest_age(&self) -> TimeDelta {
        self.rollback_age
            .max(self.revert_age)
            .max(self.hotfix_age)
            .max(self.incident_age)
    }
}

impl Default for Evidence {
    fn default() -> Self {
        Self {
            deployment_window: TimeDelta::hours(24),
            rollback_age: TimeDelta::days(7),
            revert_age: TimeDelta::days(7),
            hotfix_age: TimeDelta::days(7),
            incident_age: TimeDelta::hours(24),
            hotfix_labels: Glob::new("hotfix").into_iter().collect(),
            hotfix_branches: Pattern::new("^hotfix[/-]").ok(),
            hotfix_pipelines: None,
            defect_labels: ["bug", "defect"]
                .iter()
                .filter_map(|name| Glob::new(name).ok())
                .collect(),
        }
    }
}
