//! What rules look at: the part of an event that decides whose it is.

use serde::{Deserialize, Serialize};

use super::{
    Application, Body, Cluster, Environment, EventKind, Labels, Repository, SourceName, Text,
    image_name,
};

/// The attributes of an event that decide its application and environment.
///
/// Few events differ in them, so the ledger stores each subject once, rules run once a subject, and all events
/// of an application are found by its subjects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Subject {
    pub source: SourceName,
    pub kind: EventKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<Application>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Cluster>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<Repository>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Text>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Text>,
    /// Names of the images, without tags and digests, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Text>,
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
}

impl Subject {
    /// The subject of an event of that source.
    pub fn of(source: &SourceName, body: &Body) -> Self {
        let mut subject = Self {
            source: source.clone(),
            kind: body.kind(),
            application: None,
            environment: None,
            cluster: None,
            namespace: None,
            workload: None,
            repository: None,
            project: None,
            components: Vec::new(),
            images: Vec::new(),
            labels: Labels::default(),
        };
        match body {
            Body::Commit(commit) => subject.repository = Some(commit.repository.clone()),
            Body::PullRequest(request) => subject.repository = Some(request.repository.clone()),
            Body::Build(build) => subject.repository = Some(build.repository.clone()),
            Body::Release(release) => subject.repository = Some(release.repository.clone()),
            Body::Deployment(deployment) => {
                subject.application = deployment.application.clone();
                subject.environment = deployment.environment.clone();
                subject.cluster = deployment.cluster.clone();
                subject.namespace = deployment.namespace.clone();
                subject.workload = deployment.workload.clone();
                subject.repository = deployment.repository.clone();
                subject.labels = deployment.labels.clone();
                subject.images = deployment
                    .images
                    .iter()
                    .filter_map(|reference| image_name(reference).map(Text::from))
                    .collect();
                subject.images.sort();
                subject.images.dedup();
            }
            Body::Incident(incident) => {
                subject.application = incident.application.clone();
                subject.environment = incident.environment.clone();
                subject.repository = incident.repository.clone();
                subject.project = incident.project.clone();
                subject.components = incident.components.clone();
                subject.labels = incident.labels.clone();
            }
            Body::Verdict(_) => {}
        }
        subject
    }
}
