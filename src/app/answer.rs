//! A question on its way: what it needs is read, the columns are brought up to date, the answer is calculated.

use std::sync::Arc;

use tokio::time::Instant;

use super::cache::{Calculated, Key};
use super::history;
use super::state::Snapshot;
use super::{Answered, App, Asker, Inner, Patience, QueryError, Request, explain, notices};
use crate::config;
use crate::dora::{self, Answer, Context, Coverages, fitting_bucket};
use crate::model::{Kind, PartialPolicy};
use crate::sync::Standing;

impl App {
    /// Answers a question (design, invariants 5 and 6).
    ///
    /// Dropping the future stops the waiting, never a reading.
    ///
    /// # Errors
    /// See `QueryError`.
    pub async fn answer(&self, mut request: Request) -> Result<Answered, QueryError> {
        let inner = &self.inner;
        let zone = request.question.timezone.or(inner.settings.timezone);
        let zone = zone.unwrap_or(chrono_tz::Tz::UTC);
        request.question.timezone = Some(zone);
        if request.question.kind == Kind::Metric {
            let fitting = fitting_bucket(&request.question, request.range, zone)
                .map_err(|too_many| QueryError::Unusable(too_many.to_string()))?;
            request.question.bucket = fitting.bucket;
        }

        let clock = inner.syncing.now();
        let policy = inner.syncing.policy();
        let need = policy.needed(&request.question, request.range, request.now.min(clock));
        inner.syncing.want(need);
        let deadline = match request.patience {
            Patience::Forever => None,
            Patience::Until(patience) => Some(Instant::now() + patience),
        };
        within(deadline, inner.syncing.settle(need)).await;
        self.reload_foreign_ledger().await?;
        self.read_named_commits(deadline).await?;
        // Before the columns are read: what is said to be missing may at worst be there already.
        let version = inner.syncing.version();
        let standings = inner.syncing.standings(need);
        let is_strict =
            request.asker == Asker::Alert && request.question.partial == PartialPolicy::Strict;
        let now = inner.syncing.now();
        if is_strict && let Some(refusal) = notices::refusal(&standings, request.range, now) {
            return Err(QueryError::Incomplete(refusal));
        }
        let mut said = inner.ledger_notices.clone();
        said.extend(notices::of_missing(&standings, request.range, now));
        said.extend(notices::of_oddities(&standings, request.question.kind));

        let calculated = self.calculate(&request, standings, version).await?;
        for notice in &calculated.notices {
            if !said.contains(notice) {
                said.push(notice.clone());
            }
        }
        Ok(Answered {
            explained: config::describe(&request.question),
            answer: calculated.answer.clone(),
            notices: said,
            range: request.range,
            question: request.question,
        })
    }

    /// Asks the sources for commits that deployments name and nobody knows, once for each.
    ///
    /// Only a first answer, or somebody who waits to the end, waits for them: a rollout often comes before its commit.
    async fn read_named_commits(&self, deadline: Option<Instant>) -> Result<(), QueryError> {
        if !self.inner.yields_commits {
            return Ok(());
        }
        let inner = Arc::clone(&self.inner);
        let are_new = guarded("the columns", move || {
            let snapshot = inner.columns.snapshot(&inner.syncing.coverages())?;
            let is_first = snapshot.generation == 1;
            Ok((inner.columns.wishes.are_new(&snapshot), is_first))
        });
        let (are_new, is_first) = are_new.await?;
        if are_new {
            self.inner.syncing.read_commits();
            if is_first || deadline.is_none() {
                within(deadline, self.inner.syncing.settle_commits()).await;
            }
        }
        Ok(())
    }

    async fn calculate(
        &self,
        request: &Request,
        standings: Vec<Standing>,
        version: u64,
    ) -> Result<Arc<Calculated>, QueryError> {
        let inner = Arc::clone(&self.inner);
        let request = request.clone();
        let explained = config::describe(&request.question);
        // A panel's questions come at once, and each of them uses two processors: one after the other they are done
        // sooner. Rows are read from the ledger, which waits rather than calculates.
        let _turn = match request.question.kind {
            Kind::Events | Kind::Annotations | Kind::Quality => None,
            Kind::Metric
            | Kind::Breakdown
            | Kind::Distribution
            | Kind::Scorecard
            | Kind::Values => {
                // Nobody closes the semaphore.
                self.inner.calculations.acquire().await.ok()
            }
        };
        guarded(&explained, move || {
            inner.calculate(&request, standings, version)
        })
        .await
    }

