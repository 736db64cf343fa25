//! Opens a repository and finds its name, default branch and tags.

use std::collections::BTreeSet;
use std::path::Path;

use gix::ObjectId;
use gix::objs::Kind;
use gix::refs::TargetRef;

use super::local::GitSettings;
use crate::model::{Notice, Repository, Text};
use crate::providers::{FetchError, repository_name};

/// Branches that are the default one where nothing says so, first the likelier.
const USUAL_BRANCHES: [&str; 2] = ["main", "master"];

/// How many tags of tags, or names of names, are followed before they count as broken.
const LONGEST_CHAIN: usize = 16;

/// A repository, ready to be read.
pub(super) struct Opened {
    pub(super) repository: gix::Repository,
    /// Its name for the world.
    pub(super) name: Repository,
    /// The head of its default branch; `None` where it has no branch.
    pub(super) default: Option<Head>,
    /// Its tags, by name.
    pub(super) tags: Vec<Tag>,
    /// Commits of a shallow clone whose parents are cut off.
    pub(super) boundary: BTreeSet<ObjectId>,
    /// What was odd.
    pub(super) notices: Vec<Notice>,
}

/// A branch's head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Its short name; `None` for a detached HEAD.
    pub(super) branch: Option<Text>,
    pub(super) commit: ObjectId,
}

/// A tag as the repository lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) name: Text,
    /// What it points at: a commit, or a tag object.
    pub(super) object: ObjectId,
}

/// What a tag comes down to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peeled {
    pub(super) commit: ObjectId,
    /// The tagger's time in seconds since 1970; `None` for a light tag.
    pub(super) tagged_at_seconds: Option<i64>,
}

/// Why a tag is no release.
#[derive(Debug)]
pub(super) enum NoRelease {
    /// It marks a file or a folder.
    NoCommit(Kind),
    /// Its object cannot be read.
    Unreadable(String),
}

impl Opened {
    /// Opens the repository of these settings.
    ///
    /// # Errors
    /// `Unavailable` where the folder is missing or not to be read, `Malformed` where it is no repository.
    pub(super) fn open(settings: &GitSettings) -> Result<Self, FetchError> {
        let path = &settings.path;
        std::fs::read_dir(path).map_err(|error| FetchError::Unavailable {
            what: what(path),
            source: error.into(),
        })?;
        // Only the repository's own settings count: what this process's user has set must change no number.
        let repository = gix::open::Options::isolated()
            .open(path)
            .map_err(|error| unusable(path, error))?
            .to_thread_local();
        let boundary = match repository
            .shallow_commits()
            .map_err(|error| unusable(path, error))?
        {
            Some(commits) => commits.iter().copied().collect(),
            None => BTreeSet::new(),
        };
        let mut opened = Self {
            name: match &settings.repository {
                Some(name) => name.clone(),
                None => name_of(&repository),
            },
            default: None,
            tags: Vec::new(),
            boundary,
            notices: Vec::new(),
            repository,
        };
        opened.default = opened.find_default(settings)?;
        opened.tags = opened.list_tags(path)?;
        if opened.is_shallow() {
            opened.notices.push(Notice::warning(format!(
                "{} is a shallow clone: its history is cut, so old commits are missing; `git fetch --unshallow` gets them.",
                opened.name
            )));
        }
        Ok(opened)
    }

    /// Whether history is cut off.
    pub(super) fn is_shallow(&self) -> bool {
        !self.boundary.is_empty()
    }

    /// Follows a tag down to its commit.
    pub(super) fn peel(repository: &gix::Repository, tag: ObjectId) -> Result<Peeled, NoRelease> {
        let mut id = tag;
        let mut tagged_at_seconds = None;
        for _ in 0..LONGEST_CHAIN {
            let object = repository
                .find_object(id)
                .map_err(|error| NoRelease::Unreadable(error.to_string()))?;
            match object.kind {
                Kind::Commit => {
                    return Ok(Peeled {
                        commit: id,
                        tagged_at_seconds,
                    });
                }
                Kind::Tree | Kind::Blob => return Err(NoRelease::NoCommit(object.kind)),
                Kind::Tag => {
                    let parsed = gix::objs::TagRef::from_bytes(&object.data, id.kind())
                        .map_err(|error| NoRelease::Unreadable(error.to_string()))?;
                    if tagged_at_seconds.is_none() {
                        // Very old tags have no tagger, and a broken one says no more: then the commit's time stands.
                        tagged_at_seconds = parsed
                            .tagger()
                            .ok()
                            .flatten()
                            .and_then(|tagger| tagger.time().ok())
                            .map(|time| time.seconds);
                    }
                    id = parsed.target();
                }
            }
        }
        Err(NoRelease::Unreadable(format!(
            "more than {LONGEST_CHAIN} tags of tags"
        )))
    }

    /// How many branches it has, its own and its remotes'.
    pub(super) fn count_branches(&self) -> Result<usize, FetchError> {
        let count = || -> gix::Result<usize> {
            let platform = self.repository.references()?;
            let own = platform.local_branches()?.count();
            // `origin/HEAD` is a second name of a branch.
            let remote = platform
                .remote_branches()?
                .filter(|found| match found {
                    Ok(branch) => !matches!(branch.target(), TargetRef::Symbolic(_)),
                    Err(_) => true,
                })
                .count();
            Ok(if own == 0 { remote } else { own })
        };
        count().map_err(|error| unusable(self.repository.path(), error))
    }

