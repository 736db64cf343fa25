//! The lists of CircleCI and how one leads to the next.
//!
//! Requests of a reading, the fewest that the API documents: the pipelines of an organisation, newest first (twenty a page,
//! which nobody can change), and one for the workflows of each. A workflow that had not ended costs one.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};

use super::events::{self, Pipe, WORKFLOW};
use super::json;
use crate::model::{Event, Glob, Notice};
use crate::providers::http::{Answer, Api, HttpError};
use crate::providers::scope::{Scope, Standing};
use crate::providers::walk::{Known, Turn, Walk};
use crate::providers::{FetchError, PageRequest};

/// Requests at the same time.
pub(super) const AT_ONCE: usize = 4;
/// Clocks of the host's parts differ, and a pipeline may be listed a little after it was made.
const OVERLAP: TimeDelta = TimeDelta::minutes(2);

/// What has a list of pipelines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum List {
    Organization(String),
    Project(String),
}

impl List {
    pub(super) fn slug(&self) -> &str {
        let (Self::Organization(slug) | Self::Project(slug)) = self;
        slug
    }
}

/// A CircleCI and what is read of it.
#[derive(Debug)]
pub(super) struct Lists {
    pub(super) api: Api,
    pub(super) lists: Vec<List>,
    pub(super) scope: Scope,
    pub(super) workflows: Vec<Glob>,
    pub(super) branches: Vec<Glob>,
}

/// One page that is still to be read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Piece {
    /// A page of pipelines, once the workflows of the page before are read.
    Pipelines {
        list: List,
        since: DateTime<Utc>,
        /// Of the page before.
        waiting: VecDeque<Pipe>,
        next: Next,
    },
    /// A workflow that had not ended, by its id.
    Unfinished { id: String },
}

/// What follows on the workflows of a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Next {
    First,
    Page(String),
    /// Everything is listed.
    End,
}

/// How far a list was read.
#[derive(Serialize, Deserialize)]
struct Read {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl Read {
    fn of(known: &Known, list: &List) -> Option<Self> {
        // What another version wrote differently is read again.
        serde_json::from_str(known.get(list.slug())?).ok()
    }
}

impl Walk for Lists {
    type Piece = Piece;

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn begin(&self, request: &PageRequest, known: &Known) -> Vec<Piece> {
        let start = request.range.start;
        let lists = self.lists.iter().map(|list| Piece::Pipelines {
            list: list.clone(),
            since: Read::of(known, list)
                .filter(|read| read.from <= start)
                .map_or(start, |read| read.until - OVERLAP),
            waiting: VecDeque::new(),
            next: Next::First,
        });
        let unfinished = request.unfinished.iter();
        let unfinished = unfinished.filter_map(|id| id.as_str().strip_prefix(WORKFLOW));
        lists
            .chain(unfinished.map(|id| Piece::Unfinished { id: id.to_owned() }))
            .collect()
    }

    fn turn<'a>(
        &'a self,
        piece: Piece,
        request: &'a PageRequest,
        known: Arc<Known>,
    ) -> BoxFuture<'a, Result<Turn<Piece>, FetchError>> {
        Box::pin(async move {
            let asking = Asking {
                lists: self,
                api: self.api.at(request.priority),
                request,
                known,
            };
            let name = match &piece {
                Piece::Pipelines { list, .. } => list.slug().to_owned(),
                Piece::Unfinished { id } => format!("workflow {id}"),
            };
            match asking.turn(piece).await {
                Ok(turn) => Ok(turn),
                Err(error) if error.concerns_one_thing() => Ok(Turn {
                    notices: vec![Notice::warning(format!("Leaves out {name}: {error}."))],
                    ..Turn::default()
                }),
                Err(error) => Err(error.into()),
            }
        })
    }
}

