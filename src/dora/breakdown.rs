//! The parts of the lead time side by side.

use crate::model::Metric;

use super::answer::Answer;
use super::scope::Scope;
use super::series::{AskedColumn, numbers};

/// One number column a part, in the order of the delivery.
///
/// Shape: `lead_time_coding_<statistic>` … `lead_time_deploy_<statistic>`, each followed by its `…_previous` where
/// asked; one row a group. Means and sums add up to those of the lead time.
pub(super) fn answer(scope: &Scope<'_, '_>) -> Answer {
    let question = scope.question;
    let asked = Metric::PARTS.map(|metric| AskedColumn {
        name: format!("{}_{}", metric.as_str(), question.statistic.as_str()),
        metric,
        statistic: question.statistic,
    });
    Answer::Numbers(numbers(scope, &asked))
}
