//! What is covered where events are read back: what their own sources covered, as far as the history was read.

use crate::ledger::{Ledger, LedgerError};
use crate::model::{EventKind, EventKinds, Origin, SourceCoverage, SourceName};
use crate::providers::is_history;
use crate::sync::{Standing, origins};

/// The coverage of every source; in place of a history stand the sources behind it, once it has told of them.
///
/// # Errors
/// The ledger's.
pub(super) fn coverages(
    ledger: &Ledger,
    standings: Vec<Standing>,
) -> Result<Vec<SourceCoverage>, LedgerError> {
    let told = match standings.iter().any(|standing| is_history(standing.kind)) {
        true => origins(ledger)?,
        false => Vec::new(),
    };
    let own: Vec<SourceName> = standings
        .iter()
        .map(|standing| standing.name.clone())
        .collect();
    let foreign: Vec<&Origin> = told
        .iter()
        .filter(|origin| !own.contains(&origin.source))
        .collect();
    let mut coverages = Vec::with_capacity(standings.len() + foreign.len());
    for standing in standings {
        if is_history(standing.kind) && !foreign.is_empty() {
            coverages.extend(foreign.iter().map(|origin| behind(origin, &standing)));
        } else {
            coverages.push(SourceCoverage {
                source: standing.name,
                kind: standing.kind,
                yields: standing.yields,
                coverage: standing.coverage,
            });
        }
    }
    Ok(coverages)
}

/// A source behind a history: covered where both are.
fn behind(origin: &Origin, history: &Standing) -> SourceCoverage {
    let kinds: &[EventKind] = match origin.yields.as_slice() {
        [] => &EventKind::ALL,
        kinds => kinds,
    };
    SourceCoverage {
        source: origin.source.clone(),
        kind: history.kind,
        yields: EventKinds::of(kinds),
        coverage: history.coverage.intersection(&origin.coverage()),
    }
}
