//! Which repositories, projects or jobs of a host a source reads.

use std::collections::BTreeMap;

use crate::config::{Fault, Field, FieldType, FieldValue, SettingsError, SourceSettings};
use crate::model::{Glob, Notice};

/// More than this many are not read: the filter that the notice proposes is meant.
pub const MOST_READ: usize = 2_000;

/// The settings of a scope.
pub const SCOPE_FIELDS: [Field; 4] = [
    Field {
        key: "include",
        title: "Only",
        takes: FieldType::TextList,
        required: false,
        default: None,
        help: "Globs of the full names that are read, as the host writes them; all without it.",
        placeholder: "acme/shop-*",
    },
    Field {
        key: "exclude",
        title: "Without",
        takes: FieldType::TextList,
        required: false,
        default: None,
        help: "Globs of the full names that are left out.",
        placeholder: "acme/*-sandbox",
    },
    Field {
        key: "archived",
        title: "Archived too",
        takes: FieldType::Boolean,
        required: false,
        default: Some("false"),
        help: "Read archived ones too.",
        placeholder: "",
    },
    Field {
        key: "forks",
        title: "Forks too",
        takes: FieldType::Boolean,
        required: false,
        default: Some("false"),
        help: "Read forks too.",
        placeholder: "",
    },
];

/// Whether something is archived or a fork.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Standing {
    pub is_archived: bool,
    pub is_fork: bool,
}

/// What of a host is read.
#[derive(Clone, Debug)]
pub struct Scope {
    include: Vec<Glob>,
    exclude: Vec<Glob>,
    with_archived: bool,
    with_forks: bool,
}

impl Scope {
    /// The scope that the settings name.
    ///
    /// # Errors
    /// A glob that is none, by key.
    pub fn of(source: &SourceSettings) -> Result<Self, SettingsError> {
        let mut faults = Vec::new();
        let mut globs = |key: &'static str| -> Vec<Glob> {
            let written = match source.fields.get(key) {
                Some(FieldValue::TextList(list)) => list.as_slice(),
                _ => &[],
            };
            let globs = written
                .iter()
                .filter(|text| !text.trim().is_empty())
                .filter_map(|text| {
                    Glob::new(&text.trim().to_lowercase())
                        .map_err(|error| {
                            faults.push(Fault {
                                key: key.to_owned(),
                                message: format!("has no usable glob: {error}"),
                            });
                        })
                        .ok()
                });
            globs.collect()
        };
        let (include, exclude) = (globs("include"), globs("exclude"));
        if !faults.is_empty() {
            return Err(SettingsError { faults });
        }
        let is_on = |key| source.fields.get(key) == Some(&FieldValue::Boolean(true));
        Ok(Self {
            include,
            exclude,
            with_archived: is_on("archived"),
            with_forks: is_on("forks"),
        })
    }

    /// Whether the one of that full name is read; letters' case does not matter.
    pub fn reads(&self, full_name: &str, standing: Standing) -> bool {
        let name = full_name.to_lowercase();
        let is_included =
            self.include.is_empty() || self.include.iter().any(|glob| glob.matches(&name));
        is_included
            && !self.exclude.iter().any(|glob| glob.matches(&name))
            && (self.with_archived || !standing.is_archived)
            && (self.with_forks || !standing.is_fork)
    }
}

/// Says that a scope holds more than is read, and which filter would hold less.
pub fn too_many(count: usize, names: &[String]) -> Notice {
    // The longest run of names that begin alike up to a `-`, `_` or `/` is the likeliest thing to ask for.
    let mut beginnings: BTreeMap<&str, usize> = BTreeMap::new();
    for name in names {
        if let Some(at) = name.rfind(['-', '_', '/']) {
            *beginnings.entry(&name[..=at]).or_default() += 1;
        }
    }
    let likeliest = beginnings
        .into_iter()
        .filter(|(_, count)| *count <= MOST_READ)
        .max_by_key(|(_, count)| *count);
    let example =
        likeliest.map_or_else(|| "…*".to_owned(), |(beginning, _)| format!("{beginning}*"));
    Notice::warning(format!(
        "Sees {count} repositories and reads the first {MOST_READ}: name those that count in `include` (such as `{example}`), or leave some out by `exclude`."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(fields: &[(&'static str, FieldValue)]) -> Scope {
        let settings = SourceSettings {
            name: "host".into(),
            kind: "gitea",
            environment: None,
            cluster: None,
            fields: fields.iter().cloned().collect(),
            secrets: BTreeMap::new(),
        };
        Scope::of(&settings).unwrap()
    }

    fn list(texts: &[&str]) -> FieldValue {
        FieldValue::TextList(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    #[test]
    fn names_are_included_then_excluded_whatever_their_case() {
        let scope = scope(&[
            ("include", list(&["Acme/*"])),
            ("exclude", list(&["*/old-*"])),
        ]);
        assert!(scope.reads("acme/Shop", Standing::default()));
        assert!(!scope.reads("acme/old-shop", Standing::default()));
        assert!(!scope.reads("other/shop", Standing::default()));
    }

    #[test]
    fn archived_ones_and_forks_are_left_out_unless_asked_for() {
        let archived = Standing {
            is_archived: true,
            is_fork: false,
        };
        let fork = Standing {
            is_archived: false,
            is_fork: true,
        };
        let usual = scope(&[]);
        assert!(
            usual.reads("a/b", Standing::default())
                && !usual.reads("a/b", archived)
                && !usual.reads("a/b", fork)
        );
        let all = scope(&[
            ("archived", FieldValue::Boolean(true)),
            ("forks", FieldValue::Boolean(true)),
        ]);
        assert!(all.reads("a/b", archived) && all.reads("a/b", fork));
    }

    #[test]
    fn too_many_are_answered_by_a_filter() {
        let names: Vec<String> = (0..3_000)
            .map(|number| {
                format!(
                    "acme/{}-{number}",
                    if number % 3 == 0 { "shop" } else { "tool" }
                )
            })
            .collect();
        let notice = too_many(names.len(), &names);
        assert!(
            notice.text.contains("3000") && notice.text.contains("`acme/tool-*`"),
            "{}",
            notice.text
        );
    }
}
