//! Walks a source that is many lists (the commits of each repository, its pull requests …), several at a time, so that a
//! reading can stop after any page and go on there.
//!
//! A `Piece` is one page that is still to be read. Reading it brings events and the pieces that follow from it: its next
//! page, or lists it told of. What is left of the pieces is the cursor, stored with the events of each page.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, FuturesUnordered, StreamExt};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{FetchError, Page, PageRequest};
use crate::model::{Cursor, Event, Notice, TimeRange};

/// What a provider knows for good of what it has read (the newest commit of each repository, say), by names of its own.
pub type Known = BTreeMap<String, String>;

/// What one page brought.
#[derive(Debug)]
pub struct Turn<P> {
    /// What it says.
    pub events: Vec<Event>,
    /// What was odd in it.
    pub notices: Vec<Notice>,
    /// What is to be read because of it: its next page, the lists it told of.
    pub next: Vec<P>,
    /// What is known for good once its events are stored; `None` forgets the name.
    pub learnt: Vec<(String, Option<String>)>,
}

impl<P> Default for Turn<P> {
    fn default() -> Self {
        Self {
            events: Vec::new(),
            notices: Vec::new(),
            next: Vec::new(),
            learnt: Vec::new(),
        }
    }
}

/// A source of many lists.
pub trait Walk: Send + Sync {
    /// A page that is still to be read; it holds its place in its list.
    type Piece: Clone + Send + Sync + Serialize + DeserializeOwned + 'static;

    /// How many pieces are read at the same time.
    fn at_once(&self) -> usize;

    /// What a reading begins with.
    fn begin(&self, request: &PageRequest, known: &Known) -> Vec<Self::Piece>;

    /// Reads one page.
    ///
    /// # Errors
    /// `Unauthorized` and `RateLimited` end the reading at once; any other failure leaves this piece for the next reading
    /// and lets the others go on. A list that is gone or hidden is no failure: it is a turn with a notice.
    fn turn<'a>(
        &'a self,
        piece: Self::Piece,
        request: &'a PageRequest,
        known: Arc<Known>,
    ) -> BoxFuture<'a, Result<Turn<Self::Piece>, FetchError>>;
}

/// What the cursor holds.
#[derive(Serialize, Deserialize)]
struct State<P> {
    /// What the reading is for; another range is another reading.
    range: TimeRange,
    left: VecDeque<P>,
    known: Arc<Known>,
}

/// A piece's number and what reading it brought.
type Read<P> = (u64, Result<Turn<P>, FetchError>);

/// A reading under way.
struct Reading<'a, W: Walk> {
    walk: &'a W,
    request: Arc<PageRequest>,
    waiting: VecDeque<W::Piece>,
    /// Pieces being read, by number, so that a checkpoint names them too.
    open: BTreeMap<u64, W::Piece>,
    reading: FuturesUnordered<BoxFuture<'a, Read<W::Piece>>>,
    /// Pieces that failed, for the next reading, and why the first of them did.
    failed: Vec<W::Piece>,
    failure: Option<FetchError>,
    known: Arc<Known>,
    count: u64,
    is_over: bool,
}

/// The pages of a source that is walked.
pub fn pages<W: Walk>(walk: &W, request: PageRequest) -> BoxStream<'_, Result<Page, FetchError>> {
    let reading = Reading::start(walk, request);
    stream::unfold(reading, |mut reading| async move {
        let page = reading.page().await?;
        Some((page, reading))
    })
    .boxed()
}

impl<'a, W: Walk> Reading<'a, W> {
    fn start(walk: &'a W, request: PageRequest) -> Self {
        let state: Option<State<W::Piece>> = request
            .resume_from
            .as_ref()
            // A cursor of another version is as good as none: everything is read again, and storing is idempotent.
            .and_then(|cursor| serde_json::from_str(&cursor.0).ok());
        let (waiting, known) = match state {
            Some(state) if state.range == request.range && !state.left.is_empty() => {
                (state.left, state.known)
            }
            Some(state) => (walk.begin(&request, &state.known).into(), state.known),
            None => (walk.begin(&request, &Known::new()).into(), Arc::default()),
        };
        Self {
            walk,
            request: Arc::new(request),
            waiting,
            open: BTreeMap::new(),
            reading: FuturesUnordered::new(),
            failed: Vec::new(),
            failure: None,
            known,
            count: 0,
            is_over: false,
        }
    }

