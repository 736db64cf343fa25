//! Lists of Bitbucket Cloud, page by page, and the repositories they tell of.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use url::Url;

use crate::model::Repository;
use crate::providers::http::{Api, HttpError};
use crate::providers::repository_name;
use crate::providers::scope::Standing;

/// One page of a list.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
pub(crate) struct Values<T> {
    #[serde(default = "Vec::new")]
    pub(crate) values: Vec<T>,
    /// Address of the next page.
    pub(crate) next: Option<String>,
    /// How many there are in all, where the list says.
    pub(crate) size: Option<usize>,
}

/// Reads a page of a list: the one at `next`, or the first.
pub(crate) async fn page<T: DeserializeOwned>(
    api: &Api,
    path: &[&str],
    query: &[(&str, &str)],
    next: Option<&str>,
) -> Result<Values<T>, HttpError> {
    let call = match next.map(Url::parse) {
        Some(Ok(url)) => api.get_url(url),
        Some(Err(error)) => return Err(circular(api, path, anyhow::Error::new(error))),
        None => query
            .iter()
            .fold(api.get(path), |call, (key, value)| call.query(key, value)),
    };
    let page: Values<T> = call.send().await?.json()?;
    if page.next.is_some() && page.next.as_deref() == next {
        return Err(circular(
            api,
            path,
            anyhow::anyhow!("its list repeats a page"),
        ));
    }
    Ok(page)
}

/// Reads every page of a short list.
pub(crate) async fn all<T: DeserializeOwned>(
    api: &Api,
    path: &[&str],
    query: &[(&str, &str)],
) -> Result<Vec<T>, HttpError> {
    let mut values = Vec::new();
    let mut seen = BTreeSet::new();
    let mut next: Option<String> = None;
    loop {
        let told: Values<T> = page(api, path, query, next.as_deref()).await?;
        values.extend(told.values);
        next = told.next;
        let Some(url) = &next else {
            return Ok(values);
        };
        if !seen.insert(url.clone()) {
            return Err(circular(
                api,
                path,
                anyhow::anyhow!("its list repeats a page"),
            ));
        }
    }
}

fn circular(api: &Api, path: &[&str], source: anyhow::Error) -> HttpError {
    HttpError::Malformed {
        what: api.url(path).to_string(),
        source,
    }
}

/// Repositories a page, and commits, tags, pipelines: the cap of most lists.
pub(crate) const PAGE: &str = "100";

/// What is asked of a repository.
pub(crate) const REPOSITORY_FIELDS: &str =
    "uuid,full_name,updated_on,mainbranch.name,parent.uuid,links.html.href";

/// The names of fields below each value of a list, and the address of the next page.
pub(crate) fn of_values(fields: &str) -> String {
    let mut all: String = fields
        .split(',')
        .map(|field| format!("values.{field},"))
        .collect();
    all.push_str("next,size");
    all
}

/// A repository, as Bitbucket Cloud tells it.
#[derive(Debug, Deserialize)]
pub(crate) struct ToldRepository {
    /// It stays when the repository is renamed or moved.
    pub(crate) uuid: String,
    pub(crate) full_name: String,
    pub(crate) mainbranch: Option<Named>,
    pub(crate) parent: Option<IgnoredAny>,
    pub(crate) links: Option<Links>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) name: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Links {
    pub(crate) html: Option<Link>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Link {
    pub(crate) href: Option<String>,
}

/// The page that shows something.
pub(crate) fn shown_at(links: Option<&Links>) -> Option<&str> {
    links?.html.as_ref()?.href.as_deref()
}

impl ToldRepository {
    pub(crate) fn standing(&self) -> Standing {
        Standing {
            is_archived: false,
            is_fork: self.parent.is_some(),
        }
    }

    /// As events name it: by its page's host, not the API's.
    pub(crate) fn repository(&self) -> Repository {
        shown_at(self.links.as_ref())
            .and_then(repository_name::of_url)
            .unwrap_or_else(|| {
                repository_name::of_text(&format!("bitbucket.org/{}", self.full_name))
            })
    }
}
