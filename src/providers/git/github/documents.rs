//! The GraphQL documents. `tests/graphql` checks each against GitHub's published schema.
//!
//! A batch asks several lists at once: a part a list, by alias, with variables of its own.

use serde_json::{Map, Value};

/// What tells whether anything changed in a repository: costs three connections beside the list's own.
pub(crate) const PROBE: &str = "\
fragment Repository on Repository {
  id nameWithOwner url isArchived isFork isEmpty isDisabled
  defaultBranchRef { name target { oid } }
  pullRequests(first: 1, orderBy: {field: UPDATED_AT, direction: DESC}) { nodes { updatedAt } }
  releases(first: 1, orderBy: {field: CREATED_AT, direction: DESC}) { totalCount nodes { id updatedAt } }
  refs(refPrefix: \"refs/tags/\", first: 1, orderBy: {field: TAG_COMMIT_DATE, direction: DESC}) { totalCount nodes { name target { oid } } }
}
";

const OWNER: &str = "\
query Owner($login: String!, $after: String, $isArchived: Boolean, $isFork: Boolean) {
  owner: repositoryOwner(login: $login) {
    repositories(first: 100, after: $after, ownerAffiliations: [OWNER], isArchived: $isArchived, isFork: $isFork, orderBy: {field: PUSHED_AT, direction: DESC}) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes { ...Repository }
    }
  }
}
";

const BY_IDS: &str = "\
query Repositories($ids: [ID!]!) {
  nodes(ids: $ids) { ...Repository }
}
";

const HISTORY: &str = "\
fragment History on CommitHistoryConnection {
  pageInfo { hasNextPage endCursor }
  nodes { oid authoredDate committedDate message url author { name } parents(first: 10) { nodes { oid } } }
}
";

const PULL_REQUESTS: &str = "\
fragment PullRequests on PullRequestConnection {
  pageInfo { hasNextPage endCursor }
  nodes {
    number title url createdAt updatedAt mergedAt closedAt headRefName headRefOid baseRefName
    author { __typename login }
    mergeCommit { oid authoredDate parents(first: 1) { totalCount } }
    labels(first: 20) { nodes { name } }
    reviews(first: 100) { nodes { author { __typename login } submittedAt state } }
    commits(first: 100) { totalCount nodes { commit { oid authoredDate committedDate } } }
  }
}
";

const RELEASES: &str = "\
fragment Releases on ReleaseConnection {
  pageInfo { hasNextPage endCursor }
  nodes { tagName isDraft isPrerelease createdAt publishedAt url tagCommit { oid } }
}
";

const TAGS: &str = "\
fragment Tags on RefConnection {
  pageInfo { hasNextPage endCursor }
  nodes {
    name
    target {
      oid
      ... on Commit { committedDate }
      ... on Tag { tagger { date } target { oid ... on Commit { committedDate } } }
    }
  }
}
";

const DEPLOYMENTS: &str = "\
fragment Deployments on DeploymentConnection {
  pageInfo { hasNextPage endCursor }
  nodes { ...Deployment }
}
";

/// A deployment with its statuses.
pub(crate) const DEPLOYMENT: &str = "\
fragment Deployment on Deployment {
  id commitOid environment originalEnvironment createdAt state
  ref { name prefix }
  statuses(first: 30) { nodes { state createdAt logUrl } }
}
";

/// A kind of list that batches read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ListKind {
    History,
    PullRequests,
    Releases,
    Tags,
    Deployments,
}

impl ListKind {
    const ALL: [Self; 5] = [
        Self::History,
        Self::PullRequests,
        Self::Releases,
        Self::Tags,
        Self::Deployments,
    ];