    async fn page(&mut self) -> Option<Result<Page, FetchError>> {
        loop {
            if self.is_over {
                return None;
            }
            self.open_more();
            let Some((number, result)) = self.reading.next().await else {
                self.is_over = true;
                return self.failure.take().map(Err);
            };
            let piece = self.open.remove(&number);
            match result {
                Ok(turn) => return Some(Ok(self.turned(turn))),
                Err(error @ (FetchError::Unauthorized { .. } | FetchError::RateLimited { .. })) => {
                    self.is_over = true;
                    return Some(Err(error));
                }
                Err(error) => {
                    self.failed.extend(piece);
                    self.failure.get_or_insert(error);
                }
            }
        }
    }

    fn open_more(&mut self) {
        while self.open.len() < self.walk.at_once() {
            let Some(piece) = self.waiting.pop_front() else {
                return;
            };
            self.count += 1;
            let number = self.count;
            self.open.insert(number, piece.clone());
            let (walk, request, known) = (
                self.walk,
                Arc::clone(&self.request),
                Arc::clone(&self.known),
            );
            self.reading.push(Box::pin(async move {
                let result = walk.turn(piece, &request, known).await;
                (number, result)
            }));
        }
    }

    fn turned(&mut self, turn: Turn<W::Piece>) -> Page {
        // One thing is read to its end before the next is begun, so that only what is under way is carried in the cursor.
        for piece in turn.next.into_iter().rev() {
            self.waiting.push_front(piece);
        }
        if !turn.learnt.is_empty() {
            let known = Arc::make_mut(&mut self.known);
            for (name, value) in turn.learnt {
                match value {
                    Some(value) => known.insert(name, value),
                    None => known.remove(&name),
                };
            }
        }
        let left: VecDeque<W::Piece> = self
            .failed
            .iter()
            .chain(self.open.values())
            .chain(&self.waiting)
            .cloned()
            .collect();
        let done = self.count - self.open.len() as u64;
        let progress = Some((done, Some(done + left.len() as u64)));
        let state = State {
            range: self.request.range,
            left,
            known: Arc::clone(&self.known),
        };
        let cursor = serde_json::to_string(&state).expect("pieces are plain data with text keys");
        Page {
            origins: Vec::new(),
            events: turn.events,
            notices: turn.notices,
            checkpoint: Some(Cursor(cursor)),
            covered: None,
            progress,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use chrono::TimeDelta;
    use futures::executor::block_on;

    use super::*;
    use crate::providers::http::Priority;

    /// The page that fails, and how.
    type Break = (&'static str, fn() -> FetchError);

    /// Lists by name, each with so many pages; reading a page is taken down.
    struct Lists {
        lists: Vec<(&'static str, usize)>,
        breaks: Mutex<Option<Break>>,
        read: Mutex<Vec<String>>,
        at_once: AtomicUsize,
    }

    fn lists(lists: &[(&'static str, usize)]) -> Lists {
        Lists {
            lists: lists.to_vec(),
            breaks: Mutex::default(),
            read: Mutex::default(),
            at_once: AtomicUsize::new(2),
        }
    }

    fn away() -> FetchError {
        FetchError::Unavailable {
            what: "list".to_owned(),
            source: anyhow::anyhow!("away"),
        }
    }

    fn refused() -> FetchError {
        FetchError::Unauthorized {
            what: "list".to_owned(),
            needs: None,
        }
    }

    impl Walk for Lists {
        type Piece = (String, usize);

        fn at_once(&self) -> usize {
            self.at_once.load(Ordering::Relaxed)
        }

        fn begin(&self, _: &PageRequest, known: &Known) -> Vec<Self::Piece> {
            let unread = self
                .lists
                .iter()
                .filter(|(name, _)| !known.contains_key(*name));
            unread.map(|(name, _)| ((*name).to_owned(), 1)).collect()
        }

        fn turn<'a>(
            &'a self,
            (name, page): Self::Piece,
            _: &'a PageRequest,
            _: Arc<Known>,
        ) -> BoxFuture<'a, Result<Turn<Self::Piece>, FetchError>> {
            Box::pin(async move {
                let place = format!("{name}{page}");
                if let Some((broken, error)) = *self.breaks.lock().unwrap()
                    && broken == place
                {
                    return Err(error());
                }
                self.read.lock().unwrap().push(place);
                let pages = self.lists.iter().find(|(list, _)| *list == name).unwrap().1;
                let is_last = page == pages;
                Ok(Turn {
                    next: (!is_last)
                        .then(|| (name.clone(), page + 1))
                        .into_iter()
                        .collect(),
                    learnt: is_last
                        .then(|| (name, Some("read".to_owned())))
                        .into_iter()
                        .collect(),
                    ..Turn::default()
                })
            })
        }
    }

    fn request(days: i64, resume_from: Option<Cursor>) -> PageRequest {
        let start = chrono::DateTime::UNIX_EPOCH;
        PageRequest {
            range: TimeRange::new(start, start + TimeDelta::days(days)),
            resume_from,
            unfinished: Vec::new(),
            wanted: Vec::new(),
            priority: Priority::Background,
        }
    }

    /// Reads so many pages at most; the last cursor, and how it ended.
    fn read(
        lists: &Lists,
        request: PageRequest,
        most: usize,
    ) -> (Option<Cursor>, Option<FetchError>) {
        let mut cursor = request.resume_from.clone();
        let mut error = None;
        for page in block_on(pages(lists, request).take(most).collect::<Vec<_>>()) {
            match page {
                Ok(page) => cursor = page.checkpoint,
                Err(failure) => error = Some(failure),
            }
        }
        (cursor, error)
    }

    fn taken(lists: &Lists) -> Vec<String> {
        let mut read = std::mem::take(&mut *lists.read.lock().unwrap());
        read.sort();
        read
    }

    #[test]
    fn every_page_of_every_list_is_read_once() {
        let lists = lists(&[("a", 3), ("b", 1), ("c", 2)]);
        let (_, error) = read(&lists, request(1, None), usize::MAX);
        assert!(error.is_none());
        assert_eq!(taken(&lists), ["a1", "a2", "a3", "b1", "c1", "c2"]);
    }

    #[test]
    fn a_reading_that_was_cut_off_goes_on_at_its_page() {
        for most in 1..6 {
            let lists = lists(&[("a", 3), ("b", 1), ("c", 2)]);
            lists.at_once.store(1, Ordering::Relaxed);
            let (cursor, _) = read(&lists, request(1, None), most);
            let before = taken(&lists);
            read(&lists, request(1, cursor), usize::MAX);
            let after = taken(&lists);
            assert_eq!(
                before.len() + after.len(),
                6,
                "cut after {most}: {before:?} {after:?}"
            );
        }
    }

    #[test]
    fn what_is_known_lives_on_into_the_next_reading() {
        let lists = lists(&[("a", 1), ("b", 1)]);
        let (cursor, _) = read(&lists, request(1, None), usize::MAX);
        taken(&lists);
        read(&lists, request(2, cursor), usize::MAX);
        assert_eq!(taken(&lists), Vec::<String>::new());
    }

    #[test]
    fn a_list_that_fails_keeps_its_place_and_lets_the_others_go_on() {
        let lists = lists(&[("a", 3), ("b", 2)]);
        *lists.breaks.lock().unwrap() = Some(("a2", away));
        let (cursor, error) = read(&lists, request(1, None), usize::MAX);
        assert!(matches!(error, Some(FetchError::Unavailable { .. })));
        assert_eq!(taken(&lists), ["a1", "b1", "b2"]);
        *lists.breaks.lock().unwrap() = None;
        let (_, error) = read(&lists, request(1, cursor), usize::MAX);
        assert!(error.is_none());
        assert_eq!(taken(&lists), ["a2", "a3"]);
    }

    #[test]
    fn refused_credentials_end_the_reading_at_once() {
        let lists = lists(&[("a", 3), ("b", 2)]);
        lists.at_once.store(1, Ordering::Relaxed);
        *lists.breaks.lock().unwrap() = Some(("a1", refused));
        let (_, error) = read(&lists, request(1, None), usize::MAX);
        assert!(matches!(error, Some(FetchError::Unauthorized { .. })));
        assert_eq!(taken(&lists), Vec::<String>::new());
    }

    #[test]
    fn a_cursor_of_something_else_starts_anew() {
        let lists = lists(&[("a", 1)]);
        let (_, error) = read(
            &lists,
            request(1, Some(Cursor("{\"other\":1}".to_owned()))),
            usize::MAX,
        );
        assert!(error.is_none());
        assert_eq!(taken(&lists), ["a1"]);
    }
}
