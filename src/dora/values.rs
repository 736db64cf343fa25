//! The values of a key, for variables, editors and filters.

use std::collections::BTreeSet;

use crate::correlate::{Block, FailureRule};
use crate::model::{FilterKey, GroupKey, Notice, Outcome, Question, Text};

use super::answer::{Column, Table, Values};
use super::select::Selection;

/// The distinct values of the question's key, sorted, at most `limit`.
///
/// Shape: text columns `text` and `value`, which are the same. All of time counts, and all tiers where no filter names
/// any: a variable must offer staging too. Filters over rows (repository, cluster, author, label, severity, outcome,
/// rule) do not narrow the values; those over applications, teams, environments and tiers do.
pub(super) fn answer(question: &Question, blocks: &[&Block]) -> Table {
    let selection = Selection::new(question);
    let mut values: BTreeSet<Text> = BTreeSet::new();
    for block in blocks {
        collect(&selection, &question.key, block, &mut values);
    }
    match question.key {
        FilterKey::Outcome if !blocks.is_empty() => {
            let ended = [Outcome::Succeeded, Outcome::Failed, Outcome::Cancelled];
            values.extend(ended.map(|outcome| Text::from(outcome.as_str())));
        }
        FilterKey::Rule if !blocks.is_empty() => {
            values.extend(FailureRule::ALL.map(|rule| Text::from(rule.as_str())));
        }
        _ => {}
    }
    let all = values.len();
    let shown: Vec<Option<Text>> = values.into_iter().take(question.limit).map(Some).collect();
    let mut notices = Vec::new();
    if shown.len() < all {
        notices.push(Notice::warning(format!(
            "Only the first {} of {all} values are shown: filter, or raise the limit.",
            shown.len()
        )));
    }
    let column = |name: &str| Column {
        name: name.to_owned(),
        unit: None,
        values: Values::Text(shown.clone()),
    };
    Table {
        columns: vec![column("text"), column("value")],
        notices,
    }
}

fn collect(selection: &Selection<'_>, key: &FilterKey, block: &Block, values: &mut BTreeSet<Text>) {
    let lanes = || {
        let lanes = block.lanes.iter();
        lanes.filter(|lane| {
            selection.accepts_named_place(Some(lane.environment.as_str()), lane.tier)
        })
    };
    // An application whose only environments are filtered out has no values to offer.
    let in_place = block.lanes.is_empty() || lanes().next().is_some();
    if !in_place {
        return;
    }
    match key {
        FilterKey::Group(GroupKey::Application) => {
            values.insert(block.application.text().clone());
        }
        FilterKey::Group(GroupKey::Team) => values.extend(block.application.team().map(Text::from)),
        FilterKey::Group(GroupKey::Environment) => {
            values.extend(lanes().map(|lane| lane.environment.text().clone()));
            let named = block
                .incidents
                .environment
                .iter()
                .zip(&block.incidents.tier);
            values.extend(named.filter_map(|(environment, tier)| {
                let environment = environment.as_ref()?;
                let passes = selection.accepts_named_place(Some(environment.as_str()), *tier);
                passes.then(|| environment.text().clone())
            }));
        }
        FilterKey::Group(GroupKey::Repository) => {
            values.extend(block.repositories.iter().map(|name| name.text().clone()));
        }
        FilterKey::Group(GroupKey::Cluster) => {
            values.extend(block.clusters.iter().map(|name| name.text().clone()));
        }
        FilterKey::Group(GroupKey::Author) => values.extend(block.authors.iter().cloned()),
        FilterKey::Group(GroupKey::Label(label)) => {
            values.extend(
                block
                    .label_sets
                    .iter()
                    .filter_map(|labels| labels.value(label).cloned()),
            );
        }
        FilterKey::Tier => values.extend(lanes().map(|lane| Text::from(lane.tier.as_str()))),
        FilterKey::Severity => values.extend(block.severities.iter().cloned()),
        // These are the same for every application.
        FilterKey::Outcome | FilterKey::Rule => {}
    }
}