    fn fragment(self) -> &'static str {
        match self {
            Self::History => HISTORY,
            Self::PullRequests => PULL_REQUESTS,
            Self::Releases => RELEASES,
            Self::Tags => TAGS,
            Self::Deployments => DEPLOYMENTS,
        }
    }

    /// The connections that a page of it follows: its own, and those of each of its hundred things.
    fn connections(self) -> u32 {
        match self {
            Self::History | Self::Deployments => 1 + 100,
            Self::PullRequests => 1 + 4 * 100,
            Self::Releases | Self::Tags => 1,
        }
    }

    /// The part of number `at`.
    fn part(self, at: usize) -> String {
        match self {
            Self::History => format!(
                "object(oid: $oid{at}) {{ ... on Commit {{ history(first: 100, after: $after{at}) {{ ...History }} }} }}"
            ),
            Self::PullRequests => format!(
                "pullRequests(first: 100, after: $after{at}, orderBy: {{field: UPDATED_AT, direction: DESC}}) {{ ...PullRequests }}"
            ),
            Self::Deployments => format!(
                "deployments(first: 100, after: $after{at}, orderBy: {{field: CREATED_AT, direction: DESC}}) {{ ...Deployments }}"
            ),
            Self::Releases => format!(
                "releases(first: 100, after: $after{at}, orderBy: {{field: CREATED_AT, direction: DESC}}) {{ ...Releases }}"
            ),
            Self::Tags => format!(
                "refs(refPrefix: \"refs/tags/\", first: 100, after: $after{at}, orderBy: {{field: TAG_COMMIT_DATE, direction: DESC}}) {{ ...Tags }}"
            ),
        }
    }
}

/// One part of a batch: a page of a list of a repository.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) kind: ListKind,
    pub(crate) repository: &'a str,
    /// The commit whose history is read.
    pub(crate) oid: Option<&'a str>,
    pub(crate) after: Option<&'a str>,
}

/// A document with its variables.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) document: String,
    pub(crate) variables: Map<String, Value>,
    /// What it takes of GitHub's limit: connections that are followed, in hundreds, as the vendor counts them.
    pub(crate) points: u32,
}

/// Source: docs.github.com, "Predicting the point value of a query".
fn points(connections: u32) -> u32 {
    ((connections + 50) / 100).max(1)
}

/// Connections of the list of repositories and of each of its hundred: the probe's three.
const OF_A_PROBE: u32 = 1 + 3 * 100;

/// Asks for pages of lists; the answer has them as `list0`, `list1`, … in this order.
pub(crate) fn batch(parts: &[Part<'_>]) -> Asked {
    let mut variables = Map::new();
    let (mut declared, mut body) = (String::new(), String::new());
    for (at, part) in parts.iter().enumerate() {
        declared += &format!("$id{at}: ID!, $after{at}: String, ");
        if part.kind == ListKind::History {
            declared += &format!("$oid{at}: GitObjectID!, ");
            variables.insert(format!("oid{at}"), part.oid.into());
        }
        variables.insert(format!("id{at}"), part.repository.into());
        variables.insert(format!("after{at}"), part.after.into());
        let list = part.kind.part(at);
        body += &format!("  list{at}: node(id: $id{at}) {{ ... on Repository {{ {list} }} }}\n");
    }
    let declared = declared.trim_end_matches(", ");
    let mut document = format!("query Lists({declared}) {{\n{body}}}\n");
    for kind in ListKind::ALL {
        if parts.iter().any(|part| part.kind == kind) {
            document += kind.fragment();
        }
    }
    if parts.iter().any(|part| part.kind == ListKind::Deployments) {
        document += DEPLOYMENT;
    }
    Asked {
        document,
        variables,
        points: points(parts.iter().map(|part| part.kind.connections()).sum()),
    }
}

/// Asks for a page of an owner's repositories, each as the fragment `Repository` tells; the answer has it as `owner`.
pub(crate) fn owner(
    fragment: &str,
    login: &str,
    after: Option<&str>,
    archived: bool,
    forks: bool,
) -> Asked {
    // Null is "either".
    let only_without = |with: bool| {
        if with {
            Value::Null
        } else {
            Value::Bool(false)
        }
    };
    let variables = [
        ("login", login.into()),
        ("after", after.into()),
        ("isArchived", only_without(archived)),
        ("isFork", only_without(forks)),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value));
    Asked {
        document: format!("{OWNER}{fragment}"),
        variables: variables.into_iter().collect(),
        points: points(OF_A_PROBE),
    }
}

