//! An answer of `/api/v1/query` → events and sources.

use std::collections::BTreeMap;

use crate::model::{Event, Notice, Origin};
use crate::series::{Answered, Assembler, SOURCE, origin_of};

/// How many ids or reasons a notice names.
const NAMED: usize = 3;

/// What the series of an answer tell.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Told {
    /// Event versions, in the order of their revisions.
    pub(super) events: Vec<Event>,
    /// Sources, each as it was told last.
    pub(super) origins: Vec<Origin>,
    /// What could not be read.
    pub(super) notices: Vec<Notice>,
    /// How many series there were.
    pub(super) series: usize,
}

impl Told {
    /// What the series of an answer tell. A series that cannot be read is a notice, and the others count.
    pub(super) fn of(answered: &Answered) -> Self {
        let mut assembler = Assembler::default();
        let mut versions = Vec::with_capacity(answered.series().len());
        let mut origins: BTreeMap<String, (i64, Origin)> = BTreeMap::new();
        let mut odd = Vec::new();
        for series in answered.series() {
            if series.label(&["type"]) == SOURCE {
                match origin_of(series.labels()) {
                    Some((origin, revision)) => {
                        let name = origin.source.to_string();
                        let newer = origins
                            .get(&name)
                            .is_none_or(|(known, _)| *known < revision);
                        if newer {
                            origins.insert(name, (revision, origin));
                        }
                    }
                    None => odd.push("a source is not told as Pelorus tells it".to_owned()),
                }
                continue;
            }
            match assembler.add(series.labels()) {
                Ok(version) => versions.extend(version),
                Err(unreadable) => odd.push(unreadable.to_string()),
            }
        }
        let incomplete = assembler.incomplete();
        odd.extend(
            incomplete
                .iter()
                .map(|id| format!("parts of {id} are missing")),
        );
        versions.sort_by_key(|version| version.revision);
        Told {
            events: versions.into_iter().map(|version| version.event).collect(),
            origins: origins.into_values().map(|(_, origin)| origin).collect(),
            notices: notice(&odd).into_iter().collect(),
            series: answered.series().len(),
        }
    }
}

fn notice(odd: &[String]) -> Option<Notice> {
    if odd.is_empty() {
        return None;
    }
    let named = odd[..odd.len().min(NAMED)].join("; ");
    let more = odd.len().saturating_sub(NAMED);
    let rest = if more > 0 {
        format!("; and {more} more")
    } else {
        String::new()
    };
    Some(Notice::warning(format!(
        "series that cannot be read back are left out: {named}{rest}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_in_the_order_of_their_revisions_and_what_is_unreadable_is_told() {
        let text = include_str!("../../../tests/fixtures/prometheus/query.json");
        let told = Told::of(&serde_json::from_str(text).unwrap());
        let resolved: Vec<bool> = told
            .events
            .iter()
            .map(|event| event.body.is_settled())
            .collect();
        assert_eq!(resolved, [false, true]);
        assert_eq!(told.origins.len(), 1);
        assert_eq!(
            (told.origins[0].source.as_str(), told.origins[0].rank),
            ("prod-eu", 3)
        );
        assert_eq!(told.series, 4);
        assert_eq!(
            told.notices[0].text,
            "series that cannot be read back are left out: the label revision is missing or no number"
        );
    }

    #[test]
    fn an_empty_answer_tells_nothing() {
        let empty = serde_json::from_str(
            r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#,
        );
        assert_eq!(Told::of(&empty.unwrap()), Told::default());
    }
}
