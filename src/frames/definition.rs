//! What the numbers of an answer mean, in a sentence or two.

use crate::model::{ChangeUnit, Kind, LeadTimeFrom, Metric, Question, Text};

/// The definition that an answer to the question uses.
pub(super) fn definition(question: &Question) -> Text {
    let mut text = match question.kind {
        Kind::Metric | Kind::Distribution => question.metric.help().to_owned(),
        Kind::Breakdown => "The parts of the time from a commit to its deployment.".to_owned(),
        Kind::Scorecard => format!(
            "The five keys, judged by the bands of {}.",
            question.bands_year.as_str()
        ),
        Kind::Events => format!(
            "The {} behind the numbers.",
            question.table.as_str().replace('_', " ")
        ),
        Kind::Annotations => "Deployments and incidents.".to_owned(),
        Kind::Values => format!("The values of {}.", question.key.word()),
        Kind::Quality => "What the sources answered for, and what could not be linked.".to_owned(),
    };
    if tells_changes(question) {
        text.push_str(match question.lead_time_from {
            LeadTimeFrom::Committed => {
                " Lead time starts with the commit, before a squash or rebase where that is known."
            }
            LeadTimeFrom::Landed => " Lead time starts with the commit as it stands on the branch.",
            LeadTimeFrom::Authored => " Lead time starts with the author's time.",
            LeadTimeFrom::PullRequestOpened => {
                " Lead time starts with the opening of the pull request."
            }
            LeadTimeFrom::Merged => " Lead time starts with the merge of the pull request.",
        });
        text.push_str(match question.change_unit {
            ChangeUnit::Commit if question.include_merges => {
                " A change is a commit, merge commits included."
            }
            ChangeUnit::Commit => " A change is a commit that is no merge.",
            ChangeUnit::PullRequest => " A change is a pull request.",
        });
    }
    if question.user_facing {
        text.push_str(" Only incidents that customers felt count.");
    }
    text.into()
}

fn tells_changes(question: &Question) -> bool {
    match question.kind {
        Kind::Metric | Kind::Distribution => question.metric == Metric::ChangeLeadTime,
        Kind::Breakdown | Kind::Scorecard => true,
        Kind::Events | Kind::Annotations | Kind::Values | Kind::Quality => false,
    }
}