impl Lists {
    /// Asks for a page of pipelines.
    pub(super) async fn pipelines(
        &self,
        api: &Api,
        list: &List,
        next: Option<&str>,
    ) -> Result<Answer, HttpError> {
        let call = match list {
            List::Organization(slug) => api.get(&["pipeline"]).query("org-slug", slug),
            List::Project(slug) => {
                let mut path = vec!["project"];
                path.extend(slug.split('/'));
                path.push("pipeline");
                api.get(&path)
            }
        };
        match next {
            Some(next) => call.query("page-token", next).send().await,
            None => call.send().await,
        }
    }

    /// Whether a pipeline is read: by its repository or its project, and by its branch or tag.
    pub(super) fn reads(&self, told: &json::Pipeline) -> bool {
        let repository = events::repository(told);
        let name = repository
            .as_ref()
            .map_or(told.project_slug.as_str(), |name| {
                name.as_str().split_once('/').map_or("", |(_, name)| name)
            });
        let vcs = told.vcs.as_ref();
        let branch = vcs.and_then(|vcs| vcs.branch.as_deref().or(vcs.tag.as_deref()));
        let is_meant = self.branches.is_empty()
            || branch.is_some_and(|name| self.branches.iter().any(|glob| glob.matches(name)));
        is_meant && self.scope.reads(name, Standing::default())
    }

    fn takes(&self, workflow: &str) -> bool {
        self.workflows.is_empty() || self.workflows.iter().any(|glob| glob.matches(workflow))
    }
}

/// One turn's circumstances.
struct Asking<'a> {
    lists: &'a Lists,
    api: Api,
    request: &'a PageRequest,
    known: Arc<Known>,
}

