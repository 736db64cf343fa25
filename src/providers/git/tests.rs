//! Readings of real repositories, made by `git` itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, Utc};
use futures::StreamExt;
use futures::executor::block_on;
use tempfile::TempDir;

use super::KIND;
use crate::config::{FieldValue, SourceSettings};
use crate::model::{Body, Commit, CommitHash, Cursor, Notice, PullRequest, Release, TimeRange};
use crate::providers::http::{Network, Priority};
use crate::providers::{FetchError, PageRequest, Provider};

/// A repository in a folder of its own.
struct Place {
    folder: TempDir,
    path: PathBuf,
}

impl Place {
    /// An empty repository with branch `main`.
    fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.git");
        std::fs::create_dir(&path).unwrap();
        let place = Self { path, folder };
        place.git("init --quiet --initial-branch=main .");
        place
    }

    /// The history of `tests/fixtures/git/history.sh`.
    fn with_history() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/git/history.sh");
        let status = Command::new("sh").arg(script).arg(&path).status().unwrap();
        assert!(status.success());
        Self { path, folder }
    }

    fn git(&self, arguments: &str) -> String {
        let words: Vec<_> = arguments.split(' ').collect();
        git(&self.path, &words, "2026-02-01T00:00:00Z")
    }

    /// Commits without changes on the branch checked out.
    fn commit_at(&self, time: &str, message: &str) -> String {
        git(
            &self.path,
            &["commit", "--quiet", "--allow-empty", "-m", message],
            time,
        );
        self.git("rev-parse HEAD")
    }

    fn read(&self) -> Reading {
        read(&self.path, &[], None, &[])
    }

    fn read_on(&self, earlier: &Reading) -> Reading {
        read(&self.path, &[], earlier.cursor.clone(), &[])
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn git(folder: &Path, arguments: &[&str], time: &str) -> String {
    let output = Command::new("git")
        .current_dir(folder)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "ada")
        .env("GIT_AUTHOR_EMAIL", "ada@example.org")
        .env("GIT_COMMITTER_NAME", "bot")
        .env("GIT_COMMITTER_EMAIL", "bot@example.org")
        .env("GIT_AUTHOR_DATE", time)
        .env("GIT_COMMITTER_DATE", time)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// What one reading said.
#[derive(Default)]
struct Reading {
    commits: Vec<Commit>,
    requests: BTreeMap<u64, PullRequest>,
    releases: BTreeMap<String, Release>,
    notices: Vec<Notice>,
    cursor: Option<Cursor>,
    covered: Option<TimeRange>,
    pages: usize,
    error: Option<FetchError>,
}

impl Reading {
    fn commit(&self, subject: &str) -> &Commit {
        let mut found = self
            .commits
            .iter()
            .filter(|commit| commit.message.as_deref() == Some(subject));
        let first = found
            .next()
            .unwrap_or_else(|| panic!("no commit `{subject}`"));
        assert!(found.next().is_none(), "two commits `{subject}`");
        first
    }

    fn subjects(&self) -> Vec<&str> {
        self.commits
            .iter()
            .map(|commit| commit.message.as_deref().unwrap_or("-"))
            .collect()
    }

    fn notice(&self, words: &str) -> bool {
        self.notices
            .iter()
            .any(|notice| notice.text.contains(words))
    }
}

fn connect(path: &Path, fields: &[(&'static str, FieldValue)]) -> Box<dyn Provider> {
    let mut all: BTreeMap<_, _> = fields.iter().cloned().collect();
    all.insert("path", FieldValue::Text(path.display().to_string()));
    all.entry("paths").or_insert(FieldValue::Boolean(false));
    let settings = SourceSettings {
        name: "code".into(),
        kind: "git",
        environment: None,
        cluster: None,
        fields: all,
        secrets: BTreeMap::new(),
    };
    (KIND.connect)(&settings, &Network::unused()).unwrap()
}

fn read(
    path: &Path,
    fields: &[(&'static str, FieldValue)],
    resume_from: Option<Cursor>,
    wanted: &[&str],
) -> Reading {
    let provider = connect(path, fields);
    let request = PageRequest {
        range: TimeRange::always(),
        resume_from,
        unfinished: Vec::new(),
        wanted: wanted.iter().map(|hash| hash.parse().unwrap()).collect(),
        priority: Priority::Background,
    };
    let mut reading = Reading::default();
    for page in block_on(provider.pages(request).collect::<Vec<_>>()) {
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                reading.error = Some(error);
                break;
            }
        };
        reading.pages += 1;
        reading.cursor = page.checkpoint.or(reading.cursor);
        reading.covered = page.covered.or(reading.covered);
        reading.notices.extend(page.notices);
        for event in page.events {
            assert_eq!(event.source.as_str(), "code");
            assert_eq!(Some(event.id), event.body.natural_id());
            match event.body {
                Body::Commit(commit) => reading.commits.push(commit),
                Body::PullRequest(request) => {
                    assert!(reading.requests.insert(request.number, request).is_none());
                }
                Body::Release(release) => {
                    assert!(
                        reading
                            .releases
                            .insert(release.tag.to_string(), release)
                            .is_none()
                    );
                }
                other => panic!("git yields no {:?}", other.kind()),
            }
        }
    }
    reading
}

fn check(path: &Path) -> Result<(String, Option<String>), FetchError> {
    block_on(connect(path, &[]).check(DateTime::<Utc>::UNIX_EPOCH))
        .map(|report| (report.message, report.advice))
}

fn at(time: &str) -> DateTime<Utc> {
    time.parse().unwrap()
}

fn hash(digits: &str) -> CommitHash {
    digits.parse().unwrap()
}

#[test]
fn a_commit_says_when_and_by_whom_it_was_made() {
    let place = Place::with_history();
    let reading = place.read();
    let commit = reading.commit("Sum right");
    assert_eq!(commit.repository.as_str(), "local/shop");
    assert_eq!(commit.committed_at, at("2026-01-03T10:00:00Z"));
    assert_eq!(commit.authored_at, Some(at("2026-01-03T09:00:00Z")));
    assert_eq!(commit.author.as_deref(), Some("ada"));
    assert_eq!(commit.branch.as_deref(), Some("main"));
    assert!(commit.default_branch);
    assert_eq!(
        commit.parents[..],
        [reading.commit("Add the till (#1)").hash]
    );
    assert_eq!(
        commit.hash.to_string(),
        place.git("rev-parse hotfix/sums~1")
    );
}

#[test]
fn a_merge_names_its_pull_request_and_that_its_commits() {
    let reading = Place::with_history().read();
    let merge = reading.commit("Merge pull request #2 from acme/hotfix/sums");
    assert_eq!(merge.pull_request, Some(2));
    let request = &reading.requests[&2];
    let charge = reading.commit("Charge right").hash;
    assert_eq!(request.head, Some(charge));
    assert_eq!(request.head_branch.as_deref(), Some("hotfix/sums"));
    assert_eq!(request.title.as_deref(), Some("Sum and charge right"));
    assert_eq!(request.merge_commit, Some(merge.hash));
    assert_eq!(request.merged_at, Some(at("2026-01-06T10:00:00Z")));
    assert_eq!(request.commits, [charge, reading.commit("Sum right").hash]);
    assert_eq!(request.first_commit_at, Some(at("2026-01-03T10:00:00Z")));
}

#[test]
fn a_squash_is_its_pull_requests_squash_commit() {
    let reading = Place::with_history().read();
    let squash = reading.commit("Add the till (#1)");
    let request = &reading.requests[&1];
    assert_eq!(request.squash_commit, Some(squash.hash));
    assert_eq!(request.merge_commit, None);
    assert_eq!(request.merged_at, Some(squash.committed_at));
    assert_eq!(request.title.as_deref(), Some("Add the till"));
    assert_eq!(reading.requests.len(), 2);
}

#[test]
fn a_revert_and_a_pick_name_their_commits() {
    let place = Place::with_history();
    let reading = place.read();
    let reverted = reading.commit("Write it down").hash;
    let reverts: Vec<_> = reading
        .commits
        .iter()
        .filter(|commit| !commit.reverts.is_empty())
        .collect();
    assert_eq!(reverts.len(), 2);
    assert!(
        reverts
            .iter()
            .all(|commit| commit.reverts[..] == [reverted])
    );
    let pick = reverts
        .iter()
        .find(|commit| commit.picked_from.is_some())
        .unwrap();
    let revert = reverts.iter().find(|commit| commit.default_branch).unwrap();
    assert_eq!(pick.picked_from, Some(revert.hash));
}

#[test]
fn an_abbreviated_hash_is_resolved_where_it_names_one_commit() {
    let place = Place::empty();
    let first = place.commit_at("2026-01-01T00:00:00Z", "One");
    let message = format!(
        "Two\n\nThis reverts commit {}.\nThis reverts commit 0123456.",
        &first[..9]
    );
    place.commit_at("2026-01-02T00:00:00Z", &message);
    assert_eq!(place.read().commit("Two").reverts[..], [hash(&first)]);
}

#[test]
fn commits_of_tags_alone_are_on_no_branch() {
    let reading = Place::with_history().read();
    let commit = reading.commit("Only on the release branch");
    assert!(!commit.default_branch);
    assert_eq!(commit.branch, None);
    // Start, #1, two of #2, docs, merge, revert; and two of the release branch.
    assert_eq!(reading.commits.len(), 9);
}

#[test]
fn a_tag_has_its_taggers_time_and_a_light_one_its_commits() {
    let place = Place::with_history();
    let reading = place.read();
    let merge = reading
        .commit("Merge pull request #2 from acme/hotfix/sums")
        .hash;
    let told: Vec<_> = reading
        .releases
        .iter()
        .map(|(tag, release)| format!("{tag} {}", release.tagged_at.unwrap().to_rfc3339()))
        .collect();
    assert_eq!(
        told,
        [
            "v1.0 2026-01-06T10:00:00+00:00",
            "v1.0.1 2026-01-11T10:00:00+00:00",
            "v1.1 2026-01-08T10:00:00+00:00",
            "v1.1-signed 2026-01-08T10:00:00+00:00",
        ]
    );
    assert!(
        ["v1.0", "v1.1", "v1.1-signed"]
            .iter()
            .all(|tag| reading.releases[*tag].commit == merge)
    );
}

#[test]
fn a_tag_of_a_folder_or_a_file_is_named_and_left_out() {
    let reading = Place::with_history().read();
    assert!(
        reading.notice("Tag folder of local/shop marks a tree"),
        "{:?}",
        reading.notices
    );
    assert!(reading.notice("Tag file of local/shop marks a blob"));
}

#[test]
fn a_clone_covers_from_its_first_commit_on() {
    let reading = Place::with_history().read();
    let covered = TimeRange::new(at("2026-01-01T10:00:00Z"), DateTime::<Utc>::MAX_UTC);
    assert_eq!(reading.covered, Some(covered));
}

#[test]
fn commits_come_newest_first() {
    let reading = Place::with_history().read();
    let times: Vec<_> = reading
        .commits
        .iter()
        .filter(|commit| commit.default_branch)
        .map(|commit| commit.committed_at)
        .collect();
    assert!(
        times.is_sorted_by(|newer, older| newer >= older),
        "{times:?}"
    );
}

#[test]
fn paths_are_read_where_a_monorepo_asks() {
    let place = Place::with_history();
    let fields = [("paths", FieldValue::Boolean(true))];
    let reading = read(&place.path, &fields, None, &[]);
    let paths = |subject: &str| reading.commit(subject).paths.join(" ");
    assert_eq!(paths("Start"), "shop/cart");
    assert_eq!(paths("Charge right"), "pay/card");
    assert_eq!(
        paths("Merge pull request #2 from acme/hotfix/sums"),
        "pay/card shop/till"
    );
    assert_eq!(place.read().commit("Start").paths.len(), 0);
}

#[test]
fn a_second_reading_tells_only_what_is_new() {
    let place = Place::with_history();
    let first = place.read();
    let nothing = place.read_on(&first);
    assert_eq!(nothing.subjects(), [""; 0]);
    assert_eq!((nothing.requests.len(), nothing.releases.len()), (0, 0));
    assert_eq!(nothing.covered, first.covered);

    place.commit_at("2026-02-01T00:00:00Z", "New (#7)");
    place.git("tag v2.0");
    place.git("tag --force v1.0 HEAD~1");
    let second = place.read_on(&nothing);
    assert_eq!(second.subjects(), ["New (#7)"]);
    assert_eq!(second.requests.keys().collect::<Vec<_>>(), [&7]);
    assert_eq!(second.releases.keys().collect::<Vec<_>>(), ["v1.0", "v2.0"]);
}

#[test]
fn a_commit_known_from_a_tag_is_told_again_when_the_default_branch_holds_it() {
    let place = Place::with_history();
    let first = place.read();
    assert!(!first.commit("Only on the release branch").default_branch);
    git(
        &place.path,
        &[
            "merge",
            "--quiet",
            "-m",
            "Merge the release",
            "-X",
            "theirs",
            "release-1",
        ],
        "2026-02-02T00:00:00Z",
    );
    let second = place.read_on(&first);
    assert!(second.commit("Only on the release branch").default_branch);
    assert_eq!(second.commits.len(), 3);
}

#[test]
fn a_rewritten_branch_is_read_on_and_said_to_be_rewritten() {
    let place = Place::empty();
    place.commit_at("2026-01-01T00:00:00Z", "One");
    place.commit_at("2026-01-02T00:00:00Z", "Two");
    let first = place.read();
    place.git("reset --quiet --hard HEAD~1");
    place.commit_at("2026-01-03T00:00:00Z", "Two again");
    let second = place.read_on(&first);
    assert_eq!(second.subjects(), ["Two again"]);
    assert!(second.notice("was rewritten"));
    place.commit_at("2026-01-04T00:00:00Z", "Three");
    let third = place.read_on(&second);
    assert_eq!(third.subjects(), ["Three"]);
    assert!(third.notices.is_empty(), "{:?}", third.notices);
}

#[test]
fn an_old_head_that_is_gone_means_a_whole_reading() {
    let place = Place::empty();
    place.commit_at("2026-01-01T00:00:00Z", "One");
    let first = place.read();
    place.git("checkout --quiet --orphan other");
    place.commit_at("2026-01-02T00:00:00Z", "Root");
    place.git("branch --quiet -M other main");
    place.git("reflog expire --expire=all --all");
    place.git("gc --quiet --prune=now");
    assert_eq!(place.read_on(&first).subjects(), ["Root"]);
}

#[test]
fn wrong_clocks_lose_no_commit() {
    let place = Place::empty();
    place.commit_at("1970-01-01T00:00:00Z", "Epoch");
    place.commit_at("2099-12-31T00:00:00Z", "Far ahead");
    place.commit_at("2026-01-01T00:00:00Z", "Now");
    let first = place.read();
    assert_eq!(first.subjects(), ["Now", "Far ahead", "Epoch"]);
    place.commit_at("1980-01-01T00:00:00Z", "Back then");
    assert!(place.read_on(&first).subjects().contains(&"Back then"));
}

#[test]
fn a_commit_without_usable_time_keeps_its_place_by_its_authors_time() {
    let place = Place::empty();
    let first = place.commit_at("2026-01-01T00:00:00Z", "One");
    let tree = place.git("rev-parse HEAD^{tree}");
    let raw = format!(
        "tree {tree}\nparent {first}\nauthor ada <a@b> 1767312000 +0000\ncommitter bot <a@b> 99999999999999999 +0000\n\nOdd\n"
    );
    let file = place.beside("odd");
    std::fs::write(&file, raw).unwrap();
    let odd = git(
        &place.path,
        &[
            "hash-object",
            "-t",
            "commit",
            "-w",
            "--literally",
            file.to_str().unwrap(),
        ],
        "",
    );
    place.git(&format!("update-ref refs/heads/main {odd}"));
    let reading = place.read();
    assert_eq!(
        reading.commit("Odd").committed_at,
        at("2026-01-02T00:00:00Z")
    );
    assert_eq!(reading.commits.len(), 2);
    assert!(reading.notice("no usable committer's time"));
}

#[test]
fn a_bare_clone_and_a_linked_worktree_are_named_by_origin() {
    let place = Place::with_history();
    place.git("remote add origin git@GitHub.com:Acme/Shop.git");
    let linked = place.beside("linked");
    place.git(&format!(
        "worktree add --quiet {} release-1",
        linked.display()
    ));
    let reading = read(&linked, &[], None, &[]);
    assert_eq!(
        reading.commits[0].repository.as_str(),
        "github.com/acme/shop"
    );
    assert_eq!(reading.commits[0].branch.as_deref(), Some("release-1"));

    let bare = place.beside("Copy.git");
    let (from, to) = (place.path.display().to_string(), bare.display().to_string());
    git(
        place.folder.path(),
        &["clone", "--quiet", "--bare", &from, &to],
        "",
    );
    let reading = read(&bare, &[], None, &[]);
    assert_eq!(reading.commits[0].repository.as_str(), "local/copy");
    assert_eq!(reading.commits.len(), 9);
}

#[test]
fn the_settings_name_repository_and_branch() {
    let place = Place::with_history();
    let fields = [
        (
            "repository",
            FieldValue::Text("GitHub.com/Acme/Shop".into()),
        ),
        ("branch", FieldValue::Text("release-1".into())),
    ];
    let reading = read(&place.path, &fields, None, &[]);
    let commit = reading.commit("Only on the release branch");
    assert_eq!(commit.repository.as_str(), "github.com/acme/shop");
    assert_eq!(
        (commit.branch.as_deref(), commit.default_branch),
        (Some("release-1"), true)
    );

    let fields = [("branch", FieldValue::Text("gone".into()))];
    let error = read(&place.path, &fields, None, &[]).error.unwrap();
    assert!(
        crate::error::chain(&error).ends_with("it has no branch `gone`"),
        "{error:?}"
    );
}

#[test]
fn a_detached_clone_is_read_by_the_branch_that_origin_calls_default() {
    let place = Place::with_history();
    let clone = place.beside("clone");
    let (from, to) = (
        place.path.display().to_string(),
        clone.display().to_string(),
    );
    git(place.folder.path(), &["clone", "--quiet", &from, &to], "");
    git(
        &clone,
        &["checkout", "--quiet", "--detach", "origin/release-1"],
        "",
    );
    git(&clone, &["branch", "--quiet", "-D", "main"], "");
    let reading = read(&clone, &[], None, &[]);
    assert_eq!(reading.commit("Start").branch.as_deref(), Some("main"));
    assert_eq!(
        reading
            .commits
            .iter()
            .filter(|commit| commit.default_branch)
            .count(),
        7
    );
}

#[test]
fn a_shallow_clone_says_that_it_is_cut_and_is_read_anew_when_deepened() {
    let place = Place::empty();
    for day in 1..=5 {
        place.commit_at(&format!("2026-01-0{day}T00:00:00Z"), &format!("Day {day}"));
    }
    let clone = place.beside("clone");
    let (from, to) = (
        format!("file://{}", place.path.display()),
        clone.display().to_string(),
    );
    git(
        place.folder.path(),
        &["clone", "--quiet", "--depth=2", &from, &to],
        "",
    );
    let first = read(&clone, &[], None, &[]);
    assert_eq!(first.subjects(), ["Day 5", "Day 4"]);
    assert_eq!(first.commit("Day 4").parents.len(), 1);
    assert!(first.notice("shallow"));
    assert!(check(&clone).unwrap().1.unwrap().contains("--unshallow"));

    git(&clone, &["fetch", "--quiet", "--unshallow"], "");
    let second = read(&clone, &[], first.cursor, &[]);
    assert_eq!(second.subjects().len(), 5);
    assert_eq!(second.covered.unwrap().start, at("2026-01-01T00:00:00Z"));
}

#[test]
fn an_empty_repository_is_no_error_and_covers_nothing() {
    let place = Place::empty();
    let reading = place.read();
    assert!(reading.error.is_none());
    assert_eq!((reading.commits.len(), reading.covered), (0, None));
    assert!(
        reading.notice("local/shop is empty"),
        "{:?}",
        reading.notices
    );
    assert_eq!(
        check(&place.path).unwrap().0,
        "local/shop is empty: it has no branch and no tag yet."
    );
}

#[test]
fn a_damaged_commit_costs_its_history_only_until_it_is_mended() {
    let place = Place::with_history();
    let damaged = place.git("rev-parse hotfix/sums");
    let object = place
        .path
        .join(".git/objects")
        .join(&damaged[..2])
        .join(&damaged[2..]);
    let good = std::fs::read(&object).unwrap();
    std::fs::remove_file(&object).unwrap();
    std::fs::write(&object, "no object").unwrap();
    let reading = place.read();
    assert!(reading.error.is_none(), "{:?}", reading.error);
    assert!(
        reading.notice(&format!("Commit {damaged} of local/shop cannot be read")),
        "{:?}",
        reading.notices
    );
    assert_eq!(reading.commits.len(), 7);

    std::fs::write(&object, good).unwrap();
    let mended = place.read_on(&reading);
    assert_eq!(mended.subjects(), ["Charge right", "Sum right"]);
    assert!(mended.commits.iter().all(|commit| commit.default_branch));
}

#[test]
fn a_newest_commit_that_is_damaged_is_an_error_that_names_the_repository() {
    let place = Place::empty();
    let head = place.commit_at("2026-01-01T00:00:00Z", "One");
    let object = place
        .path
        .join(".git/objects")
        .join(&head[..2])
        .join(&head[2..]);
    std::fs::remove_file(&object).unwrap();
    std::fs::write(&object, "no object").unwrap();
    let error = crate::error::chain(&place.read().error.unwrap());
    assert!(error.contains(&place.path.display().to_string()), "{error}");
    assert!(error.contains(&head), "{error}");
}

#[test]
fn a_missing_folder_may_come_back_and_a_folder_without_repository_will_not() {
    let folder = tempfile::tempdir().unwrap();
    let missing = read(&folder.path().join("gone"), &[], None, &[])
        .error
        .unwrap();
    assert!(
        matches!(missing, FetchError::Unavailable { .. }),
        "{missing:?}"
    );
    let other = read(folder.path(), &[], None, &[]).error.unwrap();
    assert!(matches!(other, FetchError::Malformed { .. }), "{other:?}");
    assert!(
        other
            .to_string()
            .contains(&folder.path().display().to_string())
    );
}

#[test]
fn a_cursor_of_something_else_starts_anew() {
    let place = Place::with_history();
    let error = read(&place.path, &[], Some(Cursor("12".into())), &[])
        .error
        .unwrap();
    assert!(
        matches!(error, FetchError::CursorExpired { .. }),
        "{error:?}"
    );
    let first = place.read();
    let fields = [(
        "repository",
        FieldValue::Text("github.com/acme/shop".into()),
    )];
    assert_eq!(
        read(&place.path, &fields, first.cursor, &[]).commits.len(),
        9
    );
}

#[test]
fn wanted_commits_are_read_with_their_history_where_the_repository_has_them() {
    let place = Place::with_history();
    place.git("checkout --quiet -b side main~1");
    place.commit_at("2026-01-20T00:00:00Z", "Side one");
    let side = place.commit_at("2026-01-21T00:00:00Z", "Side two");
    place.git("checkout --quiet main");
    let first = place.read();
    assert!(!first.subjects().contains(&"Side one"));
    let unknown = "7a7d7658ad4439d66e4093321f2633f022e808f6";
    let wanted = read(&place.path, &[], first.cursor, &[unknown, &side]);
    assert_eq!(wanted.subjects(), ["Side two", "Side one"]);
    assert!(
        wanted
            .commits
            .iter()
            .all(|commit| !commit.default_branch && commit.branch.is_none())
    );
}

#[test]
fn a_check_says_what_it_sees() {
    let place = Place::with_history();
    assert_eq!(
        check(&place.path).unwrap(),
        (
            "Sees 3 branches and 6 tags of local/shop; default branch main, newest commit at 2026-01-09T10:00:00Z.".to_owned(),
            None
        )
    );
}

#[test]
fn a_real_history_is_read_as_git_itself_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/prometheus-history.bundle"
    );
    git(
        folder.path(),
        &["clone", "--quiet", "--bare", bundle, "history.git"],
        "",
    );
    let path = folder.path().join("history.git");
    let run = |arguments: &[&str]| git(&path, arguments, "");
    let count = |arguments: &[&str]| {
        run(arguments)
            .lines()
            .filter(|line| !line.is_empty())
            .count()
    };

    let reading = read(&path, &[], None, &[]);
    assert!(reading.error.is_none());
    assert!(reading.notices.is_empty(), "{:?}", reading.notices);
    assert!(reading.pages > 3);
    let on_main = reading
        .commits
        .iter()
        .filter(|commit| commit.default_branch)
        .count();
    assert_eq!(reading.commits.len(), 18_785);
    assert_eq!(
        reading.commits.len(),
        count(&["rev-list", "main", "--tags"])
    );
    assert_eq!(on_main, count(&["rev-list", "main"]));
    assert_eq!(reading.releases.len(), count(&["tag", "--list"]));

    let mut hashes: Vec<_> = reading
        .commits
        .iter()
        .map(|commit| commit.hash.to_string())
        .collect();
    hashes.sort_unstable();
    let mut expected: Vec<_> = run(&["rev-list", "main", "--tags"])
        .lines()
        .map(str::to_owned)
        .collect();
    expected.sort_unstable();
    assert_eq!(hashes, expected);

    let merges = reading
        .commits
        .iter()
        .filter(|commit| commit.is_merge())
        .count();
    assert_eq!(merges, count(&["rev-list", "--merges", "main", "--tags"]));
    let reverting = reading
        .commits
        .iter()
        .filter(|commit| !commit.reverts.is_empty())
        .count();
    let grep = "This reverts commit [0-9a-f]{40}";
    assert_eq!(
        reverting,
        count(&["rev-list", "-E", "--grep", grep, "main", "--tags"])
    );
    assert_eq!(reverting, 49);
    let picked = reading
        .commits
        .iter()
        .filter(|commit| commit.picked_from.is_some())
        .count();
    let grep = "\\(cherry picked from commit [0-9a-f]{40}\\)";
    assert_eq!(
        picked,
        count(&["rev-list", "-E", "--grep", grep, "main", "--tags"])
    );

    let times = run(&["log", "--format=%H %ct %at", "main", "--tags"]);
    let times: BTreeMap<_, _> = times
        .lines()
        .filter_map(|line| line.split_once(' '))
        .collect();
    for commit in &reading.commits {
        let authored = commit
            .authored_at
            .unwrap_or(commit.committed_at)
            .timestamp();
        let told = format!("{} {authored}", commit.committed_at.timestamp());
        assert_eq!(times[&*commit.hash.to_string()], told, "{}", commit.hash);
    }

    // Of the newest 40 merged pull requests, Git itself lists the same commits.
    let merged = reading
        .requests
        .values()
        .rev()
        .filter_map(|request| Some((request, request.merge_commit?)));
    for (request, merge) in merged.take(40) {
        let own = run(&["rev-list", &format!("{merge}^1..{merge}^2")]);
        let mut own: Vec<_> = own.lines().map(hash).collect();
        let mut told = request.commits.clone();
        own.sort();
        told.sort();
        assert_eq!(told, own, "#{}", request.number);
    }
    let again = read(&path, &[], reading.cursor, &[]);
    assert_eq!(
        (
            again.commits.len(),
            again.requests.len(),
            again.releases.len()
        ),
        (0, 0, 0)
    );
}
