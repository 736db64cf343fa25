//! A question, parsed, defaulted and validated: the one contract of panels, alerts, dashboards and the command line.

use super::{Metric, Pattern, Statistic, Text};

/// What is asked. `config::question` reads it from JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// What form the answer has.
    pub kind: Kind,
    /// The metric; meaningful for `Metric` and `Distribution`.
    pub metric: Metric,
    /// The statistic; the metric has it.
    pub statistic: Statistic,
    /// What the answer is grouped by, in order, without repetition.
    pub group_by: Vec<GroupKey>,
    /// All must hold.
    pub filters: Vec<Filter>,
    /// The buckets of time.
    pub bucket: Bucket,
    /// The zone of calendar buckets; `None` leaves it to the caller (dashboard, settings, UTC).
    pub timezone: Option<chrono_tz::Tz>,
    /// The first day of a week.
    pub week_start: WeekStart,
    /// Whether the previous period of the same length is answered too.
    pub compare: bool,
    /// How many groups or rows at most.
    pub limit: usize,
    /// Where the lead time starts.
    pub lead_time_from: LeadTimeFrom,
    /// What one change is.
    pub change_unit: ChangeUnit,
    /// Whether merge commits count as changes.
    pub include_merges: bool,
    /// Whether only incidents count that customers felt.
    pub user_facing: bool,
    /// The year whose bands judge.
    pub bands_year: BandsYear,
    /// What partial data means to an alert.
    pub partial: PartialPolicy,
    /// Which rows, for `Events`.
    pub table: EventTable,
    /// Which values, for `Values`.
    pub key: FilterKey,
}

impl Question {
    /// Rows of an answer when the question sets no `limit`.
    pub const DEFAULT_LIMIT: usize = 1_000;
    /// The largest `limit`.
    pub const LARGEST_LIMIT: usize = 10_000;

    /// The default question of a kind.
    pub fn of(kind: Kind) -> Self {
        let metric = Metric::ChangeLeadTime;
        Self {
            kind,
            metric,
            statistic: if kind == Kind::Breakdown {
                Statistic::Mean
            } else {
                metric.default_statistic()
            },
            group_by: Vec::new(),
            filters: Vec::new(),
            bucket: Bucket::Auto,
            timezone: None,
            week_start: WeekStart::Monday,
            compare: false,
            limit: Self::DEFAULT_LIMIT,
            lead_time_from: LeadTimeFrom::Committed,
            change_unit: ChangeUnit::Commit,
            include_merges: false,
            user_facing: false,
            bands_year: BandsYear::Y2024,
            partial: PartialPolicy::Strict,
            table: EventTable::Changes,
            key: FilterKey::Group(GroupKey::Application),
        }
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $word:literal $help:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $(#[doc = $help] $variant,)* }

        impl $name {
            /// Every value, as questions spell it.
            pub const WORDS: &'static [&'static str] = &[$($word,)*];
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// How questions spell it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The value that is spelt so.
            pub fn named(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }

            /// One sentence that says what it means.
            pub fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)* }
            }
        }
    };
}

