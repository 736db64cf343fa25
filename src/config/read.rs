//! Settings out of jsonData and out of a settings file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use secrecy::SecretString;
use serde_json::Value;

use super::fields::{EVIDENCE_FIELDS, FIELDS};
use super::reading::{Reading, Values, join, span_of, text_of};
use super::surroundings::Surroundings;
use super::{
    Access, Fault, People, Settings, SettingsError, closest, export, rules, sources, yaml,
};
use crate::model::{BandsYear, WeekStart};
use crate::providers::{KINDS, ProviderKind};

/// The lists and sections beside `FIELDS`.
pub(super) const SECTIONS: &[&str] = &[
    "sources",
    "applications",
    "deployments",
    "environments",
    "evidence",
    "export",
];

/// What Grafana itself keeps in a data source's jsonData.
const GRAFANA_KEYS: &[&str] = &[
    "alertmanagerUid",
    "allowAsRecordingRulesTarget",
    "defaultDatasource",
    "enableSecureSocksProxy",
    "keepCookies",
    "manageAlerts",
    "oauthPassThru",
    "pdcInjected",
    "teamHttpHeaders",
];

impl Settings {
    /// Reads a data source's jsonData and secureJsonData.
    ///
    /// # Errors
    /// Every fault at once, by key, never by value.
    pub fn from_json(
        json_data: &Value,
        secrets: &HashMap<String, SecretString>,
        access: &Access,
    ) -> Result<Self, SettingsError> {
        Self::read(
            json_data,
            Reading {
                access,
                base: None,
                surroundings: None,
                secrets,
                kinds: KINDS,
                faults: Vec::new(),
            },
        )
    }

    /// Reads a settings file whose relative paths start at the folder `base`.
    ///
    /// # Errors
    /// Every fault at once, by key, never by value.
    pub fn from_yaml(
        text: &str,
        surroundings: &dyn Surroundings,
        base: &Path,
    ) -> Result<Self, SettingsError> {
        Self::from_yaml_of(text, surroundings, base, KINDS)
    }

