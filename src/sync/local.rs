//! Sources that are read as their stream is polled: repositories and files on this machine.

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::providers::{FetchError, Page, PageRequest, Provider};

/// Pages that wait while the one before them is stored.
const PAGES_AHEAD: usize = 2;

/// Drives a provider that blocks (a repository, a file) on a thread of its own, a few pages ahead.
///
/// Sources that are read whole are local and read as their stream is polled; the others wait for the network.
pub(super) fn pages_of_blocking(
    provider: Arc<dyn Provider>,
    request: PageRequest,
) -> (BoxStream<'static, Result<Page, FetchError>>, JoinHandle<()>) {
    let (sender, receiver) = mpsc::channel(PAGES_AHEAD);
    let runtime = tokio::runtime::Handle::current();
    let driver = tokio::task::spawn_blocking(move || {
        runtime.block_on(async move {
            let mut pages = provider.pages(request);
            loop {
                let page = tokio::select! {
                    page = pages.next() => page,
                    // Nobody listens any more when Pelorus stops or the ledger fails.
                    () = sender.closed() => return,
                };
                let Some(page) = page else {
                    return;
                };
                if sender.send(page).await.is_err() {
                    return;
                }
            }
        });
    });
    let pages = stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|page| (page, receiver))
    });
    (pages.boxed(), driver)
}
