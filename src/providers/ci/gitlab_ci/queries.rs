//! What is asked of GraphQL.
//!
//! A page of 100 projects, each with a page of 100 pipelines and of 100 environments, counts a complexity of 173 of the 250
//! that GitLab allows (200 without a token); see the queries of `gitlab`.

/// The largest page GitLab gives.
pub(super) const LARGEST_PAGE: u32 = 100;
/// Smaller pages than this take no less time.
pub(super) const SMALLEST_PAGE: u32 = 2;

const PROJECT: &str = "
fragment project on Project {
  id fullPath archived isForked httpUrlToRepo webUrl
  any: environments(first: 1) { nodes { id } }
  environments(states: [\"available\"], first: 100) { ...environments }
  pipelines(updatedAfter: $since, updatedBefore: $until, first: 100ONLY) { ...pipelines }
}";

const ENVIRONMENTS: &str = "
fragment environments on EnvironmentConnection {
  pageInfo { hasNextPage endCursor }
  nodes {
    name tier
    succeeded: lastDeployment(status: SUCCESS) { updatedAt }
    failed: lastDeployment(status: FAILED) { updatedAt }
    cancelled: lastDeployment(status: CANCELED) { updatedAt }
    running: lastDeployment(status: RUNNING) { updatedAt }
  }
}";

const PIPELINES: &str = "
fragment pipelines on PipelineConnection {
  pageInfo { hasNextPage endCursor }
  nodes { id sha ref name source status createdAt updatedAt startedAt finishedAt }
}";

fn only(only_ref: Option<&str>) -> (&'static str, &'static str) {
    match only_ref {
        Some(_) => (", $ref: String", ", ref: $ref"),
        None => ("", ""),
    }
}

/// Projects of a group.
pub(super) fn projects(only_ref: Option<&str>) -> String {
    let (variable, argument) = only(only_ref);
    let project = PROJECT.replace("ONLY", argument);
    format!(
        "query projects($path: ID!, $first: Int!, $after: String, $since: Time!, $until: Time!{variable}) {{
  list: group(fullPath: $path) {{
    projects(includeSubgroups: true, first: $first, after: $after) {{
      pageInfo {{ hasNextPage endCursor }}
      nodes {{ ...project }}
    }}
  }}
}}{project}{ENVIRONMENTS}{PIPELINES}"
    )
}

/// One project.
pub(super) fn project(only_ref: Option<&str>) -> String {
    let (variable, argument) = only(only_ref);
    let project = PROJECT.replace("ONLY", argument);
    format!(
        "query project($path: ID!, $since: Time!, $until: Time!{variable}) {{
  list: project(fullPath: $path) {{ ...project }}
}}{project}{ENVIRONMENTS}{PIPELINES}"
    )
}

/// More pipelines of a project.
pub(super) fn pipelines(only_ref: Option<&str>) -> String {
    let (variable, argument) = only(only_ref);
    format!(
        "query pipelines($path: ID!, $after: String, $since: Time!, $until: Time!{variable}) {{
  list: project(fullPath: $path) {{
    pipelines(updatedAfter: $since, updatedBefore: $until, first: 100, after: $after{argument}) {{ ...pipelines }}
  }}
}}{PIPELINES}"
    )
}

/// More environments of a project.
pub(super) fn environments() -> String {
    format!(
        "query environments($path: ID!, $after: String) {{
  list: project(fullPath: $path) {{
    environments(states: [\"available\"], first: 100, after: $after) {{ ...environments }}
  }}
}}{ENVIRONMENTS}"
    )
}
