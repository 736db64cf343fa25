//! What is asked of GraphQL.
//!
//! GitLab counts a query's complexity and refuses more than 250 (200 without a token): a field is 1, one that calls Gitaly
//! 2, `mergedAt`, `closedAt` and `labels` 5; a list that is resolved doubles what it holds at 100 a page. A page of merge
//! requests counts 129, the releases of twenty projects 37.
//! Source: "GraphQL API", Limits; "GraphQL API resources" of GitLab 18; complexities as `app/graphql` declares them.

/// The largest page GitLab gives.
pub(super) const LARGEST_PAGE: u32 = 100;
/// Smaller pages than this take no less time.
pub(super) const SMALLEST_PAGE: u32 = 5;

const REQUEST: &str = "
fragment request on MergeRequest {
  iid projectId title webUrl sourceBranch targetBranch diffHeadSha mergeCommitSha squash squashOnMerge
  createdAt updatedAt mergedAt closedAt
  author { username }
  labels(first: 50) { nodes { title } }
  approvedBy { nodes { username } }
  notes(first: 30) { ...notes }
  commits(first: 100) { ...commits }
}";

const NOTES: &str = "
fragment notes on NoteConnection {
  pageInfo { hasNextPage endCursor }
  nodes { author { username } createdAt system systemNoteMetadata { action } }
}";

const COMMITS: &str = "
fragment commits on CommitConnection {
  pageInfo { hasNextPage endCursor }
  nodes { sha authoredDate committedDate }
}";

/// Merge requests that changed in a range, last updated first.
pub(super) fn merge_requests(of_group: bool, with_archived: bool) -> String {
    let (root, only) = match (of_group, with_archived) {
        (true, true) => ("group", "includeSubgroups: true, includeArchived: true, "),
        (true, false) => ("group", "includeSubgroups: true, "),
        (false, _) => ("project", ""),
    };
    format!(
        "query mergeRequests($path: ID!, $first: Int!, $after: String, $since: Time!, $until: Time!) {{
  list: {root}(fullPath: $path) {{
    mergeRequests({only}updatedAfter: $since, updatedBefore: $until, sort: UPDATED_DESC, first: $first, after: $after) {{
      pageInfo {{ hasNextPage endCursor }}
      nodes {{ ...request }}
    }}
  }}
}}{REQUEST}{NOTES}{COMMITS}"
    )
}

/// More notes of one merge request.
pub(super) fn notes() -> String {
    format!(
        "query notes($path: ID!, $iid: String!, $after: String) {{
  list: project(fullPath: $path) {{ mergeRequest(iid: $iid) {{ notes(first: 100, after: $after) {{ ...notes }} }} }}
}}{NOTES}"
    )
}

/// More commits of one merge request.
pub(super) fn commits() -> String {
    format!(
        "query commits($path: ID!, $iid: String!, $after: String) {{
  list: project(fullPath: $path) {{ mergeRequest(iid: $iid) {{ commits(first: 100, after: $after) {{ ...commits }} }} }}
}}{COMMITS}"
    )
}

/// Releases of several projects, newest first.
pub(super) const RELEASES: &str = "query releases($ids: [ID!], $first: Int!) {
  projects(ids: $ids, first: $first) {
    nodes {
      id
      releases(first: 100, sort: RELEASED_AT_DESC) {
        pageInfo { hasNextPage endCursor }
        nodes { tagName releasedAt upcomingRelease }
      }
    }
  }
}";

/// More releases of one project.
pub(super) const MORE_RELEASES: &str = "query moreReleases($path: ID!, $after: String) {
  list: project(fullPath: $path) {
    releases(first: 100, sort: RELEASED_AT_DESC, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { tagName releasedAt upcomingRelease }
    }
  }
}";
