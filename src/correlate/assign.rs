//! Whose an event is: applications by rules, names, repositories and claims (definitions, section 1).
//!
//! Names of repositories without rule and deployment: the last segment (`github.com/acme/shop` → `shop`); where two
//! such repositories would share it, what follows the host (`acme/shop`); where they share that too, the whole.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Application, ApplicationRule, EventKind, Glob, Repository, Rules, Subject};

/// The ledger's number of a subject.
pub type SubjectKey = i64;

/// Which subjects' events belong to which application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    /// The subjects of each application, sorted; a subject of a monorepo may belong to several.
    pub applications: BTreeMap<Application, Vec<SubjectKey>>,
    /// Subjects of nobody, verdicts left out, sorted: `quality` lists them.
    pub unassigned: Vec<SubjectKey>,
    unassigned_subjects: BTreeSet<Subject>,
}

impl Assignment {
    /// Whether events of this subject belong to nobody.
    pub fn is_unassigned(&self, subject: &Subject) -> bool {
        self.unassigned_subjects.contains(subject)
    }
}

/// Assigns all subjects; `claims` are repositories that hold the commits of a deployment subject.
///
/// The order of subjects and claims does not matter.
pub fn assign(
    subjects: &[(SubjectKey, &Subject)],
    claims: &[(SubjectKey, Repository)],
    rules: &Rules,
) -> Assignment {
    let mut claimed = BTreeMap::<SubjectKey, BTreeSet<&Repository>>::new();
    for (key, repository) in claims {
        claimed.entry(*key).or_default().insert(repository);
    }
    let mut owners = Owners::default();
    // First those who say themselves whose they are: they claim repositories.
    let mut named = BTreeMap::<SubjectKey, Vec<Application>>::new();
    for (key, subject) in subjects {
        let applications = applications_by_name(subject, rules);
        if subject.kind == EventKind::Deployment && !applications.is_empty() {
            for repository in repositories_of(*key, subject, &claimed) {
                owners.claim(repository, &applications);
            }
        }
        let is_code = matches!(
            subject.kind,
            EventKind::Commit | EventKind::PullRequest | EventKind::Build | EventKind::Release
        );
        if is_code || (subject.kind == EventKind::Deployment && applications.is_empty()) {
            for repository in repositories_of(*key, subject, &claimed) {
                owners.claim(repository, &applications);
                owners.claim(repository, &applications_of_repository(repository, rules));
            }
        }
        named.insert(*key, applications);
    }
    owners.name_the_rest();

    let mut assignment = Assignment::default();
    for (key, subject) in subjects {
        if subject.kind == EventKind::Verdict {
            continue;
        }
        let mut applications: BTreeSet<&Application> = named[key].iter().collect();
        let is_settled = !applications.is_empty()
            && matches!(subject.kind, EventKind::Deployment | EventKind::Incident);
        if !is_settled {
            for repository in repositories_of(*key, subject, &claimed) {
                applications.extend(owners.of(repository));
            }
        }
        if applications.is_empty() {
            assignment.unassigned.push(*key);
            assignment.unassigned_subjects.insert((*subject).clone());
        }
        for application in applications {
            let keys = assignment.applications.entry(application.clone());
            keys.or_default().push(*key);
        }
    }
    assignment.unassigned.sort_unstable();
    for keys in assignment.applications.values_mut() {
        keys.sort_unstable();
        keys.dedup();
    }
    assignment
}

/// The rules that make a subject theirs: the first that matches, and if it has paths every later one with paths.
pub(super) fn rules_of<'a>(subject: &Subject, rules: &'a Rules) -> Vec<&'a ApplicationRule> {
    let mut matching = rules
        .applications
        .iter()
        .filter(|rule| matched_name(rule, subject).is_some());
    let Some(first) = matching.next() else {
        return Vec::new();
    };
    let mut chosen = vec![first];
    if !first.paths.is_empty() {
        chosen.extend(matching.filter(|rule| !rule.paths.is_empty()));
    }
    chosen
}

/// The name that a rule gives to a subject: its own, else the value of the first key that matches.
pub(super) fn name_by(rule: &ApplicationRule, subject: &Subject) -> Option<Application> {
    let derived = matched_name(rule, subject)?;
    Some(rule.name.clone().unwrap_or(derived))
}

/// A subject of commits in this repository.
pub(super) fn repository_subject(repository: &Repository) -> Subject {
    Subject {
        source: "".into(),
        kind: EventKind::Commit,
        application: None,
        environment: None,
        cluster: None,
        namespace: None,
        workload: None,
        repository: Some(repository.clone()),
        project: None,
        components: Vec::new(),
        images: Vec::new(),
        labels: Default::default(),
    }
}

fn applications_of_repository(repository: &Repository, rules: &Rules) -> Vec<Application> {
    let subject = repository_subject(repository);
    rules_of(&subject, rules)
        .into_iter()
        .filter_map(|rule| name_by(rule, &subject))
        .collect()
}

