//! Builds: which commit an image holds, and when a commit was first built.

use std::collections::BTreeMap;

use super::graph::Graph;
use super::input::millis;
use super::keys::{KeyMap, key_of};
use super::material::Material;
use crate::model::{Build, CommitHash, Event, Outcome, Pattern, Repository, Text, image_digest};

/// The successful builds of an application, and the tags of its releases.
#[derive(Default)]
pub(super) struct Builds<'a> {
    /// The first build of an image's digest, or of a reference without one.
    by_image: KeyMap<&'a Build>,
    /// The commit of a tag; `None` where repositories disagree.
    by_tag: KeyMap<Option<(&'a Repository, CommitHash)>>,
    /// The first finish of a build of each known commit; `i64::MAX` without.
    first_finish: Vec<i64>,
    /// The pipelines that ran on each known commit.
    pipelines: BTreeMap<u32, Vec<(&'a Event, &'a Text)>>,
}

impl<'a> Builds<'a> {
    /// Reads the builds and releases.
    pub(super) fn find(material: &Material<'a>, graph: &Graph<'_>) -> Self {
        let mut builds = Self {
            first_finish: vec![i64::MAX; graph.len()],
            ..Self::default()
        };
        // In order of finish, so that the first word on an image or commit is that of its first build.
        for (event, build) in &material.builds {
            let number = material.repository(&build.repository);
            let commit = number.and_then(|number| graph.find(number, &build.commit));
            if let Some(commit) = commit
                && let Some(pipeline) = &build.pipeline
            {
                let pipelines = builds.pipelines.entry(commit).or_default();
                pipelines.push((event, pipeline));
            }
            let Some(finished_at) = build.finished_at else {
                continue;
            };
            if build.outcome != Outcome::Succeeded {
                continue;
            }
            if let Some(commit) = commit {
                let first = &mut builds.first_finish[commit as usize];
                *first = (*first).min(millis(finished_at));
            }
            for image in &build.images {
                let image = key_of(image_digest(image).unwrap_or(image));
                builds.by_image.entry(image).or_insert(build);
            }
            for tag in &build.tags {
                builds.tag(tag, &build.repository, build.commit);
            }
        }
        for (_, release) in &material.releases {
            builds.tag(&release.tag, &release.repository, release.commit);
        }
        builds
    }

    fn tag(&mut self, tag: &str, repository: &'a Repository, commit: CommitHash) {
        let held = self
            .by_tag
            .entry(key_of(tag))
            .or_insert(Some((repository, commit)));
        if held.is_some_and(|(_, known)| known != commit) {
            *held = None;
        }
    }

    /// The commit that one of the images was built of; one built in the repository named goes first.
    pub(super) fn commit_of_images(
        &self,
        images: &[Text],
        near: Option<&Repository>,
    ) -> Option<(&'a Repository, CommitHash)> {
        let built = |image: &Text| {
            let key = key_of(image_digest(image).unwrap_or(image));
            self.by_image.get(&key).copied()
        };
        let is_near = |build: &&Build| Some(&build.repository) == near;
        let build = images
            .iter()
            .filter_map(built)
            .find(is_near)
            .or_else(|| images.iter().find_map(built))?;
        Some((&build.repository, build.commit))
    }

    /// The commit of a tag that equals the version, where only one has it.
    pub(super) fn commit_of_tag(&self, version: &str) -> Option<(&'a Repository, CommitHash)> {
        *self.by_tag.get(&key_of(version))?
    }

    /// When the first successful build of a commit ended, milliseconds.
    pub(super) fn first_finish(&self, commit: u32) -> Option<i64> {
        Some(self.first_finish[commit as usize]).filter(|finish| *finish != i64::MAX)
    }

    /// The first build of a commit by a pipeline that matches.
    pub(super) fn by_pipeline(&self, commit: u32, pattern: &Pattern) -> Option<&'a Event> {
        let pipelines = self.pipelines.get(&commit)?;
        pipelines
            .iter()
            .find(|(_, pipeline)| pattern.matches(pipeline))
            .map(|(event, _)| *event)
    }
}