    fn list_tags(&mut self, path: &Path) -> Result<Vec<Tag>, FetchError> {
        let mut tags = Vec::new();
        let platform = self
            .repository
            .references()
            .map_err(|error| unusable(path, error))?;
        for found in platform.tags().map_err(|error| unusable(path, error))? {
            match found {
                Ok(reference) => {
                    // A symbolic tag is followed to what it names; a dangling one marks nothing.
                    let Some(object) = reference
                        .try_id()
                        .map(gix::Id::detach)
                        .or_else(|| Some(reference.follow()?.ok()?.try_id()?.detach()))
                    else {
                        continue;
                    };
                    let name = reference.name().shorten().to_string();
                    tags.push(Tag {
                        name: name.into(),
                        object,
                    });
                }
                Err(error) => self.notices.push(Notice::warning(format!(
                    "A tag of {} cannot be read: {error}.",
                    self.name
                ))),
            }
        }
        tags.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(tags)
    }

    fn find_default(&mut self, settings: &GitSettings) -> Result<Option<Head>, FetchError> {
        if let Some(branch) = &settings.branch {
            let wanted = branch.strip_prefix("refs/heads/").unwrap_or(branch);
            return match self.own_or_origins(wanted) {
                Some(head) => Ok(Some(head)),
                None => Err(FetchError::Malformed {
                    what: what(&settings.path),
                    source: anyhow::anyhow!("it has no branch `{branch}`"),
                }),
            };
        }
        let path = &settings.path;
        let repository = &self.repository;
        let named = repository
            .head_name()
            .map_err(|error| unusable(path, error))?;
        if let Some(name) = &named
            && let Some(commit) = self.commit_of(&name.as_bstr().to_string())
        {
            let branch = Some(name.shorten().to_string().into());
            return Ok(Some(Head { branch, commit }));
        }
        if let Some(branch) = self.origins_default()
            && let Some(head) = self.own_or_origins(&branch)
        {
            return Ok(Some(head));
        }
        if let Some(head) = USUAL_BRANCHES
            .iter()
            .find_map(|branch| self.own_or_origins(branch))
        {
            return Ok(Some(head));
        }
        if let Some(branch) = self.only_branch()
            && let Some(head) = self.own_or_origins(&branch)
        {
            return Ok(Some(head));
        }
        if named.is_none()
            && let Some(commit) = self.commit_of("HEAD")
        {
            self.notices.push(Notice::warning(format!(
                "HEAD of {} is detached and no branch is the default one: its commit counts as the default branch's head; `branch` names another.",
                self.name
            )));
            return Ok(Some(Head {
                branch: None,
                commit,
            }));
        }
        Ok(None)
    }

    fn own_or_origins(&self, branch: &str) -> Option<Head> {
        let commit = self
            .commit_of(&format!("refs/heads/{branch}"))
            .or_else(|| self.commit_of(&format!("refs/remotes/origin/{branch}")))?;
        Some(Head {
            branch: Some(branch.into()),
            commit,
        })
    }

    /// The branch that `origin/HEAD` names.
    fn origins_default(&self) -> Option<String> {
        let head = self.reference("refs/remotes/origin/HEAD")?;
        let TargetRef::Symbolic(name) = head.target() else {
            return None;
        };
        let name = name.as_bstr().to_string();
        name.strip_prefix("refs/remotes/origin/").map(str::to_owned)
    }

    /// The name of the only branch there is.
    fn only_branch(&self) -> Option<String> {
        // A listing that fails was reported, or will be, by the listing of tags.
        let platform = self.repository.references().ok()?;
        let mut branches = platform.local_branches().ok()?;
        let first = branches.next()?.ok()?;
        branches
            .next()
            .is_none()
            .then(|| first.name().shorten().to_string())
    }

    /// What a branch points at, its commit read or not: a damaged one is no reason to take another branch.
    fn commit_of(&self, name: &str) -> Option<ObjectId> {
        let mut reference = self.reference(name)?;
        for _ in 0..LONGEST_CHAIN {
            if let Some(id) = reference.try_id() {
                return Some(id.detach());
            }
            // A reference that cannot be followed leads to no branch; the next guess is tried.
            reference = reference.follow()?.ok()?;
        }
        None
    }

    fn reference(&self, name: &str) -> Option<gix::Reference<'_>> {
        // A name that is none, or a broken reference, is no branch to read from.
        self.repository.try_find_reference(name).ok().flatten()
    }
}

/// How errors name a repository.
pub(super) fn what(path: &Path) -> String {
    format!("the repository {}", path.display())
}

/// Sorts what Git says into what waiting may mend and what a person must look at.
pub(super) fn unusable(path: &Path, error: gix::Error) -> FetchError {
    if error.is_permission_denied() || error.can_retry() {
        FetchError::Unavailable {
            what: what(path),
            source: error.into(),
        }
    } else {
        FetchError::Malformed {
            what: what(path),
            source: error.into(),
        }
    }
}

/// The name by origin's URL, else by the folder.
fn name_of(repository: &gix::Repository) -> Repository {
    let origin = repository.config_snapshot().string("remote.origin.url");
    if let Some(name) = origin.and_then(|url| repository_name::of_url(&url.to_string())) {
        return name;
    }
    // All worktrees of a repository share this folder, so they have one name.
    let folder = repository.common_dir();
    let folder = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let folder = match folder.file_name() {
        Some(name) if name == ".git" => folder.parent().unwrap_or(&folder),
        _ => &folder,
    };
    let name = folder
        .file_name()
        .map(|name| name.to_string_lossy().to_lowercase());
    let name = name.unwrap_or_else(|| "repository".to_owned());
    format!("local/{}", name.strip_suffix(".git").unwrap_or(&name)).into()
}
