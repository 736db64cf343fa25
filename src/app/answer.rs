//! A question on its way: what it needs is read, the columns are brought up to date, the answer is calculated.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use super::cache::{Calculated, Key};
use super::state::Snapshot;
use super::{Answered, App, Asker, Inner, Patience, QueryError, Request, explain, notices};
use crate::config;
use crate::dora::{self, Answer, Context, Coverages, fitting_bucket};
use crate::model::{Kind, PartialPolicy, SourceCoverage};
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
        match request.patience {
            Patience::Forever => inner.syncing.settle(need).await,
            Patience::Until(patience) => {
                // In both cases the answer is made of what is known by then.
                let _ = tokio::time::timeout(patience, inner.syncing.settle(need)).await;
            }
        }
        self.reload_foreign_ledger().await?;
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

    /// Calculates where computing long is allowed; a panic there is a defect, and told as one.
    async fn calculate(
        &self,
        request: &Request,
        standings: Vec<Standing>,
        version: u64,
    ) -> Result<Arc<Calculated>, QueryError> {
        let inner = Arc::clone(&self.inner);
        let request = request.clone();
        let explained = config::describe(&request.question);
        let work = tokio::task::spawn_blocking(move || {
            std::panic::catch_unwind(AssertUnwindSafe(|| {
                inner.calculate(&request, standings, version)
            }))
        });
        match work.await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => {
                tracing::error!(question = %explained, "The calculation of `{explained}` panicked");
                Err(QueryError::Defect)
            }
            // The runtime goes down, and nobody waits any more.
            Err(_) => Err(QueryError::Defect),
        }
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
        let reload = tokio::task::spawn_blocking(move || inner.reload_foreign_ledger());
        match reload.await {
            Ok(result) => Ok(result?),
            Err(_) => Err(QueryError::Defect),
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
            sources: standings
                .into_iter()
                .map(|standing| SourceCoverage {
                    source: standing.name,
                    kind: standing.kind,
                    yields: standing.yields,
                    coverage: standing.coverage,
                })
                .collect(),
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
            Answer::Table(table) => std::mem::take(&mut table.notices),
        };
        if let Answer::Events { rows, .. } = answer {
            let table = explain::fill(&self.ledger, &self.names, question, rows)?;
            answer = Answer::Table(table);
        }
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
