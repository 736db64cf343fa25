//! When failed deployments were recovered (definitions, section 3).

use std::collections::BTreeMap;

use super::draft::Draft;
use super::failure::Judgement;
use super::findings::Findings;
use super::incidents::Case;
use super::{QualityKind, Recovery};

/// The recoveries of an environment in order of the moment, and its failed deployments without one.
pub(super) fn recoveries(
    lane: u32,
    draft: &Draft<'_>,
    judgement: &Judgement,
    cases: &[Case<'_>],
    findings: &mut Findings,
) -> (Vec<Recovery>, Vec<u32>) {
    let mut resolutions = BTreeMap::<u32, Resolution>::new();
    for case in cases {
        for link in case.links.iter().filter(|link| link.place.0 == lane) {
            let finished_at = draft.deployments[link.place.1 as usize].finished_at;
            let resolution = resolutions.entry(link.place.1).or_default();
            resolution.add(case, finished_at, findings);
        }
    }
    let mut failed: Vec<u32> = judgement
        .reasons
        .iter()
        .map(|reason| reason.deployment)
        .collect();
    failed.dedup();
    let mut recoveries = Vec::new();
    let mut open = Vec::new();
    for deployment in failed {
        let finished_at = draft.deployments[deployment as usize].finished_at;
        let mended_at = judgement
            .mended
            .range((deployment, deployment + 1)..=(deployment, u32::MAX))
            .next()
            .map(|(_, by)| draft.deployments[*by as usize].finished_at);
        let resolved_at = resolutions
            .get(&deployment)
            .and_then(|resolution| resolution.moment(finished_at));
        match mended_at.into_iter().chain(resolved_at).min() {
            Some(recovered_at) => recoveries.push(Recovery {
                deployment,
                recovered_at,
                milliseconds: recovered_at - finished_at,
            }),
            None => open.push(deployment),
        }
    }
    recoveries.sort_by_key(|recovery| (recovery.recovered_at, recovery.deployment));
    (recoveries, open)
}

/// How the incidents of one deployment ended.
#[derive(Default)]
struct Resolution {
    is_open: bool,
    last: Option<i64>,
}

impl Resolution {
    fn add(&mut self, case: &Case<'_>, finished_at: i64, findings: &mut Findings) {
        let Some(resolved_at) = case.resolved_at() else {
            self.is_open = true;
            return;
        };
        // One that was resolved before it was opened has its row already, and ends nothing.
        if resolved_at < case.opened_at() {
            return;
        }
        if resolved_at < finished_at {
            let text = format!(
                "{} was resolved before the deployment that it is linked to finished",
                case.event.id
            );
            findings.row(QualityKind::NegativeRestore, case.event, resolved_at, text);
        }
        self.last = self.last.max(Some(resolved_at));
    }

    fn moment(&self, finished_at: i64) -> Option<i64> {
        self.last
            .filter(|last| !self.is_open && *last >= finished_at)
    }
}