/// Applications that the subject alone decides: its own word, rules, and for deployments label, workload, namespace.
fn applications_by_name(subject: &Subject, rules: &Rules) -> Vec<Application> {
    if let Some(application) = &subject.application {
        return vec![application.clone()];
    }
    let by_rule: Vec<_> = rules_of(subject, rules)
        .into_iter()
        .filter_map(|rule| name_by(rule, subject))
        .collect();
    if !by_rule.is_empty() || subject.kind != EventKind::Deployment {
        return by_rule;
    }
    let label = |name| subject.labels.value(name);
    let name = label("app.kubernetes.io/name")
        .or_else(|| label("app"))
        .or(subject.workload.as_ref())
        .or(subject.namespace.as_ref())
        .filter(|name| !name.is_empty());
    name.map(|name| Application::from(name.clone()))
        .into_iter()
        .collect()
}

fn repositories_of<'a>(
    key: SubjectKey,
    subject: &'a Subject,
    claimed: &BTreeMap<SubjectKey, BTreeSet<&'a Repository>>,
) -> BTreeSet<&'a Repository> {
    let mut repositories = claimed.get(&key).cloned().unwrap_or_default();
    repositories.extend(&subject.repository);
    repositories
}

/// `Some` derived name where every key for which the subject has a value matches, and at least one does.
fn matched_name(rule: &ApplicationRule, subject: &Subject) -> Option<Application> {
    let repository = subject.repository.as_ref().map(Repository::as_str);
    let cluster = subject.cluster.as_ref().map(|cluster| cluster.as_str());
    let text = |value: &'_ Option<crate::model::Text>| value.as_deref().map(str::to_owned);
    let labels = (!rule.labels.is_empty() && !subject.labels.is_empty()).then(|| {
        let held = rule.labels.iter().all(|(name, values)| {
            subject.labels.value(name).is_some_and(|value| {
                values.is_empty() || values.iter().any(|glob| glob.matches(value))
            })
        });
        let first = rule.labels.first();
        let value = first.and_then(|(name, _)| subject.labels.value(name));
        held.then(|| value.map(|value| value.to_string()).unwrap_or_default())
    });
    let first_of = |globs: &[Glob], values: &[crate::model::Text]| {
        let held = values
            .iter()
            .find(|value| globs.iter().any(|glob| glob.matches(value)));
        (!globs.is_empty() && !values.is_empty()).then(|| held.map(|value| value.to_string()))
    };
    let one_of = |globs: &[Glob], value: Option<String>| {
        let value = value.filter(|_| !globs.is_empty())?;
        let held = globs.iter().any(|glob| glob.matches(&value));
        Some(held.then_some(value))
    };
    let last = |name: String| {
        let short = name.rsplit('/').next().unwrap_or(&name);
        short.to_owned()
    };
    // In the order in which a rule without a name takes one from the keys.
    let keys = [
        one_of(&rule.repositories, repository.map(str::to_owned)).map(|held| held.map(last)),
        labels,
        one_of(&rule.workloads, text(&subject.workload)),
        one_of(&rule.namespaces, text(&subject.namespace)),
        first_of(&rule.images, &subject.images).map(|held| held.map(last)),
        first_of(&rule.components, &subject.components),
        one_of(&rule.projects, text(&subject.project)),
        one_of(&rule.clusters, cluster.map(str::to_owned)),
    ];
    let mut name = None;
    for held in keys.into_iter().flatten() {
        let held = held?;
        name.get_or_insert(held);
    }
    name.map(Application::from)
}

/// Applications of repositories.
#[derive(Default)]
struct Owners<'a>(BTreeMap<&'a Repository, BTreeSet<Application>>);

impl<'a> Owners<'a> {
    /// Knows the repository from now on, and these applications as its owners.
    fn claim(&mut self, repository: &'a Repository, applications: &[Application]) {
        let owners = self.0.entry(repository).or_default();
        owners.extend(applications.iter().cloned());
    }

    /// Makes every repository that nobody claimed an application of its own.
    fn name_the_rest(&mut self) {
        let free: Vec<&Repository> = self
            .0
            .iter()
            .filter(|(_, owners)| owners.is_empty())
            .map(|(repository, _)| *repository)
            .collect();
        let mut holders = BTreeMap::<&str, usize>::new();
        for repository in &free {
            for name in names(repository) {
                *holders.entry(name).or_default() += 1;
            }
        }
        for repository in free {
            let name = names(repository)
                .into_iter()
                .find(|name| holders[name] == 1)
                .unwrap_or(repository.as_str());
            let owners = self.0.entry(repository).or_default();
            owners.insert(Application::from(name));
        }
    }

    fn of(&self, repository: &Repository) -> impl Iterator<Item = &Application> {
        self.0.get(repository).into_iter().flatten()
    }
}

/// Names for a repository, the shortest first, each once.
fn names(repository: &Repository) -> Vec<&str> {
    let whole = repository.as_str();
    let short = whole.rsplit('/').next().unwrap_or(whole);
    let without_host = whole.split_once('/').map_or(whole, |(_, rest)| rest);
    let mut names = vec![short, without_host, whole];
    names.dedup();
    names
}
