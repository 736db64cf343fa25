//! What is still to be read, page by page: the cursor of a reading is made of these.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::documents::ListKind;

/// A question asks lists of this weight together.
///
/// GitHub ends what takes longer than ten seconds and warns of "thousands of objects in a single query": this is a thousand
/// commits with their parents, or four hundred pull requests with what belongs to them, 10 to 17 points of its limit.
pub(super) const MOST_WEIGHT: u32 = 1_000;
/// So many questions are under way at once.
pub(super) const AT_ONCE: usize = 4;
/// Tags and releases are not listed by when they came: when something changed, so many pages are looked at.
pub(super) const PAGES_OF_CHANGED: u32 = 3;

/// A repository under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// GitHub's node id, which survives renames.
    pub(super) id: String,
    /// The name its events have: the first one it was seen by.
    pub(super) name: String,
    /// Its name today, `owner/name`.
    pub(super) path: String,
}

/// One page that is still to be read, or a pool of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Piece {
    /// A page of an owner's repositories.
    Owner {
        login: String,
        after: Option<String>,
        /// The ids listed so far.
        seen: Vec<String>,
        /// The names taken so far.
        taken: Vec<String>,
        /// Lists of earlier pages that are too few to ask for by themselves.
        lists: Vec<List>,
    },
    /// Repositories that were never seen, by name.
    Named { names: Vec<(String, String)> },
    /// Repositories that were seen, by id, with the name they are told of by.
    Seen { repositories: Vec<(String, String)> },
    /// Lists, of which as many are asked at once as weigh no more than `most`.
    Lists { lists: Vec<List>, most: u32 },
    /// Which of the repositories hold these commits.
    Holders {
        hashes: Vec<String>,
        repositories: Vec<(Place, Option<String>)>,
    },
    /// A page of what a commit holds that a known one does not.
    Compare {
        place: Place,
        known: String,
        head: String,
        /// The default branch, where it is its head.
        branch: Option<String>,
        page: u32,
    },
}

/// A list of a repository, and the page where to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct List {
    pub(super) place: Place,
    pub(super) after: Option<String>,
    pub(super) what: What,
}

/// What a list holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum What {
    /// The commits that `head` holds.
    History {
        head: String,
        /// The default branch; `None` where the head is of none.
        branch: Option<String>,
        /// A commit whose history is known.
        known: Option<String>,
        /// Whether it goes on below what an earlier reading was asked for.
        is_deeper: bool,
    },
    /// Pull requests, the one updated last first.
    PullRequests {
        /// Those updated before are known, or not asked for.
        until: DateTime<Utc>,
        /// The newest update when the reading began; `None` where it goes on below an earlier reading.
        newest: Option<DateTime<Utc>>,
        /// Whether it ends at what an earlier reading has read.
        is_warm: bool,
    },
    Releases(Marks),
    Tags(Marks),
}

/// A list of tags or releases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marks {
    /// What told that it changed.
    pub(super) fingerprint: String,
    /// Pages left; `None`: down to the asked range.
    pub(super) pages: Option<u32>,
    /// Down to when it was read before.
    pub(super) floor: DateTime<Utc>,
}

impl List {
    pub(super) fn kind(&self) -> ListKind {
        match self.what {
            What::History { .. } => ListKind::History,
            What::PullRequests { .. } => ListKind::PullRequests,
            What::Releases(_) => ListKind::Releases,
            What::Tags(_) => ListKind::Tags,
        }
    }

    /// Its head, for a history.
    pub(super) fn head(&self) -> Option<&str> {
        match &self.what {
            What::History { head, .. } => Some(head),
            What::PullRequests { .. } | What::Releases(_) | What::Tags(_) => None,
        }
    }

    /// What a page of it costs GitHub, where a page of commits costs 100.
    pub(super) fn weight(&self) -> u32 {
        match self.what {
            What::History { .. } => 100,
            // Its reviews, labels, commits and merge commit are connections of each.
            What::PullRequests { .. } => 250,
            What::Releases(_) | What::Tags(_) => 25,
        }
    }
}

/// Takes lists that weigh no more than `most` together, at least one.
///
/// The heaviest go first: the light ones then fill what they leave, so that hardly a question is sent half empty.
pub(super) fn take(mut lists: Vec<List>, most: u32) -> (Vec<List>, Vec<List>) {
    lists.sort_by_key(|list| std::cmp::Reverse(list.weight()));
    let mut left = most;
    let (mut taken, mut rest) = (Vec::new(), Vec::new());
    for list in lists {
        let weight = list.weight();
        if weight <= left || taken.is_empty() {
            left = left.saturating_sub(weight);
            taken.push(list);
        } else {
            rest.push(list);
        }
    }
    (taken, rest)
}

/// Whether lists are so many that questions for them alone are nearly full.
pub(super) fn are_many(lists: &[List]) -> bool {
    lists.iter().map(List::weight).sum::<u32>() >= 8 * MOST_WEIGHT
}

/// Lists as pools that are read beside each other; few lists make one, so that questions are full.
pub(super) fn pools(lists: Vec<List>) -> Vec<Piece> {
    let weight: u32 = lists.iter().map(List::weight).sum();
    let count = (weight / (8 * MOST_WEIGHT)).clamp(1, AT_ONCE as u32) as usize;
    let mut pools = vec![Vec::new(); count];
    for (at, list) in lists.into_iter().enumerate() {
        pools[at % count].push(list);
    }
    let full = pools.into_iter().filter(|lists| !lists.is_empty());
    full.map(|lists| Piece::Lists {
        lists,
        most: MOST_WEIGHT,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(what: What) -> List {
        let place = Place {
            id: "R_1".to_owned(),
            name: "github.com/acme/shop".to_owned(),
            path: "acme/shop".to_owned(),
        };
        List {
            place,
            after: None,
            what,
        }
    }

    #[test]
    fn questions_are_filled() {
        let history = list(What::History {
            head: "1".repeat(40),
            branch: None,
            known: None,
            is_deeper: false,
        });
        let requests = list(What::PullRequests {
            until: DateTime::UNIX_EPOCH,
            newest: None,
            is_warm: false,
        });
        // Twenty repositories changed: 20 × (100 + 250) are seven questions of 1,000.
        let mut left: Vec<List> = (0..20)
            .flat_map(|_| [history.clone(), requests.clone()])
            .collect();
        let mut questions = 0;
        while !left.is_empty() {
            let (taken, rest) = take(left, MOST_WEIGHT);
            assert!(taken.iter().map(List::weight).sum::<u32>() <= MOST_WEIGHT);
            left = rest;
            questions += 1;
        }
        assert_eq!(questions, 7);
        let (alone, _) = take(vec![requests], 10);
        assert_eq!(alone.len(), 1, "one list is asked however heavy it is");
    }
}
