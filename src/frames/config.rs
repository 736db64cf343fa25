//! How a field is shown: unit, name, links and the names of bands.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::model::{Text, Unit};

/// The configuration of a field, in Grafana's own JSON form.
///
/// Source: `data/field_config.go` of grafana-plugin-sdk-go.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    /// The name for people; a panel's own display name wins over it.
    #[serde(rename = "displayNameFromDS", skip_serializing_if = "Option::is_none")]
    pub display_name: Option<Text>,
    /// What it means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'static str>,
    /// Grafana's id of the unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<&'static str>,
    /// Digits after the point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u16>,
    /// Names and colours of values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mappings: Vec<Mapping>,
    /// Where a click on a value leads.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<DataLink>,
}

impl Config {
    /// Shows numbers of this unit.
    pub fn of_unit(unit: Unit) -> Self {
        let (unit, decimals) = match unit {
            Unit::Seconds => ("s", None),
            Unit::Ratio => ("percentunit", Some(1)),
            Unit::PerDay => ("suffix:/d", Some(2)),
            Unit::Count => ("short", None),
        };
        Self {
            unit: Some(unit),
            decimals,
            ..Self::default()
        }
    }

    /// Shows bands by their names.
    pub fn of_bands() -> Self {
        Self {
            decimals: Some(0),
            mappings: vec![Mapping::BANDS],
            ..Self::default()
        }
    }

    /// Whether Grafana need not be told anything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A link on values; `${…}` in the URL is filled in by Grafana.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct DataLink {
    pub title: &'static str,
    pub url: String,
    /// Whether it opens beside the dashboard.
    #[serde(skip_serializing_if = "is_false")]
    pub target_blank: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// Names and colours of values, by their position: value 0 is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping(&'static [(&'static str, &'static str)]);

impl Mapping {
    /// The bands, 0 to 6 from low to elite; odd ones lie between two neighbours (design, section 7).
    pub const BANDS: Self = Self(&[
        ("Low", "red"),
        ("Low or medium", "orange"),
        ("Medium", "yellow"),
        ("Medium or high", "light-green"),
        ("High", "green"),
        ("High or elite", "light-blue"),
        ("Elite", "blue"),
    ]);
}

impl Serialize for Mapping {
    // Grafana's form: {"type":"value","options":{"0":{"text":…,"color":…,"index":0},…}}.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown {
            text: &'static str,
            color: &'static str,
            index: usize,
        }
        struct Options(&'static [(&'static str, &'static str)]);
        impl Serialize for Options {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map(self.0.iter().enumerate().map(|(index, (text, color))| {
                    let shown = Shown { text, color, index };
                    (index.to_string(), shown)
                }))
            }
        }
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("type", "value")?;
        map.serialize_entry("options", &Options(self.0))?;
        map.end()
    }
}