    /// Looks whether the process that owns a ledger open for reading only has written to it.
    async fn reload_foreign_ledger(&self) -> Result<(), QueryError> {
        let Some(foreign) = &self.inner.foreign else {
            return Ok(());
        };
        if !foreign.is_due() {
            return Ok(());
        }
        let inner = Arc::clone(&self.inner);
        guarded("the ledger", move || inner.reload_foreign_ledger()).await
    }
}

/// Runs work where computing long is allowed; a panic there is a defect, and told as one.
async fn guarded<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> Result<T, QueryError> + Send + 'static,
) -> Result<T, QueryError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(failure) => {
            // A blocking task is cancelled only when the runtime goes down, and nobody waits any more.
            if failure.is_panic() {
                tracing::error!(what, "The calculation of `{what}` panicked");
            }
            Err(QueryError::Defect)
        }
    }
}

/// Waits until the deadline at most: the answer is made of what is known by then.
async fn within(deadline: Option<Instant>, wait: impl Future<Output = ()>) {
    match deadline {
        None => wait.await,
        Some(deadline) => {
            // Both ends are good.
            let _ = tokio::time::timeout_at(deadline, wait).await;
        }
    }
}

impl Inner {
    fn calculate(
        &self,
        request: &Request,
        standings: Vec<Standing>,
        version: u64,
    ) -> Result<Arc<Calculated>, QueryError> {
        let coverages: Vec<_> = standings
            .iter()
            .map(|standing| standing.coverage.clone())
            .collect();
        let snapshot = self.columns.snapshot(&coverages)?;
        if !self.caches_answers() {
            return Ok(Arc::new(self.ask(request, &snapshot, standings)?));
        }
        let key = Key::of(
            &request.question,
            request.range,
            snapshot.generation,
            version,
            request.now,
        );
        if let Some(known) = self.answers.get(&key) {
            return Ok(known);
        }
        let calculated = Arc::new(self.ask(request, &snapshot, standings)?);
        self.answers.insert(key, Arc::clone(&calculated));
        Ok(calculated)
    }

    fn ask(
        &self,
        request: &Request,
        snapshot: &Snapshot,
        standings: Vec<Standing>,
    ) -> Result<Calculated, QueryError> {
        let question = &request.question;
        let coverages = Coverages {
            sources: history::coverages(&self.ledger, standings)?,
        };
        let mut answer = dora::answer(
            question,
            &Context {
                blocks: &snapshot.blocks,
                coverages: &coverages,
                range: request.range,
                now: request.now,
                timezone: question.timezone.unwrap_or(chrono_tz::Tz::UTC),
                evidence: &self.settings.rules.evidence,
            },
        );
        let mut said = match &mut answer {
            Answer::Series { notices, .. } | Answer::Events { notices, .. } => {
                std::mem::take(notices)
            }
            Answer::Numbers(numbers) => std::mem::take(&mut numbers.notices),
            Answer::Table(table) | Answer::Quality { table, .. } => {
                std::mem::take(&mut table.notices)
            }
        };
        answer = match answer {
            Answer::Events { rows, .. } => {
                Answer::Table(explain::fill(&self.ledger, &self.names, question, rows)?)
            }
            Answer::Quality { table, events } => {
                Answer::Table(explain::name(&self.ledger, table, &events)?)
            }
            complete @ (Answer::Series { .. } | Answer::Numbers(_) | Answer::Table(_)) => complete,
        };
        if question.kind == Kind::Quality {
            said.extend(notices::of_unassigned(&snapshot.unassigned));
        }
        Ok(Calculated {
            answer,
            notices: said,
        })
    }

    fn reload_foreign_ledger(&self) -> Result<(), QueryError> {
        let Some(foreign) = &self.foreign else {
            return Ok(());
        };
        let mut read_at = Vec::new();
        for source in self.syncing.sources() {
            read_at.push(self.ledger.stats(&source.name)?.read_at);
        }
        if foreign.has_changed(read_at) {
            self.syncing.reload_coverage()?;
            self.columns.distrust();
        }
        Ok(())
    }
}
