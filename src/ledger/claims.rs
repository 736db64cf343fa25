//! Repositories whose commits were put live by deployments that name no repository.
//!
//! Found as events come, from either side: the deployment looks for its commit or its image's build, and they look for
//! deployments that wait for them. So reading the claims costs nothing.

use rusqlite::{OptionalExtension, params};

use super::open::Ledger;
use super::page::Page;
use super::tail::{Space, digest_key};
use super::{LedgerError, SubjectId};
use crate::model::{
    Body, CommitHash, Deployment, Event, EventKind, Repository, Text, image_digest,
};

impl Ledger {
    /// Repositories that hold commits of deployments whose subject names no repository, through the commit or the
    /// build of an image.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn claims(&self) -> Result<Vec<(SubjectId, Repository)>, LedgerError> {
        self.read("read", |reader| {
            let mut statement = reader.connection.prepare_cached(
                "SELECT subject, repository FROM claim JOIN subject ON subject.id = claim.subject
                 WHERE subject.events > 0 ORDER BY subject, repository",
            )?;
            let claims = statement.query_map([], |row| {
                Ok((SubjectId(row.get(0)?), row.get::<_, String>(1)?.into()))
            })?;
            claims.collect()
        })
    }
}

impl Page<'_, '_> {
    /// Finds what a new or changed event links to.
    pub(super) fn link(&mut self, event: &Event, subject: i64) -> rusqlite::Result<()> {
        match &event.body {
            Body::Deployment(deployment) if deployment.repository.is_none() => {
                match &deployment.commit {
                    Some(commit) => {
                        let space = Space::of(EventKind::Commit);
                        self.link_partners(space, commit.key(), event, subject)
                    }
                    None => {
                        self.link_images(Space::BUILT_IMAGE, &deployment.images, event, subject)
                    }
                }
            }
            Body::Commit(commit) => {
                self.link_partners(Space::DEPLOYED_COMMIT, commit.hash.key(), event, subject)
            }
            Body::Build(build) => {
                self.link_images(Space::DEPLOYED_IMAGE, &build.images, event, subject)
            }
            Body::Deployment(_)
            | Body::PullRequest(_)
            | Body::Incident(_)
            | Body::Release(_)
            | Body::Verdict(_) => Ok(()),
        }
    }

    /// Notes that a deployment no longer is what its subject's claims may rest on.
    pub(super) fn note_stale_claims(
        &mut self,
        before: &Event,
        after: &Event,
        old_subject: i64,
        subject: i64,
    ) {
        let origin = |event: &Event| match &event.body {
            Body::Deployment(deployment) if deployment.commit.is_some() => {
                Some((deployment.commit, Vec::new()))
            }
            Body::Deployment(deployment) => Some((None, deployment.images.clone())),
            _ => None,
        };
        if origin(before).is_some() && (old_subject != subject || origin(before) != origin(after)) {
            self.stale_claims.insert(old_subject);
        }
    }

    /// Finds the claims of subjects anew whose deployments changed.
    pub(super) fn renew_claims(&mut self) -> rusqlite::Result<()> {
        for subject in std::mem::take(&mut self.stale_claims) {
            let before = self.claims_of(subject)?;
            if before.is_empty() {
                continue;
            }
            let was_changed = self.stored.assignment_changed;
            self.transaction
                .prepare_cached("DELETE FROM claim WHERE subject = ?1")?
                .execute([subject])?;
            self.memo.links.retain(|(claiming, _)| *claiming != subject);
            for event in self.events_of(subject)? {
                self.link(&event, subject)?;
            }
            self.stored.assignment_changed = was_changed || self.claims_of(subject)? != before;
        }
        Ok(())
    }

    fn claims_of(&self, subject: i64) -> rusqlite::Result<Vec<String>> {
        let mut statement = self.transaction.prepare_cached(
            "SELECT repository FROM claim WHERE subject = ?1 ORDER BY repository",
        )?;
        let repositories = statement.query_map([subject], |row| row.get(0))?;
        repositories.collect()
    }

    fn link_images(
        &mut self,
        space: Space,
        images: &[Text],
        event: &Event,
        subject: i64,
    ) -> rusqlite::Result<()> {
        for digest in images.iter().filter_map(|image| image_digest(image)) {
            self.link_partners(space, digest_key(digest), event, subject)?;
        }
        Ok(())
    }

    fn link_partners(
        &mut self,
        space: Space,
        key: u64,
        event: &Event,
        subject: i64,
    ) -> rusqlite::Result<()> {
        let mut partners = Vec::new();
        self.find(space, key, &mut partners)?;
        for id in partners {
            // Most deployments of a subject come from where its earlier ones came from.
            if self.is_linked(id, subject)? {
                continue;
            }
            let Some(partner) = self.event(id)? else {
                continue;
            };
            let partner_subject = self.subject_of(&partner)?;
            match (&event.body, &partner.body) {
                (Body::Deployment(deployment), body) => {
                    self.claim(deployment, subject, body, partner_subject)?;
                }
                (body, Body::Deployment(deployment)) => {
                    self.claim(deployment, partner_subject, body, subject)?;
                }
                // The index speaks of what the event was before it changed.
                (_, _) => {}
            }
        }
        Ok(())
    }

    fn is_linked(&self, partner: i64, subject: i64) -> rusqlite::Result<bool> {
        let partner: Option<i64> = self
            .transaction
            .prepare_cached("SELECT subject FROM event WHERE id = ?1")?
            .query_row([partner], |row| row.get(0))
            .optional()?;
        let links = &self.memo.links;
        Ok(partner.is_some_and(|partner| {
            links.contains(&(subject, partner)) || links.contains(&(partner, subject))
        }))
    }

    fn claim(
        &mut self,
        deployment: &Deployment,
        subject: i64,
        origin: &Body,
        origin_subject: i64,
    ) -> rusqlite::Result<()> {
        let Some(repository) = origin_of(deployment, origin) else {
            return Ok(());
        };
        if !self.memo.links.insert((subject, origin_subject)) {
            return Ok(());
        }
        let added = self
            .transaction
            .prepare_cached("INSERT OR IGNORE INTO claim VALUES (?1, ?2)")?
            .execute(params![subject, repository.as_str()])?;
        self.stored.assignment_changed |= added > 0;
        Ok(())
    }
}

/// The repository that a deployment without one came from, where `origin` is its commit or a build of its image.
fn origin_of<'o>(deployment: &Deployment, origin: &'o Body) -> Option<&'o Repository> {
    if deployment.repository.is_some() {
        return None;
    }
    let digests = |images: &[Text]| -> Vec<String> {
        images
            .iter()
            .filter_map(|image| image_digest(image).map(str::to_owned))
            .collect()
    };
    let is_commit = |hash: &CommitHash| deployment.commit.as_ref() == Some(hash);
    match origin {
        Body::Commit(commit) if is_commit(&commit.hash) => Some(&commit.repository),
        Body::Build(build) if deployment.commit.is_none() => {
            let built = digests(&build.images);
            digests(&deployment.images)
                .iter()
                .any(|digest| built.contains(digest))
                .then_some(&build.repository)
        }
        _ => None,
    }
}
