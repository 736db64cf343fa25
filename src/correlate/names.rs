//! What people call a deployment: its id, its version, an image, a commit.

use super::delivery::Delivery;
use super::draft::Draft;
use super::graph::Graph;
use super::keys::{KeyMap, key_of};
use crate::model::{CommitHash, Environment, EventId, Tier, image_digest};

/// A deployment: number of its environment and its index there.
pub(super) type Place = (u32, u32);

/// What a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A deployment.
    Live(Place),
    /// A rollout that never went live, or that does not count.
    NeverLive,
    /// Nobody knows it.
    Unknown,
}

/// Where a version or commit is looked for.
#[derive(Clone, Copy)]
pub(super) enum Scope<'a> {
    /// In one environment.
    Lane(u32),
    /// In the environment that a ticket names, or in tier production.
    Named(Option<&'a Environment>),
}

/// The names of all deployments of an application.
pub(super) struct Names<'d, 'a> {
    drafts: &'d [Draft<'a>],
    deliveries: &'d [Delivery],
    graph: &'d Graph<'a>,
    ids: KeyMap<Option<Place>>,
    versions: KeyMap<Vec<Place>>,
}

impl<'d, 'a> Names<'d, 'a> {
    /// Collects the names.
    pub(super) fn collect(
        drafts: &'d [Draft<'a>],
        deliveries: &'d [Delivery],
        graph: &'d Graph<'a>,
    ) -> Self {
        let mut names = Self {
            drafts,
            deliveries,
            graph,
            ids: KeyMap::default(),
            versions: KeyMap::default(),
        };
        for (lane, draft) in drafts.iter().enumerate() {
            let lane = lane as u32;
            for rollout in &draft.failed {
                names.ids.insert(key_of(rollout.id.as_str()), None);
            }
            let live = draft.rollouts.iter().zip(&draft.deployment_of);
            let live = live.map(|(rollout, deployment)| (rollout, Some(*deployment)));
            let shadowed = draft.shadowed.iter();
            let shadowed = shadowed.map(|(rollout, twin)| (rollout, *twin));
            for (rollout, deployment) in live.chain(shadowed) {
                let place = deployment.map(|deployment| (lane, deployment));
                names.ids.insert(key_of(rollout.id.as_str()), place);
                let Some(place) = place else { continue };
                let images = rollout.images.iter();
                let words = images
                    .map(|image| image_digest(image).unwrap_or(image))
                    .chain(rollout.named.map(|name| &**name));
                for word in words {
                    let places = names.versions.entry(key_of(word)).or_default();
                    if places.last() != Some(&place) {
                        places.push(place);
                    }
                }
            }
        }
        names
    }

    /// The deployment of an id.
    pub(super) fn of_id(&self, id: &EventId) -> Found {
        match self.ids.get(&key_of(id.as_str())) {
            Some(Some(place)) => Found::Live(*place),
            Some(None) => Found::NeverLive,
            None => Found::Unknown,
        }
    }

    /// The deployment that a text names by id, version, image or commit: of several the latest that had started by
    /// then, else the first.
    pub(super) fn of_text(&self, text: &str, scope: Scope<'_>, at: i64) -> Found {
        let by_id = self.of_id(&EventId::from(text));
        if by_id != Found::Unknown {
            return by_id;
        }
        let word = image_digest(text).unwrap_or(text);
        let places = self.versions.get(&key_of(word)).into_iter().flatten();
        if let Some(place) = self.best(places.copied(), scope, at) {
            return Found::Live(place);
        }
        match text.parse::<CommitHash>() {
            Ok(hash) => self.of_commit(&hash, scope, at),
            // Not a hash, so it was none of what a deployment can be called.
            Err(_) => Found::Unknown,
        }
    }

    /// The deployment that delivered a commit.
    pub(super) fn of_commit(&self, hash: &CommitHash, scope: Scope<'_>, at: i64) -> Found {
        let Some(commit) = self.graph.find_anywhere(None, hash) else {
            return self.of_unknown_commit(hash, scope, at);
        };
        let delivered = (0..self.drafts.len() as u32).filter_map(|lane| {
            let draft = &self.drafts[lane as usize];
            let delivery = &self.deliveries[lane as usize];
            // The commit that a baseline itself put live names it; the rest of its history counts in nothing.
            let by_head = || {
                let deployment = delivery.delivered_by[commit as usize];
                let head = draft.deployments.get(deployment as usize)?.commit;
                (head == commit).then_some(deployment)
            };
            let deployment = delivery.counted(commit, draft).or_else(by_head)?;
            Some((lane, deployment))
        });
        self.best(delivered, scope, at)
            .map_or(Found::NeverLive, Found::Live)
    }

    /// A commit that no repository knows may still be the version that a rollout names.
    fn of_unknown_commit(&self, hash: &CommitHash, scope: Scope<'_>, at: i64) -> Found {
        let named = self.drafts.iter().enumerate().flat_map(|(lane, draft)| {
            let rollouts = draft.rollouts.iter().zip(&draft.deployment_of);
            rollouts
                .filter(|(rollout, _)| rollout.commit == Some(*hash))
                .map(move |(_, deployment)| (lane as u32, *deployment))
        });
        self.best(named, scope, at)
            .map_or(Found::Unknown, Found::Live)
    }

    /// The hashes of all known commits.
    pub(super) fn hashes(&self) -> impl Iterator<Item = &'a CommitHash> {
        (0..self.graph.len() as u32).map(|commit| self.graph.hash(commit))
    }

    /// Whether a ticket of this environment concerns the environment of that number.
    pub(super) fn concerns(&self, scope: Scope<'_>, lane: u32) -> bool {
        let draft = &self.drafts[lane as usize];
        match scope {
            Scope::Lane(only) => only == lane,
            Scope::Named(Some(environment)) => draft.environment == *environment,
            Scope::Named(None) => draft.tier == Tier::Production,
        }
    }

    fn best(
        &self,
        places: impl Iterator<Item = Place>,
        scope: Scope<'_>,
        at: i64,
    ) -> Option<Place> {
        let order = |place: &Place| {
            let draft = &self.drafts[place.0 as usize];
            draft.first_rollout(place.1).order()
        };
        let mut places: Vec<Place> = places
            .filter(|place| self.concerns(scope, place.0))
            .collect();
        places.sort_by(|one, other| order(one).cmp(&order(other)));
        let started = |place: &&Place| {
            let draft = &self.drafts[place.0 as usize];
            draft.deployments[place.1 as usize].started_at <= at
        };
        let latest = places.iter().rev().find(started);
        latest.or(places.first()).copied()
    }
}
