//! The part of the commit graph that a reading has seen, small enough to hold a million commits.

use std::collections::{BinaryHeap, HashMap};

use gix::ObjectId;
use smallvec::SmallVec;

/// Colours of a commit while two histories are told apart.
const BRANCH: u8 = 1;
const TRUNK: u8 = 2;
const PASSED: u8 = 4;

/// A commit's place in the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place(pub(super) u32);

/// What the walk needs of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Links {
    /// Committer's time in seconds since 1970, as written: for order only.
    pub(super) seconds: i64,
    /// Its parents, none beyond the cut of a shallow clone.
    pub(super) parents: SmallVec<[ObjectId; 2]>,
}

/// Reads a commit's links; `None` where the commit cannot be read.
pub(super) trait ReadLinks {
    fn links(&mut self, id: ObjectId) -> Option<Links>;
}

struct Node {
    id: ObjectId,
    seconds: i64,
    parents: SmallVec<[Place; 2]>,
    is_linked: bool,
    is_default: bool,
}

/// Commits and their parents.
#[derive(Default)]
pub(super) struct Graph {
    places: gix::hashtable::HashMap<ObjectId, Place>,
    nodes: Vec<Node>,
}

impl Graph {
    /// The place of a commit, made where it has none.
    pub(super) fn place(&mut self, id: ObjectId) -> Place {
        let next = Place(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        *self.places.entry(id).or_insert_with(|| {
            self.nodes.push(Node {
                id,
                seconds: 0,
                parents: SmallVec::new(),
                is_linked: false,
                is_default: false,
            });
            next
        })
    }

    /// The commit at a place.
    pub(super) fn id(&self, place: Place) -> ObjectId {
        self.node(place).id
    }

    /// Its committer's time, once linked.
    pub(super) fn seconds(&self, place: Place) -> i64 {
        self.node(place).seconds
    }

    /// Its parents, once linked.
    pub(super) fn parents(&self, place: Place) -> SmallVec<[Place; 2]> {
        self.node(place).parents.clone()
    }

    /// Whether the default branch is known to hold it.
    pub(super) fn is_default(&self, place: Place) -> bool {
        self.node(place).is_default
    }

    pub(super) fn mark_default(&mut self, place: Place) {
        self.nodes[place.0 as usize].is_default = true;
    }

    /// Puts in what a commit says of its parents.
    pub(super) fn link(&mut self, place: Place, links: &Links) {
        let parents = links.parents.iter().map(|id| self.place(*id)).collect();
        let node = &mut self.nodes[place.0 as usize];
        node.seconds = links.seconds;
        node.parents = parents;
        node.is_linked = true;
    }

    /// Reads a commit's links where that has not been done; whether they are known now.
    pub(super) fn ensure_linked(&mut self, place: Place, reader: &mut impl ReadLinks) -> bool {
        if self.node(place).is_linked {
            return true;
        }
        match reader.links(self.node(place).id) {
            Some(links) => {
                self.link(place, &links);
                true
            }
            None => false,
        }
    }

    /// The commits that `branch` has and `trunk` has not, newest first; `None` where it takes more than
    /// `max_steps` commits to tell.
    pub(super) fn own_commits(
        &mut self,
        branch: Place,
        trunk: Place,
        max_steps: usize,
        reader: &mut impl ReadLinks,
    ) -> Option<Vec<Place>> {
        let mut paint: HashMap<Place, u8> = HashMap::new();
        let mut queue = BinaryHeap::new();
        let mut own = Vec::new();
        // Branch commits in the queue that the trunk does not hold as far as is known.
        let mut undecided = 0_usize;
        let mut waiting: SmallVec<[(Place, u8); 4]> = SmallVec::new();
        waiting.push((trunk, TRUNK));
        waiting.push((branch, BRANCH));
        loop {
            for (place, colour) in waiting.drain(..) {
                let before = paint.get(&place).copied().unwrap_or(0);
                if before & colour != 0 || !self.ensure_linked(place, reader) {
                    continue;
                }
                paint.insert(place, before | colour);
                if colour == TRUNK {
                    // Wrong clocks bring the trunk late to a commit that was passed: it still passes that on.
                    undecided -= usize::from(before == BRANCH);
                } else if before & TRUNK != 0 {
                    continue;
                } else {
                    undecided += 1;
                }
                queue.push((self.seconds(place), place, colour));
            }
            if paint.len() > max_steps {
                return None;
            }
            if undecided == 0 {
                break;
            }
            let Some((_, place, colour)) = queue.pop() else {
                break;
            };
            if colour == BRANCH {
                let painted = paint.entry(place).or_insert(BRANCH);
                if *painted & TRUNK != 0 {
                    continue;
                }
                *painted |= PASSED;
                undecided -= 1;
                own.push(place);
            }
            waiting.extend(
                self.node(place)
                    .parents
                    .iter()
                    .map(|parent| (*parent, colour)),
            );
        }
        own.retain(|place| paint.get(place).is_none_or(|painted| painted & TRUNK == 0));
        Some(own)
    }

    fn node(&self, place: Place) -> &Node {
        &self.nodes[place.0 as usize]
    }
}
