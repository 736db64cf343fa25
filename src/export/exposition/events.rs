//! Events with all they say, as the lossless family: for a Prometheus that scrapes this and is not written to.

use super::read;
use crate::app::{App, QueryError};
use crate::ledger::Dated;
use crate::model::TimeRange;
use crate::series::{FAMILY, Families, NAME, samples_of};

/// Events at most, the newest.
const MOST: usize = 10_000;

/// Writes the events of the range; each sample has the event's own time, as those that are written to a destination.
pub(super) async fn write(
    app: &App,
    range: TimeRange,
    families: &mut Families,
) -> Result<(), QueryError> {
    let events = read(app, move |app| app.ledger().between(range, None, MOST)).await?;
    families.begin(
        FAMILY,
        "gauge",
        "Events of software delivery, one series an event version.",
    );
    for Dated {
        revision, event, ..
    } in &events
    {
        // What no sample can hold is in quarantine already.
        for sample in samples_of(event, *revision).into_iter().flatten() {
            let labels: Vec<(&str, &str)> = sample
                .labels
                .iter()
                .filter(|(name, _)| name != NAME)
                .map(|(name, value)| (name.as_ref(), value.as_str()))
                .collect();
            families.sample_at(&labels, &sample.value.to_string(), Some(sample.at));
        }
    }
    Ok(())
}