    pub(super) fn from_yaml_of(
        text: &str,
        surroundings: &dyn Surroundings,
        base: &Path,
        kinds: &[&'static ProviderKind],
    ) -> Result<Self, SettingsError> {
        let json: Value = yaml::read(text).map_err(|error| SettingsError {
            faults: vec![yaml_fault(text, &error)],
        })?;
        Self::read(
            &json,
            Reading {
                access: &Access::Everything,
                base: Some(base),
                surroundings: Some(surroundings),
                secrets: &HashMap::new(),
                kinds,
                faults: Vec::new(),
            },
        )
    }

    pub(super) fn read(json: &Value, mut reading: Reading<'_>) -> Result<Self, SettingsError> {
        let empty = serde_json::Map::new();
        let map = reading.object(Some(json), "settings").unwrap_or(&empty);
        let flat: Vec<String> = EVIDENCE_FIELDS
            .iter()
            .map(|field| join("evidence", field.key))
            .collect();
        let mut unknown = map.clone();
        unknown.retain(|key, _| !flat.contains(key));
        if matches!(reading.access, Access::AllowedPaths(_)) {
            unknown.retain(|key, _| !GRAFANA_KEYS.contains(&key.as_str()));
        }
        let allowed: Vec<&str> = FIELDS
            .iter()
            .map(|field| field.key)
            .chain(SECTIONS.iter().copied())
            .collect();
        reading.refuse_unknown(&unknown, "", &allowed);

        let mut values = reading.fields(map, "", FIELDS);
        let timezone = timezone(&mut reading, &mut values);
        let settings = Self {
            ledger: text_of(&mut values, "ledger").map(PathBuf::from),
            timezone,
            week_start: text_of(&mut values, "weekStart")
                .and_then(|word| WeekStart::named(&word))
                .unwrap_or(WeekStart::Monday),
            bands_year: text_of(&mut values, "bandsYear")
                .and_then(|word| BandsYear::named(&word))
                .unwrap_or(BandsYear::Y2024),
            people: match text_of(&mut values, "people").as_deref() {
                Some("shown") => People::Shown,
                Some("pseudonym") => People::Pseudonym,
                _ => People::Hidden,
            },
            freshness: span(&mut values, "freshness"),
            keep_syncing: span(&mut values, "keepSyncing"),
            lookback: span(&mut values, "lookback"),
            retention: span_of(&mut values, "retention"),
            deadline: span(&mut values, "deadline"),
            sources: sources::read(&mut reading, map.get("sources")),
            rules: rules::read(&mut reading, map),
            export: export::read(&mut reading, map.get("export")),
        };
        refuse_zero(&mut reading, "deadline", Some(settings.deadline));
        refuse_zero(&mut reading, "retention", settings.retention);
        if reading.faults.is_empty() {
            Ok(settings)
        } else {
            Err(SettingsError {
                faults: reading.faults,
            })
        }
    }
}

/// A span that has a default: absent only beside a fault, which refuses the settings anyway.
fn span(values: &mut Values, key: &str) -> TimeDelta {
    span_of(values, key).unwrap_or(TimeDelta::days(1))
}

fn refuse_zero(reading: &mut Reading<'_>, key: &str, span: Option<TimeDelta>) {
    if span.is_some_and(|span| span.is_zero()) {
        reading.fault(key, "must be longer than nothing");
    }
}

fn timezone(reading: &mut Reading<'_>, values: &mut Values) -> Option<chrono_tz::Tz> {
    let written = text_of(values, "timezone")?;
    match zone(&written) {
        Ok(zone) => Some(zone),
        Err(advice) => {
            reading.fault("timezone", advice);
            None
        }
    }
}

/// The zone of an IANA name, whatever its case.
///
/// # Errors
/// A sentence part with the name that was probably meant.
pub(crate) fn zone(written: &str) -> Result<chrono_tz::Tz, String> {
    const EXPECTED: &str = "takes the IANA name of a zone such as `Europe/Berlin` or `UTC`";
    let zones = &chrono_tz::TZ_VARIANTS;
    let found = zones
        .iter()
        .find(|zone| zone.name().eq_ignore_ascii_case(written));
    found.copied().ok_or_else(|| {
        let names: Vec<&str> = zones.iter().map(|zone| zone.name()).collect();
        match closest::closest(written, &names) {
            Some(near) => format!("{EXPECTED}; did you mean `{near}`?"),
            None => EXPECTED.to_owned(),
        }
    })
}

/// Says where a file is no YAML. The parser's own text shows the lines around, secrets included.
fn yaml_fault(text: &str, error: &serde_saphyr::Error) -> Fault {
    let place = error.location().map_or_else(String::new, |place| {
        format!(" at line {}, column {}", place.line(), place.column())
    });
    let is_tabbed = error.location().is_some_and(|place| {
        let above = usize::try_from(place.line()).unwrap_or(1).saturating_sub(1);
        text.lines()
            .nth(above)
            .is_some_and(|line| line.trim_start_matches(' ').starts_with('\t'))
    });
    let mut cause = error.without_snippet();
    while let serde_saphyr::Error::AliasError { error, .. } = cause {
        cause = error.without_snippet();
    }
    let what = match cause {
        serde_saphyr::Error::Budget { .. }
        | serde_saphyr::Error::AliasReplayLimitExceeded { .. }
        | serde_saphyr::Error::AliasExpansionLimitExceeded { .. }
        | serde_saphyr::Error::AliasReplayStackDepthExceeded { .. } => "is too large for settings",
        _ if is_tabbed => "is indented with a tab, where YAML takes spaces,",
        serde_saphyr::Error::DuplicateMappingKey { .. } => "has a key twice",
        serde_saphyr::Error::MultipleDocuments { .. } => "holds more than one document",
        serde_saphyr::Error::Eof { .. } => "ends too early",
        _ => "is no usable YAML",
    };
    Fault {
        key: "settings".to_owned(),
        message: format!("{what}{place}"),
    }
}