impl Asking<'_> {
    async fn turn(&self, piece: Piece) -> Result<Turn<Piece>, HttpError> {
        match piece {
            Piece::Pipelines {
                list,
                since,
                waiting,
                next,
            } if waiting.is_empty() => self.list(list, since, next).await,
            Piece::Pipelines {
                list,
                since,
                waiting,
                next,
            } => self.workflows(list, since, waiting, next).await,
            Piece::Unfinished { id } => self.unfinished(&id).await,
        }
    }

    async fn list(
        &self,
        list: List,
        since: DateTime<Utc>,
        next: Next,
    ) -> Result<Turn<Piece>, HttpError> {
        let token = match &next {
            Next::First => None,
            Next::Page(token) => Some(token.as_str()),
            Next::End => return Ok(self.read(&list)),
        };
        let answer = self.lists.pipelines(&self.api, &list, token).await?;
        let told: json::Items<json::Pipeline> = answer.json()?;
        if token.is_some() && told.next_page_token.as_deref() == token {
            return Err(HttpError::Malformed {
                what: answer.what().to_owned(),
                source: anyhow::anyhow!("its list repeats a page"),
            });
        }
        let mut turn = Turn::default();
        let mut waiting = VecDeque::new();
        let is_new = told.items.iter().all(|told| told.created_at >= since);
        let items = told.items.iter();
        for told in items.filter(|told| told.created_at >= since && self.lists.reads(told)) {
            let Some(pipe) = events::pipe(told) else {
                continue;
            };
            if told.state.as_deref() == Some("errored") {
                turn.events
                    .push(events::errored(self.api.source(), &pipe, told));
            } else {
                waiting.push_back(pipe);
            }
        }
        let next = match told.next_page_token.filter(|_| is_new) {
            Some(token) => Next::Page(token),
            None => Next::End,
        };
        if next == Next::End && waiting.is_empty() {
            turn.learnt = self.read(&list).learnt;
        } else {
            turn.next.push(Piece::Pipelines {
                list,
                since,
                waiting,
                next,
            });
        }
        Ok(turn)
    }

    /// The workflows of a page's pipelines, some at a time. What was read before one failed is kept.
    async fn workflows(
        &self,
        list: List,
        since: DateTime<Utc>,
        waiting: VecDeque<Pipe>,
        next: Next,
    ) -> Result<Turn<Piece>, HttpError> {
        let mut answers = stream::iter(waiting)
            .map(|pipe| async move {
                let told = self.of_pipeline(&pipe).await;
                (pipe, told)
            })
            .buffered(AT_ONCE);
        let mut turn = Turn::default();
        let mut left = VecDeque::new();
        let mut failure = None;
        let mut count = 0;
        while let Some((pipe, told)) = answers.next().await {
            count += 1;
            match told {
                Ok(events) => {
                    let running = events.iter().filter(|event| !event.body.is_settled());
                    turn.learnt.extend(running.map(|event| open(event, &pipe)));
                    turn.events.extend(events);
                }
                Err(error) if error.concerns_one_thing() => turn.notices.push(Notice::warning(
                    format!("Leaves out a pipeline of {}: {error}.", pipe.project),
                )),
                Err(error) => {
                    failure.get_or_insert(error);
                    left.push_back(pipe);
                }
            }
        }
        drop(answers);
        if let Some(error) = failure
            && left.len() == count
        {
            return Err(error);
        }
        if left.is_empty() && next == Next::End {
            turn.learnt.extend(self.read(&list).learnt);
        } else {
            turn.next.push(Piece::Pipelines {
                list,
                since,
                waiting: left,
                next,
            });
        }
        Ok(turn)
    }

    /// The workflows of one pipeline; a page holds more than any has.
    async fn of_pipeline(&self, pipe: &Pipe) -> Result<Vec<Event>, HttpError> {
        let mut events = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let call = self.api.get(&["pipeline", &pipe.id, "workflow"]);
            let call = match &next {
                Some(token) => call.query("page-token", token),
                None => call,
            };
            let told: json::Items<json::Workflow> = call.send().await?.json()?;
            let taken = told
                .items
                .iter()
                .filter(|told| self.lists.takes(&told.name));
            events.extend(taken.filter_map(|told| events::build(self.api.source(), pipe, told)));
            // A list that names the same page again has no further one.
            if told.next_page_token.is_none() || told.next_page_token == next {
                return Ok(events);
            }
            next = told.next_page_token;
        }
    }

    /// A workflow, and, where that is not known any more, the pipeline that it is of.
    async fn unfinished(&self, id: &str) -> Result<Turn<Piece>, HttpError> {
        let call = self.api.get(&["workflow", id]);
        let told: json::Workflow = call.send().await?.json()?;
        let known = self.known.get(&open_key(id));
        // What another version wrote differently is asked for again.
        let pipe = known.and_then(|text| serde_json::from_str(text).ok());
        let pipe: Option<Pipe> = match pipe {
            Some(pipe) => Some(pipe),
            None => {
                let call = self.api.get(&["pipeline", &told.pipeline_id]);
                events::pipe(&call.send().await?.json()?)
            }
        };
        let event = pipe.and_then(|pipe| events::build(self.api.source(), &pipe, &told));
        let is_over = event.as_ref().is_none_or(|event| event.body.is_settled());
        Ok(Turn {
            events: event.into_iter().collect(),
            learnt: is_over.then(|| (open_key(id), None)).into_iter().collect(),
            ..Turn::default()
        })
    }

    /// Everything of a list is stored.
    fn read(&self, list: &List) -> Turn<Piece> {
        let range = self.request.range;
        let known = Read::of(&self.known, list).filter(|read| read.from <= range.start);
        let read = Read {
            from: known.as_ref().map_or(range.start, |read| read.from),
            until: known.map_or(range.end, |read| read.until.max(range.end)),
        };
        let text = serde_json::to_string(&read).expect("plain data with text keys");
        Turn {
            learnt: vec![(list.slug().to_owned(), Some(text))],
            ..Turn::default()
        }
    }
}

fn open_key(workflow: &str) -> String {
    format!("open/{workflow}")
}

/// What of a workflow that still runs is needed when it is read again.
fn open(event: &Event, pipe: &Pipe) -> (String, Option<String>) {
    let id = event.id.as_str();
    let text = serde_json::to_string(pipe).expect("plain data with text keys");
    (
        open_key(id.strip_prefix(WORKFLOW).unwrap_or(id)),
        Some(text),
    )
}