/// Asks for repositories by node id, at most 100; the answer has them as `nodes`, null where one is gone.
pub(crate) fn by_ids(fragment: &str, ids: &[String]) -> Asked {
    let variables = [("ids".to_owned(), ids.into())];
    Asked {
        document: format!("{BY_IDS}{fragment}"),
        variables: variables.into_iter().collect(),
        points: points(OF_A_PROBE),
    }
}

/// Asks for repositories by name, at most 100; the answer has them as `named0`, `named1`, ….
pub(crate) fn by_names(fragment: &str, names: &[(String, String)]) -> Asked {
    let mut variables = Map::new();
    let (mut declared, mut body) = (String::new(), String::new());
    for (at, (owner, name)) in names.iter().enumerate() {
        declared += &format!("$owner{at}: String!, $name{at}: String!, ");
        body += &format!(
            "  named{at}: repository(owner: $owner{at}, name: $name{at}) {{ ...Repository }}\n"
        );
        variables.insert(format!("owner{at}"), owner.as_str().into());
        variables.insert(format!("name{at}"), name.as_str().into());
    }
    let declared = declared.trim_end_matches(", ");
    Asked {
        document: format!("query Named({declared}) {{\n{body}}}\n{fragment}"),
        variables,
        points: points(OF_A_PROBE),
    }
}

/// Asks which of the repositories hold which of the commits; the answer has `nodes` with `commit0`, `commit1`, ….
pub(super) fn holders(ids: &[String], hashes: &[String]) -> Asked {
    let mut variables = Map::new();
    variables.insert("ids".to_owned(), ids.into());
    let (mut declared, mut body) = (String::new(), String::new());
    for (at, hash) in hashes.iter().enumerate() {
        declared += &format!(", $oid{at}: GitObjectID!");
        body += &format!(" commit{at}: object(oid: $oid{at}) {{ ... on Commit {{ oid }} }}");
        variables.insert(format!("oid{at}"), hash.as_str().into());
    }
    let document = format!(
        "query Holders($ids: [ID!]!{declared}) {{\n  nodes(ids: $ids) {{ ... on Repository {{ id{body} }} }}\n}}\n"
    );
    Asked {
        document,
        variables,
        points: points(0),
    }
}

/// What tells whether anything ran or was deployed in a repository.
///
/// A run makes a check suite on its commit, so that those of the default branch's head tell of runs that no push began.
pub(crate) const ACTIVITY: &str = "\
fragment Repository on Repository {
  id nameWithOwner url isArchived isFork isDisabled pushedAt
  defaultBranchRef { target { oid ... on Commit { checkSuites(first: 1) { totalCount } } } }
  deployments(first: 1, orderBy: {field: CREATED_AT, direction: DESC}) { nodes { createdAt } }
}
";

const UNFINISHED: &str = "\
query Unfinished($ids: [ID!]!) {
  nodes(ids: $ids) {
    ...Deployment
    ... on Deployment { __typename repository { id url } }
    ... on WorkflowRun { __typename id url workflow { name } checkSuite { status conclusion updatedAt commit { oid } repository { id url } } }
  }
}
";

/// Asks how deployments and runs went on, by node id, at most 100; the answer has them as `nodes`.
pub(crate) fn unfinished(ids: &[String]) -> Asked {
    Asked {
        document: format!("{UNFINISHED}{DEPLOYMENT}"),
        variables: [("ids".to_owned(), ids.into())].into_iter().collect(),
        points: points(100),
    }
}
