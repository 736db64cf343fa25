//! A reading: the probe tells what changed, questions for many lists at once bring it.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::branches::Compared;
use super::connection::Named;
use super::graphql::GraphQl;
use super::pieces::{AT_ONCE, Piece};
use super::repositories;
use crate::model::SourceName;
use crate::providers::scope::Scope;
use crate::providers::walk::{Known, Turn, Walk};
use crate::providers::{FetchError, PageRequest};

/// A configured GitHub.
pub(super) struct GitHub {
    pub(super) source: SourceName,
    pub(super) github: GraphQl,
    pub(super) named: Named,
    pub(super) scope: Scope,
    pub(super) with_archived: bool,
    pub(super) with_forks: bool,
}

impl Walk for GitHub {
    type Piece = Piece;

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn begin(&self, _: &PageRequest, known: &Known) -> Vec<Piece> {
        repositories::begin(self, known)
    }

    fn turn<'a>(
        &'a self,
        piece: Piece,
        request: &'a PageRequest,
        known: Arc<Known>,
    ) -> BoxFuture<'a, Result<Turn<Piece>, FetchError>> {
        async move {
            match piece {
                Piece::Owner {
                    login,
                    after,
                    seen,
                    taken,
                    lists,
                } => {
                    self.owner((login, after), (seen, taken, lists), request, &known)
                        .await
                }
                Piece::Named { names } => self.named(names, request, &known).await,
                Piece::Seen { repositories } => self.seen(repositories, request, &known).await,
                Piece::Lists { lists, most } => self.lists(lists, most, request).await,
                Piece::Holders {
                    hashes,
                    repositories,
                } => self.holders(hashes, repositories, request).await,
                Piece::Compare {
                    place,
                    known,
                    head,
                    branch,
                    page,
                } => {
                    let compared = Compared {
                        place,
                        known,
                        head,
                        branch,
                        page,
                    };
                    self.compare(compared, request).await
                }
            }
        }
        .boxed()
    }
}