words!(
    /// The form of the answer.
    Kind {
        Metric "metric" "One metric over time, or one number.",
        Breakdown "breakdown" "The parts of the lead time.",
        Distribution "distribution" "A histogram of a metric's values.",
        Scorecard "scorecard" "The five keys with band, trend and n.",
        Events "events" "The rows behind the numbers.",
        Annotations "annotations" "Deployments and incidents as marks on panels.",
        Values "values" "The values of a key, for variables and editors.",
        Quality "quality" "What each source covers and until when; what is unlinked, shadowed or odd.",
    }
);
words!(
    /// Where the lead time starts.
    LeadTimeFrom {
        Committed "committed" "The committer's time; before a squash or rebase where the pull request is known.",
        Landed "landed" "The committer's time of the commit as it stands on the branch.",
        Authored "authored" "The author's time.",
        PullRequestOpened "pull_request_opened" "The opening of the pull request.",
        Merged "merged" "The merge of the pull request.",
    }
);
words!(
    /// What one change is.
    ChangeUnit {
        Commit "commit" "A commit.",
        PullRequest "pull_request" "A pull request, with its first commit's times.",
    }
);
words!(
    /// The first day of a week.
    WeekStart {
        Monday "monday" "As ISO 8601 has it.",
        Sunday "sunday" "As in North America.",
        Saturday "saturday" "As in the Middle East.",
    }
);
words!(
    /// The DORA year whose bands judge.
    BandsYear {
        Y2021 "2021" "Accelerate State of DevOps 2021.",
        Y2022 "2022" "Accelerate State of DevOps 2022.",
        Y2023 "2023" "Accelerate State of DevOps 2023.",
        Y2024 "2024" "Accelerate State of DevOps 2024.",
    }
);
words!(
    /// What partial data means to an alert rule.
    PartialPolicy {
        Strict "strict" "Missing data is an error for alert rules.",
        Allow "allow" "Missing data is a notice for alert rules too.",
    }
);
words!(
    /// The rows of an `events` question.
    EventTable {
        Changes "changes" "Delivered changes.",
        Deployments "deployments" "Deployments with what they delivered and why they failed.",
        Incidents "incidents" "Incidents with the deployment they are linked to.",
        PullRequests "pull_requests" "Pull requests with their times.",
    }
);
words!(
    /// How a filter compares.
    Operator {
        Equal "=" "Equals the value.",
        NotEqual "!=" "Differs from the value.",
        Matches "=~" "Matches the expression as a whole.",
        NotMatches "!~" "Does not match the expression.",
        OneOf "=|" "Equals one of the values.",
        NoneOf "!=|" "Equals none of the values.",
    }
);

/// The buckets of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Bucket {
    /// By the length of the range: ≤ 2 d hour, ≤ 62 d day, ≤ 400 d week, ≤ 5 y month, else quarter.
    Auto,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    /// A point a day over the days that end with it.
    Rolling {
        days: u32,
    },
    /// One number over the whole range.
    None,
}

/// What an answer can be grouped by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum GroupKey {
    Application,
    Team,
    Repository,
    Environment,
    Cluster,
    /// Overlaps: a deployment has many authors.
    Author,
    /// Overlaps where a thing has several labels of the name.
    Label(Text),
}

impl GroupKey {
    /// Every key without parameter, as questions spell it.
    pub const WORDS: &'static [&'static str] = &[
        "application",
        "team",
        "repository",
        "environment",
        "cluster",
        "author",
    ];

    /// How questions and columns spell it (`label:<name>` for labels).
    pub fn word(&self) -> String {
        match self {
            Self::Application => "application".to_owned(),
            Self::Team => "team".to_owned(),
            Self::Repository => "repository".to_owned(),
            Self::Environment => "environment".to_owned(),
            Self::Cluster => "cluster".to_owned(),
            Self::Author => "author".to_owned(),
            Self::Label(name) => format!("label:{name}"),
        }
    }
}

/// What a filter looks at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum FilterKey {
    Group(GroupKey),
    Tier,
    Severity,
    Outcome,
    /// The name of the rule that says a deployment failed.
    Rule,
}

impl FilterKey {
    /// Every key without parameter that is no group key, as questions spell it.
    pub const WORDS: &'static [&'static str] = &["tier", "severity", "outcome", "rule"];

    /// How questions spell it.
    pub fn word(&self) -> String {
        match self {
            Self::Group(key) => key.word(),
            Self::Tier => "tier".to_owned(),
            Self::Severity => "severity".to_owned(),
            Self::Outcome => "outcome".to_owned(),
            Self::Rule => "rule".to_owned(),
        }
    }
}

/// A condition on one key.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// What it looks at.
    pub key: FilterKey,
    /// How it compares.
    pub operator: Operator,
    /// The value, or the values of `OneOf` and `NoneOf`.
    pub values: Vec<Text>,
    /// The compiled expression of `Matches` and `NotMatches`.
    pub pattern: Option<Pattern>,
}

impl Filter {
    /// Whether a thing with this value passes; a thing without the value passes only negative filters.
    pub fn accepts(&self, value: Option<&str>) -> bool {
        let value = value.unwrap_or("");
        let listed = self.values.iter().any(|wanted| &**wanted == value);
        let matched = self
            .pattern
            .as_ref()
            .is_some_and(|pattern| pattern.matches(value));
        match self.operator {
            Operator::Equal | Operator::OneOf => listed,
            Operator::NotEqual | Operator::NoneOf => !listed,
            Operator::Matches => matched,
            Operator::NotMatches => !matched,
        }
    }
}
