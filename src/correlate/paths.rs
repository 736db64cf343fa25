//! Monorepos: which commits are changes of an application, where its rules have paths.

use super::assign::{name_by, repository_subject, rules_of};
use super::graph::Graph;
use crate::model::{Application, Glob, Repository, Rules};

/// What a commit of a monorepo is to the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touch {
    /// It is a change of the application.
    Change,
    /// It touches other paths only: it is walked through.
    Elsewhere,
    /// Nobody read its paths: it is a change of nobody.
    Unknown,
}

/// What each commit is to the application.
pub(super) fn touches(
    application: &Application,
    repositories: &[Repository],
    graph: &Graph<'_>,
    rules: &Rules,
) -> Vec<Touch> {
    let mut touches = vec![Touch::Change; graph.len()];
    if rules.applications.iter().all(|rule| rule.paths.is_empty()) {
        return touches;
    }
    let globs: Vec<Option<Vec<&Glob>>> = repositories
        .iter()
        .map(|repository| globs(application, repository, rules))
        .collect();
    for (at, touch) in touches.iter_mut().enumerate() {
        let Some(globs) = &globs[graph.repository[at] as usize] else {
            continue;
        };
        let paths = graph.paths(at as u32);
        *touch = if paths.is_empty() {
            Touch::Unknown
        } else if paths
            .iter()
            .any(|path| globs.iter().any(|glob| glob.matches(path)))
        {
            Touch::Change
        } else {
            Touch::Elsewhere
        };
    }
    touches
}

/// The paths that belong to the application; `None`: all of the repository.
fn globs<'a>(
    application: &Application,
    repository: &Repository,
    rules: &'a Rules,
) -> Option<Vec<&'a Glob>> {
    let subject = repository_subject(repository);
    let ours: Vec<_> = rules_of(&subject, rules)
        .into_iter()
        .filter(|rule| name_by(rule, &subject).as_ref() == Some(application))
        .collect();
    if ours.is_empty() || ours.iter().any(|rule| rule.paths.is_empty()) {
        return None;
    }
    Some(ours.into_iter().flat_map(|rule| &rule.paths).collect())
}
