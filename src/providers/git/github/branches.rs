//! What GraphQL cannot tell of the graph: what one commit holds that another does not, by REST's compare; and which repository
//! holds a commit that only a deployment names.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::commits;
use super::documents;
use super::json::CompareJson;
use super::memory::Fact;
use super::pieces::{List, MOST_WEIGHT, Piece, Place, What, pools};
use super::reading::GitHub;
use crate::model::Notice;
use crate::providers::http::HttpError;
use crate::providers::walk::Turn;
use crate::providers::{FetchError, PageRequest};

/// Commits of a page of compare: the vendor's cap.
const PAGE: usize = 100;

/// What is compared.
pub(super) struct Compared {
    pub(super) place: Place,
    pub(super) known: String,
    pub(super) head: String,
    pub(super) branch: Option<String>,
    pub(super) page: u32,
}

impl GitHub {
    /// A page of the commits that the head holds and the known commit does not.
    pub(super) async fn compare(
        &self,
        compared: Compared,
        request: &PageRequest,
    ) -> Result<Turn<Piece>, FetchError> {
        let Compared {
            place,
            known,
            head,
            branch,
            page,
        } = compared;
        let api = self.github.api.at(request.priority);
        let range = format!("{known}...{head}");
        let (owner, name) = place.path.split_once('/').unwrap_or(("", &place.path));
        let mut path = self.github.rest.to_vec();
        path.extend(["repos", owner, name, "compare", &range]);
        let call = api.get(&path).query("per_page", PAGE).query("page", page);
        let answer = match call.send().await {
            Ok(answer) => answer,
            // The known commit was swept away after a rewrite: the new head is read as if it were the first.
            Err(HttpError::NotFound { .. }) => return Ok(anew(place, head, branch)),
            Err(error) => return Err(error.into()),
        };
        let told: CompareJson = answer.json()?;
        let origin = self.origin(&place, branch.as_deref());
        let mut turn = Turn {
            events: told
                .commits
                .iter()
                .filter_map(|told| commits::compared(&origin, told))
                .collect(),
            ..Turn::default()
        };
        if answer.next().is_some() && !told.commits.is_empty() {
            turn.next.push(Piece::Compare {
                place,
                known,
                head,
                branch,
                page: page + 1,
            });
        } else if branch.is_some() {
            turn.learnt.push(Fact::Head.learn(&place.id, head));
        }
        Ok(turn)
    }

    /// Finds out which of the repositories hold the commits, and has their histories read.
    pub(super) async fn holders(
        &self,
        hashes: Vec<String>,
        repositories: Vec<(Place, Option<String>)>,
        request: &PageRequest,
    ) -> Result<Turn<Piece>, FetchError> {
        let ids: Vec<String> = repositories
            .iter()
            .map(|(place, _)| place.id.clone())
            .collect();
        let asked = documents::holders(&ids, &hashes);
        let mut reply = self.github.ask(request.priority, &asked, false).await?;
        let nodes: Vec<Option<Map<String, Value>>> = reply.take("nodes")?.unwrap_or_default();
        // A fork's network shares its commits: the first repository that has one is its own.
        let mut found: BTreeMap<usize, usize> = BTreeMap::new();
        for (at, node) in nodes.iter().enumerate() {
            for number in 0..hashes.len() {
                let held = node
                    .as_ref()
                    .and_then(|node| node.get(&format!("commit{number}")));
                if held.is_some_and(|held| held.get("oid").is_some()) {
                    found.entry(number).or_insert(at);
                }
            }
        }
        let lists: Vec<List> = found
            .into_iter()
            .filter_map(|(number, at)| {
                let (place, head) = repositories.get(at)?;
                Some(List {
                    place: place.clone(),
                    after: None,
                    what: What::History {
                        head: hashes[number].clone(),
                        branch: None,
                        known: head.clone(),
                        is_deeper: false,
                    },
                })
            })
            .collect();
        Ok(Turn {
            next: pools(lists),
            ..Turn::default()
        })
    }
}

fn anew(place: Place, head: String, branch: Option<String>) -> Turn<Piece> {
    let notice = Notice::info(format!(
        "The history of {} was rewritten: it is read anew from its head. What left it stays.",
        place.name
    ));
    let list = List {
        place,
        after: None,
        what: What::History {
            head,
            branch,
            known: None,
            is_deeper: false,
        },
    };
    Turn {
        notices: vec![notice],
        next: vec![Piece::Lists {
            lists: vec![list],
            most: MOST_WEIGHT,
        }],
        ..Turn::default()
    }
}
