//! The five keys side by side, with their trend, what they rest on, and their bands.

use crate::model::{Metric, Unit};

use super::answer::{Answer, Measure, NumberColumn, Numbers};
use super::bands::{judge, quick_check_score};
use super::notices;
use super::scope::Scope;
use super::series::{AskedColumn, measured};

/// One row a group.
///
/// Shape: per key `<key>` (its default statistic), `<key>_previous`, `<key>_n`, `<key>_band` (0 low, 2 medium, 4 high,
/// 6 elite, odd between; null without value, and for the rework rate, which has no published bands); then
/// `quick_check_score` and `quick_check_score_previous` (0 to 10, the mean over the keys that have a value).
pub(super) fn answer(scope: &Scope<'_, '_>) -> Answer {
    let question = scope.question;
    let asked = Metric::KEYS.map(|metric| AskedColumn {
        name: metric.as_str().to_owned(),
        metric,
        statistic: metric.default_statistic(),
    });
    let measured = measured(scope, &asked, true);
    let rows = measured.groups.kept.len();
    let nothing = vec![Measure::default(); rows];
    let mut columns = Vec::new();
    for (number, of) in asked.iter().enumerate() {
        let current = &measured.current[number];
        let before = measured
            .previous
            .as_ref()
            .map_or(&nothing, |before| &before[number]);
        let band = |measure: &Measure| {
            judge(question.bands_year, of.metric, measure.value?)
                .map(|band| f64::from(band.position()))
        };
        let column = |suffix: &str, unit, values| NumberColumn {
            name: format!("{}{suffix}", of.name),
            metric: of.metric,
            unit,
            is_band: suffix == "_band",
            values,
        };
        let values = |measures: &[Measure]| measures.iter().map(|measure| measure.value).collect();
        columns.push(column("", of.metric.unit(), values(current)));
        columns.push(column("_previous", of.metric.unit(), values(before)));
        let counts = current
            .iter()
            .map(|measure| Some(measure.n as f64))
            .collect();
        columns.push(column("_n", Unit::Count, counts));
        columns.push(column(
            "_band",
            Unit::Count,
            current.iter().map(band).collect(),
        ));
    }
    let score = |period: &[Vec<Measure>], row: usize| {
        quick_check_score(
            Metric::KEYS
                .iter()
                .zip(period)
                .filter_map(|(metric, measures)| Some((*metric, measures[row].value?))),
        )
    };
    let scores =
        |period: Option<&Vec<Vec<Measure>>>| (0..rows).map(|row| score(period?, row)).collect();
    for (name, values) in [
        ("quick_check_score", scores(Some(&measured.current))),
        (
            "quick_check_score_previous",
            scores(measured.previous.as_ref()),
        ),
    ] {
        columns.push(NumberColumn {
            name: name.to_owned(),
            metric: Metric::ChangeLeadTime,
            unit: Unit::Count,
            is_band: false,
            values,
        });
    }
    Answer::Numbers(Numbers {
        keys: question.group_by.clone(),
        groups: measured
            .groups
            .kept
            .iter()
            .map(|values| values.to_vec())
            .collect(),
        columns,
        measures: measured.current.into_iter().next().unwrap_or_default(),
        notices: notices::settled(measured.notices),
    })
}
