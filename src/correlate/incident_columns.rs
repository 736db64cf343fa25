//! The incidents of an application as columns (definitions, section 3, `time_to_restore`).

use super::columns::Incidents;
use super::dictionary::Dictionary;
use super::draft::Draft;
use super::environment::tier_of;
use super::findings::Findings;
use super::incidents::Case;
use super::{Input, QualityKind};
use crate::model::{Labels, Text, Tier};

/// The columns of this application's incidents, in the order of the cases.
pub(super) fn columns<'a>(
    cases: &[Case<'a>],
    drafts: &[Draft<'a>],
    input: &Input<'a>,
    severities: &mut Dictionary<'a, Text>,
    label_sets: &mut Dictionary<'a, Labels>,
    findings: &mut Findings,
) -> Incidents {
    let mut columns = Incidents::default();
    for case in cases.iter().filter(|case| case.is_own) {
        let incident = case.incident;
        let (opened_at, resolved_at) = (case.opened_at(), case.resolved_at());
        if resolved_at.is_some_and(|resolved_at| resolved_at < opened_at) {
            let text = format!("{} was resolved before it was opened", case.event.id);
            findings.row(QualityKind::NegativeRestore, case.event, opened_at, text);
        }
        let span = resolved_at.map(|resolved_at| resolved_at - opened_at);
        columns.key.push(case.event.key());
        columns.opened_at.push(opened_at);
        columns.resolved_at.push(resolved_at.unwrap_or(i64::MAX));
        columns.time_to_restore.push(span);
        columns
            .severity
            .push(severities.number(incident.severity.as_ref()));
        let labels = Some(&incident.labels).filter(|labels| !labels.is_empty());
        columns.labels.push(label_sets.number(labels));
        columns.user_facing.push(incident.user_facing);
        columns.defect.push(is_defect(&incident.labels, input));
        let tier = match &incident.environment {
            None => Tier::Production,
            Some(environment) => drafts
                .iter()
                .find(|draft| draft.environment == *environment)
                .map_or_else(
                    || tier_of(environment, &[], input.rules),
                    |draft| draft.tier,
                ),
        };
        columns.tier.push(tier);
        columns.environment.push(incident.environment.clone());
        let link = case.links.first();
        columns.deployment.push(link.map(|link| link.place));
        columns.link.push(link.map(|link| link.rule));
    }
    columns.by_resolution = (0..columns.key.len() as u32)
        .filter(|at| columns.resolved_at[*at as usize] != i64::MAX)
        .collect();
    columns
        .by_resolution
        .sort_by_key(|at| columns.resolved_at[*at as usize]);
    columns
}

/// Whether a label says so, whatever its case.
fn is_defect(labels: &Labels, input: &Input<'_>) -> bool {
    let globs = &input.rules.evidence.defect_labels;
    labels.0.keys().any(|label| {
        let lower = label.to_lowercase();
        globs
            .iter()
            .any(|glob| glob.matches(label) || glob.matches(&lower))
    })
}
